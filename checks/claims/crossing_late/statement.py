"""Cor. 4.2, second half: the gated loss is the lower one in the end; when this is so."""

from __future__ import annotations

from collections.abc import Sequence

from checks.claims.crossing_late.evidence import CORRECT, MUTANTS, Rule, ends, normalised, prevalence, rates
from checks.claims.crossing_late.figure import charts
from checks.claims.crossing_late.gaussian_balls import counterexample
from checks.claims.crossing_late.singular import SINGULAR, condition_needed
from checks.claims.crossing_late.singular import decided as exactly
from checks.claims.crossing_late.ties import TIES, decided, refutes_old, rule_at_ties
from checks.settings import Settings
from checks.tools.evidence import proof
from checks.tools.loss_pairs import LossPair, gaussian, grid
from glutheory.claims import About, Assumption, Claim, Control, Evidence, Fate, Finding, Outcome, Part, decide

__all__ = ["CLAIM", "MUTANTS", "run"]

CLAIM = Claim(
    id="crossing-late",
    source="Cor. 4.2",
    statement=r"x_i \sim N(0,I):\quad L_k > \tilde L_k \text{ for every sufficiently large } k",
    words="On Gaussian data the gated loss is lower than the non-gated one after sufficiently many steps.",
    assumptions=("Gaussian inputs", "stable learning rates", "least eigenvalues resolved"),
    corrected=(
        r"\Sigma, \tilde\Sigma \succ 0,\ \eta < \tfrac{2}{\lambda_{\min}+\lambda_{\max}}: \quad \lambda_{\min}(K) < "
        r"\lambda_{\min}(\tilde K) \Rightarrow L > \tilde L \text{ in the end}, \quad \lambda_{\min}(K) > "
        r"\lambda_{\min}(\tilde K) \Rightarrow L < \tilde L, \quad \text{at a tie the sign of } \mathrm{Tr}[PM] - "
        r"\mathrm{Tr}[\tilde P\tilde M] \text{ decides } (M = \Sigma + YY^\top,\ P \text{ on the least eigenspace); } "
        r"\text{on Gaussian inputs both orders of } \lambda_{\min} \text{ occur; with } \|x_i\|^2 = d,\ m\to\infty:\ "
        r"\lambda_{\min}(K) \le \lambda_{\min}(\tilde K), \text{ and at a tie, or without } \Sigma \succ 0,\ "
        r"L < \tilde L \text{ for all } t > 0 \text{ can be, also with } Y^\top(K-\tilde K)Y \ge 0"
    ),
    meaning=(
        "At equal learning rates a gated network usually has the lower loss in the end (352 of the 392 cases of 432 "
        "in which errors let it be told), but on Gaussian inputs with several times d² samples it can be the higher "
        "one for ever. On normalised inputs (as after RMSNorm) of a wide layer the gated one is lower in the end, for "
        "every n ≥ 2 and d, if no two inputs are parallel, the activation is no polynomial and the least eigenvalue "
        "of the plain kernel is simple, as on inputs of no special symmetry; on very symmetric ones, such as three at "
        "120 degrees or two opposite ones, the least eigenvalues of the two kernels can be equal, and then the "
        "targets decide. They do as well where the plain kernel is singular, as that of a linear network is on more "
        "inputs than dimensions: on linear targets the gated loss can be the higher one for ever. Where the curves "
        "cross once, they do with linear targets only when more than 99.9 % of the initial loss is gone (medians; it "
        "can be much earlier), with random labels when about two thirds of it are left. They meet at a fixed product "
        "of learning rate and steps, unless the rate is close to divergence; and if each network takes half its own "
        "largest rate, the gated one can lead from the first step."
    ),
    parts=(
        Part(
            "late",
            "the gated loss is lower for every sufficiently large k",
            Fate.REVERSED,
            "where K is not singular and λ_min(K) < λ_min(K̃), or by the weights at a tie; else the non-gated one can "
            "be lower for ever",
        ),
    ),
)
#: The theorems that this project once had.
_OLD = "normalised inputs, wide limit: the hypothesis on Y alone makes the gated loss lower in the end"
_WITHOUT = "normalised inputs, wide limit, none parallel: a simple least eigenvalue makes the gated loss lower last"


def assumptions(cases: Sequence[LossPair]) -> tuple[Assumption, ...]:
    """What the rule presupposes, on the Gaussian cases."""
    stable = all(given.rate is not None and all(c.stable(given.rate) for c in given.curves) for given in cases)
    resolved, certain = sum(given.resolved for given in cases), sum(given.found.certain for given in cases)
    return (
        gaussian(cases),
        Assumption(
            "rates", "the same rate for both, below 2 over the largest eigenvalue", stable, "half of the largest"
        ),
        Assumption(
            "resolved",
            "rounding leaves the order of the least eigenvalues certain in 9 of 10 cases",
            10 * resolved >= 9 * len(cases),
            f"{resolved} of {len(cases)}; all signs between crossings in {certain}",
        ),
    )


def tie_controls() -> tuple[Control, ...]:
    """The old theorem on each tied data set: certified to be false there."""
    found = []
    for label in TIES:
        proved = decided(label)
        by = (
            f"Y'(K - K~)Y/m = {proved.form.str(5, radius=False)} > 0, both least eigenvalues/m "
            f"{proved.least.str(8, radius=False)}, L - L~ < 0 for every t > 0"
        )
        found.append(Control(f"{_OLD}: {label}", proved.tied and refutes_old(label), by))
    return tuple(found)


def singular_controls() -> tuple[Control, ...]:
    """The theorem without "Σ is positive definite" on each data set where it is singular: false there, in rationals."""
    found = []
    for label in SINGULAR:
        proved = exactly(label)
        by = (
            f"least eigenvalues/m {proved.plain[0]} (simple) and {proved.gated[0]}, "
            f"Y'(K - K~)Y/m = {proved.form} >= 0, L - L~ < 0 for every t > 0"
        )
        found.append(Control(f"{_WITHOUT}: {label}", proved.refutes, by))
    return tuple(found)


def run(settings: Settings, rule: Rule = CORRECT) -> Outcome:
    """The check; `rule` says which curve is lower in the end."""
    cases, equal = grid(settings), grid(settings, normalised=True)

    def judged(claimed: Rule) -> tuple[Evidence, ...]:
        return ends(cases, claimed, "Gaussian inputs"), ends(equal, claimed, "normalised inputs")

    certified = counterexample(300, 5, settings.stream("crossing/certified"), (None, 1000))
    literal = (certified, prevalence(cases))
    corrected = (
        proof("crossing", About.CORRECTED),
        *judged(rule),
        normalised(equal),
        rule_at_ties(),
        condition_needed(),
        rates(settings),
    )
    controls = [*tie_controls(), *singular_controls()]
    for altered, wrong in MUTANTS.items():
        found = judged(wrong)
        off = [item.figures["not as the rule says"] for item in found]
        count = sum(len(names) for names in off if isinstance(names, list))
        caught = any(item.finding is Finding.REFUTES for item in found)
        controls.append(Control(altered, caught, f"wrong in {count} of {len(cases) + len(equal)} cases"))
    table = literal[1].figures
    key = f"gated last in {table['of these gated lower in the end']} of {table['cases']} cases"
    judgement, evidence = assumptions(cases), (*literal, *corrected)
    verdict = decide(judgement, evidence, controls, CLAIM.parts)
    return Outcome(CLAIM, judgement, evidence, tuple(controls), verdict, key, charts(settings))
