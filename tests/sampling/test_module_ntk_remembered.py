"""A model that comes again: its plan is taken from before, and nothing wrong comes out of it."""

# ruff: noqa: E402  (the package's sampling half can be imported only where torch is)

import gc
import random
import weakref
from typing import Any

import pytest

torch = pytest.importorskip("torch")

from torch import nn

from glutheory.errors import DomainError
from glutheory.sampling import module_ntk
from glutheory.sampling.modules import alone, interface, remembered
from glutheory.sampling.modules.batches import Arguments
from glutheory.sampling.modules.subject import Subject
from tests.sampling.autograd import per_sample

D = torch.float64


class Switched(nn.Module):
    """Whether its rows are shuffled inside, or mixed, is said by the inputs; by an attribute of an object, too."""

    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.f, self.o = nn.Linear(3, 5, dtype=D), nn.Linear(5, 1, dtype=D)
        self.options = {"deep": {"mixed": False}}

    def forward(self, x):
        order = x[:, 0].argsort() if (x[:, 0] > 5).any() else torch.arange(len(x))
        h = self.f(x[order]).tanh()
        if (x[:, 1] > 5).any() or self.options["deep"]["mixed"]:
            h = h - h.mean(0)
        return self.o(h)[order.argsort()]


def rows(*large):
    x = torch.randn((6, 3), generator=torch.Generator().manual_seed(1), dtype=D)
    for column in large:
        x[2, column] += 9
    return x


def plans(monkeypatch):
    """How often a plan was made."""
    made: list[int] = []
    plan = vars(interface)["plan"]

    def counted(*arguments):
        made.append(1)
        return plan(*arguments)

    monkeypatch.setattr(interface, "plan", counted)
    return made


def close(found, true):
    return float((found - true).abs().max()) <= 1e-12 * float(true.abs().max())


def test_the_same_kind_of_inputs_needs_one_plan(monkeypatch):
    made, model = plans(monkeypatch), Switched()
    for x in (rows(), rows() + 1):
        assert close(module_ntk(model, x), per_sample(model, x))
    assert len(made) == 1
    module_ntk(model, rows()[:4])
    module_ntk(model, rows(), parameters=["f.weight"])
    assert len(made) == 3
    model.train(not model.training)
    module_ntk(model, rows())
    model.f.register_forward_hook(lambda *_: None)
    module_ntk(model, rows())
    assert len(made) == 5


def test_a_remembered_plan_that_is_wrong_for_these_inputs_is_seen(monkeypatch):
    """Rows that change places inside for some inputs only: the plan for the others does not hold for them."""
    made, model = plans(monkeypatch), Switched()
    module_ntk(model, rows())
    x = rows(0)
    assert close(module_ntk(model, x), per_sample(model, x))
    assert len(made) == 1


@pytest.mark.parametrize("deep", [False, True])
def test_rows_that_mix_for_later_inputs_only_are_refused(deep):
    model = Switched()
    module_ntk(model, rows())
    model.options["deep"]["mixed"] = deep
    with pytest.raises(DomainError, match=r"changes by .* with the other inputs"):
        module_ntk(model, rows() if deep else rows(1))


def test_weights_tied_since_are_seen():
    model: Any = nn.Sequential(nn.Linear(3, 3, bias=False), nn.Tanh(), nn.Linear(3, 3, bias=False)).double()
    names = ["0.weight"]
    module_ntk(model, rows(), parameters=names)
    model[2].weight = model[0].weight
    true = per_sample(model, rows(), lambda y: y[:, 0])
    found = module_ntk(model, rows(), parameters=names, output=first)
    assert close(found, true)
    module_ntk(model, rows(), parameters=names)
    model[2].weight = nn.Parameter(model[0].weight.detach().clone())
    module_ntk(model, rows(), parameters=names, output=first)
    model[2].weight = model[0].weight
    assert close(module_ntk(model, rows(), parameters=names, output=first), true)


def first(y):
    return y[:, :1]


def test_another_number_of_outputs_by_the_same_function(monkeypatch):
    """What a function reads from its module, as in a notebook, is no part of it."""
    model, x = nn.Linear(3, 4, dtype=D), rows()
    gram = x @ x.T + 1
    for count in (2, 3, 1):
        monkeypatch.setitem(globals(), "COUNT", count)
        assert close(module_ntk(model, x, output=some), count * gram)


COUNT = 1


def some(y):
    return y[:, :COUNT]


def test_models_are_not_kept_alive_and_few_kinds_of_inputs_are_remembered():
    model = Switched()
    for n in range(2, 6 + remembered.KEPT):
        module_ntk(model, torch.randn((n, 3), dtype=D))
    assert len(remembered._plans[model]) == remembered.KEPT
    gone = weakref.ref(model)
    del model
    gc.collect()
    assert gone() is None


class Drawing(nn.Linear):
    """Adds something once in a hundred calls, by Python's own chance."""

    def forward(self, x):
        return super().forward(x) + (random.random() < 0.01)


class Skipping(nn.Linear):
    """The same by torch's."""

    def forward(self, x):
        return super().forward(x) + (torch.rand(()) < 0.01)


@pytest.mark.parametrize("kind", [Drawing, Skipping])
def test_rows_are_not_mapped_where_chance_is_at_work(kind):
    """One pass would see it too rarely: it is left to the many calls of the sub-batches."""
    x = rows()

    def found(model):
        return alone.alone(Subject(model, ("weight",)), Arguments((x,), {}), len(x))

    assert found(kind(3, 2, dtype=D)) is None
    plain = nn.Linear(3, 2, dtype=D)
    assert close(found(plain), plain(x).detach())


def test_rows_alone_are_batches_of_one():
    class Sized(nn.Linear):
        def forward(self, x):
            return super().forward(x) * len(x)

    model, x = Sized(3, 2, dtype=D), rows()
    found = alone.alone(Subject(model, ("weight",)), Arguments((x,), {}), len(x))
    assert close(found, model(x).detach() / len(x))
