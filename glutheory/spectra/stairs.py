"""The levels of a wide network's kernel on the sphere: multiplicity, share and floor of each; exact constants.

At LeCun's variances and m → ∞ the NTK over m is f(ρ) on inputs of norm √d: κ = S(1,1,ρ) for one branch, ρκ with a gate.
To leading order in 1/d the share N_l λ_l of level l is the Taylor coefficient f_l.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import sympy as sp

from glutheory.errors import DomainError
from glutheory.networks import Network
from glutheory.networks import network as named_network
from glutheory.spectra.sphere import Level, funk_hecke
from glutheory.spectra.zonal import closed_kernel, kernel_series

#: The input dimension in exact constants.
DIMENSION = sp.Symbol("d", positive=True)
#: Numbers of Taylor coefficients to try, and the relative accuracy of a level's share that ends the trial.
_TERMS, _ACCURACY = (12, 24, 40), 1e-9


@lru_cache(maxsize=256)
def _total(net: Network) -> float:
    """f(1)."""
    return float(kernel_series(net, "nngp", 12).total.mid())


@dataclass(frozen=True)
class Stair:
    """One level of a wide kernel.

    Attributes:
        level: l.
        multiplicity: N_l.
        eigenvalue: λ_l.
        weight: N_l λ_l, the level's share of f(1); tends to the Taylor coefficient f_l as d grows.
        floor: f(1) minus the shares up to this level: what λ_n tends to for N_l ≪ n ≪ N_(l+1).
    """

    level: int
    multiplicity: int
    eigenvalue: float
    weight: float
    floor: float


def _levels(net: Network, d: int, levels: int) -> tuple[Level, ...]:
    """The eigenvalues from as few Taylor coefficients as will do: in high dimension the first ones are all."""
    for terms in _TERMS:
        found = funk_hecke(net, d, levels, kind="nngp", terms=terms)
        if max(item.error * item.multiplicity for item in found) < _ACCURACY * _total(net):
            break
    return found


@lru_cache(maxsize=1024)
def stairs(network: Network | str, d: int, levels: int = 4) -> tuple[Stair, ...]:
    """The levels 0, 1, … of a wide network's kernel (LeCun, m → ∞, per m) on inputs of norm √d.

    The staircase of floors: λ_n falls by one step each time n passes the dimension of the next level of harmonics.

    Raises:
        DomainError: d < 2 or no levels.
    """
    net = named_network(network)
    left, found = _total(net), []
    for item in _levels(net, d, levels):
        share = item.multiplicity * item.value
        left -= share
        found.append(Stair(item.level, item.multiplicity, item.value, share, max(left, 0.0)))
    return tuple(found)


@dataclass(frozen=True)
class Constants:
    """K/m ≈ α XXᵀ + β rrᵀ + γ diag(r²) on inputs of norm √d, r_i = ‖x_i‖, exactly up to the order stated.

    Attributes:
        alpha, beta, gamma: SymPy expressions; the relative error is O(1/d²).
    """

    alpha: sp.Expr
    beta: sp.Expr
    gamma: sp.Expr


def constants(network: Network | str, d: Any = DIMENSION) -> Constants:
    """The exact constants of K/m ≈ α XXᵀ + β rrᵀ + γ diag(r²), LeCun, m → ∞, inputs of norm √d.

    From the levels 0 and 1 to relative order 1/d: β d = λ_0 = f_0 + f_2/d, α d = d λ_1 = f_1 + 3f_3/d, and γ d is what
    is left of f(1).

    Args:
        network: one whose activations have elementary duals: the ReLU family, gelu, erf, gated or not.
        d: the dimension, a number or a symbol.

    Raises:
        DomainError: an activation without elementary dual.
    """
    net = named_network(network)
    kernel, rho = closed_kernel(net, "nngp")
    if kernel is None:
        raise DomainError(
            f"network is {net.name!r}: it has no elementary dual on the sphere; use `stairs` for numbers."
        )
    f = [sp.simplify(sp.diff(kernel, rho, k).subs(rho, 0) / sp.factorial(k)) for k in range(4)]
    spike, linear = f[0] + f[2] / d, f[1] + 3 * f[3] / d
    floor = sp.simplify(kernel.subs(rho, 1)) - spike - linear
    return Constants(*(sp.expand(x / d) for x in (linear, spike, floor)))
