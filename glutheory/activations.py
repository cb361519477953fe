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


#: λ and α of SELU, to the digits that its authors' code and torch have.
_SELU = sp.Rational("1.0507009873554804934193349852946"), sp.Rational("1.6732632423543772848170429916717")


def _sigmoid(z: sp.Expr) -> sp.Expr:
    return 1 / (1 + sp.exp(-z))


def _elu(alpha: sp.Expr) -> sp.Expr:
    return sp.Max(0, Z) + alpha * (sp.exp(sp.Min(0, Z)) - 1)


def _relu6(z: sp.Expr) -> sp.Expr:
    return sp.Min(sp.Max(0, z), 6)


def _jump(threshold: sp.Expr, value: sp.Expr) -> sp.Expr:
    """Z above the threshold, else the value."""
    return value + (Z - value) * sp.Heaviside(Z - threshold)


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
    # Misra 2019, arXiv 1908.08681
    "mish": _Entry(lambda: Z * sp.tanh(sp.log(1 + sp.exp(Z))), "z·tanh(log(1+exp(z)))"),
    # Clevert, Unterthiner and Hochreiter 2015, arXiv 1511.07289
    "elu": _Entry(_elu, "z for z > 0, else alpha·(exp(z)−1)", (("alpha", Fraction(1)),), positive=("alpha",)),
    # Klambauer, Unterthiner, Mayr and Hochreiter 2017, arXiv 1706.02515
    "selu": _Entry(lambda: _SELU[0] * _elu(_SELU[1]), "λ·elu(z) with λ = 1.0507…, alpha = 1.6732…"),
    # Barron 2017, arXiv 1704.07483
    "celu": _Entry(
        lambda alpha: sp.Max(0, Z) + alpha * (sp.exp(sp.Min(0, Z) / alpha) - 1),
        "z for z > 0, else alpha·(exp(z/alpha)−1)",
        (("alpha", Fraction(1)),),
        positive=("alpha",),
    ),
    "hard_tanh": _Entry(lambda: sp.Max(-1, sp.Min(1, Z)), "max(−1, min(1, z))"),
    # Howard et al. 2019, arXiv 1905.02244, as torch has them
    "hard_sigmoid": _Entry(lambda: _relu6(Z + 3) / 6, "min(max(0, z+3), 6)/6"),
    "hard_swish": _Entry(lambda: Z * _relu6(Z + 3) / 6, "z·min(max(0, z+3), 6)/6"),
    # Krizhevsky 2010; Sandler et al. 2018, arXiv 1801.04381
    "relu6": _Entry(lambda: _relu6(Z), "min(max(0, z), 6)"),
    # Glorot and Bengio 2010
    "softsign": _Entry(lambda: Z / (1 + sp.Abs(Z)), "z/(1+|z|)"),
    "log_cosh": _Entry(lambda: sp.log(sp.cosh(Z)), "log(cosh(z))"),
    # Hendrycks and Gimpel 2016, arXiv 1606.08415: both approximations of GELU
    "gelu_tanh": _Entry(
        lambda: Z * (1 + sp.tanh(sp.sqrt(2 / sp.pi) * (Z + sp.Rational(44715, 10**6) * Z**3))) / 2,
        "z·(1+tanh(√(2/π)·(z+0.044715z³)))/2, GELU's approximation in GPT-2",
    ),
    "quick_gelu": _Entry(
        lambda: Z * _sigmoid(sp.Rational(1702, 1000) * Z), "z·σ(1.702z), GELU's approximation in CLIP"
    ),
    # Ramachandran, Zoph and Le 2017, arXiv 1710.05941
    "swish": _Entry(
        lambda beta: Z * _sigmoid(beta * Z), "z·σ(beta·z), silu's other name", (("beta", Fraction(1)),), ("beta",)
    ),
    # So et al. 2021, arXiv 2109.08668
    "squared_relu": _Entry(lambda: sp.Max(0, Z) ** 2, "max(0, z)², relu2's other name"),
    # Ziyin, Hartwig and Ueda 2020, arXiv 2006.08195
    "snake": _Entry(
        lambda alpha: Z + sp.sin(alpha * Z) ** 2 / alpha,
        "z + sin²(alpha·z)/alpha",
        (("alpha", Fraction(1)),),
        positive=("alpha",),
    ),
    # Sitzmann et al. 2020, arXiv 2006.09661
    "sine": _Entry(
        lambda omega: sp.sin(omega * Z), "sin(omega·z); SIREN has omega = 30", (("omega", Fraction(1)),), ("omega",)
    ),
    # Erichson, Yao and Mahoney 2019, arXiv 1904.03750; Rajamanoharan et al. 2024, arXiv 2407.14435
    "jump_relu": _Entry(lambda theta: _jump(theta, sp.S.Zero), "z for z > theta, else 0", (("theta", Fraction(1)),)),
    # torch's Threshold
    "threshold": _Entry(_jump, "z for z > threshold, else value", (("threshold", Fraction(1)), ("value", Fraction(0)))),
    # Mirzadeh et al. 2023, arXiv 2310.04564
    "shifted_relu": _Entry(lambda shift: sp.Max(0, Z - shift), "max(0, z−shift)", (("shift", Fraction(1)),)),
    # Ma et al. 2022, arXiv 2209.10655 (Mega), with the digits of its code: √(1/2) and √(1/(4π))
    "laplace": _Entry(
        lambda mu, sigma: (1 + sp.erf((Z - mu) / (sigma * sp.sqrt(2)))) / 2,
        "Φ((z−mu)/sigma), the gate of Mega's attention",
        (("mu", Fraction(707107, 10**6)), ("sigma", Fraction(282095, 10**6))),
        positive=("sigma",),
    ),
    # Huang and Schlag 2024, arXiv 2411.13010, with the values from which training starts
    "xielu": _Entry(
        lambda alpha_p, alpha_n, beta: (
            alpha_p * sp.Max(0, Z) ** 2 + alpha_n * (sp.exp(sp.Min(0, Z)) - 1 - sp.Min(0, Z)) + beta * Z
        ),
        "alpha_p·z² for z > 0, else alpha_n·(exp(z)−1−z), plus beta·z",
        (("alpha_p", Fraction(4, 5)), ("alpha_n", Fraction(4, 5)), ("beta", Fraction(1, 2))),
    ),
}


#: How many names a message lists.
_SHOWN = 24


def nearest(name: str, known: tuple[str, ...]) -> str:
    """A clause suggesting the nearest of the `known` names, e.g. ``did you mean 'relu'?``."""
    close = difflib.get_close_matches(name.lower(), known, n=3, cutoff=0.5)
    if close:
        return "did you mean " + " or ".join(repr(match) for match in close) + "?"
    more = ", …; `glutheory list` shows the zoo." if len(known) > _SHOWN else "."
    return "the known names are " + ", ".join(known[:_SHOWN]) + more


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
