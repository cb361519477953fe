"""All benchmarks in one run: `python -m benchmarks`; each script also runs on its own and has its own options.

device.py is not among them: it wants a GPU and a folder to write to.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

SCRIPTS = (
    "command_line.py",
    "gram.py",
    "floor.py",
    "own_activations.py",
    "learning.py",
    "depth.py",
    "evaluate.py",
    "digits.py",
    "gram_operator.py",
    "sampling.py",
    "modules.py",
    "cluster.py",
    "chunks.py",
)

if __name__ == "__main__":
    for script in SCRIPTS:
        print(f"\n== {script}", flush=True)
        subprocess.run([sys.executable, Path(__file__).with_name(script)], check=True)
