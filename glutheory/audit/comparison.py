"""A feed-forward network beside networks of its own kind and of the other one, drawn at the scales of its weights."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import torch

from glutheory.audit.findings import BlockAudit, Side, log_ratios
from glutheory.audit.kernels import Weights, entry_error
from glutheory.audit.search import Found
from glutheory.audit.subjects import Subject
from glutheory.audit.twin import Recipe
from glutheory.spectra import ConditionNumber, condition_number

#: What `glutheory.gram` guarantees of its entries.
_GRAM_ERROR = 1e-14
#: Streams of random numbers of one seed: of the networks of a block's own kind, of its twins (0 and 1: of `inputs`).
_OWN, _TWIN = 2, 3


def compared(block: Found, read: Subject, draws: int, seed: int, biases: bool) -> BlockAudit:
    """One feed-forward network, or the mixture of several, beside the same drawn anew and beside its twin.

    Args:
        block: as it was found.
        read: what it computes, and at which inputs.
        draws: how many networks of each kind are drawn.
        seed: of these.
        biases: whether biases count as parameters.
    """
    own = [Recipe.of(part.weights) for part in read.parts]
    error = max(entry_error(part.weights) for part in read.parts)

    def measured(networks: Iterable[Weights], counted: bool = biases) -> ConditionNumber:
        return condition_number(read.kernel(networks, biases=counted), entry_error=error)

    def side(recipes: Sequence[Recipe], stream: int, counted: bool = biases) -> Side:
        first = recipes[0]

        def networks(draw: int) -> Iterator[Weights]:
            # one after the other: all experts of a layer may be more than memory holds
            for recipe, part, place in zip(recipes, read.parts, places, strict=True):
                yield recipe.draw((seed, stream, *place, draw), part.X.device)

        drawn = tuple(measured(networks(draw), counted) for draw in range(draws))
        kernel = _expected(read, recipes, counted)
        return Side(
            first.kind,
            first.gated,
            first.width,
            first.parameters * (read.experts or 1),
            drawn,
            None if kernel is None else condition_number(kernel, entry_error=_GRAM_ERROR),
        )

    # of a mixture every expert has a stream of its own
    places = [(block.index,)] if read.experts is None else [(block.index, e) for e in range(len(own))]
    twins = [recipe.twin() for recipe in own]
    sides = side(own, _OWN), side(twins, _TWIN)
    biased = any(recipe.biased for recipe in own)
    # the same networks, whose biases do not count: the readout's may outweigh all else
    unbiased = log_ratios(side(own, _OWN, False), side(twins, _TWIN, False)) if biases and biased else None
    return BlockAudit(
        block.name,
        block.index,
        own[0].inputs,
        own[0].outputs,
        measured([part.weights for part in read.parts]),
        *sides,
        read.verified,
        biased,
        read.experts,
        unbiased,
    )


def _expected(read: Subject, recipes: Sequence[Recipe], biases: bool) -> torch.Tensor | None:
    """The mean kernel, up to a factor; None where one of the networks has none."""
    total = torch.zeros(read.n, read.n, dtype=torch.float64)
    for part, recipe in zip(read.parts, recipes, strict=True):
        kernel = recipe.expected(part.X, biases=biases)
        if kernel is None:
            return None
        part.add(total, torch.from_numpy(kernel))
    return total
