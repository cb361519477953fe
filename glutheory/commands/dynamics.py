"""`glutheory dynamics`: the command line of `glutheory.studies.dynamics.study`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click
from click.core import ParameterSource

from glutheory.commands.main import Command
from glutheory.commands.options import (
    NETWORK,
    PARAMETRIZATIONS,
    SETTINGS,
    data_options,
    output_options,
    own_activation,
    stack_option,
)
from glutheory.errors import DomainError

if TYPE_CHECKING:
    from glutheory.layers import Stack
    from glutheory.networks import Network

_HELP = """Compare how fast a gated network and its non-gated partner learn, in theory: the expected loss of gradient
descent from the derived NNGP and NTK, and every step at which the two curves cross.

NETWORKS are a non-gated and a gated one; of one alone the partner has the same activation; --activation stands
for both of a formula of your own.  [default: relu reglu]
--stack is a deep network in the limit of infinite width, and given twice both: of one alone the partner has all else
alike; own and own_glu are the networks of --activation. They are in the ntk parametrisation unless another is given; in
the standard one --width is that of all layers of both.
The targets are y = X w + 0.1 noise with a standard normal w, unless --target names them in your file. The gated network
has about as many weights as the non-gated one, except of stacks. Losses and learning rates are those of the mean
squared error.

\b
Examples:
  glutheory dynamics
  glutheory dynamics swiglu --n 300 --d 20 --out swiglu.svg
  glutheory dynamics gelu swiglu --unit-targets --rate 0.001 --steps 5000
  glutheory dynamics reglu --data table.csv --target price --json
  glutheory dynamics swiglu --n 200 --d 20 --width 256 --train 3 --out trained.png
  glutheory dynamics --activation 'max(-1,min(1,z))'
  glutheory dynamics --stack 'swiglu x 12, rmsnorm, residual' --n 100 --d 10
"""


@click.command(cls=Command, name="dynamics", help=_HELP, context_settings=SETTINGS)
@click.argument("networks", type=NETWORK, nargs=-1)
@own_activation
@stack_option
@data_options
@click.option("--unit-targets", is_flag=True, help="Shift and scale the targets to mean 0 and variance 1.")
@click.option(
    "--parametrization",
    type=click.Choice(PARAMETRIZATIONS),
    default=PARAMETRIZATIONS[0],
    show_default=True,
    help="Weights of LeCun's variances 1/d and 1/width, or of variance 1 with the scales outside.",
)
@click.option(
    "--width", type=click.IntRange(1), help="Hidden units of the non-gated network; only for standard.  [default: 1000]"
)
@click.option("--rate", type=float, help="The learning rate.  [default: half of the smaller stable one]")
@click.option("--steps", type=click.IntRange(1, 10**9), help="Steps to show.  [default: twice those of the crossing]")
@click.option(
    "--train",
    "seeds",
    type=click.IntRange(1, 1000),
    metavar="SEEDS",
    help="Train so many networks of each kind as well, for --steps or 1000 steps (needs torch).",
)
@output_options
def dynamics_command(
    networks: tuple[str, ...],
    expression: str | None,
    given: tuple[str, ...],
    lines: tuple[str, ...],
    n: int | None,
    d: int | None,
    inputs: str | None,
    data: Path | None,
    target: str | None,
    columns: str | None,
    normalise: str | None,
    seed: int,
    unit_targets: bool,
    parametrization: str,
    width: int | None,
    rate: float | None,
    steps: int | None,
    seeds: int | None,
    as_json: bool,
    out: Path | None,
    ascii_only: bool,
) -> None:
    """See `_HELP`."""
    from glutheory.commands.data import chosen_rows
    from glutheory.commands.lines import read_lines
    from glutheory.commands.names import chosen_networks, own_pair
    from glutheory.commands.output import check_output, emit
    from glutheory.commands.progress import progress
    from glutheory.studies import dynamics
    from glutheory.studies.dynamics.study import dynamics_study, pair_of, training_steps
    from glutheory.studies.dynamics.training import check_torch

    check_output(out)
    if networks and expression is not None:
        raise DomainError(f"{networks[0]} and --activation {expression[:60]!r} are given: give one of the two.")
    read = read_lines(lines, () if expression is None else (expression,), given)
    if lines and (networks or read.rest):
        other = networks[0] if networks else f"--activation {read.rest[0][:60]!r}"
        raise DomainError(f"--stack {read.stacks[0].name!r} and {other} are given: give stacks alone, or none.")
    names: Sequence[str | Network | Stack]
    if lines:
        chosen_networks((), given, read.networks)
        names = read.stacks
    elif expression is not None:
        names = own_pair(expression, given)
    else:
        names = chosen_networks(networks or ("relu", "reglu"), given)
    pair_of(names)
    if lines:
        source = click.get_current_context().get_parameter_source("parametrization")
        parametrization = "ntk" if source is ParameterSource.DEFAULT else parametrization
        if seeds:
            raise DomainError(f"--train is {seeds}, but networks are trained with one hidden layer: leave it out.")
    if parametrization == "ntk" and (width is not None or seeds):
        raise DomainError("--parametrization is ntk, which has no --width and is not trained: leave these out.")
    if seeds:
        check_torch()
    rows = chosen_rows(n, d, inputs, data, target, seed, columns=columns, normalise=normalise)
    total = (seeds or 0) * 2 * training_steps(steps)
    with progress("Training" if seeds else "Computing", total=total or None) as advance:
        found = dynamics_study(
            names,
            rows.X,
            rows.y,
            inputs=rows.description,
            parametrization=parametrization,
            width=width,
            unit_targets=unit_targets,
            rate=rate,
            steps=steps,
            seeds=seeds or 0,
            seed=seed,
            other=None if rows.other is None else (rows.other, rows.other_description),
            progress=advance,
        )
    emit(dynamics, found, as_json=as_json, out=out, ascii_only=ascii_only)
