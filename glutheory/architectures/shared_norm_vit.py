"""The vision transformer of the released code of arXiv 2605.20749, built from a description of it: no standard one.

One LayerNorm serves all blocks and the output, and overwrites the stream between attention and feed-forward network.
"""

from __future__ import annotations

import torch
from einops import rearrange, repeat
from torch import nn

from glutheory.architectures.catalog import Architecture
from glutheory.networks import Network
from glutheory.sampling.feed_forward import FeedForward


class Attention(nn.Module):
    """Softmax attention after a LayerNorm of its own; keeps (n, tokens, dim).

    Queries, keys and values are one map without bias, the output projection has one; heads·head_dim need not be dim.
    """

    def __init__(self, architecture: Architecture) -> None:
        super().__init__()
        size = architecture
        self.heads = size.heads
        self.norm = nn.LayerNorm(size.dim)
        self.qkv = nn.Linear(size.dim, 3 * size.heads * size.head_dim, bias=False)
        self.projection = nn.Linear(size.heads * size.head_dim, size.dim)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """What is added to the stream."""
        q, k, v = rearrange(self.qkv(self.norm(x)), "n t (s h d) -> s n h t d", s=3, h=self.heads)
        weights = torch.softmax(q @ k.mT / q.shape[-1] ** 0.5, dim=-1)
        mixed: torch.Tensor = self.projection(rearrange(weights @ v, "n h t d -> n t (h d)"))
        return mixed


class Tokens(nn.Module):
    """The class token put first, and the positions added: (n, tokens, dim) to (n, 1 + tokens, dim).

    A module, so that `module_ntk` differentiates it alone and not the whole network.
    """

    def __init__(self, architecture: Architecture) -> None:
        super().__init__()
        size = architecture
        self.class_token = nn.Parameter(torch.empty(1, 1, size.dim))
        self.positions = nn.Parameter(torch.empty(1, 1 + size.tokens, size.dim))

    def forward(self, tokens: torch.Tensor) -> torch.Tensor:
        """The stream that enters the first block."""
        first = repeat(self.class_token, "1 1 c -> n 1 c", n=len(tokens))
        return torch.cat([first, tokens], dim=1) + self.positions


class SharedNormTransformer(nn.Module):
    """``head(class token)`` after blocks that share a LayerNorm N; maps (n, channels, image, image) to (n, outputs).

    In each block x ← x + attention(x), then x ← N(x), then x ← x + ffn(x) without a norm before it; N once more at the
    end. A patch is embedded by LayerNorm, linear map, LayerNorm.

    Attributes:
        architecture: the sizes.
        embedding: from a patch to a token's state.
        tokens: bare parameters, the class token and the positions.
        attentions: one `Attention` per block.
        ffns: one `FeedForward` per block.
        norm: N.
        head: an ``nn.Linear``.
    """

    def __init__(self, architecture: Architecture, network: str | Network) -> None:
        super().__init__()
        self.architecture = architecture
        size = architecture
        pixels = size.channels * size.patch**2
        self.embedding = nn.Sequential(nn.LayerNorm(pixels), nn.Linear(pixels, size.dim), nn.LayerNorm(size.dim))
        self.tokens = Tokens(size)
        self.attentions = nn.ModuleList(Attention(size) for _ in range(size.depth))
        self.ffns = nn.ModuleList(
            FeedForward.matched(network, inputs=size.dim, width=size.width, seed=0) for _ in range(size.depth)
        )
        self.norm = nn.LayerNorm(size.dim)
        self.head = nn.Linear(size.dim, size.outputs)

    def forward(self, pixels: torch.Tensor) -> torch.Tensor:
        """The outputs, shape (n, outputs)."""
        self.architecture.check_shape(tuple(pixels.shape))
        side = self.architecture.patch
        x = self.tokens(self.embedding(rearrange(pixels, "n c (h p) (w q) -> n (h w) (p q c)", p=side, q=side)))
        for attention, ffn in zip(self.attentions, self.ffns, strict=True):
            x = self.norm(x + attention(x))
            x = x + ffn(x)
        outputs: torch.Tensor = self.head(self.norm(x)[:, 0])
        return outputs
