"""`glutheory spectrum`: the command line of `glutheory.studies.spectrum.study`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click
from click.core import ParameterSource

from glutheory.commands.main import Command
from glutheory.commands.options import (
    NETWORK,
    SETTINGS,
    data_options,
    gram_options,
    kernel_options,
    output_options,
    own_activations,
    stack_option,
)

if TYPE_CHECKING:
    from glutheory.layers import Stack
    from glutheory.networks import Network

#: What is looked at where no network is named.
DEFAULT = ("relu", "reglu")

_HELP = """Show the eigenvalues of networks' kernel matrices on the same rows: the condition number with its error, the
outliers and the bulk, and what random-matrix theory predicts.

NETWORK is a name of `glutheory list`, gated or not; without one, relu and reglu are compared. The rows are random, or
those of --data.
With --activation, which may be repeated, a formula of your own is compared without and with the gate.
With --stack, which may be repeated, deep networks in the limit of infinite width; in the standard parametrisation
--width is that of all their hidden layers. There own and own_glu are the networks of the --activation, which is then
not shown by itself; of several own1, own2, and so on.

\b
Examples:
  glutheory spectrum
  glutheory spectrum reglu relu --n 1600 --d 40 --out spectrum.svg
  glutheory spectrum silu swiglu --inputs normalised --kind nngp
  glutheory spectrum swiglu --data rows.csv --target y --json --out spectrum.json
  glutheory spectrum silu swiglu --data iris.csv --target species --normalise rms
  glutheory spectrum relu reglu --activation 'max(-1,min(1,z))'
  glutheory spectrum --stack 'silu x 12, rmsnorm, residual' --stack 'swiglu x 12, rmsnorm, residual'
  glutheory spectrum --stack 'own x 4' --stack 'own_glu x 4' --activation 'z*erf(z)'
"""


@click.command(cls=Command, name="spectrum", help=_HELP, context_settings=SETTINGS)
@click.argument("networks", metavar="[NETWORK]...", nargs=-1, type=NETWORK)
@own_activations
@stack_option
@data_options
@kernel_options
@output_options
def spectrum_command(
    networks: tuple[str, ...],
    expressions: tuple[str, ...],
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
    kind: str,
    parametrization: str,
    width: int | None,
    as_json: bool,
    out: Path | None,
    ascii_only: bool,
) -> None:
    """See `_HELP`."""
    # imported here: `--help` and mistakes need nothing of this
    from glutheory.commands.data import chosen_rows
    from glutheory.commands.lines import read_lines
    from glutheory.commands.names import chosen_networks, own_pair
    from glutheory.commands.output import check_output, emit
    from glutheory.commands.progress import progress
    from glutheory.studies import spectrum
    from glutheory.studies.spectrum.study import check_size, spectrum_study

    source = click.get_current_context().get_parameter_source("parametrization")
    if lines and source is ParameterSource.DEFAULT:
        parametrization = "ntk"
    options = gram_options(parametrization, width)
    check_output(out)
    check_size(n or 0)
    read = read_lines(lines, expressions, given)
    own = [net for expression in read.rest for net in own_pair(expression)]
    rows = chosen_rows(n, d, inputs, data, target, seed, columns=columns, normalise=normalise)
    named = chosen_networks(networks or (() if own or lines else DEFAULT), given, read.networks)
    chosen: Sequence[Network | Stack] = [*named, *own, *read.stacks]
    other = None if rows.other is None else (rows.other, rows.other_description)
    with progress("Eigenvalues", total=len(set(chosen))) as advance:
        study = spectrum_study(
            chosen, rows.X, kind=kind, data=rows.description, other=other, advance=advance, **options
        )
    emit(spectrum, study, as_json=as_json, out=out, ascii_only=ascii_only)
