"""What the tests of a batch see, and with what probability something escapes them."""

# ruff: noqa: E402  (the package's sampling half can be imported only where torch is)

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from torch import nn

from glutheory.errors import DomainError
from glutheory.sampling import module_ntk
from glutheory.sampling.modules import independence
from glutheory.sampling.modules.batches import Arguments
from glutheory.sampling.modules.independence import Known, independent
from glutheory.sampling.modules.subject import Subject
from glutheory.sampling.modules.verify import Probe
from tests.sampling.autograd import per_sample

D = torch.float64


class Paired(nn.Module):
    """Each of some rows sees the next one, if that is there; the rows bear their numbers in the last column."""

    def __init__(self, pairs):
        super().__init__()
        self.f, self.pairs = nn.Linear(3, 1, dtype=D), pairs

    def forward(self, x):
        y = self.f(x[:, :3])
        place = {int(number): k for k, number in enumerate(x[:, 3])}
        seen = [(place[i], place[j]) for i, j in self.pairs if i in place and j in place]
        extra = torch.zeros_like(y)
        for i, j in seen:
            extra[i] = x[j, :1].abs() + 1
        return y + extra


def numbered(n):
    x = torch.randn((n, 4), generator=torch.Generator().manual_seed(5), dtype=D)
    x[:, 3] = torch.arange(n)
    return x


def escapes(pairs, n, seeds):
    model, x = Paired(pairs), numbered(n)
    subject, arguments = Subject(model, ("f.weight",)), Arguments((x,), {})
    with torch.no_grad():
        outputs, labels = model(x), [f"row {k}" for k in range(n)]
        return sum(not refused(subject, arguments, outputs, labels, seed) for seed in range(seeds))


def refused(subject, arguments, outputs, labels, seed):
    try:
        independent(subject, arguments, outputs, labels, seed)
    except DomainError:
        return True
    return False


def test_up_to_32_rows_nothing_escapes():
    assert escapes([(3, 7)], 32, 5) == 0
    # the negative control: without a pair nothing is refused
    assert escapes([], 32, 5) == 5


@pytest.mark.long
def test_one_row_that_sees_one_other_escapes_as_rarely_as_stated():
    """(⌈n/32⌉ − 1)/(n − 1): 3/127 for n = 128; 400 draws give 9.4 ± 3.0, and 5 deviations are left on each side."""
    count = escapes([(3, 7)], 128, 400)
    assert 0 < count < 25


@pytest.mark.long
def test_more_pairs_escape_more_rarely():
    """The square of 3/127, about: 0.2 of 400."""
    assert escapes([(3, 7), (20, 90)], 128, 400) <= 3


class Shuffled(nn.Module):
    """Some rows change places inside, and back again."""

    def __init__(self, order):
        super().__init__()
        self.f, self.o, self.order = nn.Linear(4, 5, dtype=D), nn.Linear(5, 1, dtype=D), order

    def forward(self, x):
        if len(x) != len(self.order):
            return self.o(self.f(x).tanh())
        back = torch.empty_like(self.order)
        back[self.order] = torch.arange(len(x))
        return self.o(self.f(x[self.order]).tanh())[back]


def shuffled(n, moved):
    order = torch.arange(n)
    order[:moved] = order[:moved].roll(1)
    torch.manual_seed(0)
    return Shuffled(order)


@pytest.mark.parametrize("moved", [2, pytest.param(10, marks=pytest.mark.slow)])
def test_rows_that_change_places_in_a_batch_of_up_to_64_are_seen(moved):
    model, x = shuffled(64, moved), numbered(64)
    blocks = module_ntk(model, x, blocks=True)
    true = per_sample(model, x)
    assert float((sum(blocks.values()) - true).abs().max()) <= 1e-12 * float(true.abs().max())
    assert blocks.ways["f.weight"] == "model"
    # what two rows in the first test cannot see
    assert set(module_ntk(shuffled(64, 0), x, blocks=True).ways.values()) == {"layer"}


@pytest.mark.parametrize("moved", [2, pytest.param(8, marks=pytest.mark.slow)])
def test_rows_that_change_places_in_a_larger_batch_escape_as_rarely_as_stated(moved):
    """Of 400 rows 100 are drawn. With rows on a circle of m, those of which none is drawn: (3/4)^m at most."""
    n, seeds = 400, 200
    model, x = shuffled(n, moved), numbered(n)
    subject, arguments = Subject(model, ("f.weight",)), Arguments((x,), {})
    outputs = model(x).detach()
    # the kernel as hooks find it: row i of the batch has the gradients of row order[i]
    with torch.no_grad():
        g = (1 - model.f(x).tanh() ** 2) * model.o.weight
        kernel = ((g @ g.T) * (x @ x.T))[model.order][:, model.order]
    escaped = 0
    for seed in range(seeds):
        probe = Probe.of(subject, arguments, outputs, ["row"] * n, seed, only=True)
        assert len(probe.places) == 100
        form = probe.weights @ kernel[probe.places][:, probe.places] @ probe.weights
        trace = (probe.weights.square() * kernel.diagonal()[probe.places]).sum()
        escaped += bool(abs(form - probe.squares["f.weight"]) <= 1e-7 * trace)
    bound = (3 / 4) ** moved
    # three deviations of the binomial count above its bound
    assert escaped <= seeds * bound + 3 * (seeds * bound * (1 - bound)) ** 0.5
    assert escaped < seeds


def test_rows_that_were_known_are_compared_again():
    model = nn.Linear(3, 40, dtype=D)
    subject, x, labels = Subject(model, ("weight",)), numbered(3)[:, :3], ["row 0", "row 1", "row 2"]
    known, outputs = Known(seed=0), model(x).detach()

    def knows(rows=slice(None)):
        return known.knows(subject, Arguments((x[rows],), {}), outputs[rows], labels[rows])

    assert not knows()
    known.learn(outputs, labels)
    assert knows()
    assert knows(slice(1, None))
    outputs[1, 7] += 1e-5
    with pytest.raises(DomainError, match="row 1 changes"):
        knows()
    outputs[1, 7] = torch.nan
    with pytest.raises(DomainError, match="not finite for row 1"):
        knows()


class Permuted(nn.Module):
    """Images whose normalisation gets its derivatives in another order of axes, as CvT and LeViT have it."""

    def __init__(self):
        super().__init__()
        self.norm, self.o = nn.BatchNorm2d(4, dtype=D), nn.Linear(4, 1, dtype=D)

    def forward(self, x):
        h = self.norm(x).flatten(2).permute(0, 2, 1)
        return (self.o(h) * torch.arange(1, 5, dtype=D)[:, None]).sum(1)


def test_where_torch_is_wrong_for_one_image_alone_nothing_wrong_comes_out():
    """Torch 2.13 misreads the strides of a batch of one: beside a copy of itself each image has its true gradient."""
    torch.manual_seed(0)
    model, x = Permuted().eval(), torch.randn((3, 4, 2, 2), generator=torch.Generator().manual_seed(1), dtype=D)
    rows = []
    for image in x:
        model.zero_grad()
        model(torch.stack([image, image]))[0].sum().backward()
        rows.append(torch.cat([p.grad.flatten() for p in model.parameters() if p.grad is not None]))
    true = torch.stack(rows) @ torch.stack(rows).T
    try:
        found, said = module_ntk(model, x), ""
    except DomainError as error:
        found, said = true, str(error)
    assert not said or "whether torch computes it alone" in said
    assert float((found - true).abs().max()) <= 1e-12 * float(true.abs().max())


#: Unit roundoff of a kernel's entries, relative to the diagonal, times a hundred for sums of some ten terms in another
#: order; and how many times larger one row may be so that its square hides the others but is no infinity.
PRECISIONS = [
    pytest.param(torch.float64, 1e-14, 1e10, id="float64"),
    pytest.param(torch.float32, 1e-5, 1e5, id="float32"),
    pytest.param(torch.float32, 1e-5, 1e12, id="float32, larger"),
]


class Rectified(Shuffled):
    """Proportional to its inputs, so that one row may be as large as one likes."""

    def __init__(self, order, outputs, dtype):
        super().__init__(order)
        torch.manual_seed(0)
        self.f = nn.Linear(4, 5, bias=False, dtype=dtype)
        self.o = nn.Linear(5, outputs, bias=False, dtype=dtype)

    def forward(self, x):
        if len(x) != len(self.order):
            return self.o(self.f(x).relu())
        return self.o(self.f(x[self.order]).relu())[self.order.argsort()]


def off(found, true):
    """The largest error relative to the diagonal."""
    size = true.diagonal().double().sqrt()
    return float(((found.double() - true.double()).abs() / torch.outer(size, size)).max())


@pytest.mark.parametrize("outputs", [1, 2])
@pytest.mark.parametrize(("dtype", "tolerance", "large"), PRECISIONS)
def test_rows_that_change_places_beside_a_large_one_are_seen(dtype, tolerance, large, outputs, monkeypatch):
    order = torch.arange(10)
    order[[3, 4, 5]] = order[[4, 5, 3]]
    x = numbered(10).to(dtype)
    x[:, 3], x[0] = 1, x[0] * large
    true = per_sample(Rectified(order, outputs, dtype), x)
    assert off(module_ntk(Rectified(order, outputs, dtype), x), true) <= tolerance
    # the negative control: with the first weights alone a wrong kernel is believed
    monkeypatch.setattr(Probe, "evened", lambda *_: None)
    assert off(module_ntk(Rectified(order, outputs, dtype), x), true) > 0.1


class Cancelling(nn.Module):
    """A residual that training has brought to 0: of the outputs nothing is left but rounding, another one if alone."""

    def __init__(self, dtype):
        super().__init__()
        self.f, self.o = nn.Linear(64, 128, dtype=dtype), nn.Linear(128, 1, bias=False, dtype=dtype)

    def forward(self, x):
        h, g = self.f(x).tanh(), self.f(x * (1 + torch.finfo(x.dtype).eps)).tanh()
        terms = h * self.o.weight
        parts = [terms[:, ::3], terms[:, 1::3], terms[:, 2::3]] if len(x) == 1 else [terms]
        return sum(part.sum(1, keepdim=True) for part in parts) - self.o(g).detach()


class Saturated(nn.Module):
    """Probabilities of which some are nearly 1: their gradients are what rounding leaves of 1 − p."""

    def __init__(self, dtype):
        super().__init__()
        self.f, self.o = nn.Linear(64, 128, dtype=dtype), nn.Linear(128, 1, dtype=dtype)

    def forward(self, x):
        return torch.sigmoid(60 * self.o(self.f(x).relu()))


@pytest.mark.parametrize("dtype", [D, torch.float32])
@pytest.mark.parametrize("make", [Cancelling, Saturated])
@pytest.mark.parametrize("large", [1.0, 1e6])
def test_rounding_of_a_row_is_no_mixture(make, dtype, large):
    for seed in range(5):
        torch.manual_seed(seed)
        model, x = make(dtype), torch.randn((40, 64), dtype=dtype)
        x[0] *= large
        module_ntk(model, x)


def test_only_what_changes_of_operands_explain_is_rounding(monkeypatch):
    torch.manual_seed(0)
    model, x = Cancelling(torch.float32), torch.randn((20, 64))
    subject, arguments = Subject(model, ("f.weight",), single=True), Arguments((x,), {})
    outputs, labels = model(x).detach(), [f"row {k}" for k in range(20)]
    assert float(outputs.abs().max()) < 1e-6  # of terms of order 1
    independent(subject, arguments, outputs, labels, 0)
    # where it is not told what rounding does the outputs are others: this is no test of nothing
    with monkeypatch.context() as patched:
        patched.setattr(independence, "moved", lambda *_: torch.zeros(20))
        with pytest.raises(DomainError, match="changes"):
            independent(subject, arguments, outputs, labels, 0)
    # a fraction of the terms is none
    outputs[7] += 1e-3
    with pytest.raises(DomainError, match="row 7 changes"):
        independent(subject, arguments, outputs, labels, 0)


def test_chance_is_no_rounding():
    class Noisy(nn.Linear):
        def forward(self, x):
            return super().forward(x) + torch.as_tensor(np.random.default_rng().normal(size=(len(x), 1)))

    with pytest.raises(DomainError, match="or by chance"):
        module_ntk(Noisy(4, 1, dtype=D), numbered(10))
