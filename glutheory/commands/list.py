"""`glutheory list`: the zoo as a table, or as JSON."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict, dataclass

import click

from glutheory.commands.main import Command

_HELP = """List the activations and the gated networks of the zoo.

\b
Examples:
  glutheory list
  glutheory list --json
"""


@dataclass(frozen=True)
class Row:
    """One activation, or one gated network (whose definition is that of its gate).

    Attributes:
        name: the name that `derive` takes.
        gated: whether it is a gated network.
        gate: the activation φ.
        definition: φ(z), for people.
        parameters: the keyword parameters with their defaults.
        method: how S and T are found.
    """

    name: str
    gated: bool
    gate: str
    definition: str
    parameters: dict[str, str]
    method: str


def rows() -> list[Row]:
    """The whole zoo, in the order of its tables."""
    from glutheory.networks import network, network_names
    from glutheory.symbolic.duals import dual

    found = []
    for name in network_names():
        own = network(name)
        gate = own.gate
        values = {key: str(value) for key, value in gate.parameters}
        found.append(Row(name, own.gated, gate.name, gate.about, values, dual(gate).method))
    return found


@click.command(cls=Command, name="list", help=_HELP, context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--json", "as_json", is_flag=True, help="Print JSON (docs/json.md).")
@click.option("--ascii", "ascii_only", is_flag=True, help="Plain ASCII.")
def list_command(as_json: bool, ascii_only: bool) -> None:
    """See `_HELP`."""
    found = rows()
    if as_json:
        record = {"schema": "glutheory.zoo", "schema_version": 1, "networks": [asdict(row) for row in found]}
        click.echo(json.dumps(record, indent=2))
        return
    from glutheory.terminal import Terminal

    terminal = Terminal.of(sys.stdout, ascii_only=ascii_only)
    if sys.stdout.isatty() and terminal.unicode:
        _rich(found, terminal.colour, terminal.width)
    else:
        click.echo(terminal.prose(_plain(found)), nl=False)


_HEADS = ("name", "definition", "parameters", "duals S and T")


def _cells(row: Row) -> tuple[str, str, str, str]:
    definition = f"(P x) ⊙ φ(W x), φ = {row.gate}" if row.gated else row.definition
    return row.name, definition, ", ".join(f"{key} = {value}" for key, value in row.parameters.items()), row.method


def _plain(found: list[Row]) -> str:
    from glutheory.terminal import aligned

    head, *lines = aligned([_HEADS, *map(_cells, found)], gap=2)
    return "\n".join([head, "-" * len(head), *lines]) + "\n"


def _rich(found: list[Row], colour: bool, width: int) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table(*_HEADS, title="Activations (non-gated networks), then gated networks")
    previous = False
    for row in found:
        if row.gated and not previous:
            table.add_section()
        previous = row.gated
        table.add_row(*_cells(row))
    Console(color_system="auto" if colour else None, highlight=False, width=width).print(table)
