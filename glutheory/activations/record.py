"""An activation function as data, and the members of the zoo."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from typing import Any

import sympy as sp

from glutheory.activations.given import as_expression
from glutheory.activations.names import canonical, unknown
from glutheory.activations.numbers import decimal, shown, text, without_floats
from glutheory.activations.zoo import ZOO, Z
from glutheory.errors import DomainError, UnknownNameError
from glutheory.shown import Shown

#: Characters of an expression in a repr.
_LONGEST = 80


@dataclass(frozen=True, repr=False)
class Activation(Shown):
    """A scalar activation function φ, e.g. ``Activation("z*erf(z)")``.

    A function is called once with SymPy's z, so it must be written with SymPy's functions. Floats stand for the
    decimal numbers that they are written as; Piecewise becomes max, min and steps.

    Attributes:
        name: its name in the zoo, or the text of the user's expression.
        expr: φ(z), a SymPy expression in `Z`; constants may be symbolic (positive or real symbols). Also given as a
            text ("z*erf(z)"), in another symbol z, or as a function (``lambda z: z*sympy.erf(z)``); left out, it is
            what the name says.
        about: one line for people.
        parameters: pairs (name, value) of its keyword parameters, as SymPy numbers or symbols.

    Raises:
        ExpressionError: nothing that can be read as a function of z.
    """

    name: str
    expr: sp.Expr = None
    about: str = ""
    parameters: tuple[tuple[str, sp.Expr], ...] = ()

    def __repr__(self) -> str:
        return f"<Activation {self.label}: {_short(self.expr)}>"

    def __post_init__(self) -> None:
        given = self.name if self.expr is None else self.expr
        shown_name = self.name if isinstance(self.name, str) else _short(given)
        expr = as_expression(shown_name, given)
        object.__setattr__(self, "expr", expr)
        if not isinstance(self.name, str):
            object.__setattr__(self, "name", text(expr))

    @property
    def symbols(self) -> tuple[sp.Symbol, ...]:
        """The symbolic constants other than z, sorted by name (empty for a numeric activation)."""
        return tuple(sorted(self.expr.free_symbols - {Z}, key=str))

    @property
    def label(self) -> str:
        """The name with its parameters, e.g. ``silu(beta=2)``; defaults are shown as well."""
        if not self.parameters:
            return self.name
        return f"{self.name}({', '.join(f'{key}={shown(value)}' for key, value in self.parameters)})"


def _short(expr: Any) -> str:
    """The expression on one line, cut where it is long."""
    own = text(expr) if isinstance(expr, sp.Expr) else str(expr)
    return own if len(own) <= _LONGEST else f"{own[: _LONGEST - 1]}…"


def _parameter(name: str, key: str, value: Any, positive: bool) -> sp.Expr:
    """A parameter as an exact SymPy number, or a symbol given as such."""
    if isinstance(value, sp.Expr):
        exact = without_floats(value)
    else:
        try:
            exact = decimal(value) if isinstance(value, float) else sp.Rational(Fraction(value))
        except (TypeError, ValueError, OverflowError, ZeroDivisionError):
            raise DomainError(
                f"{key} of {name!r} is {value!r}: give a finite number (int, float, str, Fraction) or a SymPy symbol."
            ) from None
    if exact.is_finite is False or exact.is_real is False or Z in exact.free_symbols:
        raise DomainError(f"{key} of {name!r} is {value!r}: give a finite real number or a real SymPy symbol.")
    if positive and not exact.is_positive:
        raise DomainError(f"{key} of {name!r} is {value!r}: it must be positive (declare a symbol with positive=True).")
    return exact


def activation(name: str | Activation, **parameters: Any) -> Activation:
    """The activation of that name in the zoo.

    Args:
        name: one of `activation_names`, in any case and with or without underscores, or one that torch, jax or
            transformers have for it; an `Activation` is returned as it is.
        **parameters: its keyword parameters (`leaky_relu` has ``slope``, `silu` has ``beta``), numbers (a float stands
            for the decimal number that it is written as) or SymPy symbols.

    Raises:
        UnknownNameError: no such activation; the message suggests the nearest names.
        DomainError: an unknown parameter, or a value that is not a finite number.
    """
    if isinstance(name, Activation):
        if parameters:
            raise DomainError(f"parameters {sorted(parameters)} go with a name of the zoo, not with an Activation.")
        return name
    own = canonical(name) if isinstance(name, str) else name
    if not isinstance(own, str) or own not in ZOO:
        raise UnknownNameError(unknown("activation", name))
    name, entry = own, ZOO[own]
    defaults = dict(entry.defaults)
    for key in parameters:
        if key not in defaults:
            raise DomainError(f"activation {name!r} has no parameter {key!r}: it has {', '.join(defaults) or 'none'}.")
    values = {
        key: _parameter(name, key, parameters.get(key, default), key in entry.positive)
        for key, default in defaults.items()
    }
    return _built(name, tuple(values.items()))


@lru_cache(maxsize=256)
def _built(name: str, parameters: tuple[tuple[str, sp.Expr], ...]) -> Activation:
    """The activation with these checked parameters: building the expression takes a millisecond."""
    entry = ZOO[name]
    return Activation(name, entry.build(**dict(parameters)), entry.about, parameters)
