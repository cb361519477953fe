"""The transforms of `torch.func` over the differentiable `gram`: as autograd, or one sentence."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch

import glutheory as glu
from glutheory.integrations.torch import gram, gram_diagonal

X = torch.randn(4, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
Y = X[:2] + 1
BATCH = torch.stack([X, X + 1])
GATE = torch.tensor(0.7, dtype=torch.float64)
STACK = glu.stack("reglu", 2, norm="rms", residual=True)
#: Functions of rows.
KERNELS: dict[str, Callable[[torch.Tensor], Any]] = {
    "symmetric": lambda rows: gram("swiglu", rows),
    "rectangular": lambda rows: gram("reglu", rows, Y, kind="nngp"),
    "both": lambda rows: gram("geglu", rows, kind="both")[0],
    "diagonal": lambda rows: gram_diagonal("swiglu", rows),
    "variance": lambda rows: gram("swiglu", rows, variances={"gate": GATE}),
    "stack": lambda rows: gram(STACK, rows),
}


def _gradient(function: Callable[[torch.Tensor], Any], rows: torch.Tensor) -> torch.Tensor:
    leaf = rows.clone().requires_grad_()
    (found,) = torch.autograd.grad(function(leaf).sum(), leaf)
    return found


@pytest.mark.parametrize("name", KERNELS)
def test_gradients_and_batches(name: str) -> None:
    function = KERNELS[name]
    slope = torch.func.grad(lambda rows: function(rows).sum())
    assert torch.equal(slope(X), _gradient(function, X))
    many = torch.func.vmap(function)(BATCH)
    assert all(torch.equal(found, function(rows)) for found, rows in zip(many, BATCH, strict=True))
    slopes = torch.func.vmap(slope)(BATCH)
    assert all(torch.equal(found, _gradient(function, rows)) for found, rows in zip(slopes, BATCH, strict=True))


def test_a_jacobian() -> None:
    found = torch.func.jacrev(KERNELS["symmetric"])(X)
    assert found.shape == (4, 4, 4, 3)
    assert torch.allclose(found.sum((0, 1)), _gradient(KERNELS["symmetric"], X), rtol=1e-13)


def test_a_gradient_in_a_variance() -> None:
    found = torch.func.grad(lambda gate: gram("swiglu", X, variances={"gate": gate}).sum())(GATE)
    step = 1e-5
    ends = [gram("swiglu", X, variances={"gate": GATE + s * step}).sum() for s in (1, -1)]
    assert float(found) == pytest.approx(float(ends[0] - ends[1]) / (2 * step), rel=1e-8)


@pytest.mark.long
@pytest.mark.filterwarnings("ignore:.*torch.jit.script:DeprecationWarning")  # torch's own, at its first forward mode
def test_what_there_is_not_is_a_sentence() -> None:
    function = KERNELS["symmetric"]
    with pytest.raises(NotImplementedError, match=r"no forward mode: use torch\.func\.vjp or jacrev"):
        torch.func.jvp(function, (X,), (X,))
    with pytest.raises(NotImplementedError, match="no second derivative"):
        torch.func.grad(lambda rows: torch.func.grad(lambda own: function(own).sum())(rows).sum())(X)
