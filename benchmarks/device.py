"""Everything that wants a GPU, in one prepared run: tests, comparison with the CPU, power, real networks, speed.

    python benchmarks/device.py --out results/device            # on a CUDA device, at most 8 minutes on an H100
    python benchmarks/device.py --device cpu --small --out DIR  # the dry run, a minute or two

It writes DIR/NAME-OF-THE-DEVICE.json after every step; run again, it goes on with the steps that are missing or failed.
torch, numpy, scipy, sympy, mpmath and python-flint must be there; where another package is absent, the steps that need
it are skipped and say so. A step that fails is recorded with its error, and the others go on. The exit status is 1 if a
comparison failed.
"""

from __future__ import annotations

import argparse
import json
import platform
import re
import sys
import time
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

PACKAGES = ("glutheory", "torch", "numpy", "scipy", "sympy", "mpmath", "python-flint", "transformers", "pytest")


def about(device: str) -> dict[str, Any]:
    """The device and the software."""
    import torch

    found: dict[str, Any] = {"device": device, "name": platform.processor() or platform.machine()}
    if torch.device(device).type == "cuda":
        facts = torch.cuda.get_device_properties(device)
        found |= {"name": facts.name, "GiB": round(facts.total_memory / 2**30, 1), "cuda": torch.version.cuda}
    found["versions"] = {}
    for name in PACKAGES:
        try:
            found["versions"][name] = version(name)
        except PackageNotFoundError:
            found["versions"][name] = "absent"
    return found


def write(path: Path, content: dict[str, Any]) -> None:
    """In one step: a reader, or the end of the loan, finds the old file or the new one."""
    beside = path.with_suffix(".part")
    beside.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
    beside.replace(path)


def main() -> int:
    """Run what is missing."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--small", action="store_true", help="sizes for a dry run")
    parser.add_argument("--out", type=Path, required=True, help="the folder of the results")
    parser.add_argument("--only", default="", help="names of steps, separated by commas")
    parser.add_argument("--limit", type=float, default=480, help="seconds after which no step is begun")
    given = parser.parse_args()
    sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
    from benchmarks.device_steps import STEPS, Setting

    facts = about(given.device)
    label = re.sub(r"[^a-z0-9]+", "-", str(facts["name"]).lower()).strip("-") + ("-small" if given.small else "")
    given.out.mkdir(parents=True, exist_ok=True)
    path = given.out / f"{label}.json"
    content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {"steps": {}}
    content |= {**facts, "small": given.small, "created": datetime.now(UTC).isoformat(timespec="seconds")}
    wanted = [name for name in given.only.split(",") if name] or list(STEPS)
    unknown = sorted(set(wanted) - set(STEPS))
    if unknown:
        parser.error(f"no step is called {unknown[0]!r}: there are {', '.join(STEPS)}")
    begin = time.perf_counter()
    for name in wanted:
        if content["steps"].get(name, {}).get("status") in ("passed", "measured"):
            continue
        if time.perf_counter() - begin > given.limit:
            print(f"{name}: not begun, {given.limit:g} s are over", flush=True)
            continue
        start = time.perf_counter()
        try:
            found = STEPS[name](Setting(given.device, given.small))
        except ImportError as error:
            found = {"status": "skipped", "reason": f"needs {error.name or error}"}
        except Exception as error:  # noqa: BLE001 (the device is lent for minutes: the other steps go on)
            found = {"status": "failed", "reason": f"{type(error).__name__}: {error}"[:500]}
        found["seconds"] = round(time.perf_counter() - start, 2)
        content["steps"][name] = found
        write(path, content)
        print(f"{name}: {json.dumps(found)[:300]}", flush=True)
    return int(any(step["status"] == "failed" for step in content["steps"].values()))


if __name__ == "__main__":
    sys.exit(main())
