"""Every kind of model is right, by plain autograd on copies, or refused in a sentence; and it is left as it was.

That the values and the words are those of the table is tested in `tests.test_needs`.
"""

# ruff: noqa: E402  (the package's sampling half can be imported only where torch is)

import copy
import warnings

import pytest

torch = pytest.importorskip("torch")

from glutheory.errors import DomainError, PerformanceWarning
from glutheory.sampling import module_ntk
from tests.sampling.autograd import per_sample
from tests.sampling.kinds import KINDS

#: Sums of at most some hundred products of numbers of order 1, in another order, and a power iteration's rounding.
TOLERANCE = 1e-12
#: From the fastest way to the slowest.
WAYS = ("layer", "module", "model", "autograd")
RIGHT = [name for name, kind in KINDS.items() if not kind.refused]
REFUSED = [name for name, kind in KINDS.items() if kind.refused]


def found(model, inputs, **options):
    """The kernel's blocks, and whether a slow way was told."""
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        blocks = module_ntk(model, inputs, blocks=True, **options)
    assert {item.category for item in told} <= {PerformanceWarning}
    assert all(item.filename == __file__ for item in told)
    return blocks, bool(told)


def state(model):
    """All that a model holds, by value."""
    kept = {name: value.detach().clone() for name, value in model.state_dict().items()}
    attributes = {}
    for path, module in model.named_modules():
        for name, value in module.__dict__.items():
            if not isinstance(value, dict) or name not in ("_parameters", "_buffers", "_modules"):
                attributes[path, name] = copy.deepcopy(value)
    flags = {name: (p.requires_grad, p.grad, id(p), p.dtype) for name, p in model.named_parameters()}
    return kept, attributes, flags


def same(one, other):
    (kept, attributes, flags), (more, others, marks) = one, other
    assert kept.keys() == more.keys()
    assert all(torch.equal(value, more[name]) for name, value in kept.items())
    assert attributes.keys() == others.keys()
    for key, value in attributes.items():
        if isinstance(value, torch.Tensor):
            assert torch.equal(value, others[key])
        elif isinstance(value, dict):  # of hooks, of which copies have other addresses
            assert list(value) == list(others[key])
        else:
            assert str(value) == str(others[key])
    assert flags == marks


@pytest.mark.parametrize("name", RIGHT)
def test_is_right_and_leaves_the_model_as_it_was(name):
    kind = KINDS[name]
    true = per_sample(kind.model(), kind.inputs)
    model = kind.model()
    before = state(model)
    blocks, told = found(model, kind.inputs)
    total = sum(blocks.values())
    assert float((total - true).abs().max()) <= TOLERANCE * float(true.abs().max())
    # where parameters need not be told apart their gradients are put side by side
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", PerformanceWarning)
        fresh = kind.model()
        together, again = (module_ntk(fresh, kind.inputs) for _ in range(2))
    assert float((together - true).abs().max()) <= TOLERANCE * float(true.abs().max())
    # the second time by the plan that is remembered
    assert float((again - true).abs().max()) <= TOLERANCE * float(true.abs().max())
    assert max(blocks.ways.values(), key=WAYS.index) == kind.ways
    assert told == ("autograd" in blocks.ways.values())
    same(state(model), before)


@pytest.mark.long
@pytest.mark.parametrize("name", RIGHT)
def test_in_blocks_and_across(name):
    """Other batches, with other rows beside each other, are other layouts of the same numbers."""
    kind = KINDS[name]
    items = kind.inputs if isinstance(kind.inputs, dict) else {"": kind.inputs}
    left = {key: value[:3] for key, value in items.items()}
    right = {key: value[2:] for key, value in items.items()}
    if not isinstance(kind.inputs, dict):
        left, right = left[""], right[""]
    true = per_sample(kind.model(), kind.inputs)
    scale = float(true.abs().max())
    for blocks, wanted in (
        (found(kind.model(), kind.inputs, block=2, workspace=1)[0], true),
        (found(kind.model(), left, others=right)[0], true[:3, 2:]),
    ):
        assert float((sum(blocks.values()) - wanted).abs().max()) <= TOLERANCE * scale


@pytest.mark.parametrize("name", REFUSED)
def test_is_refused_and_left_as_it_was(name):
    kind = KINDS[name]
    model = kind.model()
    before = state(model)
    with pytest.raises(DomainError):
        module_ntk(model, kind.inputs)
    same(state(model), before)


@pytest.mark.parametrize("name", KINDS)
def test_chance_is_left_as_it_was(name):
    kind = KINDS[name]
    model = kind.model()
    torch.manual_seed(3)
    before = torch.get_rng_state()
    try:
        found(model, kind.inputs)
    except DomainError:
        assert kind.refused
    assert torch.equal(torch.get_rng_state(), before)
