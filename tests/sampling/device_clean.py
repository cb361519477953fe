"""That no matrix goes to the host on the way, nor its entries one by one: tried on a device that is none.

Run by `test_device_clean` in a process of its own.

What may go is named here: n numbers of rows, as many as a series has terms, flags and sizes.
"""

# ruff: noqa: E402  (the package's sampling half can be imported only where torch is)
from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")
from torch import Tensor, nn

import glutheory as glu
from glutheory import sampling
from glutheory.integrations.torch import gram, gram_diagonal
from tests.sampling.far import PLACE, Far, Journal, device, moved

#: Rows; a matrix has 3600 entries.
N = 60
X = torch.as_tensor(np.random.default_rng(0).standard_normal((N, 6)))
#: Who may ask for more than one number at once, and for what; never for more than 2 N.
ALLOWED = {
    "numeric/deep/plan.py: make_deep_plan": "norms of rows and their scales",
    "numeric/own/evaluator.py: Evaluator._features": "norms of rows",
    "numeric/own/evaluator.py: Evaluator.limit": "norms of rows",
    "numeric/own/evaluator.py: _worst": "what each number of terms leaves out",
    "numeric/duals/series.py: _rules": "norms of rows",
    "numeric/duals/logistic.py: _Logistic.limit": "norms of rows",
    "numeric/duals/logistic.py: _Logistic._left_out": "what each number of terms leaves out",
    "sampling/modules/verify.py: _squares": "a square for each parameter",
    "sampling/modules/forms.py: Forms.read": "two numbers for each parameter",
}
NETWORKS: dict[str, Any] = {name: name for name in ("relu", "geglu", "swiglu", "mish", "sin")}
NETWORKS["stack"] = glu.stack("geglu", 2, norm="rms", residual=True)
NETWORKS["stack without norms"] = glu.stack("mish", 2)


def check(journal: Journal) -> None:
    """A loop of single numbers counts as much as one copy of them all."""
    assert journal.vectors <= set(ALLOWED), journal.vectors - set(ALLOWED)
    assert journal.largest <= 2 * N
    assert journal.total <= N * N / 2


def _gradient(network: Any, rows: Tensor) -> Tensor:
    rows = rows.detach().requires_grad_()
    # Tensor.backward is looked at by torch's modes, which are no longer there within it
    torch.autograd.backward(gram(network, rows).square().sum())
    found: Tensor | None = rows.grad
    assert found is not None
    return found


DONE: dict[str, Callable[..., Any]] = {
    "glu.gram": glu.gram,
    "torch.gram": gram,
    "torch.gram_diagonal": gram_diagonal,
    "gradient": _gradient,
}


@pytest.mark.long
@pytest.mark.parametrize("what", DONE)
@pytest.mark.parametrize("name", NETWORKS)
def test_exact_kernels_stay_on_the_device(name: str, what: str) -> None:
    wanted = DONE[what](NETWORKS[name], X)
    with device() as journal:
        found = DONE[what](NETWORKS[name], X.to(PLACE))
    assert isinstance(found, Far)
    check(journal)
    # sums in another order; of a gradient of squares their size
    torch.testing.assert_close(found.own, wanted, rtol=1e-9, atol=1e-11 * float(wanted.abs().max()))


@pytest.mark.long
@pytest.mark.parametrize("kind", ["ntk", "nngp"])
@pytest.mark.parametrize("name", NETWORKS)
def test_draws_stay_on_the_device(name: str, kind: str) -> None:
    sampled = partial(sampling.empirical_ntk, NETWORKS[name], width=32, seed=3, dtype=torch.float64, kind=kind)
    with device() as journal:
        found = sampled(X.to(PLACE), device=PLACE)
    assert isinstance(found, Far)
    check(journal)
    torch.testing.assert_close(found.own, sampled(X), rtol=0, atol=1e-13 * float(found.own.max()))


@pytest.mark.long
def test_of_many_draws_the_mean_and_the_error_go_to_the_host_and_no_draw() -> None:
    sampled = partial(sampling.monte_carlo, "swiglu", width=32, draws=5, seed=3)
    with device() as journal:
        found = sampled(X.to(PLACE), device=PLACE)
    many = [(asker, count) for asker, count in journal.carried if count > 1]
    # the inputs for the checksum in a checkpoint
    assert many == [("sampling/estimate.py: _settings", 6 * N), *[("sampling/estimate.py: monte_carlo", N * N)] * 2]
    assert len(journal.carried) <= N
    assert np.allclose(found.mean, sampled(X).mean, rtol=0, atol=1e-13 * found.mean.max())


class _Own(nn.Module):
    """A parameter that belongs to no layer."""

    def __init__(self) -> None:
        super().__init__()
        self.factor = nn.Parameter(torch.randn(6))

    def forward(self, x: Tensor) -> Tensor:
        found: Tensor = torch.mul(x, self.factor)
        return found


def _batch(*shape: int) -> Tensor:
    found: Tensor = torch.as_tensor(np.random.default_rng(1).standard_normal((N, *shape)))
    return found


_IDS = torch.as_tensor(np.random.default_rng(2).integers(0, 7, (N, 5)))
MODULES: dict[str, tuple[Callable[[], list[nn.Module]], Tensor]] = {
    "linear": (lambda: [nn.Linear(6, 9), nn.GELU(), nn.Linear(9, 3)], X),
    "convolution": (
        lambda: [nn.Conv2d(2, 4, 3, padding=1), nn.ReLU(), nn.Flatten(), nn.Linear(64, 2)],
        _batch(2, 4, 4),
    ),
    "embedding": (lambda: [nn.Embedding(7, 4), nn.Flatten(), nn.Linear(20, 3)], _IDS),
    "attention": (
        lambda: [nn.TransformerEncoderLayer(8, 2, 16, dropout=0.0, batch_first=True), nn.Flatten(), nn.Linear(32, 2)],
        _batch(4, 8),
    ),
    "norm": (lambda: [nn.Linear(6, 9), nn.LayerNorm(9), nn.Tanh(), nn.Linear(9, 3)], X),
    "parameter": (lambda: [_Own(), nn.Linear(6, 3)], X),
}


@pytest.mark.long
@pytest.mark.parametrize("name", MODULES)
def test_the_kernel_of_a_module_stays_on_the_device(name: str) -> None:
    layers, inputs = MODULES[name]
    torch.manual_seed(0)
    model = nn.Sequential(*layers()).double()
    wanted = sampling.module_ntk(model, inputs)
    with device() as journal:
        found = sampling.module_ntk(moved(model), inputs.to(PLACE))
    assert isinstance(found, Far)
    check(journal)
    torch.testing.assert_close(found.own, wanted, rtol=0, atol=1e-12 * float(wanted.max()))


# ---- controls: each way to the host is seen


def _copied(t: Tensor) -> None:
    torch.empty(N, 6, dtype=torch.float64).copy_(t)


WAYS: dict[str, Callable[[Tensor], object]] = {
    "cpu": lambda t: t.cpu(),
    "to a name": lambda t: t.to("cpu"),
    "to a device": lambda t: t.to(torch.device("cpu")),
    "to device=": lambda t: t.to(device="cpu"),
    "to device= and dtype=": lambda t: t.to(device="cpu", dtype=torch.float32),
    "to another tensor": lambda t: t.to(torch.empty(0)),
    "copied into one": _copied,
    "a list": lambda t: t.tolist(),
    "items": lambda t: [part.item() for part in t.flatten()],
    "floats": lambda t: [float(part) for part in t.flatten()],
    "flags": lambda t: [bool(part) for part in t.flatten()],
}
REFUSED: dict[str, Callable[[Tensor], object]] = {
    "numpy": lambda t: t.numpy(),
    "an array": np.asarray,
    "dlpack": np.from_dlpack,
    "mixed": lambda t: t + torch.ones(N, 6, dtype=torch.float64),
    "multiplied": lambda t: t @ torch.ones(6, 2, dtype=torch.float64),
}


@pytest.mark.parametrize("way", WAYS)
def test_the_double_sees_each_way_to_the_host(way: str) -> None:
    with device() as journal:
        there = X.to(PLACE)
        assert there.device == torch.device(PLACE)
        assert there.to(dtype=torch.float32).device == there.device
        assert there.to(there).device == there.device
        assert not journal.carried
        WAYS[way](there)
    assert journal.total == 6 * N
    if len(journal.carried) == 1:
        assert journal.vectors == {"the test"}
        with pytest.raises(AssertionError):
            check(journal)


@pytest.mark.parametrize("way", REFUSED)
def test_the_double_refuses_what_a_device_refuses(way: str) -> None:
    with device(), pytest.raises((RuntimeError, TypeError, ValueError, BufferError)):
        REFUSED[way](X.to(PLACE))


@pytest.mark.long
def test_a_loop_over_half_a_matrix_is_too_much() -> None:
    with device() as journal:
        _ = [float(part) for part in (X @ X.T).to(PLACE)[: N // 2 + 1].flatten()]
    with pytest.raises(AssertionError):
        check(journal)


# ---- tensors without values


@pytest.mark.parametrize("network", [NETWORKS["relu"], NETWORKS["stack"]], ids=["relu", "stack"])
@pytest.mark.parametrize("function", [glu.gram, gram, gram_diagonal, partial(sampling.empirical_ntk, width=4, seed=0)])
def test_a_tensor_without_values_is_a_sentence(function: Callable[..., Any], network: Any) -> None:
    nothing = torch.empty(4, 3, device="meta", dtype=torch.float64)
    with pytest.raises(glu.DomainError, match=r"^X is on torch's device meta, .*: give a tensor with values\.$"):
        function(network, nothing)


def test_nor_are_there_variances_without_values() -> None:
    nothing = torch.empty((), device="meta", dtype=torch.float64)
    with pytest.raises(glu.DomainError, match=r"^variances\['readout'\] is on torch's device meta"):
        gram("relu", X, parametrization="standard", width=4, variances={"readout": nothing})
