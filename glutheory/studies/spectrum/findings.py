"""One network's spectrum, a pair of them, and which kernel of which rows it is: what `glutheory spectrum` tells of."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from glutheory.spectra import ConditionNumber, effective_rank, log_spread, participation_ratio
from glutheory.studies.spectrum.predictions import Prediction

Array = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Setting:
    """Which kernel of which rows.

    Attributes:
        data: where the rows are from.
        n, d: their number and their features.
        kind: "ntk" or "nngp".
        parametrization: "standard" (LeCun's variances; of a stack those of its layers over the fan-in) or "ntk".
        width: of the network; None in the ntk parametrisation.
    """

    data: str
    n: int
    d: int
    kind: str
    parametrization: str
    width: int | None

    def symbol(self, gated: bool) -> str:
        """The kernel's letter: K and Σ, with a tilde for a gated network."""
        return ("K" if self.kind == "ntk" else "Σ") + "\u0303" * gated


@dataclass(frozen=True, eq=False)
class NetworkSpectrum:
    """One network's kernel matrix.

    Attributes:
        network: its name, or that of a stack.
        gated: whether it is a gated linear unit, or a stack of such.
        plain: the name of the network of its gate, if it has one, else ""; of a stack, that of its pair, if it is
            there.
        values: the eigenvalues, descending, shape (n,).
        error: an absolute bound on the error of each.
        condition: λ_1/λ_n.
        outliers: how many of the resolved eigenvalues stand apart from the rest (`glutheory.spectra.outliers`).
        theory: what random-matrix theory predicts, or None.
        no_theory: why there is no prediction, a clause, else "".
        deep: whether it is a stack.
    """

    network: str
    gated: bool
    plain: str
    values: Array
    error: float
    condition: ConditionNumber
    outliers: int
    theory: Prediction | None
    no_theory: str
    deep: bool = False

    @property
    def clipped(self) -> Array:
        """The eigenvalues, 0 for what its error leaves negative."""
        return np.maximum(self.values, 0.0)

    @property
    def resolved(self) -> int:
        """How many eigenvalues are larger than their error."""
        return int(np.count_nonzero(self.values > self.error))

    def over_last(self, rank: int) -> float:
        """λ_rank/λ_n, rank from 1 on; NaN where λ_n is not larger than its error."""
        last = float(self.values[-1])
        return float(self.values[rank - 1]) / last if last > self.error else math.nan

    @property
    def bulk_condition(self) -> float:
        """λ_(k+1)/λ_n with k outliers: the condition number without them; NaN where λ_n is not resolved."""
        return self.over_last(self.outliers + 1)

    @property
    def effective_rank(self) -> float:
        """The exponential of the entropy of λ_i/Σλ; NaN for a zero matrix."""
        return effective_rank(self.clipped) if self.values[0] > 0 else math.nan

    @property
    def participation_ratio(self) -> float:
        """(Σλ)²/Σλ²; NaN for a zero matrix."""
        return participation_ratio(self.clipped) if self.values[0] > 0 else math.nan

    @property
    def log_spread(self) -> float:
        """The standard deviation of ln λ_i over the resolved eigenvalues; NaN for a zero matrix."""
        return log_spread(self.values[: self.resolved]) if self.resolved else math.nan

    def as_json(self) -> dict[str, Any]:
        """All numbers; a record of `glutheory.studies.json_head.record` takes it."""
        return {
            "network": self.network,
            "gated": self.gated,
            "plain": self.plain or None,
            "condition": self.condition,
            "second_over_last": self.over_last(2),
            "outliers": self.outliers,
            "bulk_condition": self.bulk_condition,
            "effective_rank": self.effective_rank,
            "participation_ratio": self.participation_ratio,
            "log_spread": self.log_spread,
            "resolved": self.resolved,
            "error": self.error,
            "theory": None if self.theory is None else self.theory.as_json(),
            "no_theory": self.no_theory or None,
            "eigenvalues": self.values,
        }


@dataclass(frozen=True)
class Otherwise:
    """The same networks on the same rows otherwise scaled.

    Attributes:
        data: how these are scaled, a phrase.
        conditions: network to condition number.
        ratios: (non-gated, gated, quotient of their condition numbers); NaN where that is not known.
    """

    data: str
    conditions: dict[str, ConditionNumber]
    ratios: tuple[tuple[str, str, float], ...]


@dataclass(frozen=True)
class Pair:
    """A gated network beside the network of its gate.

    Attributes:
        plain, gated: their names.
        ratio: non-gated over gated condition number; NaN where it is not known.
        low, high: bounds on it; 0 and inf where there are none.
        bulk_ratio: the same of λ_2/λ_n; NaN where it is not known.
    """

    plain: str
    gated: str
    ratio: float
    low: float
    high: float
    bulk_ratio: float

    @classmethod
    def of(cls, plain: NetworkSpectrum, gated: NetworkSpectrum) -> Pair:
        """The two compared."""
        first, second = plain.condition, gated.condition
        known = not (first.is_bound or second.is_bound or math.isinf(first.value) or math.isinf(second.value))
        singular = math.isinf(first.value) and math.isinf(second.value)
        return cls(
            plain.network,
            gated.network,
            first.value / second.value if known else math.nan,
            0.0 if singular or math.isinf(second.high) else first.low / second.high,
            math.inf if singular else first.high / second.low,
            plain.over_last(2) / gated.over_last(2),
        )
