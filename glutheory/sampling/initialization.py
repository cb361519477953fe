"""Random initial parameters of any module, every one from a stream of its own.

The stream of a parameter depends on the seed and on its name alone. So two models of one seed agree bit for bit in all
they have in common, whatever the rest of them is: a pair of them is compared without the noise of what they share.
"""

from __future__ import annotations

import hashlib
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
import torch
from torch import nn

from glutheory.activations import nearest
from glutheory.errors import DomainError, UnknownNameError
from glutheory.ground.arguments import integer

#: The standard deviation of embeddings, class tokens and positions: GPT-2's and transformers' ViT's.
EMBEDDING_DEVIATION = 0.02
#: The last map of a residual branch, by the name of its module: of attention, and of `FeedForward`.
RESIDUAL = ("c_proj", "o_proj", "out_proj", "readout")
#: How classes of normalisations are called: LayerNorm, LlamaRMSNorm, BatchNorm2d, …
_NORM = re.compile(r"Norm([123]d)?$")


@dataclass(frozen=True)
class Scheme:
    """How to draw the entries of a weight matrix: variance ``gain / (α·fan_in + β·fan_out + γ)``.

    Attributes:
        about: one line for people.
        gain: numerator of the variance.
        fans: α, β, γ; fan_in and fan_out count inputs and outputs, of a convolution times its kernel's size.
        residual: divide the deviation of the last map of each residual branch by the root of their number.
        uniform: draw from a uniform distribution of this variance, not from a normal one; biases as well.
        embedding: standard deviation of embeddings.
    """

    about: str
    gain: float = 1.0
    fans: tuple[float, float, float] = (1.0, 0.0, 0.0)
    residual: bool = False
    uniform: bool = False
    embedding: float = EMBEDDING_DEVIATION

    def deviation(self, fan_in: int, fan_out: int) -> float:
        """The standard deviation of a weight."""
        alpha, beta, gamma = self.fans
        return math.sqrt(self.gain / (alpha * fan_in + beta * fan_out + gamma))


#: The initializations by name. Biases are 0, except torch's.
INITIALIZATIONS: Mapping[str, Scheme] = MappingProxyType(
    {
        "lecun": Scheme("normal, variance 1/fan_in (LeCun et al. 1998)"),
        "xavier": Scheme("normal, variance 2/(fan_in + fan_out) (Glorot & Bengio 2010)", 2.0, (1.0, 1.0, 0.0)),
        "he": Scheme("normal, variance 2/fan_in (He et al. 2015)", 2.0),
        "gpt2": Scheme(
            "normal, deviation 0.02, residual projections over the root of their number (Radford et al. 2019)",
            0.02**2,
            (0.0, 0.0, 1.0),
            residual=True,
        ),
        "torch": Scheme("uniform in ±1/√fan_in, biases too: torch's default", 1 / 3, uniform=True, embedding=1.0),
    }
)


def scheme(initialization: str) -> Scheme:
    """The scheme of that name.

    Raises:
        UnknownNameError: no such name; the message suggests the nearest one.
    """
    if not isinstance(initialization, str) or initialization not in INITIALIZATIONS:
        known = nearest(str(initialization)[:40], tuple(INITIALIZATIONS))
        raise UnknownNameError(f"unknown initialization {initialization!r}: {known}")
    return INITIALIZATIONS[initialization]


def initialize(
    module: nn.Module,
    initialization: str,
    seed: int,
    *,
    parts: Mapping[str, str] = MappingProxyType({}),
    free_deviation: float = EMBEDDING_DEVIATION,
) -> None:
    """Draw all parameters of a module anew.

    Weights of linear maps (``nn.Linear``, convolutions, transformers' ``Conv1D``) follow the scheme. Embeddings and
    parameters that belong to no layer (class token, positions) are normal. Norms start at weight 1 and bias 0, other
    biases at 0, or as the scheme has them. A parameter that several layers share is drawn once, under its first name.
    Numbers are drawn in float64 and rounded: a float32 model is the float64 one, rounded; device and threads change
    nothing.

    Args:
        module: it is changed.
        initialization: a name of `INITIALIZATIONS`.
        seed: a non-negative integer.
        parts: other initializations for submodules, by their paths; of two that contain a layer the longer path counts.
        free_deviation: standard deviation of the parameters that belong to no layer.

    Raises:
        DomainError: a bad seed, a path at which there is no module, or a parameter without a rule.
        UnknownNameError: no such initialization.
    """
    seed, rules = integer("seed", seed, 0), {"": scheme(initialization)}
    known = dict(module.named_modules())
    for path, name in parts.items():
        if path not in known:
            raise DomainError(f"parts names {path!r}, at which there is no module: give a path of named_modules().")
        rules[path] = scheme(name)
    owners = [(prefix, owner) for prefix, owner in known.items() if owner._parameters]
    ends = sum(_is_residual(prefix, owner) for prefix, owner in owners)
    seen: set[int] = set()
    with torch.no_grad():
        for prefix, owner in owners:
            rule = _nearest(rules, prefix)
            for name, parameter in owner.named_parameters(recurse=False):
                if id(parameter) in seen or parameter.is_meta:
                    # on the meta device there is nothing to fill
                    continue
                seen.add(id(parameter))
                full = f"{prefix}.{name}" if prefix else name
                if not parameter.is_floating_point():
                    raise DomainError(f"parameter {full!r} has the dtype {parameter.dtype}: only real ones are drawn.")
                scale = 1 / math.sqrt(ends) if rule.residual and _is_residual(prefix, owner) else 1.0
                constant, deviation = _law(owner, name, rule, free_deviation)
                if not deviation:
                    parameter.fill_(constant)
                else:
                    uniform = rule.uniform and fans(owner) is not None
                    parameter.copy_(_draw(seed, full, parameter.shape, scale * deviation, uniform=uniform))


def fans(owner: nn.Module) -> tuple[int, int] | None:
    """(fan_in, fan_out) of a linear map, None for another layer."""
    weight = getattr(owner, "weight", None)
    # transformers' Conv1D, a linear map with its weight transposed, is known by its name: that package is optional
    if type(owner).__name__ == "Conv1D" and isinstance(weight, torch.Tensor):
        return weight.shape[0], weight.shape[1]
    if isinstance(owner, nn.Linear | nn.Conv1d | nn.Conv2d | nn.Conv3d):
        kernel = owner.weight[0, 0].numel()
        return owner.weight.shape[1] * kernel, owner.weight.shape[0] * kernel
    return None


def _is_residual(prefix: str, owner: nn.Module) -> bool:
    return prefix.rpartition(".")[2] in RESIDUAL and fans(owner) is not None


def _nearest(rules: Mapping[str, Scheme], path: str) -> Scheme:
    """The rule of the smallest of these modules that contains the one at `path`."""
    while path not in rules:
        path = path.rpartition(".")[0]
    return rules[path]


def _law(owner: nn.Module, name: str, rule: Scheme, free: float) -> tuple[float, float]:
    """(mean, standard deviation) of a parameter of this layer; a deviation of 0: it is constant."""
    found = fans(owner)
    if found is not None:
        if name == "weight":
            return 0.0, rule.deviation(*found)
        return 0.0, rule.deviation(*found) if rule.uniform else 0.0
    if _NORM.search(type(owner).__name__):
        return float(name == "weight"), 0.0
    return 0.0, rule.embedding if isinstance(owner, nn.Embedding) else free


def _draw(seed: int, name: str, shape: torch.Size, deviation: float, *, uniform: bool) -> torch.Tensor:
    """Numbers of mean 0 in float64, from the stream of (seed, name)."""
    words = np.frombuffer(hashlib.sha256(name.encode()).digest(), dtype="<u4")
    stream = np.random.Generator(np.random.SFC64(np.random.SeedSequence(seed, spawn_key=tuple(map(int, words)))))
    if uniform:
        bound = math.sqrt(3) * deviation
        return torch.from_numpy(stream.uniform(-bound, bound, tuple(shape)))
    return torch.from_numpy(stream.standard_normal(tuple(shape)) * deviation)
