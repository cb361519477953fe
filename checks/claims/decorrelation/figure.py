"""Charts of the check on decorrelation: the difference of the kernels, the angle and the variance against d/m."""

from __future__ import annotations

import math
from collections.abc import Callable
from fractions import Fraction

import numpy as np
import numpy.typing as npt

from checks.claims.decorrelation.normalised_kernels import Law
from checks.tools.branch_and_bound import refine
from checks.tools.kinks import Kink, turn
from glutheory.activations import Z, activation
from glutheory.figures.chart import Chart, Role, Series

Array = npt.NDArray[np.float64]
_ANGLES = np.linspace(0.002, 0.16, 80)
_RATIOS = tuple(Fraction(2) ** k for k in range(-9, 4))
#: How many of them are at most 1: there the criterion is proved to decide.
_WIDE = 10
#: Gates drawn against d/m.
_GATES = ("gelu", "silu", "sigmoid", "tanh")
_CURVES = (
    ("relu", "reglu", 1.0, "ReLU, any q", False),
    ("gelu", "geglu", 1.0, "GELU, q = 1", False),
    ("gelu", "geglu", 1600.0, "GELU, q = 1600", True),
    ("silu", "swiglu", 1.0, "SiLU, q = 1", False),
)


def difference(plain: str, gated: str, q: float, angles: Array) -> Array:
    """K̃(ρ)/K̃(1) − K(ρ)/K(1) at d = m, in double precision."""
    from glutheory.numeric import gram

    rows = math.sqrt(2 * q) * np.stack([np.cos(angles), np.sin(angles)], axis=1)
    first = np.array([[math.sqrt(2 * q), 0.0]])
    K, full = (gram(name, np.concatenate([first, rows])) for name in (plain, gated))
    return np.asarray(full[0, 1:] / full[0, 0] - K[0, 1:] / K[0, 0])


def limits(name: str, ratios: tuple[Fraction, ...]) -> list[float]:
    """q* at these d/m in double precision: the root of the criterion, its integrals by the trapezoidal rule."""
    import sympy as sp
    from scipy.optimize import brentq

    z = np.linspace(-40, 40, 8001)
    expr = activation(name).expr
    squares: list[Array] = []
    for order in range(3):
        function: Callable[..., Array] = sp.lambdify(Z, sp.diff(expr, Z, order), ["numpy", "scipy"])
        squares.append(np.asarray(function(z), dtype=float) ** 2)
        squares[-1][[0, -1]] /= 2
    # beyond |z| = 40 the gates are straight lines
    law = Law()

    def excess(log_q: float, r: Fraction) -> float:
        q = math.exp(log_q)
        weight = np.exp(-(z**2) / (2 * q)) * (z[1] - z[0]) / math.sqrt(2 * math.pi * q)
        values = [float(square @ weight) + _tail(name, order, q) for order, square in enumerate(squares)]
        M, W = q * values[1] / values[0], q * q * values[2] / values[0]
        p = [float(value) for value in law.criterion(r)]
        return p[0] + p[1] * M + p[2] * M * M - W

    return [math.exp(brentq(excess, -2, 30, args=(r,))) for r in ratios]


def _tail(name: str, order: int, q: float) -> float:
    """E[f²; |z| > 40] for f = φ, φ', where φ is a straight line (or constant) up to 1e-17."""
    if order == 2:
        return 0.0
    x = 40 / math.sqrt(q)
    upper = math.erfc(x / math.sqrt(2)) / 2
    if name in ("gelu", "silu"):
        return upper if order == 1 else q * (upper + x * math.exp(-x * x / 2) / math.sqrt(2 * math.pi))
    return 0.0 if order == 1 else upper * (2 if name in ("tanh", "erf") else 1)


def exact_angle(name: str, r: Fraction) -> float:
    """θ* to double precision, from its enclosure."""
    share = turn(activation(name))
    assert share is not None
    kink = Kink(share, (1 + r) / (1 + 2 * r), 1 / (1 + r))
    (bracket,) = kink.acute().brackets
    return float(sum(refine(kink.value, bracket, bracket[1] / 10**14)) / 2)


def charts(thorough: bool) -> tuple[Chart, ...]:
    """The three charts; more gates in the last one if thorough."""
    ratios = [float(r) for r in _RATIOS]
    first = Chart(
        "Where gating brings inputs closer",
        r"angle between the inputs $\theta$ (radians)",
        r"$\tilde K(\rho)/\tilde K(1) - K(\rho)/K(1)$",
        tuple(
            Series(label, _ANGLES.tolist(), difference(plain, gated, q, _ANGLES).tolist(), dashed=dashed)
            for plain, gated, q, label, dashed in _CURVES
        ),
        note=(
            "The inequality says that no curve rises above 0. ReLU (and GELU at a large variance, where it looks like "
            "ReLU) does at small angles, up to 0.108; GELU and SiLU at variance 1 never do. d = m."
        ),
    )
    angles = [Series(name, ratios, [exact_angle(name, r) for r in _RATIOS]) for name in ("relu", "abs")]
    leading = [float(Law().angle(r)) / math.pi for r in _RATIOS]
    second = Chart(
        "Inputs closer than this come closer by gating",
        "d/m",
        r"angle $\theta^*$ (radians)",
        (*angles, Series(r"$2r^2/(\pi(1+r)(1+2r))$", ratios, leading, Role.THEORY, dashed=True)),
        xscale="log",
        yscale="log",
        note="The exact angle for ReLU and |z|, and the leading term for ReLU: it falls like (d/m)^2 in wide networks.",
    )
    names = (*_GATES, "normal_cdf", "erf") if thorough else _GATES
    third = Chart(
        "Up to this variance smooth gates obey the inequality",
        "d/m",
        r"variance $q^*$ of the pre-activations",
        tuple(Series(name, ratios[:_WIDE], limits(name, _RATIOS[:_WIDE])) for name in names),
        xscale="log",
        yscale="log",
        note="q* grows without bound as networks get wide; on normalised inputs the variance is about 1, far below.",
    )
    return first, second, third
