"""What a newcomer can do after README's first line: every command runs, or says what it needs and how to install it.

A program, for there is no pytest where only the core is installed: `.ci/run` runs it there, the suite with `--refuse`,
which takes every optional package away where they are installed.
"""

from __future__ import annotations

import os
import re
import runpy
import sys
from collections.abc import Sequence
from contextlib import redirect_stderr, redirect_stdout
from importlib.machinery import PathFinder
from io import BytesIO, TextIOWrapper
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
#: What the extras bring, by the name that is imported.
OPTIONAL = {"torch", "transformers", "einops", "gpytorch", "linear_operator", "sklearn", "statsmodels", "pandas"}
OPTIONAL |= {"matplotlib", "jinja2", "pdoc", "playwright", "hypothesis", "pytest", "numba"}
OPTIONAL |= {"jax", "jaxlib", "dask", "distributed"}
TORCH, MODELS, CHECKS, REPORT, CLUSTER = (
    f"… -m pip install -c constraints.txt 'glutheory[{extra}]'"
    for extra in ("torch", "models", "checks", "report", "cluster")
)
#: What nobody wants to read in a terminal: a traceback, LaTeX.
RAW = re.compile(r"Traceback|\\[a-zA-Z]{2,}")
FULL = str(ROOT / "results" / "full.json")
#: The program and its words; its exit status; what is said there, with what differs from place to place left out.
CASES: Sequence[tuple[str, int, str]] = (
    ("glutheory --help", 0, "Derive a network's kernels"),
    ("glutheory list", 0, "swiglu"),
    ("glutheory derive relu", 0, "θ"),
    ("glutheory evaluate relu --a 1 --b 1 --c 0.5 --road both", 0, "the roads agree"),
    ("glutheory kernel relu reglu --points 11", 0, "reglu"),
    ("glutheory kernel relu --points 11 --out x.svg", 2, f"figures need matplotlib: {REPORT}"),
    ("glutheory spectrum relu reglu --n 16 --d 4", 0, "condition number"),
    ("glutheory spectrum relu reglu --n 16 --d 4 --out x.svg", 2, REPORT),
    ("glutheory dynamics relu reglu --n 8 --d 3", 0, "loss"),
    ("glutheory dynamics relu reglu --n 8 --d 3 --train 2", 2, f"training networks needs torch: {TORCH}"),
    ("glutheory phase reglu --n 8 --d 2", 0, "ReGLU"),
    ("glutheory phase reglu --n 8 --d 2 --out x.svg", 2, REPORT),
    ("glutheory phase reglu --scheduler tcp://127.0.0.1:1", 2, f"a cluster needs distributed: {CLUSTER}"),
    ("glutheory depth relu --layers 1:2", 0, "relu"),
    ("glutheory audit llama", 2, f"audit needs torch: {MODELS}"),
    ("glutheory report --out x.html", 2, REPORT),
    ("glutheory report --figures figures", 2, REPORT),
    ("glutheory completion bash", 0, "complete"),
    ("glutheory.derive reglu", 0, "θ"),
    ("derivations steps_to_error", 0, "decided"),
    ("checks --help", 0, "--explain"),
    ("checks --list", 0, "λ_max(K) = O(mn/d)"),
    (f"checks --from {FULL} --only condition,spike", 0, "2 claims"),
    (f"checks --from {FULL} --explain ntk-plain", 0, "Eq. 3"),
    (f"checks --from {FULL} --explain lambda-max,lambda-min,condition", 0, "λ₁(K)/(mn) → 1/(2π)"),
    ("checks --jobs 1 --only angle,spike", 0, f"spike  skipped: needs statsmodels\nFor this one: {CHECKS}"),
    ("checks --explain ntk-plain", 2, "at every width"),
    ("checks --only ntk-plain", 2, f"ntk-plain  skipped: needs torch\nFor this one: {CHECKS}"),
    ("checks --device cuda --only angle", 2, TORCH),
    ("checks --only angle --scheduler tcp://127.0.0.1:1", 2, f"a cluster needs distributed: {CLUSTER}"),
    ("docs/tutorial.py", 1, f"the tutorial needs torch, scikit-learn, statsmodels: {CHECKS}"),
)


class Hiding(PathFinder):
    """Python's finder of modules, blind to the optional packages."""

    @classmethod
    def find_spec(cls, fullname: str, path: Any = None, target: Any = None) -> Any:
        """What it finds, unless it is one of them."""
        return None if fullname.partition(".")[0] in OPTIONAL else super().find_spec(fullname, path, target)


def told(words: str) -> tuple[int, str]:
    """The exit status and all that is written."""
    program, *_ = sys.argv = words.split()
    # of the characters that a terminal has
    said = TextIOWrapper(BytesIO(), encoding="utf-8", write_through=True)
    with redirect_stdout(said), redirect_stderr(said):
        try:
            if program.endswith(".py"):
                runpy.run_path(str(ROOT / program), run_name="__main__")
            else:
                runpy.run_module(program, run_name="__main__")
            status: Any = 0
        except SystemExit as end:
            status = end.code
    written = said.buffer.getvalue().decode()
    # a text as status is written by the interpreter
    return (1, written + status) if isinstance(status, str) else (status or 0, written)


def complaint(words: str, status: int, sentence: str) -> str:
    """What is wrong about it; empty if nothing is."""
    found, said = told(words)
    raw = None if words.startswith("derivations") else RAW.search(said)  # which are Markdown
    parts = ".*?".join(re.escape(part) for part in sentence.split("…"))
    if found == status and re.search(parts, said) and not raw:
        return ""
    wrong = f"shows {raw[0]!r}" if raw else f"ended with {found}, not {status}, or does not say {sentence!r}"
    return f"{words}\n{wrong}:\n{said[-3000:]}\n"


def main() -> int:
    """Run them all; the status, 0 if all do what they should."""
    sys.path.insert(0, str(ROOT))
    if "--refuse" in sys.argv:
        sys.meta_path[:] = [Hiding if finder is PathFinder else finder for finder in sys.meta_path]
    with TemporaryDirectory() as folder:
        os.chdir(folder)
        wrong = [found for case in CASES if (found := complaint(*case))]
        os.chdir(ROOT)
    brought = sorted(OPTIONAL & {name.partition(".")[0] for name in sys.modules})
    print("\n".join(wrong), f"{len(CASES) - len(wrong)} of {len(CASES)} commands do what they should", sep="")
    if brought:
        print(f"imported in spite of all: {', '.join(brought)}")
    return 1 if wrong or brought else 0


if __name__ == "__main__":
    sys.exit(main())
