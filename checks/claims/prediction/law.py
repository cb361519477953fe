"""What is claimed of the wide-limit prediction, as data, and the wrong statements that the evidence must refute."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace


@dataclass(frozen=True)
class Theory:
    """Of what network the kernel in the wide limit is taken for the prediction.

    Attributes:
        depth: the number of blocks over the true one.
        residual: whether blocks are added to the stream.
        exchanged: the plain network for the gated one and the other way round.
        fans: whether every group of weights counts with its fan-in, as the weights of a module do; all alike otherwise.
    """

    depth: int = 1
    residual: bool = True
    exchanged: bool = False
    fans: bool = True


#: What networks are measured: standard weights, gains, residuals.
RIGHT = Theory()
#: What the measured kernels must be told from.
THEORIES: dict[str, Theory] = {
    "four times the depth": Theory(depth=4),
    "no residual": Theory(residual=False),
    "the plain network for the gated one": Theory(exchanged=True),
    "weights that count alike, whatever their fan-in": Theory(fans=False),
}
Range = tuple[float, float]


@dataclass(frozen=True)
class Law:
    """What is claimed.

    Attributes:
        theory: see above.
        bound: c in: on the mean, |ln cond_w/cond_∞| is at most c √(nL/w).
        sign: of ln cond_w/cond_∞ of the gated networks, on the mean.
        rows, depth, width: ranges of the exponents of n, L and w in ln cond_w/cond_∞ of the gated networks.
        beyond: range of the exponent of n beside nL/w and L: how much less n counts than 1/w.
        entries: the exponent of w in ‖K_w − K_∞‖/‖K_∞‖, and by how much it may be missed.
        broken: the least factor by which the gated networks of the largest depth miss the prediction on the mean.
        gain: the sign of ln cond(plain)/cond(gated), as measured.
        kept: the sign of what the measured gain is short of the predicted one at the largest depth.
    """

    theory: Theory = RIGHT
    bound: float = 1.5
    sign: int = 1
    rows: Range = (0.0, 0.6)
    depth: Range = (0.2, 0.65)
    width: Range = (-1.1, -0.5)
    beyond: Range = (-1.0, 0.0)
    entries: Range = (-0.5, 0.2)
    broken: float = 1.5
    gain: int = 1
    kept: int = -1

    def allowed(self, n: int, depth: int, width: int) -> float:
        """The bound of |ln cond_w/cond_∞|."""
        return self.bound * math.sqrt(n * depth / width)


LAW = Law()
MUTANTS: dict[str, Law] = {
    **{name: replace(LAW, theory=theory) for name, theory in THEORIES.items()},
    "a quarter of the bound": replace(LAW, bound=LAW.bound / 4),
    "the prediction is too large": replace(LAW, sign=-1),
    "n counts as 1/w does": replace(LAW, beyond=(0.0, 1.0)),
    "depth does not count": replace(LAW, depth=(-0.2, 0.2)),
    "depth counts as 1/w does": replace(LAW, depth=(0.65, 1.1)),
    "the error falls like 1/w^2": replace(LAW, width=(-2.2, -1.5)),
    "the error does not fall": replace(LAW, width=(-0.2, 0.2)),
    "entries are off by 1/w": replace(LAW, entries=(-1.0, 0.2)),
    "gating gains nothing": replace(LAW, gain=-1),
    "width keeps what depth gains": replace(LAW, kept=1),
}
