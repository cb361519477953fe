"""Sampling on the table of compositions: finite stacks to rounding at every depth, their means while width allows."""

# ruff: noqa: E402  (the package's sampling half can be imported only where torch is)

from __future__ import annotations

import numpy as np
import pytest
import scipy.stats

torch = pytest.importorskip("torch", reason="glutheory.sampling needs torch")

import glutheory as glu
from glutheory import sampling
from tests.compositions import COMPOSITIONS, DEPTHS, SHALLOW
from tests.sampling.deep_autograd import by_autograd, furthest, options
from tests.sampling.stacks import inputs

# ---- one draw, against its Jacobian

#: At width 8 all units behind a ReLU are 0 somewhere in 64 blocks, and a norm has nothing to divide by.
NARROW = 16
#: Relative to the largest entry of a block, as in `test_deep_kernels`; a chaotic stack makes of the roundings of its
#: first layer, some 2^-53 a number, what it makes of a change of the inputs, measured with STEP. A wrong rule shows in
#: the first digits; LEFT is what must be left of them.
ROUNDING, EACH, STEP, LEFT = 1e-12, 1e-13, 1e-9, 1e-2
TABLE = [(name, depth) for name, row in COMPOSITIONS.items() for depth in DEPTHS if depth <= row.deepest]


@pytest.mark.slow
@pytest.mark.parametrize("depth", DEPTHS)
def test_the_blocks_are_those_of_the_jacobian(depth: int) -> None:
    for name in (name for name, deep in TABLE if deep == depth):
        case = COMPOSITIONS[name].build(depth)
        X = inputs(case, 3, 4)
        found = sampling.empirical_ntk(case, X, blocks=True, **options(width=NARROW))
        assert tuple(found) == case.groups
        moved = X * (1 + STEP * np.random.default_rng(0).standard_normal(X.shape))
        there = sampling.empirical_ntk(case, moved, blocks=True, **options(width=NARROW))
        bound = max(ROUNDING, EACH * furthest(there, found) / STEP)
        assert bound < LEFT, name
        assert furthest(found, by_autograd(case, X, "ntk", NARROW)) < bound, name


# ---- the mean of many, against the limit

WIDTH, DRAWS, SEED = 32, 1200, 41
ALARM = 1e-6  #: probability that a right table is rejected, of all entries together, were the means normal
MISSED = 3.1  #: so many deviations beyond the limit is missed with a probability below 1e-3
#: By depth: an error of the NTK of this part of its scale √(K(x,x)K(x',x')) is missed with that probability only.
SEEN = {1: 0.5, 2: 0.6, 5: 1.0}
#: Where the draws vary more than that (chosen by their errors alone): their means are held against the limit, with
#: less power.
NOISY = {
    ("swiglu chain", 2), ("reglu no norm", 2), ("swiglu chain", 5), ("relu biases layernormed", 5),
    ("swiglu layernormed", 5), ("own gate", 5),
    ("geglu own variances", 5),
}  # fmt: skip
#: Without norms ln q of a gated chain has a variance of about (2·4^L + 19(4^L − 1)/3)/width, 4 at 2 blocks and 270 at
#: 5: no mean of a thousand such numbers says anything. (In a trial their standard errors were 10^6 and 10^14 times
#: the scale at 5 blocks.)
HOPELESS = {("swiglu no norm chain", 2), ("swiglu no norm chain", 5), ("reglu no norm", 5)}


@pytest.mark.slow
@pytest.mark.parametrize("name", COMPOSITIONS)
def test_the_means_tend_to_gram(name: str) -> None:
    """2·K(2m) − K(m) has no bias of order 1/m: within its error it is the NTK of `gram`.

    At 20 and 64 blocks this is beyond a test. Bias and variance of a draw grow with blocks/width, so that the figures
    of 5 blocks need the widths 256 and 820, which is 64 and 2,100 times the work: 50 processor minutes and 30 hours
    for the table. There the draws are held against their Jacobians, above, and the limit by the other roads.
    """
    entries = 3 * len(COMPOSITIONS) * len(SHALLOW)
    most = float(scipy.stats.t.isf(ALARM / 2 / entries, DRAWS - 1))
    for depth in SHALLOW:
        if (name, depth) in HOPELESS:
            continue
        case = COMPOSITIONS[name].build(depth)
        X = inputs(case, 2, 4)
        X = X / np.sqrt(np.mean(X**2))
        exact = glu.gram(case, X)
        one, two = (
            sampling.monte_carlo(case, X, width=width, draws=DRAWS, seed=seed)
            for width, seed in ((WIDTH, SEED), (2 * WIDTH, SEED + 1))
        )
        error = np.hypot(2 * two.standard_error, one.standard_error)
        assert np.all(np.abs(2 * two.mean - one.mean - exact) < most * error), depth
        scale = np.sqrt(np.outer(np.diag(exact), np.diag(exact)))
        seen = float(np.max(error / scale)) * (most + MISSED)
        assert ((name, depth) in NOISY) or seen < SEEN[depth], (depth, seen)
