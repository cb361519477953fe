"""Which options of `python -m checks` go together, and what is tried before anything is computed."""

from __future__ import annotations

from collections.abc import Sequence

import click
from click.core import ParameterSource

from checks.catalog import ON_DATA
from checks.settings import Settings
from glutheory.errors import DomainError

#: Options that measure on one's own rows, and those that only a run can heed.
_OWN = ("n", "d", "data", "target", "columns", "normalise")
_OF_A_RUN = ("file", "device", "seed", "profile", "jobs", "scheduler", "checkpoints", "images", "text", "keep")


def check_options(context: click.Context) -> None:
    """Refuse options that would be ignored."""
    given = {name for name in context.params if context.get_parameter_source(name) is ParameterSource.COMMANDLINE}
    flags = {option.name: option.opts[0] for option in context.command.params}
    none = {*_OF_A_RUN, *_OWN}
    for name, others in (("listed", {*none, "source", "explain", "figure"}), ("source", none - {"file"})):
        clash = sorted(flags[other] for other in given & others)
        if name in given and clash:
            raise DomainError(f"{flags[name]} runs nothing: leave out {', '.join(clash)}.")
    if {"only", "explain"} <= given:
        raise DomainError("--only and --explain both name claims: give the ids to --explain alone.")
    for name, does in (("figure", "draws what --explain tells"), ("full", "is about --explain")):
        if name in given and "explain" not in given:
            raise DomainError(f"{flags[name]} {does}: give --explain as well.")
    if "normalise" in given and "data" not in given:
        raise DomainError("--normalise scales your own rows: give --data as well.")
    if given & {*_OWN}:
        clash = sorted(flags[other] for other in given & {"figure", "full", *_OF_A_RUN} - {"seed"})
        if not given & {"only", "explain"}:
            raise DomainError("--n, --d and --data measure what is named: give --explain or --only with a claim.")
        if clash:
            raise DomainError(f"--n, --d and --data only measure: leave out {', '.join(clash)}.")


def check_device(device: str) -> None:
    """Find out before anything is computed whether torch can use the device."""
    from glutheory.sampling.inputs import check_device

    check_device(device)


def check_data(settings: Settings, ids: Sequence[str], keep: bool) -> None:
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
