"""What is claimed of variances in stacks without norms, as data, and wrong statements to be refuted."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from derivations.proofs.signal import DENSE_SPREAD, GATED_SPREAD, PLAIN_SPREAD

#: E[relu(z)²].
KAPPA = 0.5


@dataclass(frozen=True)
class Law:
    """What is claimed.

    Attributes:
        added: what a gate adds to the elasticity of V in the slope at a fixed point.
        base: of the exponent in q_L = q*(q_0/q*)^(base^L), ReGLU.
        keeping: the gates with which a fixed point attracts.
        threshold: of cκq_0, s² = c/L, beyond which a gated residual branch diverges.
        doubling: by how much the logarithm of q is multiplied by a gated block, at finite width.
        value: whether the fluctuations of the value branch count.
        closes: whether a narrow network is 0 with probability 1 − (1 − 2^(−m))^L; else never.
        spreads: E[ξ²]/E[ξ]² − 1 times the width: gated product, plain one, dense layer.
    """

    added: float = 1.0
    base: float = 2.0
    keeping: tuple[str, ...] = ("gaussian", "cos")
    threshold: float = 1.0
    doubling: float = 2.0
    value: bool = True
    closes: bool = True
    spreads: tuple[float, float, float] = (float(GATED_SPREAD), float(PLAIN_SPREAD), float(DENSE_SPREAD))

    def variance(self, start: float, blocks: int) -> float:
        """The variance q after so many ReGLU blocks with all variances 1, for q_0 = start."""
        fixed = 1 / KAPPA
        exponent = math.pow(self.base, blocks) * math.log(start / fixed)
        return fixed * math.exp(max(-600.0, min(600.0, exponent)))

    def closed(self, width: int, blocks: int) -> float:
        """The probability that q_L = 0."""
        return 1 - (1 - 2.0**-width) ** blocks if self.closes else 0.0

    def residual(self, share: float) -> float:
        """q_L/q_0 of many residual ReGLU blocks with s² = c/L, in the limit, share = cκq_0; inf beyond it."""
        return 1 / (1 - share / self.threshold) if share < self.threshold else math.inf


LAW = Law()
MUTANTS: dict[str, Law] = {
    "the slope of a gated fixed point is the plain one": replace(LAW, added=0.0),
    "the slope is larger by 2": replace(LAW, added=2.0),
    "ReGLU: q grows like a power of e, not of e^(2^L)": replace(LAW, base=1.0),
    "ReGLU: base 3": replace(LAW, base=3.0),
    "every gate has a fixed point that repels": replace(LAW, keeping=()),
    "SiLU keeps the scale": replace(LAW, keeping=("gaussian", "cos", "silu")),
    "a residual gate diverges at twice the scale": replace(LAW, threshold=2.0),
    "a residual gate diverges at half the scale": replace(LAW, threshold=0.5),
    "at finite width fluctuations add up": replace(LAW, doubling=1.0),
    "the value branch does not fluctuate": replace(LAW, value=False),
    "no network is closed": replace(LAW, closes=False),
    "15 for 17 in the spread of a gated product": replace(
        LAW, spreads=(15.0, float(PLAIN_SPREAD), float(DENSE_SPREAD))
    ),
}
#: The parts that have to refute some of them.
NEEDED = {
    "the slope of a gated fixed point is the plain one": "scale",
    "ReGLU: q grows like a power of e, not of e^(2^L)": "scale",
    "SiLU keeps the scale": "scale",
    "a residual gate diverges at twice the scale": "residuals",
    "at finite width fluctuations add up": "width",
    "the value branch does not fluctuate": "width",
    "no network is closed": "width",
    "15 for 17 in the spread of a gated product": "width",
}
