"""Gram matrices with their derivatives with respect to the logarithm of each weight variance.

Of a branch the variance scales a, b and c alike, ∂/∂log σ² = ½ (r ∂/∂r + r' ∂/∂r'); of the readout it scales the
kernel, or, in the standard parametrisation, that part of the NTK which trains the branches (see `weights`).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from glutheory.errors import DomainError
from glutheory.networks import Network
from glutheory.networks import network as named_network
from glutheory.numeric.angles import of_tile, refine
from glutheory.numeric.arrays import Array
from glutheory.numeric.duals import evaluator
from glutheory.numeric.field import Field, Terms, make_field
from glutheory.numeric.gram import read
from glutheory.numeric.pairs import NEAR
from glutheory.numeric.plan import taker
from glutheory.numeric.tiles import Tile, cores, cover, for_each

_SIDE = 128
#: Nearly parallel pairs at a time, for the cache.
_CHUNK = 512


def _tile(field: Field, rows: slice, columns: slice, kind: str, standard: bool) -> list[Array]:
    """The kernel and its derivatives on a tile on or above the diagonal, shape (rows, columns) each."""
    pairs, near = of_tile(field.left, field.right, rows, columns, NEAR)
    terms = field.terms(pairs, lambda f: f[..., rows, None], lambda f: f[..., None, columns], kind)
    results = _derivatives(terms, standard)
    if near is not None:
        for start in range(0, near[0].shape[0], _CHUNK):
            i, j = (index[start : start + _CHUNK] for index in near)
            own, other = i + rows.start, j + columns.start
            pairs = refine(field.left, field.right, own, other)
            terms = field.terms(pairs, taker(pairs.xp, own), taker(pairs.xp, other), kind)
            for part, value in zip(results, _derivatives(terms, standard), strict=True):
                part[i, j] = value
    return [np.triu(part) + np.triu(part, k=1).T for part in results] if rows == columns else results


def _derivatives(terms: Terms, standard: bool) -> list[Array]:
    """The kernel, and its derivatives with respect to the logarithm of the readout's variance and the branches'.

    Args:
        terms: of the kernel.
        standard: whether it is the NTK of the standard parametrisation. There the readout's variance scales what trains
            the branches, over the variance of each branch.
    """
    kernel = terms.kernel
    parts = [kernel, sum(terms.tangents) if standard else kernel]
    for k, (left, right) in enumerate(zip(terms.left, terms.right, strict=True)):
        own = 0.5 * (left + right)
        parts.append(own - terms.tangents[k] if standard else own)
    # what vanishes does so for rows of any norm
    return [np.where(part == 0, 0.0, part * terms.scale) for part in parts]


def check_finite(network: Network, kind: str) -> None:
    """Refuse a kernel with an infinite diagonal: the NTK of an activation that jumps at 0.

    Raises:
        DomainError: it is one.
    """
    if kind == "ntk" and any(evaluator(act).jumps for act in network.branches):
        raise DomainError(f"the NTK of {network.name!r} is infinite on its diagonal: use kind='nngp'.")


def gram_gradient(
    network: Network | str,
    X: Array,
    *,
    kind: str = "ntk",
    parametrization: str = "ntk",
    width: int | None = None,
    variances: Mapping[str, Any] | None = None,
) -> tuple[np.ndarray, np.ndarray]:
    """The Gram matrix of `gram` and its derivatives with respect to log σ² of each kind of weight.

    The derivatives are closed forms, with errors below 1e-12 √(K(x,x) K(x',x')).

    Args:
        network: as in `gram`, as are all arguments.
        X: a numpy array, shape (n, d).
        kind: "ntk" or "nngp".
        parametrization: "ntk" or "standard".
        width: of the standard parametrisation.
        variances: of the weights by name.

    Returns:
        K, shape (n, n), and the derivatives, shape (n, n, 1 + branches): the readout's, then the network's roles'.

    Raises:
        DomainError: as `gram`, and the NTK of an activation that jumps at 0, which is infinite.
    """
    if kind not in ("ntk", "nngp"):
        raise DomainError(f"kind is {kind!r}: use 'ntk' or 'nngp'.")
    net = named_network(network)
    check_finite(net, kind)
    rows, _, found = read(net, X, parametrization=parametrization, width=width, variances=variances)
    with np.errstate(all="ignore"):
        field = make_field(net, rows, rows, found)
    standard = kind == "ntk" and parametrization == "standard"
    n = rows.count
    K, gradient = np.empty((n, n)), np.empty((n, n, 1 + len(field.branches)))

    def work(tile: Tile) -> None:
        i, j = tile
        with np.errstate(all="ignore"):
            first, *others = _tile(field, i, j, kind, standard)
        K[i, j] = first
        K[j, i] = first.T
        for k, part in enumerate(others):
            gradient[i, j, k] = part
            gradient[j, i, k] = part.T

    for_each(cover(n, n, _SIDE, True), work, max(1, min(cores(), -(-n // _SIDE))))
    return K, gradient
