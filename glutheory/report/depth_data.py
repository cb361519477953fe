"""The numbers behind the explorer of depth: deep kernels of each pair on the same random rows, computed on demand."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np

from glutheory.layers import stack
from glutheory.numeric import grams_by_depth
from glutheory.report.explorer_data import PAIRS as ALL
from glutheory.report.explorer_data import Array, Pair, packed
from glutheory.studies.depth import DepthStudy, depth_study

#: The pairs shown; those of feed-forward layers in use.
PAIRS = tuple(pair for pair in ALL if pair.network in ("relu", "gelu", "silu"))
#: Standard normal rows and their features, drawn from seed 0: what `glutheory depth NAMES --n 100 --d 20` takes.
N, D = 100, 20
#: ρ of two inputs, in steps of 0.05.
RHO = tuple(k / 20 for k in range(-20, 21))
#: Depths with norms; without, variances of gated stacks leave float64 doubly exponentially.
_DEPTHS, _SHALLOW = (1, 2, 3, 4, 6, 8, 11, 16, 23, 32, 45, 64), (1, 2, 3, 4)


@dataclass(frozen=True)
class Kind:
    """A way to stack blocks.

    Attributes:
        name: as a reader chooses it.
        norm: "rms", or None. LayerNorm is the same as "rms" here: units of a stream of infinite width have mean 0.
        residual: whether blocks are added to the stream.
        depths: numbers of blocks.
    """

    name: str
    norm: str | None
    residual: bool
    depths: tuple[int, ...]


KINDS = (
    Kind("norm, residual", "rms", True, _DEPTHS),
    Kind("norm, no residual", "rms", False, _DEPTHS),
    Kind("no norm, residual", None, True, _SHALLOW),
    Kind("no norm, no residual", None, False, _SHALLOW),
)


def rows() -> Array:
    """The rows, shape (`N`, `D`)."""
    return np.random.default_rng(0).standard_normal((N, D))


@cache
def study(pair: Pair, kind: Kind) -> DepthStudy:
    """Both networks of a pair on `rows`, depth by depth."""
    names = (pair.network, pair.gated.lower())
    data = f"{N} standard normal rows of {D} features"
    return depth_study(names, rows(), kind.depths, norm=kind.norm, residual=kind.residual, data=data)


def maps(network: str, kind: Kind) -> Array:
    """What two inputs of equal norm √d share after so many blocks, over their correlation `RHO`.

    Args:
        network: a name of the zoo.
        kind: of the stack.

    Returns:
        Shape (depths, 2, len(RHO)): their correlation in the NNGP, and the NTK over its value at ρ = 1.
    """
    rho = np.array(RHO)
    X = math.sqrt(2) * np.column_stack([rho, np.sqrt((1 - rho) * (1 + rho))])
    grams = grams_by_depth(stack(network, 1, norm=kind.norm, residual=kind.residual), X, kind.depths)
    return np.array([[part[-1] / part[-1, -1] for part in grams[depth]] for depth in kind.depths])


def record(pair: Pair, kind: Kind) -> list[dict[str, Any]]:
    """The pair on a kind of stack, for JSON: the plain network, then the gated one."""
    return [
        {
            "largest": [depth.largest for depth in item.depths],
            "second": [depth.second for depth in item.depths],
            "smallest": [depth.smallest for depth in item.depths],
            "condition": [math.nan if depth.condition.is_bound else depth.condition.value for depth in item.depths],
            "spread": [depth.spread for depth in item.depths],
            "correlation": [depth.correlation for depth in item.depths],
            "fixed": [[point.rho, point.slope, point.stable] for point in item.fixed_points],
            "maps": packed(maps(item.network, kind)),
        }
        for item in study(pair, kind).networks
    ]
