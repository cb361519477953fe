"""Steps that are enough for every target, and those of the worst one: whole numbers, decided exactly."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction

from flint import arb, ctx, fmpq

from glutheory.errors import DomainError
from glutheory.ground.arguments import real

#: A power of a fraction below 1 that is a double has an exponent up to this: its denominator is at most 2¹⁰⁷⁴.
_POWERS = 1074


def step_bound(condition: float, error: float, *, optimal: bool = False) -> int:
    """⌈κ ln(1/ε)⌉: enough steps for every target at the rate 1/λ_max; `optimal`: ⌈κ/2 ln(1/ε)⌉ at 2/(λ_max + λ_min).

    Exact for the two doubles given: κ ln(1/ε) is no whole number, by Lindemann's theorem.

    Args:
        condition: κ ≥ 1, the condition number of the kernel.
        error: ε in (0, 1).
        optimal: at which of the two rates.

    Raises:
        DomainError: a number out of its range.
    """
    kappa, target = _read(condition, error)
    return _ceiling(lambda: -_ball(kappa) * _ball(target).log() / (2 if optimal else 1))


def worst_steps(condition: float, error: float, *, optimal: bool = False) -> int:
    """The steps that the worst target, the bottom eigenvector, takes: arguments and errors as of `step_bound`.

    The first k with r^k ≤ ε, r = 1 − 1/κ or, for `optimal`, (κ − 1)/(κ + 1): exact for the two doubles given.
    """
    kappa, target = _read(condition, error)
    factor = (kappa - 1) / (kappa + 1 if optimal else kappa)
    if factor == 0:
        return 1

    def ratio() -> arb:
        return _ball(target).log() / _ball(factor - 1).log1p()

    with ctx.workprec(128):
        nearest = float(ratio())
    # no precision would decide an equality
    if nearest < _POWERS + 1 and factor ** round(nearest) == target:
        return round(nearest)
    return _ceiling(ratio)


def _read(condition: float, error: float) -> tuple[Fraction, Fraction]:
    kappa, target = real("condition", condition), real("error", error, above=0, below=1)
    if kappa < 1:
        raise DomainError(f"condition is {condition!r}: give a finite number, at least 1.")
    return Fraction(kappa), Fraction(target)


def _ball(value: Fraction) -> arb:
    return arb(fmpq(value.numerator, value.denominator))


def _ceiling(value: Callable[[], arb]) -> int:
    """⌈value⌉ of what is no whole number, at as many bits as it takes."""
    bits = 128
    while True:
        with ctx.workprec(bits):
            found = value().ceil().unique_fmpz()
        if found is not None:
            return int(found)
        bits *= 2
