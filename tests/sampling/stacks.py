"""Compositions for the tests of sampled stacks: every layer, alone and with others."""

from __future__ import annotations

from fractions import Fraction

import numpy as np

import glutheory
from glutheory.layers import (
    Stack,
    composed,
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
    stack,
)

#: Each with inputs of shape (n, d), or of (n, positions, d) where there is a mean over positions.
STACKS: dict[str, Stack] = {
    "dense alone": composed(dense(2, "1/3")),
    "readout alone": composed(readout(3)),
    "two layers": composed(product("swiglu"), readout()),
    "no readout": composed(dense(), product("geglu", bias="1/5"), dense("3/2")),
    "a product at the end": composed(dense(), rmsnorm(), product("identity", "tanh", "silu")),
    "a norm at the end": composed(dense(), product("relu"), layernorm(gain=True, shift=True)),
    "norms on the inputs": composed(rmsnorm(gain=True), dense(), rmsnorm(), readout()),
    "shared stream": composed(
        dense(bias=1),
        residual(rmsnorm(gain=True), parallel((product("silu"), dense()), (product("relu"), dense(2))), scale="-1/2"),
        residual(scale("2/3"), dense("1/2")),
        layernorm(gain=True),
        readout("1/2", "1/7"),
    ),
    "parallel inputs": composed(parallel(dense(), dense(2), [product("gelu"), dense()]), rmsnorm(), readout()),
    "usual": stack("swiglu", 3, gain=True, bias="1/10"),
    "usual plain": stack("relu", 2, norm="layer", gain=True),
    "no residual, no norm": stack("geglu", 3, norm=None, residual=False),
    "one number per branch": composed(
        dense("1/2", trained=False),
        residual(product("swiglu", variance=(1, 2), bias=(0, "1/2"), trained=(False, True), name="ffn"), dense(3)),
        readout(trained=False),
    ),
    "nested": composed(dense(), repeat(2, repeat(2, residual(rmsnorm(), product("bilinear"), dense()))), readout()),
    "sequences": composed(
        dense(bias="1/2"),
        residual(rmsnorm(gain=True), product("swiglu"), dense(bias="1/4")),
        layernorm(gain=True, shift=True),
        positions(),
        rmsnorm(gain=True),
        product("gelu"),
        readout(),
    ),
    "mean at the end": composed(dense(), product("silu"), readout(bias=Fraction(1, 3)), scale("1/2"), positions()),
    "mean first": composed(positions(), dense(), product("silu"), dense()),
}


def inputs(case: Stack, n: int = 4, d: int = 5, seed: int = 3) -> np.ndarray:
    """Rows of different norms, two of them close to each other."""
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((n, 3, d) if case.sequences else (n, d)) * (0.5 + np.arange(n)).reshape(
        (n, 1, 1) if case.sequences else (n, 1)
    )
    X[-1] = 1.5 * X[0] + 0.1 * X[1]
    return X


assert glutheory.Stack is Stack
