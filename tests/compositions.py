"""The compositions of layers on which the roads to deep kernels are held against each other: one table for all roads.

Every row is a function of the number of blocks, so that a road takes it at the depths it can afford. Rows whose
variances double their logarithm from block to block say how deep doubles follow them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import sympy as sp

from glutheory.activations import Activation, Z
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

#: The depths of the promise; and those that the default suite takes.
DEPTHS = (1, 2, 5, 20, 64)
SHALLOW = (1, 2, 5)
#: Of the pairs of rows, those that the deep stacks take: where the digits of 1 − |ρ| must pass through every block.
FAR = ("usual", "close", "opposite", "nearly opposite")


@dataclass(frozen=True)
class Composition:
    """A family of stacks.

    Attributes:
        build: the stack with this many blocks.
        deepest: the largest number of blocks at which float64 holds all kernels (their logarithms double each block).
        sequences: whether the data are sequences.
    """

    build: Callable[[int], Stack]
    deepest: int = 64
    sequences: bool = False


def own(text: str) -> Activation:
    """An activation that is not of the zoo."""
    return Activation(text, sp.sympify(text, locals={"z": Z}))


def usual(network: Any, **options: Any) -> Callable[[int], Stack]:
    """What `stack` builds, as a function of the depth."""
    return lambda depth: stack(network, depth, **options)


def _biases(depth: int) -> Stack:
    return stack("reglu", depth, variance=Fraction(3, 2), bias=Fraction(1, 10), gain=True)


def _frozen_gates(depth: int) -> Stack:
    block = residual(rmsnorm(), product("swiglu", trained=(True, False)), dense(trained=False))
    return composed(dense(trained=False, name="embedding"), repeat(depth, block), rmsnorm(), readout())


def _own_variances(depth: int) -> Stack:
    """A product on the inputs themselves, and branches with variances of their own."""
    first = product("geglu", variance=(2, Fraction(1, 2)), bias=(0, Fraction(1, 4)), name="first")
    block = (rmsnorm(), product("geglu", variance=(Fraction(1, 2), 2)), dense(Fraction(2)))
    return composed(first, dense(), repeat(depth, residual(*block)), readout(Fraction(1, 3)))


def _two_branches(depth: int) -> Stack:
    both = parallel((product("swiglu", name="ffn"), dense(name="out")), (product("tanh"), dense(Fraction(1, 2))))
    return composed(dense(), repeat(depth, residual(rmsnorm(True), both)), rmsnorm(True), readout())


def _two_hidden(depth: int) -> Stack:
    """Blocks of two hidden layers, the second a product, without norms."""
    block = (product("tanh", variance=2), product("identity", "erf", bias=(1, 0)), dense())
    return composed(repeat(depth, *block), readout())


def _plain_mlp(network: Any, variance: Any, bias: Any = 0) -> Callable[[int], Stack]:
    """A multilayer perceptron: hidden layers one after the other, and a readout."""
    return lambda depth: composed(repeat(depth, product(network, variance=variance, bias=bias)), readout())


def _normed_products(network: Any, norm: Any) -> Callable[[int], Stack]:
    """A norm right after each product, where the units' means are not zero."""
    return lambda depth: composed(dense(), repeat(depth, product(network), norm), readout())


def _biased_means(depth: int) -> Stack:
    """Images with means behind biases, which the norm takes away."""
    return composed(dense(), repeat(depth, product("relu", bias=Fraction(1, 4)), layernorm()), readout())


def _sandwich(depth: int) -> Stack:
    """Norms before and within the block, the inner one centred, with gains and shifts."""
    block = residual(layernorm(True, True), product("swiglu"), layernorm(True, True), dense(name="down"))
    return composed(dense(name="embedding"), repeat(depth, block), layernorm(True, True), readout())


def _after_the_sum(depth: int) -> Stack:
    """The norm after the residual sum."""
    return composed(dense(), repeat(depth, residual(product("reglu"), dense()), rmsnorm()), readout())


def _after_the_embedding_of_means(depth: int) -> Stack:
    """A residual stream with means: it starts with the images of an activation."""
    block = residual(layernorm(), product("silu"), dense())
    return composed(product("relu"), repeat(depth, block), layernorm(gain=True), readout())


def _nested(depth: int) -> Stack:
    inner = residual(rmsnorm(), product("reglu"), dense(), scale=Fraction(1, 2))
    return composed(dense(), repeat(depth, residual(repeat(2, inner), dense())), rmsnorm(), readout())


def _scaled(depth: int) -> Stack:
    block = residual(rmsnorm(), product("bilinear"), dense(), scale=Fraction(-1, 3))
    return composed(dense(), scale(Fraction(3, 2)), repeat(depth, block), scale(2), readout(), scale(Fraction(1, 2)))


def _averaged(network: Any) -> Callable[[int], Stack]:
    """Sequences: blocks at every position, and the mean before the readout."""
    block = residual(rmsnorm(), product(network), dense())
    return lambda depth: composed(dense(), repeat(depth, block), rmsnorm(), positions(), readout())


#: name -> family. The names are for test ids.
COMPOSITIONS: dict[str, Composition] = {
    # every gate of the paper and its non-gated twin, as in a Llama-like stack
    "reglu": Composition(usual("reglu")),
    "geglu": Composition(usual("geglu")),
    "swiglu": Composition(usual("swiglu")),
    "glu": Composition(usual("glu")),
    "bilinear": Composition(usual("bilinear")),
    "relu": Composition(usual("relu")),
    "gelu layernorm": Composition(usual("gelu", norm="layer")),
    "silu gain": Composition(usual("silu", gain=True)),
    "abs": Composition(usual("abs")),
    # without residuals
    "swiglu chain": Composition(usual("swiglu", residual=False)),
    "relu chain": Composition(usual("relu", residual=False)),
    "tanh chain gain": Composition(usual("tanh", residual=False, gain=True)),
    # without norms
    "gtu no norm": Composition(usual("gtu", norm=None, scale=Fraction(1, 8))),
    "silu no norm": Composition(usual("silu", norm=None, scale=Fraction(1, 4))),
    "reglu no norm": Composition(usual("reglu", norm=None), deepest=5),
    "swiglu no norm chain": Composition(usual("swiglu", norm=None, residual=False), deepest=5),
    "relu He": Composition(_plain_mlp("relu", 2)),
    "tanh edge of chaos": Composition(_plain_mlp("tanh", 2, Fraction(1, 10))),
    "two hidden layers": Composition(_two_hidden),
    # variances, biases, frozen weights, factors
    "reglu biases gain": Composition(_biases),
    "swiglu frozen gates": Composition(_frozen_gates),
    "geglu own variances": Composition(_own_variances),
    "swiglu scale": Composition(usual("swiglu", scale=Fraction(1, 8), gain=True, norm="layer")),
    "bilinear scales": Composition(_scaled),
    # means that layernorm takes away
    "relu layernormed": Composition(_normed_products("relu", layernorm())),
    "relu biases layernormed": Composition(_biased_means),
    "swiglu layernormed": Composition(_normed_products("swiglu", layernorm(True, True))),
    "softplus rmsnormed": Composition(_normed_products("softplus", rmsnorm(True))),
    "swiglu sandwich": Composition(_sandwich),
    "silu stream with means": Composition(_after_the_embedding_of_means),
    # other compositions
    "swiglu and tanh parallel": Composition(_two_branches),
    "reglu norm after": Composition(_after_the_sum),
    "reglu nested": Composition(_nested),
    "three branches": Composition(usual(product("identity", "silu", "tanh").network)),
    "two gates": Composition(usual(product("sigmoid", "relu").network)),
    # activations of the user's
    "own gate": Composition(usual(product("identity", own("z*erf(z)")).network)),
    "own plain": Composition(usual(own("sin(z) + cos(z)"), residual=False)),
    "hard swish": Composition(usual("hard_swish")),
    # sequences
    "reglu positions": Composition(_averaged("reglu"), sequences=True),
    "gelu positions": Composition(_averaged("gelu"), sequences=True),
}

#: Inner products (x·x/d, x'·x'/d, x·x'/d), exact: usual, nearly parallel, parallel, opposite and nearly, orthogonal.
PAIRS: dict[str, tuple[Fraction, Fraction, Fraction]] = {
    "usual": (Fraction(1), Fraction(2), Fraction(3, 5)),
    "obtuse": (Fraction(3, 4), Fraction(5, 4), Fraction(-1, 2)),
    "close": (Fraction(1), Fraction(1), 1 - Fraction(1, 10**12)),
    "same": (Fraction(1), Fraction(1), Fraction(1)),
    "parallel": (Fraction(1), Fraction(4), Fraction(2)),
    "opposite": (Fraction(1), Fraction(1), Fraction(-1)),
    "nearly opposite": (Fraction(1), Fraction(1), Fraction(1, 10**12) - 1),
    "orthogonal": (Fraction(1), Fraction(3, 2), Fraction(0)),
}
