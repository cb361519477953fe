"""Real architectures with any feed-forward network of the zoo: ViT and GPT-2 (transformers), MLP-Mixer (einops).

"vit-released" and "mixer-released" are the networks of the paper's released code, the ViT a family of its own.

``build("vit-digits", "swiglu", seed=0)`` is a module with random weights; nothing is ever downloaded. Two models of one
seed agree bit for bit outside their feed-forward networks, which have matched numbers of parameters.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from glutheory.architectures.catalog import ARCHITECTURES, Architecture

if TYPE_CHECKING:
    from glutheory.architectures.models import build, example_inputs, feed_forward_parameters

__all__ = ["ARCHITECTURES", "Architecture", "build", "example_inputs", "feed_forward_parameters"]


def __getattr__(name: str) -> Any:
    # the catalog is read without torch
    if name in __all__:
        from glutheory.architectures import models

        value = globals()[name] = getattr(models, name)
        return value
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
