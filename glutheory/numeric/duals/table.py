"""Which evaluator an activation has: one table, by the names of `glutheory.activations`."""

from __future__ import annotations

from collections.abc import Callable

from glutheory.activations import Activation, activation, activation_names
from glutheory.errors import DomainError
from glutheory.numeric.duals import homogeneous, logistic, normal, waves
from glutheory.numeric.duals.record import Dual

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
    return next((own for own in map(activation, activation_names()) if own.expr == act.expr), None)


def evaluator(act: Activation) -> Dual:
    """The evaluator of an activation of the zoo.

    Raises:
        DomainError: symbolic parameters, or an activation that is not of the zoo.
    """
    if act.symbols:
        names = ", ".join(map(str, act.symbols))
        raise DomainError(f"activation {act.label!r} has the symbolic parameter {names}: give it a number.")
    own = member(act)
    if own is None or own.name not in _TABLE:
        from glutheory.numeric.own.evaluator import derived

        return derived(act.expr)
    entry = _TABLE[own.name]
    return entry if isinstance(entry, Dual) else entry(*(float(value) for _, value in own.parameters))
