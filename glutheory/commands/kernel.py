"""`glutheory kernel`: the command line of `glutheory.studies.kernel.study`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from glutheory.commands.main import Command
from glutheory.commands.options import NETWORK, SETTINGS, output_options, own_activations, stack_option
from glutheory.errors import DomainError

if TYPE_CHECKING:
    from glutheory.layers import Stack
    from glutheory.networks import Network

#: What is looked at where no network is named.
DEFAULT = ("reglu",)

_HELP = """Show how a kernel depends on the correlation rho of two inputs: the dual activations S = E[f(u) f(v)] and
T = E[f'(u) f'(v)], the kernel K = S + cT without the gate and K~ = 2cS + c^2 T with it.

NETWORK is a name of `glutheory list`; a gated network and the network of its gate give the same curves. Without one,
reglu is shown. With --activation, which may be repeated, the curves
of a formula of your own. With --stack, which may be repeated, NNGP and NTK of a deep network in the limit of infinite
width, without its gates and with them, over the correlation of its inputs; own and own_glu are the networks of the
--activation there, which is then not shown by itself.

\b
Examples:
  glutheory kernel
  glutheory kernel swiglu geglu --normalise --out kernels.pdf
  glutheory kernel gelu --variance 4 --points 11
  glutheory kernel silu --variances 1,9 --json
  glutheory kernel --activation 'max(-1,min(1,z))'
  glutheory kernel --stack 'swiglu x 12, rmsnorm, residual' --normalise
  glutheory kernel --stack 'own_glu x 3' --activation 'z*erf(z)'
"""


@click.command(cls=Command, name="kernel", help=_HELP, context_settings=SETTINGS)
@click.argument("networks", metavar="[NETWORK]...", nargs=-1, type=NETWORK)
@own_activations
@stack_option
@click.option("--variance", metavar="A", help="Of the pre-activations at both inputs, |x|^2/d.  [default: 1]")
@click.option("--variances", metavar="A,B", help="The same, where the two inputs differ in norm.")
@click.option(
    "--points", type=click.IntRange(2, 1001), default=21, show_default=True, help="Values of rho in the table."
)
@click.option("--normalise", is_flag=True, help="Divide every curve by its value at rho = 1.")
@output_options
def kernel_command(
    networks: tuple[str, ...],
    expressions: tuple[str, ...],
    given: tuple[str, ...],
    lines: tuple[str, ...],
    variance: str | None,
    variances: str | None,
    points: int,
    normalise: bool,
    as_json: bool,
    out: Path | None,
    ascii_only: bool,
) -> None:
    """See `_HELP`."""
    # imported here: `--help` and mistakes need nothing of this
    from glutheory.commands.lines import read_lines
    from glutheory.commands.names import chosen_networks, own_pair
    from glutheory.commands.output import check_output, emit
    from glutheory.commands.progress import progress
    from glutheory.studies import kernel
    from glutheory.studies.kernel import kernel_study
    from glutheory.studies.kernel.study import plain_networks, stacks_of

    a, b = parse_variances(variance, variances)
    check_output(out)
    read = read_lines(lines, expressions, given)
    own = [own_pair(expression)[0] for expression in read.rest]
    named: Sequence[str] = [*networks] or ([] if own or lines else DEFAULT)
    two_layers = plain_networks([*chosen_networks(named, given, read.networks), *own])
    chosen: list[Network | Stack] = [*two_layers, *stacks_of(read.stacks)]
    with progress("Kernels", total=len(chosen)) as advance:
        study = kernel_study(chosen, a=a, b=b, points=points, normalised=normalise, advance=advance)
    emit(kernel, study, as_json=as_json, out=out, ascii_only=ascii_only)


def parse_variances(one: str | None, two: str | None) -> tuple[float, float]:
    """The two variances that --variance or --variances stands for; decimals or fractions.

    Raises:
        DomainError: both are given, or something else than positive numbers in the range of the kernels.
    """
    if one is not None and two is not None:
        raise DomainError(f"--variance is {one[:40]} and --variances is {two[:40]}: give one of the two.")
    if two is None:
        value = _variance("--variance", "1" if one is None else one)
        return value, value
    parts = two.split(",")
    if len(parts) != 2:
        raise DomainError(f"--variances is {two[:40]!r}: give two numbers, e.g. 1,4.")
    return _variance("--variances", parts[0]), _variance("--variances", parts[1])


def _variance(option: str, text: str) -> float:
    from glutheory.commands.names import exact_number
    from glutheory.studies.kernel.curves import LEAST, MOST

    number = exact_number(option, text.strip())
    if not LEAST <= number <= MOST:
        raise DomainError(f"{option} is {text.strip()[:40]}: give a number from {LEAST:g} to {MOST:g}.")
    return float(number)
