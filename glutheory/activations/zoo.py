"""The zoo of activations, one table: how each φ is built from its parameters, and what people read about it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction

import sympy as sp

#: The argument of every activation.
Z = sp.Symbol("z", real=True)


@dataclass(frozen=True)
class Entry:
    """One row of the zoo: how to build φ from its parameters (so that importing builds nothing)."""

    build: Callable[..., sp.Expr]
    about: str
    defaults: tuple[tuple[str, Fraction], ...] = ()
    positive: tuple[str, ...] = ()


#: λ and α of SELU, to the digits that its authors' code and torch have.
_SELU = sp.Rational("1.0507009873554804934193349852946"), sp.Rational("1.6732632423543772848170429916717")
#: The long numbers of the zoo by the names that the literature gives them.
CONSTANTS: tuple[tuple[str, sp.Rational], ...] = (("lambda", _SELU[0]), ("alpha", _SELU[1]))


def _sigmoid(z: sp.Expr) -> sp.Expr:
    return 1 / (1 + sp.exp(-z))


def _elu(alpha: sp.Expr) -> sp.Expr:
    return sp.Max(0, Z) + alpha * (sp.exp(sp.Min(0, Z)) - 1)


def _relu6(z: sp.Expr) -> sp.Expr:
    return sp.Min(sp.Max(0, z), 6)


def _jump(threshold: sp.Expr, value: sp.Expr) -> sp.Expr:
    """Z above the threshold, else the value."""
    return value + (Z - value) * sp.Heaviside(Z - threshold)


ZOO: dict[str, Entry] = {
    "identity": Entry(lambda: Z, "z"),
    "monomial2": Entry(lambda: Z**2, "z²"),
    "monomial3": Entry(lambda: Z**3, "z³"),
    "step": Entry(lambda: sp.Heaviside(Z), "Heaviside step H(z), H(0) = 1/2"),
    "sign": Entry(lambda: sp.sign(Z), "sign of z"),
    "abs": Entry(lambda: sp.Abs(Z), "|z|"),
    "relu": Entry(lambda: sp.Max(0, Z), "max(0, z)"),
    "leaky_relu": Entry(
        lambda slope: sp.Max(0, Z) + slope * sp.Min(0, Z),
        "max(0, z) + slope·min(0, z)",
        (("slope", Fraction(1, 100)),),
    ),
    "relu2": Entry(lambda: sp.Max(0, Z) ** 2, "max(0, z)², squared ReLU"),
    "erf": Entry(lambda: sp.erf(Z), "error function erf(z)"),
    "normal_cdf": Entry(lambda: (1 + sp.erf(Z / sp.sqrt(2))) / 2, "Φ(z), the standard normal distribution function"),
    "gelu": Entry(lambda: Z * (1 + sp.erf(Z / sp.sqrt(2))) / 2, "z·Φ(z), exact (no tanh approximation)"),
    "sigmoid": Entry(lambda: 1 / (1 + sp.exp(-Z)), "σ(z) = 1/(1+exp(−z))"),
    "tanh": Entry(lambda: sp.tanh(Z), "tanh(z)"),
    "silu": Entry(
        lambda beta: Z / (1 + sp.exp(-beta * Z)),
        "z·σ(beta·z); beta = 1 is SiLU, other values are Swish",
        (("beta", Fraction(1)),),
        positive=("beta",),
    ),
    "softplus": Entry(lambda: sp.log(1 + sp.exp(Z)), "log(1+exp(z))"),
    "sin": Entry(lambda: sp.sin(Z), "sin(z)"),
    "cos": Entry(lambda: sp.cos(Z), "cos(z)"),
    "exp": Entry(lambda: sp.exp(Z), "exp(z)"),
    "gaussian": Entry(lambda: sp.exp(-(Z**2) / 2), "exp(−z²/2)"),
    # Misra 2019, arXiv 1908.08681
    "mish": Entry(lambda: Z * sp.tanh(sp.log(1 + sp.exp(Z))), "z·tanh(log(1+exp(z)))"),
    # Clevert, Unterthiner and Hochreiter 2015, arXiv 1511.07289
    "elu": Entry(_elu, "z for z > 0, else alpha·(exp(z)−1)", (("alpha", Fraction(1)),), positive=("alpha",)),
    # Klambauer, Unterthiner, Mayr and Hochreiter 2017, arXiv 1706.02515
    "selu": Entry(lambda: _SELU[0] * _elu(_SELU[1]), "λ·elu(z) with λ = 1.0507…, alpha = 1.6732…"),
    # Barron 2017, arXiv 1704.07483
    "celu": Entry(
        lambda alpha: sp.Max(0, Z) + alpha * (sp.exp(sp.Min(0, Z) / alpha) - 1),
        "z for z > 0, else alpha·(exp(z/alpha)−1)",
        (("alpha", Fraction(1)),),
        positive=("alpha",),
    ),
    "hard_tanh": Entry(lambda: sp.Max(-1, sp.Min(1, Z)), "max(−1, min(1, z))"),
    # Howard et al. 2019, arXiv 1905.02244, as torch has them
    "hard_sigmoid": Entry(lambda: _relu6(Z + 3) / 6, "min(max(0, z+3), 6)/6"),
    "hard_swish": Entry(lambda: Z * _relu6(Z + 3) / 6, "z·min(max(0, z+3), 6)/6"),
    # Krizhevsky 2010; Sandler et al. 2018, arXiv 1801.04381
    "relu6": Entry(lambda: _relu6(Z), "min(max(0, z), 6)"),
    # Glorot and Bengio 2010
    "softsign": Entry(lambda: Z / (1 + sp.Abs(Z)), "z/(1+|z|)"),
    "log_cosh": Entry(lambda: sp.log(sp.cosh(Z)), "log(cosh(z))"),
    # Hendrycks and Gimpel 2016, arXiv 1606.08415: both approximations of GELU
    "gelu_tanh": Entry(
        lambda: Z * (1 + sp.tanh(sp.sqrt(2 / sp.pi) * (Z + sp.Rational(44715, 10**6) * Z**3))) / 2,
        "z·(1+tanh(√(2/π)·(z+0.044715z³)))/2, GELU's approximation in GPT-2",
    ),
    "quick_gelu": Entry(lambda: Z * _sigmoid(sp.Rational(1702, 1000) * Z), "z·σ(1.702z), GELU's approximation in CLIP"),
    # Ramachandran, Zoph and Le 2017, arXiv 1710.05941
    "swish": Entry(
        lambda beta: Z * _sigmoid(beta * Z), "z·σ(beta·z), silu's other name", (("beta", Fraction(1)),), ("beta",)
    ),
    # So et al. 2021, arXiv 2109.08668
    "squared_relu": Entry(lambda: sp.Max(0, Z) ** 2, "max(0, z)², relu2's other name"),
    # Ziyin, Hartwig and Ueda 2020, arXiv 2006.08195
    "snake": Entry(
        lambda alpha: Z + sp.sin(alpha * Z) ** 2 / alpha,
        "z + sin²(alpha·z)/alpha",
        (("alpha", Fraction(1)),),
        positive=("alpha",),
    ),
    # Sitzmann et al. 2020, arXiv 2006.09661
    "sine": Entry(
        lambda omega: sp.sin(omega * Z), "sin(omega·z); SIREN has omega = 30", (("omega", Fraction(1)),), ("omega",)
    ),
    # Erichson, Yao and Mahoney 2019, arXiv 1904.03750; Rajamanoharan et al. 2024, arXiv 2407.14435
    "jump_relu": Entry(lambda theta: _jump(theta, sp.S.Zero), "z for z > theta, else 0", (("theta", Fraction(1)),)),
    # torch's Threshold
    "threshold": Entry(_jump, "z for z > threshold, else value", (("threshold", Fraction(1)), ("value", Fraction(0)))),
    # Mirzadeh et al. 2023, arXiv 2310.04564
    "shifted_relu": Entry(lambda shift: sp.Max(0, Z - shift), "max(0, z−shift)", (("shift", Fraction(1)),)),
    # Ma et al. 2022, arXiv 2209.10655 (Mega), with the digits of its code: √(1/2) and √(1/(4π))
    "laplace": Entry(
        lambda mu, sigma: (1 + sp.erf((Z - mu) / (sigma * sp.sqrt(2)))) / 2,
        "Φ((z−mu)/sigma), the gate of Mega's attention",
        (("mu", Fraction(707107, 10**6)), ("sigma", Fraction(282095, 10**6))),
        positive=("sigma",),
    ),
    # Huang and Schlag 2024, arXiv 2411.13010, with the values from which training starts
    "xielu": Entry(
        lambda alpha_p, alpha_n, beta: (
            alpha_p * sp.Max(0, Z) ** 2 + alpha_n * (sp.exp(sp.Min(0, Z)) - 1 - sp.Min(0, Z)) + beta * Z
        ),
        "alpha_p·z² for z > 0, else alpha_n·(exp(z)−1−z), plus beta·z",
        (("alpha_p", Fraction(4, 5)), ("alpha_n", Fraction(4, 5)), ("beta", Fraction(1, 2))),
    ),
}


def activation_names() -> tuple[str, ...]:
    """The names of the zoo, in the order of its table."""
    return tuple(ZOO)


def definition(name: str) -> sp.Expr:
    """φ(z) of a name of the zoo, its parameters at their defaults."""
    entry = ZOO[name]
    return entry.build(**{key: sp.Rational(value) for key, value in entry.defaults})
