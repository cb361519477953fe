"""`glutheory report`: the command line of `glutheory.report`."""

from __future__ import annotations

import json
from itertools import chain, repeat
from pathlib import Path
from typing import Any

import click

from glutheory.commands.main import Command
from glutheory.commands.options import SETTINGS
from glutheory.errors import DomainError

_HELP = """Write the verification report: one HTML file with the verdict on every claim, its formulas, figures, numbers,
negative controls and provenance. It needs no network, and nothing is computed anew: it shows runs that were stored.

Without --from these are the full runs that come with the package. Your own are written by 'python -m checks --json'.

\b
Examples:
  glutheory report --out report.html
  glutheory report --only condition,spike --out two-claims.html
  glutheory report --from mine.json --out mine.html
  glutheory report --figures figures --format pdf
"""
_DEFAULT = "report.html"
#: Seconds between two lines of progress where there is no terminal.
_LINES = 10.0
_PATH = click.Path(path_type=Path)


@click.command(cls=Command, name="report", help=_HELP, context_settings=SETTINGS)
@click.option("--out", type=_PATH, metavar="FILE", help=f"The page.  [default: {_DEFAULT}, unless --figures is given]")
@click.option("--from", "sources", type=_PATH, metavar="FILE", multiple=True, help="Stored runs; may be repeated.")
@click.option("--replace", "replacing", is_flag=True, help="Of a claim in several of these, take the last.")
@click.option("--only", default="", metavar="ID,ID", help='Only the claims with these ids or sources, e.g. "Thm 3.1".')
@click.option("--figures", type=_PATH, metavar="FOLDER", help="Draw the figure of each claim there, as ID.svg.")
@click.option(
    "--format", "kind", type=click.Choice(["svg", "png", "pdf"]), default="svg", show_default=True, help="Of these."
)
@click.option("--json", "as_json", is_flag=True, help="Tell as JSON what was written, with the verdicts.")
def report_command(
    out: Path | None,
    sources: tuple[Path, ...],
    replacing: bool,
    only: str,
    figures: Path | None,
    kind: str,
    as_json: bool,
) -> None:
    """See `_HELP`."""
    from glutheory.claims.retired import notes
    from glutheory.commands.output import check_output
    from glutheory.commands.progress import progress
    from glutheory.report import drawings
    from glutheory.report.page import render
    from glutheory.report.read import committed, read
    from glutheory.report.words import summary

    if out is None and figures is None:
        out = Path(_DEFAULT)
    if out is not None and out.suffix.lower() not in (".html", ".htm"):
        raise DomainError(f"--out is {str(out)[:200]!r}, but the report is HTML: let it end in .html.")
    check_output(out)
    wanted = list(dict.fromkeys(name.strip() for name in only.split(",") if name.strip()))
    with progress("Reading"):
        runs = read(sources or committed(), only=wanted, replacing=replacing)
    if figures is not None:
        drawings.check(figures, f".{kind}")
    outcomes = [outcome for run in runs for outcome in run.outcomes.values()]
    size, files = 0, {}
    # a step for each claim on the page, one for its explorers, and one for each figure
    total = (len(outcomes) + 1) * (out is not None) + len(outcomes) * (figures is not None)
    with progress("Drawing", total=total, lines=_LINES) as advance:
        # nothing is done yet when the first is named
        steps = chain((0,), repeat(1))

        def told(name: str) -> None:
            advance(next(steps), name)

        if out is not None:
            from glutheory.ground.files import write_whole

            page = render(runs, advance=told)
            size = len(page.encode())
            write_whole(out, page)
        if figures is not None:
            files = drawings.draw(outcomes, figures, f".{kind}", advance=told)
    if as_json:
        from glutheory.studies.json_head import record

        click.echo(json.dumps(record("report", **_told(runs, out, size, files)), indent=2, allow_nan=False))
        return
    click.echo(summary(outcomes))
    for run in runs:
        for note in notes(run.retired, run.name):
            click.echo(note)
    if out is not None:
        click.echo(f"Written to {out} ({size / 1e6:.1f} MB).")
    if figures is not None:
        click.echo(f"{len(files)} figure{'' if len(files) == 1 else 's'} in {figures}.")


def _told(runs: tuple[Any, ...], out: Path | None, size: int, files: dict[str, Path]) -> dict[str, Any]:
    """The content of the record: what was written, and the claims with their verdicts."""
    from glutheory.report.words import tally

    outcomes = [outcome for run in runs for outcome in run.outcomes.values()]
    rows = [
        {
            "id": outcome.claim.id,
            "source": outcome.claim.source,
            "verdict": outcome.verdict,
            "grade": outcome.grade,
            "decided": outcome.steps,
            "key_figure": outcome.key_figure,
            "file": run.name,
            "figure": str(files[outcome.claim.id]) if outcome.claim.id in files else None,
        }
        for run in runs
        for outcome in run.outcomes.values()
    ]
    return {
        "out": None if out is None else str(out),
        "bytes": size,
        "figures": [str(path) for path in files.values()],
        "verdicts": tally(outcomes),
        "claims": rows,
        "retired": {run.name: list(run.retired) for run in runs if run.retired},
    }
