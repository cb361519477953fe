"""Everything that wants a GPU, in one prepared run: tests, comparison with the CPU, power, real networks, speed.

    python benchmarks/device.py --out results/device            # on a CUDA device, at most 8 minutes on an H100
    python benchmarks/device.py --device cpu --small --out DIR  # the dry run, a minute or two

It writes DIR/NAME-OF-THE-DEVICE.json after every step. Run again, it goes on with the steps that are missing, failed or
were skipped, and does again those of another version: of the package's or a step's source, or of a package used.

torch and numpy must be there, and what the package itself needs; a step that needs what is absent is skipped and says
so. Where no registry can be reached, wheels for that Python are carried there in a folder:

    pip download -d wheels --only-binary :all: -c constraints.txt python-flint sympy mpmath scipy click rich \
        array-api-compat threadpoolctl pytest pytest-xdist hypothesis  # and --python-version, --platform of the other
    pip install --no-index --find-links wheels python-flint sympy mpmath scipy click rich \
        array-api-compat threadpoolctl pytest pytest-xdist hypothesis  # there

A step that fails is recorded with its error, and the others go on. The exit status is 1 if a step failed. After --limit
seconds no step is begun; one that has begun is not broken off.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import platform
import re
import sys
import time
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
PACKAGES = ["torch", "numpy", "scipy", "sympy", "mpmath", "python-flint", "transformers", "einops", "gpytorch"]
PACKAGES += ["pytest", "hypothesis"]


def about(device: str) -> dict[str, Any]:
    """The device."""
    import torch

    found: dict[str, Any] = {"device": device, "name": platform.processor() or platform.machine()}
    if torch.device(device).type == "cuda":
        facts = torch.cuda.get_device_properties(device)
        found |= {"name": facts.name, "GiB": round(facts.total_memory / 2**30, 1), "cuda": torch.version.cuda}
    return found


def versions() -> dict[str, str]:
    """Of the software that the figures of a step come from; of the source itself, which has no number, a checksum."""
    digest = hashlib.sha256()
    for path in (*sorted((ROOT / "glutheory").rglob("*.py")), ROOT / "benchmarks" / "device_steps.py"):
        digest.update(path.relative_to(ROOT).as_posix().encode() + b"\0" + path.read_bytes())
    found = {"source": digest.hexdigest()[:16], "python": platform.python_version()}
    for name in PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = "absent"
    return found


def unusable(device: str) -> str:
    """Why nothing can be run on this device, in a sentence; empty if it can."""
    try:
        import torch
    except ImportError:
        return "torch is absent: install it for this device."
    try:
        torch.empty(1, device=device)
    except Exception:  # noqa: BLE001 (torch raises AssertionError, RuntimeError and others of its own)
        return f"--device is {device!r}, which torch cannot use here: give cpu with --small for a dry run."
    return ""


def done(step: dict[str, Any], software: dict[str, str]) -> bool:
    """Whether it need not be run again."""
    return step.get("status") in ("passed", "measured") and step.get("versions") == software


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
    if reason := unusable(given.device):
        parser.error(reason)
    sys.path.insert(0, str(ROOT))
    from benchmarks.device_steps import STEPS, Setting

    facts = about(given.device)
    label = re.sub(r"[^a-z0-9]+", "-", str(facts["name"]).lower()).strip("-") + ("-small" if given.small else "")
    given.out.mkdir(parents=True, exist_ok=True)
    path = given.out / f"{label}.json"
    content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {"steps": {}}
    content |= {**facts, "small": given.small}
    software = versions()
    wanted = [name for name in given.only.split(",") if name] or list(STEPS)
    unknown = sorted(set(wanted) - set(STEPS))
    if unknown:
        parser.error(f"no step is called {unknown[0]!r}: there are {', '.join(STEPS)}")
    begin = time.perf_counter()
    for name in wanted:
        if done(content["steps"].get(name, {}), software):
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
        now = datetime.now(UTC).isoformat(timespec="seconds")
        found |= {"seconds": round(time.perf_counter() - start, 2), "finished": now, "versions": software}
        content["steps"][name] = found
        write(path, content)
        print(f"{name}: {json.dumps(found)[:300]}", flush=True)
    return int(any(step["status"] == "failed" for step in content["steps"].values()))


if __name__ == "__main__":
    sys.exit(main())
