"""The NTK of any torch module, layer by layer: the Gram matrix of its Jacobian, which is never formed as a whole."""

from __future__ import annotations

from glutheory.sampling.modules.interface import module_ntk

__all__ = ["module_ntk"]
