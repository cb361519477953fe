"""Which evaluator an activation has: one table, by the names of `glutheory.activations`.

A member of the zoo that stands in it has its evaluator by its name and its numbers, without SymPy. All other functions
are read: what is one of these members, or α φ(β z) of one, has its evaluator as well.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import TYPE_CHECKING

from glutheory.activations import Activation, activation, activation_names
from glutheory.errors import DomainError
from glutheory.numeric.duals import homogeneous, logistic, normal, waves
from glutheory.numeric.duals.record import Dual
from glutheory.numeric.duals.scaled import scaled

if TYPE_CHECKING:
    import sympy as sp

_TABLE: dict[str, Dual | Callable[..., Dual]] = {
    **homogeneous.DUALS,
    **normal.DUALS,
    **logistic.DUALS,
    **waves.DUALS,
    # the other names of two of them
    "swish": logistic.silu,
    "squared_relu": homogeneous.DUALS["relu2"],
}


def evaluator(act: Activation) -> Dual:
    """The evaluator of an activation: the hand-made one of the zoo, also for α φ(β z), else one derived from φ.

    Raises:
        DomainError: symbolic parameters, or a function that ball arithmetic does not know.
        ExpressionError: kinks that are not found.
    """
    if act.symbols:
        names = ", ".join(map(str, act.symbols))
        raise DomainError(f"activation {act.label!r} has the symbolic parameter {names}: give it a number.")
    return _found(act.expr) if act.numbers is None or act.name not in _TABLE else _entry(act)


def _entry(own: Activation) -> Dual:
    entry = _TABLE[own.name]
    return entry if isinstance(entry, Dual) else entry(*(float(value) for _, value in own.numbers or ()))


@lru_cache(maxsize=1)
def _named() -> dict[sp.Expr, str]:
    """The first name of every definition of the zoo with its usual parameters."""
    found: dict[sp.Expr, str] = {}
    for name in activation_names():
        found.setdefault(activation(name).expr, name)
    return found


@lru_cache(maxsize=256)
def _found(expr: sp.Expr) -> Dual:
    """The evaluator of a definition that is not one of the zoo as it stands there."""
    # what reads definitions is loaded for those that are to be read, and SymPy with it
    from glutheory.ground.recognition import recognised
    from glutheory.numeric.duals.likeness import factors
    from glutheory.numeric.own.evaluator import derived

    usual = _named().get(expr)
    known = recognised(expr) if usual is None else activation(usual)
    if known is not None and known.name in _TABLE:
        return _entry(known)
    for own in map(activation, activation_names()):
        if own.name in _TABLE:
            found = factors(expr, own.expr)
            if found is not None:
                return scaled(_entry(own), *found)
    return derived(expr)
