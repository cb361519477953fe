"""`NTKKernel` as GPyTorch's own kernels are tested, and against `glutheory.gram`."""

from __future__ import annotations

import copy
import importlib
import pickle
import sys
import unittest
import warnings
from fractions import Fraction
from typing import Any

import pytest

import glutheory as glu
from glutheory.errors import DomainError, MissingDependencyError, UnknownNameError
from glutheory.networks import product

torch = pytest.importorskip("torch")
with warnings.catch_warnings():
    # linear_operator compiles a helper with torch.jit.script, which new versions of torch deprecate
    warnings.filterwarnings("ignore", message="`torch.jit.script`", category=DeprecationWarning)
    pytest.importorskip("gpytorch")
    import gpytorch
    from gpytorch.test.base_kernel_test_case import BaseKernelTestCase

    from glutheory.integrations.gpytorch import NTKKernel

from linear_operator.operators import KernelLinearOperator, LinearOperator  # noqa: E402

from glutheory.integrations.torch import gram  # noqa: E402 (only where torch is)
from tests.integrations.gpytorch_rows import DOUBLE, options, rows  # noqa: E402


class _Checks(BaseKernelTestCase):
    """All of GPyTorch's checks of a kernel; those of ARD pass over kernels without lengthscales, as for its own."""

    seed = 0
    network = "swiglu"
    kind = "ntk"

    def create_kernel_no_ard(self, **options: Any) -> NTKKernel:
        return NTKKernel(self.network, kind=self.kind, **options)

    def create_data_no_batch(self) -> Any:
        return torch.randn(20, 10)

    def create_data_double_batch(self) -> Any:
        return torch.randn(3, 2, 20, 2)


class TestSwiGLU(_Checks, unittest.TestCase):
    pass


class TestReLU(_Checks, unittest.TestCase):
    network, kind = "relu", "nngp"


KERNELS: tuple[tuple[str, dict[str, Any]], ...] = (
    ("swiglu", {}),
    ("relu", {"kind": "nngp"}),
    ("geglu", {"parametrization": "standard", "width": 64, "features": 3}),
    ("sin", {"variances": {"hidden": "1/3", "readout": 2}}),
)


@pytest.mark.parametrize("dtype", [torch.float32, DOUBLE], ids=str)
@pytest.mark.parametrize(("name", "given"), KERNELS, ids=[name for name, _ in KERNELS])
def test_values_are_those_of_gram(name: str, given: dict[str, Any], dtype: Any) -> None:
    kernel = NTKKernel(name, **given).to(dtype)
    X, Y = rows(6, 3, dtype=dtype), rows(4, 3, seed=1, dtype=dtype)
    with torch.no_grad():
        assert torch.equal(kernel(X).to_dense(), glu.gram(name, X, **options(kernel)))
        assert torch.equal(kernel(X, Y).to_dense(), glu.gram(name, X, Y, **options(kernel)))
        assert torch.equal(kernel(X, X.clone()).to_dense(), glu.gram(name, X, **options(kernel)))
    assert kernel(X).to_dense().dtype == dtype
    tolerance = {"rtol": 1e-6 if dtype == torch.float32 else 1e-13, "atol": 0.0}
    torch.testing.assert_close(kernel(X, diag=True), kernel(X).to_dense().diagonal(), **tolerance)
    torch.testing.assert_close(kernel(X).diagonal(), kernel(X).to_dense().diagonal(), **tolerance)
    across = kernel(X[:4], Y).to_dense()
    # entries near 0 are accurate relative to the scale of the kernel, here about 1
    near = 1e-6 if dtype == torch.float32 else 1e-13
    torch.testing.assert_close(kernel(X[:4], Y, diag=True), across.diagonal(), rtol=tolerance["rtol"], atol=near)


def test_the_initial_variances_are_those_of_gram() -> None:
    kernel = NTKKernel("geglu", parametrization="standard", width=64, features=3).double()
    wanted = {"readout": 1 / 64, "value": 1 / 3, "gate": 1 / 3}
    # softplus and its inverse in float32, in which parameters are made
    assert {role: value.item() for role, value in kernel.variances.items()} == pytest.approx(wanted, rel=1e-6)
    mixed = NTKKernel("relu", variances={"hidden": Fraction(1, 4)})
    wanted = {"readout": 1.0, "hidden": 0.25}
    assert {role: value.item() for role, value in mixed.variances.items()} == pytest.approx(wanted, rel=1e-6)
    batch = NTKKernel("relu", batch_shape=torch.Size([2]), variances={"hidden": torch.tensor([0.5, 2.0])})
    assert batch.hidden_variance.tolist() == pytest.approx([0.5, 2.0], rel=1e-6)
    assert batch.readout_variance.tolist() == pytest.approx([1.0, 1.0], rel=1e-6)


def test_variances_are_set_as_gpytorch_does() -> None:
    kernel = NTKKernel(product("relu", "erf", name="both"), batch_shape=torch.Size([2]))
    assert set(dict(kernel.named_parameters())) == {
        f"raw_{role}_variance" for role in ("readout", "branch1", "branch2")
    }
    kernel.branch1_variance = 0.5
    kernel.initialize(branch2_variance=torch.tensor([1.5, 2.5]), readout_variance=2)
    assert kernel.branch1_variance.tolist() == pytest.approx([0.5, 0.5], rel=1e-6)
    assert kernel.branch2_variance.tolist() == pytest.approx([1.5, 2.5], rel=1e-6)
    assert kernel.readout_variance.tolist() == pytest.approx([2.0, 2.0], rel=1e-6)
    assert "branch2_variance" in dir(kernel)
    assert not hasattr(kernel, "gate_variance")
    with pytest.raises(RuntimeError, match="out of bounds"):
        NTKKernel("relu", variance_constraint=gpytorch.constraints.Interval(0.1, 0.2)).hidden_variance = 5.0


def test_constraints_and_priors() -> None:
    gamma = gpytorch.priors.GammaPrior(3.0, 6.0)
    bounded = gpytorch.constraints.Interval(0.1, 3.0, initial_value=0.7)
    kernel = NTKKernel("relu", variance_prior={"hidden": gamma}, variance_constraint={"hidden": bounded})
    assert kernel.hidden_variance.item() == pytest.approx(0.7, rel=1e-6)
    assert kernel.raw_hidden_variance_constraint is bounded
    ((name, module, prior, closure, setting),) = kernel.named_priors()
    assert (name, module, prior) == ("hidden_variance_prior", kernel, gamma)
    assert torch.equal(closure(module), kernel.hidden_variance)
    setting(module, torch.tensor(1.2))
    assert kernel.hidden_variance.item() == pytest.approx(1.2, rel=1e-6)
    torch.manual_seed(0)
    kernel.sample_from_prior("hidden_variance_prior")
    assert 0.1 < kernel.hidden_variance.item() < 3.0
    shared = NTKKernel("swiglu", variance_prior=gamma, variance_constraint=gpytorch.constraints.GreaterThan(1e-3))
    assert len(list(shared.named_priors())) == 3
    again = pickle.loads(pickle.dumps(kernel))
    assert torch.equal(again.hidden_variance, kernel.hidden_variance)
    with pytest.raises(TypeError, match=r"Expected gpytorch\.priors\.Prior but got float"):
        NTKKernel("relu", variance_prior=1.0)


def test_the_state_is_saved_and_loaded() -> None:
    kernel = NTKKernel("swiglu")
    kernel.gate_variance, kernel.readout_variance = 0.3, 5.0
    other = NTKKernel("swiglu")
    other.load_state_dict(kernel.state_dict())
    X = rows(5, 2)
    assert torch.equal(other(X).to_dense(), kernel(X).to_dense())
    assert torch.equal(copy.deepcopy(kernel)(X).to_dense(), kernel(X).to_dense())


def test_batches_of_kernels_and_of_rows_are_broadcast() -> None:
    kernel = NTKKernel("geglu", batch_shape=torch.Size([3, 1])).double()
    kernel.gate_variance = torch.tensor([[0.5], [1.0], [2.0]])
    X = rows(2, 5, 4)
    lazy = kernel(X)
    assert lazy.shape == (3, 2, 5, 5)
    for i in range(3):
        for j in range(2):
            wanted = glu.gram("geglu", X[j], **options(kernel, (i, 0)))
            assert torch.equal(lazy.to_dense()[i, j].detach(), wanted)
            assert torch.equal(lazy[i, j].to_dense().detach(), wanted)
    assert kernel(X, diag=True).shape == (3, 2, 5)
    assert kernel.expand_batch(3, 2)(X).shape == (3, 2, 5, 5)


@pytest.mark.filterwarnings("ignore:Sparse invariant checks:UserWarning")
def test_slices_compute_no_more_than_they_show(monkeypatch: pytest.MonkeyPatch) -> None:
    kernel, X = NTKKernel("relu").double(), rows(30, 3)
    seen = []
    forward = NTKKernel.forward

    def watched(self: Any, x1: Any, x2: Any, **rest: Any) -> Any:
        seen.append((len(x1), len(x2)))
        return forward(self, x1, x2, **rest)

    monkeypatch.setattr(NTKKernel, "forward", watched)
    lazy = kernel(X)
    assert isinstance(lazy, LinearOperator)
    part = lazy[3:7, :2].to_dense()
    assert seen == [(4, 2)]
    torch.testing.assert_close(part, glu.gram("relu", X[3:7], X[:2]).detach(), rtol=1e-7, atol=1e-9)
    torch.testing.assert_close(lazy[torch.tensor([1, 2]), torch.tensor([4, 5])], lazy.to_dense()[[1, 2], [4, 5]])


def test_it_composes_with_other_kernels() -> None:
    X, Y = rows(5, 3), rows(4, 3, seed=1)
    first, second = NTKKernel("swiglu").double(), NTKKernel("sin", active_dims=(0, 2)).double()
    K, L = glu.gram("swiglu", X, Y, **options(first)), glu.gram("sin", X[:, [0, 2]], Y[:, [0, 2]], **options(second))
    scaled = gpytorch.kernels.ScaleKernel(first).double()
    scaled.outputscale = 3.0
    close = {"rtol": 1e-12, "atol": 1e-12}
    torch.testing.assert_close(scaled(X, Y).to_dense(), scaled.outputscale * K, **close)
    torch.testing.assert_close((first + second)(X, Y).to_dense().detach(), K + L, **close)
    torch.testing.assert_close((first * second)(X, Y).to_dense().detach(), K * L, **close)
    tasks = gpytorch.kernels.MultitaskKernel(first, num_tasks=2).double()
    covariance = tasks.task_covar_module.covar_matrix.to_dense()
    torch.testing.assert_close(tasks(X, Y).to_dense(), torch.kron(K, covariance), **close)


@pytest.mark.filterwarnings("ignore:The last_dim_is_batch argument is deprecated:DeprecationWarning")
def test_the_last_dimension_as_a_batch() -> None:
    kernel, X = NTKKernel("gelu").double(), rows(5, 3)
    found = kernel(X, last_dim_is_batch=True).to_dense()
    assert found.shape == (3, 5, 5)
    for k in range(3):
        assert torch.equal(found[k].detach(), glu.gram("gelu", X[:, k : k + 1], **options(kernel)))


def test_gradients_reach_rows_and_variances() -> None:
    kernel = NTKKernel("swiglu").double()
    X = rows(3, 2).requires_grad_()
    raws = [parameter for _, parameter in kernel.named_parameters()]

    def value(x: Any, *raw: Any) -> Any:
        names = [name for name, _ in kernel.named_parameters()]
        return torch.func.functional_call(kernel, dict(zip(names, raw, strict=True)), (x, x), {"diag": False})

    with gpytorch.settings.lazily_evaluate_kernels(False):
        assert torch.autograd.gradcheck(lambda *given: value(*given).to_dense(), (X, *raws), fast_mode=True)
    # two tensors of equal rows keep their own gradients
    Y = X.detach().clone().requires_grad_()
    kernel(X, Y).to_dense().sum().backward()
    torch.testing.assert_close(X.grad, Y.grad, rtol=1e-12, atol=1e-12)


def test_gram_serves_a_kernel_operator() -> None:
    """linear_operator's own lazy kernel matrix: rows and variances are its arguments, and their gradients flow."""
    X, Y = rows(6, 3).requires_grad_(), rows(5, 3, seed=1)
    gate = torch.tensor(0.5, dtype=DOUBLE, requires_grad=True)

    def covariance(x1: Any, x2: Any, gate: Any) -> Any:
        return gram("swiglu", x1, x2, variances={"gate": gate})

    lazy = KernelLinearOperator(X, Y, covar_func=covariance, num_nonbatch_dimensions={"gate": 0}, gate=gate)
    vector = rows(5, 1, seed=2)
    (lazy @ vector).sum().backward()
    found = X.grad.clone(), gate.grad.clone()
    X.grad = gate.grad = None
    (gram("swiglu", X, Y, variances={"gate": gate}) @ vector).sum().backward()
    for part, wanted in zip(found, (X.grad, gate.grad), strict=True):
        torch.testing.assert_close(part, wanted, rtol=1e-12, atol=1e-13)
    torch.testing.assert_close(lazy[1:3].to_dense(), gram("swiglu", X[1:3], Y, variances={"gate": gate}))


@pytest.mark.parametrize(
    ("name", "given", "message"),
    [
        ("step", {}, "the NTK of 'step' is infinite"),
        ("relu", {"kind": "both"}, "kind is 'both'"),
        ("relu", {"parametrization": "standard", "width": 5}, "features is None"),
        ("relu", {"parametrization": "standard", "features": 5}, "width is None"),
        ("relu", {"parametrization": "mup"}, "parametrization is 'mup'"),
        ("relu", {"strip": 0}, "strip is 0"),
        ("relu", {"variances": {"gate": 1.0}}, "variances has the key 'gate'"),
        ("relu", {"variances": {"hidden": -1.0}}, "give a positive number"),
        ("relu", {"variance_prior": {"gate": None}}, "variance_prior has the key 'gate'"),
        ("relu", {"variance_constraint": {"gate": None}}, "variance_constraint has the key 'gate'"),
    ],
    ids=str,
)
def test_bad_arguments_are_answered_in_a_sentence(name: str, given: dict[str, Any], message: str) -> None:
    with pytest.raises(DomainError, match=message):
        NTKKernel(name, **given)


def test_an_unknown_network_is_refused() -> None:
    with pytest.raises(UnknownNameError, match="did you mean"):
        NTKKernel("swigul")


@pytest.mark.parametrize(("module", "absent"), [("gpytorch", "gpytorch"), ("products", "linear_operator.operators")])
def test_without_gpytorch_the_extra_is_named(module: str, absent: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, f"glutheory.integrations.{module}")
    monkeypatch.setitem(sys.modules, absent, None)
    with pytest.raises(
        MissingDependencyError,
        match=r"this needs gpytorch: \S+ -m pip install -c constraints.txt 'glutheory\[gpytorch\]'",
    ):
        importlib.import_module(f"glutheory.integrations.{module}")


@pytest.mark.cuda
def test_on_a_device() -> None:
    kernel, X = NTKKernel("swiglu").double(), rows(20, 3)
    wanted = kernel(X).to_dense()
    torch.testing.assert_close(kernel.cuda()(X.cuda()).to_dense().cpu(), wanted, rtol=1e-12, atol=1e-12)
