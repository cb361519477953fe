"""Gradients through a mean over positions, inside of a stack and at its end.

Against differences of the certified road (`StackDerivation.at`, 50 digits), of `gram`, and for sequences of one
position against the gradients of rows.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import mpmath
import numpy as np
import pytest

import glutheory as glu
from glutheory.errors import DomainError
from glutheory.layers import (
    Stack,
    composed,
    dense,
    layernorm,
    positions,
    product,
    readout,
    repeat,
    residual,
    rmsnorm,
    scale,
)
from glutheory.symbolic.stacks import stack_derivation
from tests.numeric.cases import MP

torch = pytest.importorskip("torch")
from glutheory.integrations.torch import gram  # noqa: E402 (only where torch is)
from glutheory.numeric.deep import tail  # noqa: E402

BLOCK = residual(rmsnorm(), product("swiglu"), dense())
STACKS: dict[str, Stack] = {
    "end": composed(dense(2), BLOCK, rmsnorm(), positions(), dense("1/2", "1/3"), scale("3/2"), readout(2, "1/5")),
    "inside": composed(
        dense(), repeat(2, BLOCK), positions(), rmsnorm(True), product("gelu", variance=2, bias="1/4"), dense(),
        layernorm(), readout(2, "1/7"),
    ),
    "data": composed(positions(), readout(2, "1/3")),
    "rows of means": composed(positions(), product("relu"), readout()),
    "no norm": composed(product("relu"), positions(), product("silu"), dense(), product("tanh"), readout()),
    "frozen": composed(dense(trained=False), BLOCK, positions(), product("relu", trained=False), dense(), readout()),
}  # fmt: skip
WAYS: dict[str, dict[str, Any]] = {"ntk": {}, "standard": {"parametrization": "standard", "width": 7}}
#: As of rows; and what is promised of gram behind a mean over positions, over the scale.
TOLERANCE, BEHIND = 5e-12, 1e-11


def sequences(*shape: int, seed: int) -> Any:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def _numbers(stack: Stack) -> dict[str, Any]:
    return {
        name: torch.tensor(float(own), dtype=torch.float64, requires_grad=True) for name, own in stack.numbers.items()
    }


@pytest.mark.long
@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("kind", ["nngp", "ntk"])
@pytest.mark.parametrize("name", STACKS)
def test_against_differences(name: str, kind: str, way: str) -> None:
    """Along a direction of all positions and along every number; one side and two, of other numbers of positions."""
    stack, X, options = STACKS[name], sequences(4, 3, 2, seed=1), WAYS[way]
    for Y in (None, sequences(3, 3, 2, seed=2), sequences(3, 2, 2, seed=3)):
        G = sequences(4, 4 if Y is None else 3, seed=4)
        values = _numbers(stack)
        x, y = X.clone().requires_grad_(), None if Y is None else Y.clone().requires_grad_()
        (gram(stack, x, y, kind=kind, variances=values, **options) * G).sum().backward()

        def value(x: Any, y: Any, numbers: Any = None, G: Any = G) -> float:
            return float((glu.gram(stack, x, y, kind=kind, variances=numbers, **options) * G).sum())

        size = 1 + abs(value(X, Y))
        # central differences of step 1e-5 leave its square, and 1e-16 over it
        one = sequences(4, 3, 2, seed=5)
        ends = [value(X + step * one, Y) for step in (1e-5, -1e-5)]
        assert float((x.grad * one).sum()) == pytest.approx((ends[0] - ends[1]) / 2e-5, rel=1e-7, abs=1e-8 * size)
        if y is not None and Y is not None:
            other = sequences(*Y.shape, seed=6)
            ends = [value(X, Y + step * other) for step in (1e-5, -1e-5)]
            assert float((y.grad * other).sum()) == pytest.approx((ends[0] - ends[1]) / 2e-5, rel=1e-7, abs=1e-8 * size)
        for number, own in values.items():
            start = own.item()
            ends = [value(X, Y, {number: start * (1 + step)}) for step in (1e-5, -1e-5)]
            wanted = (ends[0] - ends[1]) / 2e-5
            assert own.grad.item() * start == pytest.approx(wanted, rel=1e-7, abs=1e-8 * size)


def _inner(one: list[list[Fraction]], other: list[list[Fraction]]) -> list[list[Fraction]]:
    return [[sum((p * q for p, q in zip(u, v, strict=True)), Fraction(0)) / len(u) for v in other] for u in one]


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["nngp", "ntk"])
@pytest.mark.parametrize("name", ["end", "inside", "no norm"])
def test_against_differences_of_many_digits(name: str, kind: str) -> None:
    """One entry, along one position and along the numbers, an error over the larger of derivative and scale."""
    stack, step = STACKS[name], Fraction(1, 10**18)
    x, y, values = sequences(1, 2, 2, seed=1).requires_grad_(), sequences(1, 2, 2, seed=2), _numbers(stack)
    gram(stack, x, y, kind=kind, variances=values).sum().backward()
    exact = [[Fraction(float(value)) for value in row] for row in x.detach()[0].tolist()]

    other = [[Fraction(float(value)) for value in row] for row in y[0].tolist()]

    def at(made: Stack, rows: Any) -> mpmath.mpf:
        found = stack_derivation(made).at(_inner(rows, rows), _inner(other, other), _inner(rows, other), digits=50)
        return MP.mpf(getattr(found, kind).mid().str(60, radius=False))

    with MP.workdps(70):
        size = 1 + abs(at(stack, exact))
        for token, feature in ((0, 0), (1, 1)):
            ends = []
            for sign in (1, -1):
                moved = [list(row) for row in exact]
                moved[token][feature] += sign * step
                ends.append(at(stack, moved))
            wanted = (ends[0] - ends[1]) / (2 * MP.mpf(10) ** -18)
            assert abs(x.grad[0, token, feature].item() - wanted) <= BEHIND * max(size, abs(wanted))
        for number, own in stack.numbers.items():
            sides = [at(stack.with_numbers({number: own * (1 + sign * step)}), exact) for sign in (1, -1)]
            wanted = (sides[0] - sides[1]) / (2 * MP.mpf(10) ** -18)
            assert abs(values[number].grad.item() * values[number].item() - wanted) <= BEHIND * max(size, abs(wanted))


@pytest.mark.parametrize("kind", ["nngp", "ntk"])
def test_one_position_is_a_row(kind: str) -> None:
    """The mean of one position is the position: the gradients of the stack without the mean, by another way."""
    blocks = (dense(), BLOCK, rmsnorm(), product("gelu"), dense(), readout())
    with_mean, without = composed(*blocks[:2], positions(), *blocks[2:]), composed(*blocks)
    X, G = sequences(20, 3, seed=1), sequences(20, 20, seed=2)
    one, other = X[:, None].clone().requires_grad_(), X.clone().requires_grad_()
    (gram(with_mean, one, kind=kind) * G).sum().backward()
    (gram(without, other, kind=kind) * G).sum().backward()
    torch.testing.assert_close(one.grad[:, 0], other.grad, rtol=0, atol=TOLERANCE * float(other.grad.abs().max()))


@pytest.mark.long
def test_tiles_threads_and_the_same_sequences(monkeypatch: pytest.MonkeyPatch) -> None:
    """Many tiles, sequences that are the same on both sides; X alone is both sides of X and a copy."""
    stack, X = STACKS["inside"], sequences(60, 5, 3, seed=1)
    X[3] = X[2]
    weights = sequences(60, 60, seed=2)
    found = []
    for threads in (1, 3):
        monkeypatch.setattr("glutheory.numeric.differentiate.cores", lambda threads=threads: threads)
        x = X.clone().requires_grad_()
        (gram(stack, x) * weights).sum().backward()
        found.append(x.grad)
    assert torch.equal(*found)
    one, two = X.clone().requires_grad_(), X.clone().requires_grad_()
    (gram(stack, one, two) * weights).sum().backward()
    both = one.grad + two.grad
    torch.testing.assert_close(found[0], both, rtol=0, atol=1e-11 * float(both.abs().max()))


def test_batches_and_jax() -> None:
    stack, X, Y = STACKS["end"], sequences(2, 3, 2, 2, seed=1), sequences(2, 2, 2, seed=2)
    K = gram(stack, X, Y)
    assert K.shape == (2, 3, 2)
    assert torch.equal(K[1], glu.gram(stack, X[1], Y))
    jax = pytest.importorskip("jax")
    from glutheory.integrations.jax import gram as jax_gram

    with jax.enable_x64(True) if hasattr(jax, "enable_x64") else jax.experimental.enable_x64():
        found = jax.grad(lambda x: jax_gram(stack, x, Y.numpy()).sum())(jax.numpy.asarray(X[0].numpy()))
        with pytest.raises(DomainError, match="give sequences, of shape"):
            jax_gram(stack, X[0, 0].numpy())
    x = X[0].clone().requires_grad_()
    gram(stack, x, Y).sum().backward()
    np.testing.assert_allclose(np.asarray(found), x.grad.numpy(), rtol=1e-12)


def test_what_has_no_gradient_says_so() -> None:
    means = composed(product("relu"), positions(), layernorm(), product("relu"), readout())
    with pytest.raises(DomainError, match="put a dense layer before positions"):
        gram(means, sequences(3, 2, 2, seed=1).requires_grad_()).sum().backward()
    X = sequences(3, 2, 2, seed=1)
    X[1] = 0
    with pytest.raises(DomainError, match=r"of sequence 1 of X .* is zero, where there is no gradient"):
        gram(STACKS["rows of means"], X.requires_grad_()).sum().backward()


def test_a_wrong_weight_of_the_variances_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    """The control: without the factor 2 of 2 Σ̄_ii ∂F/∂Σ̄_ii the gradient is another one."""
    right = tail.Tail.slopes

    def wrong(*arguments: Any) -> tail.Slopes:
        found = right(*arguments)
        return tail.Slopes(found.covariance, found.ntk, 2 * found.left, 2 * found.right, found.numbers)

    monkeypatch.setattr(tail.Tail, "slopes", wrong)
    with pytest.raises(AssertionError):
        test_one_position_is_a_row("nngp")
