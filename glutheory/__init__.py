"""glutheory: kernels of gated and non-gated networks, derived, evaluated with certified digits, and verified.

The public names; each is imported when it is first asked for.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from glutheory.errors import (
    DerivationError,
    DomainError,
    ExpressionError,
    GlutheoryError,
    MissingDependencyError,
    PerformanceWarning,
    PrecisionError,
    UnknownNameError,
)
from glutheory.faces import lazy

if TYPE_CHECKING:
    from glutheory import symbols
    from glutheory.activations import Activation, activation, activation_names
    from glutheory.layers import Stack, composed, stack
    from glutheory.networks import Network, gated, network, network_names, product
    from glutheory.numeric import entry_error, gram
    from glutheory.quadrature import enclose
    from glutheory.spectra import condition_number
    from glutheory.symbolic import derivation, evaluate

__version__ = "0.1.0"

__all__ = [
    "Activation",
    "DerivationError",
    "DomainError",
    "ExpressionError",
    "GlutheoryError",
    "MissingDependencyError",
    "Network",
    "PerformanceWarning",
    "PrecisionError",
    "Stack",
    "UnknownNameError",
    "activation",
    "activation_names",
    "composed",
    "condition_number",
    "derivation",
    "enclose",
    "entry_error",
    "evaluate",
    "gated",
    "gram",
    "network",
    "network_names",
    "product",
    "stack",
    "symbols",
]

#: Where the names are that the exceptions do not include; SymPy and numpy come with them.
_HOMES = {
    "glutheory.activations": ("Activation", "activation", "activation_names"),
    "glutheory.layers": ("Stack", "composed", "stack"),
    "glutheory.networks": ("Network", "gated", "network", "network_names", "product"),
    "glutheory.numeric": ("entry_error", "gram"),
    "glutheory.quadrature": ("enclose",),
    "glutheory.spectra": ("condition_number",),
    "glutheory.symbolic": ("derivation", "evaluate"),
    "glutheory.symbols": ("symbols",),
}


__getattr__ = lazy(__name__, _HOMES)


def __dir__() -> list[str]:
    return sorted({name for name in globals() if name.startswith("__")} | {*__all__})
