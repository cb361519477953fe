"""The forms of feed-forward networks: by the names of their linear maps, one table, or as a Sequential."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

from glutheory.errors import DomainError


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
    Form(("weights_in",), "weights_out"),  # DINOv2 of transformers: fused
    Form(("w12",), "w3"),  # DINOv2 of its authors: fused
    Form(("fc1_x", "fc1_g"), "fc2"),  # timm
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
    Form(("ffn",), "ffn_output"),  # ALBERT
    Form(("intermediate_dense",), "output_dense"),  # wav2vec 2.0, HuBERT
    Form(("pwconv1",), "pwconv2"),  # ConvNeXt
    Form(("pointwise_conv1",), "pointwise_conv2"),  # DINOv3's ConvNeXt
    Form(("dense1",), "dense2"),  # Perceiver, PVT
    Form(("linear_fc1",), "linear_fc2"),  # vision towers of Qwen3-VL
    Form(("intermediate",), "output"),  # ProphetNet
    Form(("intermediate_query.dense",), "output_query.dense"),  # Q-Former
    Form(("layer_1",), "layer_2"),  # XLNet
)

#: The roles that a user may give to names of linear maps.
ROLES = ("value", "gate", "readout")


def own_form(roles: Mapping[str, str]) -> Form:
    """The form of a user's network: which of its linear maps are the value's, the gate's (or hidden), the readout.

    Args:
        roles: "gate" and "readout" to names of submodules, dots for those within others; "value" as well for a gated
            network, whose gate alone has the activation. Without it the network is plain, or both are fused.

    Raises:
        DomainError: another role, one missing, or no name.
    """
    if not isinstance(roles, Mapping) or not {"gate", "readout"} <= set(roles) <= set(ROLES):
        given = ", ".join(map(str, roles)) if isinstance(roles, Mapping) else repr(roles)[:60]
        raise DomainError(
            f"roles has {given or 'nothing'}: give the names of the linear maps, gate and readout, and value where it "
            "is gated."
        )
    for role, name in roles.items():
        if not isinstance(name, str) or not name:
            raise DomainError(f"roles[{role!r}] is {name!r}: give the name of a linear map, such as 'fc1'.")
    branches = (roles["value"], roles["gate"]) if "value" in roles else (roles["gate"],)
    return Form(branches, roles["readout"])


#: Where a feed-forward network keeps its activation.
ACTIVATIONS = (
    "act_fn",
    "activation_fn",
    "activation_function",
    "act",
    "activation",
    "gelu_impl",
    "intermediate_act_fn",
    "intermediate.intermediate_act_fn",
    "intermediate_query.intermediate_act_fn",
)


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


def child(owner: nn.Module, path: str) -> Any:
    """The submodule of this path; None if there is none."""
    found: Any = owner
    for name in path.split("."):
        found = getattr(found, name, None)  # a ModuleList's members have numbers as names
    return found


def fits(owner: nn.Module, form: Form) -> tuple[tuple[nn.Module, ...], nn.Module] | None:
    """The maps of this form among the module's own children, (branches, readout); None if it has not this form."""
    children = owner._modules  # its direct children alone: a path that starts elsewhere is another owner's
    paths = (*form.branches, form.readout)
    if any(path.split(".")[0] not in children for path in paths):
        return None
    parts = [child(owner, path) for path in paths]
    matrices = [matrix(part) for part in parts]
    if any(found is None for found in matrices):
        return None
    *inward, outward = (found for found in matrices if found is not None)
    width = outward.shape[1]
    wide = {width, 2 * width} if len(inward) == 1 else {width}
    if len({found.shape for found in inward}) != 1 or inward[0].shape[0] not in wide:
        return None
    return tuple(parts[:-1]), parts[-1]


def in_a_row(owner: nn.Module) -> tuple[tuple[nn.Module, ...], nn.Module, nn.Module] | None:
    """(branches, readout, activation) of a list of modules: a linear map, an activation, a linear map; else None.

    Whatever comes before and after these is no linear map; dropout and identities do nothing in evaluation mode.
    """
    if not isinstance(owner, nn.Sequential | nn.ModuleList):
        return None
    parts = [part for part in owner if not isinstance(part, nn.Dropout | nn.Identity)]
    linear = [i for i, part in enumerate(parts) if matrix(part) is not None]
    if len(linear) != 2 or linear[1] - linear[0] != 2:
        return None
    first, activation, last = parts[linear[0] : linear[1] + 1]
    inward, outward = matrix(first), matrix(last)
    if inward is None or outward is None or inward.shape[0] not in (outward.shape[1], 2 * outward.shape[1]):
        return None
    return (first,), last, activation
