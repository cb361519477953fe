"""What roads that evaluate a stack at two inputs are given, exact inner products and weights, and what they give."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from flint import arb

from glutheory.errors import DomainError
from glutheory.ground.arguments import as_exact, integer, one_fan_in
from glutheory.ground.exact import Point
from glutheory.layers.composition import Stack
from glutheory.networks import PARAMETRIZATIONS


@dataclass(frozen=True)
class Inputs:
    """Two inputs, or two sequences of them, by their inner products over d.

    Attributes:
        positions: of each sequence; 1 for two vectors.
        gram: the inner products over d of all 2·positions vectors, exact; those of x come first.
    """

    positions: int
    gram: tuple[tuple[Fraction, ...], ...]


@dataclass(frozen=True)
class StackKernels:
    """Kernels of a stack at two inputs, as balls that provably contain them.

    Attributes:
        nngp: of the last layer's units.
        ntk: the sum of the blocks.
        blocks: the NTK of each trained group of weights; empty where they were not asked for.
    """

    nngp: arb
    ntk: arb
    blocks: Mapping[str, arb]


@dataclass(frozen=True)
class Chosen:
    """Which weights count for the NTK, and how.

    Attributes:
        groups: the names of the groups that are trained.
        standard: whether the weights themselves have the variances σ²/fan-in; in the ntk parametrisation they have
            variance 1, and the standard deviations are factors outside.
        width: the fan-in of layers on units.
        d: the fan-in of layers on the inputs.
    """

    groups: frozenset[str]
    standard: bool
    width: int
    d: int

    def fan_in(self, on_inputs: bool) -> int:
        """The number of weights of a unit."""
        return self.d if on_inputs else self.width


def inputs_of(stack: Stack, a: Any, b: Any, c: Any) -> Inputs:
    """Read x·x/d, x'·x'/d and x·x'/d: numbers, or for a stack with a mean over positions square matrices of them.

    Raises:
        DomainError: no rational number, a negative one, |c| > √(ab), or matrices that do not fit.
    """
    blocks = [_matrix(name, value, stack.sequences) for name, value in (("a", a), ("b", b), ("c", c))]
    count = len(blocks[0])
    if any(len(block) != count or any(len(row) != count for row in block) for block in blocks):
        raise DomainError("a, b and c have different shapes: give three square matrices, one row for each position.")
    own, other, mixed = blocks
    for name, block in (("a", own), ("b", other)):
        if any(block[i][j] != block[j][i] for i in range(count) for j in range(i)):
            raise DomainError(f"{name} is no symmetric matrix: its entries are inner products of positions of one row.")
    gram = [[*own[i], *mixed[i]] for i in range(count)]
    gram += [[*(mixed[j][i] for j in range(count)), *other[i]] for i in range(count)]
    for i in range(2 * count):
        for j in range(i + 1):
            Point(gram[i][i], gram[j][j], gram[i][j])
    return Inputs(count, tuple(map(tuple, gram)))


def chosen(
    stack: Stack,
    trained: str | Iterable[str] | None = None,
    parametrization: str = "ntk",
    width: Any = None,
    d: Any = None,
) -> Chosen:
    """Read which groups of weights are trained, and in which parametrisation.

    Raises:
        DomainError: an unknown parametrisation, or "standard" without width and d, which only it needs.
        UnknownNameError: a name or pattern that no group has.
    """
    groups = stack.chosen(trained)
    if parametrization not in PARAMETRIZATIONS:
        raise DomainError(f"parametrization is {parametrization!r}: use {' or '.join(map(repr, PARAMETRIZATIONS))}.")
    if parametrization == "ntk":
        return Chosen(groups, False, 1, 1)
    if width is None or d is None:
        raise DomainError(
            "the standard parametrisation needs the number of units and the dimension of x: give width and d."
        )
    return Chosen(groups, True, one_fan_in(width), integer("d", d, 1))


def check_infinite(found: StackKernels) -> None:
    """Refuse an NTK that no precision makes a number of: behind a jump it is ∞ − ∞.

    Raises:
        DomainError: it is, next to an NNGP that is finite.
    """
    if found.nngp.is_finite() and (found.ntk.is_nan() or not arb(found.ntk.rad()).is_finite()):
        raise DomainError(
            "two rows are exactly opposite, or the same, where the NTK of this stack with a jump is a difference "
            "of infinite terms: leave one of them out."
        )


def _matrix(name: str, value: Any, sequences: bool) -> list[list[Fraction]]:
    if not sequences:
        return [[_number(name, value)]]
    rows = value.tolist() if hasattr(value, "tolist") else value
    if not isinstance(rows, Sequence) or isinstance(rows, str) or not rows or not isinstance(rows[0], Sequence):
        raise DomainError(
            f"{name} is {repr(value)[:40]}: the stack takes sequences, give a square matrix of inner products of "
            "positions."
        )
    return [[_number(name, entry) for entry in row] for row in rows]


def _number(name: str, value: Any) -> Fraction:
    number = as_exact(name, value)
    if not isinstance(number, Fraction):
        raise DomainError(f"{name} is {repr(value)[:60]}: give a rational number (int, float, Fraction, str).")
    return number
