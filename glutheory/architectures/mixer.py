"""MLP-Mixer (Tolstikhin et al. 2021, arXiv 2105.01601): feed-forward networks across tokens and across channels."""

from __future__ import annotations

import torch
from einops import rearrange, reduce
from torch import nn

from glutheory.architectures.catalog import Architecture
from glutheory.networks import Network
from glutheory.sampling.feed_forward import FeedForward


class MixerBlock(nn.Module):
    """``x + tokens(LayerNorm(x))`` across tokens, then ``x + channels(LayerNorm(x))``; keeps (n, tokens, dim)."""

    def __init__(self, architecture: Architecture, network: str | Network) -> None:
        super().__init__()
        size = architecture
        self.token_norm = nn.LayerNorm(size.dim)
        self.tokens = FeedForward.matched(network, inputs=size.tokens, width=size.token_width, seed=0)
        self.channel_norm = nn.LayerNorm(size.dim)
        self.channels = FeedForward.matched(network, inputs=size.dim, width=size.width, seed=0)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """The states after this block, shape (n, tokens, dim)."""
        across = self.tokens(rearrange(self.token_norm(x), "n t c -> n c t"))
        x = x + rearrange(across, "n c t -> n t c")
        mixed: torch.Tensor = x + self.channels(self.channel_norm(x))
        return mixed


class Mixer(nn.Module):
    """``head(mean over tokens of LayerNorm(x))``; maps (n, channels, image, image) to (n, outputs).

    Attributes:
        architecture: the sizes.
        embedding: an ``nn.Linear`` from a patch to a token's state.
        blocks: `MixerBlock`s.
        norm: the last LayerNorm.
        head: an ``nn.Linear``.
    """

    def __init__(self, architecture: Architecture, network: str | Network) -> None:
        super().__init__()
        self.architecture = architecture
        size = architecture
        self.embedding = nn.Linear(size.channels * size.patch**2, size.dim)
        self.blocks = nn.ModuleList(MixerBlock(size, network) for _ in range(size.depth))
        self.norm = nn.LayerNorm(size.dim)
        self.head = nn.Linear(size.dim, size.outputs)

    def forward(self, pixels: torch.Tensor) -> torch.Tensor:
        """The outputs, shape (n, outputs)."""
        self.architecture.check_shape(tuple(pixels.shape))
        side = self.architecture.patch
        patches = rearrange(pixels, "n c (h p) (w q) -> n (h w) (p q c)", p=side, q=side)
        x = self.embedding(patches)
        for block in self.blocks:
            x = block(x)
        outputs: torch.Tensor = self.head(reduce(self.norm(x), "n t c -> n c", "mean"))
        return outputs
