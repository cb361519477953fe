"""The NTK of any module is the Gram matrix of its full Jacobian, in float64 to rounding."""

# ruff: noqa: E402  (the package's sampling half can be imported only where torch is)

import pytest

torch = pytest.importorskip("torch")

from hypothesis import given
from hypothesis import strategies as st
from torch import nn
from torch.func import functional_call, jacrev

from glutheory.sampling import FeedForward, module_ntk
from glutheory.sampling.modules import layers
from glutheory.sampling.modules.contractions import Products, looked_up, outer
from glutheory.sampling.modules.interface import WORKSPACE
from glutheory.sampling.training import Ensemble
from tests.sampling.jacobian import CASES, case

#: Sums of at most some hundred products of numbers of order 1, in another order.
TOLERANCE = 1e-12


def naive(model, x):
    """The products of all gradients, by parameter, shape (n, n, k, k)."""
    parameters = {name: parameter.detach() for name, parameter in model.named_parameters()}
    jacobian = jacrev(lambda chosen: functional_call(model, chosen, (x,)).reshape(len(x), -1))(parameters)
    flat = {name: rows.flatten(2) for name, rows in jacobian.items()}
    return {name: torch.einsum("iap,jbp->ijab", rows, rows) for name, rows in flat.items()}


def close(found, true):
    scale = max(float(kernel.abs().max()) for kernel in true.values())
    return all(float((found[name] - true[name]).abs().max()) <= TOLERANCE * scale for name in true)


# the reference below maps over outputs what torch can map by a loop only
@pytest.mark.filterwarnings("ignore:There is a performance drop")
@pytest.mark.parametrize("name", CASES)
def test_is_the_gram_matrix_of_the_jacobian(name):
    model, x = case(name)
    if name == "branching":
        exact = [naive(model, torch.stack([p, q])) for p in x for q in x]
        true = {key: torch.stack([item[key][0, 1] for item in exact]).unflatten(0, (5, 5)) for key in exact[0]}
    else:
        true = naive(model, x)
    assert close(module_ntk(model, x, outputs="full", blocks=True), true)
    traces = {key: kernel.diagonal(dim1=2, dim2=3).sum(-1) for key, kernel in true.items()}
    blocks = module_ntk(model, x, blocks=True)
    assert close(blocks, traces)
    assert set(blocks) == set(traces)
    total = module_ntk(model, x)
    torch.testing.assert_close(total, sum(blocks.values()), rtol=1e-14, atol=0)
    assert torch.equal(total, total.T)
    assert total.dtype == torch.float64


@pytest.mark.parametrize("name", ["convolutions", "tied", "positions", "attention", "weight norm"])
def test_workspace_changes_the_result_by_rounding_only(name):
    model, x = case(name)
    small, large = (module_ntk(model, x, blocks=True, workspace=size) for size in (1, WORKSPACE))
    assert close(small, large)


def test_a_layer_that_is_not_as_its_form_says_is_noticed(monkeypatch):
    """Every run is first held against plain gradients: a wrong form is replaced, not believed."""
    model, x = case("perceptron")
    exact = module_ntk(model, x)
    monkeypatch.setattr(layers, "outer", lambda *arguments: 1.01 * outer(*arguments))
    ways = module_ntk(model, x, blocks=True).ways
    assert ways == {"0.weight": "model", "0.bias": "layer", "2.weight": "model", "2.bias": "layer"}
    torch.testing.assert_close(module_ntk(model, x), exact)


#: Which parameters go to torch.func on the whole model: those that no smaller module holds.
WHOLE = {
    "tied": {"table.weight", "position"},
    "used twice": {"inner.weight"},
    "called twice": set(),
    "called again and again": set(),
    "positions without samples": {"place.weight"},
    "two positions, two samples": {"place.weight"},
    "positions": set(),
    "RMS norm": set(),
    "weight norm": set(),
    "flattened": set(),
    "groups": set(),
    "gated": set(),
}


@pytest.mark.parametrize("name", WHOLE)
def test_only_what_needs_the_whole_model_is_differentiated_there(name):
    model, x = case(name)
    ways = module_ntk(model, x, blocks=True).ways
    assert {key for key, way in ways.items() if way in ("model", "autograd")} == WHOLE[name]


@given(
    n=st.integers(1, 6),
    t=st.integers(1, 5),
    i=st.integers(1, 6),
    o=st.integers(1, 6),
    workspace=st.sampled_from([1, 200, 10**6]),
    side=st.integers(0, 6),
    seed=st.integers(0, 99),
)
def test_both_contractions_are_the_gram_matrix_of_sums_of_outer_products(n, t, i, o, workspace, side, seed):
    generator = torch.Generator().manual_seed(seed)
    a, g = (torch.randn((n, t, size), generator=generator, dtype=torch.float64) for size in (i, o))
    gradients = torch.einsum("nti,nto->nio", a, g).flatten(1)
    ids = torch.randint(0, 4, (n, t), generator=generator)
    table = torch.einsum("ntv,nto->nvo", nn.functional.one_hot(ids, 4).double(), g).flatten(1)
    split = side if 0 < side < n else None
    how = Products(workspace, split)
    left, right = how.sides(n)
    torch.testing.assert_close(outer(a, g, how), gradients[left] @ gradients[right].T, rtol=1e-12, atol=1e-12)
    torch.testing.assert_close(looked_up(ids, g, how), table[left] @ table[right].T, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("name", ["relu", "swiglu", "bilinear"])
def test_agrees_with_the_formula_of_two_layer_networks(name):
    ensemble = Ensemble(name, inputs=3, width=7, seed=5, dtype=torch.float64)
    model = FeedForward(name, inputs=3, width=7, outputs=1, seed=0).double()
    values = {"readout.weight": ensemble.readout[0], "readout.bias": ensemble.offset[0, 0]}
    for k, (weight, bias) in enumerate(zip(ensemble.weights, ensemble.biases, strict=True)):
        values |= {f"branches.{k}.weight": weight[0].T, f"branches.{k}.bias": bias[0, 0]}
    model.load_state_dict(values)
    x = torch.randn((6, 3), generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    torch.testing.assert_close(module_ntk(model, x), ensemble.ntk(x)[0], rtol=1e-12, atol=1e-12)
