"""What is claimed about correlations in deep normed networks, as data, and wrong statements to be refuted."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np

from checks.claims.depth_limit.theory import Array, Block, extinction, mean_degree, slope, weights
from derivations.proofs.depth_limit import RELU_NTK, RELU_RATE


@dataclass(frozen=True)
class Law:
    """What is claimed.

    Attributes:
        shift: by how many degrees a gate moves the series.
        critical: f'(1) beyond which a plain block has another attracting fixed point than 1.
        steps: iterates of 0 that are taken for the limit; None for all.
        power: of p_0 = E[φ]²/E[φ²] in the rate of gated blocks.
        growth: what a gate adds to the factor by which the NTK's diagonal grows.
        relu_rate: the limit of L²(1 − ρ_L) for ReLU.
        relu_ntk: the limit of the correlations of ReLU's NTK.
        residual: the exponent with residuals is 1 minus this times the slope.
        loses: whether gated networks, and plain ReLU ones, lose all that they can predict.
    """

    shift: int = 1
    critical: float = 1.0
    steps: int | None = None
    power: float = 1.0
    growth: float = 1.0
    relu_rate: float = float(RELU_RATE)
    relu_ntk: float = float(RELU_NTK)
    residual: float = 1.0
    loses: tuple[bool, bool] = (True, False)

    def weights(self, block: Block) -> Array:
        """The weights of the block's degrees."""
        own = weights(block.act)
        return np.concatenate([np.zeros(self.shift), own]) if block.gated else own

    def mean(self, block: Block) -> float:
        """The block's slope at 1."""
        return 1.0 if block.kink and not block.gated else mean_degree(block.act) + self.shift * block.gated

    def attractor(self, block: Block) -> float:
        """Where correlations go."""
        return extinction(self.weights(block), self.steps) if self.mean(block) > self.critical else 1.0

    def rate(self, block: Block) -> float:
        """The slope there: the factor by which the distance shrinks with every block."""
        if block.gated:
            return math.pow(float(weights(block.act)[0]), self.power)
        at = self.attractor(block)
        return slope(block.act, at) if at < 1 else self.mean(block)

    def limits(self, block: Block) -> tuple[float, float]:
        """The limits of the correlations of NNGP and NTK."""
        at, mean = self.attractor(block), self.mean(block)
        if block.kink and not block.gated:
            return at, self.relu_ntk
        return at, 0.0 if mean > self.critical else 1.0

    def factor(self, block: Block) -> float:
        """By which the diagonal of the NTK grows with every block."""
        return mean_degree(block.act) + self.growth * block.gated


LAW = Law()
MUTANTS: dict[str, Law] = {
    "gating moves no degree": replace(LAW, shift=0),
    "another fixed point only where f'(1) > 1.07": replace(LAW, critical=1.07),
    "another fixed point where f'(1) > 0.5": replace(LAW, critical=0.5),
    "the limit is reached after one block": replace(LAW, steps=1),
    "the rate is E phi / sqrt(E phi^2)": replace(LAW, power=0.5),
    "the rate is the square of p_0": replace(LAW, power=2.0),
    "the gated diagonal grows like the plain one": replace(LAW, growth=0.0),
    "ReLU: half of the constant": replace(LAW, relu_rate=float(RELU_RATE) / 2),
    "ReLU: correlations of the NTK tend to 1/3": replace(LAW, relu_ntk=1 / 3),
    "ReLU: the NTK tends to the identity": replace(LAW, relu_ntk=0.0),
    "with residuals the exponent is 1": replace(LAW, residual=0.0),
    "deep gated networks still predict": replace(LAW, loses=(False, False)),
    "plain ReLU networks lose all as well": replace(LAW, loses=(True, True)),
}
#: The parts that have to refute some of them.
NEEDED = {
    "gating moves no degree": "fixed points",
    "another fixed point where f'(1) > 0.5": "fixed points",
    "the limit is reached after one block": "fixed points",
    "the rate is the square of p_0": "rates",
    "with residuals the exponent is 1": "rates",
    "the gated diagonal grows like the plain one": "kernels",
    "ReLU: correlations of the NTK tend to 1/3": "kernels",
    "deep gated networks still predict": "generalisation",
    "plain ReLU networks lose all as well": "generalisation",
}
