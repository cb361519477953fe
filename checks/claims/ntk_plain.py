"""Eq. 3: the NTK of the non-gated network."""

from __future__ import annotations

from typing import Any

from checks.settings import Settings
from checks.tools.formulas import plain as equation
from checks.tools.kernel_claim import verify
from checks.tools.roads import Constants, Duals, Formula
from glutheory.claims import Claim, Outcome
from glutheory.figures.chart import Role

#: Imported, beyond the core.
NEEDS = ("torch",)
CLAIM = Claim(
    id="ntk-plain",
    source="Eq. 3",
    statement=(
        r"K_{ij} = m\,\mathbb{E}[\phi(u)\phi(v)] + m\,\sigma_v^2\,\mathbb{E}[\phi'(u)\phi'(v)]\,x_i\cdot x_j, "
        r"\quad (u,v)\sim N\bigl(0,\sigma_w^2(\|x_i\|^2,\|x_j\|^2,x_i\cdot x_j)\bigr)"
    ),
    words="The expected NTK of V φ(Wx) is m S + m σ_v² (x·x') T, at every width.",
    assumptions=(
        "independent Gaussian weights, no biases",
        "one branch",
        "continuous activation",
        "inputs other than 0",
    ),
    meaning=(
        "At the start of training, and throughout it for a wide network with a small step, this kernel decides "
        "how fast each direction of the data is learned. The formula is no limit: it is the mean over random "
        "initialisations at every width, so one may compute it instead of sampling networks. It speaks of two-layer "
        "networks without biases."
    ),
)

_QUICK = ("tanh", "relu", "gelu")
_FULL = (
    *("identity", "monomial2", "abs", "leaky_relu", "relu2", "erf", "normal_cdf", "sigmoid", "silu", "softplus"),
    *("sin", "cos", "gaussian"),
)


def _swapped(scales: Constants, inner: Any, duals: Duals) -> Any:
    ((S, T),) = duals
    return equation(scales, inner, [(T, S)])


MUTANTS: dict[str, Formula] = {
    "T for S": _swapped,
    "sigma_v^2 dropped": lambda s, g, duals: s.m * duals[0][0] + s.m * g * duals[0][1],
    "sigma_v^4 for sigma_v^2": lambda s, g, duals: s.m * duals[0][0] + s.m * s.v * s.v * g * duals[0][1],
    "second term doubled": lambda s, g, duals: s.m * duals[0][0] + 2 * s.m * s.v * g * duals[0][1],
    "second term missing (NNGP/sigma_v^2 for NTK)": lambda s, _, duals: s.m * duals[0][0],
    "the whole kernel 1 % too large": lambda s, g, duals: equation(s, g, duals) * 101 / 100,
}


def run(settings: Settings, formula: Formula = equation) -> Outcome:
    """The check; `formula` is what is claimed."""
    names = _QUICK + (_FULL if settings.profile.thorough else ())
    architecture = ("the hidden unit has one branch", lambda s: len(s.network.branches) == 1)
    return verify(CLAIM, settings, formula, names, MUTANTS, "ntk_plain", architecture, Role.PLAIN)
