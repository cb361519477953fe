"""Who has the lower loss in the end: on Gaussian data, by the rule, on normalised data, and when."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from checks.settings import Settings
from checks.tools.loss_pairs import PAIRS, LossPair, case, sign
from checks.tools.loss_races import LARGEST, as_isolated, races
from glutheory.claims import About, Evidence, Figure, Finding, Grade
from glutheory.dynamics import crossings, late


@dataclass(frozen=True)
class Rule:
    """Who is lower in the end, from quantities of the kernels: the sign of L − L̃."""

    end: Callable[[LossPair], int]


def slowest(given: LossPair) -> int:
    """The curve with the slower last mode is higher in the end: max |1 − ηλ|, or the least λ."""
    first, second = (late(curve, given.rate).decay for curve in given.curves)
    return sign(second - first)


def _unnormalised(given: LossPair) -> int:
    """The end with K ⊙ XXᵀ, not divided by d, for the gated kernel."""
    return sign(given.d * given.least[1] - given.least[0])


def _largest(given: LossPair) -> int:
    """The larger λ_max as the faster curve, to the end."""
    return sign(float(given.curves[1].eigenvalues.max() - given.curves[0].eigenvalues.max()))


CORRECT = Rule(slowest)
MUTANTS: dict[str, Rule] = {
    "K and the gated kernel exchanged": Rule(lambda given: -slowest(given)),
    "gated always lower in the end, as printed": Rule(lambda _: 1),
    "the curves never cross": Rule(lambda given: given.found.start),
    "the largest eigenvalue decides the end": Rule(_largest),
    "the gated kernel as K * XX^T, without 1/d": Rule(_unnormalised),
}


def prevalence(cases: Sequence[LossPair]) -> Evidence:
    """Of the cases whose end is certain: those in which the gated loss is the lower one."""
    judged = [given for given in cases if given.resolved and given.found.complete]
    failing = [given for given in judged if given.found.end != 1]
    figures: dict[str, Figure] = {
        "cases": len(judged),
        "of these gated lower in the end": len(judged) - len(failing),
        "of these with the hypothesis on Y of the first half": sum(given.hypothesis for given in judged),
        "failing": [given.label for given in failing],
    }
    what = "expected loss curves of three gates on Gaussian data, in the wide limit and at width 1000"
    finding = Finding.of(not failing) if judged else Finding.UNDECIDED
    return Evidence(Grade.NUMERICAL, what, finding, figures=figures)


def ends(cases: Sequence[LossPair], rule: Rule, where: str) -> Evidence:
    """The rule, and every isolated crossing, against curves that are simulated without eigenvalues."""
    judged = [given for given in cases if given.resolved and given.n <= LARGEST]
    found = races(judged)
    wrong = [given.label for given, seen in zip(judged, found, strict=True) if seen.end and rule.end(given) != seen.end]
    off = [given.label for given, seen in zip(judged, found, strict=True) if not as_isolated(given, seen)]
    open_ = [given.label for given in judged if not given.found.complete]
    counts = [len(given.found) for given in judged]
    long = sum(not seen.end for seen in found)
    figures: dict[str, Figure] = {
        "cases": len(cases),
        "end not certain": sum(not given.resolved for given in cases),
        "too large to be simulated": sum(given.n > LARGEST for given in cases),
        "simulated signs": sum(sum(value != 0 for value in seen.signs) for seen in found),
        "simulated to the end": len(found) - long,
        "not as the rule says": wrong,
        "simulated sign not between the crossings": off,
        "not isolated": open_,
        "cases by number of crossings": {str(k): counts.count(k) for k in sorted(set(counts))},
        "at most one by Laguerre's rule": sum(given.found.bound <= 1 for given in judged),
        "crossings: eta k m, loss over initial loss": {given.label: _steps(given) for given in judged},
    }
    enough = bool(judged) and not open_ and 2 * long <= len(found)
    finding = Finding.REFUTES if wrong or off else (Finding.SUPPORTS if enough else Finding.UNDECIDED)
    what = (
        "who is lower in the end, and all crossings of expected loss curves by branch and bound, against repeated "
        f"squaring of I − ηK or exp(−tK) ({where})"
    )
    return Evidence(Grade.NUMERICAL, what, finding, About.CORRECTED, figures=figures)


def _steps(given: LossPair) -> list[Figure]:
    found: list[Figure] = []
    for item in given.found:
        curve = given.curves[0]
        value = curve.flow(item.step) if given.rate is None else curve.descent(item.step, given.rate)
        found.append([item.step * (given.rate or 1.0), float(value) / curve.initial])
    return found


def normalised(cases: Sequence[LossPair]) -> Evidence:
    """On normalised inputs λ_min(K̃) ≥ λ_min(K), and where it is the larger one the gated loss is lower in the end.

    Who is lower is seen in the simulated curves: the sign that the eigenvalues give would be their order once more.
    """
    lower = [given.label for given in cases if given.resolved and given.least[1] < given.least[0]]
    larger = [given for given in cases if given.resolved and given.least[1] > given.least[0]]
    judged = [given for given in larger if given.n <= LARGEST]
    found = races(judged)
    wrong = [given.label for given, seen in zip(judged, found, strict=True) if seen.end < 0]
    ended = sum(seen.end != 0 for seen in found)
    figures: dict[str, Figure] = {
        "cases with the larger least eigenvalue": len(larger),
        "too large to be simulated": len(larger) - len(judged),
        "simulated to the end": ended,
        "not gated lower in the end": wrong,
        "with the smaller one": lower,
    }
    what = (
        "on inputs of norm sqrt(d), wide limit, gradient flow: the least eigenvalue of K is not the larger one, and "
        "where it is the smaller one the simulated gated loss is lower in the end"
    )
    enough = bool(judged) and 2 * ended >= len(judged)
    finding = Finding.REFUTES if wrong or lower else (Finding.SUPPORTS if enough else Finding.UNDECIDED)
    return Evidence(Grade.NUMERICAL, what, finding, About.CORRECTED, figures=figures)


def rates(settings: Settings) -> Evidence:
    """η k at the (last) crossing does not depend on η up to about 1/k, until the largest mode is the slowest.

    (1 − x)^{2k} = exp(−2kx (1 + x/2 + …)), and the modes that matter at step k have x = ηλ of order 1/k.
    """
    rows, passed = dict[str, Figure](), True
    for kind in ("noisy", "random"):
        for d in (20, 75):
            flow = case(PAIRS[0], (300, d), kind, settings, fraction=None)
            if not flow.found.found:
                continue
            time, row = flow.found.found[-1].step, dict[str, Figure]()
            for fraction in (0.01, 0.1, 0.5, 0.9, 0.99, 0.999):
                given = case(PAIRS[0], (300, d), kind, settings, fraction=fraction)
                assert given.rate is not None
                last = given.found.found[-1].step if given.found.found else None
                row[str(fraction)] = None if last is None else last * given.rate / time
                if fraction <= 0.5:
                    passed = passed and last is not None and abs(last * given.rate / time - 1) <= 1 / last
            halves = tuple(0.5 * curve.largest_stable_rate for curve in flow.curves)
            own = crossings(*flow.curves, rate=(halves[0], halves[1]))
            row["step of the crossing if each network has half its own largest rate"] = [item.step for item in own]
            rows[f"d={d}, {kind}: eta k over its value for the flow, by the fraction of the largest rate"] = row
    what = "the crossing in units of eta k, against the learning rate (ReLU, n = 300, wide limit)"
    return Evidence(Grade.NUMERICAL, what, Finding.of(passed and bool(rows)), About.CORRECTED, figures=rows)
