"""The spectra of several networks' kernels on the same rows: the eigenvalues, what they amount to, and the theory's."""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from glutheory.charts import Chart
from glutheory.errors import DomainError
from glutheory.networks import GATES, Network, network
from glutheory.numeric import gram
from glutheory.numeric.zoo import evaluator
from glutheory.printing.terminal import Terminal
from glutheory.spectra import (
    ConditionNumber,
    condition_number,
    effective_rank,
    log_spread,
    outliers,
    participation_ratio,
    spectrum,
)
from glutheory.studies.predictions import Prediction, predict
from glutheory.studies.records import record

Array = npt.NDArray[np.float64]

#: The most rows: a matrix of this order takes 3 GB, and its eigenvalues the better part of an hour.
MOST = 20_000
#: Bytes of an entry, all copies counted that the eigenvalue solver and its error bound need.
_BYTES = 40
#: How well `gram` knows its entries, relative to √(K_ii K_jj).
_ENTRY_ERROR = 1e-14


@dataclass(frozen=True)
class Setting:
    """Which kernel of which rows.

    Attributes:
        data: where the rows are from.
        n, d: their number and their features.
        kind: "ntk" or "nngp".
        parametrization: "standard" (LeCun's variances) or "ntk".
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
        network: its name.
        gated: whether it is a gated linear unit.
        plain: the name of the network of its gate, if it has one, else "".
        values: the eigenvalues, descending, shape (n,).
        error: an absolute bound on the error of each.
        condition: λ_1/λ_n.
        outliers: how many of the resolved eigenvalues stand apart from the rest (`glutheory.spectra.outliers`).
        theory: what random-matrix theory predicts, or None.
        no_theory: why there is no prediction, a clause, else "".
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
        """All numbers; a record of `glutheory.studies.records.record` takes it."""
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


@dataclass(frozen=True)
class SpectrumStudy:
    """What `glutheory spectrum` has found.

    Attributes:
        setting: which kernel of which rows.
        networks: one for each network.
        pairs: every gated network among them whose plain one is there as well.
    """

    setting: Setting
    networks: tuple[NetworkSpectrum, ...]
    pairs: tuple[Pair, ...]

    def text(self, terminal: Terminal) -> str:
        """A table with one column for each network, and what it says."""
        from glutheory.studies.spectrum_text import text

        return text(self, terminal)

    def as_json(self) -> dict[str, Any]:
        """Everything (docs/json.md)."""
        networks = [item.as_json() for item in self.networks]
        return record("spectrum", setting=self.setting, networks=networks, pairs=self.pairs, charts=self.charts())

    def charts(self) -> tuple[Chart, ...]:
        """The eigenvalues over their rank, and the density of the bulk."""
        from glutheory.studies.spectrum_charts import charts

        return charts(self)


def check_size(n: int) -> None:
    """Refuses more rows than a dense matrix is made for here; to be asked before anything long is computed.

    Raises:
        DomainError: too many rows for the method or for this machine's memory.
    """
    remedy = "take fewer rows, or glutheory.integrations.operator.GramOperator with scipy.sparse.linalg.eigsh"
    if n > MOST:
        raise DomainError(f"n is {n}: all eigenvalues are computed for at most {MOST:,} rows; {remedy}.")
    if _BYTES * n * n > (memory := _memory()):
        raise DomainError(
            f"n is {n}: the matrix and its copies take {_BYTES * n * n / 1e9:.2g} GB and this machine has "
            f"{memory / 1e9:.2g} GB; {remedy}."
        )


def _memory() -> float:
    """Bytes of memory of this machine, as far as it says."""
    try:
        return float(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"))
    except (AttributeError, ValueError, OSError):  # pragma: no cover (not on POSIX systems)
        return math.inf


def spectrum_study(
    networks: Sequence[Network | str],
    X: Array,
    *,
    kind: str = "ntk",
    parametrization: str = "standard",
    width: int | None = 4096,
    data: str = "",
    advance: Callable[[int, str], None] | None = None,
) -> SpectrumStudy:
    """All eigenvalues of every network's kernel matrix on the rows of X.

    Args:
        networks: networks or their names; one that is named twice counts once.
        X: the rows, shape (n, d), n ≥ 2.
        kind: "ntk" or "nngp".
        parametrization: "standard" with LeCun's variances, or "ntk".
        width: of the network; None in the ntk parametrisation.
        data: where the rows are from, a phrase.
        advance: called with 0 and the name before each network, with 1 and "" after it.

    Raises:
        DomainError: too many rows, a kernel that is not finite on these rows, or an argument of `glutheory.gram`.
    """
    n, d = X.shape
    check_size(n)
    setting = Setting(data or f"{n} rows of {d} features", n, d, kind, parametrization, width)
    found = []
    for net in dict.fromkeys(map(network, networks)):
        if advance is not None:
            advance(0, net.name)
        found.append(_one(net, X, setting))
        if advance is not None:
            advance(1, "")
    by_name = {item.network: item for item in found}
    pairs = [Pair.of(by_name[item.plain], item) for item in found if item.plain in by_name]
    return SpectrumStudy(setting, tuple(found), tuple(pairs))


def _one(net: Network, X: Array, setting: Setting) -> NetworkSpectrum:
    K = gram(net, X, kind=setting.kind, parametrization=setting.parametrization, width=setting.width)
    diagonal = np.diagonal(K)
    if not np.isfinite(diagonal).all():
        raise DomainError(_not_finite(net, setting))
    if np.any((diagonal < np.finfo(np.float64).tiny) & X.any(axis=1)):
        raise DomainError(
            f"the {setting.kind.upper()} of {net.name!r} is below what float64 can hold on these rows: scale them up."
        )
    condition = condition_number(K, entry_error=_ENTRY_ERROR)
    values = spectrum(K, entry_error=_ENTRY_ERROR)
    resolved = values.values[values.values > values.error]
    apart = outliers(resolved) if len(resolved) > 1 else 0
    theory = predict(net, X, setting.kind, setting.parametrization, setting.width)
    return NetworkSpectrum(
        net.name,
        net.gated,
        GATES.get(net.name, ""),
        values.values,
        values.error,
        condition,
        apart,
        theory if isinstance(theory, Prediction) else None,
        theory if isinstance(theory, str) else "",
    )


def _not_finite(net: Network, setting: Setting) -> str:
    name = setting.kind.upper()
    if setting.kind == "ntk" and any(evaluator(act).jumps for act in net.branches):
        return f"the {name} of {net.name!r} is infinite, since an activation jumps: use --kind nngp, or leave it out."
    return f"the {name} of {net.name!r} is beyond float64 on these rows: scale them down, or leave it out."
