"""Gram matrices with their derivatives with respect to the logarithm of each weight variance.

Of a branch the variance scales a, b and c alike; of the readout it scales the kernel, or, in the standard
parametrisation, that part of the NTK which trains the branches (see `weights`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from glutheory.errors import DomainError
from glutheory.networks import Network
from glutheory.networks import network as named_network
from glutheory.numeric.arrays import Array
from glutheory.numeric.dual import Values
from glutheory.numeric.matrix import prepare
from glutheory.numeric.pairs import Geometry
from glutheory.numeric.plan import Pick, Plan
from glutheory.numeric.tiles import Tile, cores, cover, for_each
from glutheory.numeric.zoo import evaluator

_SIDE = 128


@dataclass(frozen=True, eq=False)
class _Slopes(Plan):
    """A plan whose tiles are the kernel and its derivatives, in the order of the roles after the readout.

    Attributes:
        standard: whether the parametrisation is the standard one.
    """

    standard: bool = False

    def kernels(self, pairs: Geometry, left: Pick, right: Pick, kinds: tuple[str, ...]) -> list[Array]:
        """The kernel of the one kind asked for, then its derivatives."""
        features = [(left(br.left), right(br.right)) for br in self.branches]
        values = [br.dual.values(pairs, *both) for br, both in zip(self.branches, features, strict=True)]
        rates = []
        for value, branch, both in zip(values, self.branches, features, strict=True):
            u, w = branch.dual.degree * value.s, branch.dual.degree * value.t
            if branch.dual.rates is not None:
                change = branch.dual.rates(pairs, *both)
                u, w = u + change[0], w + change[1]
            rates.append((u, w))
        ntk = kinds[0] == "ntk"
        parts = self._ntk(values, rates) if ntk else self._nngp(values, rates)
        factor = None
        for value in values:
            if value.factor is not None:
                factor = value.factor if factor is None else factor * value.factor
        scale = factor
        if self.power:
            scale = (left(self.weight_left) * right(self.weight_right)) ** self.power
            scale = scale if factor is None else scale * factor
        constant = self.readout if ntk else self.front
        parts = [part * constant for part in parts]
        if scale is None:
            return parts
        return [self._scaled(pairs, part, scale, factor is not None) for part in parts]

    def _nngp(self, values: list[Values], rates: list[tuple[Array, Array]]) -> list[Array]:
        """∏ s, the same for the readout, and u_i ∏_{j≠i} s_j."""
        product = _product([value.s for value in values])
        others = [_without(values, (i,)) for i in range(len(values))]
        return [product, product + 0.0, *(u * rest for (u, _), rest in zip(rates, others, strict=True))]

    def _ntk(self, values: list[Values], rates: list[tuple[Array, Array]]) -> list[Array]:
        """∏ s + Σ_j share_j t_j ∏_{k≠j} s_k and its derivatives, over the readout's constant."""
        branches = range(len(values))
        product = _product([value.s for value in values])
        share = [branch.share for branch in self.branches]
        trained = sum(share[j] * values[j].t * _without(values, (j,)) for j in branches)
        found = [product + trained, trained + 0.0 if self.standard else product + trained]
        for i in branches:
            u, w = rates[i]
            own = u + share[i] * (w - values[i].t if self.standard else w)
            total = own * _without(values, (i,))
            for j in branches:
                if j != i:
                    total = total + share[j] * values[j].t * u * _without(values, (i, j))
            found.append(total)
        return found


def _product(factors: list[Array]) -> Array:
    result = factors[0]
    for factor in factors[1:]:
        result = result * factor
    return result


def _without(values: list[Values], left_out: tuple[int, ...]) -> Array:
    """The product of all s but these; 1 where none is left."""
    rest = [value.s for k, value in enumerate(values) if k not in left_out]
    return _product(rest) if rest else 1.0


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
    check_finite(named_network(network), kind)
    plan = prepare(network, X, parametrization=parametrization, width=width, variances=variances)
    slopes = _Slopes(**vars(plan), standard=parametrization == "standard")
    n = plan.left.count
    K, gradient = np.empty((n, n)), np.empty((n, n, 1 + len(plan.branches)))

    def work(tile: Tile) -> None:
        rows, columns = tile
        with np.errstate(all="ignore"):
            first, *others = slopes.tile(rows, columns, (kind,))
        K[rows, columns] = first
        K[columns, rows] = first.T
        for k, part in enumerate(others):
            gradient[rows, columns, k] = part
            gradient[columns, rows, k] = part.T

    for_each(cover(n, n, _SIDE, True), work, max(1, min(cores(), -(-n // _SIDE))))
    return K, gradient
