"""Eq. 4: the NTK of the gated network."""

from __future__ import annotations

from typing import Any

from checks.settings import Settings
from checks.tools.formulas import gated as equation
from checks.tools.kernel_claim import verify
from checks.tools.roads import Constants, Duals, Formula
from glutheory.claims import Claim, Outcome
from glutheory.figures.chart import Role
from glutheory.networks import GATES, Network, gated

#: Imported, beyond the core.
NEEDS = ("torch",)
CLAIM = Claim(
    id="ntk-gated",
    source="Eq. 4",
    statement=(
        r"\tilde K_{ij} = m(\sigma_v^2+\sigma_p^2)\,\mathbb{E}[\phi(u)\phi(v)]\,x_i\cdot x_j + "
        r"m\,\sigma_v^2\sigma_p^2\,\mathbb{E}[\phi'(u)\phi'(v)]\,(x_i\cdot x_j)^2"
    ),
    words="The expected NTK of V [(Px) ⊙ φ(Wx)] is m (σ_v² + σ_p²)(x·x') S + m σ_v² σ_p² (x·x')² T, at every width.",
    assumptions=(
        "independent Gaussian weights, no biases",
        "value branch and one gate",
        "continuous gate",
        "inputs other than 0",
    ),
    meaning=(
        "The kernel of a GLU layer is known as exactly as that of a plain one, at every width. The value branch "
        "multiplies every entry by the inner product of the inputs: all that gating does to the kernel of a "
        "two-layer network is in that factor and in one more copy of S, the term that training the value weights "
        "adds."
    ),
)

_QUICK = ("glu", "reglu", "swiglu")
_FULL = ("erf", "softplus", "sin", "abs")


def _without(scales: Constants, inner: Any, duals: Duals, *, block: str) -> Any:
    (S, T), p = duals[-1], scales.w[0]
    blocks = {
        "readout": p * inner * S,
        "value": scales.v * inner * S,
        "gate": scales.v * p * inner * inner * T,
    }
    return scales.m * sum(value for name, value in blocks.items() if name != block)


MUTANTS: dict[str, Formula] = {
    "T for S": lambda s, g, duals: equation(s, g, [(t, x) for x, t in duals]),
    "sigma_p^2 dropped from the second term": lambda s, g, duals: (
        s.m * (s.v + s.w[0]) * g * duals[-1][0] + s.m * s.v * g * g * duals[-1][1]
    ),
    "value weights not trained": lambda s, g, duals: _without(s, g, duals, block="value"),
    "gate weights not trained": lambda s, g, duals: _without(s, g, duals, block="gate"),
    "first term doubled, for sigma_v^2 = sigma_p^2": lambda s, g, duals: (
        2 * s.m * s.v * g * duals[-1][0] + s.m * s.v * s.w[0] * g * g * duals[-1][1]
    ),
    "the non-gated kernel (Eq. 3)": lambda s, g, duals: s.m * duals[-1][0] + s.m * s.v * g * duals[-1][1],
    "the whole kernel 1 % too large": lambda s, g, duals: equation(s, g, duals) * 101 / 100,
}


def run(settings: Settings, formula: Formula = equation) -> Outcome:
    """The check; `formula` is what is claimed."""
    names: list[str | Network] = [*_QUICK]
    if settings.profile.thorough:
        names = [*_QUICK, *(name for name in GATES if name not in _QUICK), *(gated(gate) for gate in _FULL)]
    architecture = ("value branch times one gate", lambda s: s.network.gated)
    return verify(CLAIM, settings, formula, names, MUTANTS, "ntk_gated", architecture, Role.GATED)
