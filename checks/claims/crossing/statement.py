"""Cor. 4.2: the non-gated loss is lower at first and the gated one in the end; when this is so."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from checks.claims.crossing.balls import counterexample
from checks.claims.crossing.cases import CORRECT, MUTANTS, PAIRS, LossPair, Rule, case, grid, inputs
from checks.claims.crossing.figure import charts
from checks.settings import Settings
from checks.tools.evidence import proof
from glutheory.claims import (
    About,
    Assumption,
    Claim,
    Control,
    Evidence,
    Fate,
    Figure,
    Finding,
    Grade,
    Outcome,
    Part,
    decide,
)
from glutheory.dynamics import crossings

__all__ = ["CLAIM", "MUTANTS", "run"]

CLAIM = Claim(
    id="crossing",
    source="Cor. 4.2",
    statement=(
        r"x_i \sim N(0,I),\ d \ge 5,\ n \ge 300,\ d+1 < n,\ Y^\top(K-\tilde K)Y \ge 0:\quad "
        r"L_k < \tilde L_k \text{ for small } \eta k,\quad L_k > \tilde L_k \text{ for large } k"
    ),
    words="If the targets lie more along K than along the gated kernel, the non-gated loss falls faster at first, and "
    "the gated loss is lower in the end.",
    assumptions=("shapes as claimed", "stable learning rates", "the hypothesis on Y", "least eigenvalues resolved"),
    corrected=(
        r"\mathrm{Tr}\,\Sigma < \mathrm{Tr}\,\tilde\Sigma \text{ (or equal, and } \mathrm{Tr}[K(\Sigma+YY^\top)] > "
        r"\mathrm{Tr}[\tilde K(\tilde\Sigma+YY^\top)]) \Rightarrow L < \tilde L \text{ at first; } "
        r"\lambda_{\min}(K) < \lambda_{\min}(\tilde K),\ \eta < \tfrac{2}{\lambda_{\min}+\lambda_{\max}} \Rightarrow "
        r"L > \tilde L \text{ in the end, after an odd number of crossings; on inputs with } \|x_i\|^2 = d "
        r"\text{ and } m \to \infty \text{ the stated hypothesis gives both}"
    ),
    meaning=(
        "At equal learning rates a non-gated network usually leads at first and a gated one in the end, but on "
        "Gaussian inputs with many more samples than d^2 the gated loss is the higher one for ever. Normalising the "
        "inputs (as RMSNorm does) restores the order for every n and d. With linear targets the curves may meet only "
        "when 99.9 % of the initial loss is gone, with random labels already at two thirds of it. They meet at a fixed "
        "product of learning rate and steps, unless the rate is close to divergence; and if each network takes half "
        "its own largest rate, the gated one can lead from the first step."
    ),
    parts=(
        Part(
            "early",
            "with Yᵀ(K−K̃)Y ≥ 0 the non-gated loss is lower at first",
            Fate.REVERSED,
            "from another condition, on the traces; on inputs of variance 1/2 the gated loss is the lower one at first",
        ),
        Part(
            "late",
            "with Yᵀ(K−K̃)Y ≥ 0 the gated loss is lower in the end",
            Fate.REVERSED,
            "where λ_min(K) < λ_min(K̃) is assumed as well; else the non-gated one can be lower for ever",
        ),
    ),
)


def prevalence(cases: Sequence[LossPair]) -> Evidence:
    """Of the cases where the hypothesis holds and the end is certain: those in which the claim as stated fails."""
    judged = [given for given in cases if given.hypothesis and given.resolved and given.found.complete]
    failing = [given for given in judged if (given.found.start, given.found.end) != (-1, 1)]
    others = [given for given in cases if not given.hypothesis and given.resolved and given.found.complete]
    figures: dict[str, Figure] = {
        "cases with the hypothesis": len(judged),
        "of these non-gated lower at first": sum(given.found.start < 0 for given in judged),
        "of these gated lower in the end": sum(given.found.end > 0 for given in judged),
        "cases without the hypothesis": len(others),
        "of these as claimed nevertheless": sum((c.found.start, c.found.end) == (-1, 1) for c in others),
        "failing": [given.label for given in failing],
    }
    what = "expected loss curves of three gates on Gaussian data, in the wide limit and at width 1000"
    return Evidence(Grade.NUMERICAL, what, Finding.of(not failing), figures=figures)


def scale(settings: Settings) -> Evidence:
    """Gaussian inputs of variance 1/2: the gated network starts with the lower loss, whatever the targets."""
    from glutheory import gram

    n, d = 300, 20
    X = inputs(n, d, settings.stream("crossing/scale")) / np.sqrt(2)
    traces = {
        name: float(np.trace(gram(name, X, kind="nngp", parametrization="standard", width=1))) for name in PAIRS[0]
    }
    first, second = traces.values()
    what = f"initial losses for inputs of variance 1/2, n = {n}, d = {d}: Tr of the covariance, to be added to |Y|^2"
    return Evidence(Grade.NUMERICAL, what, Finding.of(first < second), figures={**traces})


def signs(cases: Sequence[LossPair], rule: Rule, where: str) -> Evidence:
    """Every crossing isolated; who leads at first and in the end is as the rule says."""
    judged = [given for given in cases if given.resolved]
    wrong = [
        given.label for given in judged if (rule.start(given), rule.end(given)) != (given.found.start, given.found.end)
    ]
    open_ = [given.label for given in judged if not given.found.complete]
    counts = [len(given.found) for given in judged]
    figures: dict[str, Figure] = {
        "cases": len(cases),
        "end not certain": len(cases) - len(judged),
        "not as the rule says": wrong,
        "not isolated": open_,
        "cases by number of crossings": {str(k): counts.count(k) for k in sorted(set(counts))},
        "at most one by Laguerre's rule": sum(given.found.bound <= 1 for given in judged),
        "crossings: eta k m, loss over initial loss": {given.label: _steps(given) for given in judged},
    }
    finding = Finding.REFUTES if wrong else (Finding.UNDECIDED if open_ else Finding.SUPPORTS)
    what = f"all crossings of expected loss curves by branch and bound, against the rule ({where})"
    return Evidence(Grade.NUMERICAL, what, finding, About.CORRECTED, figures=figures)


def _steps(given: LossPair) -> list[Figure]:
    found: list[Figure] = []
    for item in given.found:
        curve = given.curves[0]
        value = curve.flow(item.step) if given.rate is None else curve.descent(item.step, given.rate)
        found.append([item.step * (given.rate or 1.0), float(value) / curve.initial])
    return found


def theorem(cases: Sequence[LossPair]) -> Evidence:
    """On normalised inputs the hypothesis suffices for both parts."""
    judged = [given for given in cases if given.hypothesis and given.resolved]
    wrong = [given.label for given in judged if (given.found.start, given.found.end) != (-1, 1)]
    figures: dict[str, Figure] = {"cases with the hypothesis": len(judged), "not as claimed": wrong}
    what = "on inputs of norm sqrt(d), wide limit, gradient flow: with the hypothesis both parts of the claim"
    return Evidence(Grade.NUMERICAL, what, Finding.of(not wrong and bool(judged)), About.CORRECTED, figures=figures)


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


def assumptions(cases: Sequence[LossPair]) -> tuple[Assumption, ...]:
    shapes = sorted({given.n for given in cases})
    dimensions = sorted({given.d for given in cases})
    fits = min(dimensions) >= 5 and min(shapes) >= 300 and all(given.d + 1 < given.n for given in cases)
    stable = all(given.rate is not None and all(c.stable(given.rate) for c in given.curves) for given in cases)
    held, resolved = sum(given.hypothesis for given in cases), sum(given.resolved for given in cases)
    certain = sum(given.found.certain for given in cases)
    return (
        Assumption("shapes", "d >= 5, n >= 300, d + 1 < n", fits, f"n in {shapes}, d in {dimensions}"),
        Assumption(
            "rates", "the same rate for both, below 2 over the largest eigenvalue", stable, "half of the largest"
        ),
        Assumption("hypothesis", "Y^T(K - Kgated)Y >= 0 in enough cases", held >= 10, f"{held} of {len(cases)} cases"),
        Assumption(
            "resolved",
            "rounding leaves the order of the least eigenvalues certain in 9 of 10 cases",
            10 * resolved >= 9 * len(cases),
            f"{resolved} of {len(cases)}; all signs between crossings in {certain}",
        ),
    )


def run(settings: Settings, rule: Rule = CORRECT) -> Outcome:
    """The check; `rule` says which curve is lower at first and in the end."""
    cases, normalised = grid(settings), grid(settings, normalised=True)

    def judged(claimed: Rule) -> tuple[Evidence, ...]:
        return signs(cases, claimed, "Gaussian inputs"), signs(normalised, claimed, "normalised inputs")

    certified = counterexample(300, 5, settings.stream("crossing/certified"), (None, 1000))
    literal = (certified, prevalence(cases), scale(settings))
    evidence = (*literal, proof("crossing", About.CORRECTED), *judged(rule), theorem(normalised), rates(settings))
    controls = []
    for altered, wrong in MUTANTS.items():
        found = judged(wrong)
        off = [item.figures["not as the rule says"] for item in found]
        count = sum(len(names) for names in off if isinstance(names, list))
        caught = any(item.finding is Finding.REFUTES for item in found)
        controls.append(Control(altered, caught, f"wrong in {count} of {len(cases) + len(normalised)} cases"))
    table = literal[1].figures
    key = f"gated last in {table['of these gated lower in the end']} of {table['cases with the hypothesis']} cases"
    judgement = assumptions(cases)
    verdict = decide(judgement, evidence, controls, CLAIM.parts)
    return Outcome(CLAIM, judgement, evidence, tuple(controls), verdict, key, charts(settings))
