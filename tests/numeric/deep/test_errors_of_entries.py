"""`entry_error` of stacks: what it counts, and that `gram` is within it, against recursions on derived duals.

The blocks' inputs have the variance 1, by the norms; carried is the stream, for both rows and the pair.
"""

from __future__ import annotations

from fractions import Fraction

import mpmath
import numpy as np
import pytest

import glutheory as glu
from glutheory.errors import DomainError
from glutheory.layers import Stack, composed, dense, layernorm, parallel, positions, product, readout, residual, scale

#: The zoo's evaluators, a block, a factor that is not 1, and a derived evaluator.
ZOO, BLOCK, FACTOR, DERIVED = 1e-14, 2e-15, 4e-16, 1e-12
X = np.array([[1.0, 0.5, 0.2], [0.9, 0.6, -0.3], [-1.0, -0.4, 0.1]])


@pytest.mark.parametrize(
    ("stack", "wanted"),
    [
        (glu.stack("swiglu", 1), ZOO + BLOCK),
        (glu.stack("relu", 64, residual=False, norm="layer"), ZOO + 64 * BLOCK),
        (glu.stack("mish_glu", 3), ZOO + 3 * (BLOCK + DERIVED)),
        (glu.stack("relu", 2, variance=2), ZOO + 2 * BLOCK + (1 + 2 * 1 + 1) * FACTOR),
        (composed(dense(), product("elu", "mish"), readout()), ZOO + BLOCK + 2 * DERIVED),
        (composed(dense(), residual(dense(), scale=3), readout(), scale(2)), ZOO + BLOCK + 2 * FACTOR),
        # the worse one of parallel blocks, not both
        (composed(dense(), parallel([product("relu"), dense()], [product("mish"), dense()])), ZOO + BLOCK + DERIVED),
    ],
    ids=lambda value: value.name if isinstance(value, Stack) else "",
)
def test_what_is_counted(stack: Stack, wanted: float) -> None:
    assert glu.entry_error(stack) == pytest.approx(wanted, rel=1e-12)


@pytest.mark.parametrize(
    ("stack", "said"),
    [
        (composed(dense(), product("relu"), layernorm(), readout()), "whose layernorm takes the mean of a product's"),
        (composed(dense(), positions(), readout()), "a mean over positions, which may cancel"),
    ],
)
def test_no_bound_is_made_up(stack: Stack, said: str) -> None:
    with pytest.raises(DomainError) as error:
        glu.entry_error(stack)
    assert said in str(error.value)
    # after a dense layer the units have no mean that could be taken away
    assert glu.entry_error(composed(dense(), product("relu"), dense(), layernorm(), readout())) == ZOO + BLOCK


def _norms(sigma: list[mpmath.mpf]) -> list[mpmath.mpf]:
    return [sigma[0], sigma[1], mpmath.sqrt(sigma[0] * sigma[1])]


def _wanted(name: str, gated: bool, depth: int, add: bool, pair: tuple[int, int]) -> tuple[mpmath.mpf, mpmath.mpf]:
    """NNGP and NTK of a stack of `name` with RMSNorm, over the geometric means of their diagonals."""
    x, y = ([mpmath.mpf(float(v)) for v in X[i]] for i in pair)
    sigma = [mpmath.fdot(p, q) / len(x) for p, q in ((x, x), (y, y), (x, y))]
    theta = list(sigma)  # a trained embedding
    own = glu.evaluate(name, 1, 1, 1, digits=25)
    for _ in range(depth):
        fed = [(s / n, t / n) for s, t, n in zip(sigma, theta, _norms(sigma), strict=True)]
        rho = Fraction(int(mpmath.nint(fed[2][0] * 10**36)), 10**36)
        duals = (own, own, glu.evaluate(name, 1, 1, rho, digits=25))
        images = []
        for (s, t), (S, T) in zip(fed, duals, strict=True):
            inner = t + s  # the branches' own weights
            nngp, ntk = (s * S, inner * S + s * inner * T) if gated else (S, inner * T)
            images.append((nngp, ntk + nngp))
        sigma = [add * s + image[0] for s, image in zip(sigma, images, strict=True)]
        theta = [add * t + image[1] for t, image in zip(theta, images, strict=True)]
    norms = _norms(sigma)
    nngp = [s / n for s, n in zip(sigma, norms, strict=True)]
    ntk = [t / n + s for t, n, s in zip(theta, norms, nngp, strict=True)]
    return nngp[2], ntk[2] / mpmath.sqrt(ntk[0] * ntk[1])


@pytest.mark.parametrize(
    ("name", "network", "depth", "add"),
    [
        ("relu", "reglu", 8, False),
        ("gelu", "geglu", 8, True),
        ("elu", "elu", 4, False),
        pytest.param("silu", "swiglu", 8, True, marks=pytest.mark.slow),
        pytest.param("tanh", "tanh", 20, False, marks=pytest.mark.slow),
        pytest.param("mish", "mish", 6, False, marks=pytest.mark.slow),
    ],
)
def test_gram_is_within_it(name: str, network: str, depth: int, add: bool) -> None:
    stack = glu.stack(network, depth, residual=add)
    found = glu.gram(stack, X, kind="both")
    shallow = glu.gram(glu.stack(network, depth - 1, residual=add), X, kind="both")
    with mpmath.workdps(40):
        for i, j in ((0, 1), (0, 2)):
            wanted = _wanted(name, network != name, depth, add, (i, j))
            for K, other, value in zip(found, shallow, wanted, strict=True):
                error = abs(K[i, j] / np.sqrt(K[i, i] * K[j, j]) - value)
                assert error <= glu.entry_error(stack)
                # a block fewer is far outside
                assert abs(other[i, j] / np.sqrt(other[i, i] * other[j, j]) - value) > 1e6 * glu.entry_error(stack)
