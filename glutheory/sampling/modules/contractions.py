"""Gram matrices of per-sample gradients that are sums of outer products, by the cheaper of two contractions.

The gradient of sample i with respect to a weight matrix is the sum over positions t of g_it a_it', with a the layer's
inputs and g the derivatives with respect to its outputs. Its Gram matrix is either formed from these gradients, or as

    K_ij = Σ_{t,t'} (a_it · a_jt') (g_it · g_jt')

which needs no gradient and is much cheaper where there are few positions (Rochette, Manoel & Tramel,
arXiv:1912.06015, use the same two forms for the norms of per-sample gradients).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import torch

Tensor = torch.Tensor
#: Given the ranges of two blocks of samples, the factor's inner products, shape (block, positions, block, positions).
Products = Callable[[slice, slice], Tensor]


def rows(gradients: Tensor) -> Tensor:
    """J J' in float64 for per-sample gradients of shape (n, …)."""
    flat = gradients.flatten(1)
    return (flat @ flat.T).double()


def outer(a: Tensor, g: Tensor, workspace: int) -> Tensor:
    """The Gram matrix of Σ_t g_it a_it', in float64.

    Args:
        a: inputs of the layer, shape (n, positions, fan-in).
        g: derivatives with respect to its outputs, shape (n, positions, fan-out).
        workspace: bytes of temporary arrays, as far as one row of the weight matrix allows.
    """
    n, t, i = a.shape
    o = g.shape[2]
    if (n * t) ** 2 * (i + o) / 2 <= n * (t + n) * i * o:
        return paired(lambda p, q: _inner(a, p, q), lambda p, q: _inner(g, p, q), n, t, workspace // a.itemsize)
    kernel = a.new_zeros((n, n), dtype=torch.float64)
    step = min(o, max(1, workspace // (n * i * a.itemsize)))
    # one buffer for all: fresh memory costs as much as the product
    buffer = a.new_empty((n, step, i))
    for start in range(0, o, step):
        part = g[:, :, start : start + step].mT
        out = buffer if part.shape[1] == step else a.new_empty((n, part.shape[1], i))
        kernel += rows(torch.bmm(part, a, out=out))
    return kernel


def looked_up(ids: Tensor, g: Tensor, workspace: int) -> Tensor:
    """The Gram matrix of the gradients of a table whose row ids_it was read at position t of sample i.

    Args:
        ids: integers, shape (n, positions).
        g: derivatives with respect to the rows read, shape (n, positions, columns).
        workspace: bytes of temporary arrays, as far as one sample allows.
    """
    n, t, d = g.shape
    unique, place = torch.unique(ids, return_inverse=True)
    if len(unique) * d * n * g.itemsize <= workspace and len(unique) < t * t:
        table = g.new_zeros((n, len(unique), d))
        table.scatter_add_(1, place[..., None].expand_as(g), g)
        return rows(table)

    def same(p: slice, q: slice) -> Tensor:
        return ids[p, :, None, None] == ids[None, None, q]

    return paired(same, lambda p, q: _inner(g, p, q), n, t, workspace // g.itemsize)


def paired(first: Products, second: Products, n: int, t: int, numbers: int) -> Tensor:
    """Σ_{t,t'} first · second for all pairs of samples, in float64; temporary arrays hold about `numbers` numbers."""
    kernel: Tensor | None = None
    for p, q in _blocks(n, max(1, int((numbers / 2) ** 0.5 / t))):
        product = second(p, q).mul_(first(p, q)).sum(dim=(1, 3))
        if kernel is None:
            kernel = product.new_zeros((n, n), dtype=torch.float64)
        kernel[p, q] = product.double()
        kernel[q, p] = product.double().T
    assert kernel is not None
    return kernel


def _blocks(n: int, size: int) -> Iterator[tuple[slice, slice]]:
    """All pairs of blocks of at most `size` samples, the second not before the first."""
    starts = range(0, n, size)
    for k, p in enumerate(starts):
        for q in starts[k:]:
            yield slice(p, min(n, p + size)), slice(q, min(n, q + size))


def _inner(x: Tensor, p: slice, q: slice) -> Tensor:
    """All inner products of the vectors of two blocks of samples, shape (block, positions, block, positions)."""
    left, right = x[p], x[q]
    product = left.flatten(0, 1) @ right.flatten(0, 1).T
    return product.view(left.shape[0], left.shape[1], right.shape[0], right.shape[1])
