"""Kernels of deep stacks by recursions for single numbers: what the claims on depth state, rightly or wrongly.

A row has a variance q of the stream, a pair a correlation ρ and a kernel k = K/√(qq′), K = Θ + Σ. A block with the map
of correlations f and images of mean square m takes them to

    √(q₊q′₊)·ρ₊ = √(qq′)·ρ + √(mm′)·f(ρ)
    √(q₊q′₊)·k₊ = √(qq′)·k + √(mm′)·(k·f′(ρ) + 2f(ρ)),     q₊ = q + m,

and without residual to the second terms alone. At the start ρ is the cosine and k = 2ρ. With RMSNorm m = v = E φ(z)²
for every row; a gate makes ρf of f, a centred activation (f − μ)/(1 − μ), μ = (E φ)²/E φ².
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from glutheory.networks import GATES, network
from glutheory.numeric import gram
from glutheory.numeric.deep.fixed import block_map
from glutheory.spectra.sphere import kernel_series

Array = npt.NDArray[np.float64]
#: Degrees of homogeneity of the activations that have one.
_DEGREES = {"relu": 1}
#: Digits of a variance at which a map is tabulated.
_EXACT = 10**12


@dataclass(frozen=True)
class Rule:
    """The recursion, and what can be wrong with it.

    Attributes:
        fresh: times f that a block's own weights add to the kernel.
        slope: whether what is below is multiplied by f′.
        degrees: how many factors ρ a gate adds.
        stream: whether the stream keeps its variance; else a block weighs as much as all before it.
        centre: what is subtracted from the activation, over its mean.
    """

    fresh: float = 2.0
    slope: bool = True
    degrees: int = 1
    stream: bool = True
    centre: float = 1.0


RULE = Rule()


@dataclass(frozen=True)
class Block:
    """A plain or gated block of the zoo.

    Attributes:
        gate: a gated network of the zoo, by which both are called.
        gated: whether it is that, or the plain one.
        centred: whether the mean of the activation at variance 1 is subtracted.
    """

    gate: str
    gated: bool
    centred: bool = False

    @property
    def plain(self) -> str:
        """The activation."""
        return GATES[self.gate]

    @property
    def title(self) -> str:
        name = self.gate if self.gated else self.plain
        return f"{name}, centred" if self.centred else name


@dataclass(frozen=True)
class Numbers:
    """Of an activation at variance 1.

    Attributes:
        square: v = E φ².
        mean: μ = (E φ)²/E φ².
        slope: χ = E φ′²/E φ², the slope of the map of correlations at ρ = 1.
        linear: (E φ′)²/E φ², the coefficient of ρ.
    """

    square: float
    mean: float
    slope: float
    linear: float


@lru_cache(maxsize=64)
def numbers(plain: str) -> Numbers:
    """From the certified series of the dual activation."""
    nngp, ntk = (kernel_series(network(plain), kind, 4) for kind in ("nngp", "ntk"))
    square = float(nngp.total.mid())
    c0, c1 = (float(x.mid()) for x in nngp.coefficients[:2])
    return Numbers(square, c0 / square, (float(ntk.total.mid()) - square) / square, c1 / square)


def removed(block: Block, rule: Rule = RULE) -> float:
    """The share of E φ² that centring takes away."""
    return (2 * rule.centre - rule.centre**2) * numbers(block.plain).mean if block.centred else 0.0


def size(block: Block, rule: Rule = RULE) -> float:
    """The mean square of a block's image behind a norm."""
    return numbers(block.plain).square * (1 - removed(block, rule))


def ends(block: Block, rule: Rule = RULE) -> tuple[float, float, float]:
    """f(0), f′(0) and f′(1), from the moments."""
    known, gone = numbers(block.plain), removed(block, rule)
    zero, linear, slope = known.mean - gone, known.linear, known.slope
    zero, linear, slope = (x / (1 - gone) for x in (zero, linear, slope))
    return (0.0, zero, slope + 1) if block.gated else (zero, linear, slope)


def image(block: Block, rho: Array, rule: Rule = RULE, variance: Fraction | int = 1) -> tuple[Array, Array]:
    """f(ρ) and f′(ρ) of a block whose inputs have this variance; centred ones at variance 1 alone."""
    f, slope = block_map(_network(block.plain), rho, variance)
    gone = removed(block, rule)
    f, slope = (f - gone) / (1 - gone), slope / (1 - gone)
    for _ in range(rule.degrees if block.gated else 0):
        f, slope = rho * f, f + rho * slope
    return f, slope


_network = lru_cache(maxsize=32)(network)


@dataclass(frozen=True, eq=False)
class Deep:
    """Pairs after some blocks.

    Attributes:
        rho: correlations of the stream.
        ntk: k, the kernel over √(qq′).
        left, right: q and q′.
    """

    rho: Array
    ntk: Array
    left: Array
    right: Array

    @property
    def kernel(self) -> Array:
        """K itself, where no norm stands before the readout."""
        return self.ntk * np.sqrt(self.left * self.right)


def flow(
    block: Block,
    rho: Array,
    depths: Collection[int],
    *,
    residual: bool = True,
    norm: str | None = "rms",
    sides: tuple[Array, Array] | None = None,
    rule: Rule = RULE,
) -> Iterator[tuple[int, Deep]]:
    """The pairs with these cosines after so and so many blocks, ascending.

    Args:
        block: which block.
        rho: the cosines, any shape.
        depths: numbers of blocks.
        residual: whether a block's image is added.
        norm: "rms" or None.
        sides: ‖x‖²/d of both rows, to be broadcast with ρ; left out, 1.
        rule: the recursion.
    """
    left, right = sides or (np.ones(1), np.ones(1))
    state = Deep(rho, 2.0 * rho, left, right)
    for number in range(1, max(depths) + 1):
        state = _next(block, state, residual, norm, rule)
        if number in depths:
            yield number, state


def _next(block: Block, state: Deep, residual: bool, norm: str | None, rule: Rule) -> Deep:
    variance: Fraction | int = 1
    if norm is None and block.plain not in _DEGREES:
        # the rows have one variance
        variance = Fraction(float(state.left.flat[0])).limit_denominator(_EXACT)
    f, slope = image(block, state.rho, rule, variance)
    passed = state.ntk * slope if rule.slope else state.ntk
    made = passed + rule.fresh * f
    sizes = [_size(block, q, norm, variance, rule) for q in (state.left, state.right)]
    if not residual:
        return Deep(f, made, *sizes)
    if not rule.stream:
        sizes = [state.left, state.right]
    new = [q + m for q, m in zip((state.left, state.right), sizes, strict=True)]
    old, weight, scale = (np.sqrt(a * b) for a, b in ((state.left, state.right), sizes, new))
    return Deep((old * state.rho + weight * f) / scale, (old * state.ntk + weight * made) / scale, *new)


def _size(block: Block, q: Array, norm: str | None, variance: Fraction | int, rule: Rule) -> Array:
    """The mean square of the images of rows with these variances."""
    if norm == "rms":
        return np.full_like(q, size(block, rule))
    if block.plain in _DEGREES:
        return np.asarray(size(block, rule) * q ** (_DEGREES[block.plain] + block.gated))
    # one feature of this square
    root = np.array([[math.sqrt(variance)]])
    value = float(gram(_network(block.plain), root, kind="nngp", threads=1)[0, 0])
    return np.full_like(q, value * float(variance) ** block.gated)
