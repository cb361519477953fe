"""What is claimed of the decomposition, as data, and the wrong statements that the same evidence must refute."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace

from checks.claims.mechanism.kernels import Centre
from checks.claims.mechanism.theory import Factor, Map, factors
from checks.tools.centred_gains import Logs
from derivations.proofs.centring import MEAN, NTK_MEAN, NTK_SHIFT, SHIFT

#: The two factors of ReLU and ReGLU for d ≪ n ≪ d², the first over d.
RELU: dict[str, tuple[float, float]] = {
    "wide": (float(MEAN), float(SHIFT)),
    "ntk": (float(NTK_MEAN), float(NTK_SHIFT)),
}


@dataclass(frozen=True)
class Law:
    """What is claimed.

    Attributes:
        centre: what is subtracted from the activation.
        slope: the share of (E φ')² that T loses with it; it loses nothing.
        rule: how the coefficients on the sphere change.
        powers: of d in the two factors, beyond those of the leading orders.
        constants: of the two factors, over those of the leading orders.
        exchanged: whether the two factors are exchanged.
        helps: the sign of what gating gains among centred kernels.
        apart: the largest quotient of the two centred condition numbers, one constant and a mean for each row, on
            Gaussian inputs and on real ones.
        costs: by how much cond(K_c) may exceed cond(K) on inputs of different norms, over the latter.
    """

    centre: Centre = field(default_factory=Centre)
    slope: int = 0
    rule: Map = field(default_factory=Map)
    powers: tuple[float, float] = (0.0, 0.0)
    constants: tuple[float, float] = (1.0, 1.0)
    exchanged: bool = False
    helps: int = 1
    apart: tuple[float, float] = (1.25, 2.0)
    costs: float = 0.05

    def limits(self, gate: str, setting: str) -> tuple[Factor, Factor]:
        """Cond K/cond K_c and cond K_c/cond K̃ for d ≪ n ≪ d²; those of ReLU in closed form."""
        found = factors(gate, setting, self.rule)
        if gate == "reglu" and setting in RELU and self.rule == Map():
            found = (Factor(RELU[setting][0], 1), Factor(RELU[setting][1], 0))
        pairs = zip(found, self.constants, self.powers, strict=True)
        mean, shift = (Factor(item.constant * constant, item.power + power) for item, constant, power in pairs)
        return (shift, mean) if self.exchanged else (mean, shift)

    def parts(self, found: Logs) -> tuple[float, float, float]:
        """The measured parts under the names that the claim gives them."""
        mean, shift, centred = found.parts
        return (shift, mean, centred) if self.exchanged else (mean, shift, centred)


LAW = Law()
MUTANTS: dict[str, Law] = {
    "twice the mean subtracted": replace(LAW, centre=Centre(2.0)),
    "half of the mean subtracted": replace(LAW, centre=Centre(0.5)),
    "the mean added": replace(LAW, centre=Centre(-1.0)),
    "T loses the mean slope": replace(LAW, slope=1),
    "the two parts exchanged": replace(LAW, exchanged=True),
    "centring removes degree 1 as well": replace(LAW, rule=Map(first=2)),
    "centring removes nothing": replace(LAW, rule=Map(first=0)),
    "gating moves no degree": replace(LAW, rule=Map(degrees=0)),
    "gating moves two degrees": replace(LAW, rule=Map(degrees=2)),
    "(k+1) for (k+2)": replace(LAW, rule=Map(gated=1)),
    "the mean is worth a constant": replace(LAW, powers=(-1.0, 0.0)),
    "the shift is worth a power of d": replace(LAW, powers=(0.0, 0.5)),
    "all of the gain is the mean": replace(LAW, constants=(RELU["wide"][1], 1 / RELU["wide"][1])),
    "the shift of the bulks, 5.89": replace(LAW, constants=(1.0, math.pi / 2)),
    "gating hurts among centred kernels": replace(LAW, helps=-1),
    "one constant is a mean for each row": replace(LAW, apart=(1 + 1e-6, 1 + 1e-6)),
    "centring gains 5 % on every set": replace(LAW, costs=-0.05),
}
#: What only rows of different norms can refute.
UNEQUAL_MUTANTS: dict[str, Law] = {
    "all degrees go with the norms alike": replace(LAW, rule=Map(alike=True)),
}
