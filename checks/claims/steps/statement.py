"""§1, §4: the steps to an error are O(cond · log 1/ε), hence the better conditioned network is the faster one."""

from __future__ import annotations

from collections.abc import Sequence

from checks.claims.steps.cases import Count, counts, learning_rate
from checks.claims.steps.descents import Trained, iterated, trained
from checks.claims.steps.descents import assumptions as trained_assumptions
from checks.claims.steps.evidence import attained, bounds, given, shared, spike
from checks.claims.steps.figure import charts
from checks.claims.steps.law import LAW, MUTANTS, NEEDED, Law
from checks.claims.steps.polygons import refutation
from checks.claims.steps.typical import explained, off, random_labels
from checks.settings import Settings
from checks.tools.evidence import proof
from checks.tools.mutants import refuted
from glutheory.claims import About, Assumption, Claim, Evidence, Fate, Outcome, Part, decide

__all__ = ["CLAIM", "MUTANTS", "run"]

#: Imported, beyond the core.
NEEDS = ("statsmodels", "torch")
CLAIM = Claim(
    id="steps",
    source="§1, §4",
    statement=(
        r"k_\varepsilon = O\bigl(\kappa\,\ln\tfrac1\varepsilon\bigr), \qquad \frac{k_\varepsilon}{\tilde "
        r"k_\varepsilon} \approx \frac{\kappa}{\tilde\kappa}, \qquad "
        r"\kappa = \frac{\lambda_{\max}(K)}{\lambda_{\min}(K)}"
    ),
    words=(
        "Gradient descent takes O(cond · log 1/ε) steps to an error ε; so the gated network, whose kernel has the "
        "smaller condition number, is the faster one, by the ratio of the condition numbers."
    ),
    assumptions=("rates below 2/λ_max", "numbers resolved", "linearised networks that start at output 0", "power"),
    corrected=(
        r"k_\varepsilon \le \lceil\kappa\ell\rceil \text{ at } \eta=1/\lambda_1, \quad "
        r"\le \lceil\tfrac\kappa2\ell\rceil \text{ at } \tfrac2{\lambda_1+\lambda_n}, \quad "
        r"\ell = \ln\tfrac1\varepsilon, \text{ for } q_n \text{ also } \ge (\kappa-1)\ell \text{ and } "
        r"\ge \tfrac{\kappa-1}2\ell; \quad "
        r"\max_j \frac{\ell-\frac12\ln\frac1{\tau_j}}{-\ln r_j} \le k_\varepsilon \le "
        r"\Bigl\lceil\min_j \frac{\frac12\ln\frac{1-\tau_{<j}}{\varepsilon^2-\tau_{<j}}}{-\ln r_j}\Bigr\rceil, \quad "
        r"\tau: \text{ shares of the slow modes of the target}; \quad \text{at a shared rate } \eta \le "
        r"1/\lambda_{\max}, 1/\tilde\lambda_{\max}: \lambda_{\max} \text{ does not enter for the worst target, } q_n"
    ),
    meaning=(
        "The condition number bounds the steps for every target by cond · ln(1/ε), rounded up, at the rate 1/λ_max, "
        "and the worst one takes at least (cond − 1) · ln(1/ε): nearly as many where cond is large (9206 of 9211 at "
        "1000 and ε = 0.0001), fewer else (10 of 14 at 2 and ε = 0.001). With random labels, a "
        "small error (n ε² ≤ 1/5) and each network at its own rate 1/λ_max it also says, within a factor 3 (1.8 in all "
        "cases seen), how much a gate saves. It says little about linear targets, which lie in the leading modes: it "
        "overstates their steps by factors of 6 to 27 in the median and up to millions, and the better conditioned "
        "network can be the slower one. At equal learning rates the largest eigenvalue, where most of what gating "
        "gains is, does not count for the worst target: with random labels the ratio of the steps is that of the least "
        "eigenvalues, within a factor 3. Targets along the top eigenvector even take more steps with a smaller one, "
        "and linear targets mostly take more steps with the gate. What lies in the spike is learned in one step; a "
        "smaller spike helps only who raises the learning rate with it."
    ),
    parts=(
        Part(
            "bound",
            "gradient descent takes O(cond · log 1/ε) steps to an error ε",
            Fate.SHARPENED,
            "with the constant 1 at 1/λ_max and 1/2 at the best constant rate, for every target; the worst one takes "
            "at least the same with cond − 1 for cond",
        ),
        Part(
            "speed",
            "the better conditioned network is the faster one, by the ratio of the condition numbers",
            Fate.REVERSED,
            "so for the worst target, and within a factor 3 for random labels to n ε² ≤ 1/5 at the own rates; at a "
            "shared rate by that of λ_min; for other targets by their slow modes, where the better conditioned one "
            "can be slower",
        ),
    ),
)


def assumptions(cases: Sequence[Count], task: Trained, settings: Settings) -> tuple[Assumption, ...]:
    """Evaluated on the cases and the trained networks."""
    known = sum(case.known for case in cases)
    exact = sum(item.exact for case in cases for item in case.steps)
    sets = {(case.n, case.d, case.draw, case.normalised) for case in cases}
    largest = max(learning_rate(case.rate, ends, case.ends) * ends.largest for case in cases for ends in case.ends)
    return (
        Assumption("rates", "η λ_max is below 2", largest < 2, f"at most 2 - {2 - largest:.1e}, {len(sets)} data sets"),
        Assumption(
            "resolved",
            "99 of 100 pairs of numbers are known within a quarter, errors of the kernel counted",
            100 * known >= 99 * len(cases),
            f"{known} of {len(cases)} pairs; {exact} of {2 * len(cases)} numbers exact",
        ),
        *trained_assumptions(task, settings),
    )


def run(settings: Settings, law: Law = LAW) -> Outcome:
    """The check; `law` is what is claimed."""
    cases, task = counts(settings), Trained()

    def judged(law: Law) -> tuple[Evidence, ...]:
        return (
            bounds(cases, law),
            attained(cases, law),
            shared(cases, law),
            random_labels(cases, law),
            iterated(settings, law),
            trained(task, settings, law),
        )

    first, *others = judged(law)
    evidence = (
        proof("steps_to_error", part="bound"),
        first,
        refutation(),
        explained(cases),
        proof("steps_to_error", About.CORRECTED, "tight"),
        proof("steps_to_error", About.CORRECTED, "given target"),
        *others,
        given(cases),
        spike(cases),
    )
    controls = refuted(MUTANTS, judged, lambda wrong: NEEDED.get(_name(wrong), ""))
    checked = assumptions(cases, task, settings)
    verdict = decide(checked, evidence, controls, CLAIM.parts)
    return Outcome(CLAIM, checked, evidence, controls, verdict, _key(cases), charts(cases, settings))


def _name(law: Law) -> str:
    return next((name for name, wrong in MUTANTS.items() if wrong == law), "")


def _key(cases: Sequence[Count]) -> str:
    """How far the ratio of the steps is from that of the condition numbers, at the own rates."""
    words = []
    for target in ("random", "linear"):
        chosen = [case for case in cases if (case.target, case.rate, case.error) == (target, "own", 0.1) and case.known]
        factors = sorted(off(case, case.quotient("condition")) for case in chosen)
        words.append(f"x {factors[len(factors) // 2]:.2g} on {target} targets, at most {factors[-1]:.1g}")
    return f"cond ratio off by {'; '.join(words)}"
