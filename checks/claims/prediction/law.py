"""What is claimed of the wide-limit prediction, as data, and the wrong statements that the evidence must refute."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace


@dataclass(frozen=True)
class Theory:
    """Of what network the kernel in the wide limit is taken for the prediction.

    Attributes:
        depth: the number of blocks over the true one.
        residual: whether blocks are added to the stream.
        exchanged: the plain network for the gated one and the other way round.
        norm: "rms", or None.
        gain: whether the gains are trained.
        fans: whether every group of weights counts with its fan-in, as the weights of a module do; all alike otherwise.
    """

    depth: int = 1
    residual: bool = True
    exchanged: bool = False
    norm: str | None = "rms"
    gain: bool = True
    fans: bool = True


Range = tuple[float, float]


@dataclass(frozen=True)
class Law:
    """What is claimed.

    Attributes:
        theory: see above.
        bound: c in: on the mean, |ln cond_w/cond_∞| is at most c √(nL/w).
        sign: of ln cond_w/cond_∞ of the gated networks, on the mean.
        rows, depth, width: ranges of the exponents of n, L and w in ln cond_w/cond_∞ of the gated networks.
        entries: the exponent of w in ‖K_w − K_∞‖/‖K_∞‖, and by how much it may be missed.
        broken: the least factor by which the gated networks of the largest depth miss the prediction on the mean.
        gain: the sign of ln cond(plain)/cond(gated), as measured.
        kept: the sign of what the measured gain is short of the predicted one at the largest depth.
    """

    theory: Theory = field(default_factory=Theory)
    bound: float = 1.5
    sign: int = 1
    rows: Range = (0.0, 0.5)
    depth: Range = (0.2, 0.65)
    width: Range = (-1.1, -0.5)
    entries: Range = (-0.5, 0.15)
    broken: float = 1.5
    gain: int = 1
    kept: int = -1

    def allowed(self, n: int, depth: int, width: int) -> float:
        """The bound of |ln cond_w/cond_∞|."""
        return self.bound * math.sqrt(n * depth / width)


LAW = Law()
#: Other theories: judged on the widest networks.
THEORIES: dict[str, Law] = {
    "four times the depth": replace(LAW, theory=Theory(depth=4)),
    "no residual": replace(LAW, theory=Theory(residual=False)),
    "the plain network for the gated one": replace(LAW, theory=Theory(exchanged=True)),
    "no norms": replace(LAW, theory=Theory(norm=None, gain=False)),
    "weights that count alike, whatever their fan-in": replace(LAW, theory=Theory(fans=False)),
}
#: Other laws: judged on all networks.
MUTANTS: dict[str, Law] = {
    "a quarter of the bound": replace(LAW, bound=LAW.bound / 4),
    "the prediction is too large": replace(LAW, sign=-1),
    "n counts as 1/w does": replace(LAW, rows=(0.5, 1.1)),
    "depth does not count": replace(LAW, depth=(-0.2, 0.2)),
    "depth counts as 1/w does": replace(LAW, depth=(0.65, 1.1)),
    "the error falls like 1/w^2": replace(LAW, width=(-2.2, -1.5)),
    "the error does not fall": replace(LAW, width=(-0.2, 0.2)),
    "entries are off by 1/w": replace(LAW, entries=(-1.0, 0.15)),
    "gating gains nothing": replace(LAW, gain=-1),
    "width keeps what depth gains": replace(LAW, kept=1),
}
