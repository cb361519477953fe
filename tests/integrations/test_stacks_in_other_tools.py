"""Stacks in scikit-learn, SciPy, torch and GPyTorch: the values of `gram`, and its gradients."""

from __future__ import annotations

import copy
import pickle
from typing import Any

import numpy as np
import pytest

import glutheory as glu
from glutheory.errors import DomainError
from glutheory.integrations.extremes import extremes
from glutheory.integrations.operator import GramOperator
from glutheory.layers import Stack, composed, dense, layernorm, positions, product, read_stack, readout

X = np.random.default_rng(5).standard_normal((40, 4))
#: The same, opposite and nearly parallel rows.
X[1], X[2], X[3] = X[0], -X[0], X[4] * (1 + 1e-12)
Y = X[::-3] + 0.1
STACKS = {
    "gated": glu.stack("swiglu", 5),
    "plain": glu.stack("relu", 3, norm=None, bias="0.5"),
    "derived": glu.stack("mish_glu", 2, residual=False),
    "unequal": composed(product("silu"), readout(3)),
}
POOLED = composed(dense(), positions(), readout(), name="pooled")
#: Rounding differs with the tiles that entries are in: a few ulps for each layer.
ULPS = 1e-14
every_stack = pytest.mark.parametrize("stack", STACKS.values(), ids=list(STACKS))


def _near(found: Any, wanted: np.ndarray, x: np.ndarray, y: np.ndarray) -> bool:
    return bool((np.abs(np.asarray(found) - wanted) <= ULPS * np.sqrt(np.outer(x, y))).all())


class TestSciPy:
    @every_stack
    @pytest.mark.parametrize("kind", ["ntk", "nngp"])
    def test_products_and_the_diagonal(self, stack: Stack, kind: str) -> None:
        K = glu.gram(stack, X, kind=kind)
        operator = GramOperator(stack, X, kind=kind, block=16, threads=2)
        root = np.sqrt(np.diag(K))
        assert _near(operator @ np.eye(len(X)), K, root**2, root**2)
        np.testing.assert_allclose(operator.diagonal(), np.diag(K), rtol=ULPS)
        assert operator.entry_error == glu.entry_error(stack)
        # the control: another depth is another matrix
        other = glu.gram(composed(*stack.layers[:-1], product("tanh"), readout()), X, kind=kind)
        assert not _near(operator @ np.eye(len(X)), other, root**2, root**2)

    def test_options_of_gram(self) -> None:
        stack = STACKS["gated"]
        options: dict[str, Any] = {"parametrization": "standard", "width": 64, "trained": "block*.gate"}
        K = glu.gram(stack, X, **options)
        np.testing.assert_allclose(GramOperator(stack, X, **options) @ np.eye(len(X)), K, rtol=1e-13, atol=1e-13)

    def test_both_ends_of_a_spectrum(self) -> None:
        rows = np.random.default_rng(1).standard_normal((60, 12))
        stack = glu.stack("swiglu", 3)
        values = np.linalg.eigvalsh(glu.gram(stack, rows))
        ends = extremes(GramOperator(stack, rows), top=2, bottom=1)
        rounding = 60 * np.finfo(float).eps * values[-1]
        assert ends.converged
        assert abs(ends.largest[0] - values[-1]) <= ends.largest_bounds[0] + rounding
        assert abs(ends.smallest[0] - values[0]) <= ends.smallest_bounds[0] + rounding

    def test_without_a_bound_there_are_products_and_no_extremes(self) -> None:
        stack = composed(dense(), product("relu"), layernorm(), readout())
        operator = GramOperator(stack, X)
        np.testing.assert_allclose(operator @ np.eye(len(X)), glu.gram(stack, X), rtol=1e-12, atol=1e-13)
        with pytest.raises(DomainError, match="no bound is known on the entries' errors of 'dense, relu, layernorm"):
            extremes(operator, top=1)

    @pytest.mark.parametrize(
        ("arguments", "message"),
        [
            ({"network": POOLED}, "'pooled' has a mean over positions, whose data are sequences and no rows"),
            ({"variances": {"gate": 2}}, "variances has the key 'gate': did you mean 'block.gate'"),
            ({"width": 8}, "width is 8, but only the standard parametrisation has one: leave it out."),
            ({"network": glu.stack("step", 2)}, "is infinite on its diagonal: use kind='nngp'."),
            ({"network": "relu", "trained": "readout"}, "only the groups of a stack can be chosen"),
        ],
        ids=str,
    )
    def test_bad_arguments(self, arguments: dict[str, Any], message: str) -> None:
        with pytest.raises(DomainError) as caught:
            GramOperator(**({"network": STACKS["gated"], "X": X} | arguments))  # type: ignore[arg-type]
        assert message in str(caught.value)


class TestScikitLearn:
    @pytest.fixture(autouse=True)
    def _needs(self) -> None:
        pytest.importorskip("sklearn")

    @every_stack
    @pytest.mark.parametrize("kind", ["ntk", "nngp"])
    def test_values(self, stack: Stack, kind: str) -> None:
        from glutheory.integrations.scikit_learn import NTKKernel

        kernel, K = NTKKernel(stack, kind=kind), glu.gram(stack, X, kind=kind)
        one, two = (np.diag(glu.gram(stack, rows, kind=kind)) for rows in (X, Y))
        assert _near(kernel(X), K, one, one)
        assert _near(kernel(X, Y), glu.gram(stack, X, Y, kind=kind), one, two)
        np.testing.assert_array_equal(kernel.diag(X), np.diag(kernel(X)))
        assert not _near(NTKKernel("swiglu", kind=kind)(X), K, one, one)

    @every_stack
    def test_it_is_a_parameter_like_any_other(self, stack: Stack) -> None:
        from sklearn.base import clone

        from glutheory.integrations.scikit_learn import NTKKernel

        kernel = NTKKernel(stack, parametrization="standard", width=32)
        assert kernel.get_params()["network"] is stack
        for other in (clone(kernel), pickle.loads(pickle.dumps(kernel)), copy.deepcopy(kernel)):
            assert other == kernel
            np.testing.assert_array_equal(other(X), kernel(X))
        assert clone(kernel).set_params(network="relu", parametrization="ntk", width=None) != kernel
        assert len(kernel.theta) == 0
        assert kernel.bounds.shape == (0, 2) or kernel.bounds.size == 0

    @pytest.mark.parametrize(
        "line",
        ["swiglu x 5, rmsnorm, residual", "relu x 2, no norm, no residual, variance 2, bias 1/2", "glu x 1, layernorm"],
    )
    def test_repr_is_the_call(self, line: str) -> None:
        from glutheory.integrations.scikit_learn import NTKKernel

        kernel = NTKKernel(read_stack(line), kind="nngp")
        assert repr(kernel).startswith(f"NTKKernel(read_stack('{line}")
        assert eval(repr(kernel), {"NTKKernel": NTKKernel, "read_stack": read_stack}) == kernel  # noqa: S307
        assert repr(NTKKernel(STACKS["unequal"])) == "NTKKernel(<Stack silu(beta=1), readout(variance 3)>)"

    def test_a_process_learns_the_noise_and_no_variance(self) -> None:
        from sklearn.gaussian_process import GaussianProcessRegressor
        from sklearn.gaussian_process.kernels import ConstantKernel, WhiteKernel

        from glutheory.integrations.scikit_learn import NTKKernel

        stack = STACKS["gated"]
        target = np.sin(X[:, 0]) + 0.3 * np.random.default_rng(2).standard_normal(len(X))
        kernel = ConstantKernel(2.0, "fixed") * NTKKernel(stack) + WhiteKernel(0.5, "fixed")
        process = GaussianProcessRegressor(kernel, optimizer=None).fit(X, target)
        wanted = 2 * glu.gram(stack, Y, X) @ np.linalg.solve(2 * glu.gram(stack, X) + 0.5 * np.eye(len(X)), target)
        np.testing.assert_allclose(process.predict(Y), wanted, rtol=1e-10, atol=1e-10)
        K, gradient = NTKKernel(stack)(X, eval_gradient=True)
        np.testing.assert_array_equal(K, NTKKernel(stack)(X))
        assert gradient.shape == (len(X), len(X), 0)
        learnt = GaussianProcessRegressor(NTKKernel(stack) + WhiteKernel(0.5)).fit(X, target)
        assert learnt.kernel_.k1 == NTKKernel(stack)
        assert learnt.kernel_.k2.noise_level != 0.5

    @pytest.mark.parametrize(
        ("options", "message"),
        [
            ({"gate_variance": 2.0}, "gate_variance is 2.0: the layers of a stack say their variances"),
            ({"branch_variances": [1.0, 3.0]}, "the layers of a stack say their variances"),
            ({"network": POOLED}, "has a mean over positions"),
            ({"network": glu.stack("sign", 1)}, "is infinite on its diagonal"),
            ({"parametrization": "standard"}, "needs the width of the layers"),
        ],
        ids=str,
    )
    def test_bad_parameters(self, options: dict[str, Any], message: str) -> None:
        from glutheory.integrations.scikit_learn import NTKKernel

        with pytest.raises(DomainError) as caught:
            NTKKernel(**{"network": STACKS["gated"]} | options)(X)
        assert message in str(caught.value)


class TestTorch:
    @pytest.fixture(autouse=True)
    def _needs(self) -> None:
        pytest.importorskip("torch")

    @every_stack
    def test_values_and_paired_rows(self, stack: Stack) -> None:
        import torch

        from glutheory.integrations.torch import gram, gram_diagonal

        rows, other = torch.as_tensor(X), torch.as_tensor(X[::-1].copy())
        found = gram(stack, rows, other, kind="both")
        wanted = glu.gram(stack, X, X[::-1].copy(), kind="both")
        pairs = gram_diagonal(stack, rows, other, kind="both")
        own = gram_diagonal(stack, rows, kind="both")
        for k, kind in enumerate(("nngp", "ntk")):
            np.testing.assert_array_equal(found[k].numpy(), wanted[k])
            diagonal = np.diag(glu.gram(stack, X, kind=kind))
            size = np.sqrt(diagonal * diagonal[::-1])
            assert (abs(pairs[k].numpy() - np.diag(wanted[k])) <= ULPS * size).all()
            np.testing.assert_allclose(own[k].numpy(), diagonal, rtol=ULPS)

    def test_batches(self) -> None:
        import torch

        from glutheory.integrations.torch import gram

        stack = STACKS["gated"]
        many = torch.as_tensor(X).reshape(4, 10, 4)
        found = gram(stack, many)
        assert found.shape == (4, 10, 10)
        np.testing.assert_array_equal(found[2].numpy(), glu.gram(stack, X[20:30]))

    def test_what_has_no_derivative(self) -> None:
        """Gradients are those of `test_stack_gradients`, `test_stack_numbers` and `test_sequence_gradients`."""
        import torch

        from glutheory.integrations.torch import gram, gram_diagonal

        stack, fixed = STACKS["gated"], torch.tensor(X)
        with torch.no_grad():
            assert not gram(stack, torch.tensor(X, requires_grad=True)).requires_grad
        with pytest.raises(DomainError, match=r"variances has the key 'gate': did you mean 'block\.gate'"):
            gram(stack, fixed, variances={"gate": torch.tensor(1.0, requires_grad=True)})
        with pytest.raises(DomainError, match=r"X has shape \(.*\): give sequences, of shape \(…, n, positions, d\)"):
            gram(POOLED, fixed)
        with pytest.raises(DomainError, match="'pooled' has a mean over positions, whose data are sequences"):
            gram_diagonal(POOLED, torch.tensor(X[None]))


class TestGPyTorch:
    @pytest.fixture(autouse=True)
    def _needs(self) -> None:
        pytest.importorskip("gpytorch")

    @every_stack
    def test_values(self, stack: Stack) -> None:
        import torch

        from glutheory.integrations.gpytorch import NTKKernel

        kernel = NTKKernel(stack)
        rows, other = torch.as_tensor(X), torch.as_tensor(Y)
        np.testing.assert_array_equal(kernel(rows).to_dense().numpy(), glu.gram(stack, X))
        np.testing.assert_array_equal(kernel(rows, other).to_dense().numpy(), glu.gram(stack, X, Y))
        np.testing.assert_allclose(kernel(rows, diag=True).numpy(), np.diag(glu.gram(stack, X)), rtol=ULPS)
        assert kernel.variances == {}
        assert list(kernel.parameters()) == []
        assert pickle.loads(pickle.dumps(kernel)).network == stack

    def test_regression_is_the_explicit_solution(self) -> None:
        import gpytorch
        import torch

        from glutheory.integrations.gpytorch import NTKKernel

        stack = STACKS["gated"]
        inputs, targets = torch.as_tensor(X), torch.sin(torch.as_tensor(X[:, 0]))

        class Model(gpytorch.models.ExactGP):
            def __init__(self, likelihood: Any) -> None:
                super().__init__(inputs, targets, likelihood)
                self.mean_module = gpytorch.means.ZeroMean()
                self.covar_module = gpytorch.kernels.ScaleKernel(NTKKernel(stack))

            def forward(self, x: Any) -> Any:
                return gpytorch.distributions.MultivariateNormal(self.mean_module(x), self.covar_module(x))

        likelihood = gpytorch.likelihoods.GaussianLikelihood().double()
        model = Model(likelihood).double()
        model.covar_module.outputscale = 2.0
        likelihood.noise = 0.5
        loss = -gpytorch.mlls.ExactMarginalLogLikelihood(likelihood, model)(model(inputs), targets)
        loss.backward()
        A = 2 * glu.gram(stack, X) + 0.5 * np.eye(len(X))
        y = targets.numpy()
        density = 0.5 * (y @ np.linalg.solve(A, y) + np.linalg.slogdet(A)[1] + len(X) * np.log(2 * np.pi)) / len(X)
        assert loss.item() == pytest.approx(density, rel=1e-9)
        assert model.covar_module.raw_outputscale.grad.abs() > 0
        model.eval()
        likelihood.eval()
        with torch.no_grad():
            mean = model(torch.as_tensor(Y)).mean.numpy()
        np.testing.assert_allclose(mean, 2 * glu.gram(stack, Y, X) @ np.linalg.solve(A, y), rtol=1e-8, atol=1e-8)

    @pytest.mark.parametrize(
        ("options", "message"),
        [
            ({"variances": {"gate": 1.0}}, "variances has the key 'gate': did you mean 'block.gate'"),
            (
                {"variances": {"block.gate": 1.0}, "variance_constraint": {"gate": 3}},
                "variance_constraint has the key 'gate'",
            ),
            ({"features": 4}, "features is 4"),
            ({"strip": 8}, "its matrix is always formed; leave it out."),
            ({"network": POOLED}, "has a mean over positions"),
            ({"network": glu.stack("step", 2)}, "is infinite on its diagonal"),
        ],
        ids=str,
    )
    def test_bad_arguments(self, options: dict[str, Any], message: str) -> None:
        from glutheory.integrations.gpytorch import NTKKernel

        with pytest.raises(DomainError) as caught:
            NTKKernel(**{"network": STACKS["gated"]} | options)
        assert message in str(caught.value)
