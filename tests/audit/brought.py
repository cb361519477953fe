"""Feed-forward networks that people bring to `glutheory audit`, one row each, and what is right for each.

The right value is the condition number of the NTK by its definition: the Jacobian, by torch.func in float64, of the
formula written out here, at the inputs that a hook of the test's own has caught. The rows are part of `tests.needs`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812 (torch's own habit)
from torch import nn
from torch.func import jacrev

from glutheory.audit import audit, models
from glutheory.audit.inputs import example
from tests.audit.audit_models import ENCODER, rows
from tests.audit.audited_blocks import gram_of

N, LENGTH = 6, 4


@dataclass(frozen=True)
class Brought:
    """A row of the table.

    Attributes:
        need: who needs it, and what was there before.
        made: how to make the model.
        maps: paths of the linear maps: (value, gate) or one branch, then the readout; a path with ":0" or ":1" is the
            first or second half of a fused map.
        phi: what is right between them.
        name: the block that is reported.
        kind: what it is called.
        arguments: features of rows for the model, or None: the audit's own examples.
        alone: features of rows given to the network alone.
    """

    need: str
    made: Callable[[], nn.Module]
    maps: tuple[str, ...]
    phi: Callable[[torch.Tensor], torch.Tensor]
    name: str
    kind: str
    arguments: int | None = None
    alone: int | None = None


class TimmSwiGLU(nn.Module):
    """A gated network as timm's vision towers name its parts."""

    def __init__(self) -> None:
        super().__init__()
        self.fc1_g, self.fc1_x, self.fc2 = nn.Linear(6, 10), nn.Linear(6, 10), nn.Linear(10, 6)
        self.act, self.norm, self.drop1 = nn.SiLU(), nn.Identity(), nn.Dropout(0.1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.fc2(self.norm(self.drop1(self.act(self.fc1_g(x)) * self.fc1_x(x))))  # type: ignore[no-any-return]


class AuthorsSwiGLU(nn.Module):
    """A gated network as the authors of DINOv2 name its parts: the gate is the first half."""

    def __init__(self) -> None:
        super().__init__()
        self.w12, self.w3 = nn.Linear(6, 20), nn.Linear(10, 6)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        gate, value = self.w12(x).chunk(2, dim=-1)
        return self.w3(F.silu(gate) * value)  # type: ignore[no-any-return]


class InAModel(nn.Module):
    """Two of them, one after the other."""

    def __init__(self, *parts: nn.Module) -> None:
        super().__init__()
        self.blocks = nn.ModuleList(parts)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        for block in self.blocks:
            x = x + block(x)
        return x


def tiny(name: str, **fields: Any) -> Callable[[], nn.Module]:
    return lambda: models.build(name, fields).model


def speech(name: str) -> Callable[[], nn.Module]:
    return tiny(
        name, **ENCODER, conv_dim=[16, 16], conv_kernel=[4, 4], conv_stride=[4, 4], num_feat_extract_layers=2,
        num_conv_pos_embeddings=4, num_conv_pos_embedding_groups=2,
    )  # fmt: skip


ALBERT = "encoder.albert_layer_groups.0.albert_layers.0"

BROUGHT: dict[str, Brought] = {
    "Sequential": Brought(
        "models written in a notebook: the network is a Sequential, which was not found at all",
        lambda: InAModel(nn.Sequential(nn.Linear(6, 12), nn.GELU(), nn.Linear(12, 6))),
        ("blocks.0.0", "blocks.0.2"), F.gelu, "blocks.0", "plain gelu", 6,
    ),
    "Sequential with a norm and dropout": Brought(
        "vision transformers from tutorials: normalisation and dropout stand in the same Sequential",
        lambda: InAModel(
            nn.Sequential(
                nn.LayerNorm(6), nn.Linear(6, 12), nn.ReLU(), nn.Dropout(0.1), nn.Linear(12, 6), nn.Dropout(0.1)
            )
        ),
        ("blocks.0.1", "blocks.0.4"), F.relu, "blocks.0", "plain relu", 6,
    ),
    "Sequential with nn.GLU": Brought(
        "gated convolution-free blocks: torch's own GLU gates by its second half",
        lambda: InAModel(nn.Sequential(nn.Linear(6, 20), nn.GLU(), nn.Linear(10, 6))),
        ("blocks.0.0:0", "blocks.0.0:1", "blocks.0.2"), torch.sigmoid, "blocks.0", "GLU", 6,
    ),
    "w12 and w3": Brought(
        "DINOv2 as its authors publish it: gate and value in one map",
        lambda: InAModel(AuthorsSwiGLU()),
        ("blocks.0.w12:1", "blocks.0.w12:0", "blocks.0.w3"), F.silu, "blocks.0", "SwiGLU", 6,
    ),
    "fc1_g and fc1_x": Brought(
        "timm's SwiGLU towers", lambda: InAModel(TimmSwiGLU()),
        ("blocks.0.fc1_x", "blocks.0.fc1_g", "blocks.0.fc2"), F.silu, "blocks.0", "SwiGLU", 6,
    ),
    "ALBERT": Brought(
        "ALBERT, one layer that serves all", tiny("albert", **ENCODER, embedding_size=16, vocab_size=200),
        (f"{ALBERT}.ffn", f"{ALBERT}.ffn_output"),
        lambda z: F.gelu(z, approximate="tanh"), ALBERT, "plain tanh-gelu",
    ),
    "XLNet": Brought(
        "XLNet, whose maps are called layer_1 and layer_2",
        tiny("xlnet", d_model=32, n_layer=2, n_head=2, d_inner=64, vocab_size=200),
        ("layer.0.ff.layer_1", "layer.0.ff.layer_2"), F.gelu, "layer.0.ff", "plain gelu",
    ),
    "ConvNeXt": Brought(
        "ConvNeXt, whose pointwise convolutions are linear maps over the channels",
        tiny("convnext", hidden_sizes=[8, 16], depths=[1, 1], num_stages=2, image_size=32, layer_scale_init_value=1.0),
        ("encoder.stages.0.layers.0.pwconv1", "encoder.stages.0.layers.0.pwconv2"), F.gelu,
        "encoder.stages.0.layers.0", "plain gelu",
    ),
}  # fmt: skip
# speech models read no tokens: their inputs are rows, given to the network alone
BROUGHT |= {
    name: Brought(
        f"{name}, a speech encoder, whose network has intermediate_dense and output_dense", speech(name),
        ("encoder.layers.0.feed_forward.intermediate_dense", "encoder.layers.0.feed_forward.output_dense"), F.gelu,
        "encoder.layers.0.feed_forward", "plain gelu", alone=ENCODER["hidden_size"],
    )
    for name in ("wav2vec2", "hubert")
}  # fmt: skip


def _weights(model: nn.Module, path: str) -> tuple[torch.Tensor, torch.Tensor | None]:
    module: Any = model.get_submodule(path.split(":", maxsplit=1)[0])
    weight, bias = module.weight.detach().double(), None if module.bias is None else module.bias.detach().double()
    if ":" in path:
        half = int(path[-1])
        return weight.chunk(2)[half], None if bias is None else bias.chunk(2)[half]
    return weight, bias


def right(brought: Brought, model: nn.Module, X: torch.Tensor) -> float:
    """The condition number by the definition of the NTK."""
    parameters: dict[str, torch.Tensor] = {}
    for i, path in enumerate(brought.maps):
        weight, bias = _weights(model, path)
        parameters[f"w{i}"] = weight
        if bias is not None:
            parameters[f"b{i}"] = bias
    last = len(brought.maps) - 1

    def outputs(p: dict[str, torch.Tensor]) -> torch.Tensor:
        parts = [F.linear(X, p[f"w{i}"], p.get(f"b{i}")) for i in range(last)]
        h = brought.phi(parts[0]) if last == 1 else parts[0] * brought.phi(parts[1])
        return F.linear(h, p[f"w{last}"], p.get(f"b{last}"))

    with torch.no_grad():
        ends = np.linalg.eigvalsh(gram_of(jacrev(outputs)(parameters)).numpy())[[0, -1]]
    return float(ends[1] / ends[0])


def _caught(brought: Brought, model: nn.Module, call: Callable[[], Any]) -> torch.Tensor:
    """What reaches the first map, the last row of every example."""
    kept: list[torch.Tensor] = []
    handle = model.get_submodule(brought.maps[0].split(":")[0]).register_forward_pre_hook(
        lambda _m, a: kept.append(a[0])
    )
    with torch.no_grad():
        call()
    handle.remove()
    if kept[0].shape[:2] == (LENGTH, N):  # XLNet has the positions first
        return kept[0][-1].double()
    return kept[0].reshape(N, -1, kept[0].shape[-1])[:, -1].double()


def audited(brought: Brought) -> tuple[str, bool, float]:
    """What it is called, whether the formula was verified on the model, and its condition number over the right one."""
    model = brought.made().eval()
    if brought.alone is not None:
        X = rows(N, brought.alone)
        found = audit(model, inputs=X, draws=1)
    elif brought.arguments is not None:
        given: Any = (rows(N, brought.arguments),)
        found = audit(model, inputs=given, draws=1)
        X = _caught(brought, model, lambda: model(*given))
    else:
        found = audit(model, samples=N, length=LENGTH, draws=1)
        arguments, _ = example(model, N, LENGTH, 0)
        X = _caught(brought, model, lambda: model(**arguments))
    block = next(block for block in found.blocks if block.name == brought.name)
    return block.own.kind, block.verified, block.as_it_is.value / right(brought, model, X.double())
