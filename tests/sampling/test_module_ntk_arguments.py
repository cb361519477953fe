"""The NTK of a module: parameters and outputs chosen, the model left as it was, what is refused."""

# ruff: noqa: E402  (the package's sampling half can be imported only where torch is)

from typing import Any

import pytest

torch = pytest.importorskip("torch")

from torch import nn

from glutheory.errors import DomainError, UnknownNameError
from glutheory.sampling import module_ntk
from tests.sampling.jacobian import case


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
    assert found.dtype == torch.float32
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


def images():
    return nn.Sequential(nn.Conv2d(1, 2, 2), nn.Flatten(), nn.Linear(8, 1))


def table():
    return nn.Sequential(nn.Embedding(9, 3), nn.Flatten(), nn.Linear(12, 1))


X = torch.ones(5, 4)
NUMBER: Any = 3
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
    "tensors": (
        lambda: module_ntk(plain := nn.Linear(4, 2), X, parameters=[plain.weight]),  # type: ignore[list-item]
        "parameters has an element of type Parameter: give names",
    ),
    "a number": (lambda: module_ntk(nn.Linear(4, 2), X, parameters=NUMBER), "parameters is of type int"),
    "a script": (lambda: module_ntk(torch.jit.trace(nn.Linear(4, 2), X), X), "model is a ScriptModule"),
    "doubles": (
        lambda: module_ntk(nn.Linear(4, 2), X.double()),
        r"inputs are torch.float64 and model's parameters torch.float32, .*: give both .* inputs.to\(torch.float32\)",
    ),
    "images of doubles": (
        lambda: module_ntk(nn.Conv2d(1, 2, 2), torch.zeros(2, 1, 3, 3, dtype=torch.float64)),
        "inputs are torch.float64 and model's parameters torch.float32",
    ),
    "integers": (lambda: module_ntk(nn.Linear(4, 2), X.long()), "inputs are torch.int64"),
    "too few features": (
        lambda: module_ntk(nn.Linear(4, 2), X[:, :3]),
        r"inputs of shape \(5, 3\) .* the Linear takes 4 numbers on the last axis .*: give so many features",
    ),
    "no features": (lambda: module_ntk(nn.Linear(4, 2), X[:, :0]), "takes 4 numbers on the last axis"),
    "one sample without its axis": (lambda: module_ntk(nn.Linear(4, 2), X[0]), r"got the shape \(1,\)"),
    "channels": (
        lambda: module_ntk(images(), torch.ones(2, 3, 3, 3)),
        r"its Conv2d '0' takes the shape \(n, 1, height, width\) and got \(2, 3, 3, 3\)",
    ),
    "flat images": (lambda: module_ntk(images(), torch.ones(2, 9)), r"takes the shape \(n, 1, height, width\)"),
    "larger images": (
        lambda: module_ntk(images(), torch.ones(2, 1, 5, 5)),
        "its Linear '2' takes 8 .*: give inputs of the size that the model was made for",
    ),
    "ids that are no integers": (lambda: module_ntk(table(), X), "its Embedding '0' takes whole numbers"),
    "a late id": (
        lambda: module_ntk(table(), torch.tensor([[0] * 4, [0] * 4, [0, 0, 0, 9]])),
        "rows 0 to 8 and was asked for 9: give ids in that range",
    ),
    "a negative id": (lambda: module_ntk(table(), X.long() - 2), "was asked for -1"),
    "another device": (
        lambda: module_ntk(nn.Linear(4, 2), X.to("meta")),
        r"inputs are on the device meta and model's parameters on cpu: .* inputs.to\('cpu'\)",
    ),
    "an argument missing": (lambda: module_ntk(Named(), X), "forward pass fails on .*'scale'.*: give arguments"),
    "an unknown argument": (lambda: module_ntk(nn.Linear(4, 2), {"z": X}), "forward pass fails on .*'z'"),
    "a norm": (lambda: module_ntk(nn.LayerNorm(4), X[:, :2]), r"the LayerNorm takes the last axes \(4,\)"),
    "a recurrent layer": (
        lambda: module_ntk(nn.GRU(4, 2, batch_first=True), X[:, None, :3], output=lambda found: found[0]),
        "forward pass fails on inputs of shape",
    ),
    "half inputs": (lambda: module_ntk(nn.Linear(4, 2), X.half()), "inputs are torch.float16"),
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
@pytest.mark.filterwarnings("ignore:Lazy modules", "ignore:.*torch.jit")
def test_refuses(call, words):
    with pytest.raises(DomainError, match=words) as said:
        call()
    assert str(said.value).endswith(".")
    assert "\n" not in str(said.value)
    assert "mat1" not in str(said.value)


def test_unknown_parameters_are_told_the_nearest():
    with pytest.raises(UnknownNameError, match="weight"):
        module_ntk(nn.Linear(4, 2), X, parameters=["wieght"])


@pytest.mark.cuda
@pytest.mark.parametrize("name", ["convolutions", "tied", "positions"])
def test_the_same_on_cuda(name):
    model, x = case(name)
    exact = module_ntk(model, x)
    found = module_ntk(model.cuda(), x.cuda())
    assert found.device.type == "cuda"
    torch.testing.assert_close(found.cpu(), exact, rtol=1e-10, atol=1e-10)


def test_an_error_of_the_function_that_makes_the_output_is_the_users_to_see():
    with pytest.raises(ZeroDivisionError):
        module_ntk(nn.Linear(4, 2), X, output=lambda found: found * (1 / 0))
