"""The NTK of any module against the full Jacobian of torch.func, in float64 to rounding."""

# ruff: noqa: E402  (the package's sampling half can be imported only where torch is)

import pytest

torch = pytest.importorskip("torch")

from hypothesis import given
from hypothesis import strategies as st
from torch import nn
from torch.func import functional_call, jacrev

from glutheory.errors import DomainError, UnknownNameError
from glutheory.sampling import FeedForward, module_ntk
from glutheory.sampling.modules import layers
from glutheory.sampling.modules.contractions import looked_up, outer
from glutheory.sampling.modules.interface import WORKSPACE, _arguments, _names, _readout
from glutheory.sampling.modules.plan import plan
from glutheory.sampling.training import Ensemble

#: Sums of at most some hundred products of numbers of order 1, in another order.
TOLERANCE = 1e-12


class Tied(nn.Module):
    """An embedding that is also the last layer's weight, and a bare parameter for the positions."""

    def __init__(self):
        super().__init__()
        self.table, self.inner, self.head = nn.Embedding(11, 6), nn.Linear(6, 6), nn.Linear(6, 11, bias=False)
        self.head.weight = self.table.weight
        self.position = nn.Parameter(torch.randn(1, 5, 6))
        self.norm = nn.LayerNorm(6)

    def forward(self, ids):
        return self.head(self.norm(torch.tanh(self.inner(self.table(ids) + self.position))).mean(1))


class Sneaky(nn.Module):
    """A layer that is called, and its weight used once more behind its back."""

    def __init__(self):
        super().__init__()
        self.inner, self.head = nn.Linear(4, 6), nn.Linear(6, 3)

    def forward(self, x):
        return self.head(torch.tanh(self.inner(x))) + (x @ self.inner.weight.T)[:, :3]


class Twice(nn.Module):
    """One layer that is called twice."""

    def __init__(self):
        super().__init__()
        self.inner, self.head = nn.Linear(4, 4), nn.Linear(4, 3)

    def forward(self, x):
        return self.head(self.inner(torch.tanh(self.inner(x))))


class Positions(nn.Module):
    """An embedding of the positions, which is the same for all samples: with a sample axis of length 1, or without."""

    def __init__(self, leading):
        super().__init__()
        self.table, self.place, self.head = nn.Embedding(7, 4, padding_idx=2), nn.Embedding(9, 4), nn.Linear(4, 2)
        self.leading = leading

    def forward(self, ids):
        place = torch.arange(ids.shape[1])
        place = self.place(place[None] if self.leading else place)
        return self.head(torch.sin(self.table(ids) * place)).sum(1)


class Attention(nn.Module):
    """torch's attention, which uses the weight of a layer that it never calls; samples in front or behind."""

    def __init__(self, batch_first):
        super().__init__()
        self.attention = nn.MultiheadAttention(6, 2, batch_first=batch_first)
        self.head, self.batch_first = nn.Linear(6, 2), batch_first

    def forward(self, x):
        x = x if self.batch_first else x.transpose(0, 1)
        y = self.head(self.attention(x, x, x, need_weights=False)[0])
        return (y if self.batch_first else y.transpose(0, 1)).mean(1)


class Flattened(nn.Module):
    """Layers on samples and positions as one axis."""

    def __init__(self):
        super().__init__()
        self.inner, self.head = nn.Linear(4, 5), nn.Linear(5, 2)

    def forward(self, x):
        return self.head(torch.tanh(self.inner(x.reshape(-1, 4)))).view(len(x), -1, 2)


class Branching(nn.Module):
    """What torch.func cannot map over samples: a decision that depends on the numbers."""

    def __init__(self):
        super().__init__()
        self.scale, self.head = nn.Parameter(torch.randn(4)), nn.Linear(4, 2)

    def forward(self, x):
        rows = [row * self.scale if row.sum().item() > 0 else row * self.scale**2 for row in x]
        return self.head(torch.stack(rows))


class Constant(nn.Module):
    """A parameter that the output does not depend on, and one of no use to any sample."""

    def __init__(self):
        super().__init__()
        self.unused, self.head = nn.Linear(3, 3), nn.Linear(4, 2)

    def forward(self, x):
        return self.head(x)


def sequential(*layers):
    return lambda: nn.Sequential(*layers)


def weight_norm():
    layer = torch.nn.utils.parametrizations.weight_norm(nn.Linear(4, 5))
    return nn.Sequential(layer, nn.ReLU(inplace=True), nn.Linear(5, 2))


def normalised():
    return nn.Sequential(nn.Linear(4, 5), nn.BatchNorm1d(5), nn.Linear(5, 2), nn.Dropout(0.5)).eval()


IDS = (7, (5, 5))
#: Name: a way to make the network, and the shape of its inputs or the number of ids and their shape.
CASES = {
    "perceptron": (lambda: nn.Sequential(nn.Linear(4, 5), nn.Tanh(), nn.Linear(5, 3)), (6, 4)),
    "positions and no bias": (
        lambda: nn.Sequential(nn.Linear(4, 5, bias=False), nn.ReLU(), nn.Linear(5, 3)),
        (4, 3, 4),
    ),
    "convolutions": (
        lambda: nn.Sequential(
            nn.Conv2d(2, 3, 3, padding=1, stride=2),
            nn.ReLU(inplace=True),
            nn.Conv2d(3, 4, 2, bias=False, dilation=1),
            nn.Flatten(),
            nn.Linear(16, 2),
        ),
        (5, 2, 6, 6),
    ),
    "groups": (
        lambda: nn.Sequential(nn.Conv2d(2, 4, 3, padding="same", groups=2), nn.GELU(), nn.Flatten()),
        (5, 2, 3, 3),
    ),
    "same": (lambda: nn.Sequential(nn.Conv2d(2, 4, 3, padding="same"), nn.GELU(), nn.Flatten()), (5, 2, 3, 3)),
    "one dimension": (lambda: nn.Sequential(nn.Conv1d(2, 3, 3), nn.GELU(), nn.Flatten()), (5, 2, 6)),
    "tied": (Tied, (11, (4, 5))),
    "used twice": (Sneaky, (5, 4)),
    "called twice": (Twice, (5, 4)),
    "positions": (lambda: Positions(True), IDS),
    "positions without samples": (lambda: Positions(False), IDS),
    "two positions, two samples": (lambda: Positions(False), (7, (2, 2))),
    "attention": (lambda: Attention(True), (4, 3, 6)),
    "attention, samples behind": (lambda: Attention(False), (4, 4, 6)),
    "encoder": (lambda: nn.TransformerEncoderLayer(6, 2, 8, dropout=0.0, batch_first=True), (4, 3, 6)),
    "batch norm, dropout in eval mode": (normalised, (5, 4)),
    "RMS norm": (lambda: nn.Sequential(nn.Linear(4, 5), nn.RMSNorm(5), nn.Linear(5, 2)), (5, 3, 4)),
    "group norm": (lambda: nn.Sequential(nn.Conv2d(2, 4, 1), nn.GroupNorm(2, 4), nn.Flatten()), (4, 2, 2, 2)),
    "layer norm of two axes": (lambda: nn.Sequential(nn.LayerNorm((2, 3)), nn.Flatten(), nn.Linear(6, 1)), (4, 2, 3)),
    "weight norm": (weight_norm, (5, 3, 4)),
    "flattened": (Flattened, (3, 5, 4)),
    "branching": (Branching, (5, 4)),
    "unused": (Constant, (5, 4)),
    "one input": (lambda: nn.Sequential(nn.Linear(4, 5), nn.ReLU(), nn.Linear(5, 1)), (1, 4)),
    "gated": (lambda: FeedForward("swiglu", inputs=4, width=6, outputs=2, seed=3), (5, 2, 4)),
}


def case(name):
    make, shape = CASES[name]
    generator = torch.Generator().manual_seed(1)
    torch.manual_seed(0)
    model = make().double()
    if isinstance(shape[1], tuple):
        return model, torch.randint(0, shape[0], shape[1], generator=generator)
    return model, torch.randn(shape, generator=generator, dtype=torch.float64)


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
    assert torch.equal(total, sum(blocks.values()))
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
    routes, _ = plan(model, _arguments(x)[0], _readout(None), _names(model, None), WORKSPACE)
    assert {key for route in routes if not route.path for key in route.names.values()} == {"0.weight", "2.weight"}
    torch.testing.assert_close(module_ntk(model, x), exact)


#: Which parameters go to torch.func on the whole model: those that no smaller module holds.
WHOLE = {
    "tied": {"table.weight", "position"},
    "used twice": {"inner.weight"},
    "called twice": {"inner.weight", "inner.bias"},
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
    routes, _ = plan(model, _arguments(x)[0], _readout(None), _names(model, None), WORKSPACE)
    assert {key for route in routes if not route.path for key in route.names.values()} == WHOLE[name]


@given(
    n=st.integers(1, 6),
    t=st.integers(1, 5),
    i=st.integers(1, 6),
    o=st.integers(1, 6),
    workspace=st.sampled_from([1, 200, 10**6]),
    seed=st.integers(0, 99),
)
def test_both_contractions_are_the_gram_matrix_of_sums_of_outer_products(n, t, i, o, workspace, seed):
    generator = torch.Generator().manual_seed(seed)
    a, g = (torch.randn((n, t, size), generator=generator, dtype=torch.float64) for size in (i, o))
    gradients = torch.einsum("nti,nto->nio", a, g).flatten(1)
    torch.testing.assert_close(outer(a, g, workspace), gradients @ gradients.T, rtol=1e-12, atol=1e-12)
    ids = torch.randint(0, 4, (n, t), generator=generator)
    table = torch.einsum("ntv,nto->nvo", nn.functional.one_hot(ids, 4).double(), g).flatten(1)
    torch.testing.assert_close(looked_up(ids, g, workspace), table @ table.T, rtol=1e-12, atol=1e-12)


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


def test_chosen_parameters_frozen_ones_too():
    model, x = case("perceptron")
    whole = module_ntk(model, x, blocks=True)
    model.requires_grad_(False)
    torch.testing.assert_close(
        module_ntk(model, x, parameters=["2.bias", "0.weight"]), whole["2.bias"] + whole["0.weight"]
    )
    assert list(module_ntk(model, x, parameters=["2.bias"], blocks=True)) == ["2.bias"]


def test_the_model_is_left_as_it_was():
    model, x = case("tied")
    before = {name: (p.detach().clone(), p.requires_grad, id(p)) for name, p in model.named_parameters()}
    module_ntk(model, x)
    for name, parameter in model.named_parameters():
        value, flag, identity = before[name]
        assert torch.equal(parameter, value)
        assert parameter.grad is None
        assert (parameter.requires_grad, id(parameter)) == (flag, identity)
    assert not any(module._forward_hooks for module in model.modules())


class Named(nn.Module):
    def __init__(self):
        super().__init__()
        self.head = nn.Linear(4, 2)

    def forward(self, x, *, scale, double=False):
        return {"rows": self.head(x) * scale[:, None] * (2 if double else 1)}


def test_arguments_by_name_and_a_function_of_what_is_returned():
    model = Named().double()
    x, scale = torch.randn(5, 4, dtype=torch.float64), torch.rand(5, dtype=torch.float64)
    found = module_ntk(model, {"x": x, "scale": scale, "double": True}, output=lambda returned: returned["rows"][:, 0])
    torch.testing.assert_close(found, 4 * torch.outer(scale, scale) * (x @ x.T + 1))


def test_single_precision_agrees_to_its_rounding():
    model, x = case("convolutions")
    exact = module_ntk(model, x)
    found = module_ntk(model.float(), x.float())
    assert found.dtype == torch.float64
    assert float((found - exact).abs().max()) < 1e-5 * float(exact.abs().max())


class Mixing(nn.Module):
    def __init__(self):
        super().__init__()
        self.head = nn.Linear(4, 2)

    def forward(self, x):
        return self.head(x - x.mean(0))


class Random(nn.Module):
    def __init__(self):
        super().__init__()
        self.head = nn.Linear(4, 2)

    def forward(self, x):
        return self.head(nn.functional.dropout(x, 0.5, training=True))


class Severed(nn.Module):
    def __init__(self):
        super().__init__()
        self.head = nn.Linear(4, 2)

    def forward(self, x):
        return self.head(x).detach()


X = torch.ones(5, 4)
#: A call, and words that its refusal has.
REFUSED = {
    "dropout": (lambda: module_ntk(nn.Sequential(nn.Linear(4, 2), nn.Dropout(0.1)), X), "dropout.*eval"),
    "batch norm": (lambda: module_ntk(nn.Sequential(nn.Linear(4, 2), nn.BatchNorm1d(2)), X), "'1'.*statistics.*eval"),
    "no statistics": (
        lambda: module_ntk(nn.Sequential(nn.Linear(4, 2), nn.BatchNorm1d(2, track_running_stats=False)).eval(), X),
        "statistics of the batch",
    ),
    "mixing": (lambda: module_ntk(Mixing(), torch.arange(20.0).view(5, 4)), "changes by .* with the other inputs"),
    "random": (lambda: module_ntk(Random(), X), "by chance"),
    "severed": (lambda: module_ntk(Severed(), X), "does not depend on the parameters"),
    "outputs": (lambda: module_ntk(nn.Linear(4, 2), X, outputs="all"), "outputs is 'all'"),
    "no module": (lambda: module_ntk(None, X), "NoneType"),  # type: ignore[call-overload]
    "half": (lambda: module_ntk(nn.Linear(4, 2).half(), X.half()), "float16.*model.float"),
    "meta": (lambda: module_ntk(nn.Linear(4, 2, device="meta"), X), "no values yet"),
    "lazy": (lambda: module_ntk(nn.LazyLinear(2), X), "no values yet"),
    "a string": (lambda: module_ntk(nn.Linear(4, 2), X, parameters="weight"), "the string 'weight'"),
    "empty": (lambda: module_ntk(nn.Linear(4, 2), X, parameters=[]), "parameters is empty"),
    "no parameters": (lambda: module_ntk(nn.ReLU(), X), "parameters is empty"),
    "no tensor": (lambda: module_ntk(nn.Linear(4, 2), [[1.0, 2.0]]), "inputs is of type list"),
    "unequal": (lambda: module_ntk(nn.Bilinear(4, 4, 2), (X, X[:2])), r"\[2, 5\] samples"),
    "none": (lambda: module_ntk(nn.Linear(4, 2), X[:0]), ">= 1"),
    "scalar": (lambda: module_ntk(nn.Linear(4, 2), torch.tensor(1.0)), ">= 1"),
    "no output": (lambda: module_ntk(Named(), {"x": X, "scale": X[:, 0]}), "returns dict.*output="),
    "rows": (lambda: module_ntk(nn.Linear(4, 2), X, output=lambda z: z.sum(0)), "one row per input"),
    "not finite": (lambda: module_ntk(nn.Linear(4, 2), X * torch.inf), "not finite"),
    "workspace": (lambda: module_ntk(nn.Linear(4, 2), X, workspace=0), "workspace is 0"),
}


@pytest.mark.parametrize(("call", "words"), [pytest.param(*row, id=name) for name, row in REFUSED.items()])
@pytest.mark.filterwarnings("ignore:Lazy modules")
def test_refuses(call, words):
    with pytest.raises(DomainError, match=words):
        call()


def test_unknown_parameters_are_told_the_nearest():
    with pytest.raises(UnknownNameError, match="weight"):
        module_ntk(nn.Linear(4, 2), X, parameters=["wieght"])


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
@pytest.mark.parametrize("name", ["convolutions", "tied", "positions"])
def test_the_same_on_cuda(name):
    model, x = case(name)
    exact = module_ntk(model, x)
    found = module_ntk(model.cuda(), x.cuda())
    assert found.device.type == "cuda"
    torch.testing.assert_close(found.cpu(), exact, rtol=1e-10, atol=1e-10)
