"""What the feed-forward stream of a model of transformers does, read off a small one while it runs.

Every layer's input, output and norms are recorded. The arithmetic that explains the output is found by trying: nothing
is known of any model but that a layer of it contains a feed-forward network, norms, and perhaps attention.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

from glutheory.audit.blocks import Block, distance, readings
from glutheory.audit.configurations import quiet
from glutheory.audit.inputs import example
from glutheory.audit.models import drawn
from glutheory.audit.recording import evaluation
from glutheory.audit.search import find_blocks
from tests.tiny_configurations import tiny

#: Where activations are compared.
GRID = torch.linspace(-6, 6, 25, dtype=torch.float64)
#: Sizes that go with each other in small models of these types.
CHANGED: dict[str, dict[str, int]] = {
    "gptj": {"rotary_dim": 8},
    "codegen": {"rotary_dim": 8},
    "nemotron": {"num_key_value_heads": 4, "head_dim": 16},
}

#: Relative differences: of equal things, and of norms, which have an eps.
EQUAL, NORMED = {torch.float64: 1e-8, torch.float32: 1e-4}, 1e-3


@dataclass(frozen=True)
class Stream:
    """What a model does besides attention.

    Attributes:
        gated: whether its feed-forward networks are.
        activation: the values of the activation at `GRID`.
        place: of the norm: "before" the network, "after" the sum, of the "image", or "both" before and of the image.
        norm: "rms" or "layer".
        gain, shift: whether the norm has them.
        scale: of the image of the network.
        parallel: whether attention and network are added to the same stream side by side.
        first: whether there is a norm after the embedding.
        last: whether there is one after the last layer.
    """

    gated: bool
    activation: tuple[float, ...]
    place: str
    norm: str
    gain: bool
    shift: bool
    scale: float
    parallel: bool
    first: bool
    last: bool


@dataclass(frozen=True)
class _Call:
    module: nn.Module
    name: str
    given: torch.Tensor
    output: torch.Tensor


def _tensor(value: Any) -> torch.Tensor | None:
    if isinstance(value, torch.Tensor):
        return value if value.is_floating_point() and value.ndim >= 2 else None
    if isinstance(value, tuple | list) and value:
        return _tensor(value[0])
    return _tensor(getattr(value, "last_hidden_state", None)) if hasattr(value, "last_hidden_state") else None


def _calls(model: nn.Module, arguments: dict[str, torch.Tensor]) -> list[_Call]:
    calls: list[_Call] = []
    handles = []

    def watch(name: str) -> Any:
        def hook(module: nn.Module, given: Any, named: Any, output: Any) -> None:
            one = _tensor(given) if given else _tensor(named.get("hidden_states"))
            two = _tensor(output)
            if one is not None and two is not None:
                calls.append(_Call(module, name, one.detach().clone(), two.detach().clone()))

        return hook

    for name, module in model.named_modules():
        if name:
            handles.append(module.register_forward_hook(watch(name), with_kwargs=True))
    try:
        with evaluation(model), quiet():
            model(**arguments)
    finally:
        for handle in handles:
            handle.remove()
    return calls


def _same(one: torch.Tensor, two: torch.Tensor, tolerance: float | None = None) -> bool:
    if tolerance is None:
        tolerance = EQUAL[two.dtype]
    if one.shape != two.shape and one.numel() == two.numel():
        one = one.reshape(two.shape)
    return one.shape == two.shape and float((one - two).norm()) <= tolerance * float(two.norm())


def _randomise(model: nn.Module) -> None:
    """Weights of the usual size for their fan-in, and a stream whose mean is not zero."""
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for module in model.modules():
            for parameter in module.parameters(recurse=False):
                if not parameter.is_floating_point() or parameter.ndim < 2:
                    continue
                parameter.normal_(generator=generator)
                if isinstance(module, nn.Embedding):
                    parameter.add_(0.5)
                else:
                    parameter.div_(parameter.shape[-1] ** 0.5)


def _norm_of(call: _Call) -> str:
    x = call.given
    centred = x - x.mean(-1, keepdim=True)
    for name, part in (("rms", x), ("layer", centred)):
        z = part / part.square().mean(-1, keepdim=True).sqrt()
        # the gain is one number at initialisation, usually 1
        if _fitted(call.output, torch.zeros_like(z), z, NORMED) is not None:
            return name
    return "other"


def stream(model_type: str, at: int = 0) -> Stream | str:
    """What the layers of a small model of this type do, or why that is not known."""
    config = tiny(model_type)
    if config is None:
        return "transformers cannot make its default configuration here"
    for name, value in CHANGED.get(model_type, {}).items():
        setattr(config, name, value)
    # some models put the smallest number of float32 into masks
    for dtype in (torch.float64, torch.float32):
        try:
            model = drawn(config).model.to(dtype)
            _randomise(model)
            arguments, _ = example(model, 6, 8, 0)
            moved = {name: value.to(dtype) if value.is_floating_point() else value for name, value in arguments.items()}
            calls = _calls(model, moved)
            break
        except Exception as error:  # noqa: BLE001 (a model is code of other people)
            said = f"it cannot be built, or does not run: {type(error).__name__} {str(error)[:60]}"
    else:
        return said
    blocks = [block for block in find_blocks(model) if isinstance(block, Block) and _layer(block.name)]
    if len(blocks) <= at:
        return "it has no feed-forward network in its layers"
    return _read(blocks[at], _layer(blocks[at].name), calls)


def _layer(name: str) -> str:
    """The path of the layer that a feed-forward network is in: the innermost numbered module."""
    parts = name.split(".")
    while parts and not parts[-1].isdigit():
        parts.pop()
    return ".".join(parts)


def _read(block: Block, layer: str, calls: list[_Call]) -> Stream | str:
    by_module: dict[int, _Call] = {}
    for call in calls:
        by_module.setdefault(id(call.module), call)
    whole = next((call for call in calls if call.name == layer), None)
    entry, end = by_module.get(id(block.branches[0])), by_module.get(id(block.readout))
    if whole is None or entry is None or end is None:
        return "its layers are not called in the usual way"
    inside = [call for call in calls if call.name.startswith(f"{layer}.")]
    norms = [call for call in inside if "Norm" in type(call.module).__name__ and _norm_of(call) != "other"]
    x, y = entry.given, end.output
    found = _place(x, y, whole, norms, inside)
    if found is None:
        return "its layers do something else"
    place, norm, scale, parallel = found
    kinds = {_norm_of(norm), *(_norm_of(call) for call in norms if _same(call.given, y))}
    if len(kinds) > 1:
        return "its norms differ"
    hidden, rows = end.given.reshape(-1, end.given.shape[-1]), x.reshape(-1, x.shape[-1])
    best = min(readings(block), key=lambda weights: distance(weights, rows, hidden))
    if distance(best, rows, hidden) > 100 * EQUAL[x.dtype]:
        return "its feed-forward network computes something else"
    outside = [call for call in calls if not _layer(call.name) and "Norm" in type(call.module).__name__]
    prefix = layer.rpartition(".")[0]
    ends = [call for call in calls if call.name.rpartition(".")[0] == prefix and call.name.rpartition(".")[2].isdigit()]
    weights = {name for name, own in norm.module.named_parameters() if own is not None}
    return Stream(
        gated=len(best.branches) == 2,
        activation=tuple(best.activation.function(GRID.to(x.dtype).clone()).double().tolist()),
        place=place,
        norm=kinds.pop(),
        gain="weight" in weights or "gamma" in weights,
        shift="bias" in weights or "beta" in weights,
        scale=round(scale, 6),
        parallel=parallel,
        first=any(_same(call.output, whole.given) for call in outside) if ends and ends[0] is whole else False,
        last=any(_same(call.given, ends[-1].output) for call in outside),
    )


def _fitted(
    total: torch.Tensor, base: torch.Tensor, part: torch.Tensor, tolerance: float | None = None
) -> float | None:
    """The c with total = base + c·part, else None."""
    if base.numel() != total.numel() or part.numel() != total.numel():
        return None
    base, part = base.reshape(total.shape), part.reshape(total.shape)
    scale = float((total - base).flatten() @ part.flatten() / (part.flatten() @ part.flatten()))
    return scale if abs(scale) > 1e-6 and _same(base + scale * part, total, tolerance) else None


def _place(
    x: torch.Tensor, y: torch.Tensor, whole: _Call, norms: list[_Call], inside: list[_Call]
) -> tuple[str, _Call, float, bool] | None:
    """(place, a norm, scale, parallel) that explain the layer's output."""
    before = [norm for norm in norms if _same(norm.output, x)]
    of_image = [norm for norm in norms if _same(norm.given, y)]
    for norm in before:
        for image in of_image:
            scale = _fitted(whole.output, norm.given, image.output)
            if scale is not None:
                return "both", norm, scale, False
        scale = _fitted(whole.output, norm.given, y)
        if scale is not None:
            return "before", norm, scale, False
        if _same(norm.given, whole.given):
            # attention's image is one of what the modules gave
            for call in inside:
                if call.output.numel() == y.numel() and not _same(call.output, y):
                    scale = _fitted(whole.output, whole.given + call.output.reshape(whole.given.shape), y)
                    if scale is not None:
                        return "before", norm, scale, True
    for image in of_image:
        scale = _fitted(whole.output, x, image.output)
        if scale is not None:
            return "image", image, scale, False
    for norm in norms:
        if _same(norm.output, whole.output):
            scale = _fitted(norm.given, x, y)
            if scale is not None:
                return "after", norm, scale, False
    return None
