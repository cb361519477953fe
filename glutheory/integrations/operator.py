"""A Gram matrix that is never formed, as a SciPy linear operator: tiles are computed, multiplied and forgotten."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from concurrent.futures import Executor
from contextlib import closing
from typing import Any

import array_api_compat
import numpy as np
from scipy.sparse.linalg import LinearOperator

from glutheory.errors import DomainError
from glutheory.ground.arguments import integer
from glutheory.ground.executors import check_executor
from glutheory.ground.workers import in_order
from glutheory.layers import Stack
from glutheory.networks import Network
from glutheory.networks import network as named_network
from glutheory.numeric.accuracy import entry_error
from glutheory.numeric.deep.plan import DeepPlan
from glutheory.numeric.given import as_array
from glutheory.numeric.gradient import check_finite
from glutheory.numeric.matrix import check_rows, diagonal, prepare
from glutheory.numeric.plan import Plan
from glutheory.numeric.tiles import Tile, cores, cover, take_turns

#: Rows of a tile: its temporaries stay in the cache of a core.
_SIDE = 192
#: Of an executor: rows of a square of tiles at most, squares along a side at least, and squares in its hands at most.
_SQUARE, _SQUARES, _AHEAD = 8192, 16, 256
#: Multiplications in one call of the BLAS, from which OpenBLAS would start threads inside ours.
_ALONE = 1 << 18


class GramOperator(LinearOperator):
    """The Gram matrix of a network's kernel on rows X, to multiply by: symmetric, positive semidefinite, n by n.

    For whatever of SciPy takes a `LinearOperator`: ``operator @ v``, `scipy.sparse.linalg.eigsh`, `cg`, `lobpcg`; see
    `glutheory.integrations.extremes` for both ends of the spectrum. What is needed of each row is computed once, here.
    A product computes the tiles on and above the diagonal and uses each for both sides; for a given number of threads
    it is the same every time, bit for bit. Multiply by many vectors at once where possible: a product with 32 costs a
    third more than one with one vector.

    Every entry is as accurate as `glutheory.gram`'s.

    Memory: the rows' scaled copies and features (2 d + 10 numbers a row, for the logistic family 165 more; while they
    are made, 10 d more), per thread about 100·block² bytes and, for each vector of a product, n numbers. Nothing grows
    like n².

    Args:
        network: a `Network`, the name of one, or a `Stack` without a mean over positions, as in `glutheory.gram`.
        X: data, shape (n, d): a numpy array, or a torch tensor on the CPU.
        kind: "ntk" or "nngp".
        parametrization: "ntk" or "standard".
        width: the number of hidden units; only for "standard".
        variances: of the weights by name, as in `glutheory.gram`.
        trained: of a stack, the groups of weights that are trained, as in `glutheory.gram`.
        dtype: of the products, float64 or float32; the arithmetic is float64.
        block: rows of a tile; left out: 192.
        threads: left out: one per core.
        executor: any `concurrent.futures.Executor`, whose workers compute the tiles of a product, on one thread each;
            the product is then the same, bit for bit, for any number of them. Each worker holds what is needed of all
            rows; a product sends it, and back, the parts of the vectors that belong to a square of tiles.

    Attributes:
        passes: how often the matrix has been gone through.

    Raises:
        DomainError: an argument that does not fit, or a kernel that is infinite on the diagonal.
        UnknownNameError: no network of that name.
    """

    def __init__(
        self,
        network: Network | Stack | str,
        X: Any,
        *,
        kind: str = "ntk",
        parametrization: str = "ntk",
        width: int | None = None,
        variances: Mapping[str, Any] | None = None,
        trained: str | Iterable[str] | None = None,
        dtype: Any = np.float64,
        block: int | None = None,
        threads: int | None = None,
        executor: Executor | None = None,
    ) -> None:
        net = network if isinstance(network, Stack) else named_network(network)
        if kind not in ("ntk", "nngp"):
            raise DomainError(f"kind is {kind!r}: use 'ntk' or 'nngp'.")
        check_finite(net, kind)
        if np.dtype(dtype) not in (np.float64, np.float32):
            raise DomainError(f"dtype is {dtype!r}: use float64 or float32.")
        check_rows(net)
        X = as_array("X", X)
        options: dict[str, Any] = {"parametrization": parametrization, "width": width, "variances": variances}
        plan = prepare(net, X, **options, trained=trained)
        if not array_api_compat.is_numpy_namespace(plan.left.xp):
            raise DomainError(f"X is on {array_api_compat.device(X)}: move it to the CPU.")
        with np.errstate(all="ignore"):
            _ = plan.left.squares  # which nearly parallel rows need; here, where there is but one thread
        self._plan, self._kind, self._network = plan, kind, net
        self._block = _SIDE if block is None else integer("block", block, 1)
        self._threads = cores() if threads is None else integer("threads", threads, 1)
        self._executor = None if executor is None else check_executor("executor", executor)
        self._given = (net, np.asarray(X), {**options, "trained": trained}, kind, self._block)
        self.passes = 0
        super().__init__(np.dtype(dtype), (plan.left.count, plan.left.count))

    @property
    def entry_error(self) -> float:
        """The error of an entry K(x, x') is at most this times √(K(x,x) K(x',x')); that of the matrix, the trace.

        1e-14 for networks of the zoo; see `glutheory.entry_error`, also for the stacks that have no such bound.
        """
        return entry_error(self._network)

    def diagonal(self) -> np.ndarray:
        """The diagonal, shape (n,), float64, in a time proportional to n."""
        with np.errstate(all="ignore"):
            return np.asarray(diagonal(self._plan, self._kind))

    def trace(self) -> float:
        """The sum of the diagonal, which is the sum of all eigenvalues, correctly rounded."""
        return math.fsum(self.diagonal())

    def _matmat(self, V: np.ndarray) -> np.ndarray:
        """The product with the columns of V, shape (n, k)."""
        if np.iscomplexobj(V):
            both = self._matmat(np.hstack([V.real, V.imag]))
            k = V.shape[1]
            return np.asarray(both[:, :k] + 1j * both[:, k:])
        self.passes += 1
        V = np.ascontiguousarray(V, dtype=np.float64)
        n = self.shape[0]
        if self._executor is not None:
            return self._on(self._executor, V).astype(self.dtype, copy=False)
        sides = -(-n // self._block)
        threads = max(1, min(self._threads, sides * (sides + 1) // 2))
        sums = [np.zeros_like(V) for _ in range(threads)]
        take_turns(lambda: cover(n, n, self._block, True), lambda k, tile: self._add(sums[k], V, tile), threads)
        for other in sums[1:]:
            sums[0] += other
        return sums[0].astype(self.dtype, copy=False)

    def _add(self, total: np.ndarray, V: np.ndarray, tile: Tile) -> None:
        """Add what a tile, and its mirror image, contribute to the product."""
        _add(self._plan, self._kind, tile, (V, V), (total, total))

    def _on(self, executor: Executor, V: np.ndarray) -> np.ndarray:
        """The product by an executor: a square of tiles is an item, and they are summed in a fixed order."""
        n, total = self.shape[0], np.zeros_like(V)
        side = self._block * max(1, min(_SQUARE // self._block, -(-n // (_SQUARES * self._block))))
        squares = list(cover(n, n, side, True))
        items = [(square, tuple(V[part] for part in square)) for square in squares]
        with closing(in_order(_product, items, executor, _ready, self._given, _AHEAD)) as products:
            for (rows, columns), (above, below) in zip(squares, products, strict=True):
                total[rows] += above
                if rows != columns:
                    total[columns] += below
        return total

    def _matvec(self, v: np.ndarray) -> np.ndarray:
        # a second column of zeros: OpenBLAS would start threads for a vector
        return self._matmat(np.column_stack([v, np.zeros_like(v)]))[:, 0]

    def _rmatvec(self, v: np.ndarray) -> np.ndarray:
        return self._matvec(v)

    def _rmatmat(self, V: np.ndarray) -> np.ndarray:
        return self._matmat(V)

    def _adjoint(self) -> GramOperator:
        return self

    def _transpose(self) -> GramOperator:
        return self


def _ready(
    network: Network | Stack, X: np.ndarray, options: Mapping[str, Any], kind: str, block: int
) -> tuple[Plan | DeepPlan, str, int]:
    """What a worker keeps of the rows."""
    plan = prepare(network, X, **options)
    with np.errstate(all="ignore"):
        _ = plan.left.squares
    return plan, kind, block


def _product(
    item: tuple[Tile, tuple[np.ndarray, ...]], given: tuple[Plan | DeepPlan, str, int]
) -> tuple[np.ndarray, np.ndarray]:
    """What a square of tiles contributes to the rows, and its mirror image to the columns."""
    ((rows, columns), parts), (plan, kind, block) = item, given
    sums = [np.zeros_like(part) for part in parts]
    same = rows == columns
    totals = (sums[0], sums[0] if same else sums[1])
    for tile in cover(rows.stop - rows.start, columns.stop - columns.start, block, same):
        _add(plan, kind, tile, parts, totals, (rows.start, columns.start))
    return totals


def _add(
    plan: Plan | DeepPlan,
    kind: str,
    tile: Tile,
    factors: tuple[np.ndarray, ...],
    totals: tuple[np.ndarray, ...],
    start: tuple[int, int] = (0, 0),
) -> None:
    """Add what a tile and its mirror image contribute to the rows and to the columns.

    Args:
        plan: of the rows.
        kind: of the kernel.
        tile: counted from `start`.
        factors: the vectors' entries at the rows and at the columns, from `start` on.
        totals: what is added to, likewise.
        start: the first row and column of the factors.
    """
    rows, columns = tile
    with np.errstate(all="ignore"):
        (part,) = plan.tile(_moved(rows, start[0]), _moved(columns, start[1]), (kind,))
    strip = max(1, _ALONE // (part.shape[1] * factors[1].shape[1]))
    mirrored = _moved(rows, start[0]) != _moved(columns, start[1])
    for first in range(0, part.shape[0], strip):
        piece = part[first : first + strip]
        some = slice(rows.start + first, rows.start + first + len(piece))
        totals[0][some] += piece @ factors[1][columns]
        if mirrored:
            totals[1][columns] += piece.T @ factors[0][some]


def _moved(part: slice, by: int) -> slice:
    return slice(part.start + by, part.stop + by)
