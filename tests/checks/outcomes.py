"""Made-up outcomes of checks, one of each verdict, with figures of every form; no check is run."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from checks.frame import Origin
from glutheory.claims import (
    About,
    Assumption,
    Claim,
    Control,
    Evidence,
    Fate,
    Finding,
    Grade,
    Outcome,
    Part,
    decide,
)
from glutheory.figures.chart import Chart, Map, Role, Series

CHART = Chart(
    "What is to be seen",
    "$n$",
    "y",
    (Series("a [bold]", (1, 2), (3, 4), Role.GATED, (2, 3), (4, 5)),),
    Map("v", (1, 2), (1,), ((1, -1),)),
    note="A note.",
)
FIGURES: Any = {
    "number": 0.123456789,
    "count": 12345,
    "yes or no": True,
    "nothing": None,
    "infinite": "inf",
    "markup": "[red]not red[/red]",
    "short": [1, 2.5],
    "long": list(range(100)),
    "none": [],
    "by name": {"one": 1.0, "two": -2e-20},
    "rows": {"row one": [1, 2], "row two": [3, 4]},
    "gelu": {"angle": 0.5, "yes": True},
    "relu": {"angle": 0.25, "yes": None},
    "records": {"case A": {"n": 5, "lambda": 0.25}, "case B": {"n": 7, "other": "word"}},
    "list of records": [{"n": 1}, {"n": 2}],
    "turned": {"A": {f"the {k}-th extraordinary quantity": k for k in range(9)}, "B": {"x": 1}},
    "wide": {f"case {j}": {f"column {k}": 10**k for k in range(19)} for j in range(19)},
    "mixed": {"alone": 1, "deeper": {"deep": {"deepest": 3}}},
    "ragged": {"x": [1], "y": [2, 3]},
    "many": {f"row {k}": k for k in range(60)},
}
YES = Evidence(Grade.PROOF, "the identity K̃ = K ⊙ (XXᵀ/d) was reduced", Finding.SUPPORTS)
NO = Evidence(Grade.CERTIFICATE, "a counterexample, ρ ≤ ½", Finding.REFUTES, figures=FIGURES)
OPEN = replace(YES, finding=Finding.UNDECIDED)
BETTER = Evidence(Grade.STATISTICAL, "the means", Finding.SUPPORTS, About.CORRECTED, figures={"false_alarm": 1e-8})
HELD, CAUGHT = Assumption("Gaussian", "entries are N(0, σ²)", True, "exact"), Control("a factor 2", True, "by far")


SHARPER = Part("the rate", "it falls", Fate.SHARPENED, "like 1/m")
LESS = Part("all n", "for every n", Fate.REVERSED, "for n < d² [only]")


def outcome(
    name: str,
    *evidence: Evidence,
    controls: tuple[Control, ...] = (CAUGHT,),
    parts: tuple[Part, ...] = (),
    **more: Any,
) -> Outcome:
    claim = Claim(
        name,
        "§3",
        r"\tilde K = K\odot\tfrac{1}{d}XX^\top " * 4,
        "The gated kernel K̃ is " + "a product " * 20,
        ("Gaussian",),
        r"x_{\text{corrected}}" if any(item.about is About.CORRECTED for item in evidence) else "",
        "Gating [sometimes] helps.",
        parts,
    )
    verdict = decide((HELD,), evidence, controls, parts)
    found = Outcome(claim, (HELD,), evidence, controls, verdict, "key = 1", (CHART,), 1.25, 7, {"python": "3"})
    return replace(found, **more)


FIXED = outcome("fixed-claim", NO, BETTER, parts=(SHARPER,))
WEAKER = outcome("weaker-claim", NO, BETTER, parts=(SHARPER, LESS))
TRUE = outcome("true-claim", replace(YES, part="mean"), replace(YES, part="variance", grade=Grade.NUMERICAL), charts=())
FALSE = outcome("false-claim", NO)
UNCLEAR = outcome("unclear-claim", YES, OPEN)
TOOTHLESS = outcome("toothless-claim", YES, controls=(replace(CAUGHT, caught=False),))
BARE = outcome("bare-claim", YES, controls=(), assumptions=(), claim=Claim("bare-claim", "s", "x", "w", ()))
OUTCOMES = (FIXED, TRUE, FALSE, UNCLEAR, TOOTHLESS, BARE, WEAKER)
ORIGIN = Origin("quick", "cpu")
