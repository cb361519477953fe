"""Gradients of the kernels of stacks: by differences of many digits, by autograd of a plain formula, by two layers.

The derivatives of 50 digits come from `StackDerivation.at`, which knows nothing of the tables that the gradients are
made of. An error is over the larger of the derivative and √(K(x,x) K(y,y)), both times ‖x‖.
"""

from __future__ import annotations

import math
from dataclasses import replace
from fractions import Fraction
from functools import lru_cache
from typing import Any

import mpmath
import pytest
import sympy as sp

import glutheory as glu
from glutheory.activations import Z
from glutheory.errors import DomainError
from glutheory.layers import Stack, composed, dense, layernorm, product, readout, residual, rmsnorm
from glutheory.symbolic.stacks import StackDerivation, stack_derivation
from tests.numeric.cases import MP, pair

torch = pytest.importorskip("torch")
from glutheory.integrations import autograd  # noqa: E402 (only where torch is)
from glutheory.integrations.torch import gram, gram_diagonal  # noqa: E402
from glutheory.numeric.deep import field, images  # noqa: E402
from glutheory.numeric.deep.bends import bends  # noqa: E402
from tests.integrations.tensors import gradient, rows  # noqa: E402

#: What two layers promise, depth or not.
TOLERANCE = 5e-12
#: Central differences of step 1e-6 leave its square, and over it the rounding of 1e-16.
DIFFERENCES: dict[str, Any] = {"rtol": 1e-6, "atol": 1e-7, "fast_mode": True, "raise_exception": False}
STACKS: dict[str, Stack] = {
    "gated": glu.stack("swiglu", 5),
    "deep": glu.stack("gelu", 20, gain=True),
    "kink": glu.stack("relu", 5),
    "no residual": glu.stack("reglu", 4, residual=False),
    "layernorm": glu.stack("geglu", 3, norm="layer"),
    "biases": glu.stack("swiglu", 3, bias="1/10", variance=2),
    "no norm": glu.stack("reglu", 3, norm=None, scale="1/2"),
    "unequal": glu.stack("silu", 2, norm=None),
    "unequal with a kink": glu.stack("gtu", 2, norm=None, bias=1),
    "a mean taken away": composed(
        product("silu"), residual(rmsnorm(), product("relu"), dense()), layernorm(True, True), readout()
    ),
    "derived": glu.stack("mish_glu", 2),
}
#: Evaluators of rows of different variances take long.
SLOW = ("unequal", "unequal with a kink")
every_stack = pytest.mark.parametrize(
    "stack",
    [pytest.param(stack, id=name, marks=[pytest.mark.slow] * (name in SLOW)) for name, stack in STACKS.items()],
)


def passes(stack: Stack, kind: str, sides: int, *, diagonal: bool = False) -> bool:
    """The derivative along a random direction of all rows, by differences."""
    function, count = (gram_diagonal, 3) if diagonal else (gram, 2)

    def value(vector: Any) -> Any:
        X, Y = vector[:6].reshape(3, 2), vector[6 : 6 + 2 * count].reshape(count, 2)
        return function(stack, X, Y if sides == 2 else None, kind=kind)

    vector = rows(1, 12, 3)[0].requires_grad_()
    found: bool = torch.autograd.gradcheck(value, vector, **DIFFERENCES)
    return found


@pytest.mark.long
@every_stack
def test_gradients_pass_gradcheck(stack: Stack) -> None:
    assert passes(stack, "both", 1)
    assert passes(stack, "both", 2)
    assert passes(stack, "both", 2, diagonal=True)
    assert passes(stack, "ntk", 1, diagonal=True)


_WAYS: tuple[dict[str, Any], ...] = ({}, {"parametrization": "standard", "width": 7})


def test_frozen_layers_and_the_standard_parametrisation() -> None:
    stack = composed(dense(trained=False), product("swiglu", trained=(False, True)), dense(2, "1/3"), readout())
    X = rows(4, 3, 1)
    for options in _WAYS:
        found = gradient(stack, X, **options)
        step = 1e-6 * rows(4, 3, 2)
        ends = [float(glu.gram(stack, X + sign * step, **options).sum()) for sign in (1, -1)]
        assert float((found * step).sum()) == pytest.approx((ends[0] - ends[1]) / 2, rel=1e-7)


# differences of many digits


def _number(value: Fraction) -> mpmath.mpf:
    return MP.mpf(value.numerator) / value.denominator


def _dot(u: list[Fraction], v: list[Fraction]) -> Fraction:
    return sum((p * q for p, q in zip(u, v, strict=True)), Fraction(0))


@lru_cache(maxsize=64)
def _derived(stack: Stack) -> StackDerivation:
    return stack_derivation(stack)


def _kernel(stack: Stack, kind: str, x: list[Fraction], y: list[Fraction], digits: int) -> mpmath.mpf:
    a, b, c = (_dot(u, v) / len(x) for u, v in ((x, x), (y, y), (x, y)))
    ball = getattr(_derived(stack).at(a, b, c, digits=digits), kind)
    return MP.mpf(ball.mid().str(60, radius=False))


def hard_point_error(stack: Stack, kind: str, a: float, b: float, gap: float) -> float:
    """The error of the gradient in x, along x and at right angles to it, over the natural scale."""
    step = Fraction(1, 10**18)
    points = pair(a, b, gap, 3, 5)
    X, Y = torch.tensor(points.x[None, :]), torch.tensor(points.y[None, :])
    found = [MP.mpf(float(v)) for v in gradient(stack, X, Y, kind=kind)[0]]
    x, y = ([Fraction(float(v)) for v in row] for row in points)
    slope = _dot(x, y) / _dot(x, x)
    across = [q - slope * p for p, q in zip(x, y, strict=True)]
    with MP.workdps(70):
        norm, width = MP.sqrt(_number(_dot(x, x))), MP.sqrt(_number(_dot(across, across)))
        error, largest = MP.mpf(0), MP.sqrt(_kernel(stack, kind, x, x, 30) * _kernel(stack, kind, y, y, 30))
        # derivatives along unit vectors, times ‖x‖; a step is a small part of ‖x‖ and of the distance from parallel
        for direction, length in ((x, norm), (across, width)):
            ends = [
                _kernel(stack, kind, [p + sign * step * q for p, q in zip(x, direction, strict=True)], y, 50)
                for sign in (1, -1)
            ]
            wanted = (ends[0] - ends[1]) / (2 * _number(step)) * norm / length
            own = sum(g * _number(q) for g, q in zip(found, direction, strict=True)) * norm / length
            error, largest = max(error, abs(own - wanted)), max(largest, abs(wanted))
    return float(error / largest)


#: ‖x‖²/d, ‖y‖²/d and signed 1 − |cos|: duplicates and antipodes, with norms that differ hardly, a little and much.
HARD = [
    *((1.0, 1.0, gap) for gap in (1e-12, -1e-12, 1e-4, 0.06)),
    *((1.0, 1.0 + excess, gap) for excess, gap in ((1e-8, 1e-20), (1e-6, 1e-12), (1e-3, -1e-9))),
    *((1.0, 1e-2, gap) for gap in (-1e-12, 1e-8, -0.3)),
    (1e4, 1e4, -1e-6),
]


@pytest.mark.parametrize("kind", ["nngp", "ntk"])
@pytest.mark.parametrize(("name", "depth"), [("reglu", 1), ("relu", 2), ("reglu", 5)])
def test_hard_points_against_differences_of_many_digits(name: str, depth: int, kind: str) -> None:
    for point in HARD[:: 1 + depth // 2]:
        assert hard_point_error(glu.stack(name, depth), kind, *point) <= TOLERANCE


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["nngp", "ntk"])
@pytest.mark.parametrize(
    "stack",
    [
        *(glu.stack(name, depth) for name in ("relu", "reglu", "geglu") for depth in (1, 2, 5, 20)),
        glu.stack("relu", 2, norm="layer", bias="1/10"),
        glu.stack("reglu", 3, norm=None, scale="1/2"),
        glu.stack("geglu", 5, residual=False, gain=True),
    ],
    ids=lambda stack: stack.name,
)
def test_all_hard_points(stack: Stack, kind: str) -> None:
    errors = [hard_point_error(stack, kind, *point) for point in HARD]
    assert max(errors) <= TOLERANCE


def test_the_difference_of_the_norms_needs_its_own_digits(monkeypatch: pytest.MonkeyPatch) -> None:
    """The control: r'/r − 1 from r' and r, for rows that differ by 1e-10, spoils what a kink does."""
    monkeypatch.setattr(field, "_excess", lambda pairs, left, right: right / left - 1.0 + 0.0 * pairs.rho)
    assert hard_point_error(glu.stack("relu", 2), "ntk", 1.0, 1.0 + 1e-10, 1e-24) > 1e2 * TOLERANCE


def test_wrong_derivatives_are_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    right = bends

    def wrong(*arguments: Any) -> Any:
        found = right(*arguments)
        return replace(found, rows=found.rows * 1.01)

    monkeypatch.setattr(images, "bends", wrong)
    assert not passes(STACKS["gated"], "ntk", 2)
    assert passes(STACKS["gated"], "nngp", 2)


# a plain formula, and two layers


def _plain(X: Any, name: str, depth: int) -> Any:
    """The NTK of `glu.stack(name, depth)` for relu and reglu, as torch differentiates it; distinct rows."""

    def cosine(S: Any) -> Any:
        r = torch.sqrt(torch.diagonal(S))
        return S / (r[:, None] * r[None, :]), r[:, None] * r[None, :]

    n = len(X)
    off = ~torch.eye(n, dtype=torch.bool)

    def duals(rho: Any) -> tuple[Any, Any]:
        # the arccosine's derivative is infinite on the diagonal, where the values are constants
        inside = torch.where(off, rho, torch.zeros_like(rho))
        theta = torch.arccos(inside)
        T = torch.where(off, (math.pi - theta) / (2 * math.pi), torch.full_like(rho, 0.5))
        S = torch.where(off, (torch.sin(theta) + (math.pi - theta) * inside) / (2 * math.pi), torch.full_like(rho, 0.5))
        return S, T

    sigma = X @ X.T / X.shape[1]
    ntk = sigma
    for _ in range(depth):
        rho, scale = cosine(sigma)
        inner = ntk / scale + rho
        S, T = duals(rho)
        nngp, image = (rho * S, inner * S + rho * inner * T) if name == "reglu" else (S, inner * T)
        sigma, ntk = sigma + nngp, ntk + image + nngp
    rho, scale = cosine(sigma)
    return ntk / scale + rho


@pytest.mark.parametrize("depth", [1, 2, 5, 20])
@pytest.mark.parametrize("name", ["relu", "reglu"])
def test_autograd_of_the_plain_recursion(name: str, depth: int) -> None:
    X, weights = rows(12, 5, 1), rows(12, 12, 2)
    one, other = X.clone().requires_grad_(), X.clone().requires_grad_()
    (gram(glu.stack(name, depth), one) * weights).sum().backward()
    (_plain(other, name, depth) * weights).sum().backward()
    # rounding of sums of 144 terms of the size of the largest, at angles that are not small
    torch.testing.assert_close(one.grad, other.grad, rtol=0, atol=1e-12 * float(other.grad.abs().max()))


@pytest.mark.parametrize("kind", ["nngp", "ntk"])
@pytest.mark.parametrize("name", ["relu", "swiglu", "silu", "geglu", "sin", "step"])
def test_a_product_and_a_readout_are_two_layers(name: str, kind: str) -> None:
    X, Y = rows(30, 4, 1), rows(20, 4, 2)
    X[1], X[2], X[3] = X[0], -X[0], X[4] * (1 + 1e-9)
    Y[0], Y[1] = X[5], X[6] + 1e-7 * Y[1]
    if name in ("silu", "sin"):
        # without a norm other activations follow rows of one variance by tables, others by their evaluators
        X = torch.cat([X[:5], 2 * X[5:]])
    stack = composed(product(name), readout())
    for other in (Y, None):
        if other is None and (name, kind) == ("step", "ntk"):
            continue
        found, wanted = gradient(stack, X, other, kind=kind), gradient(name, X, other, kind=kind)
        torch.testing.assert_close(found, wanted, rtol=0, atol=TOLERANCE * float(wanted.abs().max()))


# conventions, tiles and tools


@pytest.mark.parametrize("name", ["relu", "reglu", "swiglu"])
@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_parallel_rows_have_the_mean_of_both_sides(name: str, sign: float) -> None:
    """Duplicates and antipodes, of the same norm and not: the derivatives at x ± h, h at right angles, averaged."""
    stack = glu.stack(name, 5)
    x, h = rows(1, 4, 1), rows(1, 4, 2)
    h -= (h @ x.T) / (x @ x.T) * x
    for size in (1.0, 0.7):
        y = sign * size * x
        found = gradient(stack, x, y)
        assert bool(found.isfinite().all())
        ends = [gradient(stack, x + step * h, y) for step in (1e-6, -1e-6)]
        # what is left is of the order of the step
        torch.testing.assert_close(found, (ends[0] + ends[1]) / 2, rtol=0, atol=1e-4 * float(found.abs().max() + 1))


def test_rows_in_a_crowd_have_the_sum_of_the_gradients_of_their_pairs() -> None:
    """Tiles of all sorts, many rows nearly parallel or equal, against pairs one by one, which take another way."""
    centre = rows(1, 4, 1)
    spread = torch.logspace(-9, 0, 140, dtype=torch.float64)[:, None]
    X, Y = centre + spread * rows(140, 4, 2), torch.cat([-centre + spread[:20] * rows(20, 4, 3), rows(40, 4, 4)])
    X[3], Y[5], Y[6] = X[4], -X[7], X[8]
    weights = rows(140, 60, 5)
    stack = glu.stack("reglu", 4)
    one, other = (part.clone().requires_grad_() for part in (X, Y))
    (gram(stack, one, other) * weights).sum().backward()
    found = one.grad, other.grad
    one, other = (part.clone().requires_grad_() for part in (X, Y))
    (gram_diagonal(stack, one.repeat_interleave(60, 0), other.repeat(140, 1)) * weights.flatten()).sum().backward()
    for part, wanted in zip(found, (one.grad, other.grad), strict=True):
        torch.testing.assert_close(part, wanted, rtol=1e-11, atol=1e-11 * float(wanted.abs().max()))
    torch.testing.assert_close(
        gradient(stack, X), 2 * gradient(stack, X, X.clone()), rtol=1e-11, atol=1e-11 * float(found[0].abs().max())
    )


def test_threads_batches_and_devices(monkeypatch: pytest.MonkeyPatch) -> None:
    stack = STACKS["kink"]
    X = rows(300, 3, 6)
    found = []
    for threads in (1, 3):
        monkeypatch.setattr("glutheory.numeric.differentiate.cores", lambda threads=threads: threads)
        found.append(gradient(stack, X))
    assert torch.equal(*found)
    batch = X.reshape(3, 100, 3)
    assert torch.equal(gradient(stack, batch)[1], gradient(stack, batch[1]))
    # a device's tensors are worked on by torch itself; the CPU's may take that way as well
    X[:20] = X[:1] + 1e-5 * X[:20]
    wanted = gradient(stack, X[:40], X[40:70])
    monkeypatch.setattr(autograd, "_host", lambda tensor: tensor.detach())
    monkeypatch.setattr("glutheory.numeric.reading.view", lambda array: array)
    torch.testing.assert_close(
        gradient(stack, X[:40], X[40:70]), wanted, rtol=1e-11, atol=1e-11 * float(wanted.abs().max())
    )


@pytest.mark.long
def test_the_memory_is_that_of_a_tile(monkeypatch: pytest.MonkeyPatch) -> None:
    """No layer's state is kept: depth and rows do not count, but for the gradient itself and G."""
    import tracemalloc

    monkeypatch.setattr("glutheory.numeric.differentiate.cores", lambda: 1)
    peaks = []
    for count, depth in ((300, 2), (900, 2), (300, 8)):
        X = rows(count, 5, 1).requires_grad_()
        K = gram(glu.stack("relu", depth), X, rows(150, 5, 2))
        G = torch.ones_like(K)
        # the tables of a first pass are kept for all
        torch.autograd.grad(K, X, G, retain_graph=True)
        tracemalloc.start()
        K.backward(G)
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert max(peaks) < 1.5 * peaks[0], peaks


@pytest.mark.parametrize(
    ("stack", "message"),
    [
        (glu.stack("step", 2), "is infinite on its diagonal and has no gradient: use kind='nngp'"),
    ],
    ids=lambda value: value.name if isinstance(value, Stack) else "",
)
def test_what_has_no_gradient_says_so(stack: Stack, message: str) -> None:
    with pytest.raises(DomainError, match=message):
        gram(stack, rows(4, 3, 1).requires_grad_())


def test_an_activation_without_derivatives_says_so() -> None:
    jump = glu.Activation("z*heaviside(z-1/2)", Z * sp.Heaviside(Z - sp.Rational(1, 2)))
    with pytest.raises(DomainError, match="has no gradient here: the function jumps"):
        gradient(glu.stack(jump, 2), rows(4, 3, 1), kind="nngp")


def test_step_has_the_gradient_of_its_nngp_and_of_pairs() -> None:
    stack = glu.stack("step", 2)
    assert passes(stack, "nngp", 1)
    assert passes(stack, "ntk", 2)


def test_a_gradient_is_not_differentiated_twice() -> None:
    X = rows(3, 2, 1).requires_grad_()
    (slope,) = torch.autograd.grad(gram(STACKS["gated"], X).sum(), X, create_graph=True)
    with pytest.raises(NotImplementedError, match="no second derivative"):
        slope.sum().backward()


def test_the_kernel_of_gpytorch_passes_gradients_on() -> None:
    pytest.importorskip("gpytorch")
    from glutheory.integrations.gpytorch import NTKKernel

    stack, X, Y = STACKS["gated"], rows(6, 3, 1), rows(4, 3, 2)
    one = X.clone().requires_grad_()
    NTKKernel(stack)(one, Y).to_dense().sum().backward()
    torch.testing.assert_close(one.grad, gradient(stack, X, Y), rtol=1e-12, atol=0)


@pytest.mark.long
@pytest.mark.parametrize("name", ["relu6", "hard_tanh"])
def test_a_gradient_that_is_not_finite_is_a_sentence(name: str) -> None:
    """Kinks away from 0 and no norms: at two blocks the derivatives along ρ, r and r' diverge one by one."""
    X = torch.randn(3, 2, dtype=torch.float64, generator=torch.Generator().manual_seed(0), requires_grad=True)
    with pytest.raises(DomainError, match="is not finite at these rows"):
        gram(glu.stack(name, 2, norm=None), X).sum().backward()
