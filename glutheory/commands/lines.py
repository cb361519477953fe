"""What `--stack` describes: deep networks in a line each, of the zoo or of formulas that `--activation` gives.

The network of the one formula is called own, and with it as the gate own_glu; of several own1, own1_glu, own2, …
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from glutheory.commands.names import chosen_networks, own_pair, parameters, with_values
from glutheory.errors import DomainError
from glutheory.layers import Stack, read_stack
from glutheory.layers.reading import network_word
from glutheory.networks import Network, network

_OWN = re.compile(r"own(?P<number>\d{0,3})(?P<gated>_glu)?")
#: Blocks of a stack.
MOST_BLOCKS = 10_000


@dataclass(frozen=True)
class Lines:
    """Lines that were read.

    Attributes:
        stacks: one for each.
        networks: those of their blocks.
        rest: the formulas that no line names.
    """

    stacks: tuple[Stack, ...]
    networks: tuple[Network, ...]
    rest: tuple[str, ...]


def read_lines(lines: Sequence[str], expressions: Sequence[str] = (), given: tuple[str, ...] = ()) -> Lines:
    """The stacks of the lines, with those of the parameters of --param that their activations have.

    Whether every parameter belongs to a network is for `glutheory.commands.names.chosen_networks` to say.

    Args:
        lines: of --stack.
        expressions: of --activation.
        given: of --param.

    Raises:
        DomainError, UnknownNameError, ExpressionError: a line of another form, with too many blocks, or about a formula
            that is not given; a formula that cannot be read.
    """
    values, used = parameters(given), set[int]()
    stacks, networks = [], []
    for line in lines:
        word = network_word(line)
        place = _formula(word, len(expressions))
        if place is None:
            net = with_values(network(word), values)
        else:
            used.add(place)
            net = own_pair(expressions[place])[word.lower().endswith("_glu")]
        stack = read_stack(line, {word: net})
        blocks = max(getattr(layer, "times", 1) for layer in stack.layers)
        if blocks > MOST_BLOCKS:
            raise DomainError(f"--stack has {blocks:,} blocks: give at most {MOST_BLOCKS:,}.")
        stacks.append(stack)
        networks.append(net)
    return Lines(tuple(stacks), tuple(networks), tuple(e for k, e in enumerate(expressions) if k not in used))


def only_line(line: str, expression: str | None, given: tuple[str, ...]) -> Stack:
    """The stack of one line, with a formula and parameters that are all its own.

    Raises:
        DomainError, UnknownNameError, ExpressionError: as `read_lines`; a formula that the line does not name, or a
            parameter that its network does not have.
    """
    read = read_lines((line,), () if expression is None else (expression,), given)
    if read.rest:
        raise DomainError(f"--activation {read.rest[0][:60]!r} is not in the line of --stack: name it there, own.")
    chosen_networks((), given, read.networks)
    return read.stacks[0]


def _formula(word: str, count: int) -> int | None:
    """Which of the formulas a line names; None if it names a network of the zoo."""
    found = _OWN.fullmatch(word.strip().lower().replace("-", "_"))
    if found is None:
        return None
    if not count:
        raise DomainError(f"--stack names {word[:40]!r}, the formula of --activation: give that as well.")
    number = int(found["number"] or (1 if count == 1 else 0))
    if not 1 <= number <= count:
        times, names = ("once", "own") if count == 1 else (f"{count} times", f"one of own1 to own{count}")
        raise DomainError(f"--stack names {word[:40]!r}, and --activation is given {times}: name {names}.")
    return number - 1
