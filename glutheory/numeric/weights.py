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
from typing import Any

from glutheory.networks import Network, weights


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


def scales(
    network: Network, d: int, parametrization: str, width: int | None, variances: Mapping[str, Any] | None
) -> Scales:
    """The constants for inputs of d features; see `gram` for the arguments.

    Raises:
        DomainError: as `glutheory.networks.weights` does.
    """
    found = weights(network, d, parametrization, width, variances)
    own, readout = found.branches, found.width * found.readout
    if found.standard:
        return Scales(own, readout, Fraction(found.width), tuple(readout / value for value in own))
    return Scales(tuple(value / d for value in own), readout, readout, (readout,) * len(own))
