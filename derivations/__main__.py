"""`python -m derivations`: run the proofs and render them."""

from __future__ import annotations

import sys
import time
from pathlib import Path

import click

from derivations.catalog import load, names
from derivations.tools.render import INDEX, RENDERED, differences, markdown, pages, write
from derivations.tools.runs import Run, comparisons, grades
from derivations.tools.runs import run as run_proof
from glutheory.errors import UnknownNameError


class BadInputError(click.ClickException):
    """One sentence on stderr, exit status 2."""

    exit_code = 2


def _explain(name: str, run: Run) -> None:
    """Say on stderr which step of a failed run was not confirmed."""
    if run.failure is not None:
        click.echo(f"{name}: step {run.failure.step.name!r} {run.failure.reason}.", err=True)


def _run_all(chosen: tuple[str, ...]) -> dict[str, Run]:
    """Run the proofs with a line of progress each."""
    proofs, runs = {name: load(name) for name in chosen}, {}
    width = max(map(len, chosen))
    for name, proof in proofs.items():
        click.echo(f"{name:<{width}}  ", nl=False, err=True)
        start = time.perf_counter()
        run = runs[name] = run_proof(proof)
        seconds = time.perf_counter() - start
        verdict = f"{grades([run])}, {run.compared} compared" if run.failure is None else "FAILED"
        click.echo(f"{verdict:<60}{seconds:6.1f} s", err=True)
        _explain(name, run)
    return runs


def _check(runs: dict[str, Run], output: Path, complete: bool) -> bool:
    """Whether the rendered pages are those of these runs; says what is not."""
    texts = pages(runs)
    if not complete:
        texts.pop(INDEX, None)
    stale = differences(texts, output, complete=complete and len(texts) > len(runs))
    for clause in stale:
        click.echo(f"{clause}: run python -m derivations and commit the rendered pages.", err=True)
    return not stale


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.argument("name", required=False)
@click.option("--check", is_flag=True, help="Write nothing; exit 1 if the rendered pages are not current.")
@click.option(
    "--output",
    type=click.Path(file_okay=False, path_type=Path),
    default=RENDERED,
    show_default="derivations/rendered",
    help="Folder of the rendered pages.",
)
def main(name: str | None, check: bool, output: Path) -> None:
    """Run the machine-checked proofs behind the kernels and render them as Markdown.

    Without NAME all proofs are run and their pages written. With NAME that proof is run and printed, for example

        python -m derivations gelu

    The exit status is 0 if every step was confirmed, 1 if a step failed (it is named, and its page is not overwritten)
    or --check found pages that are not current, 2 for bad input such as an unknown name.
    """
    try:
        chosen = names() if name is None else (name,)
        if name is not None and not check:
            run = run_proof(load(name))
            _explain(name, run)
            if run.failure is not None:
                sys.exit(1)
            click.echo(markdown(name, run), nl=False)
            return
        runs = _run_all(chosen)
        failed = any(run.failure is not None for run in runs.values())
        if check:
            current = _check(runs, output, complete=name is None)
            sys.exit(0 if current and not failed else 1)
        texts = pages(runs)
        write(texts, output)
        counts = f"{grades(runs.values())}; {comparisons(runs.values())}"
        click.echo(f"{len(runs)} proofs: {counts}; {len(texts)} pages written.", err=True)
        sys.exit(1 if failed else 0)
    except UnknownNameError as error:
        raise BadInputError(str(error)) from None
    except OSError as error:
        raise BadInputError(f"cannot use the folder {output}: {error.strerror}.") from None


if __name__ == "__main__":
    main(prog_name="python -m derivations")
