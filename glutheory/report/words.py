"""The words for verdicts, grades and findings, and the verdicts of many claims in one sentence."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

from glutheory.claims import Finding, Grade, Outcome, Verdict

#: A sign and a word for each verdict, never a colour alone; what a verdict means, and how it is counted.
VERDICTS = {
    Verdict.HOLDS: ("✓", "holds as stated", "All evidence supports the claim as stated, and nothing refutes it."),
    Verdict.CORRECTED: (
        "✎",
        "holds in a corrected form",
        "False as it was stated, with a counterexample. All evidence supports the corrected statement that is given.",
    ),
    Verdict.WEAKER: (
        "✂",
        "fails while a weaker statement holds",
        "False as it was stated. The corrected statement is supported, but says less: it drops the parts listed.",
    ),
    Verdict.FAILS: ("✗", "fails", "Refuted, and no corrected form of it is supported throughout."),
    Verdict.INCONCLUSIVE: (
        "?",
        "is inconclusive",
        "Something is undecided or not judged, an assumption does not hold on the data, or a control was missed.",
    ),
}
GRADES = {
    Grade.PROOF: (
        "Every step of a derivation is decided by symbolic computation, for all values of the symbols; the theorems "
        "that it cites are named with their source."
    ),
    Grade.ARGUMENT: (
        "A written proof of which so many steps are decided in this way as is said beside it; of the others an "
        "ingredient or instances are checked."
    ),
    Grade.CERTIFICATE: "Interval arithmetic encloses the numbers: true for the cases named, rounding included.",
    Grade.NUMERICAL: "Computed in floating point, with two independent ways or error bounds where possible.",
    Grade.STATISTICAL: "Drawn at random; the sizes of samples and the error probabilities were fixed before the run.",
}
FINDINGS = {Finding.SUPPORTS: "✓", Finding.REFUTES: "✗", Finding.UNDECIDED: "?"}
_NUMBERS = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve")


def tally(outcomes: Iterable[Outcome]) -> dict[Verdict, int]:
    """How many claims have each verdict that occurs."""
    counts = Counter(outcome.verdict for outcome in outcomes)
    return {verdict: counts[verdict] for verdict in Verdict if counts[verdict]}


def summary(outcomes: Sequence[Outcome]) -> str:
    """The verdicts in one sentence."""
    if len(outcomes) == 1:
        return f"The claim {VERDICTS[outcomes[0].verdict][1]}."
    return f"Of {len(outcomes)} claims, {counted(outcomes)}."


def counted(outcomes: Iterable[Outcome]) -> str:
    """How many claims hold, and so on, as clauses without a subject: "one holds as stated and two fail"."""
    counts = tally(outcomes)
    clauses = []
    for verdict, number in counts.items():
        words = VERDICTS[verdict][1]
        if number > 1:
            # the plural of the verb, which comes first
            verb, _, rest = words.partition(" ")
            words = f"{ ({'is': 'are'}.get(verb, verb.removesuffix('s'))) } {rest}".rstrip()
        clauses.append(f"{number if max(counts.values()) >= len(_NUMBERS) else _NUMBERS[number]} {words}")
    return clauses[0] if len(clauses) == 1 else f"{', '.join(clauses[:-1])} and {clauses[-1]}"
