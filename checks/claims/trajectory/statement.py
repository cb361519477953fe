"""The teaser: two samples, the ellipse of the NTK, and whether gated heads go straighter to the target."""

from __future__ import annotations

import numpy as np

from checks.claims.trajectory.figure import charts
from checks.claims.trajectory.measures import MUTANTS, Statement, following, large, normalised_pairs, straighter
from checks.claims.trajectory.paths import ACUTE, FULL, HIDDEN, QUICK, Paths, Plan, straightness, trained
from checks.claims.trajectory.theory import angles, counterexample, ellipse, equal_norms, lengths, nested, width_of
from checks.settings import FALSE_ALARM, Settings
from checks.tools.signs import power
from checks.tools.training_task import NAMES, PAIRS
from glutheory.claims import Assumption, Claim, Control, Evidence, Fate, Finding, Outcome, Part, decide

__all__ = ["CLAIM", "MUTANTS", "run"]

CLAIM = Claim(
    id="trajectory",
    source="teaser figure",
    statement=(
        r"n=2:\quad e_k \approx (I-\eta K)^k e_0,\ \text{the steps on the ellipse } \{v: v^\top K^{-1}v=\text{const}\};"
        r"\qquad \text{gated heads move straighter to the target than non-gated ones}"
    ),
    words=(
        "Two samples, d = 75, width 300, learning rate 1e-4: the outputs of a trained network follow the ellipse of "
        "its NTK, and gated heads move straighter to the target."
    ),
    assumptions=(
        "two samples, matched widths",
        "targets of variance about 1",
        "small steps",
        "the targets are reached",
        "power",
    ),
    corrected=(
        r"e_k \to (I-\eta K)^k e_0 \text{ as the targets approach the outputs at the start, } K \text{ that of the "
        r"network itself. In its eigenbasis the path is } y=x^{\kappa}\text{; from the same start its straightness "
        r"falls as } \kappa=\operatorname{cond}K \text{ grows, and so does } \cos\angle(Ke,e)\ge "
        r"2\sqrt\kappa/(1+\kappa). \text{ For inputs with } \|x_i\|^2=d \text{ at an acute angle } "
        r"\operatorname{cond}\tilde K<\operatorname{cond}K \text{ and the gated path is the straighter one; for inputs "
        r"of unequal norms it need not be.}"
    ),
    meaning=(
        "With targets of ordinary size the two outputs move as the network's own NTK at the start says, within a few "
        "percent of the way. That gated heads go straighter is a matter of the inputs, not of gating alone, because "
        "the norms of the inputs enter the gated kernel twice. Normalised inputs at acute angles make the gated path "
        "the straighter one; on raw Gaussian inputs GELU and SiLU heads are about as straight as their gated "
        "partners, and with large targets the gated paths are the more curved ones."
    ),
    parts=(
        Part("ellipse", "the outputs follow the ellipse of the NTK", Fate.KEPT),
        Part(
            "straighter",
            "gated heads move straighter to the target",
            Fate.REVERSED,
            "for inputs of norm √d at an acute angle; on inputs of unequal norms they can be the less straight ones",
        ),
    ),
)


def assumptions(plan: Plan, settings: Settings) -> tuple[Assumption, ...]:
    """Evaluated on the runs."""
    runs: dict[str, Paths] = {name: trained(plan, settings, name, "unit", None) for name in NAMES}
    steps = max(plan.rate * float(np.linalg.eigvalsh(paths.kernels).max()) for paths in runs.values())
    left = max(
        float(np.median(np.linalg.norm(paths.residuals[-1], axis=1) / np.linalg.norm(paths.start, axis=1)))
        for paths in runs.values()
    )
    size = float(np.mean(runs[NAMES[0]].start ** 2))
    tests = FALSE_ALARM / (2 * len(NAMES)), FALSE_ALARM / (2 * len(PAIRS))
    chance = min(power(plan.pairs, 0.99, tests[0], len(NAMES)), power(plan.acute, 0.8, tests[1], len(PAIRS)))
    widths = sorted({width_of(name) for name in NAMES})
    return (
        Assumption(
            "setting", "two samples, d = 75, width 300 or matched in size", widths == [150, HIDDEN], f"{widths}"
        ),
        Assumption(
            "targets", "the mean square of the way to go is between 1/2 and 4", 0.5 < size < 4, f"{size:.2f} (ReLU)"
        ),
        Assumption("steps", "rate times the largest eigenvalue is below 1/2", steps < 0.5, f"at most {steps:.3f}"),
        Assumption("reached", "less than a tenth of the way is left (median)", left < 0.1, f"at most {left:.4f}"),
        Assumption(
            "power",
            "the tests decide with probability 0.99, if a network does as claimed with 0.99 (path) and 0.8 (acute)",
            chance >= 0.99,
            f"{chance:.4f}",
        ),
    )


def _share(plan: Plan, settings: Settings, cosine: float | None = None) -> float:
    """Of the pairs, those on which SwiGLU goes straighter than SiLU."""
    targets = "unit" if cosine is None else "small"
    plain, gated = (straightness(trained(plan, settings, name, targets, cosine).residuals) for name in PAIRS[-1])
    return float(np.mean(gated > plain))


def run(settings: Settings, statement: Statement | None = None) -> Outcome:
    """The check; `statement` is what is claimed of the paths."""
    plan = FULL if settings.profile.thorough else QUICK
    claimed = statement or Statement()

    def corrected(what: Statement) -> tuple[Evidence, ...]:
        return (
            following(plan, settings, "small", what),
            angles(what.bound),
            normalised_pairs(plan, settings, what),
        )

    evidence = (
        following(plan, settings, "unit", claimed),
        ellipse(),
        counterexample(),
        straighter(plan, settings, claimed),
        *((large(plan, settings),) if settings.profile.thorough else ()),
        *corrected(claimed),
        nested(),
        lengths(),
        equal_norms(settings.profile.thorough),
    )
    controls = []
    for altered, wrong in MUTANTS.items():
        refuted = [item.part for item in corrected(wrong) if item.finding is Finding.REFUTES]
        controls.append(Control(altered, bool(refuted), f"refuted by the evidence on: {', '.join(refuted) or 'none'}"))
    checked = assumptions(plan, settings)
    key = f"SwiGLU straighter: Gaussian {_share(plan, settings):.0%}, normalised {_share(plan, settings, ACUTE):.0%}"
    verdict = decide(checked, evidence, controls, CLAIM.parts)
    return Outcome(CLAIM, checked, evidence, tuple(controls), verdict, key, charts(plan, settings))
