"""Layers whose per-sample gradients have a known form: linear, convolution, embedding, layer normalisation."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import nn
from torch.nn import functional

from glutheory.sampling.modules.contractions import Products, looked_up, outer, rows

Tensor = torch.Tensor
#: Gram matrices by the name of the parameter, from the layer, its input and the derivatives with respect to its output
#: (both with the samples' axis in front and the entries of each sample behind: shape (n, per, …)), the names wanted,
#: and which products.
Contraction = Callable[[Any, Tensor, Tensor, tuple[str, ...], Products], dict[str, Tensor]]


def contraction(module: nn.Module) -> Contraction | None:
    """How the Gram matrices of this very layer are formed; None for any other module, subclasses that do more too."""
    if any(parameter.is_complex() for parameter in module.parameters(recurse=False)):
        return None
    if type(module).__name__ == "Conv1D" and type(module).__module__ == "transformers.pytorch_utils":
        return _transposed
    for kind, found in _TABLE.items():
        if isinstance(module, kind) and type(module).forward is kind.forward and found[0](module):
            return found[1]
    return None


def _linear(_: nn.Linear, x: Tensor, g: Tensor, names: tuple[str, ...], how: Products) -> dict[str, Tensor]:
    a, b = (y.reshape(len(y), -1, y.shape[-1]) for y in (x, g))
    return _affine(a, b, names, how)


def _transposed(_: Any, x: Tensor, g: Tensor, names: tuple[str, ...], how: Products) -> dict[str, Tensor]:
    # the weight of transformers' Conv1D is that of a linear layer, transposed: inner products stay the same
    return _linear(_, x, g, names, how)


def _convolution(module: nn.Conv2d, x: Tensor, g: Tensor, names: tuple[str, ...], how: Products) -> dict[str, Tensor]:
    n, x, g = len(x), x.flatten(0, 1), g.flatten(0, 1)
    assert not isinstance(module.padding, str)
    patches = functional.unfold(x, module.kernel_size, module.dilation, module.padding, module.stride)
    a, b = (y.mT.reshape(n, -1, y.shape[1]) for y in (patches, g.flatten(2)))
    return _affine(a.contiguous(), b, names, how)


def _affine(a: Tensor, g: Tensor, names: tuple[str, ...], how: Products) -> dict[str, Tensor]:
    found = {}
    if "weight" in names:
        found["weight"] = outer(a, g, how)
    if "bias" in names:
        found["bias"] = rows(g.sum(dim=1), how)
    return found


def _embedding(module: nn.Embedding, x: Tensor, g: Tensor, _: tuple[str, ...], how: Products) -> dict[str, Tensor]:
    ids = x.reshape(len(x), -1)
    g = g.reshape(*ids.shape, g.shape[-1])
    if module.padding_idx is not None:
        # torch gives this row no gradient
        g = g * (ids != module.padding_idx)[..., None]
    return {"weight": looked_up(ids, g, how)}


def _normalisation(
    module: nn.LayerNorm, x: Tensor, g: Tensor, names: tuple[str, ...], how: Products
) -> dict[str, Tensor]:
    shape = module.normalized_shape
    found = {}
    if "weight" in names:
        standard = functional.layer_norm(x, shape, None, None, module.eps)
        found["weight"] = rows((standard * g).reshape(len(x), -1, *shape).sum(dim=1), how)
    if "bias" in names:
        found["bias"] = rows(g.reshape(len(x), -1, *shape).sum(dim=1), how)
    return found


def _always(_: Any) -> bool:
    return True


#: For each class: whether the form applies to a layer of it, and the form.
_TABLE: dict[type[nn.Module], tuple[Callable[[Any], bool], Contraction]] = {
    nn.Linear: (_always, _linear),
    nn.Conv2d: (
        lambda layer: layer.groups == 1 and layer.padding_mode == "zeros" and not isinstance(layer.padding, str),
        _convolution,
    ),
    nn.Embedding: (
        lambda layer: not layer.scale_grad_by_freq,
        _embedding,
    ),
    nn.LayerNorm: (_always, _normalisation),
}
