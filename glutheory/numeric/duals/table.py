"""Which evaluator an activation has: one table, by the names of `glutheory.activations`."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

import sympy as sp

from glutheory.activations import Activation, activation, activation_names
from glutheory.errors import DomainError
from glutheory.ground.recognition import recognised
from glutheory.numeric.duals import homogeneous, logistic, normal, waves
from glutheory.numeric.duals.record import Dual
from glutheory.numeric.duals.scaled import factors, scaled
from glutheory.numeric.own.evaluator import derived

_TABLE: dict[str, Dual | Callable[[float], Dual]] = {
    **homogeneous.DUALS,
    **normal.DUALS,
    **logistic.DUALS,
    **waves.DUALS,
}


def member(act: Activation) -> Activation | None:
    """The member of the zoo that has this definition, whatever `act` is called."""
    if act.name in _TABLE and activation(act.name, **dict(act.parameters)).expr == act.expr:
        return act
    name = _named().get(act.expr)
    return None if name is None else activation(name)


@lru_cache(maxsize=1)
def _named() -> dict[sp.Expr, str]:
    """The first name of every definition of the zoo with its usual parameters."""
    found: dict[sp.Expr, str] = {}
    for name in activation_names():
        found.setdefault(activation(name).expr, name)
    return found


def evaluator(act: Activation) -> Dual:
    """The evaluator of an activation: the hand-made one of the zoo, also for α φ(β z), else one derived from φ.

    Raises:
        DomainError: symbolic parameters, or a function that ball arithmetic does not know.
        ExpressionError: kinks that are not the roots of straight lines.
    """
    if act.symbols:
        names = ", ".join(map(str, act.symbols))
        raise DomainError(f"activation {act.label!r} has the symbolic parameter {names}: give it a number.")
    own = member(act)
    return _found(act.expr) if own is None or own.name not in _TABLE else _entry(own)


def _entry(own: Activation) -> Dual:
    entry = _TABLE[own.name]
    return entry if isinstance(entry, Dual) else entry(*(float(value) for _, value in own.parameters))


@lru_cache(maxsize=256)
def _found(expr: sp.Expr) -> Dual:
    """The evaluator of a definition that is not one of the zoo as it stands there."""
    known = recognised(expr)
    if known is not None and known.name in _TABLE:
        return _entry(known)
    for own in map(activation, activation_names()):
        if own.name in _TABLE:
            found = factors(expr, own.expr)
            if found is not None:
                return scaled(_entry(own), *found)
    return derived(expr)
