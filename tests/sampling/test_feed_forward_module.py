"""The feed-forward module: its function, gradients and expected NTK; and how parameters are drawn."""

# ruff: noqa: E402  (the package's sampling half can be imported only where torch is)

from __future__ import annotations

import copy
import math
import pickle
from typing import Any

import numpy as np
import pytest
import sympy as sp

torch = pytest.importorskip("torch", reason="glutheory.sampling needs torch")

from torch import nn

import glutheory as glu
from glutheory.activations import Activation, Z
from glutheory.errors import DomainError, ExpressionError, UnknownNameError
from glutheory.networks import Network, gated, network, network_names, product
from glutheory.sampling.differentiable import differentiable
from glutheory.sampling.feed_forward import INITIALIZATIONS, FeedForward, initialize
from glutheory.sampling.training import Ensemble, matched_width
from tests.strategies import EXTRA, by_name
from tests.zoo import JUMPS, ZOO

NETWORKS = tuple(network(name) for name in network_names() if name not in JUMPS)
OTHERS = (
    gated(glu.activation("leaky_relu", slope="1/3")),
    gated(glu.activation("silu", beta=2)),
    product("identity", "gelu", "tanh"),
)
SMOOTH_ENOUGH = tuple(act for act in EXTRA if act.name != "relu(2z) - step(-z)")
PAIRS = (("relu", "reglu"), ("gelu", "geglu"), ("silu", "swiglu"))


def module(net: str | Network, **options: Any) -> Any:
    sizes: dict[str, Any] = {"inputs": 5, "width": 7, "outputs": 3, "seed": 0} | options
    return FeedForward(net, **sizes).double()


def points(n: int, d: int = 5, seed: int = 1) -> Any:
    return torch.from_numpy(np.random.default_rng(seed).standard_normal((n, d)))


@pytest.mark.parametrize("act", [*(act for act in ZOO if act.name not in JUMPS), *SMOOTH_ENOUGH], ids=by_name)
def test_activations_agree_with_their_expressions_and_are_differentiable_twice(act: Activation) -> None:
    z = torch.linspace(-3.1, 3.3, 23, dtype=torch.float64, requires_grad=True)
    function = differentiable(act)
    exact = [float(act.expr.subs(Z, sp.Float(value, 30))) for value in z.tolist()]
    assert torch.allclose(function(z), torch.tensor(exact, dtype=z.dtype), rtol=1e-12, atol=1e-13)
    assert torch.autograd.gradcheck(function, (z,))
    assert torch.autograd.gradgradcheck(function, (z,))


@pytest.mark.parametrize(
    "expr",
    [
        sp.sqrt(2) * Z / sp.sqrt(sp.pi),
        sp.tanh(sp.sqrt(2) * (Z + Z**3 / 10) / sp.sqrt(sp.pi)),
        Z + sp.sqrt(2) + sp.pi,
        sp.exp(1) * sp.pi * sp.Max(Z, sp.sqrt(3), sp.E),
    ],
    ids=str,
)
def test_all_numbers_of_a_sum_or_product_count(expr: sp.Expr) -> None:
    """SymPy keeps √2 and 1/√π apart; all but the first were lost."""
    z = torch.tensor([-2.0, 0.5, 3.0], dtype=torch.float64)
    exact = [float(expr.subs(Z, sp.Float(value, 30))) for value in z.tolist()]
    assert torch.allclose(differentiable(Activation("f", expr))(z), torch.tensor(exact, dtype=z.dtype), rtol=1e-14)


def test_functions_that_the_zoo_does_not_have() -> None:
    z = torch.tensor([-2.0, 0.5, 3.0], dtype=torch.float64)
    act = Activation(
        "f", sp.Min(1, Z) + sp.Max(Z, -Z, 2) + Z * sp.Heaviside(Z) + sp.sqrt(Z**2 + 1) + sp.atan(Z) * sp.pi
    )
    expected = z.clamp(max=1) + z.abs().clamp(min=2) + z.relu() + (z**2 + 1).sqrt() + z.atan() * math.pi
    assert torch.allclose(differentiable(act)(z), expected, rtol=1e-14)


@pytest.mark.parametrize(
    ("expr", "error", "match"),
    [
        (sp.zeta(Z), ExpressionError, "has SymPy's zeta, a function of which no bounds are known"),
        (Z * sp.Heaviside(Z, 0), ExpressionError, "torch has no Heaviside"),
        (sp.Symbol("c", real=True) * Z, DomainError, "contains the symbol c"),
        (sp.Heaviside(Z - 1) + Z, DomainError, "jumps at z = 1"),
    ],
    ids=str,
)
def test_activations_that_are_refused(expr: sp.Expr, error: type[Exception], match: str) -> None:
    with pytest.raises(error, match=match):
        FeedForward(product(Activation("f", expr)), inputs=2, width=2)


@pytest.mark.parametrize("net", [*NETWORKS, *OTHERS], ids=lambda net: net.name)
def test_it_is_the_product_of_its_branches(net: Network) -> None:
    model, x = module(net, initialization="torch"), points(4).reshape(2, 2, 5)
    hidden = torch.ones(2, 2, 7, dtype=torch.float64)
    for branch, act in zip(model.branches, net.branches, strict=True):
        u = x @ branch.weight.T + branch.bias
        phi = [float(act.expr.subs(Z, sp.Float(value, 30))) for value in u.flatten().tolist()]
        hidden *= torch.tensor(phi, dtype=torch.float64).reshape(u.shape)
    assert torch.allclose(model(x), hidden @ model.readout.weight.T + model.readout.bias, rtol=1e-12)


def test_it_is_an_ordinary_module() -> None:
    model = FeedForward("swiglu", inputs=4, width=6, seed=3)
    x = torch.ones(2, 4)
    for other in (copy.deepcopy(model), pickle.loads(pickle.dumps(model))):
        assert torch.equal(other(x), model(x))
    other = FeedForward("swiglu", inputs=4, width=6, seed=4)
    assert not torch.equal(other(x), model(x))
    other.load_state_dict(model.state_dict())
    assert torch.equal(other(x), model(x))
    assert model.readout.out_features == 4
    assert "swiglu" in repr(model)
    assert all(parameter.bias is None for parameter in (*module("relu", bias=False).branches,))


def test_without_a_seed_torchs_generator_decides() -> None:
    torch.manual_seed(5)
    first, second = (FeedForward("gelu", inputs=3, width=3) for _ in range(2))
    torch.manual_seed(5)
    again = FeedForward("gelu", inputs=3, width=3)
    assert torch.equal(first.readout.weight, again.readout.weight)
    assert not torch.equal(first.readout.weight, second.readout.weight)


@pytest.mark.parametrize(
    ("options", "error", "match"),
    [
        ({"inputs": 0}, DomainError, "inputs is 0"),
        ({"width": 2.5}, DomainError, "width is 2.5"),
        ({"outputs": -1}, DomainError, "outputs is -1"),
        ({"seed": -1}, DomainError, "seed is -1"),
        ({"initialization": "xaver"}, UnknownNameError, "did you mean 'xavier'"),
    ],
    ids=str,
)
def test_bad_arguments(options: dict[str, Any], error: type[Exception], match: str) -> None:
    with pytest.raises(error, match=match):
        module("relu", **options)
    with pytest.raises(UnknownNameError, match="swiglu"):
        module("swigloo")


def test_the_expected_ntk_is_the_librarys_at_every_width() -> None:
    """Means of 400 draws at width 32, in units of their standard errors; a formula wrong by 5 % would be seen."""
    d, width, draws = 3, 32, 400
    x = points(3, d, seed=7)
    for net in ("relu", "geglu", "swiglu", OTHERS[0], OTHERS[2]):
        model = module(net, inputs=d, width=width, outputs=1, bias=False)
        stacked: dict[str, list[Any]] = {name: [] for name, _ in model.named_parameters()}
        for seed in range(draws):
            initialize(model, "lecun", seed)
            for name, parameter in model.named_parameters():
                stacked[name].append(parameter.detach().clone())
        parameters = {name: torch.stack(tensors) for name, tensors in stacked.items()}

        def kernel(draw, model=model):
            jacobian = torch.func.jacrev(lambda p: torch.func.functional_call(model, p, (x,)).squeeze(1))(draw)
            flat = torch.cat([block.flatten(1) for block in jacobian.values()], dim=1)
            return flat @ flat.T

        kernels = torch.vmap(kernel)(parameters)
        expected = torch.from_numpy(glu.gram(net, x.numpy(), parametrization="standard", width=width))
        error = kernels.std(0) / draws**0.5
        # 30 entries in all: false alarms below 30 * 6e-7 for normal means
        assert ((kernels.mean(0) - expected).abs() < 5 * error).all(), net
        assert (error.diagonal() < 0.05 * expected.diagonal()).all(), net


@pytest.mark.parametrize("net", ["relu", "swiglu", OTHERS[2]], ids=str)
def test_it_agrees_with_the_ensemble_of_the_same_weights(net: str | Network) -> None:
    ensemble = Ensemble(net, inputs=5, width=11, seed=2, dtype=torch.float64)
    model = module(net, width=11, outputs=1)
    with torch.no_grad():
        for branch, weight, bias in zip(model.branches, ensemble.weights, ensemble.biases, strict=True):
            branch.weight.copy_(weight[0].T)
            branch.bias.copy_(bias[0, 0])
        model.readout.weight.copy_(ensemble.readout[0])
    x = points(6)
    assert torch.allclose(model(x)[:, 0], ensemble.outputs(x)[0], rtol=1e-13)
    assert sum(p.numel() for p in model.parameters()) == ensemble.parameters


@pytest.mark.parametrize(("plain", "gate"), PAIRS, ids=str)
@pytest.mark.parametrize(("dim", "width"), [(4096, 256), (768, 3072), (256, 128), (64, 256)])
def test_matched_networks_have_as_many_parameters(plain: str, gate: str, dim: int, width: int) -> None:
    with torch.device("meta"):
        counts = [
            sum(p.numel() for p in FeedForward.matched(net, inputs=dim, width=width).parameters())
            for net in (plain, gate)
        ]
    assert counts[1] == pytest.approx(counts[0], rel=0.01)


def test_matched_width_is_that_of_the_released_code() -> None:
    model = FeedForward.matched("geglu", inputs=10, width=20, outputs=3, bias=False, seed=0)
    assert model.readout.in_features == int(20 * (10 + 3) / (2 * 10 + 3)) == matched_width("geglu", 20, 10, 3)
    assert model.readout.bias is None


def test_it_can_be_vmapped_per_sample() -> None:
    model, x = module("swiglu"), points(4)
    parameters = dict(model.named_parameters())

    def output(p, row):
        return torch.func.functional_call(model, p, (row,))[0]

    rows = torch.vmap(torch.func.grad(output), (None, 0))(parameters, x)
    for i, row in enumerate(x):
        one = torch.autograd.grad(output(parameters, row), list(parameters.values()))
        for name, gradient in zip(parameters, one, strict=True):
            assert torch.allclose(rows[name][i], gradient, rtol=1e-13)


class Zoo(nn.Module):
    """One layer of every kind."""

    def __init__(self) -> None:
        super().__init__()
        self.linear = nn.Linear(300, 100)
        self.o_proj = nn.Linear(200, 100)
        self.convolution = nn.Conv2d(5, 40, 4)
        self.embedding = nn.Embedding(200, 50)
        self.norm = nn.LayerNorm(30)
        self.token = nn.Parameter(torch.zeros(1, 1, 5000))
        self.readout = nn.Linear(150, 200)
        self.tied = nn.Linear(300, 100)
        self.tied.weight = self.linear.weight


# deviations of linear (300 -> 100), o_proj (200 -> 100), convolution (80 -> 640), embedding
EXPECTED = {
    "lecun": (300**-0.5, 200**-0.5, 80**-0.5, 0.02),
    "xavier": (200**-0.5, 150**-0.5, 360**-0.5, 0.02),
    "he": (150**-0.5, 100**-0.5, 40**-0.5, 0.02),
    "gpt2": (0.02, 0.02 / 2**0.5, 0.02, 0.02),
    "torch": (900**-0.5, 600**-0.5, 240**-0.5, 1.0),
}


@pytest.mark.parametrize("name", INITIALIZATIONS)
def test_initializations_have_their_deviations(name: str) -> None:
    model = Zoo()
    initialize(model, name, 3)
    layers: tuple[Any, ...] = (model.linear, model.o_proj, model.convolution, model.embedding)
    for layer, expected in zip(layers, EXPECTED[name], strict=True):
        weight = layer.weight.detach().double()
        # the root mean square of n normal numbers is off by 1/√(2n), relatively
        assert weight.pow(2).mean().sqrt().item() == pytest.approx(expected, rel=5 / (2 * weight.numel()) ** 0.5)
        assert abs(weight.mean().item()) < 5 * expected / weight.numel() ** 0.5
    assert model.token.std().item() == pytest.approx(0.02, rel=0.05)
    assert bool((model.norm.weight == 1).all())
    assert not model.norm.bias.any()
    assert bool(model.linear.bias.any()) == (name == "torch")
    assert model.tied.weight is model.linear.weight
    if name == "torch":
        assert model.linear.weight.abs().max().item() == pytest.approx(300**-0.5, rel=1e-3)
        assert model.linear.bias.std().item() == pytest.approx(900**-0.5, rel=0.25)


def test_streams_depend_on_seed_and_name_alone() -> None:
    small, large = nn.Sequential(nn.Linear(3, 3)), nn.Sequential(nn.Linear(3, 3), nn.Linear(3, 3))
    for model in (small, large):
        initialize(model, "lecun", 8)
    assert torch.equal(small[0].weight, large[0].weight)
    assert not torch.equal(large[0].weight, large[1].weight)
    gates: Any = FeedForward("swiglu", inputs=6, width=6, seed=8)
    weights = [gates.branches[0].weight, gates.branches[1].weight, gates.readout.weight]
    correlations = torch.corrcoef(torch.stack([weight.detach().flatten() for weight in weights]))
    assert (correlations - torch.eye(3)).abs().max() < 5 / 36**0.5
    before = gates.readout.weight.detach().clone()
    initialize(gates, "lecun", 9)
    assert not torch.equal(before, gates.readout.weight)


def test_float32_is_float64_rounded() -> None:
    double, single = Zoo().double(), Zoo()
    for model in (double, single):
        initialize(model, "he", 1)
    for wide, narrow in zip(double.parameters(), single.parameters(), strict=True):
        assert torch.equal(wide.float(), narrow)


def test_what_cannot_be_drawn_is_refused() -> None:
    model = nn.Module()
    model.counts = nn.Parameter(torch.zeros(3, dtype=torch.int64), requires_grad=False)
    with pytest.raises(DomainError, match="'counts' has the dtype"):
        initialize(model, "lecun", 0)


def test_parts_have_their_own_initialization() -> None:
    model = nn.Sequential(nn.Linear(30, 30), nn.Sequential(nn.Linear(30, 30), nn.Linear(30, 30)))
    whole = {name: value.clone() for name, value in drawn(model, "torch").items()}
    he = {name: value.clone() for name, value in drawn(model, "he").items()}
    found = drawn(model, "torch", parts={"1": "lecun", "1.1": "he"})
    for name in ("0.weight", "0.bias"):
        assert torch.equal(found[name], whole[name])
    # the longer path counts, and the streams are those of the whole module's names
    assert torch.equal(found["1.1.weight"], he["1.1.weight"])
    assert torch.allclose(found["1.0.weight"], he["1.0.weight"] / 2**0.5)
    assert not found["1.0.bias"].any()
    with pytest.raises(DomainError, match="parts names '2', at which there is no module"):
        drawn(model, "torch", parts={"2": "he"})
    with pytest.raises(UnknownNameError, match="did you mean 'lecun'"):
        drawn(model, "torch", parts={"1": "lecum"})


def test_a_module_with_norm_in_its_name_is_no_norm() -> None:
    class NormFreeNetwork(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.token = nn.Parameter(torch.empty(5000))
            self.norms = nn.ModuleList([nn.LayerNorm(3), nn.BatchNorm2d(3), nn.RMSNorm(3), nn.GroupNorm(1, 3)])

    found = drawn(NormFreeNetwork(), "lecun", free_deviation=0.5)
    assert found["token"].std().item() == pytest.approx(0.5, rel=5 / 10000**0.5)
    for name, value in found.items():
        assert name == "token" or bool((value == float(name.endswith("weight"))).all())


def drawn(model: nn.Module, initialization: str, **options: Any) -> dict[str, Any]:
    initialize(model, initialization, 7, **options)
    return {name: parameter.detach() for name, parameter in model.named_parameters()}
