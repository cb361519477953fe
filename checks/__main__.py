"""`python -m checks`: verify the claims and print one row for each."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from checks.catalog import choose
from checks.report import progress, show
from checks.runner import differences, document, record, recorded, run_all, write_json
from checks.settings import PROFILES, Settings
from glutheory.errors import GlutheoryError


class BadInputError(click.ClickException):
    """One sentence on stderr, exit status 2."""

    exit_code = 2


def _check_device(device: str) -> None:
    """Find out before anything is computed whether torch can use the device."""
    from glutheory.sampling.inputs import check_device

    check_device(device)


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--only", default="", metavar="ID,ID", help="Only the claims with these ids.")
@click.option(
    "--json", "file", type=click.Path(dir_okay=False, path_type=Path), help="Write every number to this file."
)
@click.option("--device", default="cpu", show_default=True, help="Where networks are sampled, as torch names it.")
@click.option("--seed", type=click.IntRange(0, 2**31 - 1), default=0, show_default=True, help="Of everything random.")
@click.option(
    "--profile", type=click.Choice(list(PROFILES)), default="quick", show_default=True, help="How much to do."
)
@click.option("--record", "keep", is_flag=True, help="Make these verdicts the recorded ones.")
def main(only: str, file: Path | None, device: str, seed: int, profile: str, keep: bool) -> None:
    """Verify the claims: assumptions, evidence, negative controls and a verdict for each.

    The exit status is 0 if every verdict is the recorded one, 1 if one differs (it is named), 2 for bad input.
    """
    try:
        ids = choose([name.strip() for name in only.split(",") if name.strip()])
        if file is not None and not file.absolute().parent.is_dir():
            raise BadInputError(f"cannot write {file.name}: its folder does not exist.")
        _check_device(device)
        settings = Settings(PROFILES[profile], seed, device)
        with progress(ids) as advance:
            outcomes = run_all(ids, settings, advance)
        show(outcomes)
        if file is not None:
            write_json(file, document(outcomes, settings))
        if keep:
            record(outcomes)
        changed = differences(outcomes, recorded())
    except (GlutheoryError, ImportError) as error:
        raise BadInputError(str(error)) from None
    except OSError as error:
        raise BadInputError(f"cannot write the results: {error.strerror}.") from None
    for clause in changed:
        click.echo(f"{clause}.", err=True)
    sys.exit(1 if changed else 0)


if __name__ == "__main__":
    main(prog_name="python -m checks")
