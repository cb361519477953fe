"""What depth does to kernels on the same rows: condition numbers, correlations, fixed points, network by network."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from glutheory.errors import DomainError
from glutheory.figures.chart import Chart
from glutheory.layers import stack
from glutheory.networks import Network, network
from glutheory.numeric import entry_error, grams_by_depth
from glutheory.numeric.deep.fixed import FixedPoint, fixed_points, keeps_correlations
from glutheory.shown import Shown
from glutheory.spectra import ConditionNumber, spectrum_and_condition
from glutheory.studies.defaults import gram_options
from glutheory.studies.given import networks_given, rows_given
from glutheory.studies.json_head import record

Array = npt.NDArray[np.float64]

#: Blocks and rows at most: all matrices are kept, and the eigenvalues of each are computed.
DEEPEST, MOST = 10_000, 4_000


@dataclass(frozen=True)
class Depth:
    """The NTK of a stack with this many blocks.

    Attributes:
        blocks: their number.
        largest, second, smallest: λ_1, λ_2 and λ_n.
        error: of each of these, at most.
        condition: λ_1/λ_n, as far as it is known.
        spread: λ_2/λ_n, the condition number without the largest eigenvalue; nan where λ_n is not told from 0.
        correlation: the mean correlation of two different rows in the NNGP.
        correlation_error: of it, at most: the errors of an entry and of the diagonal.
    """

    blocks: int
    largest: float
    second: float
    smallest: float
    error: float
    condition: ConditionNumber
    spread: float
    correlation: float
    correlation_error: float

    @property
    def told(self) -> bool:
        """Whether λ_n is told from 0."""
        return self.smallest > self.error


@dataclass(frozen=True)
class NetworkDepths:
    """One network at all depths.

    Attributes:
        network: its name.
        gated: whether it is gated.
        depths: ascending; without norms those that float64 has numbers for.
        fixed_points: of the map of correlations of a block; empty without norms, where variances change, and where
            every correlation is one.
        keeps_correlations: whether every correlation is one: with norms, a linear block.
        beyond: the first depth asked for that float64 has no numbers for, without norms; None where it has for all.
    """

    network: str
    gated: bool
    depths: tuple[Depth, ...]
    fixed_points: tuple[FixedPoint, ...]
    keeps_correlations: bool = False
    beyond: int | None = None

    def at(self, blocks: int) -> Depth | None:
        """With this many blocks, if float64 has numbers for them."""
        return next((depth for depth in self.depths if depth.blocks == blocks), None)


@dataclass(frozen=True)
class DepthPair:
    """A plain network and the one with its gate.

    Attributes:
        plain, gated: their names.
        ratios: cond(plain)/cond(gated) at every depth; nan where one of them is only bounded, or beyond float64.
    """

    plain: str
    gated: str
    ratios: tuple[float, ...]


@dataclass(frozen=True, repr=False)
class DepthStudy(Shown):
    """What `glutheory depth` has found.

    Attributes:
        data: where the rows are from, a phrase.
        n, d: rows and features.
        norm: "rms", "layer" or None.
        residual: whether blocks are added to the stream.
        networks: one for each network.
        pairs: every gated network among them whose plain one is there as well.
    """

    data: str
    n: int
    d: int
    norm: str | None
    residual: bool
    networks: tuple[NetworkDepths, ...]
    pairs: tuple[DepthPair, ...]

    def __repr__(self) -> str:
        names, blocks = ", ".join(item.network for item in self.networks), self.blocks
        depths = f": {blocks[0]} to {blocks[-1]} blocks" if blocks else ""
        return f"<DepthStudy of {names}{depths}{self.data and f' on {self.data}'}>"

    @property
    def blocks(self) -> tuple[int, ...]:
        """The depths, ascending."""
        return tuple(sorted({depth.blocks for item in self.networks for depth in item.depths}))

    def as_json(self, charts: Sequence[Chart] = ()) -> dict[str, Any]:
        """Everything (docs/json.md), with the charts given."""
        return record(
            "depth", gram=gram_options("ntk", "ntk"), data=self.data, n=self.n, d=self.d, norm=self.norm,
            residual=self.residual, networks=self.networks, pairs=self.pairs, charts=charts,
        )  # fmt: skip


def depth_study(
    networks: Network | str | Sequence[Network | str],
    X: Array,
    depths: int | Sequence[int],
    *,
    norm: str | None = "rms",
    residual: bool = True,
    data: str = "",
    advance: Callable[[int, str], None] | None = None,
) -> DepthStudy:
    """The NTK of deep networks, as `glutheory.stack` builds them, on the rows of X.

    In the limit of infinite width and the ntk parametrisation, all variances 1: what is compared is the same for all
    networks but their blocks.

    Args:
        networks: networks or their names, or one alone; one that is named twice counts once.
        X: the rows, shape (n, d), n ≥ 2.
        depths: numbers of blocks, or one.
        norm: before each block and before the readout: "rms", "layer" or None.
        residual: whether blocks are added to the stream, or follow each other.
        data: where the rows are from, a phrase.
        advance: called with 0 and the name before each network, with 1 and "" after it.

    Raises:
        DomainError: too many rows or blocks, no depth, or what `glutheory.gram` refuses, e.g. a zero row.
    """
    X, networks = rows_given(X), networks_given(networks)
    depths = [depths] if isinstance(depths, int) else depths
    n, d = X.shape
    check_size(n, depths)
    if not X.any(axis=1).all():
        row = int(np.nonzero(~X.any(axis=1))[0][0])
        raise DomainError(f"X has the zero row {row} (counted from 0), whose correlations are not defined: remove it.")
    found = []
    for net in dict.fromkeys(map(network, networks)):
        if advance is not None:
            advance(0, net.name)
        found.append(_one(net, X, depths, norm, residual))
        if advance is not None:
            advance(1, "")
    named = {net.name: net for net in map(network, networks)}
    plain = {net.gate: net.name for net in named.values() if len(net.branches) == 1}
    by_name = {item.network: item for item in found}
    reached = sorted({depth.blocks for item in found for depth in item.depths})
    pairs = [
        _pair(by_name[plain[net.gate]], by_name[net.name], reached)
        for net in named.values()
        if net.gated and net.gate in plain
    ]
    return DepthStudy(data or f"{n} rows of {d} features", n, d, norm, residual, tuple(found), tuple(pairs))


def check_size(n: int, depths: Sequence[int]) -> None:
    """Refuses what would take too long or too much memory; to be asked before anything is computed.

    Raises:
        DomainError: too many rows or blocks, or no depth.
    """
    if not depths or not 1 <= min(depths) <= max(depths) <= DEEPEST:
        shown = f"{depths[0]} to {depths[-1]}" if len(depths) > 1 else str(list(depths))
        raise DomainError(f"layers is {shown}: give numbers of blocks from 1 to {DEEPEST:,}.")
    if n > MOST:
        raise DomainError(
            f"n is {n}: all eigenvalues of every depth are computed for at most {MOST:,} rows; take fewer."
        )


def _one(net: Network, X: Array, depths: Sequence[int], norm: str | None, residual: bool) -> NetworkDepths:
    deepest = stack(net, max(depths), norm=norm, residual=residual)
    grams = grams_by_depth(deepest, X, depths, reachable=norm is None)
    points = () if norm is None else fixed_points(net)
    errors = {depth: entry_error(stack(net, depth, norm=norm, residual=residual)) for depth in grams}
    found: list[Depth] = []
    for L, (nngp, ntk) in grams.items():
        lengths = np.diagonal(ntk)
        # without norms variances leave float64 downwards as well
        if not np.isfinite(lengths).all() or not lengths.all():
            if norm is None and found:
                break
            raise DomainError(
                f"the NTK of {net.name!r} is not finite at depth {L}: an activation jumps, or without norms the "
                "variances leave float64; leave it out."
            )
        found.append(_depth(L, nngp, ntk, errors[L]))
    beyond = min((L for L in depths if found[-1].blocks < L), default=None)
    linear = norm is not None and keeps_correlations(net)
    return NetworkDepths(net.name, net.gated, tuple(found), points, linear, beyond)


def _depth(blocks: int, nngp: Array, ntk: Array, error: float) -> Depth:
    values, condition = spectrum_and_condition(ntk, entry_error=error)
    known = values.smallest > values.error
    root = np.sqrt(np.diagonal(nngp))
    # without norms variances can leave float64 downwards: then no correlation is known
    with np.errstate(invalid="ignore", divide="ignore"):
        correlations = nngp / root[:, None] / root
        n = len(root)
        mean = float((correlations.sum() - n) / (n * (n - 1)))
    return Depth(
        blocks,
        values.largest,
        float(values.values[1]),
        values.smallest,
        values.error,
        condition,
        float(values.values[1]) / values.smallest if known else float("nan"),
        mean,
        2 * error,
    )


def _pair(plain: NetworkDepths, gated: NetworkDepths, depths: Sequence[int]) -> DepthPair:
    ratios = tuple(_ratio(plain.at(blocks), gated.at(blocks)) for blocks in depths)
    return DepthPair(plain.network, gated.network, ratios)


def _ratio(plain: Depth | None, gated: Depth | None) -> float:
    """Of the condition numbers; nan where it is not known."""
    if plain is None or gated is None or plain.condition.is_bound or gated.condition.is_bound:
        return math.nan
    return plain.condition.value / gated.condition.value if np.isfinite(gated.condition.value) else math.nan
