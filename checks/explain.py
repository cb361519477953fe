"""All about one claim: what was claimed, what was computed, what it means; `checks.brief` is a page."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from checks.against import against
from checks.figure_tables import section
from checks.frame import Origin, plain, rendered
from checks.layout import grid, layout
from checks.symbols import symbols
from checks.table import risk
from glutheory.claims import About, Evidence, Fate, Finding, Outcome, Verdict, decide, unshown
from glutheory.terminal import Terminal

_FINDINGS = {Finding.SUPPORTS: "green", Finding.REFUTES: "red", Finding.UNDECIDED: "magenta"}
_SAYS = {
    Finding.SUPPORTS: ("supports it", "support it"),
    Finding.REFUTES: ("refutes it", "refute it"),
    Finding.UNDECIDED: ("leaves it open", "leave it open"),
}
_CONCLUSIONS = {
    Verdict.HOLDS: "Everything supports the claim as stated and nothing refutes it: it holds.",
    Verdict.CORRECTED: "The claim as stated is refuted, its corrected form supported throughout: it holds, corrected.",
    Verdict.WEAKER: "The claim as stated is refuted, its corrected form supported throughout but weaker: it fails.",
    Verdict.FAILS: "The claim as stated is refuted and no corrected form of it is supported throughout: it fails.",
    Verdict.INCONCLUSIVE: "Something is undecided, open, missed or not fulfilled, or has no control: inconclusive.",
}

#: The colour of a part that is neither kept nor lost.
_OPEN = {Fate.OPEN: "yellow"}


def page(outcome: Outcome, origin: Origin, terminal: Terminal, figure: str = "") -> str:
    """All of it as text, with escape sequences if the terminal takes colours.

    Args:
        outcome: what to tell.
        origin: of the outcome.
        terminal: where it is shown.
        figure: the file to which its figure is written, or empty.
    """
    claim = outcome.claim
    sections: list[tuple[str, Sequence[RenderableType]]] = [
        ("The claim", [plain(claim.words, terminal), *_formula(claim.statement, terminal)]),
        ("The verdict, and how it follows", [plain(line, terminal) for line in reasons(outcome)]),
        ("The corrected statement", _formula(claim.corrected, terminal) if claim.corrected else []),
        ("What the corrected statement makes of the parts of the claim", _parts(outcome, terminal)),
        ("What it means", [plain(claim.meaning, terminal)] if claim.meaning else []),
        ("Assumptions, evaluated on the data of the run", _assumptions(outcome, terminal)),
        *_orders(outcome, terminal),
        ("Evidence", [_evidence(number, item, terminal) for number, item in enumerate(outcome.evidence, 1)]),
        ("Negative controls: made wrong on purpose, to be refuted", _controls(outcome, terminal)),
        ("Figure", _figure(outcome, origin, terminal, figure)),
        ("Provenance", [_provenance(outcome, origin, terminal)]),
    ]
    return rendered(outcome, sections, terminal)


def reasons(outcome: Outcome, *, short: bool = False) -> list[str]:
    """How the verdict and its grade follow, one sentence each; in short without the grades of the parts."""
    found = []
    for about, what in ((About.LITERAL, "the claim as stated"), (About.CORRECTED, "its corrected form")):
        findings = [item.finding for item in outcome.evidence if item.about is about]
        if findings:
            counts = [(findings.count(finding), *words) for finding, words in _SAYS.items() if finding in findings]
            clauses = [
                f"{count} piece {one}" if count == 1 else f"{count} pieces {many}" for count, one, many in counts
            ]
            found.append(f"Evidence on {what}: {', '.join(clauses)}.")
    caught, held = ([item.caught for item in outcome.controls], [item.holds for item in outcome.assumptions])
    found.append(
        f"Negative controls: {sum(caught)} of {len(caught)} caught. Assumptions: {sum(held)} of {len(held)} hold."
    )
    found.append(_CONCLUSIONS[outcome.verdict])
    lost = ", ".join(f"{part.name} ({part.fate})" for part in outcome.dropped)
    if lost:
        found.append(f"Not kept: {lost}." if outcome.verdict is Verdict.WEAKER else f"Open: {lost}.")
    elif outcome.verdict is Verdict.WEAKER:
        found.append("What it keeps is not said: the parts of the claim are not given.")
    if outcome.grade is not None:
        found.append(f"Grade: {outcome.graded}." if short else _grade(outcome))
    rule = decide(outcome.assumptions, outcome.evidence, outcome.controls, outcome.claim.parts)
    if rule is not outcome.verdict:
        found.append(f"CAUTION: by the rule, this evidence gives another verdict: {rule}.")
    found.extend(
        f"CAUTION: part {part.name} is called {part.fate}, and no evidence refutes it: read it as dropped."
        for part in unshown(outcome.claim.parts, outcome.evidence)
    )
    return found


def _grade(outcome: Outcome) -> str:
    """Which evidence the grade is taken from."""
    grades = {}
    for part in dict.fromkeys(item.part for item in outcome.evidence):
        alone = replace(outcome, evidence=tuple(item for item in outcome.evidence if item.part == part))
        if alone.grade is not None:
            grades[part] = alone.graded
    if len(grades) == 1:
        return f"Grade: {outcome.graded}, the strongest evidence for it."
    parts = ", ".join(f"{part or 'the rest'}: {grade}" for part, grade in grades.items())
    return f"Grade: {outcome.graded}, that of the weakest part ({parts})."


def _orders(outcome: Outcome, terminal: Terminal) -> list[tuple[str, Sequence[RenderableType]]]:
    """What was measured against what was claimed, where the claim is about orders."""
    table = against(outcome, terminal)
    return [section(table, terminal)] if table else []


def _formula(latex: str, terminal: Terminal) -> list[RenderableType]:
    """To be read, and below as it is in LaTeX: what is shown can be copied."""
    read = [Text(line) for line in symbols(latex, terminal) if line != latex]
    return [*read, Text(latex, style="cyan")]


def _parts(outcome: Outcome, terminal: Terminal) -> list[RenderableType]:
    rows = [(str(part.fate), f"{part.name}: {part.words}", part.instead) for part in outcome.claim.parts]
    styles = ["red" if part.weakened else _OPEN.get(part.fate, "green") for part in outcome.claim.parts]
    return [_columns(rows, styles, terminal)] if rows else []


def _assumptions(outcome: Outcome, terminal: Terminal) -> list[RenderableType]:
    rows = [("holds" if item.holds else "DOES NOT HOLD", item.statement, item.figure) for item in outcome.assumptions]
    return [_columns(rows, [("green" if item.holds else "bold red") for item in outcome.assumptions], terminal)]


def _controls(outcome: Outcome, terminal: Terminal) -> list[RenderableType]:
    rows = [("caught" if item.caught else "MISSED", item.altered, item.by) for item in outcome.controls]
    return [_columns(rows, [("green" if item.caught else "bold red") for item in outcome.controls], terminal)]


def _columns(rows: Sequence[tuple[str, str, str]], styles: Sequence[str], terminal: Terminal) -> RenderableType:
    """A word that decides, in colour, and two columns of text."""
    if not rows:
        return Text("none", style="bold red")
    table = Table.grid(padding=(0, 2, 0, 0))
    table.add_column(no_wrap=True)
    for _ in range(2):
        table.add_column(ratio=1)
    for (word, what, figure), style in zip(rows, styles, strict=True):
        table.add_row(Text(word, style=style), plain(what, terminal), plain(figure, terminal))
    return table


def _evidence(number: int, item: Evidence, terminal: Terminal) -> RenderableType:
    about = "the claim as stated" if item.about is About.LITERAL else "the corrected statement"
    head = Text.assemble(
        f"{number}. {item.graded}: ",
        (str(item.finding), f"bold {_FINDINGS[item.finding]}"),
        f" {about}{f', part {item.part}' if item.part else ''}"
        if item.finding is not Finding.UNDECIDED
        else f" on {about}",
    )
    body = Group(plain(item.what, terminal), *layout(item.figures, terminal))
    return Group(*[Text()] * (number > 1), head, Padding(body, (0, 0, 0, 3)))


def _figure(outcome: Outcome, origin: Origin, terminal: Terminal, file: str) -> list[RenderableType]:
    parts = [plain(f"{chart.title.rstrip('.')}. {chart.note}".strip(), terminal) for chart in outcome.charts]
    return [*parts, Text(origin.drawing(outcome.claim.id, file))] if parts else []


def _provenance(outcome: Outcome, origin: Origin, terminal: Terminal) -> RenderableType:
    rows = [
        ["run", origin.run(outcome)],
        ["chance", risk((outcome,))],
        ["software", ", ".join(f"{name} {version}" for name, version in outcome.versions.items())],
    ]
    if origin.file:
        rows.insert(0, ["read from", origin.file])
    return grid(rows, terminal)
