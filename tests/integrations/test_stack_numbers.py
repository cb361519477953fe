"""Gradients along the numbers of a stack: variances of weights and biases, factors; against differences of 50 digits.

The differences come from `StackDerivation.at` of stacks with other numbers, which knows nothing of the tables that the
gradients are made of. An error is that of the derivative along the number's logarithm, over the larger of itself and
√(K(x,x) K(y,y)).
"""

from __future__ import annotations

from dataclasses import replace
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
    parallel,
    product,
    readout,
    repeat,
    residual,
    rmsnorm,
    scale,
)
from glutheory.numeric.gradient import gram_gradient
from glutheory.symbolic.stacks import stack_derivation
from tests.integrations.test_stack_gradients import TOLERANCE, hard_point_error
from tests.numeric.cases import MP, pair

torch = pytest.importorskip("torch")
from glutheory.integrations.torch import gram, gram_diagonal  # noqa: E402 (only where torch is)
from glutheory.numeric.deep import images  # noqa: E402
from glutheory.numeric.deep.twists import twists  # noqa: E402
from tests.integrations.tensors import rows  # noqa: E402

STANDARD = {"parametrization": "standard", "width": 7}
HALF = Fraction(1, 2)
#: Every number that there is: weights, biases, factors of residuals and of scale layers, before norms and behind.
FULL = composed(
    dense(2, "1/3", name="embedding"),
    repeat(2, residual(rmsnorm(True), product("swiglu", variance=(2, HALF), bias=(0, "1/4")), dense(), scale="-2/3")),
    layernorm(True, True),
    scale("3/2"),
    readout(2, "1/7"),
)
TWO = parallel((product("geglu"), dense(HALF)), (product("relu", bias=1), dense()))
STACKS: dict[str, Stack] = {
    "full": FULL,
    "kinks": glu.stack("reglu", 2, bias="1/10"),
    "kinks away from 0": glu.stack("hard_tanh", 2),
    "jumps": composed(dense(), residual(rmsnorm(), product("identity", "step", bias=("1/3", 0)), dense()), readout()),
    "no norm": glu.stack("silu", 2, norm=None, scale=HALF),
    "means": composed(
        rmsnorm(), product("silu", variance=2), layernorm(), product("relu"), dense(), layernorm(True), readout()
    ),
    "two blocks": composed(dense(), residual(rmsnorm(), TWO), residual(dense()), readout()),
    "frozen": composed(dense(trained=False), product("swiglu", trained=(False, True)), dense(2, "1/3"), readout()),
}
#: ‖x‖²/d, ‖y‖²/d and signed 1 − |cos|.
POINTS = ((1.0, 2.0, 0.3), (1.0, 1.0, -0.2), (1.0, 1.0, 1e-12), (1.0, 1.0 + 1e-6, 1e-12), (1.0, 0.01, -1e-9))


def _fraction(row: np.ndarray) -> list[Fraction]:
    return [Fraction(float(value)) for value in row]


def _inner(u: list[Fraction], v: list[Fraction]) -> Fraction:
    return sum((p * q for p, q in zip(u, v, strict=True)), Fraction(0)) / len(u)


def number_error(stack: Stack, kind: str, point: tuple[float, float, float], **options: Any) -> float:
    """The largest error over all numbers."""
    step = Fraction(1, 10**18)
    points = pair(*point, 3, 5)
    x, y = (_fraction(row) for row in points)
    inner = _inner(x, x), _inner(y, y), _inner(x, y)
    sizes = {"width": options["width"], "d": len(x)} if options else {}

    def value(made: Stack, place: tuple[Fraction, ...], digits: int) -> mpmath.mpf:
        derived = stack_derivation(made, parametrization=options.get("parametrization", "ntk"))
        ball = getattr(derived.at(*place, digits=digits, **sizes), kind)
        return MP.mpf(ball.mid().str(60, radius=False)) if ball.is_finite() else MP.inf

    numbers = {name: torch.tensor(float(own), dtype=torch.float64) for name, own in stack.numbers.items()}
    given = {name: own.requires_grad_() for name, own in numbers.items()}
    made = stack.with_numbers({name: Fraction(own.item()) for name, own in numbers.items()})
    X, Y = torch.tensor(points.x[None, :]), torch.tensor(points.y[None, :])
    gram(stack, X, Y, kind=kind, variances=given, **options).sum().backward()
    worst = MP.mpf(0)
    with MP.workdps(70):
        ends = [value(made, (place,) * 3, 30) for place in inner[:2]]
        size = MP.sqrt(ends[0] * ends[1]) if all(MP.isfinite(end) for end in ends) else abs(value(made, inner, 30))
        for name, own in made.numbers.items():
            sides = [value(made.with_numbers({name: own * (1 + sign * step)}), inner, 50) for sign in (1, -1)]
            wanted = (sides[0] - sides[1]) / (2 * MP.mpf(10) ** -18)
            found = MP.mpf(given[name].grad.item()) * (MP.mpf(own.numerator) / own.denominator)
            worst = max(worst, abs(found - wanted) / max(abs(wanted), size))
    return float(worst)


@pytest.mark.slow
@pytest.mark.parametrize("options", [{}, STANDARD], ids=["ntk", "standard"])
@pytest.mark.parametrize("kind", ["nngp", "ntk"])
@pytest.mark.parametrize("name", STACKS)
def test_every_number_against_differences_of_many_digits(name: str, kind: str, options: dict[str, Any]) -> None:
    # where no norm makes rows of one variance of others, derivatives are as good as the evaluators of such
    points = POINTS[:2] if name == "no norm" else POINTS
    errors = [number_error(STACKS[name], kind, point, **options) for point in points]
    assert max(errors) <= TOLERANCE, errors


@pytest.mark.long
@pytest.mark.parametrize(("name", "point"), [("full", POINTS[3]), ("no norm", POINTS[1]), ("jumps", POINTS[0])])
def test_some_numbers_against_differences_of_many_digits(name: str, point: tuple[float, float, float]) -> None:
    assert number_error(STACKS[name], "ntk", point) <= TOLERANCE


#: Activations fed with rows of one variance, which moves with the rows; with means that are taken away, and jumps.
ONE_VARIANCE = {
    "silu": glu.stack("silu", 2, norm=None),
    "hard_tanh": glu.stack("hard_tanh", 1, norm=None),
    "swiglu": glu.stack("swiglu", 2, norm=None, scale=HALF),
    "layernormed": composed(product("softplus"), layernorm(), product("relu"), readout()),
}


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["nngp", "ntk"])
@pytest.mark.parametrize("name", ONE_VARIANCE)
def test_rows_of_one_norm_move_the_variance_too(name: str, kind: str) -> None:
    """Tables of one variance serve them; the derivative along the norms is that of the table along its variance."""
    # norms that differ in the last digit count as one; a kink away from 0 sees that difference over the angle
    for gap in (1e-9 if name == "hard_tanh" else 1e-12, -1e-9, 0.06, -0.3):
        assert hard_point_error(ONE_VARIANCE[name], kind, 1.0, 1.0, gap) <= TOLERANCE


@pytest.mark.long
def test_wrong_turns_are_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    right = twists
    monkeypatch.setattr(images, "twists", lambda *given: replace(right(*given), turns=right(*given).turns * 1.001))
    assert number_error(STACKS["full"], "nngp", POINTS[0]) > 1e3 * TOLERANCE


@pytest.mark.parametrize("kind", ["nngp", "ntk"])
@pytest.mark.parametrize("options", [{}, STANDARD], ids=["ntk", "standard"])
def test_a_product_and_a_readout_are_two_layers(kind: str, options: dict[str, Any]) -> None:
    """The same derivatives by quite other rules; the standard parametrisation has σ² over the fan-in there."""
    stack, X, Y, weights = composed(product("swiglu"), readout()), rows(9, 4, 1), rows(7, 4, 2), rows(9, 7, 3)
    fans = {"value": 4, "gate": 4, "readout": 7} if options else {}
    for other, G in ((Y, weights), (None, rows(9, 9, 4))):
        found = {}
        for net in (stack, "swiglu"):
            scales = {} if isinstance(net, Stack) else fans
            values = {
                role: torch.tensor(value / scales.get(role, 1), dtype=torch.float64, requires_grad=True)
                for role, value in {"value": 1.5, "gate": 0.7, "readout": 2.0}.items()
            }
            K = gram(net, X, other, kind=kind, variances=values, **options)
            (K * G).sum().backward()
            found[isinstance(net, Stack)] = K.detach(), [value.grad.item() * value.item() for value in values.values()]
        torch.testing.assert_close(found[True][0], found[False][0], rtol=1e-11, atol=1e-11)
        np.testing.assert_allclose(found[True][1], found[False][1], rtol=1e-10)


def test_the_gradient_of_the_whole_matrix_is_that_of_its_entries() -> None:
    """Tiles, nearly parallel pairs and the diagonal: `gram_gradient` against autograd, entry by entry."""
    stack, X = STACKS["full"], rows(140, 3, 1)
    X[3], X[4], X[5] = X[2], -X[2], X[2] + 1e-7 * X[6]
    K, slopes = gram_gradient(stack, X.numpy())
    assert np.array_equal(K, glu.gram(stack, X.numpy()))
    assert slopes.shape == (140, 140, len(stack.numbers))
    scale_of = np.sqrt(np.outer(np.diag(K), np.diag(K)))
    values = {
        name: torch.tensor(float(own), dtype=torch.float64, requires_grad=True) for name, own in stack.numbers.items()
    }
    for i, j in ((0, 1), (2, 3), (2, 4), (2, 5), (5, 130), (7, 7)):
        # a row with itself is the function of one row
        other = None if i == j else X[j : j + 1]
        grads = torch.autograd.grad(gram(stack, X[i : i + 1], other, variances=values).sum(), tuple(values.values()))
        wanted = [grad.item() * value.item() for grad, value in zip(grads, values.values(), strict=True)]
        largest = max(scale_of[i, j], np.max(np.abs(wanted)))
        np.testing.assert_allclose(slopes[i, j], wanted, rtol=0, atol=1e-12 * largest)
        assert np.array_equal(slopes[i, j], slopes[j, i])
    weights = rows(140, 140, 5)
    (gram(stack, X, variances=values) * weights).sum().backward()
    found = [value.grad.item() * value.item() for value in values.values()]
    together = np.tensordot(weights.numpy(), slopes, 2)
    np.testing.assert_allclose(found, together, rtol=0, atol=1e-11 * np.abs(slopes).sum() / 100)


def test_diagonals_batches_and_numbers_that_are_fixed() -> None:
    stack, X, Y = STACKS["kinks"], rows(6, 3, 1), rows(6, 3, 2)
    gate = torch.tensor([0.5, 1.0, 2.0], dtype=torch.float64, requires_grad=True)
    K = gram(stack, X, Y, variances={"block.gate": gate, "readout": 2.0})
    assert K.shape == (3, 6, 6)
    for k, value in enumerate(gate.tolist()):
        made = stack.with_numbers({"block.gate": value, "readout": 2.0})
        assert torch.equal(K[k], glu.gram(made, X, Y))
    (whole,) = torch.autograd.grad(torch.diagonal(K, dim1=1, dim2=2).sum(), gate)
    (own,) = torch.autograd.grad(gram_diagonal(stack, X, Y, variances={"block.gate": gate, "readout": 2.0}).sum(), gate)
    torch.testing.assert_close(own, whole, rtol=1e-11, atol=1e-11)
    (same,) = torch.autograd.grad(gram_diagonal(stack, X, variances={"block.gate": gate}).sum(), gate)
    (diagonal,) = torch.autograd.grad(
        torch.diagonal(gram(stack, X, variances={"block.gate": gate}), dim1=1, dim2=2).sum(), gate
    )
    torch.testing.assert_close(same, diagonal, rtol=1e-11, atol=1e-11)


def test_scikit_learn_learns_numbers() -> None:
    pytest.importorskip("sklearn")
    from sklearn.base import clone

    from glutheory.integrations.scikit_learn import NTKKernel

    stack, X = STACKS["no norm"], rows(8, 3, 1).numpy()
    start = [abs(float(own)) for own in stack.numbers.values()]
    kernel = clone(NTKKernel(stack, layer_numbers=start, layer_numbers_bounds=(1e-2, 1e2), bias_variance=0.5))
    names = [part.name for part in kernel.hyperparameters if not part.fixed]
    assert names == ["bias_variance", "layer_numbers"]
    K, slopes = kernel(X, eval_gradient=True)
    assert slopes.shape == (8, 8, len(kernel.theta))
    for k in range(len(kernel.theta)):
        step = 1e-5 * (np.arange(len(kernel.theta)) == k)
        ends = [kernel.clone_with_theta(kernel.theta + sign * step)(X) for sign in (1, -1)]
        # central differences of step 1e-5 leave its square, and 1e-16 over it
        np.testing.assert_allclose(slopes[:, :, k], (ends[0] - ends[1]) / 2e-5, rtol=0, atol=1e-8 * float(np.max(K)))
    assert np.array_equal(NTKKernel(stack, layer_numbers=start)(X), NTKKernel(stack)(X))
    assert len(NTKKernel(stack, layer_numbers=start).theta) == 0
    with pytest.raises(DomainError, match=r"layer_numbers has 2 entries: give one for each of embedding, block"):
        NTKKernel(stack, layer_numbers=[1.0, 1.0])(X)
    with pytest.raises(DomainError, match=r"layer_numbers\[1\] is -1.0: give a finite number > 0"):
        NTKKernel(stack, layer_numbers=[1.0, -1.0, 1.0, 1.0, 1.0])(X)
    with pytest.raises(DomainError, match="only a stack has some; leave it out"):
        NTKKernel("relu", layer_numbers=[1.0])(X)


def test_gpytorch_has_parameters_for_the_numbers_that_are_named() -> None:
    gpytorch = pytest.importorskip("gpytorch")
    from glutheory.integrations.gpytorch import NTKKernel

    stack, X = STACKS["kinks"], rows(6, 3, 1)
    prior = {"block.gate": gpytorch.priors.GammaPrior(2.0, 2.0)}
    kernel = NTKKernel(stack, variances={"block.gate": 2.0, "block.residual": 0.5}, variance_prior=prior).double()
    assert [name for name, _ in kernel.named_parameters()] == ["raw_block_gate_variance", "raw_block_residual"]
    assert kernel.block_gate_variance.item() == pytest.approx(2)
    made = stack.with_numbers(
        {"block.gate": kernel.block_gate_variance.item(), "block.residual": kernel.block_residual.item()}
    )
    torch.testing.assert_close(kernel(X).to_dense().detach(), glu.gram(made, X), rtol=1e-12, atol=1e-12)
    kernel(X).to_dense().sum().backward()
    # by the chain rule through the softplus
    found = (kernel.raw_block_residual.grad / torch.sigmoid(kernel.raw_block_residual.detach())).item()
    ends = [
        glu.gram(made.with_numbers({"block.residual": kernel.block_residual.item() + step}), X).sum()
        for step in (1e-6, -1e-6)
    ]
    assert found == pytest.approx(float(ends[0] - ends[1]) / 2e-6, rel=1e-7)
    kernel.block_residual = 0.25
    assert kernel.block_residual.item() == pytest.approx(0.25)
    assert "block_residual" in dir(kernel)
    with pytest.raises(DomainError, match="variances has the key 'gate'"):
        NTKKernel(stack, variances={"gate": 2.0})


def test_jax_differentiates_numbers() -> None:
    jax = pytest.importorskip("jax")
    from glutheory.integrations.jax import gram as jax_gram

    stack, X = STACKS["kinks"], rows(5, 3, 1)
    with jax.enable_x64(True) if hasattr(jax, "enable_x64") else jax.experimental.enable_x64():
        found = jax.grad(lambda v: jax_gram(stack, X.numpy(), variances={"block.gate": v, "readout": 2.0}).sum())(
            jax.numpy.asarray(1.5)
        )
    value = torch.tensor(1.5, dtype=torch.float64, requires_grad=True)
    gram(stack, X, variances={"block.gate": value, "readout": 2.0}).sum().backward()
    assert float(found) == pytest.approx(float(value.grad), rel=1e-12)


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"gate": 1.0}, "variances has the key 'gate': did you mean"),
        ({"block.gate.bias": 1.0}, "variances has the key 'block.gate.bias'"),
        ({"block.gate": 0.0}, r"variances\['block.gate'\] is 0.0: give a positive rational number"),
        ({"block.residual": 0}, r"variances\['block.residual'\] is 0: give a rational number that is not 0"),
        ({"readout": "much"}, r"variances\['readout'\] is 'much'"),
    ],
)
def test_numbers_that_are_refused(values: dict[str, Any], words: str) -> None:
    with pytest.raises(DomainError, match=words):
        glu.gram(glu.stack("reglu", 2), np.eye(2), variances=values)
