"""The zoo of activations, one table: how each φ is built from its parameters, and what people read about it.

The definitions are functions of SymPy, z and the parameters, so that the table is there without SymPy.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import sympy


@dataclass(frozen=True)
class Entry:
    """One row of the zoo.

    Attributes:
        build: of the module sympy, z and the parameters by their names φ(z); see `expression`.
        about: one line for people.
        defaults: the parameters and what they are where nothing is said.
        positive: those that must be.
    """

    build: Callable[..., Any]
    about: str
    defaults: tuple[tuple[str, Fraction], ...] = ()
    positive: tuple[str, ...] = ()

    def expression(self, **parameters: Any) -> sympy.Expr:
        """φ(z) with these parameters, all of them given."""
        # here, for numbers of the zoo are computed without SymPy, which takes longer to import than they do
        import sympy

        from glutheory.activations.variable import Z

        return self.build(sympy, Z, **parameters)


#: λ and α of SELU, to the digits that its authors' code and torch have.
_SELU = Fraction("1.0507009873554804934193349852946"), Fraction("1.6732632423543772848170429916717")
#: The long numbers of the zoo by the names that the literature gives them.
CONSTANTS: tuple[tuple[str, Fraction], ...] = (("lambda", _SELU[0]), ("alpha", _SELU[1]))


def _sigmoid(sp: Any, z: Any) -> Any:
    return 1 / (1 + sp.exp(-z))


def _elu(sp: Any, z: Any, alpha: Any) -> Any:
    return sp.Max(0, z) + alpha * (sp.exp(sp.Min(0, z)) - 1)


def _relu6(sp: Any, z: Any) -> Any:
    return sp.Min(sp.Max(0, z), 6)


def _jump(sp: Any, z: Any, threshold: Any, value: Any) -> Any:
    """The argument z above the threshold, else the value."""
    return value + (z - value) * sp.Heaviside(z - threshold)


ZOO: dict[str, Entry] = {
    "identity": Entry(lambda _, z: z, "z"),
    "monomial2": Entry(lambda _, z: z**2, "z²"),
    "monomial3": Entry(lambda _, z: z**3, "z³"),
    "step": Entry(lambda sp, z: sp.Heaviside(z), "Heaviside step H(z), H(0) = 1/2"),
    "sign": Entry(lambda sp, z: sp.sign(z), "sign of z"),
    "abs": Entry(lambda sp, z: sp.Abs(z), "|z|"),
    "relu": Entry(lambda sp, z: sp.Max(0, z), "max(0, z)"),
    "leaky_relu": Entry(
        lambda sp, z, slope: sp.Max(0, z) + slope * sp.Min(0, z),
        "max(0, z) + slope·min(0, z)",
        (("slope", Fraction(1, 100)),),
    ),
    "relu2": Entry(lambda sp, z: sp.Max(0, z) ** 2, "max(0, z)², squared ReLU"),
    "erf": Entry(lambda sp, z: sp.erf(z), "error function erf(z)"),
    "normal_cdf": Entry(
        lambda sp, z: (1 + sp.erf(z / sp.sqrt(2))) / 2, "Φ(z), the standard normal distribution function"
    ),
    "gelu": Entry(lambda sp, z: z * (1 + sp.erf(z / sp.sqrt(2))) / 2, "z·Φ(z), exact (no tanh approximation)"),
    "sigmoid": Entry(lambda sp, z: 1 / (1 + sp.exp(-z)), "σ(z) = 1/(1+exp(−z))"),
    "tanh": Entry(lambda sp, z: sp.tanh(z), "tanh(z)"),
    "silu": Entry(
        lambda sp, z, beta: z / (1 + sp.exp(-beta * z)),
        "z·σ(beta·z); beta = 1 is SiLU, other values are Swish",
        (("beta", Fraction(1)),),
        positive=("beta",),
    ),
    "softplus": Entry(lambda sp, z: sp.log(1 + sp.exp(z)), "log(1+exp(z))"),
    "sin": Entry(lambda sp, z: sp.sin(z), "sin(z)"),
    "cos": Entry(lambda sp, z: sp.cos(z), "cos(z)"),
    "exp": Entry(lambda sp, z: sp.exp(z), "exp(z)"),
    "gaussian": Entry(lambda sp, z: sp.exp(-(z**2) / 2), "exp(−z²/2)"),
    # Misra 2019, arXiv 1908.08681
    "mish": Entry(lambda sp, z: z * sp.tanh(sp.log(1 + sp.exp(z))), "z·tanh(log(1+exp(z)))"),
    # Clevert, Unterthiner and Hochreiter 2015, arXiv 1511.07289
    "elu": Entry(_elu, "z for z > 0, else alpha·(exp(z)−1)", (("alpha", Fraction(1)),), positive=("alpha",)),
    # Klambauer, Unterthiner, Mayr and Hochreiter 2017, arXiv 1706.02515
    "selu": Entry(
        lambda sp, z: sp.Rational(_SELU[0]) * _elu(sp, z, sp.Rational(_SELU[1])),
        "λ·elu(z) with λ = 1.0507…, alpha = 1.6732…",
    ),
    # Barron 2017, arXiv 1704.07483
    "celu": Entry(
        lambda sp, z, alpha: sp.Max(0, z) + alpha * (sp.exp(sp.Min(0, z) / alpha) - 1),
        "z for z > 0, else alpha·(exp(z/alpha)−1)",
        (("alpha", Fraction(1)),),
        positive=("alpha",),
    ),
    "hard_tanh": Entry(lambda sp, z: sp.Max(-1, sp.Min(1, z)), "max(−1, min(1, z))"),
    # Howard et al. 2019, arXiv 1905.02244, as torch has them
    "hard_sigmoid": Entry(lambda sp, z: _relu6(sp, z + 3) / 6, "min(max(0, z+3), 6)/6"),
    "hard_swish": Entry(lambda sp, z: z * _relu6(sp, z + 3) / 6, "z·min(max(0, z+3), 6)/6"),
    # Krizhevsky 2010; Sandler et al. 2018, arXiv 1801.04381
    "relu6": Entry(_relu6, "min(max(0, z), 6)"),
    # Glorot and Bengio 2010
    "softsign": Entry(lambda sp, z: z / (1 + sp.Abs(z)), "z/(1+|z|)"),
    "log_cosh": Entry(lambda sp, z: sp.log(sp.cosh(z)), "log(cosh(z))"),
    # Hendrycks and Gimpel 2016, arXiv 1606.08415: both approximations of GELU
    "gelu_tanh": Entry(
        lambda sp, z: z * (1 + sp.tanh(sp.sqrt(2 / sp.pi) * (z + sp.Rational(44715, 10**6) * z**3))) / 2,
        "z·(1+tanh(√(2/π)·(z+0.044715z³)))/2, GELU's approximation in GPT-2",
    ),
    "quick_gelu": Entry(
        lambda sp, z: z * _sigmoid(sp, sp.Rational(1702, 1000) * z), "z·σ(1.702z), GELU's approximation in CLIP"
    ),
    # Ramachandran, Zoph and Le 2017, arXiv 1710.05941
    "swish": Entry(
        lambda sp, z, beta: z * _sigmoid(sp, beta * z),
        "z·σ(beta·z), silu's other name",
        (("beta", Fraction(1)),),
        ("beta",),
    ),
    # So et al. 2021, arXiv 2109.08668
    "squared_relu": Entry(lambda sp, z: sp.Max(0, z) ** 2, "max(0, z)², relu2's other name"),
    # Ziyin, Hartwig and Ueda 2020, arXiv 2006.08195
    "snake": Entry(
        lambda sp, z, alpha: z + sp.sin(alpha * z) ** 2 / alpha,
        "z + sin²(alpha·z)/alpha",
        (("alpha", Fraction(1)),),
        positive=("alpha",),
    ),
    # Sitzmann et al. 2020, arXiv 2006.09661
    "sine": Entry(
        lambda sp, z, omega: sp.sin(omega * z),
        "sin(omega·z); SIREN has omega = 30",
        (("omega", Fraction(1)),),
        ("omega",),
    ),
    # Erichson, Yao and Mahoney 2019, arXiv 1904.03750; Rajamanoharan et al. 2024, arXiv 2407.14435
    "jump_relu": Entry(
        lambda sp, z, theta: _jump(sp, z, theta, sp.S.Zero), "z for z > theta, else 0", (("theta", Fraction(1)),)
    ),
    # torch's Threshold
    "threshold": Entry(_jump, "z for z > threshold, else value", (("threshold", Fraction(1)), ("value", Fraction(0)))),
    # Mirzadeh et al. 2023, arXiv 2310.04564
    "shifted_relu": Entry(lambda sp, z, shift: sp.Max(0, z - shift), "max(0, z−shift)", (("shift", Fraction(1)),)),
    # Ma et al. 2022, arXiv 2209.10655 (Mega), with the digits of its code: √(1/2) and √(1/(4π))
    "laplace": Entry(
        lambda sp, z, mu, sigma: (1 + sp.erf((z - mu) / (sigma * sp.sqrt(2)))) / 2,
        "Φ((z−mu)/sigma), the gate of Mega's attention",
        (("mu", Fraction(707107, 10**6)), ("sigma", Fraction(282095, 10**6))),
        positive=("sigma",),
    ),
    # Huang and Schlag 2024, arXiv 2411.13010, with the values from which training starts
    "xielu": Entry(
        lambda sp, z, alpha_p, alpha_n, beta: (
            alpha_p * sp.Max(0, z) ** 2 + alpha_n * (sp.exp(sp.Min(0, z)) - 1 - sp.Min(0, z)) + beta * z
        ),
        "alpha_p·z² for z > 0, else alpha_n·(exp(z)−1−z), plus beta·z",
        (("alpha_p", Fraction(4, 5)), ("alpha_n", Fraction(4, 5)), ("beta", Fraction(1, 2))),
    ),
}


def activation_names() -> tuple[str, ...]:
    """The names of the zoo, in the order of its table."""
    return tuple(ZOO)


def definition(name: str) -> sympy.Expr:
    """φ(z) of a name of the zoo, its parameters at their defaults."""
    import sympy  # see `Entry.expression`

    entry = ZOO[name]
    return entry.expression(**{key: sympy.Rational(value) for key, value in entry.defaults})
