"""A Gram matrix that is never formed, as a SciPy linear operator: tiles are computed, multiplied and forgotten."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any

import array_api_compat
import numpy as np
from scipy.sparse.linalg import LinearOperator

from glutheory.errors import DomainError
from glutheory.ground.arguments import integer
from glutheory.layers import Stack
from glutheory.networks import Network
from glutheory.networks import network as named_network
from glutheory.numeric.accuracy import entry_error
from glutheory.numeric.gradient import check_finite
from glutheory.numeric.matrix import check_rows, diagonal, prepare
from glutheory.numeric.tiles import Tile, cores, cover, take_turns

#: Rows of a tile: its temporaries stay in the cache of a core.
_SIDE = 192
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
    ) -> None:
        net = network if isinstance(network, Stack) else named_network(network)
        if kind not in ("ntk", "nngp"):
            raise DomainError(f"kind is {kind!r}: use 'ntk' or 'nngp'.")
        check_finite(net, kind)
        if np.dtype(dtype) not in (np.float64, np.float32):
            raise DomainError(f"dtype is {dtype!r}: use float64 or float32.")
        check_rows(net)
        options: dict[str, Any] = {"parametrization": parametrization, "width": width, "variances": variances}
        plan = prepare(net, X, **options, trained=trained)
        if not array_api_compat.is_numpy_namespace(plan.left.xp):
            raise DomainError(f"X is on {array_api_compat.device(X)}: move it to the CPU.")
        with np.errstate(all="ignore"):
            _ = plan.left.squares  # which nearly parallel rows need; here, where there is but one thread
        self._plan, self._kind, self._network = plan, kind, net
        self._block = _SIDE if block is None else integer("block", block, 1)
        self._threads = cores() if threads is None else integer("threads", threads, 1)
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
        sides = -(-n // self._block)
        threads = max(1, min(self._threads, sides * (sides + 1) // 2))
        sums = [np.zeros_like(V) for _ in range(threads)]
        take_turns(lambda: cover(n, n, self._block, True), lambda k, tile: self._add(sums[k], V, tile), threads)
        for other in sums[1:]:
            sums[0] += other
        return sums[0].astype(self.dtype, copy=False)

    def _add(self, total: np.ndarray, V: np.ndarray, tile: Tile) -> None:
        """Add what a tile, and its mirror image, contribute to the product."""
        rows, columns = tile
        with np.errstate(all="ignore"):
            (part,) = self._plan.tile(rows, columns, (self._kind,))
        strip = max(1, _ALONE // (part.shape[1] * V.shape[1]))
        for start in range(0, part.shape[0], strip):
            piece = part[start : start + strip]
            some = slice(rows.start + start, rows.start + start + len(piece))
            total[some] += piece @ V[columns]
            if rows != columns:
                total[columns] += piece.T @ V[some]

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
