"""`glutheory phase`: the command line of `glutheory.studies.phase.study`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from glutheory.commands.main import Command
from glutheory.commands.options import (
    INPUTS,
    INPUTS_HELP,
    KINDS,
    NETWORK,
    SETTINGS,
    TARGET_HELP,
    columns_option,
    output_options,
    own_activation,
    scheduler_option,
    stack_option,
)
from glutheory.errors import DomainError

_HELP = """Map the ratio of condition numbers cond(K)/cond(K~), non-gated over gated, over the rows n and features d of
the data: above 1 gating improves the condition number of the kernel.

GATE is a gated network; it is compared with the network of its gate alone.  [default: reglu]
--activation is a gate of your own. --stack is a deep network with gates, compared with the one that has all else alike
and none; kernels of the ntk parametrisation, in the limit of infinite width. In its line own_glu is the gate of
--activation.
The NNGP kernel is the NTK of wide networks at LeCun's variances, up to a factor; --kind ntk is that of the ntk
parametrisation. With --data the n rows are drawn from your file, standardised, in their first d principal components;
--inputs normalised scales these too.

\b
Examples:
  glutheory phase
  glutheory phase swiglu --out phase.svg
  glutheory phase reglu --inputs normalised --kind ntk --n 32,64,128 --d 2-8
  glutheory phase geglu --n 64-4096 --d 4-256 --draws 5 --jobs 8 --checkpoints cells
  glutheory phase reglu --scheduler tcp://10.0.0.1:8786
  glutheory phase reglu --data table.csv --target price --json
  glutheory phase --activation 'max(-1,min(1,z))'
  glutheory phase --stack 'swiglu x 4, rmsnorm, residual' --n 16-128 --d 4,8,16
"""

if TYPE_CHECKING:
    from glutheory.layers import Stack
    from glutheory.networks import Network

#: The gate where none is named.
DEFAULT = "reglu"
#: Values of --n or --d at most: more are a slip.
_MOST = 64


@click.command(cls=Command, name="phase", help=_HELP, context_settings=SETTINGS)
@click.argument("gate", type=NETWORK, required=False)
@own_activation
@stack_option
@click.option("--n", metavar="LIST", help="Rows: 16,32,64; or 16-64, which doubles.  [default: 16-1024]")
@click.option("--d", metavar="LIST", help="Features, likewise.  [default: 2,4,6,8,12,16,24,32,48,64]")
@click.option(
    "--inputs",
    type=click.Choice(INPUTS),
    default=INPUTS[0],
    help=INPUTS_HELP,
)
@click.option(
    "--data",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Your own rows: .npy (n, d), .npz with an array X, or .csv.",
)
@click.option("--target", metavar="NAME", help=TARGET_HELP)
@columns_option
@click.option(
    "--kind",
    type=click.Choice(KINDS),
    default="nngp",
    show_default=True,
    help="The NTK or the NNGP kernel.",
)
@click.option("--draws", type=click.IntRange(1, 1000), default=3, show_default=True, help="Of the rows of each cell.")
@click.option("--seed", type=click.IntRange(0, 2**31 - 1), default=0, show_default=True, help="Of all chance.")
@click.option("--jobs", type=click.IntRange(1, 256), help="Processes that share the work.  [default: one per core]")
@scheduler_option
@click.option(
    "--checkpoints",
    type=click.Path(path_type=Path),
    metavar="FOLDER",
    help="Keep finished cells there; a run that was broken off goes on.",
)
@output_options
def phase_command(
    gate: str | None,
    expression: str | None,
    given: tuple[str, ...],
    lines: tuple[str, ...],
    n: str | None,
    d: str | None,
    inputs: str,
    data: Path | None,
    target: str | None,
    columns: str | None,
    kind: str,
    draws: int,
    seed: int,
    jobs: int | None,
    scheduler: str | None,
    checkpoints: Path | None,
    as_json: bool,
    out: Path | None,
    ascii_only: bool,
) -> None:
    """See `_HELP`."""
    from glutheory.commands.data import read_rows
    from glutheory.commands.lines import read_lines
    from glutheory.commands.names import chosen_networks, own_pair
    from glutheory.commands.output import check_output, emit
    from glutheory.commands.progress import progress
    from glutheory.commands.workers import workers
    from glutheory.studies import phase
    from glutheory.studies.phase.study import axes, own_rows, phase_study

    check_output(out)
    if gate is not None and expression is not None:
        raise DomainError(f"{gate} and --activation {expression[:60]!r} are given: give one of the two.")
    chosen: str | Network | Stack
    if lines:
        read = read_lines(lines, () if expression is None else (expression,), given)
        chosen_networks((), given, read.networks)
        chosen = only_stack(read.stacks, gate, read.rest)
    elif expression is not None:
        chosen = own_pair(expression, given)[1]
    else:
        chosen = chosen_networks((gate or DEFAULT,), given)[0]
    if target is not None and data is None:
        raise DomainError(f"--target is {target[:60]!r}, but random data have no columns: give --data as well.")
    if columns is not None and data is None:
        raise DomainError(f"--columns is {columns[:60]!r}, but random data have none: give --data as well.")
    sizes, dimensions = read_list("--n", n), read_list("--d", d)
    table = None if data is None else read_rows(data, target=target, columns=columns)
    rows = None if table is None else own_rows(table.X, table.name, seed)
    every_n, every_d = axes(sizes, dimensions, rows)
    known = 0

    def tell(finished: int, _total: int) -> None:
        nonlocal known
        advance(finished - known)
        known = finished

    cells = len(every_n) * len(every_d) * draws
    with workers(jobs, scheduler) as shared, progress("Computing cells", total=cells) as advance:
        found = phase_study(
            chosen,
            sizes=every_n,
            dimensions=every_d,
            inputs=inputs,
            kind=kind,
            draws=draws,
            seed=seed,
            rows=rows,
            folder=checkpoints,
            processes=shared,
            done=tell,
        )
    emit(phase, found, as_json=as_json, out=out, ascii_only=ascii_only)


def only_stack(stacks: tuple[Stack, ...], gate: str | None, formulas: tuple[str, ...]) -> Stack:
    """The one stack, with nothing beside it.

    Raises:
        DomainError: another stack, a gate or a formula that is not its own is given as well.
    """
    other = gate or (formulas and f"--activation {formulas[0][:60]!r}") or (len(stacks) > 1 and "another one")
    if other:
        raise DomainError(f"--stack {stacks[0].name!r} and {other} are given: give one of them.")
    return stacks[0]


def read_list(option: str, text: str | None) -> list[int] | None:
    """The numbers of ``4,8,16-128``; a range doubles from its first number as far as its last, which it contains.

    Raises:
        DomainError: anything else, or too many.
    """
    if text is None:
        return None
    found: set[int] = set()
    for part in text.split(","):
        first, dash, last = part.strip().partition("-")
        if not (first.isdecimal() and (last.isdecimal() if dash else True)) or len(first) > 7 or len(last) > 7:
            raise DomainError(f"{option} is {text[:60]!r}: give numbers and ranges that double, e.g. 16,24 or 16-1024.")
        low, high = int(first), int(last or first)
        if low < 1 or high < low:
            raise DomainError(f"{option} has the range {part.strip()!r}: give positive numbers, the smaller one first.")
        while low < high:
            found.add(low)
            low *= 2
        found.add(high)
    if len(found) > _MOST:
        raise DomainError(f"{option} has {len(found)} values: give {_MOST} at most.")
    return sorted(found)
