"""Models of the catalog: built with random weights, told which parameters are the feed-forward networks', fed."""

from __future__ import annotations

import importlib
from typing import Any

import numpy as np

from glutheory.architectures.catalog import Architecture
from glutheory.architectures.catalog import architecture as find_architecture
from glutheory.errors import DomainError, MissingDependencyError, installing, with_article
from glutheory.networks import Network

try:
    import torch
    from torch import nn
except ImportError:
    raise MissingDependencyError.of("models of glutheory.architectures need", "torch", "models") from None

from glutheory.ground.arguments import integer
from glutheory.sampling.feed_forward import FeedForward, initialize
from glutheory.sampling.inputs import check_device, check_dtype

#: Per family: its module, its class, and the package it needs.
_CLASSES = {
    "vit": ("glutheory.architectures.vit", "VisionTransformer", "transformers"),
    "shared-norm-vit": ("glutheory.architectures.shared_norm_vit", "SharedNormTransformer", "einops"),
    "gpt2": ("glutheory.architectures.gpt2", "LanguageModel", "transformers"),
    "mixer": ("glutheory.architectures.mixer", "Mixer", "einops"),
}


def build(
    architecture: str | Architecture,
    network: str | Network,
    *,
    seed: int,
    dtype: torch.dtype = torch.float32,
    device: str | torch.device = "cpu",
    **changes: Any,
) -> nn.Module:
    """A model with random weights, in eval mode; without dropout, so that training mode computes the same.

    Parameters are drawn as in `glutheory.sampling.feed_forward.initialize`: the float32 model is the float64 one,
    rounded, and outside the feed-forward networks it is the same for every `network`.

    Args:
        architecture: a name of `ARCHITECTURES`, or an `Architecture`.
        network: of the feed-forward networks, a `glutheory.Network` or a name of the zoo. Their hidden width is
            matched: about as many parameters as the plain network's at the architecture's width.
        seed: of the parameters, a non-negative integer.
        dtype: torch.float32 or torch.float64.
        device: where to put it.
        **changes: fields of the architecture to replace, e.g. ``depth=2``.

    Returns:
        A module that maps images (n, channels, image, image) to (n, outputs), or token ids (n, t), int64, to
        (n, t, outputs).

    Raises:
        UnknownNameError: no such architecture, network or initialization.
        DomainError: a bad argument, or an activation with jumps.
        MissingDependencyError: transformers or einops is not installed, or older than needed.
    """
    size = find_architecture(architecture, **changes)
    seed, dtype, device = integer("seed", seed, 0), check_dtype(dtype), check_device(device)
    module, name, package = _CLASSES[size.name]
    try:
        make = getattr(importlib.import_module(module), name)
        # on no device yet: the libraries' own initializations would only be overwritten
        with torch.device("meta"):
            built: nn.Module = make(size, network).to(dtype)
    except ImportError as error:
        raise MissingDependencyError(
            f"the {size.name} architecture needs a current {package} ({error}): {installing('models')}."
        ) from None
    built.to_empty(device=device)
    inner = size.ffn_initialization
    parts = dict.fromkeys(_feed_forward_paths(built), inner) if inner else {}
    initialize(built, size.initialization, seed, parts=parts, free_deviation=size.free_deviation)
    return built.eval()


def feed_forward_parameters(model: nn.Module) -> tuple[str, ...]:
    """The names of the parameters inside the model's `FeedForward` modules, in the model's order.

    Raises:
        DomainError: it has no such module.
    """
    prefixes = tuple(f"{path}." if path else "" for path in _feed_forward_paths(model))
    if not prefixes:
        raise DomainError(
            f"model is {with_article(type(model).__name__)} without FeedForward: give one made by `build`."
        )
    return tuple(name for name, _ in model.named_parameters() if name.startswith(prefixes))


def _feed_forward_paths(model: nn.Module) -> tuple[str, ...]:
    return tuple(path for path, module in model.named_modules() if isinstance(module, FeedForward))


def example_inputs(architecture: str | Architecture, n: int, seed: int) -> torch.Tensor:
    """Random inputs: images with standard normal pixels, as in the paper's released code, or uniform token ids.

    Args:
        architecture: a name of `ARCHITECTURES`, or an `Architecture`.
        n: how many.
        seed: a non-negative integer; the first n inputs of a longer batch are those of a shorter one.

    Returns:
        Shape (n, channels, image, image), float32, or (n, sequence), int64; on the CPU.

    Raises:
        UnknownNameError: no such architecture.
        DomainError: n or seed is no such integer.
    """
    size = find_architecture(architecture)
    n, seed = integer("n", n, 1), integer("seed", seed, 0)
    stream = np.random.default_rng(seed)
    if size.name == "gpt2":
        return torch.from_numpy(stream.integers(size.vocabulary, size=(n, size.sequence), dtype=np.int64))
    pixels = stream.standard_normal((n, size.channels, size.image, size.image))
    return torch.from_numpy(pixels).to(torch.float32)
