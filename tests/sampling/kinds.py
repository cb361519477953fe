"""Models of the wild, one of each kind that users of such tools met trouble with: the need, the model, the right value.

A kind is a row of `KINDS`; whoever meets another one adds a row.
"""

# ruff: noqa: E402  (the package's sampling half can be imported only where torch is)

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

torch = pytest.importorskip("torch")

from torch import nn
from torch.utils.checkpoint import checkpoint

D = torch.float64


@dataclass(frozen=True)
class Kind:
    """One kind of model.

    Attributes:
        need: what its users want, or what went wrong for them.
        make: the model, after seed 0 and with float64 as the default.
        inputs: of a call.
        value: entry [1, 1] of the NTK summed over outputs, from `autograd.per_sample`; None where there is none.
        ways: the slowest way in which some parameter must be differentiated.
        refused: words of the refusal where there is no NTK.
    """

    need: str
    make: Callable[[], Any]
    inputs: Any
    value: float | None
    ways: str = "layer"
    refused: str = ""

    def model(self) -> Any:
        """Built anew, always the same."""
        default = torch.get_default_dtype()
        torch.set_default_dtype(D)
        try:
            torch.manual_seed(0)
            return self.make()
        finally:
            torch.set_default_dtype(default)


class Sorting(nn.Module):
    def __init__(self):
        super().__init__()
        self.f, self.o = nn.Linear(2, 8), nn.Linear(8, 1)

    def forward(self, x):
        order = x[:, 0].argsort()
        return self.o(self.f(x[order]).tanh())[order.argsort()]


class Packed(nn.Module):
    """Only the tokens that are there go through the layer, all samples' as one list."""

    def __init__(self):
        super().__init__()
        self.f, self.o = nn.Linear(3, 6), nn.Linear(6, 1)

    def forward(self, x, mask):
        there = mask[..., None].expand(*mask.shape, 6)
        h = x.new_zeros(there.shape).masked_scatter(there, self.f(x[mask]).tanh())
        return self.o(h.sum(1))


class PackedSequence(nn.Module):
    """torch's own way of packing: the longest sample comes first."""

    def __init__(self):
        super().__init__()
        self.f, self.o = nn.GRU(3, 4, batch_first=True), nn.Linear(4, 1)

    def forward(self, x, lengths):
        packed = nn.utils.rnn.pack_padded_sequence(x, lengths.cpu(), batch_first=True, enforce_sorted=False)
        return self.o(self.f(packed)[1][-1])


class Unique(nn.Module):
    """Equal rows are computed once."""

    def __init__(self):
        super().__init__()
        self.f, self.o = nn.Linear(2, 5), nn.Linear(5, 1)

    def forward(self, x):
        rows, place = x.unique(dim=0, return_inverse=True)
        return self.o(self.f(rows).tanh())[place]


class Centred(nn.Module):
    def __init__(self):
        super().__init__()
        self.f, self.o = nn.Linear(2, 8), nn.Linear(8, 1)

    def forward(self, x):
        h = self.f(x)
        return self.o((h - h.mean(0)).tanh())


class Neutral(nn.Module):
    """The mean of the batch in the gradient only."""

    def __init__(self):
        super().__init__()
        self.f, self.o = nn.Linear(4, 5), nn.Linear(5, 1)

    def forward(self, x):
        h = self.f(x).tanh()
        return self.o(h + h.mean(0) - h.mean(0).detach())


class Neighbour(nn.Module):
    """Row 3 depends on row 4 and on nothing else; all others are alone."""

    def __init__(self):
        super().__init__()
        self.o = nn.Linear(4, 1)

    def forward(self, x):
        x = x.clone()
        if len(x) > 4:
            x[3] += x[4]
        return self.o(x)


class NeighbourInGradient(nn.Module):
    """The same in the gradient only."""

    def __init__(self):
        super().__init__()
        self.o = nn.Linear(4, 1)

    def forward(self, x):
        y = self.o(x)
        extra = torch.zeros_like(y)
        if len(x) > 4:
            extra[3] = y[4] - y[4].detach()
        return y + extra


class FrozenEncoder(nn.Module):
    def __init__(self):
        super().__init__()
        self.encoder, self.o = nn.Linear(4, 6), nn.Linear(6, 2)

    def forward(self, x):
        with torch.no_grad():
            h = self.encoder(x).tanh()
        return self.o(h)


class Checkpointed(nn.Module):
    def __init__(self, *, old):
        super().__init__()
        self.a, self.o, self.old = nn.Linear(4, 6), nn.Linear(6, 2), old
        self.b = nn.Sequential(nn.Linear(6, 6), nn.Tanh(), nn.Linear(6, 6))

    def forward(self, x):
        return self.o(checkpoint(self.b, self.a(x), use_reentrant=self.old))


class OldFunction(torch.autograd.Function):  # type: ignore[name-defined]
    """A function in the style of torch 1: no setup_context."""

    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x.clamp(min=0) ** 2

    @staticmethod
    def backward(ctx, g):
        (x,) = ctx.saved_tensors
        return 2 * g * x.clamp(min=0)


class Handwritten(nn.Module):
    """Bare parameters, so that only the whole model can be differentiated, through an old function."""

    def __init__(self):
        super().__init__()
        self.a, self.o = nn.Parameter(torch.randn(4, 6)), nn.Linear(6, 2)

    def forward(self, x):
        return self.o(OldFunction.apply(x @ self.a))


class Residual(nn.Module):
    """The residual u_x − u of a differential equation, as physics-informed networks have it."""

    def __init__(self):
        super().__init__()
        self.u = nn.Sequential(nn.Linear(2, 6), nn.Tanh(), nn.Linear(6, 1))

    def forward(self, x):
        x = x.requires_grad_()
        u = self.u(x)
        (slope,) = torch.autograd.grad(u.sum(), x, create_graph=True)
        return slope[:, :1] - u


class Top1(nn.Module):
    """A router by hand: each row goes to one expert, in place."""

    def __init__(self):
        super().__init__()
        self.router, self.o = nn.Linear(4, 3), nn.Linear(4, 2)
        self.experts = nn.ModuleList(nn.Linear(4, 4) for _ in range(3))

    def forward(self, x):
        p = self.router(x).softmax(-1)
        top, y = p.argmax(-1), torch.zeros_like(x)
        for k, expert in enumerate(self.experts):
            chosen = top == k
            if chosen.any():
                y[chosen] = expert(x[chosen]).tanh() * p[chosen, k : k + 1]
        return self.o(y)


class Lookup(nn.Module):
    def __init__(self, **options):
        super().__init__()
        self.table, self.o = nn.Embedding(7, 4, **options), nn.Linear(4, 2)

    def forward(self, ids):
        return self.o(self.table(ids).tanh().sum(1))


class Complex(nn.Module):
    def __init__(self):
        super().__init__()
        self.w = nn.Parameter(torch.randn(4, 3, dtype=torch.complex128))
        self.v, self.o = nn.Linear(3, 3, dtype=torch.complex128), nn.Linear(3, 2)

    def forward(self, x):
        return self.o(self.v(x.to(self.w.dtype) @ self.w).abs())


class Remembering(nn.Module):
    """It counts its calls in a buffer, in an attribute and in a list, and the output depends on them."""

    def __init__(self):
        super().__init__()
        self.o = nn.Linear(4, 2)
        self.register_buffer("count", torch.zeros((), dtype=torch.long))
        self.calls, self.seen, self.cache = 0, [], torch.zeros(2)

    def forward(self, x):
        self.count += 1  # type: ignore[operator, assignment]
        self.calls += 1
        self.seen.append(len(x))
        self.cache += 1
        self.last = x
        return self.o(x) * (self.get_buffer("count") + self.calls + len(self.seen) + self.cache[0])


class Clipped(nn.Module):
    """Weights that are clipped before use, as critics of GANs have it."""

    def __init__(self):
        super().__init__()
        self.f, self.o = nn.Linear(4, 5), nn.Linear(5, 1)

    def forward(self, x):
        self.f.weight.data.clamp_(-0.2, 0.2)
        return self.o(self.f(x).tanh())


class Converted(nn.Module):
    """A layer converted to a dtype in each call, if only to the one it has: torch.func crashed the process there."""

    def __init__(self):
        super().__init__()
        self.scale, self.f = nn.Parameter(torch.ones(3)), nn.Linear(4, 3)

    def forward(self, x):
        self.f = self.f.to(x.dtype)
        return self.f(x).tanh() * self.scale


class InPlace(nn.Module):
    """Works in place on what it is given."""

    def __init__(self):
        super().__init__()
        self.f = nn.Linear(4, 3)

    def forward(self, x):
        x *= 2
        return self.f(x.tanh_())


class Squeezed(nn.Module):
    """A batch of one has no batch axis at the end."""

    def __init__(self):
        super().__init__()
        self.f, self.o = nn.Linear(4, 5), nn.Linear(5, 1)

    def forward(self, x):
        return self.o(self.f(x).tanh()).squeeze()


class Recurrent(nn.Module):
    def __init__(self):
        super().__init__()
        self.f, self.o = nn.LSTM(3, 4, batch_first=True), nn.Linear(4, 2)

    def forward(self, x):
        return self.o(self.f(x)[0][:, -1])


class Rooted(nn.Module):
    """The norm of an image, whose gradient is not finite where the image is 0."""

    def __init__(self):
        super().__init__()
        self.f = nn.Linear(4, 3, bias=False)

    def forward(self, x):
        return self.f(x).square().sum(1).sqrt()


def spectral_norm(function: Any) -> Any:
    return nn.Sequential(function(nn.Linear(4, 5)), nn.Tanh(), nn.Linear(5, 2)).train()


def normal(*shape: int) -> Any:
    return torch.randn(shape, generator=torch.Generator().manual_seed(1), dtype=D)


def circle() -> Any:
    """Seven points whose first is the last."""
    angle = torch.linspace(0, 2 * torch.pi, 7, dtype=D)
    points = torch.stack([angle.cos(), angle.sin()], 1)
    points[-1] = points[0]
    return points


def with_row(value: float) -> Any:
    x = normal(5, 4)
    x[2] = value
    return x


def beside_large(size: float, dtype: Any = D) -> Any:
    x = normal(10, 4)
    x[0] *= size
    return x.to(dtype)


IDS = torch.randint(0, 7, (6, 3), generator=torch.Generator().manual_seed(1))
LENGTHS = torch.tensor([2, 3, 1, 2])
MASK = torch.arange(3) < LENGTHS[:, None]
ROWS = torch.tensor([[0.0, 1], [3, 1], [1, 2], [2, 0], [4, 1]], dtype=D)
TWINS = ROWS[[0, 1, 0, 2, 1, 3]]

KINDS: dict[str, Kind] = {
    # silently wrong before
    "sorted inside": Kind("retrieval heads sort the batch and undo it; 4.504 came out", Sorting, ROWS, 4.993, "model"),
    "packed by a mask": Kind(
        "padding is skipped by x[mask] and masked_scatter; the rows were cut at equal lengths",
        Packed,
        {"x": normal(4, 3, 3), "mask": MASK},
        6.628,
        "model",
    ),
    "packed sequence": Kind(
        "recurrent nets on texts of several lengths reorder the batch by length",
        PackedSequence,
        {"x": normal(4, 3, 3), "lengths": LENGTHS},
        1.461,
        "autograd",
    ),
    "equal rows once": Kind("duplicates are computed once and copied", Unique, TWINS, 4.223, "model"),
    "centred on a closed curve": Kind(
        "the batch is centred; only the end rows, here equal, were compared",
        Centred,
        circle(),
        None,
        refused="row .* of",
    ),
    "one row sees another": Kind(
        "an off-by-one in a batched gather", Neighbour, normal(6, 4), None, refused="row 3 of inputs changes"
    ),
    # a batch was compared relative to its largest row
    "one row sees another beside a large row": Kind(
        "an outlier: an input that nobody normalised",
        Neighbour,
        beside_large(1e10),
        None,
        refused="row 3 of inputs changes",
    ),
    "one row sees another beside a large row in float32": Kind(
        "the same in the precision that people use",
        lambda: Neighbour().float(),
        beside_large(1e5, torch.float32),
        None,
        refused="row 3 of inputs changes",
    ),
    "mixed gradients beside a large row": Kind(
        "an outlier, and outputs that do not tell", NeighbourInGradient, beside_large(1e10), None, refused="gradient by"
    ),
    "mixed gradients beside a large row in float32": Kind(
        "the same in the precision that people use",
        lambda: NeighbourInGradient().float(),
        beside_large(1e5, torch.float32),
        None,
        refused="gradient by",
    ),
    "mixed gradients": Kind(
        "a straight-through mean over the batch changes no output", Neutral, normal(5, 4), None, refused="gradient by"
    ),
    "NaN in the middle": Kind(
        "one broken image among many", lambda: nn.Linear(4, 2), with_row(torch.nan), None, refused="row 2 of inputs"
    ),
    "inf in the middle": Kind(
        "one overflow among many", lambda: nn.Linear(4, 2), with_row(torch.inf), None, refused="row 2 of inputs"
    ),
    "norm of zero": Kind("gradient penalties at a blank image", Rooted, with_row(0.0), None, refused="row 2 of inputs"),
    "renormalised embedding": Kind("max_norm rewrote the caller's table", lambda: Lookup(max_norm=0.5), IDS, 6.692),
    "spectral norm": Kind(
        "in training mode each call is a step of the power iteration",
        lambda: spectral_norm(nn.utils.parametrizations.spectral_norm),
        normal(5, 4),
        15.82,
        "module",
    ),
    "spectral norm by hooks": Kind(
        "the older one, which most repositories use",
        lambda: spectral_norm(nn.utils.spectral_norm),
        normal(5, 4),
        16.31,
        "model",
    ),
    "memory of calls": Kind("counters and caches moved on with every call", Remembering, normal(5, 4), 709.6),
    "clipped weights": Kind("a critic clips its own weights", Clipped, normal(5, 4), 4.605),
    "converted inside": Kind(
        "routers that compute in a dtype of their own (SwitchTransformers)", Converted, normal(5, 4), 26.37, "autograd"
    ),
    "in place on the inputs": Kind("a first layer works in place", InPlace, normal(5, 4), 14.64),
    # raw errors before
    "frozen encoder": Kind("linear probes: the encoder runs under no_grad", FrozenEncoder, normal(5, 4), 6.134),
    "checkpointed": Kind(
        "activations are recomputed to save memory", lambda: Checkpointed(old=False), normal(5, 4), 7.379
    ),
    "checkpointed, reentrant": Kind(
        "the older checkpoints, which refuse autograd.grad",
        lambda: Checkpointed(old=True),
        normal(5, 4),
        7.379,
        "autograd",
    ),
    "old function": Kind(
        "custom backward passes without setup_context (BLOOM, RecurrentGemma)",
        Handwritten,
        normal(5, 4),
        5784.0,
        "autograd",
    ),
    "gradient inside": Kind("residuals of physics-informed networks", Residual, normal(5, 2), 2.690, "autograd"),
    "top-1 routing": Kind("experts written by hand", Top1, normal(8, 4), 2.453, "model"),
    "sparse gradients": Kind("large vocabularies", lambda: Lookup(sparse=True), IDS, 9.192),
    "complex weights": Kind("Fourier layers, unitary networks", Complex, normal(5, 4), 124.2, "model"),
    "frequencies": Kind(
        "gradients by the frequency of an id in the batch",
        lambda: Lookup(scale_grad_by_freq=True),
        IDS,
        None,
        refused="gradient by 'table.weight' depends on the other inputs",
    ),
    "squeezed": Kind("model(x).squeeze() loses the axis of a batch of one", Squeezed, normal(5, 4), 4.863),
    "LSTM": Kind("keeps a second list of its weights", Recurrent, normal(5, 6, 3), 2.490, "model"),
}
