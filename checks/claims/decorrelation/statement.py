"""Ours: whether the gated kernel, scaled to 1 for equal inputs, falls off faster with the angle than the other."""

from __future__ import annotations

import math
from collections.abc import Sequence
from fractions import Fraction

from checks.claims.decorrelation.evidence import BOXES, KINKED, RATIOS, boxes, kinks, samples, thresholds, violations
from checks.claims.decorrelation.figure import charts
from checks.claims.decorrelation.normalised_kernels import Law
from checks.claims.decorrelation.variance_ranges import GATES, Gate
from checks.settings import Settings
from checks.tools.evidence import proof
from checks.tools.kinks import turn
from glutheory.activations import activation
from glutheory.claims import About, Assumption, Claim, Control, Evidence, Fate, Finding, Outcome, Part, decide
from glutheory.ground.pieces import pieces

CLAIM = Claim(
    id="decorrelation",
    source="this project",
    statement=(
        r"\frac{\tilde K(\rho)}{\tilde K(1)} \le \frac{K(\rho)}{K(1)}\quad\text{on } [0,1]\text{, for every gate and "
        r"variance } q"
    ),
    words=(
        "On the sphere, for inputs at an acute angle, the gated kernel scaled to 1 at equal inputs lies below the "
        "non-gated one."
    ),
    assumptions=("continuous activations", "smooth gates are smooth", "ramps and steps", "kinks at 0"),
    corrected=(
        r"\text{With } M = \tfrac{q\,\mathbb E[\phi'^2]}{\mathbb E[\phi^2]},\ W = \tfrac{q^2\,\mathbb "
        r"E[\phi''^2]}{\mathbb E[\phi^2]}\ (d=m):\ \text{the inequality holds on } [0,1] \iff W \le 2(1+M+M^2)"
        r"\text{ for GELU, SiLU, sigmoid, tanh, erf, } \Phi,\ \text{that is } q \le q^*,\ q^* = 96.36,\ 294.3,\ "
        r"31.25,\ 9.227,\ 7.594,\ 12.53;\ \text{for } e^{-z^2/2}\ q^* = 2+\sqrt6;\ \text{at every } q \text{ for "
        r"polynomials of degree} \le 7 \text{ (not 8; for } r=\tfrac dm \text{ up to } "
        r"n_r = 1+\tfrac{2+\sqrt{8(1+r)}}r, \text{ so less than 7 for } d>m\text{), } e^z, \sin, \cos, z_+^2;\ "
        r"\text{never with a kink: for ReLU, at acute angles, "
        r"exactly the inputs closer than } \theta^* = 0.1078 \text{ come closer, for any } r = \tfrac dm \text{ than } "
        r"\theta^* \approx \tfrac{2r^2}{\pi(1+r)(1+2r)}"
    ),
    meaning=(
        "Gating makes the network treat different inputs as more different, with an exception: ReGLU pulls inputs "
        "together that are nearly parallel already (within 6 degrees if the width equals the input dimension, within "
        "0.17 degrees at width 1000 and dimension 75). GEGLU and SwiGLU have no such exception while the variance of "
        "the pre-activations is below about 96 and 294 at d = m (more in wider networks, less in narrower ones); on "
        "normalised inputs it is about 1. All this is on [0, 1]: of inputs at obtuse angles ReGLU brings some closer "
        "again."
    ),
    parts=(
        Part(
            "every gate",
            "the inequality holds on [0, 1] for every gate",
            Fate.REVERSED,
            "not with a kink: nearly parallel inputs come closer",
        ),
        Part("every variance", "and for every variance", Fate.REVERSED, "up to a variance q* of each smooth gate"),
    ),
)

_ONE, _TWO = Fraction(1), Fraction(2)
#: Softplus needs as much time as all others together.
_QUICK = tuple(gate for gate in GATES if gate.name != "softplus")
#: Enough for the controls.
_FEW = tuple(gate for gate in GATES if gate.name in ("sigmoid", "tanh"))

MUTANTS: dict[str, Law] = {
    "the gated kernel without its factor 2": Law(gated=lambda r: (_ONE, r)),
    "the NNGP in place of the non-gated NTK": Law(plain=lambda _: (_ONE, Fraction(0))),
    "the inequality reversed": Law(sense=-1),
    "both kernels scaled to 1 at rho = 1/2": Law(anchor=Fraction(1, 2)),
    "q* and the angle twice as large": Law(stretch=_TWO),
    "the variance of the degree bounded by (1+mu)^2": Law(criterion=lambda _: (_ONE, _ONE, _TWO)),
    "E[k^2] - E[k] in place of the variance": Law(criterion=lambda _: (_TWO, Fraction(3), _ONE)),
}


def assumptions(gates: Sequence[Gate]) -> tuple[Assumption, ...]:
    """What the statement and its proof presuppose of the activations, evaluated on those of the run."""
    names = sorted({*KINKED, *BOXES, *(gate.name for gate in gates)})
    jumping = [name for name in names if any(jump != 0 for jump in pieces(activation(name).expr).jumps)]
    kinked = [gate.name for gate in gates if not pieces(gate.act.expr).smooth]
    shapeless = [gate.name for gate in gates if not gate.shape()]
    bent = [name for name in KINKED if turn(activation(name)) is None]
    rows = (
        ("continuous", "no activation jumps: K(1) is finite", jumping, len(names)),
        ("smooth", "the gates with a q* have no kink", kinked, len(gates)),
        ("shape", "they are z/2 plus an even function, or a constant plus an odd one", shapeless, len(gates)),
        ("kinks", "the activations with kinks are piecewise linear, bent only at 0", bent, len(KINKED)),
    )
    return tuple(
        Assumption(name, statement, not bad, f"not so: {', '.join(bad)}" if bad else f"{count} activations")
        for name, statement, bad, count in rows
    )


def _pieces(gates: Sequence[Gate], law: Law) -> tuple[Evidence, ...]:
    """The evidence that every wrong claim is put to."""
    return kinks(law), thresholds(gates, law), samples(gates, law)


def control(altered: str, law: Law) -> Control:
    """Which pieces of evidence refute a wrong claim, and the first number that does."""
    by = []
    for item in _pieces(_FEW, law):
        if item.finding is Finding.REFUTES:
            rows = {name: row for name, row in item.figures.items() if isinstance(row, dict)}
            name, row = next((name, row) for name, row in rows.items() if row["finding"] == Finding.REFUTES)
            numbers = ", ".join(f"{key} {value}" for key, value in row.items() if key != "finding")
            by.append(f"{item.part} ({name}: {numbers})")
    return Control(altered, bool(by), "; ".join(by) or "nothing refuted it")


def degree_seven() -> Control:
    """1 + ε He_7 with 7! ε² = 1/10 at d = 2m and cosine 19/20, exactly: K = κ + 2ρκ', K̃ = ρ(3κ + 2ρκ')."""
    weight, rho = Fraction(1, 10), Fraction(19, 20)

    def pair(at: Fraction) -> tuple[Fraction, Fraction]:
        kappa, slope = 1 + weight * at**7, 7 * weight * at**7
        return kappa + 2 * slope, at * (3 * kappa + 2 * slope)

    (plain, gated), (own, other) = pair(rho), pair(_ONE)
    excess = gated / other - plain / own
    altered = "polynomials of degree 7 whatever d/m is: 1 + eps He_7 at d = 2m"
    return Control(altered, excess > 0, f"the gated kernel lies above by {float(excess):.3g} at cosine 0.95")


def key_figure(evidence: Sequence[Evidence]) -> str:
    """The angle of ReLU and two of the variances."""
    rows = {name: row for item in evidence for name, row in item.figures.items() if isinstance(row, dict)}
    angle, gelu, silu = (
        float(rows[f"{name}, d/m=1"].get(key, math.nan))
        for name, key in (("relu", "angle"), ("gelu", "q*"), ("silu", "q*"))
    )
    degrees = math.degrees(angle)
    return f"ReLU fails within {degrees:.2f} deg; q* {gelu:.4g} GELU, {silu:.4g} SiLU"


def run(settings: Settings, law: Law | None = None) -> Outcome:
    """The check; `law` is what is claimed about the two kernels."""
    claimed = Law() if law is None else law
    thorough = settings.profile.thorough
    gates = GATES if thorough else _QUICK
    evidence = (
        violations(),
        proof("decorrelation", About.CORRECTED, "proof"),
        *_pieces(gates, claimed),
        *((thresholds(_QUICK, claimed, RATIOS[1:]),) if thorough else ()),
        boxes(claimed, thorough),
    )
    presumed = assumptions(gates)
    controls = (*(control(altered, wrong) for altered, wrong in MUTANTS.items()), degree_seven())
    verdict = decide(presumed, evidence, controls, CLAIM.parts)
    return Outcome(CLAIM, presumed, evidence, controls, verdict, key_figure(evidence), charts(thorough))
