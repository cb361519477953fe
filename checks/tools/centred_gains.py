"""What gating gains in the condition number, divided into removing the mean and shifting degrees."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Logs:
    """Natural logarithms of the four condition numbers, and the two ways to divide the gain of gating."""

    plain: float
    centred: float
    gated: float
    centred_gated: float

    @property
    def gain(self) -> float:
        """Of gating: ln cond(K)/cond(K̃)."""
        return self.plain - self.gated

    @property
    def mean(self) -> float:
        """What centring alone gains: ln cond(K)/cond(K_c)."""
        return self.plain - self.centred

    @property
    def shift(self) -> float:
        """What gating gains beyond that: ln cond(K_c)/cond(K̃)."""
        return self.centred - self.gated

    @property
    def centred_shift(self) -> float:
        """What gating gains where neither activation has a mean: ln cond(K_c)/cond(K̃_c)."""
        return self.centred - self.centred_gated

    @property
    def interaction(self) -> float:
        """By how much the two orders differ: ln cond(K̃)/cond(K̃_c), what centring the gate gains."""
        return self.gated - self.centred_gated

    @property
    def shares(self) -> tuple[float, float]:
        """The mean's share of the gain in the two orders: of `mean`, and of what `centred_shift` leaves."""
        return self.mean / self.gain, (self.gain - self.centred_shift) / self.gain

    @property
    def share(self) -> float:
        """The first of these."""
        return self.mean / self.gain

    @property
    def parts(self) -> tuple[float, float, float]:
        """What is predicted: `mean`, `shift`, `centred_shift`."""
        return self.mean, self.shift, self.centred_shift
