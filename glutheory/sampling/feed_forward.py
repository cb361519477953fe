"""The feed-forward network of a transformer block as an ordinary torch module, gated or not.

    z(x) = V ∏_i φ_i(W_i x + b_i) + c

is `two_layer`'s network with vector outputs and, where wanted, biases: one class for every network of the zoo, for
models that are built from it, differentiated by autograd and trained.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import nn

from glutheory.ground.arguments import integer
from glutheory.networks import Network
from glutheory.networks import network as find_network
from glutheory.sampling.differentiable import Elementwise, differentiable
from glutheory.sampling.initialization import INITIALIZATIONS, Scheme, initialize, scheme
from glutheory.sampling.inputs import fed
from glutheory.sampling.training import matched_width

__all__ = ["INITIALIZATIONS", "FeedForward", "Scheme", "initialize"]


class FeedForward(nn.Module):
    """``readout(∏_i φ_i(branch_i(x)))`` for any network of the zoo; maps (..., inputs) to (..., outputs).

    At initialization "lecun" the expected NTK over the weights of one output is ``glutheory.gram(network, X,
    parametrization="standard", width=width)``, Eqs. 3 and 4 of arXiv 2605.20749; a bias adds its own term.

    Attributes:
        network: the architecture, a `glutheory.Network`.
        branches: one ``nn.Linear(inputs, width)`` per branch, in the network's order: of a gated network the value,
            then the gate.
        readout: ``nn.Linear(width, outputs)``.

    Args:
        network: a `glutheory.Network` or a name of the zoo.
        inputs: the dimension of x.
        width: of the hidden layer as it is; see `matched` for the paper's parameter matching.
        outputs: the dimension of z; None: that of x, as in a residual block.
        bias: whether branches and readout have one.
        initialization: a name of `INITIALIZATIONS`.
        seed: of the weights, see `initialize`; None: drawn from torch's own generator.

    Raises:
        DomainError: a bad argument, or an activation with symbolic constants or with jumps, which no gradient sees.
        ExpressionError: an activation that torch cannot compute.
        UnknownNameError: no such network or initialization.
    """

    def __init__(
        self,
        network: str | Network,
        *,
        inputs: int,
        width: int,
        outputs: int | None = None,
        bias: bool = True,
        initialization: str = "lecun",
        seed: int | None = None,
    ) -> None:
        super().__init__()
        self.network = find_network(network)
        inputs, width = integer("inputs", inputs, 1), integer("width", width, 1)
        outputs = inputs if outputs is None else integer("outputs", outputs, 1)
        scheme(initialization)
        if seed is None:
            seed = int(torch.randint(2**31, (), device="cpu"))
        self._functions: tuple[Elementwise, ...] = tuple(differentiable(branch) for branch in self.network.branches)
        device = torch.empty(0).device
        # on no device yet: torch's own initialization would only be overwritten
        with torch.device("meta"):
            self.branches = nn.ModuleList(nn.Linear(inputs, width, bias=bias) for _ in self._functions)
            self.readout = nn.Linear(width, outputs, bias=bias)
        self.to_empty(device=device)
        initialize(self, initialization, seed)

    @classmethod
    def matched(
        cls, network: str | Network, *, inputs: int, width: int, outputs: int | None = None, **options: Any
    ) -> FeedForward:
        """The module with about as many parameters as a non-gated one has, as in the code of arXiv 2605.20749.

        Args:
            network: a `glutheory.Network` or a name of the zoo.
            inputs: the dimension of x.
            width: of the non-gated network; the hidden width is `glutheory.sampling.training.matched_width`.
            outputs: the dimension of z; None: that of x.
            **options: keyword arguments of the class.

        Raises:
            DomainError: a bad argument, or so few weights that no neuron is left.
        """
        hidden = matched_width(network, width, inputs, inputs if outputs is None else outputs)
        return cls(network, inputs=inputs, width=hidden, outputs=outputs, **options)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """z, shape (..., outputs), for x of shape (..., inputs)."""
        x = fed(self.network, x)
        hidden: torch.Tensor | None = None
        for branch, function in zip(self.branches, self._functions, strict=True):
            factor = function(branch(x))
            hidden = factor if hidden is None else hidden * factor
        z: torch.Tensor = self.readout(hidden)
        return z

    def extra_repr(self) -> str:
        """The network, as torch prints the module."""
        return f"network={self.network.name!r}"
