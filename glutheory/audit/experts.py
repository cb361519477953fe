"""Experts that a model keeps stacked: the matrices of all of them as parameters of three dimensions in one module."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import nn

from glutheory.audit.forms import ACTIVATIONS, FORMS, Form, child
from glutheory.audit.gates import factors, interleaved
from glutheory.audit.kernels import Weights
from glutheory.audit.nonlinearities import Nonlinearity, known, recognise


@dataclass(frozen=True)
class Stack:
    """The experts of one layer; nothing of them is copied or changed.

    Attributes:
        name: the path of their module.
        owner: that module.
        parent: the one that routes to it.
        form: which parameters they are.
        count: how many experts.
        transposed: whether a matrix is stored as (inputs, outputs).
        sizes: inputs, width and outputs of one expert.
        fused: whether one parameter holds gate and value.
    """

    name: str
    owner: nn.Module
    parent: nn.Module
    form: Form
    count: int
    transposed: bool
    sizes: tuple[int, int, int]
    fused: bool

    @property
    def device(self) -> torch.device:
        """Where its weights are."""
        return next(self.owner.parameters()).device

    def matrix(self, parameter: str, number: int) -> torch.Tensor:
        """The matrix of one expert, shape (outputs, inputs)."""
        found: torch.Tensor = getattr(self.owner, parameter).detach()[number]
        return found.mT if self.transposed else found

    def bias(self, parameter: str, number: int) -> torch.Tensor | None:
        """The bias that goes with it."""
        found = getattr(self.owner, f"{parameter}_bias", None)
        return None if found is None else found.detach()[number]


@dataclass(frozen=True)
class _Stacked:
    """What is audited of a stack; `index` is its place among all feed-forward networks of the model."""

    name: str
    index: int
    stack: Stack

    @property
    def width_in(self) -> int:
        """The dimension of its inputs."""
        return self.stack.sizes[0]

    @property
    def device(self) -> torch.device:
        """Where its weights are."""
        return self.stack.device


@dataclass(frozen=True)
class Expert(_Stacked):
    """One expert of a stack."""

    number: int


@dataclass(frozen=True)
class Mixture(_Stacked):
    """All experts of a stack, as the router mixes them; its place is after its experts."""


def stacked(model: nn.Module, name: str) -> Stack | None:
    """The experts in the module of this path; None if it has no parameters of such a form."""
    owner = model.get_submodule(name)
    for form in FORMS:
        parameters = [owner._parameters.get(part) for part in (*form.branches, form.readout)]
        tensors = [part for part in parameters if part is not None and part.ndim == 3 and part.is_floating_point()]
        if len(tensors) < len(parameters):
            continue
        hint = bool(getattr(owner, "is_transposed", False))
        found = _sizes([(part.shape[0], part.shape[1], part.shape[2]) for part in tensors], hint)
        if found is not None:
            parent = model.get_submodule(name.rpartition(".")[0])
            return Stack(name or type(owner).__name__, owner, parent, form, tensors[0].shape[0], *found)
    return None


def _sizes(shapes: list[tuple[int, int, int]], hint: bool) -> tuple[bool, tuple[int, int, int], bool] | None:
    """(transposed, sizes, fused) that these shapes allow; where both do, what the hint says."""
    *inward, outward = shapes
    if len({shape[0] for shape in shapes}) != 1 or len(set(inward)) != 1:
        return None
    for transposed in (hint, not hint):
        rows, inputs = inward[0][1:][::-1] if transposed else inward[0][1:]
        outputs, width = outward[1:][::-1] if transposed else outward[1:]
        if inputs == outputs and rows in ({width, 2 * width} if len(inward) == 1 else {width}):
            return transposed, (inputs, width, outputs), rows == 2 * width
    return None


def expert_readings(expert: Expert) -> Iterator[Weights]:
    """What an expert may compute, the most likely first."""
    stack, number = expert.stack, expert.number
    matrices = [stack.matrix(part, number) for part in stack.form.branches]
    biases = [stack.bias(part, number) for part in stack.form.branches]
    readout, offset = stack.matrix(stack.form.readout, number), stack.bias(stack.form.readout, number)
    if not stack.fused:
        for activation in _shown(stack.owner):
            yield Weights(tuple(matrices), tuple(biases), readout, offset, activation)
        return
    for neighbours, gate_first, activation, value in _pairings(stack.owner):
        first, second = _halves(matrices[0], neighbours)
        one, other = (None, None) if biases[0] is None else _halves(biases[0], neighbours)
        pair = ((second, first), (other, one)) if gate_first else ((first, second), (one, other))
        yield Weights(*pair, readout, offset, activation, value)


def _halves(fused: torch.Tensor, neighbours: bool) -> tuple[torch.Tensor, torch.Tensor]:
    if neighbours:
        return fused[::2], fused[1::2]
    half = len(fused) // 2
    return fused[:half], fused[half:]


def _shown(owner: nn.Module) -> Iterator[Nonlinearity]:
    shown = (child(owner, path) for path in ACTIVATIONS)
    yield from [own for function in shown if callable(function) and (own := recognise(function))] or known()


def _pairings(owner: nn.Module) -> Iterator[tuple[bool, bool, Nonlinearity, Nonlinearity | None]]:
    """(Whether gate and value are neighbours, whether the gate is first, φ, ψ)."""
    apply = getattr(owner, "_apply_gate", None)
    if callable(apply):
        neighbours, taken = interleaved(apply), factors(apply)
        if neighbours is not None and taken is not None:
            activation, value, first = taken
            yield neighbours, first, activation, value
        return
    for activation in _shown(owner):
        for neighbours in (False, True):
            for first in (True, False):
                yield neighbours, first, activation, None


def computed(stack: Stack, number: int, X: torch.Tensor) -> torch.Tensor | None:
    """What the module itself gives for one expert, shape (n, outputs); None if it cannot be asked.

    Every row is routed to that expert with weight 1; a module that takes a row for every expert gets it for each. To
    be called within `glutheory.audit.recording.evaluation`.
    """
    like = next(stack.owner.parameters())
    rows = X.to(like)
    index = torch.full((len(rows), 1), number, dtype=torch.long, device=rows.device)
    weights = torch.ones(len(rows), 1, dtype=rows.dtype, device=rows.device)
    for arguments in ((rows, index, weights), (rows.repeat(stack.count, 1),)):
        try:
            found = stack.owner(*arguments)
        except Exception:  # noqa: BLE001 (a module is code of other people: it may raise anything)
            continue
        if isinstance(found, torch.Tensor) and found.shape[-1] == stack.sizes[2]:
            flat = found.reshape(-1, found.shape[-1])
            if len(flat) == len(rows):
                return flat
            if len(flat) == stack.count * len(rows):
                return flat[number * len(rows) : (number + 1) * len(rows)]
    return None
