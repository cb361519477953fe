"""`python -m glutheory.derive NAME`: print a network's derived kernels; the command line's `derive`."""

from __future__ import annotations

import sys
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click

from glutheory.commands.main import Command
from glutheory.commands.options import NETWORK, PARAMETRIZATIONS
from glutheory.errors import DomainError
from glutheory.printing import FORMATS

if TYPE_CHECKING:
    from glutheory.printing.contents import Report
    from glutheory.printing.stack_contents import StackReport

MAX_DIGITS = 200  #: of the sample values: more are `evaluate`'s business

_HELP = """Derive the dual activations S, T and the kernels (NNGP, NTK) of a two-layer network, and verify them.

NAME is a network of the zoo (see `glutheory list`): an activation for the non-gated network, or a gated one. Instead of
NAME, --activation takes a formula in z, and --stack a deep network, whose kernels in the limit of wide layers are
derived layer by layer: "NETWORK x DEPTH" and, after commas, what is not as usual (rmsnorm, residual; all variances 1).
NETWORK may be own or own_glu, the networks of --activation.

\b
Examples:
  python -m glutheory.derive swiglu
  python -m glutheory.derive geglu --steps
  python -m glutheory.derive leaky_relu --param slope=0.2 --format python
  python -m glutheory.derive --activation "z*erf(z)" --gated
  python -m glutheory.derive relu --format latex --out relu.tex
  python -m glutheory.derive swiglu --format c --out swiglu.c
  python -m glutheory.derive --stack "swiglu x 12, rmsnorm, residual"
  python -m glutheory.derive --stack "own_glu x 4" --activation "z*erf(z)"
  python -m glutheory.derive --stack "relu x 20, no norm, no residual, variance 2" --format python

Exit status: 0; 1 if a check fails or two roads disagree; 2 for a mistake in the arguments.
"""


@click.command(cls=Command, name="derive", help=_HELP, context_settings={"help_option_names": ["-h", "--help"]})
@click.argument("name", required=False, shell_complete=NETWORK.shell_complete)
@click.option(
    "--format",
    "form",
    type=click.Choice(FORMATS),
    default="text",
    show_default=True,
    help="How to write the result: for people, as a program (Python, C99), for SymPy or Mathematica, or as JSON.",
)
@click.option("--steps", is_flag=True, help="Show the whole derivation, step by step (text and LaTeX).")
@click.option("--digits", type=int, default=15, show_default=True, help="Significant digits of the values.")
@click.option("--activation", "expression", metavar="EXPR", help="Your own activation, a formula in z.")
@click.option("--stack", "deep", metavar="TEXT", help="A deep network, e.g. 'swiglu x 12, rmsnorm, residual'.")
@click.option(
    "--parametrization",
    type=click.Choice(PARAMETRIZATIONS),
    help="Of a deep network (ntk if left out); for NAME both are shown.",
)
@click.option("--gated", is_flag=True, help="Use it as the gate of a gated linear unit.")
@click.option("--param", "given", metavar="KEY=NUMBER", multiple=True, help="A parameter, e.g. beta=1.702 of silu.")
@click.option("--out", type=click.Path(path_type=Path), metavar="FILE", help="Write to a file instead of the terminal.")
@click.option(
    "--ascii", "ascii_only", is_flag=True, help="Plain ASCII (also where the terminal can show nothing else)."
)
def derive(
    name: str | None,
    form: str,
    steps: bool,
    digits: int,
    expression: str | None,
    deep: str | None,
    parametrization: str | None,
    gated: bool,
    given: tuple[str, ...],
    out: Path | None,
    ascii_only: bool,
) -> int:
    """See `_HELP`."""
    # imported here and below: `--help` and mistakes need nothing of this, two layers nothing of stacks
    from glutheory.commands.names import chosen_network
    from glutheory.commands.output import check_text_output
    from glutheory.commands.progress import progress
    from glutheory.ground.arguments import as_digits
    from glutheory.ground.files import write_whole
    from glutheory.terminal import Terminal, ascii_text

    as_digits(digits, MAX_DIGITS)
    check_text_output(out)
    terminal = Terminal.of(sys.stdout, ascii_only=ascii_only) if out is None else Terminal(unicode=not ascii_only)
    _no_mixture(deep, name, gated, parametrization)
    if deep is not None:
        from glutheory.commands.lines import only_line

        stack = only_line(deep, expression, given)
    with progress("Deriving") as advance:
        begin = partial(advance, 1)
        found: Report | StackReport
        if deep is not None:
            from glutheory.printing import render_stack
            from glutheory.printing.stack_contents import stack_report

            found = stack_report(stack, digits=digits, begin=begin, parametrization=parametrization or "ntk")
            text = render_stack(found, form, terminal, steps=steps)
        else:
            from glutheory.printing import render
            from glutheory.printing.contents import report

            found = report(chosen_network(name, expression, gated, given), digits=digits, begin=begin)
            text = render(found, form, terminal, steps=steps)
    if out is None:
        click.echo(text, nl=False)
    else:
        write_whole(out, text)
    with progress("Deriving"):
        refuted = found.refuted  # for a format that shows no values they are computed only now
    for sentence in refuted:
        click.echo(ascii_text(f"WRONG: {sentence}"), err=True)
    return 1 if refuted else 0


def _no_mixture(deep: str | None, name: str | None, gated: bool, parametrization: str | None) -> None:
    """Refuse options that do not go together."""
    if deep is None and parametrization is not None:
        raise DomainError("--parametrization goes with --stack: leave it out, both are shown.")
    others = {"NAME": name, "--gated": gated or None}
    mixed = [option for option, value in others.items() if value is not None]
    if deep is not None and mixed:
        raise DomainError(f"--stack goes without {' and '.join(mixed)}: the text says which network it is of.")


if __name__ == "__main__":
    derive(prog_name="python -m glutheory.derive")
