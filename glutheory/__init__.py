"""glutheory: kernels of gated and non-gated networks, derived, evaluated with certified digits, and verified.

The public names; importing this imports neither torch nor matplotlib.
"""

from __future__ import annotations

from glutheory.activations import Activation, activation, activation_names
from glutheory.errors import (
    DerivationError,
    DomainError,
    ExpressionError,
    GlutheoryError,
    PrecisionError,
    UnknownNameError,
)
from glutheory.networks import Network, gated, network, network_names, product
from glutheory.quadrature import enclose
from glutheory.symbolic import derivation, evaluate

__version__ = "0.1.0"

__all__ = [
    "Activation",
    "DerivationError",
    "DomainError",
    "ExpressionError",
    "GlutheoryError",
    "Network",
    "PrecisionError",
    "UnknownNameError",
    "activation",
    "activation_names",
    "derivation",
    "enclose",
    "evaluate",
    "gated",
    "network",
    "network_names",
    "product",
]
