"""Gram matrices with their derivatives with respect to the logarithm of each weight variance.

Of a branch the variance scales a, b and c alike, ∂/∂log σ² = ½ (r ∂/∂r + r' ∂/∂r'); of the readout it scales the
kernel, or, in the standard parametrisation, that part of the NTK which trains the branches (see `weights`). Of a stack
every one of its numbers has a derivative, which is carried through the layers (`deep.moving`).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from glutheory.errors import DomainError
from glutheory.layers import Stack
from glutheory.networks import Network
from glutheory.networks import network as named_network
from glutheory.numeric.angles import of_tile, refine
from glutheory.numeric.arrays import Array, piece
from glutheory.numeric.deep.field import DeepField, make_deep_field
from glutheory.numeric.deep.plan import DeepPlan
from glutheory.numeric.differentiate import not_finite
from glutheory.numeric.duals import evaluator
from glutheory.numeric.field import Field, Terms, make_field
from glutheory.numeric.pairs import NEAR
from glutheory.numeric.plan import make_plan, taker
from glutheory.numeric.reading import prepare, read
from glutheory.numeric.tiles import Tile, cores, cover, for_each

_SIDE = 128
#: Nearly parallel pairs at a time, for the cache.
_CHUNK = 512


def _tile(field: Field, rows: slice, columns: slice, kind: str, standard: bool) -> list[Array]:
    """The derivatives on a tile on or above the diagonal, shape (rows, columns) each."""
    pairs, near = of_tile(field.left, field.right, rows, columns, NEAR)
    terms = field.terms(pairs, lambda f: f[..., rows, None], lambda f: f[..., None, columns], kind, angle=False)
    results = _derivatives(terms, standard)
    if near is not None:
        for start in range(0, near[0].shape[0], _CHUNK):
            i, j = (piece(index, start, _CHUNK) for index in near)
            own, other = i + rows.start, j + columns.start
            pairs = refine(field.left, field.right, own, other)
            terms = field.terms(pairs, taker(pairs.xp, own), taker(pairs.xp, other), kind, angle=False)
            for part, value in zip(results, _derivatives(terms, standard), strict=True):
                part[i, j] = value
    return [np.triu(part) + np.triu(part, k=1).T for part in results] if rows == columns else results


def _derivatives(terms: Terms, standard: bool) -> list[Array]:
    """The derivatives with respect to the logarithm of the branches' variances, and of the readout's if `standard`.

    Args:
        terms: of the kernel.
        standard: whether it is the NTK of the standard parametrisation. There the readout's variance scales what trains
            the branches, over the variance of each branch; elsewhere it is a factor of the kernel.
    """
    half = 0.5 * terms.scale
    parts = []
    for k, (left, right) in enumerate(zip(terms.left, terms.right, strict=True)):
        # homogeneous activations grow alike on both sides
        own = _times(left, terms.scale) if left is right else _times(left + right, half)
        parts.append(own - _times(terms.tangents[k], terms.scale) if standard else own)
    if standard:
        parts.append(_times(sum(terms.tangents), terms.scale))
    return parts


def _times(part: Array, scale: Array) -> Array:
    """The product, where 0·∞ is 0: what vanishes does so for rows of any norm."""
    found = part * scale
    return found if np.isfinite(np.max(scale)) else np.where(part == 0, 0.0, found)


def check_finite(network: Network | Stack, kind: str) -> None:
    """Refuse a kernel with an infinite diagonal: the NTK of an activation that jumps at 0.

    Raises:
        DomainError: it is one.
    """
    branches = network.branches if isinstance(network, Network) else network.activations
    if kind == "ntk" and any(evaluator(act).jumps for act in branches):
        raise DomainError(f"the NTK of {network.name!r} is infinite on its diagonal: use kind='nngp'.")


def gram_gradient(
    network: Network | Stack | str,
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
        network: as in `gram`, as are all arguments; a stack without a mean over positions.
        X: a numpy array, shape (n, d).
        kind: "ntk" or "nngp".
        parametrization: "ntk" or "standard".
        width: of the standard parametrisation.
        variances: of the weights by name.

    Returns:
        K, shape (n, n), and the derivatives, shape (n, n, 1 + branches): the readout's, then the network's roles'. Of a
        stack those of its `numbers`, shape (n, n, numbers).

    Raises:
        DomainError: as `gram`; the NTK of an activation that jumps at 0, which is infinite.
    """
    if kind not in ("ntk", "nngp"):
        raise DomainError(f"kind is {kind!r}: use 'ntk' or 'nngp'.")
    if isinstance(network, Stack):
        options: dict[str, Any] = {"parametrization": parametrization, "width": width, "variances": variances}
        return _of_stack(network, X, kind, options)
    net = named_network(network)
    check_finite(net, kind)
    rows, _, constants = read(net, X, parametrization=parametrization, width=width, variances=variances)
    with np.errstate(all="ignore"):
        plan, field = make_plan(net, rows, rows, constants), make_field(net, rows, rows, constants)
    standard = kind == "ntk" and parametrization == "standard"
    n = rows.count
    K, gradient = np.empty((n, n)), np.empty((n, n, 1 + len(field.branches)))

    def work(tile: Tile) -> None:
        i, j = tile
        with np.errstate(all="ignore"):
            (kernel,) = plan.tile(i, j, (kind,))
            found = _tile(field, i, j, kind, standard)
        K[i, j] = kernel
        K[j, i] = kernel.T
        for k, part in enumerate([found.pop() if standard else kernel, *found]):
            gradient[i, j, k] = part
            gradient[j, i, k] = part.T

    for_each(cover(n, n, _SIDE, True), work, max(1, min(cores(), -(-n // _SIDE))))
    return K, gradient


def _of_stack(stack: Stack, X: Array, kind: str, options: Mapping[str, Any]) -> tuple[np.ndarray, np.ndarray]:
    """The matrix of a stack and its derivatives along all numbers."""
    check_finite(stack, kind)
    plan = prepare(stack, X, **options)
    assert isinstance(plan, DeepPlan)
    field = make_deep_field(plan, tuple(stack.numbers), rows=False)
    n = plan.left.count
    K, gradient = np.empty((n, n)), np.empty((n, n, len(field.numbers)))

    def work(tile: Tile) -> None:
        i, j = tile
        with np.errstate(all="ignore"):
            found = _deep_tile(field, i, j, kind)
            (kernel,) = plan.tile(i, j, (kind,))
        if i == j:
            found = [np.triu(part) + np.triu(part, k=1).T for part in found]
        K[i, j] = kernel
        K[j, i] = kernel.T
        for k, part in enumerate(found):
            gradient[i, j, k] = part
            gradient[j, i, k] = part.T

    for_each(cover(n, n, _SIDE, True), work, max(1, min(cores(), -(-n // _SIDE))))
    if not np.isfinite(gradient).all():
        raise not_finite(stack.name)
    return K, gradient


def _deep_tile(field: DeepField, rows: slice, columns: slice, kind: str) -> list[Array]:
    pairs, near = of_tile(field.left, field.right, rows, columns, NEAR)
    terms = field.terms(pairs, lambda f: f[..., rows, None], lambda f: f[..., None, columns], kind)
    results = [part * terms.scale for part in terms.numbers]
    for start in range(0, 0 if near is None else near[0].shape[0], _CHUNK):
        assert near is not None
        i, j = (piece(index, start, _CHUNK) for index in near)
        own, other = i + rows.start, j + columns.start
        pairs = refine(field.left, field.right, own, other)
        terms = field.terms(pairs, taker(pairs.xp, own), taker(pairs.xp, other), kind)
        for part, value in zip(results, terms.numbers, strict=True):
            part[i, j] = value * terms.scale
    return results
