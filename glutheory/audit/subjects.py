"""What is measured: one network with its inputs, or the experts of a layer, each with the inputs that are sent to it.

A layer y(x) = Σ_e f_e(x) z_e(x) has over the parameters of its experts, the router fixed, the NTK

    K(x, x') = Σ_e f_e(x) f_e(x') K_e(x, x'),

where K_e is the NTK of expert e; an expert contributes to pairs of inputs alone that are both sent to it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import torch

from glutheory.audit.blocks import Block, distance, readings, tolerance
from glutheory.audit.experts import Expert, Mixture, computed, expert_readings
from glutheory.audit.inputs import Given, rows
from glutheory.audit.kernels import Weights, ntk, outputs
from glutheory.audit.recording import Seen, evaluation, probe
from glutheory.audit.routing import Routed
from glutheory.audit.search import Found

_ELSE = "it computes something else than a feed-forward network with these weights"
_UNSEEN = "the model did not call it with one row per example"
#: The remedy for an expert that is a module of its own.
_SENT = ", but with those that the router sends to it: give inputs 'gaussian' or rows of your own"


@dataclass(frozen=True)
class Part:
    """One network of a subject.

    Attributes:
        weights: as they are in the model.
        X: its inputs, float64.
        places: the numbers of these rows among all n; None: they are all.
        factors: by what its outputs are weighed, one for each row; None: by 1.
    """

    weights: Weights
    X: torch.Tensor
    places: torch.Tensor | None = None
    factors: torch.Tensor | None = None

    def add(self, total: torch.Tensor, kernel: torch.Tensor) -> None:
        """Add its own kernel at `X` to that of the whole."""
        if self.places is None or self.factors is None:
            total += kernel
        else:
            places, factors = self.places.to(total.device), self.factors.to(total.device)
            total[places[:, None], places] += kernel * torch.outer(factors, factors)


@dataclass(frozen=True)
class Subject:
    """A feed-forward network, or the routed mixture of several of one kind and size.

    Attributes:
        parts: its networks that are given any input.
        n: how many inputs there are.
        verified: whether its reading was held against what the model computes.
        experts: of how many experts it is the mixture; None if it is one network.
    """

    parts: tuple[Part, ...]
    n: int
    verified: bool
    experts: int | None = None

    def kernel(self, networks: Iterable[Weights], *, biases: bool) -> torch.Tensor:
        """The NTK with these networks in the places of its own, float64, shape (n, n)."""
        total = torch.zeros(self.n, self.n, dtype=torch.float64, device=self.parts[0].X.device)
        for part, network in zip(self.parts, networks, strict=True):
            part.add(total, ntk(network, part.X, biases=biases))
        return total


def subject(found: Found, given: Given, seed: int) -> Subject | str:
    """What to measure, or why it cannot be."""
    X = rows(given, found, seed)
    if isinstance(found, Mixture):
        return _mixture(found, given, X)
    if X is None:
        return _UNSEEN + (_SENT if "expert" in found.name.rpartition(".")[0] else "")
    if isinstance(found, Expert):
        known = _expert(found, X)
        return _ELSE if known is None else Subject((Part(known, X),), len(X), True)
    seen = given.seen.get(found.index) or probe(found, X)
    seen = seen if isinstance(seen, Seen) else None
    weights = _read(found, seen)
    return _ELSE if weights is None else Subject((Part(weights, X),), len(X), seen is not None)


def _read(block: Block, seen: Seen | None) -> Weights | None:
    """What the block computes; None if no reading agrees with the model. Unseen, the likeliest reading is taken."""
    for weights in readings(block):
        if seen is None or distance(weights, seen.inputs, seen.features) <= tolerance(seen.features.dtype):
            return weights
    return None


def _expert(expert: Expert, X: torch.Tensor) -> Weights | None:
    """What an expert computes, held against its own module; None if no reading agrees with it."""
    with evaluation(expert.stack.owner):
        found = computed(expert.stack, expert.number, X)
    if found is None:
        return None
    return next((weights for weights in expert_readings(expert) if _agree(outputs(weights, X), found)), None)


def _agree(mine: torch.Tensor, theirs: torch.Tensor) -> bool:
    size = theirs.double().norm().clamp_min(1e-300)
    return bool((mine - theirs.double()).norm() / size <= tolerance(theirs.dtype))


def _mixture(mixture: Mixture, given: Given, X: torch.Tensor | None) -> Subject | str:
    seen = given.seen.get(mixture.index)
    if seen is None and X is not None:
        seen = probe(mixture, X)
    if not isinstance(seen, Routed):
        return "how its inputs are routed could not be read: the layer was not called with one row per example"
    parts = []
    total = torch.zeros_like(seen.outputs, dtype=torch.float64)
    for number in range(mixture.stack.count):
        places, inputs, factors = seen.of(number)
        if not len(places):
            continue
        weights = _expert(Expert(f"{mixture.name}.{number}", mixture.index, mixture.stack, number), inputs.double())
        if weights is None:
            return _ELSE
        total[places] += factors[:, None] * outputs(weights, inputs)
        parts.append(Part(weights, inputs.double(), places, factors))
    if not parts:
        return "its router sends none of the inputs to an expert"
    if not _agree(total, seen.outputs):
        return "it computes something else than the sum of its experts by these weights"
    return Subject(tuple(parts), len(seen.outputs), True, mixture.stack.count)
