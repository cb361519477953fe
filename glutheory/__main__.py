"""`python -m glutheory`: the command line."""

from __future__ import annotations

from glutheory.commands.main import main

if __name__ == "__main__":
    main(prog_name="python -m glutheory")
