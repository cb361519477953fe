"""The twin of a feed-forward network: the other kind, gated or not, with as many parameters; and both drawn anew."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
import torch

from glutheory.audit.kernels import Weights
from glutheory.audit.nonlinearities import Nonlinearity
from glutheory.errors import DomainError


@dataclass(frozen=True)
class Recipe:
    """How to draw a feed-forward network: its sizes, and the root mean square of each matrix; entries are normal.

    Attributes:
        inputs, width, outputs: the sizes.
        activation: φ.
        branches: the scale of W_i, one per branch; of a gated network the value, then the gate.
        biases: the scale of b_i, or None where there is none.
        readout: the scale of V.
        offset: the scale of c, or None.
        value: the function of the value branch of a gated network; None for the identity.
    """

    inputs: int
    width: int
    outputs: int
    activation: Nonlinearity
    branches: tuple[float, ...]
    biases: tuple[float | None, ...]
    readout: float
    offset: float | None
    value: Nonlinearity | None = None

    @classmethod
    def of(cls, weights: Weights) -> Recipe:
        """The recipe whose scales are those of the given weights."""
        inputs, width, outputs = weights.sizes
        return cls(
            inputs,
            width,
            outputs,
            weights.activation,
            tuple(_rms(matrix) for matrix in weights.branches),
            tuple(None if bias is None else _rms(bias) for bias in weights.biases),
            _rms(weights.readout),
            None if weights.offset is None else _rms(weights.offset),
            weights.value,
        )

    @property
    def kind(self) -> str:
        """What people call it, e.g. SwiGLU."""
        return self.activation.kind(self.gated) + ("" if self.value is None else f" with {self.value.name}")

    @property
    def gated(self) -> bool:
        """Whether it is a gated one."""
        return len(self.branches) == 2

    @property
    def parameters(self) -> int:
        """How many parameters such a network has."""
        per_unit = sum(self.inputs + (bias is not None) for bias in self.biases) + self.outputs
        return self.width * per_unit + self.outputs * (self.offset is not None)

    def twin(self) -> Recipe:
        """The other kind, of the width with which it has as many weights, and the same scales in the same roles.

        A gated network has the plain twin of width round(m(2d + o)/(d + o)), in the place of whose hidden matrix the
        gate's scale stands; a plain one has the gated twin of width int(m(d + o)/(2d + o)), as in the code of
        arXiv 2605.20749, with the hidden matrix's scale in both branches.

        Raises:
            DomainError: a network so narrow that its gated twin has no hidden unit.
        """
        plain, both = self.inputs + self.outputs, 2 * self.inputs + self.outputs
        if self.gated:
            width = round(self.width * both / plain)
            return replace(self, width=width, branches=self.branches[1:], biases=self.biases[1:], value=None)
        width = self.width * plain // both
        if width < 1:
            raise DomainError(f"width is {self.width}: a feed-forward network so narrow has no gated twin.")
        return replace(self, width=width, branches=self.branches * 2, biases=self.biases * 2)

    def draw(self, stream: tuple[int, ...], device: torch.device) -> Weights:
        """One network.

        Args:
            stream: non-negative integers; the same ones give the same weights on every device.
            device: where to put them.
        """
        generator = np.random.default_rng(stream)

        def normal(scale: float | None, *shape: int) -> torch.Tensor | None:
            if scale is None:
                return None
            # a matrix of a large model has 10⁸ entries: single precision, and no copy
            entries = generator.standard_normal(shape, dtype=np.float32)
            entries *= np.float32(scale)
            return torch.from_numpy(entries).to(device)

        branches = tuple(torch.as_tensor(normal(scale, self.width, self.inputs)) for scale in self.branches)
        biases = tuple(normal(scale, self.width) for scale in self.biases)
        readout = torch.as_tensor(normal(self.readout, self.outputs, self.width))
        return Weights(branches, biases, readout, normal(self.offset, self.outputs), self.activation, self.value)

    @property
    def biased(self) -> bool:
        """Whether it has any bias."""
        return any(scale is not None for scale in (*self.biases, self.offset))

    def expected(
        self, X: torch.Tensor, *, biases: bool = True
    ) -> np.ndarray[tuple[int, int], np.dtype[np.float64]] | None:
        """The mean of the kernel over all such networks, up to a factor, by the derived formulas; None without one.

        That of one output, Eqs. 3 and 4 of arXiv 2605.20749 at these variances: the sum over the outputs is `outputs`
        times it. There is none for networks with biases (unless those of the hidden layer are 0, and `biases`, whether
        they count as parameters, is false), for activations that are not in the zoo, and
        for values that are not linear.
        """
        network = self.activation.network(self.gated)
        unknown = (biases and self.biased) or any(scale for scale in self.biases if scale is not None)
        if network is None or self.value is not None or unknown or min(*self.branches, self.readout) <= 0:
            return None
        from glutheory.numeric import gram

        scales = dict(zip((*network.roles, "readout"), (*self.branches, self.readout), strict=True))
        variances = {role: scale**2 for role, scale in scales.items()}
        rows = X.double().cpu().numpy()
        kernel = gram(network, rows, parametrization="standard", width=self.width, variances=variances)
        return np.asarray(kernel)


def _rms(tensor: torch.Tensor) -> float:
    """The root mean square, taken in pieces: the tensor may be large, and of half precision."""
    pieces = torch.split(tensor.detach(), 1024)
    total = math.fsum(float(piece.double().square().sum()) for piece in pieces)
    return math.sqrt(total / tensor.numel())
