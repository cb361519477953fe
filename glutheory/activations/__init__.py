"""Activation functions as data: a SymPy definition in the symbol `Z`, and the zoo, one table.

Nothing here knows how a kernel is computed: the three roads (symbolic, quadrature, sampling) all start from
`Activation.expr`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from glutheory.activations.names import canonical, nearest, unknown
from glutheory.activations.record import Activation, activation
from glutheory.activations.zoo import activation_names
from glutheory.faces import lazy

if TYPE_CHECKING:
    from glutheory.activations.variable import Z

__all__ = ["Activation", "Z", "activation", "activation_names", "canonical", "nearest", "unknown"]

#: SymPy comes with z: the zoo's names and numbers are there without it.
__getattr__ = lazy(__name__, {"glutheory.activations.variable": ("Z",)})
