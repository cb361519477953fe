"""What a check needs beyond the core, and what is told of those that cannot be run for want of it."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.util import find_spec

from checks.catalog import modules
from glutheory.errors import installing

#: The extra that brings whatever a check may need.
EXTRA = "checks"
#: Packages by the name that they are imported by, for people where that is another.
_NAMES = {"sklearn": "scikit-learn"}


def absent(name: str) -> tuple[str, ...]:
    """The packages, for people, that the check of this claim needs and that are not installed.

    A claim's module says so: ``NEEDS``, the names that are imported; without it a check needs the core alone.
    """
    return tuple(
        _NAMES.get(package, package) for package in getattr(modules()[name], "NEEDS", ()) if find_spec(package) is None
    )


def runnable(ids: Sequence[str]) -> tuple[tuple[str, ...], dict[str, tuple[str, ...]]]:
    """Those of the checks that can be run, and of each other one what is absent."""
    lacking = {name: missing for name in ids if (missing := absent(name))}
    return tuple(name for name in ids if name not in lacking), lacking


def told(skipped: dict[str, tuple[str, ...]]) -> str:
    """A line for each check that is skipped, and the one that installs what they need; empty where there is none."""
    if not skipped:
        return ""
    width = max(map(len, skipped))
    lines = [f"{name:{width}}  skipped: needs {', '.join(missing)}" for name, missing in skipped.items()]
    return "\n".join([*lines, f"For {'this one' if len(skipped) == 1 else 'these'}: {installing(EXTRA)}"])
