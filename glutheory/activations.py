"""Activation functions as data: a SymPy definition in the symbol `Z`, and the zoo, one table.

Nothing here knows how a kernel is computed: the three roads (symbolic, quadrature, sampling) all start from
`Activation.expr`.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import sympy as sp

from glutheory.errors import DomainError, ExpressionError, UnknownNameError
from glutheory.shown import Shown

#: Characters of an expression in a repr.
_LONGEST = 80
#: The argument of every activation.
Z = sp.Symbol("z", real=True)


@dataclass(frozen=True, repr=False)
class Activation(Shown):
    """A scalar activation function φ.

    Attributes:
        name: its name in the zoo, or the text of the user's expression.
        expr: φ(z), a SymPy expression in `Z`; constants may be symbolic (positive or real symbols).
        about: one line for people.
        parameters: pairs (name, value) of its keyword parameters, as SymPy numbers or symbols.
    """

    name: str
    expr: sp.Expr
    about: str = ""
    parameters: tuple[tuple[str, sp.Expr], ...] = ()

    def __repr__(self) -> str:
        return f"<Activation {self.label}: {_short(self.expr)}>"

    def __post_init__(self) -> None:
        if Z not in self.expr.free_symbols:
            raise ExpressionError(
                f"activation {self.name!r} is {self.expr}, which does not depend on z: write a function of z."
            )

    @property
    def symbols(self) -> tuple[sp.Symbol, ...]:
        """The symbolic constants other than z, sorted by name (empty for a numeric activation)."""
        return tuple(sorted(self.expr.free_symbols - {Z}, key=str))

    @property
    def label(self) -> str:
        """The name with its parameters, e.g. ``silu(beta=2)``; defaults are shown as well."""
        if not self.parameters:
            return self.name
        return f"{self.name}({', '.join(f'{key}={value}' for key, value in self.parameters)})"


def _short(expr: sp.Expr) -> str:
    """The expression on one line, cut where it is long."""
    text = str(expr)
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"


@dataclass(frozen=True)
class _Entry:
    """One row of the zoo: how to build φ from its parameters (so that importing builds nothing)."""

    build: Callable[..., sp.Expr]
    about: str
    defaults: tuple[tuple[str, Fraction], ...] = ()
    positive: tuple[str, ...] = ()


_ZOO: dict[str, _Entry] = {
    "identity": _Entry(lambda: Z, "z"),
    "monomial2": _Entry(lambda: Z**2, "z²"),
    "monomial3": _Entry(lambda: Z**3, "z³"),
    "step": _Entry(lambda: sp.Heaviside(Z), "Heaviside step H(z), H(0) = 1/2"),
    "sign": _Entry(lambda: sp.sign(Z), "sign of z"),
    "abs": _Entry(lambda: sp.Abs(Z), "|z|"),
    "relu": _Entry(lambda: sp.Max(0, Z), "max(0, z)"),
    "leaky_relu": _Entry(
        lambda slope: sp.Max(0, Z) + slope * sp.Min(0, Z),
        "max(0, z) + slope·min(0, z)",
        (("slope", Fraction(1, 100)),),
    ),
    "relu2": _Entry(lambda: sp.Max(0, Z) ** 2, "max(0, z)², squared ReLU"),
    "erf": _Entry(lambda: sp.erf(Z), "error function erf(z)"),
    "normal_cdf": _Entry(lambda: (1 + sp.erf(Z / sp.sqrt(2))) / 2, "Φ(z), the standard normal distribution function"),
    "gelu": _Entry(lambda: Z * (1 + sp.erf(Z / sp.sqrt(2))) / 2, "z·Φ(z), exact (no tanh approximation)"),
    "sigmoid": _Entry(lambda: 1 / (1 + sp.exp(-Z)), "σ(z) = 1/(1+exp(−z))"),
    "tanh": _Entry(lambda: sp.tanh(Z), "tanh(z)"),
    "silu": _Entry(
        lambda beta: Z / (1 + sp.exp(-beta * Z)),
        "z·σ(beta·z); beta = 1 is SiLU, other values are Swish",
        (("beta", Fraction(1)),),
        positive=("beta",),
    ),
    "softplus": _Entry(lambda: sp.log(1 + sp.exp(Z)), "log(1+exp(z))"),
    "sin": _Entry(lambda: sp.sin(Z), "sin(z)"),
    "cos": _Entry(lambda: sp.cos(Z), "cos(z)"),
    "exp": _Entry(lambda: sp.exp(Z), "exp(z)"),
    "gaussian": _Entry(lambda: sp.exp(-(Z**2) / 2), "exp(−z²/2)"),
}


def nearest(name: str, known: tuple[str, ...]) -> str:
    """A clause suggesting the nearest of the `known` names, e.g. ``did you mean 'relu'?``."""
    close = difflib.get_close_matches(name.lower(), known, n=3, cutoff=0.5)
    if close:
        return "did you mean " + " or ".join(repr(match) for match in close) + "?"
    return "the known names are " + ", ".join(known) + "."


def activation_names() -> tuple[str, ...]:
    """The names of the zoo, in the order of its table."""
    return tuple(_ZOO)


def _parameter(name: str, key: str, value: Any, positive: bool) -> sp.Expr:
    """A parameter as an exact SymPy number, or a symbol given as such."""
    if isinstance(value, sp.Expr):
        exact = value
    else:
        try:
            exact = sp.Rational(Fraction(value))
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
        name: one of `activation_names`; an `Activation` is returned as it is.
        **parameters: its keyword parameters (`leaky_relu` has ``slope``, `silu` has ``beta``), numbers or SymPy
        symbols.

    Raises:
        UnknownNameError: no such activation; the message suggests the nearest names.
        DomainError: an unknown parameter, or a value that is not a finite number.
    """
    if isinstance(name, Activation):
        if parameters:
            raise DomainError(f"parameters {sorted(parameters)} go with a name of the zoo, not with an Activation.")
        return name
    if not isinstance(name, str) or name not in _ZOO:
        raise UnknownNameError(f"unknown activation {name!r}: {nearest(str(name)[:40], activation_names())}")
    entry = _ZOO[name]
    defaults = dict(entry.defaults)
    for key in parameters:
        if key not in defaults:
            raise DomainError(f"activation {name!r} has no parameter {key!r}: it has {', '.join(defaults) or 'none'}.")
    values = {
        key: _parameter(name, key, parameters.get(key, default), key in entry.positive)
        for key, default in defaults.items()
    }
    shown = tuple((key, value) for key, value in values.items())
    return Activation(name, entry.build(**values), entry.about, shown)
