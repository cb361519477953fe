"""The NTK of any module is the Gram matrix of its full Jacobian, in float64 to rounding."""

# ruff: noqa: E402  (the package's sampling half can be imported only where torch is)

from functools import partial

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
from glutheory.sampling.modules.sinks import Sums, mirrored
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
    monkeypatch.setattr(layers, "outer", lambda a, *more: outer(1.01 * a, *more))
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
    for form, read, true in ((outer, a, gradients), (looked_up, ids, table)):
        found = summed(how, n, lambda sums, form=form, read=read: form(read, g, how, *handed(sums)))
        torch.testing.assert_close(found, true[left] @ true[right].T, rtol=1e-12, atol=1e-12)


def handed(sums):
    return partial(sums.rows, "w"), partial(sums.pairs, "w")


def summed(how, n, form, **options):
    """The kernel that a form hands to a sink."""
    left, right = how.sides(n)
    kernel = torch.zeros((left.stop - left.start, right.stop - right.start), dtype=torch.float64)
    sums = Sums({"w": kernel}, how, **options)
    form(sums)
    sums.flush()
    if how.split is None:
        mirrored(kernel)
    return kernel


@pytest.mark.parametrize("n", [1, 7, 128, 300])
@pytest.mark.parametrize("split", [None, 5])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_gradients_side_by_side_give_the_sum_of_their_products(n, split, dtype):
    """Small and large ones, more than the workspace holds, of two dtypes; whole numbers, of which sums are exact."""
    how = Products(40 * n * dtype.itemsize, split if split is not None and split < n else None)
    generator = torch.Generator().manual_seed(n)
    kinds = [(3, dtype), (8, dtype), (11, torch.float64), (50, dtype), (9, dtype), (1, dtype)]
    parts = [torch.randint(-9, 10, (n, size), generator=generator).to(kind) for size, kind in kinds]

    def form(sums):
        for part in parts:
            # what is handed over may be overwritten afterwards
            given = part.clone()
            sums.rows("any", given)
            given.zero_()

    together = torch.cat([part.double() for part in parts], 1)
    left, right = how.sides(n)
    found = summed(how, n, form, total="w", columns=82)
    assert torch.equal(found, together[left] @ together[right].T)
    assert how.split is not None or torch.equal(found, found.T)


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
