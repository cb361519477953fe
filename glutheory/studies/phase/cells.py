"""One cell of the phase diagram: the data, the two kernels, their condition numbers, and what is certain about them."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from statistics import median

import numpy as np
import numpy.typing as npt
import sympy as sp
from scipy.linalg import eigvalsh
from scipy.sparse.linalg import eigsh

from glutheory.activations import Z
from glutheory.datasets import tabular
from glutheory.datasets.tabular import Standardised
from glutheory.errors import DomainError
from glutheory.layers import Stack
from glutheory.networks import Network, gate_of, network, partner
from glutheory.numeric import entry_error, gram
from glutheory.spectra import ConditionNumber, condition_number
from glutheory.studies.pairs import stack_pair

Array = npt.NDArray[np.float64]
#: What is compared, and the kernel of `glutheory.gram` that it is: LeCun's kernels over m in the wide limit, or the
#: full kernels of the ntk parametrisation.
SETTINGS = {"wide": "nngp", "ntk": "ntk"}
SYNTHETIC = ("gaussian", "sphere")
#: Of a real data set: its rows scaled to ‖x‖² = d, as RMSNorm does.
NORMALISED = "/normalised"
#: The user's own data or gate: a digest stands behind it.
OWN = "own-"
OWN_STACK = f"{OWN}stack-"
#: The rows of a tile, faster than the default of `glutheory.gram` here.
_TILE = 128
#: Lanczos' method needs a few rows more than it finds eigenvalues, and is slower up to some hundred of them.
_LEAST, _SMALL = 4, 100


#: Building a network's expressions takes longer than a small kernel matrix.
_network = lru_cache(maxsize=32)(network)


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
        data: one of `SYNTHETIC`, of `glutheory.datasets.tabular.SETS`, or the name that `own` gives to other data;
            but for the first also with `NORMALISED` behind it.
        gate: a gated network of the zoo, or the name that `own_gate` gives to another; it is compared with the network
            of its gate alone.
        setting: one of `SETTINGS`.
        n, d: rows and features.
        seed, draw: of the rows; the rows for a smaller n are the first of those for a larger one.

    Raises:
        DomainError: an unknown gate, setting or data set, or fewer than 4 rows.
    """

    data: str
    gate: str
    setting: str
    n: int
    d: int
    seed: int = 0
    draw: int = 0

    def __post_init__(self) -> None:
        if not self.gate.startswith(OWN) and not _network(self.gate).gated:
            raise DomainError(f"gate is {self.gate!r}, which is not gated: use {partner(self.gate).name!r}.")
        if self.setting not in SETTINGS:
            raise DomainError(f"setting is {self.setting!r}: use one of {', '.join(SETTINGS)}.")
        name = self.data.removesuffix(NORMALISED)
        if self.data not in SYNTHETIC and name not in tabular.SETS and not name.startswith(OWN):
            raise DomainError(f"data is {self.data!r}: use {', '.join((*SYNTHETIC, *tabular.SETS))}.")
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
        """λ_1(K)/λ_1(K̃) · min ‖x‖²/d: above 1 gating helps, by Theorem A (``python -m derivations phase_boundary``).

        NaN for stacks, which the theorem is not about.
        """
        return math.nan if self.task.gate.startswith(OWN_STACK) else self.tops * self.least


def own(data: Standardised) -> str:
    """The name of these data in a `Task`: a digest of their components."""
    return OWN + hashlib.sha256(np.ascontiguousarray(data.components).tobytes()).hexdigest()[:16]


def own_gate(net: Network | Stack) -> str:
    """The name of this gated network in a `Task`: its own in the zoo, else a digest of its gate; of a stack its own."""
    if isinstance(net, Stack):
        # the layers hold expressions, whose text does not depend on the process
        return f"{OWN_STACK}{hashlib.sha256(repr(net.layers).encode()).hexdigest()[:16]}"
    name = partner(partner(net)).name
    if gate_of(name) != name and _network(name).branches == net.branches:
        return name
    return OWN + hashlib.sha256(sp.srepr(net.gate.expr).encode()).hexdigest()[:16]


def points(task: Task, data: Standardised | None = None) -> Array:
    """The rows, shape (n, d).

    Args:
        task: which.
        data: the user's own, for a task of that name.

    Raises:
        DomainError: a data set has fewer rows or features, or the task is about data that are not given.
    """
    name = task.data.removesuffix(NORMALISED)
    rng = np.random.default_rng([task.seed, task.draw, task.d])
    if task.data in SYNTHETIC:
        X = rng.standard_normal((task.n, task.d))
    else:
        if name.startswith(OWN) and data is None:
            raise DomainError(f"data is {task.data!r}, the user's own: give them.")
        known = tabular.load(name) if data is None or name in tabular.SETS else data
        every = known.first(task.d)
        if task.n > len(every):
            raise DomainError(f"n is {task.n}: {known.name} has {len(every)} rows.")
        X = every[rng.permutation(len(every))[: task.n]]
    if task.data == "sphere" or task.data.endswith(NORMALISED):
        X = X * (math.sqrt(task.d) / np.linalg.norm(X, axis=1, keepdims=True))
    return np.asarray(X)


def networks(task: Task, gate: Network | Stack | None = None) -> tuple[Network, Network] | tuple[Stack, Stack]:
    """The non-gated and the gated network, or stack.

    Args:
        task: which.
        gate: the user's own gated network or stack, for a task of that name.

    Raises:
        DomainError: the task is about a gate that is not given.
    """
    if not task.gate.startswith(OWN):
        net = _network(task.gate)
    elif gate is None or own_gate(gate) != task.gate:
        raise DomainError(f"gate is {task.gate!r}, the user's own: give it.")
    elif isinstance(gate, Stack):
        return stack_pair([gate])
    else:
        net = gate
    return partner(net), net


def kernels(task: Task, X: Array, gate: Network | Stack | None = None) -> tuple[Array, Array]:
    """K and K̃ of the task's networks and setting on these rows, shape (n, n) each; errors as of `networks`."""
    kind = SETTINGS[task.setting]
    K, gated = (gram(net, X, kind=kind, threads=1, block=_TILE) for net in networks(task, gate))
    return K, gated


def _condition(K: Array, rank: int, error: float) -> ConditionNumber:
    if rank < len(K):
        return ConditionNumber(math.inf, math.inf, math.inf, reason=f"its rank is at most {rank}")
    return condition_number(K, entry_error=error)


def _top(K: Array) -> float:
    if len(K) <= _SMALL:
        return float(eigvalsh(K)[-1])
    start = np.sqrt(np.diagonal(K))  # fixed, so that the figure is
    return float(eigsh(K, k=1, which="LA", v0=start, return_eigenvectors=False)[0])


def evaluate(task: Task, data: Standardised | None = None, gate: Network | Stack | None = None) -> Cell:
    """Compute one cell; arguments and errors as of `points` and `networks`.

    Raises:
        DomainError: the kernel is infinite, or 0 to float64.
    """
    X = points(task, data)
    K, gated = kernels(task, X, gate)
    nets, d = networks(task, gate), task.d
    if not (np.isfinite(K).all() and K.any()):
        what = "infinite, since it jumps, or beyond float64" if K.any() else "0 to float64"
        raise DomainError(
            f"the {SETTINGS[task.setting].upper()} of {nets[0].name!r} is {what}: take another kind or gate."
        )
    # the bilinear kernels are multiples of G and G⊙G
    ranks = (d, d * (d + 1) // 2) if _bilinear(nets[1]) else (task.n, task.n)
    squares = np.sum(X * X, axis=1) / d
    return Cell(
        task,
        _condition(K, ranks[0], entry_error(nets[0])),
        _condition(gated, ranks[1], entry_error(nets[1])),
        _top(K) / _top(gated),
        *(float(f(squares)) for f in (np.min, np.mean, np.max)),
    )


def _bilinear(net: Network | Stack) -> bool:
    """Whether it is the product of two linear maps of the data."""
    if isinstance(net, Stack):
        return False
    return bool(sp.diff(net.gate.expr, Z).is_number and net.gate.expr.subs(Z, 0) == 0)


def gain(draws: Sequence[Cell]) -> float:
    """The median of log10 cond(K)/cond(K̃) over the draws of one (n, d); nan where a draw has no such figure."""
    gains = [cell.gain for cell in draws]
    return median(gains) if all(map(math.isfinite, gains)) else math.nan
