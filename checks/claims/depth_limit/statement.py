"""Ours: where the correlations of deep normed networks go, gated and plain, and what is left to learn from."""

from __future__ import annotations

from collections.abc import Sequence

from checks.claims.depth_limit.compact import computed, found, gatedly, plainly
from checks.claims.depth_limit.figure import charts
from checks.claims.depth_limit.law import LAW, MUTANTS, NEEDED, Law
from checks.claims.depth_limit.orbits import STARTS, limits, rates, residuals
from checks.claims.depth_limit.regression import closest, fits, lost
from checks.claims.depth_limit.theory import Block, gate, mean_degree, plain, weights
from checks.settings import Settings
from checks.tools.evidence import proof
from checks.tools.mutants import refuted
from glutheory.claims import Assumption, Claim, Evidence, Outcome, decide
from glutheory.numeric.deep.fixed import fixed_points

__all__ = ["CLAIM", "MUTANTS", "run"]

#: Imported, beyond the core.
NEEDS = ("sklearn",)

CLAIM = Claim(
    id="depth-limit",
    source="this project",
    statement=(
        r"f(\rho) = \sum_j p_j\rho^j,\ p_j \ge 0,\ f(1)=1,\ \mu = f'(1) = \frac{E[\phi'^2]}{E[\phi^2]}: \qquad "
        r"\text{plain: } \rho_L \to \rho^* \in [0,1) \text{ if } \mu > 1 \ (\rho^* = 0 \iff E\phi = 0), \ \to 1 \text{ "
        r"if } \mu \le 1; \qquad \text{gated } (\rho f): \ \rho_L \to 0 \text{ at the rate } p_0 = "
        r"\frac{(E\phi)^2}{E\phi^2}; \qquad \frac{\Theta_{ij}}{\Theta_{ii}} \to 0 \text{ if } f'(1) > 1, \ \tfrac14 "
        r"\text{ (ReLU)}, \ 1 \text{ if } f'(1) < 1"
    ),
    words=(
        "Between norms a block maps correlations by the generating function of a random degree. Gated blocks have the "
        "attracting fixed point 0 for every activation that is not constant, approached like p_0 = (Eφ)²/Eφ² to the "
        "number of blocks, and no other but 1 and, where φ is even (cos, |z|), -1: both repel. Plain ones go to 1 if "
        "f'(1) ≤ 1 (ReLU, which is marginal, like 9π²/2 L^-2; "
        "sigmoid), else to exactly one other point: 0 for centred activations, 0.659 for SiLU, 0.760 for GELU. With "
        "residuals the fixed points are the same, approached like a power of L. Without residuals the NTK tends to a "
        "multiple of the identity wherever f'(1) > 1, within ten blocks for ReGLU and SwiGLU: the condition number "
        "tends "
        "to 1, and predictions on new inputs to 0."
    ),
    assumptions=(
        "0 < E[φ²] < ∞, φ not constant, and no plain block linear",
        "no two rows parallel or opposite",
        "norms before every block",
        "infinite width",
        "no jumps (NTK)",
    ),
    meaning=(
        "A condition number near 1 is no merit of a deep gated network without residuals: it says that inputs no "
        "longer share anything. At 64 blocks regression by its NTK has R² = 0 on digits, diabetes and breast cancer, "
        "where the plain ReLU network keeps 0.49 to 0.89 of its best; the best depth is 1 to 4 blocks for ReGLU and "
        "SwiGLU, 4 to 16 for GLU. It is the size of the predictions that vanishes, so that a squared error learns "
        "nothing; their direction is worse as well, but not lost: at 8 blocks, cond 1.03 to 1.10, the cosine of "
        "ReGLU's predictions and the targets is 0.33 to 0.62, after 0.59 to 0.94 at the best depth. SiLU and GELU "
        "networks end the same way, only later (1.067^L and 1.072^L against 2.07^L with the gate). Residuals, or few "
        "blocks, are what gates need; a centred activation has the same limit 0 as a gate, at the rate 0.73 (ReLU) "
        "instead of 0.32."
    ),
)
_QUICK = ("relu", "silu", "gelu", "tanh", "sigmoid", "relu, centred")
_PLAIN = (*_QUICK, "leaky_relu", "abs", "mish", "erf", "softplus", "cos", "silu, centred")
_GATED = ("reglu", "geglu", "swiglu", "glu", "gtu", "bilinear")
#: With a slope so small that the power law is reached at the depths that are looked at.
_RESIDUAL = ("reglu", "geglu", "swiglu", "gtu")


def _assumed(blocks: Sequence[Block], cosine: float) -> tuple[Assumption, ...]:
    weight = {block.name: weights(block.act) for block in blocks}
    spread = min(1 - float(own[0]) for own in weight.values())
    linear = [block.name for block in blocks if not block.gated and 1 - float(weight[block.name][1]) < 1e-9]
    largest = max(mean_degree(block.act) for block in blocks)
    tail = max(1 - float(own.sum()) for own in weight.values())
    return (
        Assumption(
            "blocks",
            "no activation is constant, and no plain block linear",
            spread > 1e-9 and not linear,
            f"{len(blocks)} blocks; at least {spread:.2g} of the weight is beyond degree 0",
        ),
        Assumption(
            "rows", "no two rows are parallel or opposite", cosine < 1 - 1e-12, f"largest |cos| is {cosine:.6f}"
        ),
        Assumption(
            "slopes", "E[φ'²] is finite", largest < float("inf"), f"f'(1) of the plain maps is at most {largest:.4g}"
        ),
        Assumption(
            "series", "the Hermite series is a distribution", -1e-12 < tail < 1e-3, f"beyond degree 95: {tail:.1e}"
        ),
    )


def run(settings: Settings, law: Law = LAW) -> Outcome:
    """The check; `law` is what is claimed."""
    every = [plain(name) for name in (_PLAIN if settings.profile.thorough else _QUICK)]
    gates, with_residuals = [gate(name) for name in _GATED], [gate(name) for name in _RESIDUAL]

    def judged(law: Law) -> tuple[Evidence, ...]:
        return (
            plainly(law, every),
            gatedly(law, gates),
            computed(law, (*every, *gates)),
            rates(law, (*every, *gates)),
            residuals(law, with_residuals),
            limits(law, (*every, *gates)),
            lost(law, settings),
        )

    evidence = (
        *(proof("depth_limit", part=part) for part in ("fixed points", "rates", "kernels")),
        *judged(law),
    )
    controls = refuted(MUTANTS, judged, lambda wrong: NEEDED.get(_name(wrong), ""))
    assumed = _assumed((*every, *gates), max(*map(abs, STARTS), closest(settings)))
    verdict = decide(assumed, evidence, controls)
    return Outcome(CLAIM, assumed, evidence, controls, verdict, _key(settings), charts(settings))


def _name(law: Law) -> str:
    return next((name for name, wrong in MUTANTS.items() if wrong == law), "")


def _attractor(block: Block) -> float:
    """The computed fixed point that attracts: the stable one, else the marginal one."""
    found = sorted(fixed_points(block.network), key=lambda point: (point.stable is not True, -point.rho))
    return found[0].rho


def _listed(values: set[float]) -> str:
    return " to ".join(dict.fromkeys(f"{value:.4g}" for value in (min(values), max(values))))


def _key(settings: Settings) -> str:
    """The certified fixed points of SiLU, and the first depth at which ReGLU's NTK has lost all on the digits."""
    low, high = found(plain("silu").act).brackets[0]
    last = fits("digits", "reglu", 0, settings)[-1]
    best = max(fit.r2 for fit in fits("digits", "reglu", 0, settings))
    place = float(low + high) / 2
    gates = {_attractor(gate(name)) for name in _GATED}
    words = f"{_listed(gates)} for gates, {place:.4f} for SiLU, {_attractor(plain('relu')):.4g} for ReLU"
    return f"{words}; digits R2 {best:.2f} -> {abs(last.r2):.2f} at cond {last.condition:.3f} (ReGLU)"
