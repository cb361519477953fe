"""The recursion of a stack's kernels as data: named quantities, layer by layer, and loops over repeated blocks.

It is derived once for a repeated block, however often that is repeated, and read by all that follows: evaluation,
certificates, and every form of printing.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import sympy as sp

from glutheory.activations import Activation
from glutheory.ground.symmetry import Ray
from glutheory.symbolic.kernels import Moments


@dataclass(frozen=True)
class Let:
    """A number that is a formula in earlier ones.

    Attributes:
        symbol: its name.
        value: the formula.
    """

    symbol: sp.Symbol
    value: sp.Expr


@dataclass(frozen=True)
class Call:
    """S and T of an activation at a point.

    Attributes:
        S: the name of E[φ(u)φ(v)].
        T: the name of E[φ'(u)φ'(v)]; None where it is not asked for.
        activation: φ.
        point: variances and covariance of (u, v).
        ray: the name of what v is as a multiple of u; "" where v = u, None where that does not matter.
    """

    S: sp.Symbol
    T: sp.Symbol | None
    activation: Activation
    point: Moments
    ray: str | None


@dataclass(frozen=True)
class Linear:
    """An NTK as a linear form in earlier ones.

    Attributes:
        symbol: its name.
        terms: earlier NTKs with their factors.
        own: what groups of weights of this layer add: the number of the group among the layer's, and the expression.
    """

    symbol: sp.Symbol
    terms: tuple[tuple[sp.Symbol, sp.Expr], ...]
    own: tuple[tuple[int, sp.Expr], ...] = ()

    @property
    def value(self) -> sp.Expr:
        """As one expression."""
        return sp.Add(*(symbol * factor for symbol, factor in self.terms), *(value for _, value in self.own))


@dataclass(frozen=True)
class Follow:
    """What the units at x' are as a multiple of those at x, exactly, if they are one (nothing to print).

    Attributes:
        name: of the result.
        sources: of what it follows from.
        how: the rule.
    """

    name: str
    sources: tuple[str, ...]
    how: Callable[..., Ray | None]


Line: TypeAlias = Let | Call | Linear | Follow


@dataclass(frozen=True)
class Step:
    """One layer.

    Attributes:
        layer: in words.
        reason: the rule.
        weights: the number of its groups of weights that have names, trained or not.
        lines: what it computes.
        divisors: squared lengths that it divides by, which must not be zero.
    """

    layer: str
    reason: str
    weights: int
    lines: tuple[Line, ...]
    divisors: tuple[sp.Expr, ...] = ()


@dataclass(frozen=True)
class Carried:
    """What a loop hands on from one repetition to the next.

    Attributes:
        symbol: its name within the block.
        first: what it is at the first repetition.
        then: what it is at the next one, computed in the block.
    """

    symbol: sp.Symbol
    first: sp.Expr
    then: sp.Expr


@dataclass(frozen=True)
class Loop:
    """A block, repeated.

    Attributes:
        times: how often.
        numbers: the covariance and the variances that are handed on, and products of means.
        ntk: the NTK that is handed on, as its name before (None for zero), within and after.
        rays: the same for what x' is as a multiple of x.
        body: its steps.
    """

    times: int
    numbers: tuple[Carried, ...]
    ntk: tuple[sp.Symbol | None, sp.Symbol, sp.Symbol | None]
    rays: tuple[str, str, str]
    body: tuple[Node, ...]


Node: TypeAlias = Step | Loop


@dataclass(frozen=True)
class State:
    """A unit of the stream at x and x'.

    Attributes:
        moments: its variances and covariance; numbers where they are known.
        means: the products of its means, at x twice, at x' twice, at x and x'; zeros where it is centred.
        ntk: the name of its NTK, None for zero.
        ray: the name of what the unit at x' is as a multiple of that at x.
        inputs: whether these are the inputs themselves.
    """

    moments: Moments
    means: Moments
    ntk: sp.Symbol | None
    ray: str
    inputs: bool


@dataclass(frozen=True)
class Recursion:
    """The kernels of a composition without means over positions.

    Attributes:
        start: the state that it begins with.
        nodes: steps and loops, in their order.
        end: the state after them: NNGP and NTK are its covariance and its NTK.
        standard: whether in the standard parametrisation.
    """

    start: State
    nodes: tuple[Node, ...]
    end: State
    standard: bool

    def steps(self) -> Iterator[Step]:
        """All steps, those of a loop once."""
        waiting = list(reversed(self.nodes))
        while waiting:
            node = waiting.pop()
            if isinstance(node, Step):
                yield node
            else:
                waiting.extend(reversed(node.body))

    @property
    def activations(self) -> tuple[Activation, ...]:
        """Those whose duals are called, each once."""
        calls = (line.activation for step in self.steps() for line in step.lines if isinstance(line, Call))
        return tuple(dict.fromkeys(calls))


def words(activations: Sequence[Activation]) -> dict[Activation, str]:
    """A word for each activation, for the names of its S and T: "silu"; "phi" where its name is none; no two alike."""
    found: dict[Activation, str] = {}
    used: Counter[str] = Counter()
    for act in dict.fromkeys(activations):
        word = act.name if act.name.isidentifier() and act.name.isascii() and len(act.name) <= 20 else "phi"
        used[word] += 1
        found[act] = word if used[word] == 1 else f"{word}{used[word]}"
    return found
