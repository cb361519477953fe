"""The gradient of a weighted sum over a Gram matrix, for the arrays of those who have an autograd of their own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import array_api_compat
import numpy as np

from glutheory.errors import DomainError
from glutheory.layers import Stack
from glutheory.networks import Network
from glutheory.numeric.arrays import Array, host
from glutheory.numeric.backward import Gradient, Slopes, Wanted, contract, lifted
from glutheory.numeric.deep.field import make_deep_field
from glutheory.numeric.deep.plan import DeepPlan
from glutheory.numeric.deep.sequences import sequence_gradient
from glutheory.numeric.field import Field, make_field
from glutheory.numeric.paired import paired_gradient
from glutheory.numeric.reading import prepare, read
from glutheory.numeric.tiles import cores

#: Rows of a tile, on a CPU and elsewhere.
_SIDE, _DEVICE_SIDE = 128, 1024


def field_of(network: Network, X: Array, Y: Array | None, *, lift: bool, **options: Any) -> Field:
    """All that is computed once per row, zero rows lifted for gradients; further arguments as of `glutheory.gram`."""
    left, right, found = read(network, X, Y, **options, library=True)
    with np.errstate(all="ignore"):
        if lift:
            left, right = (lifted(left),) * 2 if right is left else (lifted(left), lifted(right))
        return make_field(network, left, right, found)


def gradient(
    network: Network | Stack,
    X: Array,
    Y: Array | None,
    weights: Mapping[str, Array],
    wanted: Wanted,
    *,
    diagonal: bool = False,
    numbers: Sequence[str] = (),
    **options: Any,
) -> Gradient:
    """The gradient of Σ weights · K, of a matrix or its diagonal.

    Args:
        network: of two layers, or a stack.
        X: shape (n, d), or (n, positions, d), numpy or torch.
        Y: shape (m, d), or None for X.
        weights: of each kind, of the shape of K.
        wanted: which gradients.
        diagonal: whether K(x_i, y_i) is meant.
        numbers: of a stack, the names of those along which `wanted.scales` asks.
        options: of `glutheory.gram`: parametrization, width, variances, trained.

    Raises:
        DomainError: an argument that does not fit, or a kernel without derivatives.
    """
    slopes: Slopes
    if isinstance(network, Stack) and network.sequences:
        # the chain rule at the mean is numpy's
        X, Y = host(X), None if Y is None else host(Y)
        plan = prepare(network, X, Y, **options)
        assert isinstance(plan, DeepPlan)
        parts = {kind: host(part) for kind, part in weights.items()}
        return _checked(network, parts, _shaped(sequence_gradient(plan, parts, wanted, numbers, cores()), X, Y))
    if isinstance(network, Stack):
        plan = prepare(network, X, Y, **options)
        assert isinstance(plan, DeepPlan)
        slopes = make_deep_field(plan, numbers if wanted.scales else (), rows=wanted.left or wanted.right)
    else:
        slopes = field_of(network, X, Y, lift=True, **options)
    if diagonal:
        found = paired_gradient(slopes, dict(weights), wanted)
    else:
        side, threads = (_SIDE, cores()) if isinstance(slopes.left.unit, np.ndarray) else (_DEVICE_SIDE, 1)
        found = contract(slopes, dict(weights), wanted, side=side, threads=threads)
    return _checked(network, weights, found) if isinstance(network, Stack) else found


def _shaped(found: Gradient, X: Array, Y: Array | None) -> Gradient:
    """The gradients with respect to the positions as those with respect to sequences."""
    right = found.right if Y is None else found.right.reshape(Y.shape)
    return Gradient(found.left.reshape(X.shape), right, found.sums)


def _checked(stack: Stack, weights: Mapping[str, Array], found: Gradient) -> Gradient:
    xp = array_api_compat.array_namespace(found.left)
    parts = (found.left, found.right, *weights.values())
    finite = all(bool(xp.all(xp.isfinite(part))) for part in parts)
    if not (finite and all(np.isfinite(sums).all() for sums in found.sums.values())):
        raise not_finite(stack.name)
    return found


def not_finite(name: str) -> DomainError:
    """The sentence about a gradient that float64 does not hold."""
    return DomainError(
        f"the gradient of the kernel of {name} is not finite at these rows, or what it is weighted with is not: put a "
        "norm before its blocks, or use kind='nngp'."
    )


def rates(network: Network | Stack, parametrization: str, found: Gradient, numbers: Sequence[str]) -> dict[str, float]:
    """The derivatives with respect to the logarithm of each variance (see `weights` for where each one stands).

    Of a stack those of the `numbers` that were asked for.
    """
    if isinstance(network, Stack):
        whole = np.sum([sums[1:] for sums in found.sums.values()], axis=0)
        return dict(zip(numbers, whole.tolist(), strict=True))
    branches = len(network.branches)
    total = dict.fromkeys(("readout", *network.roles), 0.0)
    for kind, sums in found.sums.items():
        product, tangents, variances = sums[0], sums[1 : 1 + branches], sums[1 + branches :]
        # there the readout's variance scales what trains the branches, over the variance of each branch
        separate = kind == "ntk" and parametrization == "standard"
        total["readout"] += float(tangents.sum() + (0.0 if separate else product))
        for role, variance, tangent in zip(network.roles, variances, tangents, strict=True):
            total[role] += float(variance - tangent if separate else variance)
    return total
