"""The NTK of a hidden unit that is any product of branches."""

from __future__ import annotations

import math

from checks.settings import Settings
from checks.tools.formulas import of_branches as equation
from checks.tools.kernel_claim import verify
from checks.tools.roads import Formula
from glutheory.claims import Claim, Outcome
from glutheory.figures.chart import Role
from glutheory.networks import product

#: Imported, beyond the core.
NEEDS = ("torch",)
CLAIM = Claim(
    id="products",
    source="this project",
    statement=(
        r"z = V\prod_{i=1}^{n}\phi_i(W_i x):\quad K = m\Bigl[\prod_i S_i + \sigma_v^2\,(x\cdot x')\sum_i "
        r"T_i\prod_{j\ne i}S_j\Bigr]\text{ with } T_i \text{ the derivative of } S_i \text{ in its own covariance }"
        r"\sigma_i^2\,x\cdot x'"
    ),
    words="The NTK of a product of branches is a product of duals, plus one term per branch with T in place of S.",
    assumptions=(
        "independent Gaussian weights, no biases",
        "at least two branches",
        "continuous activations",
        "inputs other than 0",
    ),
    meaning=(
        "Gated units are one case of a rule: multiply any number of branches, and the kernel is a product of the "
        "branches' duals plus one term for each branch that is trained. New gates with two or three factors can "
        "be judged from their kernels before any network is trained."
    ),
)

_QUICK = (("sigmoid", "normal_cdf"), ("relu", "tanh"), ("identity", "identity", "erf"))
_FULL = (("sin", "cos"), ("sigmoid", "tanh"), ("silu", "softplus"), ("abs", "gaussian"), ("identity",) * 3)


MUTANTS: dict[str, Formula] = {
    "the last branch's term missing": lambda s, g, duals: equation(s, g, [*duals[:-1], (duals[-1][0], 0)]),
    "T for S": lambda s, g, duals: equation(s, g, [(T, S) for S, T in duals]),
    "every branch differentiated at once": lambda s, g, duals: (
        s.m * (math.prod([S for S, _ in duals], start=1) + s.v * g * math.prod([T for _, T in duals], start=1))
    ),
    "the readout counted once per branch": lambda s, g, duals: (
        equation(s, g, duals) + s.m * (len(duals) - 1) * math.prod([S for S, _ in duals], start=1)
    ),
    "the whole kernel 1 % too large": lambda s, g, duals: equation(s, g, duals) * 101 / 100,
}


def run(settings: Settings, formula: Formula = equation) -> Outcome:
    """The check; `formula` is what is claimed."""
    names = _QUICK + (_FULL if settings.profile.thorough else ())
    architecture = ("the hidden unit has several branches", lambda s: len(s.network.branches) > 1)
    return verify(
        CLAIM, settings, formula, [product(*row) for row in names], MUTANTS, "products", architecture, Role.OTHER
    )
