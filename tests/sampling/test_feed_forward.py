"""Trained ensembles: against autograd, and their kernels against those of the sampler."""

# ruff: noqa: E402  (the package's sampling half can be imported only where torch is)

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

torch = pytest.importorskip("torch", reason="glutheory.sampling needs torch")

from glutheory import DomainError, UnknownNameError, network, sampling
from glutheory.sampling.training import Ensemble, matched_width, train

#: The gates by hand, independently of the SymPy definitions.
GATES: dict[str, Callable[[Any], Any]] = {
    "relu": torch.relu,
    "gelu": torch.nn.functional.gelu,
    "silu": torch.nn.functional.silu,
    "tanh": torch.tanh,
    "reglu": torch.relu,
    "geglu": torch.nn.functional.gelu,
    "swiglu": torch.nn.functional.silu,
    "glu": torch.sigmoid,
    "bilinear": lambda z: z,
}


@pytest.fixture(autouse=True)
def _one_thread() -> Iterator[None]:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


class Plain:
    """One network of an ensemble as anyone would write it."""

    def __init__(self, ensemble: Ensemble, index: int, gate: Callable[[Any], Any]) -> None:
        tensors = (*ensemble.weights, *ensemble.biases, ensemble.readout, ensemble.offset)
        self.parameters = [tensor[index].clone().requires_grad_() for tensor in tensors]
        self.gate, self.k = gate, len(ensemble.weights)

    def __call__(self, x: Any) -> Any:
        k = self.k
        W, b, (v, c) = self.parameters[:k], self.parameters[k : 2 * k], self.parameters[2 * k :]
        branches = [x @ weight + bias[0] for weight, bias in zip(W, b, strict=True)]
        hidden = self.gate(branches[-1])
        if self.k == 2:
            hidden = branches[0] * hidden
        return hidden @ v[0] + c[0, 0]


def small(name: str, draws: tuple[int, ...] = (0, 3), dtype: Any = torch.float64) -> Ensemble:
    return Ensemble(name, inputs=5, width=6, seed=11, draws=draws, dtype=dtype)


def task(n: int = 10, d: int = 5) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    X = rng.standard_normal((n, d))
    return X, X[:, 0] + 0.3 * rng.standard_normal(n)


@pytest.mark.parametrize("name", GATES)
def test_training_is_that_of_autograd(name: str) -> None:
    """Three epochs of batches of 4, 4 and 2, the mean squared error differentiated by torch."""
    X, Y = task()
    mine = small(name)
    theirs = [Plain(mine, index, GATES[name]) for index in range(2)]
    inputs, targets = torch.from_numpy(X), torch.from_numpy(Y)
    for epoch in train(mine, X, Y, rate=0.05, epochs=3, seed=7, batch=4):
        if epoch:
            order = np.random.default_rng([7, epoch]).permutation(10)
            for batch in np.split(order, [4, 8]):
                for net in theirs:
                    loss = torch.nn.functional.mse_loss(net(inputs[batch]), targets[batch])
                    for parameter, gradient in zip(
                        net.parameters, torch.autograd.grad(loss, net.parameters), strict=True
                    ):
                        parameter.data -= 0.05 * gradient
        expected = torch.stack([net(inputs) for net in theirs]).detach()
        assert torch.allclose(mine.outputs(X), expected, rtol=0, atol=1e-13), (name, epoch)


@pytest.mark.parametrize("name", GATES)
def test_the_ntk_is_that_of_autograd_also_after_training(name: str) -> None:
    X, Y = task(4)
    mine = small(name)
    for _ in train(mine, X, Y, rate=0.1, epochs=2, seed=0):
        for index, kernel in enumerate(mine.ntk(X)):
            net = Plain(mine, index, GATES[name])
            rows = [torch.autograd.grad(net(torch.from_numpy(x)), net.parameters) for x in X]
            jacobian = torch.stack([torch.cat([part.reshape(-1) for part in row]) for row in rows])
            assert torch.allclose(kernel, jacobian @ jacobian.T, rtol=1e-12, atol=1e-12)
            assert mine.parameters == jacobian.shape[1]


@pytest.mark.parametrize("name", ["relu", "swiglu", "softplus"])
def test_at_the_start_it_is_the_sampled_network_with_biases(name: str) -> None:
    X, _ = task(4)
    kernel = small(name).ntk(X)[1]
    blocks = sampling.empirical_ntk(
        name, X, width=6, seed=11, draw=3, dtype=torch.float64, parametrization="standard", blocks=True
    )
    inner = torch.from_numpy(X @ X.T)
    expected = sum(block if part == "readout" else block * (1 + 1 / inner) for part, block in blocks.items()) + 1
    assert torch.allclose(kernel, expected, rtol=1e-12, atol=1e-12)


def test_networks_side_by_side_do_not_touch_each_other() -> None:
    """Each with its own data; alone and together the same, also in parts of the data set."""
    rng = np.random.default_rng(1)
    X, Y = rng.standard_normal((2, 10, 5)), rng.standard_normal((2, 10))
    both, alone = small("geglu"), small("geglu", (3,))
    for _ in train(both, X, Y, rate=0.1, epochs=2, seed=3, batch=4):
        pass
    for _ in train(alone, X[1:], Y[1:], rate=0.1, epochs=2, seed=3, batch=4):
        pass
    assert torch.allclose(both.outputs(X)[1], alone.outputs(X[1])[0], rtol=0, atol=1e-13)
    many = rng.standard_normal((20_000, 5))
    parts = torch.cat([alone.outputs(part) for part in np.split(many, 7 * [0] + [300, 10_000])[7:]], dim=1)
    assert torch.allclose(alone.outputs(many), parts, rtol=0, atol=1e-13)


def test_a_step_returns_the_residuals_before_it() -> None:
    X, Y = task()
    mine = small("relu")
    inputs, targets = mine.inputs(X), torch.from_numpy(Y).expand(2, -1)
    before = mine.outputs(X) - targets
    assert torch.equal(mine.step(inputs, targets, 0.1), before)
    assert not torch.equal(mine.outputs(X) - targets, before)


def test_every_network_may_have_its_own_rate() -> None:
    X, Y = task()
    mine, apart = small("geglu", (0, 3)), [small("geglu", (draw,)) for draw in (0, 3)]
    inputs, targets, rates = mine.inputs(X), torch.from_numpy(Y).expand(2, -1), (0.1, 0.02)
    mine.step(inputs, targets, torch.tensor(rates, dtype=inputs.dtype)[:, None, None])
    for net, rate in zip(apart, rates, strict=True):
        net.step(inputs[:1], targets[:1], rate)
    alone = torch.cat([net.outputs(X) for net in apart])
    assert torch.allclose(mine.outputs(X), alone, rtol=0, atol=1e-13)


def test_single_precision_trains_the_same_networks() -> None:
    X, Y = task()
    ends = []
    for dtype in (torch.float32, torch.float64):
        net = small("silu", dtype=dtype)
        assert list(train(net, X.astype(np.float32), Y, rate=0.05, epochs=3, seed=0)) == [0, 1, 2, 3]
        ends.append(net.outputs(X).double())
    assert torch.allclose(*ends, rtol=0, atol=1e-5)


def test_the_initialisation_is_lecuns() -> None:
    net = Ensemble("swiglu", inputs=50, width=400, seed=0, draws=range(4))
    for weight in net.weights:
        assert float(weight.var()) == pytest.approx(1 / 50, rel=0.02)
    assert float(net.readout.var()) == pytest.approx(1 / 400, rel=0.1)
    assert all(float(tensor.abs().max()) == 0 for tensor in (*net.biases, net.offset))


@given(st.integers(1, 3000), st.integers(1, 300), st.integers(1, 20))
def test_matched_widths_match_the_number_of_weights(width: int, inputs: int, outputs: int) -> None:
    assert matched_width("relu", width, inputs, outputs) == width
    if width < 2:
        return
    gated = matched_width("swiglu", width, inputs, outputs)
    weights, budget = gated * (2 * inputs + outputs), width * (inputs + outputs)
    assert weights <= budget < weights + 2 * inputs + outputs


def test_the_width_of_the_released_code() -> None:
    assert matched_width("reglu", 1000, 75) == int(1000 * 76 / 151) == 503


def _train(**changes: Any) -> None:
    X, Y = task()
    arguments: dict[str, Any] = {"X": X, "Y": Y, "rate": 0.1, "epochs": 1, "seed": 0} | changes
    list(train(small("relu"), **arguments))


WRONG: dict[str, tuple[Callable[[], object], str]] = {
    "no networks": (lambda: small("relu", ()), "draws is empty"),
    "negative draw": (lambda: small("relu", (-1,)), "draws is -1"),
    "no inputs": (lambda: Ensemble("relu", inputs=0, width=3, seed=0), "inputs is 0"),
    "no width": (lambda: Ensemble("relu", inputs=2, width=0, seed=0), "width is 0"),
    "seed": (lambda: Ensemble("relu", inputs=2, width=2, seed=-1), "seed is -1"),
    "dtype": (lambda: small("relu", dtype=torch.float16), "dtype is"),
    "jump": (lambda: small("step"), "jumps"),
    "other dimension": (lambda: small("relu").outputs(np.ones((3, 4))), r"X has the shape \(3, 4\): give \(n, 5\)"),
    "one row": (lambda: small("relu").outputs(np.ones(5)), "X has the shape"),
    "other count": (lambda: small("relu").outputs(np.ones((3, 4, 5))), "X has the shape"),
    "not finite": (lambda: small("relu").outputs(np.full((3, 5), np.nan)), "not finite"),
    "targets": (lambda: _train(Y=np.ones(3)), r"Y has the shape \(3,\)"),
    "rate": (lambda: _train(rate=0.0), "rate is 0.0"),
    "epochs": (lambda: _train(epochs=-1), "epochs is -1"),
    "batch": (lambda: _train(batch=0), "batch is 0"),
    "too narrow": (lambda: matched_width("swiglu", 1, 10), "width is 1"),
    "width of nothing": (lambda: matched_width("swiglu", 0, 10), "width is 0"),
}


@pytest.mark.parametrize("name", WRONG)
def test_bad_input(name: str) -> None:
    act, words = WRONG[name]
    with pytest.raises(DomainError, match=words):
        act()


def test_unknown_network() -> None:
    with pytest.raises(UnknownNameError):
        Ensemble("rellu", inputs=2, width=2, seed=0)
    assert small(network("relu")).network.name == "relu"  # type: ignore[arg-type]
