"""Arguments and options that several commands share: one name, one meaning and one help text everywhere.

Each decorator says which keyword arguments it hands to the command; `glutheory.commands.data.chosen_rows`,
`gram_options` and `glutheory.commands.output.emit` take them.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click
from click.shell_completion import CompletionItem

from glutheory.errors import DomainError

Function = TypeVar("Function", bound=Callable[..., Any])

INPUTS = ("gaussian", "normalised")
KINDS = ("ntk", "nngp")
PARAMETRIZATIONS = ("standard", "ntk")
SCALINGS = ("none", "rms", "standard")
#: Of the random data, and of the network in the standard parametrisation.
ROWS, FEATURES, WIDTH = 400, 40, 4096
#: `-h` beside `--help`, as for every command.
SETTINGS: dict[str, Any] = {"help_option_names": ["-h", "--help"]}

_LONGEST = 60  #: characters of a name
_OWN = "Your own activation, a formula in z: the network of it, and the one with it as the gate."
#: Of --inputs and --target; also in `phase`, where they have other defaults.
INPUTS_HELP = (
    "Random data: standard normal rows, or the same scaled to norm sqrt(d); normalised also scales your own.  "
    "[default: gaussian]"
)
TARGET_HELP = "The column or array of FILE that is the target y, no input; texts are classes, numbered from 0."
_COLUMNS = (
    "The inputs: names or numbers of FILE's columns, with commas between; names with commas in double quotes.  "
    "[default: all but the target]"
)
_STACK = (
    "A deep network, e.g. 'swiglu x 12, rmsnorm, residual'; own and own_glu are the networks of --activation.  "
    "[default parametrisation: ntk]"
)


if TYPE_CHECKING:
    _Type = click.ParamType[str]
else:
    _Type = click.ParamType  # click before 8.2 has no generic one


class _NetworkName(_Type):
    """The name of a network of the zoo, in small letters with underscores: "SwiGLU" and "leaky-relu" will do."""

    name = "network"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:  # noqa: ARG002 (click's interface)
        """The normalised name.

        Raises:
            UnknownNameError: no such network.
        """
        from glutheory.networks import network

        text = str(value).strip()
        return network(text if len(text) <= _LONGEST else text[: _LONGEST - 3] + "...").name

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:  # noqa: ARG002 (click's interface)
        """The names that begin like this, each with what it is."""
        from glutheory.activations import activation
        from glutheory.networks import GATES, network_names

        start = incomplete.lower().replace("-", "_")
        return [
            CompletionItem(name, help=f"gated by {GATES[name]}" if name in GATES else activation(name).about)
            for name in network_names()
            if name.startswith(start)
        ]


#: The type of an argument or option that names a network.
NETWORK = _NetworkName()


def stack_option(command: Function) -> Function:
    """--stack, any number of times: hands over ``lines``, see `glutheory.commands.lines.read_lines`."""
    return click.option("--stack", "lines", metavar="LINE", multiple=True, help=_STACK)(command)


def complete_activation(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """The activations among the names that `NETWORK` offers."""
    from glutheory.networks import GATES

    return [item for item in NETWORK.shell_complete(ctx, param, incomplete) if item.value not in GATES]


def data_options(command: Function) -> Function:
    """--n, --d, --inputs, --data, --target, --columns, --normalise, --seed.

    Hands over ``n``, ``d``, ``inputs`` (None where not given), ``data`` (a path or None), ``target`` and ``columns``
    (names or None), ``normalise`` (None where not given) and ``seed``.
    """
    options = (
        click.option("--n", type=click.IntRange(2), help=f"Rows of random data.  [default: {ROWS}]"),
        click.option("--d", type=click.IntRange(1), help=f"Features of random data.  [default: {FEATURES}]"),
        click.option(
            "--inputs",
            type=click.Choice(INPUTS),
            help=INPUTS_HELP,
        ),
        click.option(
            "--data",
            type=click.Path(path_type=Path),
            metavar="FILE",
            help="Your own rows: .npy (n, d), .npz with an array X, or .csv.",
        ),
        click.option("--target", metavar="NAME", help=TARGET_HELP),
        columns_option,
        normalise_option,
        click.option("--seed", type=click.IntRange(0, 2**31 - 1), default=0, show_default=True, help="Of all chance."),
    )
    return _all(options, command)


def columns_option(command: Function) -> Function:
    """--columns: hands over ``columns``, names with commas between, or None."""
    return click.option("--columns", metavar="NAMES", help=_COLUMNS)(command)


def normalise_option(command: Function) -> Function:
    """--normalise: hands over ``normalise``, one of `SCALINGS`, or None."""
    return click.option(
        "--normalise",
        type=click.Choice(SCALINGS),
        help="Your own rows: as they are, each scaled to norm sqrt(d), or each feature to mean 0 and variance 1.  "
        "[default: none]",
    )(command)


def kernel_options(command: Function) -> Function:
    """--kind, --parametrization, --width.

    Hands over ``kind``, ``parametrization`` and ``width`` (None where not given); see `gram_options`.
    """
    options = (
        click.option(
            "--kind", type=click.Choice(KINDS), default=KINDS[0], show_default=True, help="The NTK or the NNGP kernel."
        ),
        click.option(
            "--parametrization",
            type=click.Choice(PARAMETRIZATIONS),
            default=PARAMETRIZATIONS[0],
            show_default=True,
            help="Weights of LeCun's variances 1/d and 1/width, or of variance 1 with the scales outside.",
        ),
        click.option("--width", type=click.IntRange(1), help=f"Hidden units; only for standard.  [default: {WIDTH}]"),
    )
    return _all(options, command)


def own_activations(command: Function) -> Function:
    """--activation, any number of times (the commands' pages say so).

    Hands over ``expressions``, formulas as the user typed them, see `glutheory.commands.names.own_pair`; and ``given``,
    see `param_option`.
    """
    own = click.option("--activation", "expressions", metavar="EXPR", multiple=True, help=_OWN)
    return _all((own, param_option), command)


def own_activation(command: Function) -> Function:
    """--activation, once, and --param: hands over ``expression``, or None, and ``given``, see `param_option`."""
    return _all((click.option("--activation", "expression", metavar="EXPR", help=_OWN), param_option), command)


def param_option(command: Function) -> Function:
    """--param, any number of times.

    Hands over ``given``, texts such as "beta=1.702"; see `glutheory.commands.names.chosen_networks`.
    """
    text = "A parameter of every network named that has it, e.g. beta=1.702 of silu and swiglu."
    return click.option("--param", "given", metavar="KEY=NUMBER", multiple=True, help=text)(command)


def output_options(command: Function) -> Function:
    """--json, --out, --ascii.

    Hands over ``as_json``, ``out`` (a path or None) and ``ascii_only``.
    """
    options = (
        click.option("--json", "as_json", is_flag=True, help="JSON in place of the table (docs/json.md)."),
        click.option(
            "--out",
            type=click.Path(path_type=Path),
            metavar="FILE",
            help="Draw the figure there (.png, .svg, .pdf); under any other name, write the text or JSON to it.",
        ),
        click.option("--ascii", "ascii_only", is_flag=True, help="Plain ASCII."),
    )
    return _all(options, command)


def gram_options(parametrization: str, width: int | None) -> dict[str, Any]:
    """The keyword arguments ``parametrization`` and ``width`` of `glutheory.gram`, the default width filled in.

    Raises:
        DomainError: a width in the ntk parametrisation, which has none.
    """
    if parametrization == "standard":
        return {"parametrization": parametrization, "width": WIDTH if width is None else width}
    if width is not None:
        raise DomainError(f"--width is {width}, but the ntk parametrisation has no width: leave it out.")
    return {"parametrization": parametrization, "width": None}


def _all(options: tuple[Callable[[Function], Function], ...], command: Function) -> Function:
    """The command with these options, in this order on the help page."""
    for option in reversed(options):
        command = option(command)
    return command


def scheduler_option(command: Function) -> Function:
    """`scheduler`: the address of a cluster, or None; see `glutheory.commands.workers`."""
    return click.option(
        "--scheduler",
        metavar="ADDRESS",
        help="Share the work among the workers of this Dask cluster in place of --jobs.",
    )(command)
