"""gram of stacks against the arc-cosine recursion in 50 digits, against two layers, and against itself."""

from __future__ import annotations

from fractions import Fraction
from itertools import product as pairs_of
from typing import Any

import mpmath
import numpy as np
import pytest
import sympy as sp

import glutheory as glu
from glutheory.activations import Z
from glutheory.errors import DomainError, UnknownNameError
from glutheory.layers import dense, layernorm, parallel, positions, product, readout, repeat, residual, rmsnorm, scale
from glutheory.numeric.own.cover import Cover

X = np.random.default_rng(20260101).standard_normal((9, 6))
#: Rows 1e-8 apart, the same, opposite, nearly opposite, parallel with another norm, at right angles.
X[1] = X[0] + 1e-8 * X[7]
X[2] = X[0]
X[3] = -X[0]
X[4] = -1.5 * X[0] + 1e-9 * X[7]
X[5] = 2.0 * X[0]
X[6] = [X[0, 1], -X[0, 0], 0, 0, 0, 0]
#: An ulp for each of about ten roundings of a layer, at most; they add up.
PER_LAYER = 2e-15


def arc_cosine(rho: mpmath.mpf) -> tuple[mpmath.mpf, mpmath.mpf]:
    """E[φ(u)φ(v)] and E[φ'(u)φ'(v)] of the relu for variances 1 (Cho & Saul 2009)."""
    theta = mpmath.acos(rho)
    return (mpmath.sin(theta) + (mpmath.pi - theta) * rho) / (2 * mpmath.pi), (mpmath.pi - theta) / (2 * mpmath.pi)


def reference(x: np.ndarray, y: np.ndarray, depth: int, gated: bool, norm: bool, add: bool) -> tuple[float, float]:
    """NNGP and NTK of stack("relu" or "reglu", depth), over their diagonals' geometric mean."""
    with mpmath.workdps(60):
        one, two = ([mpmath.mpf(float(v)) for v in row] for row in (x, y))
        grams = [mpmath.fdot(p, q) / len(x) for p, q in ((one, one), (two, two), (one, two))]
        state = [(gram, gram) for gram in grams]  # a trained embedding: Θ = Σ
        for _ in range(depth):
            fed = normed(state) if norm else state
            roots = [mpmath.sqrt(fed[0][0]), mpmath.sqrt(fed[1][0])]
            out = []
            for (sigma, theta), r, q in zip(fed, (*roots, roots[0]), (*roots, roots[1]), strict=True):
                rho = min(mpmath.mpf(1), max(mpmath.mpf(-1), sigma / (r * q)))
                s, t = arc_cosine(rho)
                s, inner = s * r * q, theta + sigma  # the branches' own weights
                image = (sigma * s, inner * s + sigma * inner * t) if gated else (s, inner * t)
                out.append((image[0], image[1] + image[0]))
            state = [(a + c, b + d) for (a, b), (c, d) in zip(state, out, strict=True)] if add else out
        state = normed(state) if norm else state
        final = [(sigma, theta + sigma) for sigma, theta in state]
        (s1, k1), (s2, k2), (s, k) = final
        return float(s / mpmath.sqrt(s1 * s2)), float(k / mpmath.sqrt(k1 * k2))


def normed(state: list[tuple[mpmath.mpf, mpmath.mpf]]) -> list[tuple[mpmath.mpf, mpmath.mpf]]:
    a, b = state[0][0], state[1][0]
    return [(s / n, t / n) for (s, t), n in zip(state, (a, b, mpmath.sqrt(a * b)), strict=True)]


def relative(K: np.ndarray) -> np.ndarray:
    root = np.sqrt(np.diagonal(K))
    return np.asarray(K / root[:, None] / root)


@pytest.mark.parametrize("depth", [1, 2, 5, 20, 64])
@pytest.mark.parametrize(("norm", "add"), [(True, True), (True, False), (False, True), (False, False)])
@pytest.mark.parametrize("network", ["relu", "reglu"])
def test_the_arc_cosine_recursion(network: str, norm: bool, add: bool, depth: int) -> None:
    if network == "reglu" and not norm and depth > 5:
        pytest.skip("its variances leave float64 (see the test of errors)")
    stack = glu.stack(network, depth, norm="rms" if norm else None, residual=add)
    found = [relative(part) for part in glu.gram(stack, X, kind="both")]
    for i, j in pairs_of(range(9), range(9)):
        # of the deep ones, whose reference takes long, every third pair
        if j >= i and (depth < 20 or (i + j) % 3 == 0):
            wanted = reference(X[i], X[j], depth, network == "reglu", norm, add)
            assert [part[i, j] for part in found] == pytest.approx(wanted, abs=PER_LAYER * depth + 2e-15, rel=0), (i, j)


@pytest.mark.parametrize("network", ["relu", "swiglu", "geglu", "tanh", "bilinear", "exp", "abs", "softplus"])
def test_two_layers_come_out_unchanged(network: str) -> None:
    """Rows of different norms, which for the others than relu and abs have no table."""
    stack = glu.composed(product(network), readout())
    for one, two in zip(glu.gram(stack, X, kind="both"), glu.gram(network, X, kind="both"), strict=True):
        assert np.abs(relative(one) - relative(two)).max() < 4e-15
    # with LeCun's variances the stack's and the network's weights are the same
    one, two = (glu.gram(net, X, parametrization="standard", width=50) for net in (stack, network))
    assert np.diagonal(one) == pytest.approx(np.diagonal(two), rel=1e-13)
    assert np.abs(relative(one) - relative(two)).max() < 4e-15


@pytest.mark.parametrize("network", ["elu", "hard_tanh", "mish"])
def test_two_layers_of_an_evaluator_from_a_definition(network: str) -> None:
    """Rows near each other in a plane, so many that the evaluator looks for patches of its own."""
    plane = np.random.default_rng(2).standard_normal((24, 2))
    stack = glu.composed(product(network), readout())
    for one, two in zip(glu.gram(stack, plane, kind="both"), glu.gram(network, plane, kind="both"), strict=True):
        assert np.abs(relative(one) - relative(two)).max() < 4e-15


@pytest.mark.long
def test_patches_serve_the_pairs_of_a_stack(monkeypatch: pytest.MonkeyPatch) -> None:
    """Rows of nearly one norm: the pairs are many of a kind, listed here and a table in two layers."""
    rng, found, find = np.random.default_rng(3), [], Cover.find
    angles = rng.uniform(0.0, 2.0 * np.pi, 60)
    ring = rng.uniform(1.0, 1.1, (60, 1)) * np.stack([np.cos(angles), np.sin(angles)], axis=1)

    def seen(*arguments: Any) -> Any:
        found.append((arguments[1].rho.ndim, find(*arguments)))
        return found[-1][1]

    stack = glu.composed(product("elu"), readout())
    with monkeypatch.context() as patch:
        patch.setattr(Cover, "find", seen)
        listed = glu.gram(stack, ring, kind="both", threads=1)
    assert any(dimensions == 1 and mine is not None and mine.sum() > 500 for dimensions, mine in found)
    for one, two in zip(listed, glu.gram("elu", ring, kind="both", threads=1), strict=True):
        assert np.abs(relative(one) - relative(two)).max() < glu.entry_error(stack)


def test_the_groups_add_up() -> None:
    block = residual(rmsnorm(True), product("swiglu", bias=(0, Fraction(1, 2))), dense(2), scale=Fraction(1, 3))
    stack = glu.composed(dense(name="embedding"), repeat(3, block), layernorm(True, True), readout(bias=1))
    assert len(stack.groups) == 1 + 3 * 4 + 2
    total = sum(glu.gram(stack, X, trained=group) for group in stack.groups)
    assert total == pytest.approx(glu.gram(stack, X), rel=1e-14, abs=1e-13)
    gates = glu.gram(stack, X, trained="block*.gate")
    three = sum(glu.gram(stack, X, trained=f"block{k}.gate") for k in (1, 2, 3))
    assert gates == pytest.approx(three, rel=1e-14, abs=1e-13)
    assert not np.allclose(gates, glu.gram(stack, X, trained="block*.value"))
    with pytest.raises(UnknownNameError, match="'block\\*\\.up', which no group"):
        glu.gram(stack, X, trained="block*.up")


def test_frozen_layers_do_not_count() -> None:
    free = glu.composed(dense(name="first"), product("relu", name="a"), readout())
    frozen = glu.composed(dense(trained=False), product("relu", trained=False), readout())
    assert glu.gram(frozen, X) == pytest.approx(glu.gram(free, X, trained="readout"), rel=1e-14)
    assert glu.gram(frozen, X) == pytest.approx(glu.gram(free, X, kind="nngp"), rel=1e-14)


def test_parallel_blocks_and_factors() -> None:
    """Two independent blocks of one kind are √2 times one; a factor of 3 is a variance of 9 that nobody trains."""
    block = (product("geglu"), dense())
    one = glu.composed(dense(), rmsnorm(), *block, readout())
    two = glu.composed(dense(), rmsnorm(), parallel(block, block), scale("1"), readout())
    # the readout's own weights see twice the covariance as well
    assert glu.gram(two, X, kind="nngp") == pytest.approx(2 * glu.gram(one, X, kind="nngp"), rel=1e-14, abs=1e-14)
    assert glu.gram(two, X) == pytest.approx(2 * glu.gram(one, X), rel=1e-13, abs=1e-13)
    scaled = glu.composed(dense(), rmsnorm(), *block, readout(), scale(-3))
    assert glu.gram(scaled, X) == pytest.approx(9 * glu.gram(one, X), rel=1e-14)


def test_layernorm_takes_the_mean_away() -> None:
    """relu(z) = z/2 + |z|/2 has the mean √(2/π)/2; centred, its NNGP is (S − 1/2π)/(1/2 − 1/2π)."""
    stack = glu.composed(dense(), rmsnorm(), product("relu"), layernorm())
    centred = glu.gram(stack, X, kind="nngp")
    S = glu.gram(glu.composed(dense(), rmsnorm(), product("relu")), X, kind="nngp")
    assert centred == pytest.approx((S - 1 / (2 * np.pi)) / (0.5 - 1 / (2 * np.pi)), abs=5e-15)


def test_a_mean_over_positions_is_the_mean_of_kernels() -> None:
    layers = (dense(), residual(rmsnorm(), product("swiglu"), dense()), rmsnorm())
    data, other = X[:6].reshape(2, 3, 6), X[5:9].reshape(2, 2, 6)
    pooled = glu.composed(*layers, positions(), readout(2, 1))
    sigma, theta = glu.gram(glu.composed(*layers), X[:6], X[5:9], kind="both")
    sigma, theta = (part.reshape(2, 3, 2, 2).mean(axis=(1, 3)) for part in (sigma, theta))
    nngp, ntk = glu.gram(pooled, data, other, kind="both")
    assert nngp == pytest.approx(2 * sigma + 1, rel=1e-14)
    assert ntk == pytest.approx(2 * (theta + sigma) + 1, rel=1e-14)
    assert glu.gram(pooled, data).shape == (2, 2)
    with pytest.raises(DomainError, match=r"X has shape \(9, 6\): a stack with positions needs sequences"):
        glu.gram(pooled, X)


def test_the_data_may_be_of_any_library_and_precision() -> None:
    torch = pytest.importorskip("torch")
    stack = glu.stack("swiglu", 3)
    K = glu.gram(stack, X)
    assert np.array_equal(glu.gram(stack, torch.as_tensor(X)).numpy(), K)
    single = glu.gram(stack, X.astype(np.float32))
    assert single.dtype == np.float32
    assert relative(single) == pytest.approx(relative(K), abs=1e-6)
    assert relative(glu.gram(stack, X, X)) == pytest.approx(relative(K), abs=1e-14)
    assert relative(glu.gram(stack, X, block=2, threads=2)) == pytest.approx(relative(K), abs=1e-14)
    out = np.empty((9, 9))
    assert glu.gram(stack, X, out=out) is out


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: glu.gram(glu.stack("relu", 2), np.zeros((3, 2))), "X has the zero row 0 (counted from 0)"),
        (lambda: glu.gram(glu.stack("relu", 2), X, np.zeros((3, 6))), "Y has the zero row 0 (counted from 0)"),
        (lambda: glu.gram(glu.stack("reglu", 64, norm=None), X), "leave float64: use a norm"),
        (
            lambda: glu.gram(glu.stack("relu", 2), X, variances={"value": 1}),
            "variances has the key 'value': the known names are embedding, block.hidden",
        ),
        (lambda: glu.gram("relu", X, trained="readout"), "only the groups of a stack can be chosen"),
        (lambda: glu.gram(glu.stack("relu", 2), X, parametrization="standard"), "needs the width of the layers"),
        (lambda: glu.gram(glu.stack("relu", 2), X, parametrization="ntk2"), "parametrization is 'ntk2'"),
        (lambda: glu.gram(glu.stack("exp", 1, variance=10**6), X), "exp"),
    ],
)
def test_bad_input_is_one_sentence(call, said) -> None:
    with pytest.raises(DomainError) as error:
        call()
    assert said in str(error.value)
    assert "\n" not in str(error.value)


def test_zero_rows_pass_without_norms() -> None:
    data = np.vstack([X[:2], np.zeros(6)])
    K = glu.gram(glu.stack("relu", 3, norm=None), data)
    assert (K[2] == 0).all()
    assert K[:2, :2] == pytest.approx(glu.gram(glu.stack("relu", 3, norm=None), X[:2]), rel=1e-14)
    # with biases a zero row is no special one
    K = glu.gram(glu.stack("swiglu", 2, norm=None, bias=1), data)
    assert np.isfinite(K).all()
    assert (np.linalg.eigvalsh(K) > -1e-9).all()


@pytest.mark.slow
def test_ten_thousand_blocks() -> None:
    K = glu.gram(glu.stack("reglu", 10_000), X[:3])
    assert np.isfinite(K).all()


JUMP = glu.Activation("heaviside(z)+z", sp.Heaviside(Z) + Z)
ELSEWHERE = glu.Activation("z*heaviside(z-1/2)", Z * sp.Heaviside(Z - sp.Rational(1, 2)))
TWO = np.array([[1.0, 2.0], [3.0, 1.0]])


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (
            lambda: glu.gram(glu.composed(product(JUMP), readout()), TWO, kind="nngp"),
            "jumps and is fed with rows of diff",
        ),
        (
            lambda: glu.gram(glu.composed(product("step"), readout()), 0 * TWO, kind="nngp"),
            "zero row 0 (counted from 0)",
        ),
        (
            lambda: glu.gram(glu.composed(product("cos"), layernorm(), readout()), 1e-3 * TWO),
            "layernorm follows images",
        ),
        (lambda: glu.gram(glu.stack("swiglu", 2, norm=None), np.array([[1e100], [1.0]])), "leave float64"),
        (lambda: glu.gram(glu.stack("relu", 2), TWO, parametrization="standard", width=10**400), "width is beyond"),
        (lambda: glu.gram(glu.composed(product(ELSEWHERE), readout()), np.array([[1.0], [-1.0]])), "exactly opposite"),
    ],
)
def test_what_cannot_be_had_is_refused(call, said: str) -> None:
    with pytest.raises(DomainError) as error:
        call()
    assert said in str(error.value)


def test_poles_have_no_weight_where_nothing_is_trained_or_nothing_is_left() -> None:
    assert np.diagonal(glu.gram(glu.stack("step", 2), TWO, trained="readout")) == pytest.approx([1, 1], rel=1e-14)
    frozen = glu.composed(dense(trained=False), product("step", trained=False), readout())
    assert np.diagonal(glu.gram(frozen, TWO)) == pytest.approx([0.5, 0.5], rel=1e-14)
    opposite = np.array([[1.0], [-1.0]])
    for other in ("sign", "step"):
        K = glu.gram(glu.composed(product(other, "relu"), readout()), opposite)
        assert abs(K[0, 1]) < 1e-16
        assert np.isposinf(np.diagonal(K)).all()
