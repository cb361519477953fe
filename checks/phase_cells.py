"""One cell of the phase diagram: the data, the two kernels, their condition numbers, and what is certain about them."""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache

import numpy as np
import numpy.typing as npt
from scipy.linalg import eigvalsh
from scipy.sparse.linalg import eigsh

from checks import real_data
from glutheory.errors import DomainError
from glutheory.networks import GATES, network
from glutheory.numeric import gram
from glutheory.spectra import ConditionNumber, condition_number

Array = npt.NDArray[np.float64]
#: What is compared, and the kernel of `glutheory.gram` that it is: LeCun's kernels over m in the wide limit, or the
#: full kernels of the ntk parametrisation.
SETTINGS = {"wide": "nngp", "ntk": "ntk"}
SYNTHETIC = ("gaussian", "sphere")
#: Of a real data set: its rows scaled to ‖x‖² = d, as RMSNorm does.
NORMALISED = "/normalised"
#: The accuracy of an entry that `glutheory.gram` promises; and the rows of a tile, faster than its default here.
_ENTRY, _TILE = 1e-14, 128
#: Lanczos' method needs a few rows more than it finds eigenvalues, and is slower up to some hundred of them.
_LEAST, _SMALL = 4, 100


class State(StrEnum):
    """What gating does to the condition number in one cell."""

    HELPS = "helps"
    HURTS = "hurts"
    SINGULAR = "both singular"
    OPEN = "not resolved"


@dataclass(frozen=True)
class Task:
    """One cell to compute.

    Attributes:
        data: one of `SYNTHETIC`, or of `real_data.SETS`, the latter also with `NORMALISED` behind it.
        gate: a gated network of the zoo; it is compared with the network of its gate alone.
        setting: one of `SETTINGS`.
        n, d: rows and features.
        seed, draw: of the rows; the rows for a smaller n are the first of those for a larger one.
    """

    data: str
    gate: str
    setting: str
    n: int
    d: int
    seed: int = 0
    draw: int = 0

    def __post_init__(self) -> None:
        if self.gate not in GATES:
            raise DomainError(f"gate is {self.gate!r}: use one of {', '.join(GATES)}.")
        if self.setting not in SETTINGS:
            raise DomainError(f"setting is {self.setting!r}: use one of {', '.join(SETTINGS)}.")
        if self.data not in SYNTHETIC and self.data.removesuffix(NORMALISED) not in real_data.SETS:
            raise DomainError(f"data is {self.data!r}: use {', '.join((*SYNTHETIC, *real_data.SETS))}.")
        if self.n < _LEAST or self.d < 1:
            raise DomainError(f"n is {self.n} and d is {self.d}: give at least {_LEAST} rows and one feature.")

    @property
    def file(self) -> str:
        """The name of its file."""
        data = self.data.replace("/", "-")
        return f"{data}-{self.gate}-{self.setting}-n{self.n}-d{self.d}-{self.seed:x}-{self.draw}.json"


@dataclass(frozen=True)
class Cell:
    """One computed cell.

    Attributes:
        task: which.
        plain, gated: the condition numbers of K and K̃.
        tops: λ_1(K)/λ_1(K̃).
        least, mean, most: of ‖x_i‖²/d over the rows.
    """

    task: Task
    plain: ConditionNumber
    gated: ConditionNumber
    tops: float
    least: float
    mean: float
    most: float

    @property
    def interval(self) -> tuple[float, float]:
        """Bounds of cond(K)/cond(K̃); (nan, nan) where both are infinite."""
        if math.isinf(self.plain.low) and math.isinf(self.gated.low):
            return math.nan, math.nan
        low = 0.0 if math.isinf(self.gated.high) else self.plain.low / self.gated.high
        return low, self.plain.high / self.gated.low

    @property
    def state(self) -> State:
        """What is certain in spite of the errors of the eigenvalues."""
        low, high = self.interval
        if math.isnan(low):
            return State.SINGULAR
        return State.HELPS if low > 1 else State.HURTS if high < 1 else State.OPEN

    @property
    def gain(self) -> float:
        """log10 cond(K)/cond(K̃); nan where one of them is infinite or only a bound."""
        usable = not (self.plain.is_bound or self.gated.is_bound)
        ratio = self.plain.value / self.gated.value if usable and math.isfinite(self.gated.value) else math.nan
        return math.log10(ratio) if math.isfinite(ratio) else math.nan

    @property
    def equal_norms(self) -> bool:
        """Whether all rows were given the same norm."""
        return self.task.data == "sphere" or self.task.data.endswith(NORMALISED)

    @property
    def certificate(self) -> float:
        """λ_1(K)/λ_1(K̃) · min ‖x‖²/d: above 1 gating helps, by Theorem A (derivations/phase_boundary.py)."""
        return self.tops * self.least


def points(task: Task) -> Array:
    """The rows, shape (n, d).

    Raises:
        DomainError: a real data set has fewer rows or features.
    """
    name = task.data.removesuffix(NORMALISED)
    rng = np.random.default_rng([task.seed, task.draw, task.d])
    if name in real_data.SETS:
        every = real_data.components(name, task.d)
        if task.n > len(every):
            raise DomainError(f"n is {task.n}: {name} has {len(every)} rows.")
        X = every[rng.permutation(len(every))[: task.n]]
    else:
        X = rng.standard_normal((task.n, task.d))
    if task.data == "sphere" or task.data.endswith(NORMALISED):
        X = X * (math.sqrt(task.d) / np.linalg.norm(X, axis=1, keepdims=True))
    return np.asarray(X)


#: Building a network's expressions takes longer than a small kernel matrix.
_network = lru_cache(maxsize=32)(network)


def kernels(task: Task, X: Array) -> tuple[Array, Array]:
    """K and K̃ on these rows."""
    kind = SETTINGS[task.setting]
    nets = (_network(GATES[task.gate]), _network(task.gate))
    K, gated = (gram(net, X, kind=kind, threads=1, block=_TILE) for net in nets)
    return K, gated


def _condition(K: Array, rank: int) -> ConditionNumber:
    if rank < len(K):
        return ConditionNumber(math.inf, math.inf, math.inf, reason=f"its rank is at most {rank}")
    return condition_number(K, entry_error=_ENTRY)


def _top(K: Array) -> float:
    if len(K) <= _SMALL:
        return float(eigvalsh(K)[-1])
    start = np.sqrt(np.diagonal(K))  # fixed, so that the figure is
    return float(eigsh(K, k=1, which="LA", v0=start, return_eigenvectors=False)[0])


def evaluate(task: Task) -> Cell:
    """Compute one cell."""
    X = points(task)
    K, gated = kernels(task, X)
    d = task.d
    # the bilinear kernels are multiples of G and G⊙G
    ranks = (d, d * (d + 1) // 2) if task.gate == "bilinear" else (task.n, task.n)
    squares = np.sum(X * X, axis=1) / d
    return Cell(
        task,
        _condition(K, ranks[0]),
        _condition(gated, ranks[1]),
        _top(K) / _top(gated),
        *(float(f(squares)) for f in (np.min, np.mean, np.max)),
    )
