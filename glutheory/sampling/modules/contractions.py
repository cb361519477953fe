"""Gram matrices of per-sample gradients that are sums of outer products, by the cheaper of two contractions.

The gradient of sample i with respect to a weight matrix is the sum over positions t of g_it a_it', with a the layer's
inputs and g the derivatives with respect to its outputs. Its Gram matrix is either formed from these gradients, or as

    K_ij = Σ_{t,t'} (a_it · a_jt') (g_it · g_jt')

which needs no gradient and is much cheaper where there are few positions (Rochette, Manoel & Tramel,
arXiv:1912.06015, use the same two forms for the norms of per-sample gradients).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch

Tensor = torch.Tensor
#: Given the ranges of two blocks of samples, the factor's inner products, shape (block, positions, block, positions).
Factor = Callable[[slice, slice], Tensor]
#: Takes per-sample gradients, and products of rows p with rows q.
Rows = Callable[[Tensor], None]
Pairs = Callable[[slice, slice, Tensor], None]
#: Blocks of rows in which a symmetric kernel of pairs is formed, and the fewest rows of one.
_PARTS, _LEAST = 4, 256


@dataclass(frozen=True)
class Products:
    """Which products of the gradients of a batch's rows are wanted, and at what cost.

    Attributes:
        workspace: bytes of temporary arrays, as far as one row of a weight matrix or one sample allows.
        split: the products of the first so many rows with all others; None: of all rows with all.
        dtype: of the sums over a layer's entries and positions; None: that of its numbers.
    """

    workspace: int
    split: int | None = None
    dtype: torch.dtype | None = None

    def sides(self, n: int) -> tuple[slice, slice]:
        """The rows on the left and those on the right."""
        return (slice(0, n), slice(0, n)) if self.split is None else (slice(0, self.split), slice(self.split, n))

    def starts(self, p: slice, q: slice) -> tuple[slice, slice]:
        """Where the products of rows p with rows q are in the kernel."""
        first = self.split or 0
        return p, slice(q.start - first, q.stop - first)

    def pairs(self, n: int) -> float:
        """How many products, of those with symmetric twins only one."""
        return n * n / 2 if self.split is None else self.split * (n - self.split)

    def cast(self, x: Tensor) -> Tensor:
        """The tensor in the dtype of the sums."""
        return x if self.dtype is None else x.to(self.dtype)


def real(x: Tensor) -> Tensor:
    """Of complex numbers the real and imaginary parts, behind."""
    return torch.view_as_real(x.resolve_conj()) if x.is_complex() else x


def outer(a: Tensor, g: Tensor, how: Products, take: Rows, pairs: Pairs) -> None:
    """Hand over the Gram matrix of Σ_t g_it a_it', as gradients or as products.

    Args:
        a: inputs of the layer, shape (n, positions, fan-in).
        g: derivatives with respect to its outputs, shape (n, positions, fan-out).
        how: which products.
        take: called with gradients of shape (n, entries), which are overwritten afterwards.
        pairs: called with products.
    """
    n, t, i = a.shape
    o = g.shape[2]
    count = how.pairs(n)
    if count * t**2 * (i + o) <= (n * t + count) * i * o:
        paired(lambda p, q: _inner(a, p, q), lambda p, q: _inner(g, p, q), n, t, how, a.itemsize, pairs)
        return
    step = min(o, max(1, how.workspace // (n * i * a.itemsize)))
    # one buffer for all: fresh memory costs as much as the product
    buffer = a.new_empty((n, step, i))
    for start in range(0, o, step):
        part = g[:, :, start : start + step].mT
        out = buffer if part.shape[1] == step else a.new_empty((n, part.shape[1], i))
        take(torch.bmm(part, a, out=out).flatten(1))


def looked_up(ids: Tensor, g: Tensor, how: Products, take: Rows, pairs: Pairs) -> None:
    """Hand over the Gram matrix of the gradients of a table whose row ids_it was read at position t of sample i.

    Args:
        ids: integers, shape (n, positions).
        g: derivatives with respect to the rows read, shape (n, positions, columns).
        how: which products.
        take: called with gradients of shape (n, entries).
        pairs: called with products.
    """
    n, t, d = g.shape
    unique, place = torch.unique(ids, return_inverse=True)
    if len(unique) * d * n * g.itemsize <= how.workspace and len(unique) < t * t:
        table = g.new_zeros((n, len(unique), d))
        table.scatter_add_(1, place[..., None].expand_as(g), g)
        take(table.flatten(1))
        return

    def same(p: slice, q: slice) -> Tensor:
        return ids[p, :, None, None] == ids[None, None, q]

    paired(same, lambda p, q: _inner(g, p, q), n, t, how, g.itemsize, pairs)


def paired(first: Factor, second: Factor, n: int, t: int, how: Products, itemsize: int, pairs: Pairs) -> None:
    """Hand over Σ_{t,t'} first · second for the pairs of samples; temporary arrays fill the workspace."""
    left, right = how.sides(n)
    size = max(1, int((how.workspace / itemsize / 2) ** 0.5 / t))
    if how.split is None:
        # blocks below the diagonal are left out
        size = min(size, max(_LEAST, -(-n // _PARTS)))
    for p, q in blocks(left, right, size):
        if how.split is None and q.start < p.start:
            continue
        product = second(p, q).mul_(first(p, q))
        pairs(p, q, product[:, 0, :, 0] if t == 1 else product.sum(dim=(1, 3)))


def blocks(left: slice, right: slice, size: int) -> Iterator[tuple[slice, slice]]:
    """All pairs of blocks of at most `size` samples."""
    for k in range(left.start, left.stop, size):
        for j in range(right.start, right.stop, size):
            yield slice(k, min(left.stop, k + size)), slice(j, min(right.stop, j + size))


def _inner(x: Tensor, p: slice, q: slice) -> Tensor:
    """All inner products of the vectors of two blocks of samples, shape (block, positions, block, positions)."""
    left, right = x[p], x[q]
    product = left.flatten(0, 1) @ right.flatten(0, 1).T
    return product.view(left.shape[0], left.shape[1], right.shape[0], right.shape[1])
