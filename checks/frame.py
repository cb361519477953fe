"""The frame of a page about one claim, and what every page says: where it is from, and how its figure is drawn."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass

from rich.console import Console, Group, RenderableType
from rich.padding import Padding
from rich.rule import Rule
from rich.text import Text

from checks.table import COLOURS
from glutheory.claims import Outcome
from glutheory.terminal import Terminal, shown


@dataclass(frozen=True)
class Origin:
    """Where an outcome comes from.

    Attributes:
        profile: "quick" or "full".
        device: where networks were sampled.
        file: of the results, as it was given, or empty where the check has just been run.
    """

    profile: str
    device: str
    file: str = ""

    def run(self, outcome: Outcome) -> str:
        """How the outcome was made."""
        when = f", {outcome.finished[:10]}" if outcome.finished else ""
        return f"{self.profile} profile, seed {outcome.seed}, device {self.device}, {outcome.seconds:.1f} s{when}"

    def command(self, name: str) -> str:
        """The line that prints a page about this claim."""
        return f"python -m checks --explain {name}{f' --from {self.file}' if self.file else ''}"

    def drawing(self, name: str, figure: str) -> str:
        """Where the figure is, or the line that draws it."""
        return f"Written to {figure}" if figure else f"To draw it: {self.command(name)} --figure {name}.svg"


def plain(words: str, terminal: Terminal) -> Text:
    """Words as this terminal can show them."""
    return Text(shown(words, terminal))


def rendered(outcome: Outcome, sections: Sequence[tuple[str, Sequence[RenderableType]]], terminal: Terminal) -> str:
    """A page: its title, and every section that is not empty."""
    stream = io.StringIO()
    console = Console(
        file=stream,
        width=terminal.width,
        force_terminal=terminal.colour,
        color_system="standard" if terminal.colour else None,
        legacy_windows=False,
    )
    rule = "─" if terminal.unicode else "-"
    console.print(_title(outcome, terminal), Rule(characters=rule, style="default"))
    for heading, parts in sections:
        if parts:
            console.print(Text(f"\n{shown(heading, terminal)}", style="bold"))
            console.print(Group(*(Padding(part, (0, 0, 0, 2)) for part in parts)))
    return "\n".join(line.rstrip() for line in stream.getvalue().splitlines())


def _title(outcome: Outcome, terminal: Terminal) -> Text:
    claim = outcome.claim
    return Text.assemble(
        (claim.id, "bold"),
        f"  {shown(claim.source, terminal)}  ",
        (str(outcome.verdict), f"bold {COLOURS[outcome.verdict]}"),
        f" (grade: {outcome.graded})\n{shown(outcome.key_figure, terminal)}",
    )
