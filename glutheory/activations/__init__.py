"""Activation functions as data: a SymPy definition in the symbol `Z`, and the zoo, one table.

Nothing here knows how a kernel is computed: the three roads (symbolic, quadrature, sampling) all start from
`Activation.expr`.
"""

from __future__ import annotations

from glutheory.activations.names import canonical, nearest, unknown
from glutheory.activations.record import Activation, activation
from glutheory.activations.zoo import Z, activation_names

__all__ = ["Activation", "Z", "activation", "activation_names", "canonical", "nearest", "unknown"]
