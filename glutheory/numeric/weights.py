"""The scales of a network's weights: the variance of each branch and the constants of its two kernels.

    NNGP = front ∏_i S_i          NTK = readout ∏_i S_i + Σ_i share_i c_i T_i ∏_{j≠i} S_j

    standard   a_i = σ_i² ‖x‖²      front = m σ_v²   readout = m      share_i = m σ_v²/σ_i²
    ntk        a_i = σ_i² ‖x‖²/d    front = σ_v²     readout = σ_v²   share_i = σ_v²

In the ntk parametrisation the trained weights have unit variance and every scale stands outside, σ_i and σ_v included
(Jacot et al. 2018); in the standard one the weights themselves have these variances.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from numbers import Integral
from typing import Any

from glutheory.errors import DomainError
from glutheory.ground.exact import as_exact
from glutheory.networks import Network

PARAMETRIZATIONS = ("ntk", "standard")


@dataclass(frozen=True)
class Scales:
    """The constants above, exact.

    Attributes:
        variances: of each branch's pre-activation for ‖x‖ = 1.
        front, readout, shares: as above.
    """

    variances: tuple[Fraction, ...]
    front: Fraction
    readout: Fraction
    shares: tuple[Fraction, ...]


def _variance(role: str, value: Any) -> Fraction:
    exact = as_exact(f"variances[{role!r}]", value)
    if not isinstance(exact, Fraction) or exact <= 0:
        raise DomainError(f"variances[{role!r}] is {value!r}: give a positive number (int, float, Fraction, str).")
    return exact


def _width(width: Any) -> int:
    if isinstance(width, bool) or not isinstance(width, Integral) or width < 1:
        raise DomainError(
            f"width is {width!r}: the standard parametrisation needs the number of hidden units, a positive integer."
        )
    return int(width)


def scales(
    network: Network, d: int, parametrization: str, width: int | None, variances: Mapping[str, Any] | None
) -> Scales:
    """The constants for inputs of d features; see `gram` for the arguments.

    Raises:
        DomainError: an unknown parametrisation or role, a width or a variance that is not positive.
    """
    if parametrization not in PARAMETRIZATIONS:
        raise DomainError(f"parametrization is {parametrization!r}: use {' or '.join(map(repr, PARAMETRIZATIONS))}.")
    standard = parametrization == "standard"
    given = {role: _variance(role, value) for role, value in (variances or {}).items()}
    known = ("readout", *network.roles)
    unknown = [role for role in given if role not in known]
    if unknown:
        raise DomainError(
            f"variances has the key {unknown[0]!r}: the weights of {network.name!r} are {', '.join(known)}."
        )
    m = _width(width) if standard else 1
    readout = given.get("readout", Fraction(1, m))
    own = tuple(given.get(role, Fraction(1, d) if standard else Fraction(1)) for role in network.roles)
    if standard:
        return Scales(own, m * readout, Fraction(m), tuple(m * readout / value for value in own))
    return Scales(tuple(value / d for value in own), readout, readout, tuple(readout for _ in own))
