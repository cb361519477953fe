"""§3 and the teaser: whether gating suppresses the correlation of gradients and makes the NTK diagonally dominant."""

from __future__ import annotations

from checks.claims.diagonal.controls import MUTANTS
from checks.claims.diagonal.evidence import (
    Statement,
    exact_factor,
    in_expectation,
    in_networks,
    literally,
    overview,
    pair_by_pair,
)
from checks.claims.diagonal.figure import charts
from checks.claims.diagonal.kernels import FULL, QUICK, RELEASED, D, M, N, Plan, width_of
from checks.claims.diagonal.theory import counterexamples, factor, products, relu_angles
from checks.settings import FALSE_ALARM, Settings
from checks.tools.evidence import proof
from checks.tools.signs import power
from checks.tools.training_task import PAIRS
from glutheory.claims import About, Assumption, Claim, Control, Evidence, Fate, Finding, Outcome, Part, decide

__all__ = ["CLAIM", "MUTANTS", "run"]

#: Imported, beyond the core.
NEEDS = ("statsmodels", "torch")
CLAIM = Claim(
    id="diagonal",
    source="§3, teaser",
    statement=(
        r"|\cos\tilde\varphi_{ij}| < |\cos\varphi_{ij}|:\ \text{gating suppresses the correlation of gradients; } "
        r"\tilde K \text{ is more diagonally dominant than } K\ (n=50,\ d=100,\ m=400)"
    ),
    words=(
        "Gating suppresses the correlation of gradients: the gated NTK is the more diagonally dominant one, as the "
        "heatmaps for n = 50, d = 100 and m = 400 show."
    ),
    assumptions=("n = 50, d = 100, m = 400", "power"),
    corrected=(
        r"\cos\tilde\varphi^{(m)}_{ij} = \cos\alpha_{ij}\,\cos\varphi^{(m+d)}_{ij} \text{ for any inputs and gate "
        r"(expected kernels): against the non-gated network wider by } d \text{ no correlation rises: each has the "
        r"factor } |\cos\alpha_{ij}|; |\cos\tilde\varphi_{ij}|\le|\cos\alpha_{ij}|.\ \text{At equal width some rise: "
        r"ReLU, } \|x\|^2=d,\ d/m=\tfrac14\text{, for } \alpha<1.217^\circ \text{ and } "
        r"130.5^\circ<\alpha<138.0^\circ.\ \text{Gaussian and normalised data, } n=50, d=100, m=400\text{: mean } "
        r"|\cos| \text{ and the row sums } \sum_{j\ne i}|K_{ij}|/K_{ii} \text{ are smaller with gates; that they are "
        r"below 1, diagonal dominance in the literal sense, was seen in no kernel of a sampled network}"
    ),
    meaning=(
        "On random inputs gated gradients are nearly uncorrelated, because each correlation is multiplied by the "
        "cosine between the inputs, about 0.08 at d = 100; samples hardly disturb each other while one is learned. "
        "Heatmaps of a network of the size of a plain one of width 400 show more: off the diagonal ReGLU has 0.034 in "
        "the mean, of which its expected kernel has 0.020 and the finite width adds the rest. Nearly equal inputs, "
        "obtuse ones at which the non-gated correlation happens to vanish, and rows that are much shorter than others "
        "are exceptions. More diagonally dominant does not mean diagonally dominant: in a gated network of this size "
        "at least 19 of 20 rows have off-diagonal sums above the diagonal entry; of the expected kernels it is 42 to "
        "46 % of the rows with ReGLU, less than 10 % with GEGLU and SwiGLU."
    ),
    parts=(
        Part(
            "suppression",
            "gating suppresses the correlation of gradients, whatever the pair of inputs",
            Fate.REVERSED,
            "every one against the non-gated network wider by d; at equal width some rise: pairs that are close, or at "
            "which the non-gated correlation vanishes",
        ),
        Part(
            "dominance",
            "the gated NTK is the more diagonally dominant one at n = 50, d = 100, m = 400 on random inputs",
            Fate.KEPT,
        ),
    ),
)


def assumptions(plan: Plan) -> tuple[Assumption, ...]:
    """The sizes, and the power of the sign tests."""
    widths = {name: width_of(name, RELEASED) for pair in PAIRS for name in pair}
    sizes = (N, D, M) == (50, 100, 400) and set(widths.values()) == {400, 200}
    tests = 6 * len(PAIRS)
    chance = power(plan.sets, 0.95, FALSE_ALARM / (2 * tests), tests)
    return (
        Assumption(
            "sizes", "n = 50, d = 100, m = 400, gated networks matched in size", sizes, f"{sorted({*widths.values()})}"
        ),
        Assumption(
            "power",
            "the sign tests decide with probability 0.99 if each network does as claimed with 0.95",
            chance >= 0.99,
            f"{chance:.4f}",
        ),
    )


def run(settings: Settings, statement: Statement | None = None) -> Outcome:
    """The check; `statement` is what is claimed of the kernels."""
    plan = FULL if settings.profile.thorough else QUICK
    claimed = statement or Statement()
    seed = settings.stream("diagonal/products")

    def judged(what: Statement) -> tuple[Evidence, ...]:
        return (
            in_expectation(plan, settings, what),
            in_networks(plan, settings, what),
            products(seed, what.wider_by, what.power),
            exact_factor(plan, settings, what),
            relu_angles(what.stretch),
            literally(plan, settings, what),
        )

    evidence = (
        *judged(claimed),
        counterexamples(),
        pair_by_pair(plan, settings),
        factor(),
        proof("hadamard", About.CORRECTED, "factor"),
    )
    controls = []
    for altered, wrong in MUTANTS.items():
        refuted = [item.what.partition(":")[0] for item in judged(wrong) if item.finding is Finding.REFUTES]
        controls.append(Control(altered, bool(refuted), f"refuted by: {'; '.join(refuted) or 'nothing'}"))
    checked = assumptions(plan)
    found = overview(plan, settings)
    plain, gated = (
        [found[f"{name}, {kind}"]["correlation"] for kind in ("measured", "predicted")] for name in PAIRS[0]
    )
    key = f"mean |cos| {plain[0]:.3f}/{gated[0]:.3f} measured, {plain[1]:.3f}/{gated[1]:.3f} predicted"
    verdict = decide(checked, evidence, controls, CLAIM.parts)
    return Outcome(CLAIM, checked, evidence, tuple(controls), verdict, key, charts(plan, settings))
