"""`NTKKernel` in regression: predictions, training, and products in strips."""

from __future__ import annotations

import math
import warnings
from typing import Any

import pytest

import glutheory as glu

torch = pytest.importorskip("torch")
with warnings.catch_warnings():
    # linear_operator compiles a helper with torch.jit.script, which new versions of torch deprecate
    warnings.filterwarnings("ignore", message="`torch.jit.script`", category=DeprecationWarning)
    pytest.importorskip("gpytorch")
    import gpytorch

    from glutheory.integrations import products
    from glutheory.integrations.gpytorch import NTKKernel


from tests.integrations.gpytorch_rows import DOUBLE, options, rows  # noqa: E402


class _Regression(gpytorch.models.ExactGP):
    def __init__(self, X: Any, y: Any, likelihood: Any, kernel: Any) -> None:
        super().__init__(X, y, likelihood)
        self.mean_module = gpytorch.means.ZeroMean()
        self.covar_module = kernel

    def forward(self, x: Any) -> Any:
        return gpytorch.distributions.MultivariateNormal(self.mean_module(x), self.covar_module(x))


def regression(kernel: Any, n: int = 30) -> tuple[Any, Any, Any, Any]:
    X = rows(n, 3)
    y = torch.sin(X[:, 0]) + X[:, 1] * X[:, 2] / 2
    likelihood = gpytorch.likelihoods.GaussianLikelihood().double()
    likelihood.noise = 1e-2
    return _Regression(X, y, likelihood, kernel.double()).double(), likelihood, X, y


def test_predictions_are_those_of_a_cholesky_solve() -> None:
    model, likelihood, X, y = regression(NTKKernel("swiglu"))
    new, given = rows(7, 3, seed=3), options(model.covar_module)
    model.eval()
    likelihood.eval()
    with torch.no_grad():
        found = model(new)
        K = glu.gram("swiglu", X, **given) + likelihood.noise * torch.eye(len(X), dtype=DOUBLE)
        across = glu.gram("swiglu", new, X, **given)
        factor = torch.linalg.cholesky(K)
        mean = across @ torch.cholesky_solve(y[:, None], factor)
        covariance = glu.gram("swiglu", new, **given) - across @ torch.cholesky_solve(across.T, factor)
        # the condition number of K is below 1e4: 1e-16 of rounding becomes at most 1e-12
        torch.testing.assert_close(found.mean, mean[:, 0], rtol=1e-9, atol=1e-10)
        torch.testing.assert_close(found.covariance_matrix, covariance, rtol=1e-7, atol=1e-9)


@pytest.mark.parametrize("strip", [None, 12])
def test_training_lowers_the_loss(strip: int | None) -> None:
    """With the matrix, and by conjugate gradients without it."""
    model, likelihood, X, y = regression(gpytorch.kernels.ScaleKernel(NTKKernel("geglu", strip=strip)))
    model.train()
    likelihood.train()
    optimizer = torch.optim.Adam(model.parameters(), lr=0.1)
    marginal = gpytorch.mlls.ExactMarginalLogLikelihood(likelihood, model)
    losses = []
    with gpytorch.settings.max_cholesky_size(0 if strip else 800):
        torch.manual_seed(0)
        for _ in range(3 if strip else 5):
            optimizer.zero_grad()
            loss = -marginal(model(X), y)
            loss.backward()
            assert all(math.isfinite(parameter.grad) for parameter in model.parameters())
            optimizer.step()
            losses.append(float(loss.detach()))
    assert losses[-1] < losses[0] - 0.02


def test_products_in_strips_are_those_of_the_matrix(monkeypatch: pytest.MonkeyPatch) -> None:
    kernels = [NTKKernel("swiglu", strip=strip, batch_shape=torch.Size([2])).double() for strip in (4, None)]
    seen = []

    def watched(net: Any, X: Any, Y: Any, **rest: Any) -> Any:
        seen.append(len(X))
        return glu.gram(net, X, Y, **rest)

    monkeypatch.setattr(products, "plain_gram", watched)
    found = []
    for kernel in kernels:
        kernel.gate_variance = torch.tensor([0.5, 2.0])
        X, Y, V = rows(10, 3).requires_grad_(), rows(7, 3, seed=1).requires_grad_(), rows(7, 2, seed=2).requires_grad_()
        product = kernel(X, Y) @ V
        (product * rows(2, 10, 2, seed=3)).sum().backward()
        found.append([product.detach(), X.grad, Y.grad, V.grad, *(raw.grad for raw in kernel.parameters())])
    assert max(seen) == 4
    for part, wanted in zip(*found, strict=True):
        torch.testing.assert_close(part, wanted, rtol=1e-12, atol=1e-13)


def test_an_operator_in_strips_does_what_others_do() -> None:
    kernel, X, Y = NTKKernel("relu", strip=4).double(), rows(10, 3), rows(7, 3, seed=1)
    lazy = kernel(X).evaluate_kernel()
    assert isinstance(lazy, products.GramLinearOperator)
    wanted = glu.gram("relu", X, **options(kernel))
    close = {"rtol": 1e-12, "atol": 1e-13}
    torch.testing.assert_close(lazy.to_dense().detach(), wanted, **close)
    torch.testing.assert_close(lazy.diagonal().detach(), wanted.diagonal(), **close)
    torch.testing.assert_close((lazy @ X[:, 0]).detach(), wanted @ X[:, 0], **close)
    torch.testing.assert_close(lazy[2:9].to_dense().detach(), wanted[2:9], **close)
    torch.testing.assert_close(lazy.mT.to_dense().detach(), wanted, **close)
    across = kernel(X, Y).evaluate_kernel()
    torch.testing.assert_close((across.mT @ X).detach(), glu.gram("relu", Y, X, **options(kernel)) @ X, **close)
    torch.testing.assert_close(kernel(X[:7], Y).diagonal(), across.to_dense()[:7].diagonal(), **close)
    assert kernel(X[:3]).evaluate_kernel().__class__ is not products.GramLinearOperator
    # by conjugate gradients: a residual of 1e-4, divided by eigenvalues from 1 on
    with torch.no_grad(), gpytorch.settings.max_cholesky_size(0), gpytorch.settings.cg_tolerance(1e-4):
        solved = torch.linalg.solve(wanted + torch.eye(10, dtype=DOUBLE), X)
        torch.testing.assert_close(lazy.add_jitter(1.0).solve(X), solved, rtol=0, atol=1e-3)


@pytest.mark.filterwarnings("ignore:The checkpointing feature is deprecated:DeprecationWarning")
def test_checkpoints_of_gpytorch_multiply_in_strips() -> None:
    kernel, X, V = NTKKernel("relu").double(), rows(10, 3), rows(10, 2, seed=1)
    with gpytorch.beta_features.checkpoint_kernel(4), torch.no_grad():
        torch.testing.assert_close(kernel(X) @ V, glu.gram("relu", X, **options(kernel)) @ V, rtol=1e-12, atol=1e-13)


def test_a_second_derivative_of_a_product_is_refused() -> None:
    X = rows(6, 2).requires_grad_()
    lazy = NTKKernel("relu", strip=2).double()(X).evaluate_kernel()
    (first,) = torch.autograd.grad(lazy._matmul(rows(6, 1)).sum(), X, create_graph=True)
    with pytest.raises(NotImplementedError, match="no second derivative"):
        (first.sum() + X.sum()).backward()
