"""The NTK of a module by its full Jacobian, the naive way."""

# ruff: noqa: E402  (the package's sampling half can be imported only where torch is)

import pytest

torch = pytest.importorskip("torch")

from torch import nn

from glutheory.sampling import FeedForward


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


class Recurring(nn.Module):
    """Layers of every known form that are called again and again, one of the calls for nothing."""

    def __init__(self):
        super().__init__()
        self.table, self.norm, self.mix = nn.Embedding(7, 4), nn.LayerNorm(4), nn.Conv2d(1, 1, 3, padding=1)
        self.inner, self.head = nn.Linear(4, 4), nn.Linear(4, 2)

    def forward(self, ids):
        x = self.table(ids) * self.table(ids.flip(1))
        self.inner(x)
        for _ in range(3):
            x = self.norm(x + torch.tanh(self.inner(x)))
            x = x + self.mix(x[:, None])[:, 0]
        return self.head(self.norm(x)).sum(1)


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
    "called again and again": (Recurring, (7, (5, 3))),
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
