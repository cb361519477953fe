"""Layers whose per-sample gradients have a known form: linear, convolution, embedding, layer normalisation."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import torch
from torch import nn
from torch.nn import functional

from glutheory.sampling.modules.contractions import Products, looked_up, outer
from glutheory.sampling.modules.sinks import Sink

Tensor = torch.Tensor
Names = Mapping[str, str]
#: Hands the gradients, or their products, to a sink: from the layer, its input and the derivatives with respect to its
#: output (both with the samples' axis in front and the entries of each sample behind: shape (n, per, …)), the names of
#: the parameters wanted, with those in the model, and which products.
Contraction = Callable[[Any, Tensor, Tensor, Names, Products, Sink], None]


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


def _linear(_: nn.Linear, x: Tensor, g: Tensor, names: Names, how: Products, sink: Sink) -> None:
    a, b = (y.reshape(len(y), -1, y.shape[-1]) for y in (x, g))
    _affine(a, b, names, how, sink)


def _transposed(_: Any, x: Tensor, g: Tensor, names: Names, how: Products, sink: Sink) -> None:
    # the weight of transformers' Conv1D is that of a linear layer, transposed: inner products stay the same
    a, b = (y.reshape(len(y), -1, y.shape[-1]) for y in (x, g))
    _affine(a, b, names, how, sink)


def _convolution(module: nn.Conv2d, x: Tensor, g: Tensor, names: Names, how: Products, sink: Sink) -> None:
    n, x, g = len(x), x.flatten(0, 1), g.flatten(0, 1)
    assert not isinstance(module.padding, str)
    patches = functional.unfold(x, module.kernel_size, module.dilation, module.padding, module.stride)
    a, b = (y.mT.reshape(n, -1, y.shape[1]) for y in (patches, g.flatten(2)))
    _affine(a, b, names, how, sink)


def _affine(a: Tensor, g: Tensor, names: Names, how: Products, sink: Sink) -> None:
    if a.shape[1] == 1:
        sink = sink.single(a[:, 0], g[:, 0], names)
    if sink.joined and len(names) == 2 and a.shape[1] == 1:
        # the bias is the weight of one more input that is 1: no products of its own
        a, names = functional.pad(a, (0, 1), value=1.0), {"weight": names["weight"]}
    if "weight" in names:
        outer(a, g, how, partial(sink.rows, names["weight"]), partial(sink.pairs, names["weight"]))
    if "bias" in names:
        sink.rows(names["bias"], g.sum(dim=1))


def _embedding(module: nn.Embedding, x: Tensor, g: Tensor, names: Names, how: Products, sink: Sink) -> None:
    ids = x.reshape(len(x), -1)
    g = g.reshape(*ids.shape, g.shape[-1])
    if module.padding_idx is not None:
        # torch gives this row no gradient
        g = g * (ids != module.padding_idx)[..., None]
    looked_up(ids, g, how, partial(sink.rows, names["weight"]), partial(sink.pairs, names["weight"]))


def _normalisation(module: nn.LayerNorm, x: Tensor, g: Tensor, names: Names, _: Products, sink: Sink) -> None:
    shape = module.normalized_shape
    if "weight" in names:
        standard = functional.layer_norm(x, shape, None, None, module.eps)
        sink.rows(names["weight"], (standard * g).reshape(len(x), -1, *shape).sum(dim=1).flatten(1))
    if "bias" in names:
        sink.rows(names["bias"], g.reshape(len(x), -1, *shape).sum(dim=1).flatten(1))


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
