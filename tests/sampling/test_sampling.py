"""The sampled kernels: against torch.func, against exact formulas in the mean, and against themselves."""

# ruff: noqa: E402  (the package's sampling half can be imported only where torch is)

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from math import erf as scalar_erf
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import scipy.stats
import sympy as sp

torch = pytest.importorskip("torch", reason="glutheory.sampling needs torch")

from glutheory import Activation, DomainError, ExpressionError, Network, UnknownNameError, network, product, sampling
from glutheory.activations import Z, activation_names
from glutheory.ground import store as checkpoints
from glutheory.sampling import estimate
from glutheory.sampling.features import features
from glutheory.sampling.inputs import check_scales
from glutheory.sampling.sampler import Sampler
from glutheory.sampling.weights import Neurons
from tests.strategies import named
from tests.zoo import JUMPS, ROWS


@pytest.fixture(autouse=True)
def _one_thread() -> Iterator[None]:
    """One thread: these arrays are small, and where other work keeps the cores busy, threads wait for each other."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.mark.parametrize("name", ROWS)
def test_the_references_for_autograd_are_those_of_the_table(name: str) -> None:
    z = torch.tensor([-3.0, -0.5, 0.0, 0.25, 2.0], dtype=torch.float64)
    expected = torch.tensor([ROWS[name].phi(value) for value in z.tolist()], dtype=torch.float64)
    torch.testing.assert_close(ROWS[name].torch(torch, z), expected, rtol=1e-14, atol=1e-15)


def points(n: int, d: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal((n, d))


def by_autograd(
    net: Network, X: np.ndarray, width: int, seed: int, parametrization: str, variances: dict[str, float] | None = None
) -> dict[str, Any]:
    """The blocks of the NTK from the Jacobian of the forward pass, parameter by parameter (the naive way)."""
    n, d = X.shape
    inputs = torch.from_numpy(X)
    scales = check_scales(net, d, width, parametrization, variances)
    neurons = Neurons(seed, 0, len(net.branches) * d + 1, like=inputs).take(width)
    v, W = neurons[:, -1], [neurons[:, i * d : (i + 1) * d] for i in range(len(net.branches))]
    if parametrization == "standard":
        v, W = v * scales.nngp**0.5, [w * scale for w, scale in zip(W, scales.inputs, strict=True)]

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
    *(network(name) for name in activation_names() if name not in JUMPS),
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


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device at hand")
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


# ---- activations

Function = Callable[[float], float]


def run(expr: sp.Expr, values: list[float], dtype: Any) -> tuple[Any, Any]:
    """φ and φ' of an expression as the sampler computes them, shape of `values`."""
    compiled = features(Network("test", (Activation("test", expr),)), "ntk")
    z = torch.tensor([values], dtype=dtype)
    buffers = [z, *(torch.empty_like(z) for _ in range(compiled.program.buffers - 1))]
    phi, slope = compiled.program.run(buffers, torch.ones(len(values), dtype=dtype))
    return phi[0], slope[0]


@pytest.mark.parametrize(
    ("expr", "phi", "slope"),
    [
        (1 / (1 + sp.exp(-Z)), lambda z: 1 if z > 0 else 0, lambda _: 0),
        (sp.exp(Z) / (1 + sp.exp(Z)), lambda z: 1 if z > 0 else 0, lambda _: 0),
        (Z / (1 + sp.exp(-Z)), lambda z: max(z, 0), lambda z: 1 if z > 0 else 0),
        (Z / (3 + 2 * sp.exp(-Z)), lambda z: max(z, 0) / 3, lambda z: 1 / 3 if z > 0 else 0),
        (sp.log(1 + sp.exp(Z)), lambda z: max(z, 0), lambda z: 1 if z > 0 else 0),
        (sp.log(sp.exp(Z) + sp.exp(-Z)), abs, lambda z: 1 if z > 0 else -1),
        ((sp.exp(Z) - sp.exp(-Z)) / (sp.exp(Z) + sp.exp(-Z)), lambda z: 1 if z > 0 else -1, lambda _: 0),
        ((sp.exp(Z) - 1) / (sp.exp(Z) + 1), lambda z: 1 if z > 0 else -1, lambda _: 0),
        (sp.exp(2 * Z) / (1 + sp.exp(Z)) ** 2, lambda z: 1 if z > 0 else 0, lambda _: 0),
        (sp.sinh(Z) / sp.cosh(Z), lambda z: 1 if z > 0 else -1, lambda _: 0),
        (Z * sp.sinh(Z) / sp.cosh(Z) ** 2, lambda _: 0, lambda _: 0),
        (Z * sp.tanh(sp.log(1 + sp.exp(Z))), lambda z: max(z, 0), lambda z: 1 if z > 0 else 0),
        (Z * (1 + sp.erf(Z / sp.sqrt(2))) / 2, lambda z: max(z, 0), lambda z: 1 if z > 0 else 0),
    ],
    ids=named,
)
def test_nothing_overflows_in_float32(expr: sp.Expr, phi: Function, slope: Function) -> None:
    far = [-1000.0, -100.0, 100.0, 1000.0]
    values, slopes = run(expr, far, torch.float32)
    assert torch.allclose(values, torch.tensor([float(phi(z)) for z in far]), rtol=1e-6, atol=1e-6)
    assert torch.allclose(slopes, torch.tensor([float(slope(z)) for z in far]), rtol=1e-6, atol=1e-6)
    near = [-3.25, -0.5, 0.0, 0.75, 3.5, 21.0]
    values, slopes = run(expr, near, torch.float64)
    for value, derivative, z in zip(values.tolist(), slopes.tolist(), near, strict=True):
        exact, exact_slope = (float(e.subs(Z, sp.Rational(z)).evalf(30)) for e in (expr, sp.diff(expr, Z)))
        assert value == pytest.approx(exact, rel=1e-13, abs=1e-14)
        assert derivative == pytest.approx(exact_slope, rel=1e-12, abs=1e-14)


@pytest.mark.parametrize(
    ("expr", "phi", "slope"),
    [
        (Z * sp.Heaviside(Z), lambda z: max(z, 0), lambda z: float(z > 0)),
        (sp.Max(Z, -Z, 1), lambda z: max(z, -z, 1), lambda z: np.sign(z) * (abs(z) > 1)),
        (sp.Min(2, sp.Max(-1, Z)), lambda z: min(2, max(-1, z)), lambda z: float(-1 < z < 2)),
        (sp.Max(0, Z**2 - 1), lambda z: max(0, z * z - 1), lambda z: 2 * z * (abs(z) > 1)),
        (Z**5 - Z**7, lambda z: z**5 - z**7, lambda z: 5 * z**4 - 7 * z**6),
        (1 / (1 + Z**2), lambda z: 1 / (1 + z * z), lambda z: -2 * z / (1 + z * z) ** 2),
        (sp.sqrt(1 + Z**2), lambda z: (1 + z * z) ** 0.5, lambda z: z / (1 + z * z) ** 0.5),
        (sp.atan(Z) + 3, lambda z: np.arctan(z) + 3, lambda z: 1 / (1 + z * z)),
        (sp.erfc(Z), lambda z: 1 - scalar_erf(z), lambda z: -2 / np.pi**0.5 * np.exp(-z * z)),
        (2 - 3 * Z, lambda z: 2 - 3 * z, lambda _: -3.0),
    ],
    ids=named,
)
def test_kinks_powers_and_others(expr: sp.Expr, phi: Function, slope: Function) -> None:
    where = [-2.5, -1.25, -0.5, 0.25, 1.5, 2.75]
    values, slopes = run(expr, where, torch.float64)
    assert values.tolist() == pytest.approx([phi(z) for z in where], rel=1e-13, abs=1e-15)
    assert slopes.tolist() == pytest.approx([slope(z) for z in where], rel=1e-13, abs=1e-15)


def test_a_step_has_the_value_one_half_at_zero() -> None:
    compiled = features(network("step"), "nngp")
    z = torch.tensor([[-2.0, 0.0, 3.0]])
    buffers = [z, *(torch.empty_like(z) for _ in range(compiled.program.buffers - 1))]
    (phi,) = compiled.program.run(buffers, torch.ones(3))
    assert phi.tolist() == [[0.0, 0.5, 1.0]]


# ---- means

# Four points of R^4 with different norms and angles; 10 different entries.
FOUR = np.array([[1.0, 0.5, -0.3, 2.0], [0.2, -1.0, 0.4, 1.0], [-1.5, 0.1, 0.1, 0.6], [0.9, 0.6, -0.2, 1.9]])
ALARM = 1e-6  #: probability that a right kernel is rejected, in all entries together
DRAWS, WIDTH = 400, 2**15


def arc_cosine(variance: float) -> tuple[np.ndarray, np.ndarray]:
    """S and T of ReLU (Cho & Saul 2009) at `FOUR`, weights of this variance."""
    norms = np.sqrt(variance) * np.linalg.norm(FOUR, axis=1)
    cosine = np.clip(variance * FOUR @ FOUR.T / np.outer(norms, norms), -1, 1)
    angle = np.arccos(cosine)
    T = (np.pi - angle) / (2 * np.pi)
    return np.outer(norms, norms) * (np.sin(angle) / (2 * np.pi) + cosine * T), T


def largest_z(estimate: sampling.Estimate, kernel: np.ndarray) -> float:
    return float(np.max(np.abs(estimate.mean - kernel) / estimate.standard_error))


#: Each entry's mean over draws is normal to a good approximation (each draw averages 2^15 neurons), so that z has
#: Student's distribution; ALARM is divided among the 10 entries.
LIMIT = float(scipy.stats.t.isf(ALARM / 2 / 10, DRAWS - 1))

CBAR = FOUR @ FOUR.T / 4
S, T = arc_cosine(1 / 4)
EXACT: dict[str, tuple[str, str, np.ndarray]] = {
    "relu": ("relu", "ntk", S + CBAR * T),
    "relu nngp": ("relu", "nngp", S),
    "reglu": ("reglu", "ntk", 2 * CBAR * S + CBAR**2 * T),
    "reglu nngp": ("reglu", "nngp", CBAR * S),
    "bilinear": ("bilinear", "ntk", 3 * CBAR**2),
    "step nngp": ("step", "nngp", T),
}


@pytest.mark.parametrize("case", EXACT)
def test_the_mean_is_the_exact_kernel_and_one_percent_more_is_not(case: str) -> None:
    name, kind, kernel = EXACT[case]
    found = sampling.monte_carlo(name, FOUR, kind=kind, width=WIDTH, draws=DRAWS, seed=20)
    assert found.draws == DRAWS
    assert largest_z(found, kernel) < LIMIT
    assert largest_z(found, 1.01 * kernel) > LIMIT
    # the power: 1 % of some entry is so many standard errors that it is missed with a probability below 1e-3
    assert np.max(0.01 * np.abs(kernel) / found.standard_error) > LIMIT + 3.1


def test_the_mean_with_given_variances() -> None:
    p, w, v, m = 0.5, 2.0, 0.25, WIDTH
    G = FOUR @ FOUR.T
    S, T = arc_cosine(w)
    found = sampling.monte_carlo(
        "reglu", FOUR, width=m, draws=DRAWS, seed=21, parametrization="standard",
        variances={"value": p, "gate": w, "readout": v},
    )  # fmt: skip
    assert largest_z(found, m * ((p + v) * G * S + v * p * G**2 * T)) < LIMIT
    assert largest_z(found, m * (v * G * S + v * p * G**2 * T)) > LIMIT  # the readout block left out


def test_mean_and_error_are_those_of_the_draws() -> None:
    X = points(3, 2)
    found = sampling.monte_carlo("swiglu", X, width=30, draws=12, seed=7)
    options: dict[str, Any] = {"width": 30, "seed": 7, "dtype": torch.float64}
    kernels = np.stack([sampling.empirical_ntk("swiglu", X, draw=i, **options) for i in range(12)])
    assert np.allclose(found.mean, kernels.mean(0), rtol=1e-14)
    assert np.allclose(found.standard_error, kernels.std(0, ddof=1) / 12**0.5, rtol=1e-12)
    assert found.mean.dtype == found.standard_error.dtype == np.float64
    assert np.all(sampling.monte_carlo("relu", X, width=3, draws=1, seed=0).standard_error == np.inf)


def test_the_mean_is_independent_of_the_chunk() -> None:
    one, two = (
        sampling.monte_carlo("geglu", points(5, 3), width=500, draws=9, seed=1, workspace=workspace).mean
        for workspace in (2**28, 1)
    )
    assert np.allclose(one, two, rtol=0, atol=1e-14 * np.abs(one).max())


def test_a_progress_bar_is_shown_on_request_only(capsys: pytest.CaptureFixture[str]) -> None:
    sampling.monte_carlo("relu", points(2, 2), width=4, draws=3, seed=0)
    assert capsys.readouterr() == ("", "")
    sampling.monte_carlo("relu", points(2, 2), width=4, draws=3, seed=0, progress=True)
    shown = capsys.readouterr()
    assert shown.out == ""
    assert "3/3" in shown.err


# ---- checkpoints

RUN: dict[str, Any] = {"width": 40, "draws": 11, "seed": 3}


def same(one: sampling.Estimate, other: sampling.Estimate) -> bool:
    return (
        one.draws == other.draws
        and np.array_equal(one.mean, other.mean)
        and np.array_equal(one.standard_error, other.standard_error)
    )


@pytest.mark.parametrize("stop", [0, 1, 6])
def test_an_interrupted_run_goes_on_exactly(stop: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    X, file = points(4, 3), tmp_path / "run.npz"
    whole = sampling.monte_carlo("swiglu", X, **RUN)
    draw = Sampler.total

    def interrupted(self: Sampler, seed: int, index: int) -> Any:
        if index == stop:
            raise KeyboardInterrupt
        return draw(self, seed, index)

    with monkeypatch.context() as patch:
        patch.setattr(Sampler, "total", interrupted)
        with pytest.raises(KeyboardInterrupt):
            sampling.monte_carlo("swiglu", X, checkpoint=file, **RUN)
    if stop == 0:
        assert not file.exists()
    else:
        with np.load(file) as saved:
            assert int(saved["count"]) == stop
    assert same(sampling.monte_carlo("swiglu", X, checkpoint=file, **RUN), whole)
    # now it is complete: nothing is drawn any more
    with monkeypatch.context() as patch:
        patch.setattr(Sampler, "total", None)
        assert same(sampling.monte_carlo("swiglu", X, checkpoint=file, **RUN), whole)
    more = {**RUN, "draws": 15}
    assert same(sampling.monte_carlo("swiglu", X, checkpoint=file, **more), sampling.monte_carlo("swiglu", X, **more))
    assert [path.name for path in tmp_path.iterdir()] == ["run.npz"]


def test_a_killed_run_goes_on_from_its_last_checkpoint(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each file that was there at some time is one to go on from."""
    X, file = points(4, 3), tmp_path / "run.npz"
    save = checkpoints.save
    copies: list[Path] = []

    def copying(path: Path, *arguments: Any) -> None:
        save(path, *arguments)
        copies.append(Path(shutil.copy(path, tmp_path / f"copy{len(copies)}.npz")))

    with monkeypatch.context() as patch:
        patch.setattr(estimate, "INTERVAL", 0.0)
        patch.setattr(checkpoints, "save", copying)
        whole = sampling.monte_carlo("relu", X, checkpoint=file, **RUN)
    assert len(copies) == RUN["draws"]
    for copy in copies[::4]:
        assert same(sampling.monte_carlo("relu", X, checkpoint=copy, **RUN), whole)


def test_a_failing_write_leaves_the_old_checkpoint(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    X, file = points(4, 3), tmp_path / "run.npz"
    sampling.monte_carlo("relu", X, checkpoint=file, **RUN)
    before = file.read_bytes()

    def full(file: Any, **arrays: Any) -> None:  # noqa: ARG001
        file.write(b"part")
        raise OSError("no space left on device")

    monkeypatch.setattr(np, "savez", full)
    with pytest.raises(OSError, match="no space"):
        sampling.monte_carlo("relu", X, checkpoint=file, **{**RUN, "draws": 12})
    assert file.read_bytes() == before
    assert len(list(tmp_path.iterdir())) == 1


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"seed": 4}, "seed"),
        ({"width": 41}, "width"),
        ({"kind": "nngp"}, "kind"),
        ({"parametrization": "standard"}, "parametrization"),
        ({"dtype": torch.float32}, "dtype"),
        ({"network": "abs"}, "network"),
        ({"X": points(4, 3, seed=1)}, "X"),
    ],
    ids=named,
)
def test_a_checkpoint_of_other_settings_is_refused(change: dict[str, Any], named: str, tmp_path: Path) -> None:
    base = {"network": "relu", "X": points(4, 3), **RUN, "checkpoint": tmp_path / "run.npz"}
    sampling.monte_carlo(**base)
    with pytest.raises(DomainError, match=rf"was written with another .*\b{named}\b.*: delete it"):
        sampling.monte_carlo(**{**base, **change})


def test_other_bad_checkpoints_are_refused(tmp_path: Path) -> None:
    X, file = points(2, 2), tmp_path / "run.npz"
    sampling.monte_carlo("relu", X, checkpoint=file, **RUN)
    with pytest.raises(DomainError, match=r"draws is 5, but checkpoint .* holds 11: give at least as many"):
        sampling.monte_carlo("relu", X, checkpoint=file, **{**RUN, "draws": 5})
    file.write_bytes(file.read_bytes()[:100])
    with pytest.raises(DomainError, match="is not readable as one: delete it or give another"):
        sampling.monte_carlo("relu", X, checkpoint=file, **RUN)
    for path in (tmp_path, tmp_path / "none" / "run.npz"):
        with pytest.raises(DomainError, match="no file in an existing folder"):
            sampling.monte_carlo("relu", X, checkpoint=path, **RUN)


# ---- errors

STANDARD = {"parametrization": "standard"}
BAD = np.array([[1.0, 2.0], [3.0, np.inf], [np.nan, 0.0]])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"X": BAD}, r"X has the value inf in row 1, not finite in torch.float32: remove or correct that row"),
        ({"X": torch.from_numpy(BAD)[2:]}, "X has the value nan in row 0"),
        ({"X": [[1e300, 0.0]]}, r"X has the value 1e\+300 in row 0, not finite in torch.float32"),
        ({"X": [[1e30, 0.0]]}, "relu is not finite in torch.float32: give dtype=torch.float64, or X with smaller"),
        ({"X": [[1e200, 0.0]], "dtype": torch.float64}, "not finite in torch.float64: give X with smaller norms"),
        ({"X": [1.0, 2.0]}, r"X has the shape \(2,\): give \(n, d\) with n, d >= 1"),
        ({"X": np.zeros((0, 3))}, r"X has the shape \(0, 3\)"),
        ({"X": np.zeros((3, 0))}, r"X has the shape \(3, 0\)"),
        ({"X": [["a"]]}, "X has the dtype <U1: give a numpy or torch array of real numbers"),
        ({"X": [[1, 2], [3]]}, "X is no rectangular array"),
        ({"X": torch.ones(2, 2, dtype=torch.complex64)}, "X has the dtype torch.complex64"),
        ({"width": 0}, "width is 0: give an integer >= 1"),
        ({"width": 2.5}, "width is 2.5: give an integer >= 1"),
        ({"width": True}, "width is True: give an integer >= 1"),
        ({"seed": -1}, "seed is -1: give an integer >= 0"),
        ({"draw": "x"}, "draw is 'x': give an integer >= 0"),
        ({"workspace": 0}, "workspace is 0: give an integer >= 1"),
        ({"device": "abacus"}, "device is 'abacus', which torch cannot use here"),
        ({"device": "meta"}, "device is 'meta', which torch cannot use here"),
        ({"dtype": torch.float16}, "dtype is torch.float16: give torch.float32 or torch.float64"),
        ({"kind": "NTK"}, "kind is 'NTK': give 'ntk' or 'nngp'"),
        ({"kind": "nngp", "blocks": True}, "blocks is True with kind='nngp', which has no blocks"),
        ({**STANDARD, "variances": 2.0}, "variances is 2.0: give a mapping from hidden, readout to positive numbers"),
        ({"parametrization": "mup"}, "parametrization is 'mup': give 'ntk' or 'standard'"),
        ({"variances": {"hidden": 1.0}}, "weights have variance 1 in the ntk parametrisation: leave it out"),
        ({**STANDARD, "variances": {"gate": 1}}, "the name 'gate': the weights of relu are hidden, readout"),
        ({**STANDARD, "variances": {"hidden": 0}}, r"variances\['hidden'\] is 0: give a positive finite"),
        ({**STANDARD, "variances": {"hidden": "x"}}, r"variances\['hidden'\] is 'x'"),
        ({"network": "step"}, "activation step jumps at z = 0: .* a sampled NTK cannot see; use kind='nngp'"),
        ({"network": "sign"}, "activation sign jumps at z = 0"),
        ({"network": product("identity", "step")}, "activation step jumps at z = 0"),
    ],
    ids=named,
)  # fmt: skip
def test_bad_arguments(change: dict[str, Any], message: str) -> None:
    base = {"network": "relu", "X": points(3, 2), "width": 8, "seed": 0}
    with pytest.raises(DomainError, match=message):
        sampling.empirical_ntk(**{**base, **change})


def test_bad_activations() -> None:
    slope = sp.Symbol("slope", positive=True)
    for expr, message in (
        (slope * Z, "contains the symbol slope: give it a numeric value"),
        (sp.gamma(Z), "torch has no gamma"),
        (sp.Heaviside(Z, 1), "torch has no Heaviside"),
        (2**Z, "exponent must be a number"),
    ):
        net = Network("mine", (Activation("mine", expr),))
        with pytest.raises((DomainError, ExpressionError), match=message):
            sampling.empirical_ntk(net, points(2, 2), width=3, seed=0, kind="nngp")
    with pytest.raises(UnknownNameError, match="did you mean 'swiglu'"):
        sampling.empirical_ntk("swiglue", points(2, 2), width=3, seed=0)
    with pytest.raises(DomainError, match="draws is 0: give an integer >= 1"):
        sampling.monte_carlo("relu", points(2, 2), width=3, draws=0, seed=0)


@pytest.mark.skipif(torch.cuda.is_available(), reason="this machine has a CUDA device")
def test_a_missing_gpu_is_said_so() -> None:
    with pytest.raises(DomainError, match="device is 'cuda', which torch cannot use here: give 'cpu'"):
        sampling.empirical_ntk("relu", points(2, 2), width=3, seed=0, device="cuda")
