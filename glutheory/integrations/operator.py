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
from glutheory.numeric.diagonals import diagonal
from glutheory.numeric.given import as_arrays
from glutheory.numeric.gradient import check_finite
from glutheory.numeric.plan import Plan
from glutheory.numeric.reading import check_rows, prepare
from glutheory.numeric.tiles import Tile, cores, cover, take_turns

#: Rows of a tile: its temporaries stay in the cache of a core.
_SIDE = 192
#: Of an executor: rows of a square of tiles at most, squares along a side at least, and squares in its hands at most.
_SQUARE, _SQUARES, _AHEAD = 8192, 16, 256
#: Multiplications in one call of the BLAS, from which OpenBLAS would start threads inside ours.
_ALONE = 1 << 18

#: Arrays for the rows and for the columns.
_Both = tuple[np.ndarray | None, np.ndarray | None]


class GramOperator(LinearOperator):
    """The Gram matrix of a network's kernel, to multiply by: on rows X, symmetric, positive semidefinite, n by n.

    For whatever of SciPy takes a `LinearOperator`: ``operator @ v``, `scipy.sparse.linalg.eigsh`, `cg`, `lobpcg`; see
    `glutheory.integrations.extremes` for both ends of the spectrum. What is needed of each row is computed once, here.
    A product computes the tiles on and above the diagonal and uses each for both sides; for a given number of threads
    it is the same every time, bit for bit. Multiply by many vectors at once where possible: a product with 32 costs a
    third more than one with one vector.

    With rows Y it is the matrix between X and Y, n by m: products with it (``operator @ v``, `matmat`) and with its
    transpose (``operator.T @ u``, `rmatvec`, `rmatmat`), as for predictions at X from what was fitted at Y, for
    `scipy.sparse.linalg.svds` and `lsqr`. It has no diagonal.

    Every entry is as accurate as `glutheory.gram`'s.

    Memory: the rows' scaled copies and features (2 d + 10 numbers a row, for the logistic family 165 more; while they
    are made, 10 d more), per thread about 100·block² bytes and, for each vector of a product, n numbers. Nothing grows
    like n².

    Args:
        network: a `Network`, the name of one, or a `Stack` without a mean over positions, as in `glutheory.gram`.
        X: data, shape (n, d): a numpy array, or a torch tensor on the CPU.
        Y: data of the same kind, shape (m, d); left out: X again, and half the work.
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
        Y: Any = None,
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
        X, Y = as_arrays(X, Y)
        options: dict[str, Any] = {"parametrization": parametrization, "width": width, "variances": variances}
        plan = prepare(net, X, Y, **options, trained=trained)
        if not array_api_compat.is_numpy_namespace(plan.left.xp):
            raise DomainError(f"X is on {array_api_compat.device(X)}: move it to the CPU.")
        with np.errstate(all="ignore"):
            _ = (
                plan.left.squares,
                plan.right.squares,
            )  # which nearly parallel rows need; here, where there is but one thread
        self._plan, self._kind, self._network = plan, kind, net
        self._block = _SIDE if block is None else integer("block", block, 1)
        self._threads = cores() if threads is None else integer("threads", threads, 1)
        self._executor = None if executor is None else check_executor("executor", executor)
        sides = np.asarray(X), None if Y is None else np.asarray(Y)
        self._given = (net, *sides, {**options, "trained": trained}, kind, self._block)
        self.passes = 0
        super().__init__(np.dtype(dtype), (plan.left.count, plan.right.count))

    @property
    def symmetric(self) -> bool:
        """Whether no Y was given."""
        return self._plan.left is self._plan.right

    @property
    def entry_error(self) -> float:
        """The error of an entry K(x, x') is at most this times √(K(x,x) K(x',x')); that of the matrix, the trace.

        1e-14 for networks of the zoo; see `glutheory.entry_error`, also for the stacks that have no such bound.
        """
        return entry_error(self._network)

    def diagonal(self) -> np.ndarray:
        """The diagonal, shape (n,), float64, in a time proportional to n.

        Raises:
            DomainError: Y was given.
        """
        if not self.symmetric:
            raise DomainError("Y is given, and the matrix between X and Y has no diagonal: leave Y out.")
        with np.errstate(all="ignore"):
            return np.asarray(diagonal(self._plan, self._kind))

    def trace(self) -> float:
        """The sum of the diagonal, which is the sum of all eigenvalues, correctly rounded."""
        return math.fsum(self.diagonal())

    def _matmat(self, V: np.ndarray) -> np.ndarray:
        """The product with the columns of V, shape (m, k)."""
        return self._multiplied(V, False)

    def _rmatmat(self, V: np.ndarray) -> np.ndarray:
        """The transpose's product with the columns of V, shape (n, k)."""
        return self._multiplied(V, not self.symmetric)

    def _multiplied(self, V: np.ndarray, turned: bool) -> np.ndarray:
        """The product with the columns of V, of the transpose if `turned`."""
        if np.iscomplexobj(V):
            both = self._multiplied(np.hstack([V.real, V.imag]), turned)
            k = V.shape[1]
            return np.asarray(both[:, :k] + 1j * both[:, k:])
        height = self.shape[1] if turned else self.shape[0]
        if V.shape[1] == 0:
            return np.zeros((height, 0), self.dtype)
        self.passes += 1
        V = np.ascontiguousarray(V, dtype=np.float64)
        if self._executor is not None:
            return self._on(self._executor, V, height, turned).astype(self.dtype, copy=False)
        tiles = math.prod(-(-rows // self._block) for rows in self.shape)
        threads = max(1, min(self._threads, tiles))
        sums = [np.zeros((height, V.shape[1])) for _ in range(threads)]
        take_turns(
            lambda: cover(self.shape[0], self.shape[1], self._block, self.symmetric),
            lambda k, tile: _add(self._plan, self._kind, tile, *self._roles(V, sums[k], turned)),
            threads,
        )
        for other in sums[1:]:
            sums[0] += other
        return sums[0].astype(self.dtype, copy=False)

    def _roles(self, V: np.ndarray, total: np.ndarray, turned: bool) -> tuple[_Both, _Both]:
        """What the rows and the columns of a tile are multiplied by, and what is added to, for rows and columns."""
        if self.symmetric:
            return (V, V), (total, total)
        return ((V, None), (None, total)) if turned else ((None, V), (total, None))

    def _on(self, executor: Executor, V: np.ndarray, height: int, turned: bool) -> np.ndarray:
        """The product by an executor: a square of tiles is an item, and they are summed in a fixed order."""
        total = np.zeros((height, V.shape[1]))
        factors, totals = self._roles(V, total, turned)
        longest = max(self.shape)
        side = self._block * max(1, min(_SQUARE // self._block, -(-longest // (_SQUARES * self._block))))
        squares = list(cover(self.shape[0], self.shape[1], side, self.symmetric))
        items = [
            (square, tuple(None if own is None else own[some] for own, some in zip(factors, square, strict=True)))
            for square in squares
        ]
        with closing(in_order(_product, items, executor, _ready, self._given, _AHEAD)) as products:
            for square, found in zip(squares, products, strict=True):
                for own, some, part in zip(totals, square, found, strict=True):
                    if own is not None and part is not None:
                        own[some] += part
        return total

    def _matvec(self, v: np.ndarray) -> np.ndarray:
        return self._vector(v, False)

    def _rmatvec(self, v: np.ndarray) -> np.ndarray:
        return self._vector(v, not self.symmetric)

    def _vector(self, v: np.ndarray, turned: bool) -> np.ndarray:
        # a second column of zeros: OpenBLAS would start threads for a vector
        return self._multiplied(np.column_stack([v, np.zeros_like(v)]), turned)[:, 0]

    def _adjoint(self) -> LinearOperator:
        return self if self.symmetric else super()._adjoint()

    def _transpose(self) -> LinearOperator:
        return self if self.symmetric else super()._transpose()


def _ready(
    network: Network | Stack, X: np.ndarray, Y: np.ndarray | None, options: Mapping[str, Any], kind: str, block: int
) -> tuple[Plan | DeepPlan, str, int]:
    """What a worker keeps of the rows."""
    plan = prepare(network, X, Y, **options)
    with np.errstate(all="ignore"):
        _ = plan.left.squares, plan.right.squares
    return plan, kind, block


def _product(item: tuple[Tile, _Both], given: tuple[Plan | DeepPlan, str, int]) -> _Both:
    """What a square of tiles contributes to the rows, and to the columns; None where it is not asked.

    Of a square on the diagonal both are the same, which is the rows'.
    """
    ((rows, columns), parts), (plan, kind, block) = item, given
    symmetric = plan.left is plan.right
    same = symmetric and rows == columns
    # what multiplies the columns goes to the rows
    above, below = (
        None if other is None else np.zeros((some.stop - some.start, other.shape[1]))
        for some, other in ((rows, parts[1]), (columns, parts[0]))
    )
    totals = (above, above if same else below)
    for tile in cover(rows.stop - rows.start, columns.stop - columns.start, block, same):
        _add(plan, kind, tile, parts, totals, (rows.start, columns.start))
    return above, None if same else below


def _add(
    plan: Plan | DeepPlan, kind: str, tile: Tile, factors: _Both, totals: _Both, start: tuple[int, int] = (0, 0)
) -> None:
    """Add what a tile contributes to the rows, and what it contributes to the columns by its transpose.

    Args:
        plan: of the rows.
        kind: of the kernel.
        tile: counted from `start`.
        factors: the vectors' entries at the rows and at the columns, from `start` on; None where none is multiplied.
        totals: what is added to, likewise.
        start: the first row and column of the factors.
    """
    rows, columns = tile
    with np.errstate(all="ignore"):
        (part,) = plan.tile(_moved(rows, start[0]), _moved(columns, start[1]), (kind,))
    left, right = factors
    count = next(own.shape[1] for own in (right, left) if own is not None)
    strip = max(1, _ALONE // (part.shape[1] * count))
    # a tile on the diagonal of a symmetric matrix is its own mirror image
    mirrored = plan.left is not plan.right or _moved(rows, start[0]) != _moved(columns, start[1])
    for first in range(0, part.shape[0], strip):
        piece = part[first : first + strip]
        some = slice(rows.start + first, rows.start + first + len(piece))
        if totals[0] is not None and right is not None:
            totals[0][some] += piece @ right[columns]
        if totals[1] is not None and left is not None and mirrored:
            totals[1][columns] += piece.T @ left[some]


def _moved(part: slice, by: int) -> slice:
    return slice(part.start + by, part.stop + by)
