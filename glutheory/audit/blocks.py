"""Find the feed-forward networks inside a model: by their structure, not by a list of classes.

A network is recognised by the names of its linear maps, in one table. What it computes between them, which half of a
fused map is the gate and which activation it has, is read from it and then held against what the model does
compute: a reading that does not reproduce the model's own hidden features is refused.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import nn

from glutheory.audit.kernels import Weights, hidden
from glutheory.audit.nonlinearities import Nonlinearity, known, recognise
from glutheory.networks import Network
from glutheory.sampling.differentiable import differentiable


@dataclass(frozen=True)
class Form:
    """Names of submodules that make a feed-forward network.

    Attributes:
        branches: the maps into the hidden layer: (value, gate), or one: plain, or both fused where it is twice as wide.
        readout: the map out of it.
    """

    branches: tuple[str, ...]
    readout: str

    def __str__(self) -> str:
        return " + ".join((*reversed(self.branches), self.readout))


#: Gated forms first: the plain ones are parts of some of them.
FORMS = (
    Form(("up_proj", "gate_proj"), "down_proj"),  # Llama, Qwen, Gemma, Mistral
    Form(("wi_1", "wi_0"), "wo"),  # T5 v1.1
    Form(("w3", "w1"), "w2"),  # Meta's own Llama
    Form(("branches.0", "branches.1"), "readout"),  # glutheory.sampling.FeedForward
    Form(("gate_up_proj",), "down_proj"),  # Phi-3, GLM: fused
    Form(("weights_in",), "weights_out"),  # DINOv2: fused
    Form(("Wi",), "Wo"),  # ModernBERT: fused
    Form(("branches.0",), "readout"),
    Form(("c_fc",), "c_proj"),  # GPT-2
    Form(("fc1",), "fc2"),  # ViT, CLIP, OPT, Phi
    Form(("fc_in",), "fc_out"),  # GPT-J
    Form(("lin1",), "lin2"),  # DistilBERT
    Form(("linear1",), "linear2"),  # torch.nn.TransformerEncoderLayer
    Form(("wi",), "wo"),  # T5
    Form(("up_proj",), "down_proj"),  # Nemotron
    Form(("dense_h_to_4h",), "dense_4h_to_h"),  # GPT-NeoX, Falcon, BLOOM
    Form(("intermediate.dense",), "output.dense"),  # BERT, older ViT
)

#: Where a feed-forward network keeps its activation.
_ACTIVATIONS = (
    "act_fn",
    "activation_fn",
    "act",
    "activation",
    "gelu_impl",
    "intermediate_act_fn",
    "intermediate.intermediate_act_fn",
)

#: Largest distance between the features read and those computed, relative to their norm, in roundings of the dtype.
_ROUNDINGS, _LEAST = 8.0, 1e-4


@dataclass(frozen=True)
class Block:
    """A feed-forward network as found; nothing of it is copied or changed.

    Attributes:
        name: the path of the module that owns it.
        index: its place among all that were found, from 0.
        owner: that module.
        branches: the linear maps into the hidden layer, as in `Form`.
        readout: the linear map out of it.
    """

    name: str
    index: int
    owner: nn.Module
    branches: tuple[nn.Module, ...]
    readout: nn.Module

    @property
    def parameters(self) -> int:
        """How many parameters its linear maps have."""
        return sum(parameter.numel() for part in (*self.branches, self.readout) for parameter in part.parameters())


def matrix(module: Any) -> torch.Tensor | None:
    """The matrix of a linear map, shape (outputs, inputs); None if the module is none that can be read.

    Known are torch's Linear and transformers' Conv1D, which stores the transpose; quantised weights cannot be read.
    """
    weight = getattr(module, "weight", None)
    if not isinstance(weight, torch.Tensor) or weight.ndim != 2 or not weight.is_floating_point():
        return None
    if isinstance(module, nn.Linear):
        return weight.detach()
    return weight.detach().mT if type(module).__name__ == "Conv1D" else None


def _child(owner: nn.Module, path: str) -> Any:
    found: Any = owner
    for name in path.split("."):
        found = getattr(found, name, None)  # a ModuleList's members have numbers as names
    return found


def _fits(owner: nn.Module, form: Form) -> tuple[tuple[nn.Module, ...], nn.Module] | None:
    children = owner._modules  # its direct children alone: a path that starts elsewhere is another owner's
    paths = (*form.branches, form.readout)
    if any(path.split(".")[0] not in children for path in paths):
        return None
    parts = [_child(owner, path) for path in paths]
    matrices = [matrix(part) for part in parts]
    if any(found is None for found in matrices):
        return None
    *inward, outward = (found for found in matrices if found is not None)
    width = outward.shape[1]
    wide = {width, 2 * width} if len(inward) == 1 else {width}
    if len({found.shape for found in inward}) != 1 or inward[0].shape[0] not in wide:
        return None
    return tuple(parts[:-1]), parts[-1]


def find_blocks(model: nn.Module) -> tuple[Block, ...]:
    """All feed-forward networks of a model, in its own order."""
    found: list[Block] = []
    for name, module in model.named_modules():
        fits = next((fit for form in FORMS if (fit := _fits(module, form))), None)
        if fits:
            found.append(Block(name or type(module).__name__, len(found), module, *fits))
    return tuple(found)


def unreadable(model: nn.Module) -> str:
    """Why a model may have no block that can be read: a clause that names a module, or an empty string."""
    for name, module in model.named_modules():
        kind = type(module).__name__
        if "Experts" in kind or "experts" in module._modules:
            return f"{name or kind} is a mixture of experts ({kind}), which is not supported"
        for form in FORMS:
            parts = [_child(module, path) for path in (*form.branches, form.readout)]
            if all(isinstance(part, nn.Module) for part in parts):
                names = ", ".join(sorted({type(part).__name__ for part in parts}))
                return f"{name or kind} has {form}, but their weights ({names}) cannot be read as matrices"
    return ""


def _activations(block: Block) -> Iterator[Nonlinearity]:
    """What a module shows as its activation; if nothing, all that are known, one of which may be right."""
    shown = (_child(block.owner, path) for path in _ACTIVATIONS)
    found = [own for function in shown if callable(function) and (own := recognise(function))]
    network = getattr(block.owner, "network", None)
    if isinstance(network, Network):  # our own FeedForward, with any activation
        gate = network.gate
        own = recognise(differentiable(gate))
        found = [own if own and own.zoo else Nonlinearity(gate.label, differentiable(gate), gate)]
    yield from found or known()


def readings(block: Block) -> Iterator[Weights]:
    """What the block may compute, the most likely first."""
    matrices = [found for part in block.branches if (found := matrix(part)) is not None]
    biases = [None if (bias := getattr(part, "bias", None)) is None else bias.detach() for part in block.branches]
    readout = matrix(block.readout)
    assert readout is not None  # find_blocks has seen it
    offset = getattr(block.readout, "bias", None)
    fused = len(matrices) == 1 and matrices[0].shape[0] == 2 * readout.shape[1]
    if fused:
        gate, value = matrices[0].chunk(2)
        gate_bias, value_bias = (None, None) if biases[0] is None else biases[0].chunk(2)
        matrices, biases = [value, gate], [value_bias, gate_bias]
    for activation in _activations(block):
        own = Weights(tuple(matrices), tuple(biases), readout, None if offset is None else offset.detach(), activation)
        yield own
        if fused:
            yield replace(own, branches=own.branches[::-1], biases=own.biases[::-1])


def distance(weights: Weights, X: torch.Tensor, features: torch.Tensor) -> float:
    """‖h(X) − features‖/‖features‖: how far a reading is from what the model computes."""
    return float((hidden(weights, X) - features.double()).norm() / features.double().norm().clamp_min(1e-300))


def tolerance(dtype: torch.dtype) -> float:
    """The largest `distance` that rounding explains in a model of this dtype."""
    return max(_LEAST, _ROUNDINGS * torch.finfo(dtype).eps)
