"""The vision transformer: transformers' ViT from its config, feed-forward networks replaced, a linear head added."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn
from torch.nn.attention import SDPBackend, sdpa_kernel
from transformers import ViTConfig, ViTModel

from glutheory.architectures.catalog import Architecture
from glutheory.networks import Network
from glutheory.sampling.feed_forward import FeedForward


class VisionTransformer(nn.Module):
    """``head(LayerNorm(class token))``, pre-LN blocks; maps (n, channels, image, image) to (n, outputs).

    Attention is torch's, composed of elementary operations: with transformers' "eager" one a float64 ViT would take its
    softmax in float32, and torch's fused kernels cannot be differentiated twice or vmapped. ``head_dim`` is no field of
    ViTConfig, yet transformers reads it where it is given: heads·head_dim need not be dim, as in the released script
    of arXiv 2605.20749.

    Attributes:
        architecture: the sizes.
        body: a ``transformers.ViTModel`` without pooler.
        head: an ``nn.Linear``.

    Raises:
        ImportError: a version of transformers whose ViTModel is made of other parts.
    """

    def __init__(self, architecture: Architecture, network: str | Network) -> None:
        super().__init__()
        self.architecture = architecture
        size = architecture
        # neither is a declared field
        beyond: dict[str, Any] = {"head_dim": size.head_dim, "attn_implementation": "sdpa"}
        config = ViTConfig(
            hidden_size=size.dim,
            num_hidden_layers=size.depth,
            num_attention_heads=size.heads,
            intermediate_size=size.width,
            hidden_dropout_prob=0.0,
            attention_probs_dropout_prob=0.0,
            image_size=size.image,
            patch_size=size.patch,
            num_channels=size.channels,
            **beyond,
        )
        self.body = ViTModel(config, add_pooling_layer=False)
        layers = getattr(self.body, "layers", ())
        # elsewhere a replaced `mlp` would be an unused one, and head_dim be ignored
        if not layers or not all(
            hasattr(layer, "mlp") and layer.attention.head_dim == size.head_dim for layer in layers
        ):
            raise ImportError("the ViTModel of this version has other parts")
        for layer in layers:
            layer.mlp = FeedForward.matched(network, inputs=size.dim, width=size.width, seed=0)
        self.head = nn.Linear(size.dim, size.outputs)

    def forward(self, pixels: torch.Tensor) -> torch.Tensor:
        """The outputs, shape (n, outputs)."""
        self.architecture.check_shape(tuple(pixels.shape))
        with sdpa_kernel(SDPBackend.MATH):
            states = self.body(pixels).last_hidden_state
        outputs: torch.Tensor = self.head(states[:, 0])
        return outputs
