"""What is claimed of the steps to an error, as numbers, and wrong versions of it."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from checks.claims.steps.cases import Ends


@dataclass(frozen=True)
class Law:
    """What is claimed.

    Attributes:
        largest, optimal: c in "at most c κ ln(1/ε) steps", at the rates 1/λ_max and 2/(λ_max + λ_min).
        power, log_power: of κ and of ln(1/ε) there.
        second: λ_2 for λ_max in κ.
        worst: the mode of the worst target: "bottom" or "top".
        own, shared: what the steps of two networks on random labels are in proportion to, at their own rates and at one
            that they share: "condition", "second" (λ_2/λ_min) or "least" (1/λ_min).
        free: the target whose steps hang, at a rate that two networks share, on that rate and λ_min alone.
        exchanged: the kernels of the two networks exchanged where descent itself is looked at.
    """

    largest: float = 1.0
    optimal: float = 0.5
    power: float = 1.0
    log_power: float = 1.0
    second: bool = False
    worst: str = "bottom"
    own: str = "condition"
    shared: str = "least"
    free: str = "bottom"
    exchanged: bool = False

    def bound(self, ends: Ends, error: float, rate: str) -> float:
        """The number of steps that are said to suffice for every target; the upper end, as the eigenvalues err."""
        kappa = ends.second_over_least if self.second else ends.high
        constant = self.optimal if rate == "optimal" else self.largest
        return float(math.ceil(constant * kappa**self.power * math.log(1 / error) ** self.log_power))


LAW = Law()
MUTANTS: dict[str, Law] = {
    "half as many steps suffice at 1/λ_max": replace(LAW, largest=0.5),
    "a quarter of κ suffices at the best rate": replace(LAW, optimal=0.25),
    "the root of κ suffices": replace(LAW, power=0.5),
    "the root of ln(1/ε) suffices": replace(LAW, log_power=0.5),
    "λ_2/λ_min for κ: the spike does not count": replace(LAW, second=True),
    "the top eigenvector is the worst target": replace(LAW, worst="top"),
    "κ decides at a shared rate as well": replace(LAW, shared="condition"),
    "at a shared rate λ_max does not enter for the top eigenvector either": replace(LAW, free="top"),
    "λ_2/λ_min decides at the own rates": replace(LAW, own="second"),
    "λ_min alone decides at the own rates": replace(LAW, own="least"),
    "the two kernels exchanged": replace(LAW, exchanged=True),
}
#: The evidence that must refute it, where it is not any.
NEEDED = {
    "the two kernels exchanged": "descent",
    "the top eigenvector is the worst target": "tight",
    "κ decides at a shared rate as well": "random labels",
    "at a shared rate λ_max does not enter for the top eigenvector either": "shared rate",
    "λ_2/λ_min decides at the own rates": "random labels",
    "λ_min alone decides at the own rates": "random labels",
}
