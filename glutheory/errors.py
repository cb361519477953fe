"""The package's exceptions: every error a user can cause, each one clear sentence.

The command line prints the sentence and exits with status 2; a library caller catches `GlutheoryError`.
"""

from __future__ import annotations

from typing import Any, Self


class GlutheoryError(Exception):
    """Base of all errors raised on purpose by this package."""


class UnknownNameError(GlutheoryError, LookupError):
    """A name that is not in the zoo; the message suggests the nearest ones."""


class DomainError(GlutheoryError, ValueError):
    """An argument outside its domain (a negative variance, ``|c| > sqrt(a*b)``, ``digits <= 0``, …)."""


class ExpressionError(GlutheoryError, ValueError):
    """A user's activation that cannot be parsed, or is not a real function with a Gaussian expectation."""


class DerivationError(GlutheoryError):
    """No closed form: the message says at which step the mechanical derivation stopped."""


class MissingDependencyError(GlutheoryError, ImportError):
    """An optional dependency is absent; the message has the line that installs the extra which brings it."""

    @classmethod
    def of(cls, what: str, package: str, extra: str) -> Self:
        """The error of ``what``, a subject and its verb, for want of a package.

        Args:
            what: "figures need", say.
            package: its name for people, also the attribute ``name`` of the error.
            extra: of pyproject.toml, the smallest that serves.
        """
        return cls(f"{what} {package}: {installing(extra)}.", name=package)


def with_article(word: str) -> str:
    """The word with "a" or "an" before it, for messages."""
    return f"{'an' if word[:1].lower() in tuple('aeio') else 'a'} {word}"


def installing(extra: str) -> str:
    """The line that installs an extra in a clone, for the Python that runs: a bare ``pip`` may be another one's.

    Without constraints pip takes the newest torch, gigabytes of it.
    """
    return f"{_python()} -m pip install -c constraints.txt 'glutheory[{extra}]'"


def _python() -> str:
    """What starts this Python here, as short as it can be: ``python`` where that is it, or .venv/bin/python."""
    import shlex  # for messages only: `import glutheory` imports this module
    import shutil
    import sys
    from pathlib import Path

    # links are not followed: an environment's python is one
    own = Path(sys.executable or "python")
    for name in ("python", "python3"):
        if own == Path(shutil.which(name) or ""):
            return name
    try:
        here = Path.cwd()
    except OSError:  # the folder is no more
        here = own
    return shlex.quote(str(own.relative_to(here) if here in own.parents else own))


class PrecisionError(GlutheoryError):
    """The digits asked for cannot be had within the stated work limit.

    Attributes:
        reached: what was reached, a pair of ``flint.arb`` balls ``(S, T)`` that are correct but wider than asked for.
    """

    def __init__(self, message: str, reached: Any) -> None:
        super().__init__(message)
        self.reached = reached


class PerformanceWarning(UserWarning):
    """The result is right, but was had in a way that is much slower than usual; the message says why."""
