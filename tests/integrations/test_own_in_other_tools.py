"""Kernels of a user's own activations in scikit-learn, SciPy, torch and GPyTorch: right values, gradients, refusals.

The right values are the brute force of `tests.own_formulas`, those of gradients its differences.
"""

from __future__ import annotations

import pickle
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import glutheory as glu
from glutheory.networks import Network
from tests.own_formulas import CASES, FORMULAS, ROWS, Formula, close, kernels

Kernel = Callable[[Network, np.ndarray, str], Any]


def scikit_learn(net: Network, X: np.ndarray, kind: str) -> Any:
    pytest.importorskip("sklearn")
    from sklearn.base import clone

    from glutheory.integrations.scikit_learn import NTKKernel

    kernel = pickle.loads(pickle.dumps(clone(NTKKernel(net, kind=kind))))
    K = kernel(X)
    np.testing.assert_array_equal(np.diag(K), kernel.diag(X))
    return K


def operator(net: Network, X: np.ndarray, kind: str) -> Any:
    from glutheory.integrations.operator import GramOperator

    found = GramOperator(net, X, kind=kind, block=3, threads=2)
    assert found.entry_error == glu.entry_error(net)
    return found @ np.eye(len(X))


def torch(net: Network, X: np.ndarray, kind: str) -> Any:
    torch = pytest.importorskip("torch")
    from glutheory.integrations.torch import gram, gram_diagonal

    rows = torch.tensor(X)
    K = gram(net, rows, kind=kind).numpy()
    np.testing.assert_allclose(gram_diagonal(net, rows, kind=kind), np.diag(K), rtol=1e-13)
    return K


def gpytorch(net: Network, X: np.ndarray, kind: str) -> Any:
    torch = pytest.importorskip("torch")
    pytest.importorskip("gpytorch")
    from glutheory.integrations.gpytorch import NTKKernel

    variances = {role: torch.tensor(1.0, dtype=torch.float64) for role in ("readout", *net.roles)}
    whole, strips = (NTKKernel(net, kind=kind, variances=variances, strip=strip).double() for strip in (None, 2))
    for kernel in (whole, strips):
        kernel.initialize(**{f"{role}_variance": value for role, value in variances.items()})
    rows = torch.tensor(X)
    with torch.no_grad():
        K = whole(rows).to_dense().numpy()
        np.testing.assert_allclose(strips(rows).matmul(torch.eye(len(X)).double()), K, atol=1e-13 * abs(K).max())
    return K


TOOLS: tuple[Kernel, ...] = (scikit_learn, operator, torch, gpytorch)


@pytest.mark.parametrize("tool", TOOLS, ids=lambda tool: tool.__name__)
@CASES
def test_values(formula: Formula, gated: bool, tool: Kernel) -> None:
    """GPyTorch's variances are had by an inverse softplus and its softplus: 1 to within 1e-15."""
    net, wanted = formula.gated if gated else formula.plain, kernels(formula, ROWS, gated)
    close(tool(net, ROWS, "nngp"), wanted["nngp"])
    if not formula.jumps:
        close(tool(net, ROWS, "ntk"), wanted["ntk"])


def test_a_diagonal_of_two_sets_of_rows_needs_no_derivative() -> None:
    """Of a φ that jumps as well: near and far pairs, equal and opposite rows, a zero row."""
    torch = pytest.importorskip("torch")
    from glutheory.integrations.torch import gram_diagonal

    X, Y = ROWS, np.concatenate([ROWS[[1, 2]], ROWS[[0]] + 1e-7, ROWS[[4]], ROWS[[3, 4]]])
    for net in (FORMULAS["jump"].plain, glu.product(FORMULAS["jump"].plain.gate, "silu", "relu")):
        K = glu.gram(net, X, Y, kind="nngp")
        found = gram_diagonal(net, torch.tensor(X), torch.tensor(Y), kind="nngp").numpy()
        np.testing.assert_allclose(found, np.diag(K), rtol=0, atol=1e-12 * K.max())


@pytest.mark.parametrize("tool", [scikit_learn, operator, gpytorch], ids=lambda tool: tool.__name__)
@pytest.mark.parametrize("gated", [False, True])
def test_an_infinite_diagonal_is_refused(gated: bool, tool: Kernel) -> None:
    own = FORMULAS["jump"]
    with pytest.raises(glu.DomainError, match="infinite"):
        tool(own.gated if gated else own.plain, ROWS, "ntk")


#: Where a difference of step 2h is taken; its error is h² of the third derivative, and two of them leave h⁴.
_STEP = 1e-3


def _difference(function: Callable[[float], np.ndarray]) -> np.ndarray:
    one, two = ((function(h) - function(-h)) / (2 * h) for h in (_STEP, 2 * _STEP))
    return np.asarray((4 * one - two) / 3)


@pytest.mark.parametrize("kind", ["nngp", "ntk"])
@CASES
def test_gradients(formula: Formula, gated: bool, kind: str) -> None:
    """Of torch along a direction of all rows, of scikit-learn along log σ² of the weights of φ."""
    torch = pytest.importorskip("torch")
    pytest.importorskip("sklearn")
    from glutheory.integrations.scikit_learn import NTKKernel
    from glutheory.integrations.torch import gram

    net, X = formula.gated if gated else formula.plain, ROWS[[0, 4, 5]]
    rows = torch.tensor(X, requires_grad=True)
    if formula.jumps:
        with pytest.raises(glu.DomainError, match=r"no gradient|infinite"):
            gram(net, rows, kind=kind).sum().backward()
        return
    rng = np.random.default_rng(7)
    weight, along = rng.standard_normal((3, 3)), rng.standard_normal(X.shape)
    (gram(net, rows, kind=kind) * torch.tensor(weight)).sum().backward()
    wanted = _difference(lambda h: np.sum(weight * kernels(formula, X + h * along, gated)[kind]))
    assert float(np.sum(rows.grad.numpy() * along)) == pytest.approx(float(wanted), rel=1e-8)
    name = f"{net.roles[-1]}_variance"
    bounds: dict[str, Any] = {f"{name}_bounds": (1e-5, 1e5)}
    kernel = NTKKernel(net, kind=kind, **bounds)
    K, slopes = kernel(X, eval_gradient=True)
    wanted = _difference(lambda h: kernels(formula, X, gated, float(np.exp(h)))[kind])
    place = [part.name for part in kernel.hyperparameters if not part.fixed].index(name)
    np.testing.assert_allclose(slopes[..., place], wanted, atol=1e-9 * K.max())


def test_a_regression_with_an_own_activation() -> None:
    """The mean of scikit-learn's Gaussian process is K(x, X) (K + α)⁻¹ y with the brute force's kernel."""
    pytest.importorskip("sklearn")
    from sklearn.gaussian_process import GaussianProcessRegressor

    from glutheory.integrations.scikit_learn import NTKKernel

    formula, y = FORMULAS["hard tanh"], np.arange(len(ROWS), dtype=float)
    process = GaussianProcessRegressor(NTKKernel(formula.gated), alpha=0.5, optimizer=None).fit(ROWS, y)
    K = kernels(formula, ROWS, True)["ntk"]
    wanted = K @ np.linalg.solve(K + 0.5 * np.eye(len(K)), y)
    np.testing.assert_allclose(process.predict(ROWS), wanted, atol=1e-11)


@pytest.mark.parametrize(
    ("X", "message"),
    [
        (np.array([[1.0, np.nan]]), "NaN|finite"),
        (np.full((2, 2), 1e9), "variances up to"),
        (np.array([["a", "b"]]), "could not convert"),
    ],
)
def test_bad_rows_are_one_sentence(X: np.ndarray, message: str) -> None:
    pytest.importorskip("sklearn")
    from glutheory.integrations.scikit_learn import NTKKernel

    with pytest.raises(glu.DomainError, match=message) as caught:
        NTKKernel(FORMULAS["mish"].plain)(X)
    assert "\n" not in str(caught.value).strip()
