"""Ours: gating does not always improve the condition number. The smallest data sets, certified; and where it must."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from fractions import Fraction
from functools import lru_cache

import numpy as np

from checks.claims.not_always import figure
from checks.claims.not_always.certified_sets import certified, floors
from checks.claims.not_always.optimised_sets import normalising, pushed
from checks.claims.not_always.pair_angles import harm, identities
from checks.claims.not_always.subset_search import MARGIN, Worst, worst
from checks.settings import Settings
from checks.tools.evidence import branches, continuous, is_lecun, nonzero, proof
from checks.tools.extremal_sets import EXAMPLES, Example
from checks.tools.formulas import gated as equation
from checks.tools.roads import Constants, Duals, Formula
from glutheory.claims import Assumption, Claim, Control, Evidence, Figure, Finding, Grade, Outcome, decide
from glutheory.networks import GATES

CLAIM = Claim(
    id="not-always",
    source="this project",
    statement=(
        r"\exists X:\ \mathrm{cond}\,\tilde K > \mathrm{cond}\,K, \text{ at every width, also with } \|x_i\|^2=d; "
        r"\quad\text{but then}\quad \mathrm{cond}\,\tilde K\le\Bigl(1+\frac dm\Bigr)\mathrm{cond}\,K"
    ),
    words=(
        "There are data sets on which the full gated kernel is worse conditioned, as small as two points in one "
        "dimension. On normalised inputs it can be worse by at most the factor 1 + d/m (2 in the ntk parametrisation), "
        "and in the wide limit it never is."
    ),
    assumptions=("LeCun variances", "value branch and one gate", "continuous gate", "inputs other than 0"),
    meaning=(
        "A gated network is not better conditioned on every data set: unequal input norms can cost it the square of "
        "what they cost a plain one, and even on normalised inputs close or opposite points can tip the balance. What "
        "can go wrong on normalised inputs is small, at most the factor 1 + d/m. So normalise the inputs: on the "
        "Gaussian sets shown here that alone turns a loss into a gain."
    ),
)

#: (normalised, wide limit) -> gate -> the smallest (n, d) at which gating hurts, or None.
Smallest = Mapping[tuple[bool, bool], Mapping[str, tuple[int, int] | None]]
_FREE = {**dict.fromkeys(GATES, (2, 1)), "bilinear": (2, 2)}
_SPHERE = {**dict.fromkeys(GATES, (2, 1)), "reglu": (2, 2), "gtu": (4, 2), "bilinear": None}
SMALLEST: Smallest = {
    (False, False): _FREE,
    (False, True): _FREE,
    (True, False): _SPHERE,
    (True, True): dict.fromkeys(GATES),
}
#: (n, d) in the order of size, with the directions of the menu on the sphere and with free norms.
_QUICK = {(2, 1): (2, 2), (2, 2): (360, 24), (2, 3): (48, 12), (3, 1): (2, 2), (3, 2): (24, 12), (3, 3): (16, 6)}
_QUICK |= {(4, 1): (2, 2), (4, 2): (24, 8)}
_FULL = {**_QUICK, (2, 2): (1440, 48), (2, 3): (200, 32), (3, 2): (72, 16), (3, 3): (40, 12), (4, 2): (48, 8)}
_FULL |= {(4, 3): (16, 6)}
#: "d" is the width m = d, the ntk parametrisation.
_WIDTHS: tuple[int | str, ...] = ("d", 4, 16, 64)
_RATIOS = tuple(Fraction(*pair) for pair in ((1, 1), (1, 4), (1, 16), (1, 64)))


@dataclass(frozen=True)
class Said:
    """What is claimed.

    Attributes:
        equation: the gated kernel at finite width.
        examples: with their condition numbers.
        smallest: the smallest (n, d) at which gating hurts.
        factor: of an example: the largest cond(K̃)/cond(K).
    """

    equation: Formula = equation
    examples: tuple[Example, ...] = EXAMPLES
    smallest: Smallest = field(default_factory=lambda: SMALLEST)
    factor: Callable[[Example], Fraction] = lambda example: example.factor


def _hadamard_only(scales: Constants, inner: object, duals: Duals) -> object:
    """Without the value block: the factor 2 of the ntk parametrisation is lost."""
    return equation(scales, inner, duals) - scales.m * scales.v * inner * duals[-1][0]


def _no_square(scales: Constants, inner: object, duals: Duals) -> object:
    """(x·x') for (x·x')² in the last block."""
    S, T = duals[-1]
    return equation(scales, inner, [*duals[:-1], (S, 0 * T)]) + scales.m * scales.v * scales.w[0] * inner * T


def _with(normalised: bool, wide: bool, gate: str, size: tuple[int, int] | None) -> Smallest:
    return {**SMALLEST, (normalised, wide): {**SMALLEST[normalised, wide], gate: size}}


def _harmless(example: Example) -> Example:
    return replace(example, gated=example.plain) if example.name == "obtuse pair" else example


def _halved(example: Example) -> Fraction:
    return (1 + example.factor) / 2 if example.normalised else example.factor


MUTANTS: dict[str, Said] = {
    "the value block missing (2S becomes S)": Said(equation=_hadamard_only),
    "x.x' for its square in the last block": Said(equation=_no_square),
    "the obtuse pair is no worse conditioned": Said(examples=tuple(map(_harmless, EXAMPLES))),
    "on normalised inputs at most a factor 1 + d/(2m)": Said(factor=_halved),
    "gating hurts a normalised pair in the wide limit": Said(smallest=_with(True, True, "reglu", (2, 2))),
    "bilinear gates hurt a normalised pair": Said(smallest=_with(True, False, "bilinear", (2, 2))),
    "ReGLU needs three normalised inputs": Said(smallest=_with(True, False, "reglu", (3, 2))),
    "no gate but the bilinear hurts in one dimension": Said(smallest=_with(False, False, "swiglu", (2, 2))),
}


def _sets(said: Said, thorough: bool) -> Evidence:
    chosen = [example for example in said.examples if thorough or not example.costly]
    return certified(chosen, said.equation, said.factor)


def angles() -> Evidence:
    """The angles at which gating hurts a ReLU pair of equal norms: all of them, isolated in balls."""
    rows: dict[str, Figure] = {}
    complete = good = True
    for r in _RATIOS:
        found = harm(r)
        complete = complete and found.complete
        # next to 0 and around the zero of K, nowhere else
        good = good and len(found.intervals) == 2 and found.intervals[0][0] == 0
        rows[f"d/m = {r}"] = [[math.degrees(end) for end in interval] for interval in found.intervals]
    what = "the angles (degrees) at which gating hurts a normalised ReLU pair, on the continuum: two intervals"
    return Evidence(Grade.CERTIFICATE, what, Finding.of(good) if complete else Finding.UNDECIDED, figures=rows)


@lru_cache(maxsize=256)
def _first(
    gate: str, normalised: bool, width: int | str | None, thorough: bool
) -> tuple[tuple[int, int] | None, Worst]:
    """The smallest (n, d) at which the search finds harm, and the set; None and the worst set where it finds none."""
    seen = Worst(0.0, ())
    for (n, d), counts in sorted((_FULL if thorough else _QUICK).items()):
        count = counts[0] if normalised else counts[1]
        found = worst(gate, n, d, count, normalised=normalised, width=d if isinstance(width, str) else width)
        seen = max(seen, found, key=lambda item: item.ratio)
        if found.hurts:
            return (n, d), found
    return None, seen


def smallest(said: Said, thorough: bool) -> Evidence:
    """The smallest sets on which gating hurts, by exhaustive search; and that none is found where none can be."""
    rows: dict[str, Figure] = {}
    wrong: list[str] = []
    for (normalised, wide), table in said.smallest.items():
        for gate, size in table.items():
            for width in (None,) if wide else _WIDTHS:
                found, example = _first(gate, normalised, width, thorough)
                name = f"{'normalised' if normalised else 'free norms'}, {'wide' if wide else f'm={width}'}, {gate}"
                rows[name] = {"n, d": None if found is None else list(found), "largest ratio": example.ratio}
                if found != size:
                    wrong.append(f"{name}: {found} found, {size} claimed")
    what = "the smallest (n, d) where gating hurts, over all subsets of menus; none on the sphere in the wide limit"
    figures: dict[str, Figure] = {"not as claimed": wrong, "searches": rows, "a ratio counts above 1 by": MARGIN}
    return Evidence(Grade.NUMERICAL, what, Finding.of(not wrong), figures=figures)


def extent(thorough: bool) -> Evidence:
    """How much gating hurts normalised inputs: an optimiser stays below 1 + d/m, and at 1 in the wide limit."""
    rows: dict[str, Figure] = {}
    passed = True
    # linear networks are singular on more than two points of the circle
    gates = tuple(gate for gate in GATES if gate != "bilinear") if thorough else ("reglu",)
    for gate in gates:
        for n in (3, 4, 5) if thorough else (3,):
            for width, bound in ((2, 2.0), (None, 1.0)):
                value, found = pushed(gate, n, width, 40 if thorough else 15, 0)
                # harm is known to exist for ReGLU: what does not find it has not been pushed
                telling = gate != "reglu" or width is None or value > 1
                passed = passed and telling and value <= bound + MARGIN
                label = f"{gate}, n={n}, {'wide limit' if width is None else 'm=d=2'}"
                rows[label] = {"ratio": value, "angles": [math.degrees(angle) for angle in found], "bound": bound}
    pairs = normalising("reglu", 12, 5, 5, 10)
    raw, scaled = zip(*pairs, strict=True)
    passed = passed and max(scaled) <= 2 + MARGIN and float(np.median(raw)) > 1 > max(scaled)
    figures: dict[str, Figure] = {
        "pushed on the circle": rows,
        "10 Gaussian sets, n=12, d=m=5, ratio as drawn": list(raw),
        "the same sets normalised": list(scaled),
    }
    what = "normalised sets pushed to the largest ratio stay within 1 + d/m; Gaussian sets before and after normalising"
    return Evidence(Grade.NUMERICAL, what, Finding.of(passed), figures=figures)


def run(settings: Settings, said: Said | None = None) -> Outcome:
    """The check; `said` is what is claimed."""
    said = said or Said()
    thorough = settings.profile.thorough
    examples, search = _sets(said, thorough), smallest(said, thorough)
    numbers = (examples, floors(), identities(), angles(), search)
    bound = (proof("smallest_eigenvalue"), extent(thorough))
    evidence = (
        *(replace(item, part="existence") for item in numbers),
        *(replace(item, part="bound") for item in bound),
    )
    chosen = [example.setting(True) for example in EXAMPLES if example.width is not None]
    off = [e.where for e in EXAMPLES if e.normalised and any(sum(x * x for x in row) != e.d for row in e.X)]
    assumptions = (
        is_lecun(chosen),
        branches(chosen, "value branch times one gate", lambda s: s.network.gated),
        continuous(chosen),
        nonzero(chosen),
        Assumption("normalised", "|x|^2 = d exactly where it is said", not off, f"not so: {off}" if off else "exact"),
    )
    controls = []
    for altered, wrong in MUTANTS.items():
        found = _sets(wrong, False), smallest(wrong, False)
        faults, misses = found[0].figures["faults"], found[1].figures["not as claimed"]
        assert isinstance(faults, list)
        assert isinstance(misses, list)
        caught = any(item.finding is Finding.REFUTES for item in found)
        controls.append(
            Control(altered, caught, f"{len(faults)} certified figures and {len(misses)} searches disagree")
        )
    rows = examples.figures["sets"]
    assert isinstance(rows, dict)
    largest = max(rows[example.where]["ratio"] for example in EXAMPLES if example.normalised)
    bounds = max(rows[example.where]["proved at most"] for example in EXAMPLES if example.normalised)
    rays = [float(rows[EXAMPLES[0].where][name]) for name in ("cond(gated)", "cond(K)")]
    key = f"normalised: up to {largest:.3f} times worse (bound {bounds:g}); n=2, d=1: {rays[0]:.3g} vs {rays[1]:.3g}"
    charts = (figure.pair(), figure.extent())
    verdict = decide(assumptions, evidence, controls)
    return Outcome(CLAIM, assumptions, evidence, tuple(controls), verdict, key, charts)
