"""glutheory: kernels of gated and non-gated networks, derived, evaluated with certified digits, and verified.

The public names; importing this imports neither torch nor matplotlib.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from glutheory.activations import Activation, activation, activation_names
from glutheory.errors import (
    DerivationError,
    DomainError,
    ExpressionError,
    GlutheoryError,
    MissingDependencyError,
    PrecisionError,
    UnknownNameError,
)
from glutheory.networks import Network, gated, network, network_names, product
from glutheory.quadrature import enclose
from glutheory.symbolic import derivation, evaluate

if TYPE_CHECKING:
    from glutheory.numeric import gram
    from glutheory.spectra import condition_number

__version__ = "0.1.0"

__all__ = [
    "Activation",
    "DerivationError",
    "DomainError",
    "ExpressionError",
    "GlutheoryError",
    "MissingDependencyError",
    "Network",
    "PrecisionError",
    "UnknownNameError",
    "activation",
    "activation_names",
    "condition_number",
    "derivation",
    "enclose",
    "evaluate",
    "gated",
    "gram",
    "network",
    "network_names",
    "product",
]


def __getattr__(name: str) -> Any:
    # numpy costs half as much as all the rest: who only derives does not wait for it
    if name == "gram":
        from glutheory.numeric import gram

        return gram
    if name == "condition_number":
        from glutheory.spectra import condition_number

        return condition_number
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
