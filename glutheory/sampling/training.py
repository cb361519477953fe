"""Two-layer networks with biases, trained: several independent ones side by side, without autograd.

    z(x) = Σ_r v_r ∏_i φ_i(w_ir·x + b_ir) + c

is the network of `two_layer` with biases that start at 0. With the features h and β_i of `features`, a gradient of z
is h in v, 1 in c, β_i xᵀ in W_i and β_i in b_i, so that neither a step of gradient descent nor the NTK

    K = h·h' + 1 + Σ_i (x·x' + 1) β_i·β_i'

needs a Jacobian, and every network that can be sampled can be trained.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import torch

from glutheory.errors import DomainError
from glutheory.ground.arguments import integer
from glutheory.networks import Network, matched_width
from glutheory.networks import network as find_network
from glutheory.sampling.features import features
from glutheory.sampling.inputs import check_device, check_dtype, check_inputs, fed
from glutheory.sampling.weights import Neurons

__all__ = ["Ensemble", "matched_width", "train"]

#: Bytes of temporary arrays where nothing but outputs is wanted: about what a core's cache holds.
_WORKSPACE = 4 * 2**20
#: Numbers of inputs for which buffers are kept.
_SIZES = 4


class Ensemble:
    """Independent networks of one architecture at LeCun's initialisation, biases 0, to be trained side by side.

    Attributes:
        network: the architecture.
        weights: W_i transposed, one tensor of shape (r, d, m) per branch; r networks of m hidden neurons.
        biases: b_i, one tensor of shape (r, 1, m) per branch.
        readout: v, shape (r, 1, m).
        offset: c, shape (r, 1, 1).

    Args:
        network: a `glutheory.Network` or a name of the zoo.
        inputs: d.
        width: m; see `matched_width`.
        seed: a non-negative integer.
        draws: which of the seed's draws, one per network: draw i has the weights of ``empirical_ntk(..., draw=i,
            parametrization="standard")``.
        device: where to compute.
        dtype: torch.float32 or torch.float64.

    Raises:
        DomainError: a bad argument, or an activation with jumps.
        ExpressionError: an activation that torch cannot compute.
        UnknownNameError: no such network.
    """

    def __init__(
        self,
        network: str | Network,
        *,
        inputs: int,
        width: int,
        seed: int,
        draws: Sequence[int] = (0,),
        device: str | torch.device = "cpu",
        dtype: torch.dtype = torch.float32,
    ) -> None:
        self.network = find_network(network)
        d, m = integer("inputs", inputs, 1), integer("width", width, 1)
        seed = integer("seed", seed, 0)
        if not len(draws):
            raise DomainError("draws is empty: give the index of at least one network.")
        like = torch.empty(0, device=check_device(device), dtype=check_dtype(dtype))
        self._program = features(self.network, "ntk").program
        k = len(self.network.branches)
        rows = [Neurons(seed, integer("draws", i, 0), k * d + 1, like).take(m) for i in draws]
        neurons = torch.stack(rows).mT
        self.weights = [(neurons[:, i * d : (i + 1) * d] * d**-0.5).contiguous() for i in range(k)]
        self.readout = (neurons[:, -1:] * m**-0.5).contiguous()
        self.biases = [torch.zeros_like(self.readout) for _ in range(k)]
        self.offset = torch.zeros_like(self.readout[..., :1])
        self._store: dict[int, list[torch.Tensor]] = {}

    @property
    def parameters(self) -> int:
        """How many parameters one of the networks has."""
        tensors = (*self.weights, *self.biases, self.readout, self.offset)
        return sum(tensor[0].numel() for tensor in tensors)

    def inputs(self, X: Any) -> torch.Tensor:
        """X as these networks take it: shape (r, n, d), from (n, d) for all or (r, n, d).

        Raises:
            DomainError: another shape, or numbers that are not finite.
        """
        r, d, _ = self.weights[0].shape
        shape = tuple(np.shape(X))
        if shape[-1:] != (d,) or shape[:-2] not in ((), (r,)) or len(shape) < 2:
            raise DomainError(f"X has the shape {shape}: give (n, {d}) for all networks, or ({r}, n, {d}).")
        flat = X.reshape(-1, d) if isinstance(X, torch.Tensor) else np.reshape(X, (-1, d))
        checked = check_inputs(flat, self.readout.device, self.readout.dtype)
        return checked.expand(r, -1, -1) if len(shape) == 2 else checked.view(r, -1, d)

    def outputs(self, X: Any) -> torch.Tensor:
        """The outputs z, shape (r, n), for inputs as `inputs` takes them."""
        X = self.inputs(X)
        r, _, m = self.readout.shape
        rows = max(1, _WORKSPACE // (self._program.buffers * r * m * X.itemsize))
        parts = [torch.baddbmm(self.offset, self._features(part)[1], self.readout.mT) for part in X.split(rows, dim=1)]
        return torch.cat(parts, dim=1).squeeze(2)

    def ntk(self, X: Any) -> torch.Tensor:
        """The NTK of each network as it is now, over all parameters, shape (r, n, n)."""
        X, h, *slopes = self._features(self.inputs(X))
        kernel = torch.zeros_like(h[..., :1] * X[..., :1].mT)
        for slope in slopes:
            kernel.baddbmm_(slope, slope.mT)
        kernel *= torch.bmm(X, X.mT).add_(1)
        return kernel.baddbmm_(h, h.mT).add_(1)

    def step(self, X: torch.Tensor, Y: torch.Tensor, rate: float | torch.Tensor) -> torch.Tensor:
        """One step of gradient descent on the mean squared error over this batch.

        Args:
            X: shape (r, n, d), of the networks' dtype and device, as `inputs` returns it.
            Y: targets, shape (r, n).
            rate: the learning rate, as in torch: the gradient of (1/n) Σ (z − y)² times `rate` is subtracted; or one
                for each network, shape (r, 1, 1).

        Returns:
            The residuals z − y before the step, shape (r, n).
        """
        X, h, *slopes = self._features(X)
        error = torch.baddbmm(self.offset, h, self.readout.mT).sub_(Y[..., None])
        force = error * (2 * rate / X.shape[1])
        # the slopes contain v: all gradients are taken before any parameter moves
        readout = torch.bmm(force.mT, h)
        for weight, bias, slope in zip(self.weights, self.biases, slopes, strict=True):
            slope *= force
            weight.baddbmm_(X.mT, slope, alpha=-1)
            bias -= slope.sum(dim=1, keepdim=True)
        self.readout -= readout
        self.offset -= force.sum(dim=1, keepdim=True)
        return error.squeeze(2)

    def _features(self, X: torch.Tensor) -> list[torch.Tensor]:
        """What the branches are fed with, shape (r, n, d), and the features h and β_i, shape (r, n, m) each.

        The features are in buffers that the next call of this size overwrites.
        """
        X = fed(self.network, X)
        r, n, _ = X.shape
        if n not in self._store:
            # batches, parts of a data set, and the remainders of both
            if len(self._store) == _SIZES:
                self._store.clear()
            shape = (r, n, self.readout.shape[2])
            self._store[n] = [X.new_empty(shape) for _ in range(self._program.buffers)]
        buffers = self._store[n]
        for weight, bias, buffer in zip(self.weights, self.biases, buffers, strict=False):
            torch.baddbmm(bias, X, weight, out=buffer)
        return [X, *self._program.run(buffers, self.readout)]


def train(
    ensemble: Ensemble, X: Any, Y: Any, *, rate: float, epochs: int, seed: int, batch: int | None = None
) -> Iterator[int]:
    """Train by stochastic gradient descent on the mean squared error; yields after each epoch, and 0 before the first.

    Every epoch visits the data once in a new random order, which all networks share and which depends on `seed` and
    the epoch only; the last batch is smaller where `batch` does not divide n. Between epochs the caller may look at the
    ensemble: ``[float(...) for epoch in train(...)]``.

    Args:
        ensemble: the networks; they are changed.
        X: as `Ensemble.inputs` takes it.
        Y: targets, shape (n,) for all networks, or (r, n).
        rate: the learning rate, as in torch's SGD without momentum.
        epochs: how many.
        seed: of the order of the data.
        batch: inputs per step; None: all of them (gradient descent).

    Raises:
        DomainError: a bad argument.
    """
    X = ensemble.inputs(X)
    r, n, _ = X.shape
    epochs, seed = integer("epochs", epochs, 0), integer("seed", seed, 0)
    batch = n if batch is None else integer("batch", batch, 1)
    if not 0 < rate < float("inf"):
        raise DomainError(f"rate is {rate!r}: give a positive learning rate.")
    Y = torch.as_tensor(Y).to(X)
    if tuple(Y.shape) not in ((n,), (r, n)):
        raise DomainError(f"Y has the shape {tuple(Y.shape)}: give ({n},) for all networks, or ({r}, {n}).")
    Y = Y.expand(r, n)
    yield 0
    for epoch in range(1, epochs + 1):
        if batch >= n:
            ensemble.step(X, Y, rate)
        else:
            order = torch.from_numpy(np.random.default_rng([seed, epoch]).permutation(n)).to(X.device)
            for start in range(0, n, batch):
                index = order[start : start + batch]
                ensemble.step(X[:, index], Y[:, index], rate)
        yield epoch
