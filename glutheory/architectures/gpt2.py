"""GPT-2: transformers' model from its config, feed-forward networks replaced, a linear head at every position."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn
from torch.nn.attention import SDPBackend, sdpa_kernel
from transformers import GPT2Config, GPT2Model

from glutheory.architectures.catalog import Architecture
from glutheory.networks import Network
from glutheory.sampling.feed_forward import FeedForward


class LanguageModel(nn.Module):
    """``head(LayerNorm(state))`` at every position, causal pre-LN blocks; maps ids (n, t) to (n, t, outputs).

    The head is never tied to the embedding. Attention is torch's, composed of elementary operations, as in `vit`.

    Attributes:
        architecture: the sizes.
        body: a ``transformers.GPT2Model`` with `architecture.sequence` positions.
        head: an ``nn.Linear``.
    """

    def __init__(self, architecture: Architecture, network: str | Network) -> None:
        super().__init__()
        self.architecture = architecture
        size = architecture
        beyond: dict[str, Any] = {"attn_implementation": "sdpa"}  # no declared field
        config = GPT2Config(
            vocab_size=size.vocabulary,
            n_positions=size.sequence,
            n_embd=size.dim,
            n_layer=size.depth,
            n_head=size.heads,
            n_inner=size.width,
            resid_pdrop=0.0,
            embd_pdrop=0.0,
            attn_pdrop=0.0,
            use_cache=False,
            # tokens of GPT-2's own vocabulary, which nothing here uses and a smaller one does not have
            bos_token_id=None,
            eos_token_id=None,
            **beyond,
        )
        self.body = GPT2Model(config)
        for block in self.body.h:
            block.mlp = FeedForward.matched(network, inputs=size.dim, width=size.width, seed=0)
        self.head = nn.Linear(size.dim, size.outputs)

    def forward(self, tokens: torch.Tensor) -> torch.Tensor:
        """The outputs, shape (n, t, outputs)."""
        self.architecture.check_shape(tuple(tokens.shape))
        with sdpa_kernel(SDPBackend.MATH):
            states = self.body(tokens).last_hidden_state
        outputs: torch.Tensor = self.head(states)
        return outputs
