"""Which activation a module applies: recognised by its values, not by the name of its class.

Kernels are computed with the module's own function, whatever it is; the zoo is needed only to name it and to predict.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F  # noqa: N812 (torch's own habit)

from glutheory.activations import Activation, activation
from glutheory.layers.names import library_activation
from glutheory.networks import GATES, Network, gated, network, product

Function = Callable[[torch.Tensor], torch.Tensor]

#: Where two functions are compared, and how far apart they may be: GELU and its tanh approximation differ by 4.7e-4.
_LARGEST, _POINTS, _TOLERANCE = 6.0, 241, 1e-6
#: How far out a known function that is cut off shows it.
_FAR = 1000.0


@dataclass(frozen=True)
class Nonlinearity:
    """An elementwise function as found in a module.

    Attributes:
        name: its name here, or that of its class where it is none of the known ones.
        function: what is computed: the module's own function.
        zoo: the activation of the zoo that predicts its kernel, None if there is none.
    """

    name: str
    function: Function
    zoo: Activation | None = None

    def kind(self, is_gated: bool) -> str:
        """What people call the feed-forward network with it, e.g. SwiGLU, or plain GELU."""
        if not is_gated:
            return f"plain {self.name}"
        return _GATED_NAMES.get(self.name, f"gated {self.name}")

    def network(self, is_gated: bool) -> Network | None:
        """The network of the zoo, gated or not; None if the activation is not of the zoo."""
        if self.zoo is None:
            return None
        if not is_gated:
            return product(self.zoo, name=self.zoo.name)
        named = next((name for name, gate in GATES.items() if activation(gate) == self.zoo), None)
        return network(named) if named else gated(self.zoo)


@dataclass(frozen=True)
class _Known:
    name: str
    function: Function

    def found(self, function: Function | None = None) -> Nonlinearity:
        return Nonlinearity(self.name, function or self.function, library_activation(self.name))


_GATED_NAMES = {
    "silu": "SwiGLU",
    "gelu": "GEGLU",
    "tanh-gelu": "tanh-GEGLU",
    "relu": "ReGLU",
    "sigmoid": "GLU",
    "tanh": "GTU",
    "identity": "bilinear",
}

_KNOWN = (
    _Known("silu", F.silu),
    _Known("gelu", F.gelu),
    _Known("tanh-gelu", lambda z: F.gelu(z, approximate="tanh")),
    _Known("quick-gelu", lambda z: z * torch.sigmoid(1.702 * z)),
    _Known("relu", F.relu),
    _Known("relu2", lambda z: F.relu(z).square()),
    _Known("sigmoid", torch.sigmoid),
    _Known("tanh", torch.tanh),
    _Known("identity", lambda z: z),
)


def known() -> Iterator[Nonlinearity]:
    """All activations that have a name here: what to try where a module does not show its own."""
    return (entry.found() for entry in _KNOWN)


def recognise(function: Any) -> Nonlinearity | None:
    """The activation as data; None if it is no elementwise function of a tensor.

    Args:
        function: a module or any callable that maps a tensor to one of the same shape.
    """
    grid = torch.linspace(-_LARGEST, _LARGEST, _POINTS, dtype=torch.float64)
    try:
        with torch.no_grad():
            values = function(grid.clone())
            fewer = function(grid[::2].flip(0).clone())
    except (RuntimeError, TypeError, ValueError, AttributeError, LookupError):
        # a module that takes something else, or lives on another device: then there is nothing to compare
        return None
    if not isinstance(values, torch.Tensor) or values.shape != grid.shape:
        return None
    # other company and another order change nothing for an elementwise function
    if not torch.allclose(values[::2].flip(0), fewer, rtol=0, atol=_TOLERANCE):
        return None
    for entry in _KNOWN:
        if torch.allclose(entry.function(grid), values.double(), rtol=0, atol=_TOLERANCE):
            far = torch.linspace(-_FAR, _FAR, 11, dtype=torch.float64)
            same = torch.allclose(entry.function(far), function(far.clone()).double(), rtol=_TOLERANCE, atol=_TOLERANCE)
            return entry.found(function) if same else Nonlinearity(f"clamped {entry.name}", function)
    return Nonlinearity(getattr(function, "__name__", type(function).__name__), function)


def value_and_slope(function: Function, z: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """φ(z) and φ'(z), elementwise; at a kink the slope is what torch says (0 for ReLU at 0)."""
    with torch.enable_grad():
        argument = z.detach().requires_grad_(True)
        # a copy: a module may work in place
        value = function(argument.clone())
        (slope,) = torch.autograd.grad(value.sum(), argument)
    return value.detach(), slope
