"""The checks, found by listing `checks.claims`: each file, or the `statement` of each folder, has `CLAIM` and `run`."""

from __future__ import annotations

import difflib
import pkgutil
from collections.abc import Mapping, Sequence
from functools import lru_cache
from importlib import import_module
from pathlib import Path
from types import ModuleType

from glutheory.claims import Claim
from glutheory.claims.retired import RETIRED
from glutheory.claims.sources import of_source
from glutheory.errors import DomainError, UnknownNameError

FOLDER = Path(__file__).resolve().parent / "claims"
#: The order of every list of claims: the paper's in its own order, then ours; a claim that is not here comes last.
ORDER = (
    *("ntk-plain", "ntk-gated", "hadamard", "angle", "decomposition", "lambda-max", "lambda-min", "condition"),
    *("compact", "expected-loss", "crossing-early", "crossing-late", "steps", "training", "trajectory", "diagonal"),
    *("architectures", "generalization"),
    *("finite-width-mean", "hadamard-exact", "degree-shift", "majorisation", "not-always", "spike", "phase-diagram"),
    *("decorrelation", "products", "mechanism", "depth-limit", "signal"),
)


#: These train networks on images and on text, the user's where they are given.
ON_DATA = ("training", "architectures", "generalization")


@lru_cache(maxsize=1)
def modules() -> dict[str, ModuleType]:
    """The checks by the id of their claim, in the order of `ORDER`.

    Raises:
        DomainError: a file or folder is not called like its claim.
    """
    found: dict[str, ModuleType] = {}
    for info in pkgutil.iter_modules([str(FOLDER)]):
        module = import_module(f"checks.claims.{info.name}{'.statement' if info.ispkg else ''}")
        if module.CLAIM.id != info.name.replace("_", "-"):
            raise DomainError(f"checks/claims/{info.name} has the claim {module.CLAIM.id!r}: give both the same name.")
        found[module.CLAIM.id] = module
    return {name: found[name] for name in sorted(found, key=_place)}


def _place(name: str) -> tuple[int, str]:
    return (ORDER.index(name) if name in ORDER else len(ORDER)), name


def module(name: str) -> ModuleType:
    """The check of one claim, by its id; those of the others are not imported."""
    found = name.replace("-", "_")
    return import_module(f"checks.claims.{found}{'.statement' if (FOLDER / found).is_dir() else ''}")


def claims() -> dict[str, Claim]:
    """All claims by id."""
    return {name: module.CLAIM for name, module in modules().items()}


def choose(ids: Sequence[str], known: Mapping[str, Claim] | None = None) -> tuple[str, ...]:
    """The ids of these claims, in the order of the known ones; all of them if none is asked for.

    Args:
        ids: what was asked for, ids or sources: "Thm 3.1" stands for all claims of that theorem.
        known: what there is by id; by default the whole catalog.

    Raises:
        UnknownNameError: no such claim; the message suggests the nearest.
    """
    known = claims() if known is None else known
    wanted: set[str] = set()
    for name in ids:
        found = {name} & set(known) or of_source(name, known)
        wanted |= found
        if not found and (became := RETIRED.get(name)):
            raise UnknownNameError(f"{name} is no claim any more: {became}.")
        if not found and known.keys() != claims().keys() and (here := {name} & set(claims())):
            raise UnknownNameError(f"the claim {here.pop()} is not in this run: leave out --from to run it.")
        if not found:
            close = difflib.get_close_matches(name.lower().replace("_", "-"), known, n=2, cutoff=0.5)
            hint = f"did you mean {' or '.join(map(repr, close))}?" if close else f"the claims are {', '.join(known)}."
            raise UnknownNameError(f"unknown claim {name[:40]!r}: {hint}")
    return tuple(name for name in known if not ids or name in wanted)
