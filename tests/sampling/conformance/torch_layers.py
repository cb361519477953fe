"""torch's own layers, each between two linear maps, so that gradients come from it and pass through it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import torch
from torch import nn
from torch.nn.utils import parametrizations, prune

from tests.sampling.conformance.cases import SAMPLES, Case, Subject
from tests.sampling.conformance.torch_wrappers import (
    Bags,
    Between,
    Called,
    Kept,
    attended,
    cell,
    log_probabilities,
    plainly,
    twice,
    unpooled,
    unrolled,
)  # fmt: skip

Tensor = torch.Tensor
IMAGE, VOLUME, SIGNAL, TOKENS, ROW = (4, 6, 6), (2, 4, 4, 4), (4, 9), (5, 8), (8,)
SHAPES = {1: SIGNAL, 2: IMAGE, 3: VOLUME}
#: How it is made, the shape of a sample, and how it is called.
Row = tuple[Callable[[], nn.Module], tuple[int, ...], Called]


def _convolutions() -> dict[str, Row]:
    found: dict[str, Row] = {}
    for d, shape in SHAPES.items():
        c = shape[0]
        for kind in ("Conv", "ConvTranspose"):
            make = getattr(nn, f"{kind}{d}d")
            options: dict[str, dict[str, Any]] = {"": {}, ", strided": {"stride": 2, "padding": 1}}
            options |= {", dilated": {"dilation": 2}, ", in groups": {"groups": 2}, ", no bias": {"bias": False}}
            if kind == "Conv":
                options |= {", same": {"padding": "same"}, ", depthwise": {"groups": c}}
                modes = ("reflect", "replicate", "circular")
                options |= {f", {mode}": {"padding": 1, "padding_mode": mode} for mode in modes}
            for words, more in options.items():
                size = 2 if more.get("dilation") else 3
                found[f"{kind}{d}d{words}"] = (partial(make, c, c, size, **more), shape, plainly)
    return found


def _pointwise() -> dict[str, Row]:
    names = (
        "AlphaDropout CELU Dropout ELU FeatureAlphaDropout GELU GLU Hardshrink Hardsigmoid Hardswish Hardtanh Identity "
        "LeakyReLU LogSigmoid Mish PReLU RReLU ReLU ReLU6 SELU SiLU Sigmoid Softplus Softshrink Softsign Tanh "
        "Tanhshrink Flatten"
    )
    found: dict[str, Any] = {name: (getattr(nn, name), TOKENS, plainly) for name in names.split()}
    found |= {
        name: (partial(getattr(nn, name), dim=-1), TOKENS, plainly) for name in ("Softmax", "LogSoftmax", "Softmin")
    }
    for d, shape in SHAPES.items():
        found[f"Dropout{d}d"] = (getattr(nn, f"Dropout{d}d"), shape, plainly)
        for name in ("AvgPool", "MaxPool"):
            found[f"{name}{d}d"] = (partial(getattr(nn, f"{name}{d}d"), 2), shape, plainly)
            found[f"Adaptive{name}{d}d"] = (partial(getattr(nn, f"Adaptive{name}{d}d"), 2), shape, plainly)
        found[f"LPPool{d}d"] = (partial(getattr(nn, f"LPPool{d}d"), 2, 2), shape, plainly)
        for name in ("CircularPad", "ReflectionPad", "ReplicationPad", "ZeroPad"):
            found[f"{name}{d}d"] = (partial(getattr(nn, f"{name}{d}d"), 1), shape, plainly)
        found[f"ConstantPad{d}d"] = (partial(getattr(nn, f"ConstantPad{d}d"), 1, 0.5), shape, plainly)
        found[f"MaxUnpool{d}d"] = (partial(getattr(nn, f"MaxUnpool{d}d"), 2), shape, partial(unpooled, d))
        norm = getattr(nn, f"InstanceNorm{d}d")
        found[f"InstanceNorm{d}d"] = (partial(norm, shape[0]), shape, plainly)
        found[f"InstanceNorm{d}d, affine"] = (partial(norm, shape[0], affine=True), shape, plainly)
        found[f"InstanceNorm{d}d, tracked"] = (
            partial(norm, shape[0], affine=True, track_running_stats=True), shape, plainly
        )  # fmt: skip
        found[f"BatchNorm{d}d"] = (partial(getattr(nn, f"BatchNorm{d}d"), shape[0]), shape, plainly)
    return found


def _recurrent() -> dict[str, Row]:
    found: dict[str, Any] = {}
    for name in ("RNN", "LSTM", "GRU"):
        make = getattr(nn, name)
        found[name] = (partial(make, 8, 4, batch_first=True), TOKENS, plainly)
        found[f"{name}, sequence first"] = (
            partial(make, 8, 4), TOKENS, lambda layer, h: layer(h.transpose(0, 1))[0].transpose(0, 1)
        )  # fmt: skip
        found[f"{name}, two layers, both ways"] = (
            partial(make, 8, 4, 2, batch_first=True, bidirectional=True), TOKENS, plainly
        )  # fmt: skip
    found["LSTM, projected"] = (partial(nn.LSTM, 8, 4, batch_first=True, proj_size=3), TOKENS, plainly)
    found["RNNCell"] = (partial(nn.RNNCell, 8, 4), ROW, cell)
    found["GRUCell"] = (partial(nn.GRUCell, 8, 4), ROW, cell)
    found["LSTMCell"] = (partial(nn.LSTMCell, 8, 4), ROW, plainly)
    found["GRUCell, unrolled"] = (partial(nn.GRUCell, 8, 4), TOKENS, unrolled)
    return found


def _attention() -> dict[str, Row]:
    small = {"dim_feedforward": 12, "batch_first": True}

    def encoder(**more: Any) -> nn.TransformerEncoderLayer:
        return nn.TransformerEncoderLayer(8, 2, **small, **more)  # type: ignore[arg-type]

    def decoder() -> nn.TransformerDecoderLayer:
        return nn.TransformerDecoderLayer(8, 2, **small)  # type: ignore[arg-type]

    return {
        "MultiheadAttention": (partial(nn.MultiheadAttention, 8, 2, batch_first=True), TOKENS, attended),
        "MultiheadAttention, sequence first": (
            partial(nn.MultiheadAttention, 8, 2),
            TOKENS,
            lambda layer, h: attended(layer, h.transpose(0, 1))[0].transpose(0, 1),
        ),
        "MultiheadAttention, added keys": (
            partial(nn.MultiheadAttention, 8, 2, batch_first=True, add_bias_kv=True, add_zero_attn=True),
            TOKENS,
            attended,
        ),
        "MultiheadAttention, other widths": (
            partial(nn.MultiheadAttention, 8, 2, batch_first=True, kdim=4, vdim=4),
            TOKENS,
            lambda layer, h: layer(h, h[..., :4], h[..., 4:]),
        ),
        "TransformerEncoderLayer": (encoder, TOKENS, plainly),
        "TransformerEncoderLayer, norm first": (partial(encoder, norm_first=True), TOKENS, plainly),
        "TransformerDecoderLayer": (decoder, TOKENS, twice),
        "TransformerEncoder": (lambda: nn.TransformerEncoder(encoder(), 2), TOKENS, plainly),
        "TransformerDecoder": (lambda: nn.TransformerDecoder(decoder(), 2), TOKENS, twice),
        "Transformer": (lambda: nn.Transformer(8, 2, 1, 1, **small), TOKENS, twice),  # type: ignore[arg-type]
    }


def _others() -> dict[str, Row]:
    def pruned() -> nn.Module:
        layer = nn.Linear(8, 6)
        prune.l1_unstructured(layer, "weight", amount=0.5)
        return layer

    return {
        "Linear": (partial(nn.Linear, 8, 6), TOKENS, plainly),
        "Linear, no bias": (partial(nn.Linear, 8, 6, bias=False), ROW, plainly),
        "Linear, called twice": (partial(nn.Linear, 8, 8), ROW, lambda layer, h: layer(layer(h).tanh())),
        "Bilinear": (partial(nn.Bilinear, 8, 8, 5), ROW, twice),
        "PReLU, per channel": (partial(nn.PReLU, 4), IMAGE, plainly),
        "LayerNorm": (partial(nn.LayerNorm, 8), TOKENS, plainly),
        "LayerNorm, several axes": (partial(nn.LayerNorm, (5, 8)), TOKENS, plainly),
        "LayerNorm, not affine": (partial(nn.LayerNorm, 8, elementwise_affine=False), TOKENS, plainly),
        "LayerNorm, no bias": (partial(nn.LayerNorm, 8, bias=False), TOKENS, plainly),
        "RMSNorm": (partial(nn.RMSNorm, 8), TOKENS, plainly),
        "GroupNorm": (partial(nn.GroupNorm, 2, 4), IMAGE, plainly),
        "SyncBatchNorm": (partial(nn.SyncBatchNorm, 4), IMAGE, plainly),
        "LocalResponseNorm": (partial(nn.LocalResponseNorm, 2), IMAGE, plainly),
        "CrossMapLRN2d": (partial(nn.CrossMapLRN2d, 2), IMAGE, plainly),
        "ChannelShuffle": (partial(nn.ChannelShuffle, 2), IMAGE, plainly),
        "CosineSimilarity": (partial(nn.CosineSimilarity, dim=-1), TOKENS, twice),
        "PairwiseDistance": (nn.PairwiseDistance, TOKENS, twice),
        "Softmax2d": (nn.Softmax2d, IMAGE, plainly),
        "Threshold": (partial(nn.Threshold, 0.1, 0.5), TOKENS, plainly),
        "PixelShuffle": (partial(nn.PixelShuffle, 2), IMAGE, plainly),
        "PixelUnshuffle": (partial(nn.PixelUnshuffle, 2), IMAGE, plainly),
        "Upsample": (partial(nn.Upsample, scale_factor=2), IMAGE, plainly),
        "Upsample, bicubic": (partial(nn.Upsample, scale_factor=2, mode="bicubic"), IMAGE, plainly),
        "UpsamplingBilinear2d": (partial(nn.UpsamplingBilinear2d, scale_factor=2), IMAGE, plainly),
        "UpsamplingNearest2d": (partial(nn.UpsamplingNearest2d, scale_factor=2), IMAGE, plainly),
        "Unfold": (partial(nn.Unfold, 2), IMAGE, plainly),
        "Fold": (partial(nn.Fold, (3, 4), (1, 2)), (4, 9), plainly),
        "Unflatten": (partial(nn.Unflatten, -1, (2, 4)), ROW, plainly),
        "AdaptiveLogSoftmaxWithLoss": (partial(nn.AdaptiveLogSoftmaxWithLoss, 8, 12, [4, 8]), ROW, log_probabilities),
        "weight_norm": (lambda: parametrizations.weight_norm(nn.Linear(8, 6)), ROW, plainly),
        "weight_norm, by hooks": (lambda: nn.utils.weight_norm(nn.Linear(8, 6)), ROW, plainly),
        "spectral_norm": (lambda: parametrizations.spectral_norm(nn.Linear(8, 6)), ROW, plainly),
        "orthogonal": (lambda: parametrizations.orthogonal(nn.Linear(8, 6)), ROW, plainly),
        "pruned": (pruned, ROW, plainly),
    }


def _tables() -> dict[str, Callable[[], nn.Module]]:
    return {
        "Embedding": partial(nn.Embedding, 9, 4),
        "Embedding, padded": partial(nn.Embedding, 9, 4, padding_idx=2),
        "Embedding, renormalised": partial(nn.Embedding, 9, 4, max_norm=0.5),
        "Embedding, sparse": partial(nn.Embedding, 9, 4, sparse=True),
        **{f"EmbeddingBag, {mode}": partial(nn.EmbeddingBag, 9, 4, mode=mode) for mode in ("mean", "sum", "max")},
    }


def _refused() -> dict[str, tuple[Callable[[], nn.Module], tuple[int, ...], str]]:
    lazy = [name for name in vars(nn) if name.startswith("Lazy")]
    chance = "changes by .* or by chance"
    shapes = {name: SHAPES[int(name[-2])] if name[-1] == "d" else ROW for name in lazy}
    arguments: dict[str, tuple[int, ...]] = {
        name: (3, 3) if "Conv" in name else (3,) if name == "LazyLinear" else () for name in lazy
    }
    found: dict[str, Any] = {
        name: (partial(getattr(nn, name), *arguments[name]), shapes[name], "has no values yet")
        for name in lazy
        if "InstanceNorm" not in name
    }
    return {
        **found,
        "BatchNorm2d, of the batch": (
            partial(nn.BatchNorm2d, 4, track_running_stats=False),
            IMAGE,
            "statistics of the batch",
        ),
        "BatchNorm2d, training": (lambda: Kept(nn.BatchNorm2d(4)), IMAGE, "statistics of the batch"),
        "Dropout, training": (lambda: Kept(nn.Dropout(0.5)), ROW, "dropout in training mode"),
        "FractionalMaxPool2d": (partial(nn.FractionalMaxPool2d, 2, output_size=4), IMAGE, chance),
        "FractionalMaxPool3d": (partial(nn.FractionalMaxPool3d, 1, output_size=3), VOLUME, chance),
    }


#: What of torch.nn is no case, and why.
LEFT_OUT: Mapping[str, str] = {
    **dict.fromkeys(
        ("Container", "Module", "ModuleDict", "ModuleList", "ParameterDict", "ParameterList", "RNNBase", "RNNCellBase",
         "Sequential"),
        "a container or a base class",
    ),
    "DataParallel": "a way to run on several devices",
    **{name: "a loss" for name in vars(nn) if "Loss" in name and name != "AdaptiveLogSoftmaxWithLoss"},
    **{name: "the layer of that name without Lazy" for name in vars(nn) if name.startswith("LazyInstanceNorm")},
}  # fmt: skip


def cases() -> list[Case]:
    """One for each layer and each of its forms that differ in how gradients arise."""
    tables = {**_others(), **_convolutions(), **_pointwise(), **_recurrent(), **_attention()}
    found = [Case("torch", name, partial(_subject, *row)) for name, row in tables.items()]
    found += [Case("torch", name, partial(_bags, make)) for name, make in _tables().items()]
    found += [
        Case("torch", name, partial(_subject, make, shape, plainly, words))
        for name, (make, shape, words) in _refused().items()
    ]
    return sorted(found, key=lambda case: case.name)


def _doubled(make: Callable[[], nn.Module]) -> nn.Module:
    default = torch.get_default_dtype()
    torch.set_default_dtype(torch.float64)
    try:
        torch.manual_seed(0)
        return make().eval()
    finally:
        torch.set_default_dtype(default)


def _subject(make: Callable[[], nn.Module], shape: tuple[int, ...], called: Called, refused: str = "") -> Subject:
    x = torch.randn((SAMPLES, *shape), generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    if refused == "has no values yet":
        return Subject(nn.Sequential(nn.Linear(shape[-1], shape[-1]), _doubled(make)), x, refused=refused)
    return Subject(_doubled(lambda: Between(make(), shape, called)), x, refused=refused)


def _bags(make: Callable[[], nn.Module]) -> Subject:
    ids = torch.randint(0, 9, (SAMPLES, 4), generator=torch.Generator().manual_seed(1))
    return Subject(_doubled(lambda: Bags(make())), ids)
