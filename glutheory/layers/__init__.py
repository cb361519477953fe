"""Deep networks as data: a small algebra of layers, and the usual stacks made of it."""

from __future__ import annotations

from glutheory.layers.build import stack
from glutheory.layers.composition import Stack, composed
from glutheory.layers.reading import read_stack
from glutheory.layers.records import (
    dense,
    layernorm,
    parallel,
    positions,
    product,
    readout,
    repeat,
    residual,
    rmsnorm,
    scale,
    serial,
)
from glutheory.layers.walk import by_depth, run

__all__ = [
    "Stack",
    "by_depth",
    "composed",
    "dense",
    "layernorm",
    "parallel",
    "positions",
    "product",
    "read_stack",
    "readout",
    "repeat",
    "residual",
    "rmsnorm",
    "run",
    "scale",
    "serial",
    "stack",
]
