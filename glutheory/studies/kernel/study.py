"""The curves S, T, K and K̃ over the correlation ρ of two inputs: what gating does to a kernel, before any data."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from glutheory.figures.chart import Chart
from glutheory.layers import Stack
from glutheory.networks import Network, network, partner
from glutheory.shown import Shown
from glutheory.studies.given import networks_given
from glutheory.studies.json_head import record
from glutheory.studies.kernel.curves import Curves, check_variances, curves
from glutheory.studies.kernel.deep import StackCurves, stack_curves
from glutheory.studies.pairs import stack_pair

#: Points of a curve, equally spaced in the angle: the kernels bend most near ρ = ±1.
_POINTS = 201


@dataclass(frozen=True, repr=False)
class KernelStudy(Shown):
    """What `glutheory kernel` has found.

    Attributes:
        a, b: the variances of the pre-activations at the two inputs, ‖x‖²/d and ‖x'‖²/d.
        normalised: whether every curve is divided by its value at ρ = 1.
        table: the correlations of the table, ascending; the curves have more.
        curves: one for each activation.
        stacks: one for each stack, with gates or without.
    """

    a: float
    b: float
    normalised: bool
    table: tuple[float, ...]
    curves: tuple[Curves, ...]
    stacks: tuple[StackCurves, ...] = ()

    def __repr__(self) -> str:
        names = "; ".join([*(item.plain for item in self.curves), *(deep.plain for deep in self.stacks)])
        return f"<KernelStudy of {names}: variances {self.a:g} and {self.b:g}, {len(self.table)} correlations>"

    def as_json(self, charts: Sequence[Chart] = ()) -> dict[str, Any]:
        """Everything (docs/json.md), with the charts given."""
        curves = [
            {
                "plain": item.plain,
                "gated": item.gated,
                "rho": item.rho,
                **dict(zip(("S", "T", "K", "K_gated"), item.columns, strict=True)),
                "slopes": dict(zip(("S", "T", "K", "K_gated"), item.slopes, strict=True)),
            }
            for item in self.curves
        ]
        names = ("nngp", "nngp_gated", "ntk", "ntk_gated")
        stacks = [
            {
                "plain": item.plain,
                "gated": item.gated,
                "rho": item.rho,
                **dict(zip(names, item.columns, strict=True)),
                "slopes": dict(zip(names, item.slopes, strict=True)),
            }
            for item in self.stacks
        ]
        variances = {"a": self.a, "b": self.b}
        return record("kernel", **variances, normalised=self.normalised, curves=curves, stacks=stacks, charts=charts)


def kernel_study(
    networks: Network | Stack | str | Sequence[Network | Stack | str],
    *,
    a: float = 1.0,
    b: float | None = None,
    points: int = 21,
    normalised: bool = False,
    advance: Callable[[int, str], None] | None = None,
) -> KernelStudy:
    """The curves of every network's activation, and of every stack.

    Args:
        networks: non-gated or gated networks, or their names; those with the same activation count once. Stacks, with
            gates or without: of each the kernels of both.
        a: the variance of the pre-activation at one input, of a stack ‖x‖²/d; 1e-12 to 1e6.
        b: the same at the other; None: a.
        points: of the table, equally spaced in ρ from −1 to 1.
        normalised: divide every curve by its value at ρ = 1.
        advance: called with 0 and a name before each activation, with 1 and "" after it.

    Raises:
        DomainError: an argument outside its domain, a product of branches that is no gated network, or a normalised
            curve that is infinite or 0 at ρ = 1.
    """
    networks = networks_given(networks)
    b = a if b is None else b
    table = np.linspace(-1, 1, points)
    angles = np.cos(np.linspace(math.pi, 0, _POINTS))
    # both grids have 0 in the middle but for rounding
    rho = np.unique(np.concatenate([table, np.where(np.abs(angles) < 1e-15, 0.0, angles)]))
    check_variances(a, b)
    found: list[Curves] = []
    deep: list[StackCurves] = []
    wanted: list[Network | Stack] = [*plain_networks(net for net in networks if not isinstance(net, Stack))]
    for net in [*wanted, *stacks_of(networks)]:
        if advance is not None:
            advance(0, net.name)
        if isinstance(net, Stack):
            deep.append(stack_curves(net, rho, a, b))
        else:
            found.append(curves(net.gate, rho, a, b))
        if advance is not None:
            advance(1, "")
    if normalised:
        found, deep = [item.normalised for item in found], [item.normalised for item in deep]
    return KernelStudy(a, b, normalised, tuple(map(float, table)), tuple(found), tuple(deep))


def stacks_of(networks: Iterable[Network | Stack | str]) -> tuple[Stack, ...]:
    """The stacks among these, of a pair with gates and without the first one."""
    found: dict[object, Stack] = {}
    for net in networks:
        if isinstance(net, Stack):
            found.setdefault(stack_pair([net])[0].layers, net)
    return tuple(found.values())


def plain_networks(networks: Iterable[Network | str]) -> tuple[Network, ...]:
    """The non-gated networks with these activations under their usual names, each once.

    Raises:
        DomainError: a product of branches that is no gated network.
        UnknownNameError: no such network.
    """
    found = map(network, networks)
    return tuple(dict.fromkeys(partner(net if net.gated else partner(net)) for net in found))
