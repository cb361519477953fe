"""Spectra of deep kernels against depth: measured on data, and predicted on the sphere from the recursion alone.

On inputs of norm √d a deep kernel is a function k(ρ), like that of two layers: its levels of spherical harmonics are
Marchenko–Pastur bulks above a floor (`glutheory.spectra.equivalents`), with eigenvalues E[k(t) P_l(t)] that are had by
Gauss–Gegenbauer quadrature. The recursion gives k at the nodes and at 1.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import sympy as sp
from scipy.special import eval_gegenbauer, roots_gegenbauer

from checks.tools.deep_kernels import RULE, Array, Block, Rule, flow
from glutheory.activations import Activation, activation
from glutheory.layers import stack
from glutheory.networks import Network, network
from glutheory.numeric import entry_error, gram, grams_by_depth
from glutheory.spectra import Equivalent, Levels, multiplicity, spectrum_and_condition
from glutheory.studies.phase.cells import NORMALISED, Task, points

#: Nodes of the quadrature: k is smooth where the weight (1 − t²)^((d−3)/2) is not negligible.
_NODES = 100
#: Levels with a bulk of their own have at most so many times n dimensions, and there are at most so many.
_MATTERS, _MOST = 40_000, 12


@dataclass(frozen=True)
class Ends:
    """What is looked at of a spectrum.

    Attributes:
        first, second, last: λ_1, λ_2 and λ_n, over the mean of the diagonal.
        least, most: bounds of λ_1/λ_n; `most` is inf where λ_n is not told from 0.
    """

    first: float
    second: float
    last: float
    least: float
    most: float

    @property
    def known(self) -> bool:
        """Whether λ_n has at least two digits."""
        return self.most <= 1.01 * self.least

    @property
    def condition(self) -> float:
        return self.first / self.last

    @property
    def bulk(self) -> float:
        """λ_2/λ_n."""
        return self.second / self.last


@dataclass(frozen=True)
class Cell:
    """One network on one data set at several depths.

    Attributes:
        data: as in `glutheory.studies.phase.cells.Task`.
        block: of the stack.
        n, d, seed: of the rows.
        depths: numbers of blocks, ascending.
        residual, norm: of the stack.
    """

    data: str
    block: Block
    n: int
    d: int
    seed: int
    depths: tuple[int, ...]
    residual: bool = True
    norm: str | None = "rms"

    @property
    def normalised(self) -> bool:
        """Whether all rows have the norm √d."""
        return self.data == "sphere" or self.data.endswith(NORMALISED)

    def rows(self) -> Array:
        """The data, shape (n, d)."""
        return points(Task(self.data, self.block.gate, "wide", self.n, self.d, self.seed))


def net(block: Block, multiple: float = 1.0) -> Network:
    """The network of a block; a centred activation is φ less a double, so many times its mean at variance 1."""
    if not block.centred:
        return network(block.gate if block.gated else block.plain)
    # two rows at a right angle: S(1, 1, 0) = (E φ)²
    square = float(gram(block.plain, np.sqrt(2) * np.eye(2), kind="nngp", threads=1)[0, 1])
    centre = sp.Rational(multiple * math.sqrt(max(square, 0.0)))
    act = Activation(
        block.title if multiple == 1 else f"{block.title} x {multiple:g}", activation(block.plain).expr - centre
    )
    return Network(act.label, (activation("identity"), act) if block.gated else (act,))


@lru_cache(maxsize=4096)
def measured(cell: Cell, multiple: float = 1.0) -> tuple[Ends, ...]:
    """The spectra of the NTK at these depths."""
    made = net(cell.block, multiple)
    built = {depth: stack(made, depth, norm=cell.norm, residual=cell.residual) for depth in cell.depths}
    found = grams_by_depth(built[cell.depths[0]], cell.rows(), cell.depths, threads=1)
    return tuple(ends_of(ntk, entry_error(built[depth])) for depth, (_, ntk) in found.items())


def ends_of(K: Array, error: float) -> Ends:
    """Of a matrix whose entries are known within error·√(K_ii K_jj)."""
    size = float(np.mean(np.diag(K)))
    values, condition = spectrum_and_condition((K + K.T) / 2, entry_error=error)
    first, second, last = (float(x) / size for x in (values.largest, values.values[1], values.smallest))
    return Ends(first, second, last, condition.low, condition.high)


@lru_cache(maxsize=4096)
def predicted(
    block: Block,
    n: int,
    d: int,
    depths: tuple[int, ...],
    residual: bool = True,
    norm: str | None = "rms",
    rule: Rule = RULE,
) -> tuple[Ends, ...]:
    """The limiting spectra on n random directions, rows of norm √d."""
    nodes, weights = _nodes(d)
    found = []
    for _, deep in flow(block, np.append(nodes, 1.0), depths, residual=residual, norm=norm, rule=rule):
        values = deep.ntk / deep.ntk[-1]
        found.append(_ends(values[:-1], weights, n, d))
    return tuple(found)


def _ends(kernel: Array, weights: Array, n: int, d: int) -> Ends:
    """Of a kernel with k(1) = 1, at the nodes."""
    shares, sizes = [], []
    for level in range(_MOST):
        size = multiplicity(d, level)
        if level > 1 and size > _MATTERS * n:
            break
        # coefficients are not negative; the first may be a rounding below 0
        shares.append(max(float(np.sum(weights * kernel * _harmonic(level, d))), 0.0))
        sizes.append(size)
    floor = max(1 - math.fsum(a * b for a, b in zip(shares, sizes, strict=True)), 0.0)
    limit = Equivalent(Levels(n, tuple(shares[1:]), tuple(sizes[1:]), floor), n * shares[0])
    value = limit.condition
    return Ends(limit.largest, limit.second, limit.smallest, value, value)


@lru_cache(maxsize=64)
def _nodes(d: int) -> tuple[Array, Array]:
    nodes, weights = roots_gegenbauer(_NODES, (d - 2) / 2)
    return nodes, weights / np.sum(weights)


@lru_cache(maxsize=512)
def _harmonic(level: int, d: int) -> Array:
    """P_l at the nodes."""
    index = (d - 2) / 2
    return np.asarray(eval_gegenbauer(level, index, _nodes(d)[0]) / eval_gegenbauer(level, index, 1.0))
