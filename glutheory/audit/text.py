"""An audit for people: one table per kind and size of feed-forward network, and what it says in sentences."""

from __future__ import annotations

import itertools
import math
import textwrap
from collections.abc import Iterator

from glutheory.audit.findings import LEVEL, Audit, BlockAudit, Side, figure
from glutheory.terminal import Terminal, aligned

#: Characters of a block's name.
_LONGEST = 32
#: Logarithm of the factor between the ratios with and without biases from which on these decide.
_FAR = math.log(2)
#: Characters of a kind in the head of a column.
_KIND = 20


def report(found: Audit, terminal: Terminal) -> str:
    """The whole report, as text that this terminal can show."""
    lines = [*_wrapped(_title(found), terminal)]
    for _, blocks in itertools.groupby(found.blocks, key=lambda block: (_sizes(block), block.own.kind)):
        lines += ["", *_table(list(blocks), terminal)]
    lines.append("")
    for sentence in sentences(found):
        lines += _wrapped(sentence, terminal)
    return terminal.prose("\n".join(lines)) + "\n"


def sentences(found: Audit) -> Iterator[str]:
    """What the table says, what its columns mean, and what should be known about it."""
    yield from _by_bias(found)
    yield _verdict(found)
    draws = len(found.blocks[0].own.draws)
    yield (
        f"Redrawn and twin: {_networks(draws)} each with normal weights of the same root mean square as the model's, "
        "geometric mean (and range)."
    )
    if any(block.expected_ratio is not None for block in found.blocks):
        yield "Expected: the ratio for the mean kernels over all such weights, by the derived formulas."
    if any(block.experts for block in found.blocks):
        yield (
            "Routed: the experts of a layer as its router mixes them, over the parameters of the experts with the "
            "router fixed. An expert alone is given all inputs of its layer."
        )
    if found.trained:
        yield (
            "The model's weights are trained, those of the redrawn networks and twins are not: compare these with one "
            "another, not with 'as it is'."
        )
    yield from (f"Note: {note}" for note in found.notes)
    for name, reason in found.skipped:
        yield f"Skipped: {name}: {reason}."


def _networks(draws: int) -> str:
    return "one network" if draws == 1 else f"{draws} networks"


def _title(found: Audit) -> str:
    weights = {True: "trained weights, ", False: "random weights, ", None: ""}[found.trained]
    counted = "" if found.biases else ", without its biases"
    return (
        f"{found.model}: {weights}seed {found.seed}. Condition numbers of the NTK of each feed-forward network (over "
        f"its own parameters{counted}, summed over its outputs) at {found.inputs}."
    )


def _verdict(found: Audit) -> str:
    overall, compared = found.ratio, found.compared
    if overall is None:
        return "No ratio is resolved in double precision: the kernels are too close to singular at these inputs."
    total = len(compared)
    better = sum(block.ratio is not None and block.ratio.low > 1 for block in compared)
    worse = sum(block.ratio is not None and block.ratio.high < 1 for block in compared)
    missing = len(found.blocks) - total
    unresolved = f" ({missing} more not resolved in double precision)" if missing else ""
    if len(found.blocks[0].own.draws) == 1:
        above = sum(block.ratio is not None and block.ratio.mean > 1 for block in compared)
        return (
            f"The gated network has the smaller condition number in {above} of {total} blocks{unresolved}, by the "
            f"factor {overall} in the geometric mean; one draw has no interval (--draws)."
        )
    return (
        f"The gated network is better conditioned in {better} of {total} blocks, the non-gated one in {worse}, "
        f"{total - better - worse} undecided{unresolved}; non-gated/gated {overall} in the geometric mean "
        f"({LEVEL:.0%} intervals over draws of the weights, inputs fixed)."
    )


def _by_bias(found: Audit) -> Iterator[str]:
    """First of all, the ratios without and with the biases as parameters."""
    ratio, unbiased = found.ratio, found.unbiased_ratio
    if unbiased is None or ratio is None:
        return
    both = f"Non-gated/gated in the geometric mean: {unbiased} without the biases as parameters, {ratio} with them"
    if abs(math.log(unbiased.mean / ratio.mean)) <= _FAR:
        yield f"{both}."
    else:
        yield (
            f"{both}: there the readout's bias, which adds the same number to every entry of the NTK, outweighs the "
            "rest, and the ratio speaks of it more than of gating. With the biases:"
        )


def _sizes(block: BlockAudit) -> tuple[int, int, int, int]:
    return block.inputs, block.own.width, block.outputs, block.twin.width


def _described(block: BlockAudit, side: Side) -> str:
    return f"{side.kind}, {block.inputs} → {side.width} → {block.outputs}, {side.parameters:,} parameters"


def _table(blocks: list[BlockAudit], terminal: Terminal) -> list[str]:
    first = blocks[0]
    heads = ("block", "as it is", _head("redrawn", first.own), _head("twin", first.twin), "non-gated/gated")
    rows = [heads, *(_cells(block) for block in blocks)]
    if any(block.unbiased is not None for block in blocks):
        ends = ["no biases", *(str(block.unbiased_ratio or "") for block in blocks)]
        rows = [(*row, end) for row, end in zip(rows, ends, strict=True)]
    if any(block.expected_ratio is not None for block in blocks):
        ends = ["expected", *("" if block.expected_ratio is None else figure(block.expected_ratio) for block in blocks)]
        rows = [(*row, end) for row, end in zip(rows, ends, strict=True)]
    head, *lines = aligned([[terminal.prose(cell) for cell in row] for row in rows], numbers=True, gap=2)
    return [
        *_wrapped(f"{_described(first, first.own)}; twin: {_described(first, first.twin)}", terminal),
        "",
        terminal.bold(head),
        "-" * len(head),
        *lines,
    ]


def _head(word: str, side: Side) -> str:
    """The head of a column; the line above the table has the whole name."""
    return f"{word}: {side.kind}" if len(side.kind) <= _KIND else word


def _cells(block: BlockAudit) -> tuple[str, ...]:
    ratio = "not resolved" if block.ratio is None else str(block.ratio)
    name = _short(block.name) + (f" ({block.experts} routed)" if block.experts else "")
    return name, str(block.as_it_is), _spread(block.own), _spread(block.twin), ratio


def _spread(side: Side) -> str:
    """The typical condition number and the range of the draws, or what is known of them."""
    if not side.resolved:
        worst = min(side.draws, key=lambda found: found.low)
        return str(worst)
    if len(side.draws) == 1:
        return str(side.draws[0])
    values = [found.value for found in side.draws]
    return f"{figure(side.typical)} ({figure(min(values))}–{figure(max(values))})"


def _short(name: str) -> str:
    return name if len(name) <= _LONGEST else f"{name[: _LONGEST // 2 - 1]}…{name[-_LONGEST // 2 :]}"


def _wrapped(sentence: str, terminal: Terminal) -> list[str]:
    return textwrap.wrap(sentence, terminal.width, break_long_words=False, break_on_hyphens=False)
