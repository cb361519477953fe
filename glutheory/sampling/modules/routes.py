"""Where the gradients of a parameter are taken, and in which way."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from glutheory.sampling.modules.batches import Layout


@dataclass(frozen=True)
class Route:
    """Where the gradients of some parameters are taken.

    Attributes:
        path: of the module in the model; "" is the model itself.
        layout: the samples' axes there.
        names: of the parameters in that module, with their names in the model.
        structured: by the known form of the layer, not by torch.func.
        plain: by plain automatic differentiation of the whole model, one row after the other.
    """

    path: str
    layout: Layout
    names: Mapping[str, str]
    structured: bool
    plain: bool = False

    @property
    def way(self) -> str:
        """How the gradients are taken, in the words of `Blocks`."""
        if not self.path:
            return "autograd" if self.plain else "model"
        return "layer" if self.structured else "module"
