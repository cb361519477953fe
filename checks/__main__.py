"""`python -m checks`: verify the claims and print one row for each, or one page about one of them."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from concurrent.futures import Executor
from dataclasses import replace
from functools import partial
from pathlib import Path

import click

from checks.brief import brief
from checks.catalog import ON_DATA, choose, claims
from checks.explain import page
from checks.frame import Origin
from checks.needs import runnable, told
from checks.options import check_data, check_device, check_options
from checks.pages import Page, figures, measure, print_pages, say
from checks.runner import differences, document, record, recorded, run_all, write_json
from checks.settings import IMAGES, PROFILES, TEXT, Settings
from checks.stored_runs import stored_run, with_siblings
from checks.table import listing, progress, show
from glutheory.claims.retired import notes
from glutheory.commands.data import chosen_rows
from glutheory.commands.main import Command
from glutheory.commands.options import columns_option, normalise_option, scheduler_option
from glutheory.commands.workers import workers
from glutheory.errors import DomainError
from glutheory.numeric.tiles import cores
from glutheory.terminal import Terminal

_FILE = click.Path(dir_okay=False, path_type=Path)
_UNABLE = "none of these checks can be run here; --from results/full.json shows the committed run."


@click.command(cls=Command, context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--only", default="", metavar="ID,ID", help='Only the claims with these ids or sources, e.g. "Thm 3.1".')
@click.option("--list", "listed", is_flag=True, help="Print ids, sources and statements; run nothing.")
@click.option("--explain", default="", metavar="ID,ID", help="Print a page about each of these in place of the table.")
@click.option("--full", is_flag=True, help="With --explain: all numbers, assumptions, controls and provenance.")
@click.option("--n", type=click.IntRange(3), help="Measure on this many random rows what is named; no verdict.")
@click.option("--d", type=click.IntRange(1), help="Of so many features.")
@click.option("--data", type=_FILE, help="Measure on your own rows: .npy (n, d), .npz with an array X, or .csv.")
@click.option("--target", metavar="NAME", help="The column or array of --data that is no input.")
@columns_option
@normalise_option
@click.option("--figure", type=_FILE, help="Draw what --explain tells: FILE.png, .svg or .pdf.")
@click.option("--from", "source", type=_FILE, help="Show the run that --json wrote to this file; run nothing.")
@click.option("--json", "file", type=_FILE, help="Write every number to this file; of --from, decided again.")
@click.option("--device", default="cpu", show_default=True, help="Where networks are sampled, as torch names it.")
@click.option("--seed", type=click.IntRange(0, 2**31 - 1), default=0, show_default=True, help="Of everything random.")
@click.option(
    "--profile", type=click.Choice(list(PROFILES)), default="quick", show_default=True, help="How much to do."
)
@click.option(
    "--jobs", type=click.IntRange(1), default=None, show_default="one per core", help="Processes that share the work."
)
@scheduler_option
@click.option(
    "--checkpoints",
    type=click.Path(file_okay=False, path_type=Path),
    help="Keep what long checks have done in this folder: a killed run goes on where it was.",
)
@click.option(
    "--images",
    default=IMAGES,
    metavar="PATH",
    help="Train on these in place of digits: a file or folder of CIFAR-10 (binary) or MNIST (idx), or an .npz.",
)
@click.option("--text", default=TEXT, metavar="PATH", help="Train on this UTF-8 file in place of Python's manual.")
@click.option("--record", "keep", is_flag=True, help="Make these verdicts the recorded ones.")
@click.pass_context
def main(
    context: click.Context,
    only: str,
    listed: bool,
    explain: str,
    full: bool,
    n: int | None,
    d: int | None,
    data: Path | None,
    target: str | None,
    columns: str | None,
    normalise: str | None,
    figure: Path | None,
    source: Path | None,
    file: Path | None,
    device: str,
    seed: int,
    profile: str,
    jobs: int | None,
    scheduler: str | None,
    checkpoints: Path | None,
    images: str,
    text: str,
    keep: bool,
) -> None:
    """Verify the claims: assumptions, evidence, negative controls and a verdict for each.

    A check that needs a package which is not installed is skipped, and what would install it is said.

    The exit status is 0 if every verdict is the recorded one, 1 if one differs (it is named), 2 for bad input, or if
    none of the checks that were asked for can be run.
    """
    wanted = [name.strip() for name in f"{only},{explain}".split(",") if name.strip()]
    check_options(context)
    if listed:
        table = claims()
        say(listing([table[name] for name in choose(wanted)], Terminal.of(sys.stdout)))
        return
    if file is not None and not file.absolute().parent.is_dir():
        raise DomainError(f"cannot write {file.name}: its folder does not exist.")
    show_page = page if full else brief
    if source is not None:
        _stored(source, wanted, show_page if explain else None, figure=figure, file=file)
        return
    if n or d or data or target or columns or normalise:
        rows = partial(chosen_rows, n, d, None, data, target, seed, columns=columns, normalise=normalise)
        measure(choose(wanted), rows)
        return
    ids, skipped = runnable(choose(wanted))
    if not ids:
        if explain:
            say(listing([claims()[name] for name in skipped], Terminal.of(sys.stdout)) + "\n")
        say(told(skipped))
        raise DomainError(_UNABLE)
    figures(figure, ids)
    if device != "cpu":
        check_device(device)
    settings = Settings(PROFILES[profile], seed, device, checkpoints, jobs or cores(), images, text)
    check_data(settings, ids, keep)
    with workers(jobs, scheduler, ("glutheory", "checks")) as shared, progress(ids) as advance:
        if isinstance(shared, Executor):
            settings = replace(settings, executor=shared)
        outcomes = run_all(ids, settings, advance, settings.processes)
    try:
        if file is not None:
            write_json(file, document(outcomes, settings))
        if keep:
            record(outcomes, profile=profile)
        # the recorded verdicts are about the data that come with the package
        ours = [item for item in outcomes if not (settings.own_data and item.claim.id in ON_DATA)]
        changed = differences(ours, recorded(profile=profile))
    except OSError as error:
        raise DomainError(f"cannot write the results: {error.strerror}.") from None
    finally:
        # whatever became of the files: what was computed is shown
        if explain:
            print_pages(outcomes, show_page, {name: Origin(profile, device) for name in ids}, figure)
        else:
            show(outcomes)
        if skipped:
            say(f"\n{told(skipped)}")
    for clause in changed:
        click.echo(f"{clause}.", err=True)
    sys.exit(1 if changed else 0)


def _stored(source: Path, wanted: Sequence[str], tell: Page | None, *, figure: Path | None, file: Path | None) -> None:
    """Show what is in a file, or write it anew with the parts of the claims as they are declared now, decided again."""
    run = stored_run(source, file, wanted)
    files, run = with_siblings(source, run)
    try:
        ids = choose(wanted, {name: found.claim for name, found in run.outcomes.items()})
    except LookupError as error:
        raise DomainError(f"{source.name}: {error}") from None
    outcomes = [run.outcomes[name] for name in ids]
    if tell is None:
        show(outcomes)
        if not wanted:
            for note in notes(run.retired, source.name):
                click.echo(note)
        return
    figures(figure, ids)
    print_pages(outcomes, tell, {name: Origin(run.profile, run.device, files[name]) for name in ids}, figure)


if __name__ == "__main__":
    main(prog_name="python -m checks")
