"""A recursion without what its end does not need: variances after the last norm, the T of what is frozen, and so on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import sympy as sp

from glutheory.symbolic.recursion import Call, Let, Line, Linear, Loop, Node, Recursion, Step


def pruned(found: Recursion, *roots: sp.Expr) -> Recursion:
    """The recursion with those quantities only from which these and the NTK at its end follow."""
    needed = set().union(*(root.free_symbols for root in roots))
    if found.end.ntk is not None:
        needed.add(found.end.ntk)
    return replace(found, nodes=_nodes(found.nodes, needed))


def _nodes(nodes: Sequence[Node], needed: set[sp.Symbol]) -> tuple[Node, ...]:
    """From the last node to the first; `needed` grows to what is needed before them."""
    kept = [_step(node, needed) if isinstance(node, Step) else _loop(node, needed) for node in reversed(nodes)]
    return tuple(reversed(kept))


def _step(step: Step, needed: set[sp.Symbol]) -> Step:
    kept: list[Line] = []
    for line in reversed(step.lines):
        if isinstance(line, Let | Linear):
            if line.symbol not in needed:
                continue
            needed |= line.value.free_symbols
        elif isinstance(line, Call):
            slope = line.T if line.T in needed else None
            if line.S not in needed and slope is None:
                continue
            line = replace(line, T=slope)
            needed |= set().union(*(sp.sympify(value).free_symbols for value in line.point))
        kept.append(line)
    divisors = tuple(value for value in step.divisors if value.free_symbols <= needed)
    return replace(step, lines=tuple(reversed(kept)), divisors=divisors)


def _loop(loop: Loop, needed: set[sp.Symbol]) -> Loop:
    before, within, after = loop.ntk
    live = {own.symbol for own in loop.numbers} & needed
    while True:
        inner = set().union(set(), *(own.then.free_symbols for own in loop.numbers if own.symbol in live))
        inner |= {after} - {None} if within in needed or after != within else set()
        body = _nodes(loop.body, inner)
        more = {own.symbol for own in loop.numbers} & inner
        if more <= live:
            break
        live |= more
    numbers = tuple(own for own in loop.numbers if own.symbol in live)
    needed |= inner | set().union(set(), *(own.first.free_symbols for own in numbers))
    if before is not None:
        needed.add(before)
    return replace(loop, numbers=numbers, body=body)
