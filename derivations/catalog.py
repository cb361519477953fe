"""The table of proofs, found by listing `derivations.proofs`: each file defines `proof()`."""

from __future__ import annotations

import difflib
import pkgutil
from functools import lru_cache
from importlib import import_module
from pathlib import Path

from derivations.tools.proof import Proof
from glutheory.errors import UnknownNameError

FOLDER = Path(__file__).resolve().parent


@lru_cache(maxsize=1)
def names() -> tuple[str, ...]:
    """The names of the proofs, in alphabetical order."""
    return tuple(sorted(info.name for info in pkgutil.iter_modules([str(FOLDER / "proofs")])))


def load(name: str) -> Proof:
    """The proof of this name, built but not run.

    Raises:
        UnknownNameError: no such proof; the message suggests the nearest names.
    """
    if name not in names():
        close = difflib.get_close_matches(name.lower(), names(), n=2, cutoff=0.5)
        hint = f"did you mean {' or '.join(map(repr, close))}?" if close else f"the proofs are {', '.join(names())}."
        shown = name if len(name) <= 40 else name[:37] + "..."
        raise UnknownNameError(f"unknown proof {shown!r}: {hint}")
    found: Proof = import_module(f"derivations.proofs.{name}").proof()
    return found
