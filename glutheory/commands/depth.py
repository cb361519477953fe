"""`glutheory depth`: the command line of `glutheory.studies.depth.study`."""

from __future__ import annotations

import math
import re
from pathlib import Path

import click

from glutheory.commands.main import Command
from glutheory.commands.options import NETWORK, SETTINGS, data_options, output_options, own_activations
from glutheory.errors import DomainError

#: What is looked at where no network is named, and the depths where none are given.
DEFAULT, LAYERS = ("relu", "reglu"), "1:64"
#: Depths at most that a range stands for, in equal ratios.
_DEPTHS = 13

_HELP = """Show what depth does to networks' NTK on the same rows: condition numbers, correlations, fixed points.

NETWORK is a name of `glutheory list`, gated or not; without one, relu and reglu are compared. The stack is an
embedding, blocks of norm, NETWORK and a dense layer, each added to its input, a last norm and a readout, in the limit
of infinite width. The rows are random, or those of --data. With --activation, which may be repeated, a formula of your
own is compared without and with the gate.

\b
Examples:
  glutheory depth
  glutheory depth silu swiglu --layers 1:64 --out depth.svg
  glutheory depth relu reglu --no-residual --layers 1,2,5,20
  glutheory depth swiglu silu --data rows.csv --target y --norm layer
  glutheory depth --activation 'z*erf(z)' --layers 1,4,16
"""


@click.command(cls=Command, name="depth", help=_HELP, context_settings=SETTINGS)
@click.argument("networks", metavar="[NETWORK]...", nargs=-1, type=NETWORK)
@own_activations
@click.option(
    "--layers",
    default=LAYERS,
    show_default=True,
    metavar="RANGE",
    help="Numbers of blocks: FIRST:LAST (some between, in equal ratios), FIRST:LAST:STEP, or a list 1,2,5.",
)
@click.option(
    "--norm", type=click.Choice(("rms", "layer", "none")), default="rms", show_default=True, help="Before each block."
)
@click.option(
    "--residual/--no-residual", default=True, show_default=True, help="Whether blocks are added to the stream."
)
@data_options
@output_options
def depth_command(
    networks: tuple[str, ...],
    expressions: tuple[str, ...],
    given: tuple[str, ...],
    layers: str,
    norm: str,
    residual: bool,
    n: int | None,
    d: int | None,
    inputs: str | None,
    data: Path | None,
    target: str | None,
    columns: str | None,
    normalise: str | None,
    seed: int,
    as_json: bool,
    out: Path | None,
    ascii_only: bool,
) -> None:
    """See `_HELP`."""
    # imported here: `--help` and mistakes need nothing of this
    from glutheory.commands.data import chosen_rows
    from glutheory.commands.names import chosen_networks, own_pair
    from glutheory.commands.output import check_output, emit
    from glutheory.commands.progress import progress
    from glutheory.studies import depth
    from glutheory.studies.depth.study import check_size, depth_study

    check_output(out)
    depths = chosen_depths(layers)
    check_size(n or 2, depths)
    rows = chosen_rows(n, d, inputs, data, target, seed, columns=columns, normalise=normalise)
    own = [net for expression in expressions for net in own_pair(expression)]
    chosen = [*chosen_networks(networks or (() if own else DEFAULT), given), *own]
    with progress("Depths", total=len(set(chosen))) as advance:
        study = depth_study(
            chosen,
            rows.X,
            depths,
            norm=None if norm == "none" else norm,
            residual=residual,
            data=rows.description,
            advance=advance,
        )
    emit(depth, study, as_json=as_json, out=out, ascii_only=ascii_only)


def chosen_depths(text: str) -> list[int]:
    """The numbers of blocks that a range or list stands for, ascending.

    Raises:
        DomainError: text of another form, or a range that is empty.
    """
    shown = text if len(text) <= 40 else text[:37] + "..."
    mistake = DomainError(f"--layers is {shown!r}: write a range such as 1:64 or 2:20:2, or a list such as 1,2,5.")
    if not re.fullmatch(r"\d{1,6}(:\d{1,6}){1,2}|\d{1,6}(,\d{1,6})*", text.replace(" ", "")):
        raise mistake
    numbers = [int(part) for part in re.split("[:,]", text.replace(" ", ""))]
    if ":" not in text:
        return sorted(set(numbers))
    first, last, step = (*numbers, 0)[:3]
    if not 1 <= first <= last or (len(numbers) == 3 and step == 0):
        raise mistake
    if step:
        return list(range(first, last + 1, step))
    if last - first < _DEPTHS:
        return list(range(first, last + 1))
    ratios = (math.log(last) - math.log(first)) / (_DEPTHS - 1)
    return sorted({round(first * math.exp(k * ratios)) for k in range(_DEPTHS)})
