"""Claims about stacks: condition numbers, correlations and variances against the number of blocks."""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np

from checks.claims.depth_limit.theory import extinction, weights
from checks.claims.signal.law import LAW as SIGNAL
from checks.own.measure import Array, Measure, Row, over, pairs, sized
from checks.tools.deep_kernels import Block
from checks.tools.deep_spectra import ends_of, net, predicted
from glutheory.activations import activation
from glutheory.layers import stack
from glutheory.networks import GATES
from glutheory.numeric import entry_error, grams_by_depth

_DEPTHS = (1, 4, 16, 64)
_SHOWN = ("reglu", "swiglu")
#: Features from which on harmonics are Gegenbauer polynomials of positive index.
_LEAST = 3
_BLOCKS = (1, 2, 3, 4, 5)


def _measured(block: Block, X: Array) -> list[float]:
    """Condition numbers of the NTK at all depths, nan where they are not known."""
    made = net(block)
    built = stack(made, _DEPTHS[0])
    found = [
        ends_of(ntk, entry_error(stack(made, depth))) for depth, (_, ntk) in grams_by_depth(built, X, _DEPTHS).items()
    ]
    return [one.condition if one.known else math.nan for one in found]


def _predicted(block: Block, X: Array) -> list[float]:
    """Of the limiting spectra for rows of norm √d."""
    n, d = X.shape
    if d < _LEAST:
        return [math.nan] * len(_DEPTHS)
    return [one.condition for one in predicted(block, n, d, _DEPTHS, True)]


def _quotients(first: list[float], second: list[float]) -> list[float]:
    return [over(a, b) for a, b in zip(first, second, strict=True)]


def depth(X: Array, _: Array | None) -> list[Row]:
    """What gating gains at several depths."""
    table: list[Row] = []
    for gate in _SHOWN:
        for words, how in (("measured", _measured), ("predicted", _predicted)):
            gains = _quotients(how(Block(gate, False), X), how(Block(gate, True), X))
            table.append((f"{GATES[gate]} → {gate}, {words}", *gains))
    return table


def centred(X: Array, _: Array | None) -> list[Row]:
    """What of it is the removal of the mean: ln cond(K)/cond(K_c) over ln cond(K)/cond(K̃)."""
    table: list[Row] = []
    for gate in _SHOWN:
        for words, how in (("measured", _measured), ("predicted", _predicted)):
            plain, mean, gated = (how(Block(gate, *kind), X) for kind in ((False, False), (False, True), (True, False)))
            shares = [
                round(math.log(one) / math.log(all_), 10) if all_ != 1 and one > 0 < all_ else math.nan
                for one, all_ in zip(_quotients(plain, mean), _quotients(plain, gated), strict=True)
            ]
            table.append((f"{GATES[gate]} → {gate}, {words}", *shares))
    return table


@lru_cache(maxsize=8)
def _limit(name: str) -> float:
    """Where correlations of a stack without residuals go."""
    return 0.0 if name in GATES else extinction(weights(activation(name)))


def limit(X: Array, _: Array | None) -> list[Row]:
    """Mean correlations of the outputs of pairs of rows, without residuals."""
    upper = pairs(len(X))
    table: list[Row] = []
    for name in ("relu", "silu", *_SHOWN):
        # after a last norm the diagonal is 1: K is the correlation
        found = grams_by_depth(stack(name, 1, residual=False), X, _DEPTHS)
        means = []
        for K, _ntk in found.values():
            size = np.sqrt(np.diag(K))
            means.append(round(float(np.mean((K / size[:, None] / size[None, :])[upper])), 14))
        table.append((name, *[*means, 1.0 if name == "relu" else _limit(name)]))
    return table


def signal(X: Array, _: Array | None) -> list[Row]:
    """Variances of rows in stacks without norms and residuals: the median, and the largest over the smallest."""
    table: list[Row] = []
    start = np.sum(X * X, axis=1) / X.shape[1]
    for name in ("relu", "reglu"):
        found = [np.diag(K) for K, _ in grams_by_depth(stack(name, 1, norm=None, residual=False), X, _BLOCKS).values()]
        table.append((f"{name}, median q", *(_held(float(np.median(q))) for q in (start, *found))))
        table.append((f"{name}, max q/min q", *(over(float(q.max()), _held(float(q.min()))) for q in (start, *found))))
    predicted = [_held(SIGNAL.variance(float(np.median(start)), blocks)) for blocks in (0, *_BLOCKS)]
    table.append(("reglu, median q predicted", *predicted))
    return table


def _held(value: float) -> float:
    """Not a number near the ends of float64: q squares with every gated block, and the law is cut off there."""
    return value if 1e-260 < value < 1e260 else math.nan


_STACKS = "NTK of blocks behind RMSNorm, added to the stream"
_HEAD = tuple(f"L = {depth}" for depth in _DEPTHS)
MEASURES = {
    "depth": Measure(
        f"cond(K_L)/cond(K̃_L), {_STACKS}",
        _HEAD,
        depth,
        "Predicted is for rows of norm √d at random. The recorded run has n up to 512, 1024 blocks, other gates, no "
        "residuals, no norms and real data; `glutheory depth` has yours at every depth.",
        sized("normalised", 181, 32),
    ),
    "depth-centred": Measure(
        f"the share of the mean in the logarithm of the gain, {_STACKS}",
        _HEAD,
        centred,
        "Predicted is for rows of norm √d at random. The recorded run has four sizes, other gates, no residuals and "
        "real data.",
        sized("normalised", 181, 32),
    ),
    "depth-limit": Measure(
        "mean correlation of the outputs of two rows, blocks between norms, no residuals",
        (*_HEAD, "limit"),
        limit,
        "The recorded run proves and certifies the limits, and fits kernel regressions on real data.",
        sized("gaussian", 100, 20),
    ),
    "signal": Measure(
        "variances q after L blocks without norms and residuals, all weights of variance 1",
        ("start", *(f"L = {depth}" for depth in _BLOCKS)),
        signal,
        "The recorded run has the plane of scales, residuals, and sampled networks of finite width. "
        "What is nearer to the ends of float64 than 1e-260 and 1e260 is not shown (-).",
        sized("gaussian", 100, 20),
    ),
}  # fmt: skip
