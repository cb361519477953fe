"""`python -m checks`: verify the claims and print one row for each, or one page about one of them."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from concurrent.futures import Executor
from dataclasses import replace
from pathlib import Path

import click
from click.core import ParameterSource

from checks.catalog import ON_DATA, choose, claims
from checks.explain import Origin, page
from checks.needs import runnable, told
from checks.runner import again, differences, document, record, recorded, run_all, write_json
from checks.settings import IMAGES, PROFILES, TEXT, Settings
from checks.table import listing, progress, show
from glutheory.claims import Outcome
from glutheory.claims.retired import notes
from glutheory.claims.stored import load
from glutheory.commands.main import Command
from glutheory.commands.options import scheduler_option
from glutheory.commands.workers import workers
from glutheory.errors import DomainError
from glutheory.numeric.tiles import cores
from glutheory.terminal import Terminal

_FILE = click.Path(dir_okay=False, path_type=Path)
#: Options that only a run can heed.
_OF_A_RUN = ("file", "device", "seed", "profile", "jobs", "scheduler", "checkpoints", "images", "text", "keep")

_UNABLE = "none of these checks can be run here; --from results/full.json shows the committed run."


@click.command(cls=Command, context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--only", default="", metavar="ID,ID", help="Only the claims with these ids.")
@click.option("--list", "listed", is_flag=True, help="Print ids, sources and statements; run nothing.")
@click.option("--explain", default="", metavar="ID,ID", help="Print a page about each of these in place of the table.")
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
    _consistent(context)
    if listed:
        table = claims()
        _say(listing([table[name] for name in choose(wanted)], Terminal.of(sys.stdout)))
        return
    if file is not None and not file.absolute().parent.is_dir():
        raise DomainError(f"cannot write {file.name}: its folder does not exist.")
    if source is not None:
        _stored(source, wanted, explain=bool(explain), figure=figure, file=file)
        return
    ids, skipped = runnable(choose(wanted))
    if not ids:
        if explain:
            _say(listing([claims()[name] for name in skipped], Terminal.of(sys.stdout)) + "\n")
        _say(told(skipped))
        raise DomainError(_UNABLE)
    _figures(figure, ids)
    if device != "cpu":
        _check_device(device)
    settings = Settings(PROFILES[profile], seed, device, checkpoints, jobs or cores(), images, text)
    _check_data(settings, ids, keep)
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
            _pages(outcomes, Origin(profile, device), figure)
        else:
            show(outcomes)
        if skipped:
            _say(f"\n{told(skipped)}")
    for clause in changed:
        click.echo(f"{clause}.", err=True)
    sys.exit(1 if changed else 0)


def _consistent(context: click.Context) -> None:
    """Refuse options that would be ignored."""
    given = {name for name in context.params if context.get_parameter_source(name) is ParameterSource.COMMANDLINE}
    flags = {option.name: option.opts[0] for option in context.command.params}
    for name, others in (("listed", {*_OF_A_RUN, "source", "explain", "figure"}), ("source", {*_OF_A_RUN} - {"file"})):
        clash = sorted(flags[other] for other in given & others)
        if name in given and clash:
            raise DomainError(f"{flags[name]} runs nothing: leave out {', '.join(clash)}.")
    if {"only", "explain"} <= given:
        raise DomainError("--only and --explain both name claims: give the ids to --explain alone.")
    if "figure" in given and "explain" not in given:
        raise DomainError("--figure draws what --explain tells: give --explain as well.")


def _check_device(device: str) -> None:
    """Find out before anything is computed whether torch can use the device."""
    from glutheory.sampling.inputs import check_device

    check_device(device)


def _check_data(settings: Settings, ids: Sequence[str], keep: bool) -> None:
    """Read the user's data before anything is computed."""
    if not settings.own_data:
        return
    if keep:
        raise DomainError("--record keeps verdicts on the package's own data: leave out --images and --text.")
    if not set(ids) & set(ON_DATA):
        raise DomainError(f"--images and --text are for {', '.join(ON_DATA)}: give --only with one of them.")
    from checks.tools.data import images, text

    images(settings.images)
    text(settings.text)


def _stored(source: Path, wanted: Sequence[str], *, explain: bool, figure: Path | None, file: Path | None) -> None:
    """Show what is in a file, or write it anew with the parts of the claims as they are declared now, decided again."""
    stored = load(source)
    if file is not None:
        if wanted:
            raise DomainError("--json with --from writes the whole run: leave out --only and --explain.")
        write_json(file, again(json.loads(source.read_text(encoding="utf-8")), claims()))
        stored = load(file)
    try:
        ids = choose(wanted, tuple(stored.outcomes))
    except LookupError as error:
        raise DomainError(f"{source.name}: {error}") from None
    outcomes = [stored.outcomes[name] for name in ids]
    if not explain:
        show(outcomes)
        if not wanted:
            for note in notes(stored.retired, source.name):
                click.echo(note)
        return
    _figures(figure, ids)
    _pages(outcomes, Origin(stored.profile, stored.device, str(source)), figure)


def _figures(figure: Path | None, ids: Sequence[str]) -> dict[str, Path]:
    """The file of each claim's figure: the given one, or with the id before the suffix where there are several."""
    if figure is None:
        return {}
    from glutheory.figures.draw import check

    check(figure)
    several = len(ids) > 1
    return {name: figure.with_stem(f"{figure.stem}-{name}") if several else figure for name in ids}


def _pages(outcomes: Sequence[Outcome], origin: Origin, figure: Path | None) -> None:
    """Draw the figures and print the pages."""
    files = _figures(figure, [outcome.claim.id for outcome in outcomes])
    terminal = Terminal.of(sys.stdout)
    without = []
    for index, outcome in enumerate(outcomes):
        path = files.get(outcome.claim.id)
        if path is not None and outcome.charts:
            from glutheory.figures.draw import save

            save(outcome.charts, path)
        elif path is not None:
            without.append(outcome.claim.id)
        _say(("\n\n" if index else "") + page(outcome, origin, terminal, str(path) if path else ""))
    if without:
        raise DomainError(f"no figure was written for {', '.join(without)}: there is none.")


def _say(text: str) -> None:
    """Print it; what the encoding lacks becomes a question mark."""
    encoding = sys.stdout.encoding or "ascii"
    print(text.encode(encoding, "replace").decode(encoding))


if __name__ == "__main__":
    main(prog_name="python -m checks")
