"""The sampled NTK: its blocks are those of the Jacobian, and chunks, threads, seeds and devices change nothing."""

# ruff: noqa: E402  (the package's sampling half can be imported only where torch is)

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import scipy.stats

torch = pytest.importorskip("torch", reason="glutheory.sampling needs torch")

from glutheory import Network, network, product, sampling
from glutheory.sampling.inputs import check_factors
from glutheory.sampling.weights import Neurons
from tests.sampling.rows import points
from tests.zoo import JUMPS, ROWS


@pytest.mark.parametrize("name", ROWS)
def test_the_references_for_autograd_are_those_of_the_table(name: str) -> None:
    z = torch.tensor([-3.0, -0.5, 0.0, 0.25, 2.0], dtype=torch.float64)
    expected = torch.tensor([ROWS[name].phi(value) for value in z.tolist()], dtype=torch.float64)
    torch.testing.assert_close(ROWS[name].torch(torch, z), expected, rtol=1e-14, atol=1e-15)


def by_autograd(
    net: Network, X: np.ndarray, width: int, seed: int, parametrization: str, variances: dict[str, float] | None = None
) -> dict[str, Any]:
    """The blocks of the NTK from the Jacobian of the forward pass, parameter by parameter (the naive way)."""
    n, d = X.shape
    inputs = torch.from_numpy(X)
    factors = check_factors(net, d, width, parametrization, variances)
    neurons = Neurons(seed, 0, len(net.branches) * d + 1, like=inputs).take(width)
    v, W = neurons[:, -1], [neurons[:, i * d : (i + 1) * d] for i in range(len(net.branches))]
    if parametrization == "standard":
        v, W = v * factors.nngp**0.5, [w * scale for w, scale in zip(W, factors.inputs, strict=True)]

    def output(parameters: dict[str, Any], x: Any) -> Any:
        hidden = torch.ones(width, dtype=x.dtype)
        for role, branch in zip(net.roles, net.branches, strict=True):
            z = parameters[role] @ x
            hidden = hidden * ROWS[branch.name].torch(torch, z / d**0.5 if parametrization == "ntk" else z)
        result = parameters["readout"] @ hidden
        return result / width**0.5 if parametrization == "ntk" else result

    parameters = {"readout": v, **dict(zip(net.roles, W, strict=True))}
    jacobian = torch.func.vmap(torch.func.grad(output), in_dims=(None, 0))(parameters, inputs)
    flat = {name: part.reshape(n, -1) for name, part in jacobian.items()}
    return {name: part @ part.T for name, part in flat.items()}


NETWORKS = (
    *(network(name) for name in ROWS if name not in JUMPS),
    *(network(name) for name in ("bilinear", "glu", "reglu", "geglu", "swiglu", "gtu")),
    product("identity", "tanh", "relu"),
    product("gelu", "silu", "sin"),
    product("identity", "identity", "identity"),
)


@pytest.mark.parametrize("parametrization", ["ntk", "standard"])
@pytest.mark.parametrize("net", NETWORKS, ids=lambda net: net.name)
def test_the_blocks_are_those_of_the_jacobian(net: Network, parametrization: str) -> None:
    X = points(6, 5)
    expected = by_autograd(net, X, 37, 3, parametrization)
    options: dict[str, Any] = {"width": 37, "seed": 3, "dtype": torch.float64, "parametrization": parametrization}
    blocks = sampling.empirical_ntk(net, X, blocks=True, **options)
    assert tuple(blocks) == ("readout", *net.roles)
    for name, block in blocks.items():
        scale = float(expected[name].abs().max())
        assert torch.allclose(block, expected[name], rtol=0, atol=2e-14 * scale), name
    total = sampling.empirical_ntk(net, X, **options)
    assert torch.allclose(total, sum(expected.values()), rtol=0, atol=2e-14 * float(total.abs().max()))
    assert torch.equal(total, total.T)
    eigenvalues = torch.linalg.eigvalsh(total)
    assert eigenvalues[0] >= -1e-14 * eigenvalues[-1]


def test_variances_are_those_of_the_weights() -> None:
    variances = {"readout": 0.3, "value": 2.0, "gate": 0.7}
    expected = by_autograd(network("swiglu"), points(5, 3), 20, 1, "standard", variances)
    blocks = sampling.empirical_ntk(
        "swiglu", points(5, 3), width=20, seed=1, dtype=torch.float64, parametrization="standard", variances=variances,
        blocks=True,
    )  # fmt: skip
    for name, block in blocks.items():
        assert torch.allclose(block, expected[name], rtol=1e-12, atol=0), name


def test_the_nngp_is_the_readout_block_times_its_variance() -> None:
    X = points(5, 3)
    for parametrization, factor in (("ntk", 1.0), ("standard", 1 / 50)):
        options: dict[str, Any] = {"width": 50, "seed": 2, "dtype": torch.float64, "parametrization": parametrization}
        nngp = sampling.empirical_ntk("geglu", X, kind="nngp", **options)
        readout = sampling.empirical_ntk("geglu", X, blocks=True, **options)["readout"]
        assert torch.allclose(nngp, factor * readout, rtol=1e-14, atol=0)


@pytest.mark.parametrize("n", [1, 127, 300, 700])
def test_chunks_and_tiles_change_nothing_but_rounding(n: int) -> None:
    X = points(n, 7)
    whole, *others = (
        sampling.empirical_ntk("swiglu", X, width=1000, seed=5, dtype=torch.float64, workspace=workspace)
        for workspace in (2**30, 2**20, 1)
    )
    for other in others:
        assert torch.allclose(whole, other, rtol=0, atol=1e-14 * float(whole.abs().max()))


def test_threads_change_nothing_but_rounding() -> None:
    threads = torch.get_num_threads()
    kernels = []
    try:
        for count in (1, 2):
            torch.set_num_threads(count)
            kernels.append(sampling.empirical_ntk("geglu", points(200, 9), width=3000, seed=5, dtype=torch.float64))
    finally:
        torch.set_num_threads(threads)
    assert torch.allclose(kernels[0], kernels[1], rtol=0, atol=1e-14 * float(kernels[0].abs().max()))


def test_a_seed_and_a_draw_determine_the_network() -> None:
    X = points(4, 3)
    one, same, other_draw, other_seed = (
        sampling.empirical_ntk("relu", X, width=64, seed=seed, draw=draw)
        for seed, draw in ((1, 0), (1, 0), (1, 1), (2, 0))
    )
    assert torch.equal(one, same)
    assert not torch.allclose(one, other_draw)
    assert not torch.allclose(one, other_seed)


def test_both_dtypes_sample_the_same_network() -> None:
    X = points(40, 16)
    single, double = (
        sampling.empirical_ntk("swiglu", X, width=512, seed=4, dtype=dtype) for dtype in (torch.float32, torch.float64)
    )
    assert single.dtype == torch.float32
    assert torch.allclose(single.double(), double, rtol=0, atol=2e-6 * float(double.abs().max()))


def test_arrays_of_every_kind_are_accepted() -> None:
    X = np.arange(12).reshape(4, 3) % 5
    expected = sampling.empirical_ntk("relu", X.astype(float), width=8, seed=0)
    reversed_twice = np.array(X[::-1, ::-1])[::-1, ::-1]
    tensors = (torch.from_numpy(X), torch.tensor(X * 1.0, requires_grad=True))
    for given in (X, X.tolist(), X.astype(">f4"), reversed_twice, *tensors):
        kernel = sampling.empirical_ntk("relu", given, width=8, seed=0)
        assert torch.equal(kernel, expected)
        assert not kernel.requires_grad


@pytest.mark.cuda
@pytest.mark.parametrize("name", ["gelu", "swiglu", "leaky_relu", "softplus", "monomial3", "identity"])
def test_a_gpu_samples_the_same_network(name: str) -> None:
    X = points(300, 16)
    options: dict[str, Any] = {"width": 2000, "seed": 6, "dtype": torch.float64}
    here = sampling.empirical_ntk(name, X, **options)
    there = sampling.empirical_ntk(name, X, device="cuda", **options)
    assert there.device.type == "cuda"
    assert torch.allclose(here, there.cpu(), rtol=0, atol=1e-12 * float(here.abs().max()))
    mean = sampling.monte_carlo(name, X[:5], width=100, draws=10, seed=0, device="cuda").mean
    assert np.allclose(mean, sampling.monte_carlo(name, X[:5], width=100, draws=10, seed=0).mean, rtol=1e-11)


# ---- weights


def test_the_weights_are_standard_normal() -> None:
    """Moments of 4e6 numbers within 5 standard errors: a false alarm has probability 6e-7 each (the seed is fixed)."""
    numbers = Neurons(0, 0, 401, like=torch.empty(0, dtype=torch.float64)).take(10_000).numpy()
    assert numbers.shape == (10_000, 401)
    count = numbers.size
    for power, moment, variance in ((1, 0, 1), (2, 1, 2), (3, 0, 15), (4, 3, 96)):
        assert abs((numbers**power).mean() - moment) < 5 * (variance / count) ** 0.5, power
    assert scipy.stats.kstest(numbers[:500].ravel(), "norm").pvalue > 1e-6
    assert abs((numbers[:, :200] * numbers[:, 201:401]).mean()) < 5 / (count / 2) ** 0.5
    assert abs((numbers[1:] * numbers[:-1]).mean()) < 5 / count**0.5


def test_the_stream_of_neurons_has_no_seams() -> None:
    like = torch.empty(0)
    for row in (1, 4, 7):
        whole = Neurons(9, 2, row, like).take(100)
        stream = Neurons(9, 2, row, like)
        assert torch.equal(whole, torch.cat([stream.take(count) for count in (1, 30, 69)]))
