"""The outputs of each row of a batch alone, all in a few calls of the model: torch.func maps a batch of one.

To the model each row is then a batch of one, whatever it does with it; what it does by means that torch.func cannot
follow (decisions that depend on numbers, ``.item()``, numpy, torch's own chance) ends in an error, and is run
otherwise.
"""

from __future__ import annotations

import random
import warnings
from typing import Any

import numpy as np
import torch
from torch.func import vmap

from glutheory.sampling.modules.batches import Arguments
from glutheory.sampling.modules.differentiated import UNMAPPABLE, mappable
from glutheory.sampling.modules.subject import Subject

Tensor = torch.Tensor
#: The most rows of one call.
ROWS = 256


def alone(subject: Subject, arguments: Arguments, rows: int) -> Tensor | None:
    """The outputs, shape (rows, k), or None.

    None where torch.func cannot map the model, where a tensor of it changes with every call, and where Python's or
    numpy's generator of random numbers was used: chance is seen better by many calls.

    Args:
        subject: the network.
        arguments: of the rows.
        rows: how many there are.
    """
    leaves = arguments.leaves()
    places = [place for place, x in enumerate(leaves) if isinstance(x, Tensor)]
    if subject.changing:
        return None

    def outputs(*values: Tensor) -> Tensor:
        one = list(leaves)
        for place, value in zip(places, values, strict=True):
            # a copy: the model may work in place
            one[place] = value.unsqueeze(0).clone()
        call = arguments.replaced(one)
        return subject.read(subject.model(*call.args, **call.kwargs), 1)[0]

    before = _chance()
    parts = []
    try:
        with torch.no_grad(), mappable(), warnings.catch_warnings():
            # an operation that torch maps by a loop is slower, not wrong
            warnings.filterwarnings("ignore", message="There is a performance drop")
            for start in range(0, rows, ROWS):
                some = [leaves[place][start : start + ROWS].detach() for place in places]
                with subject.scratch():
                    parts.append(vmap(outputs)(*some))
    except UNMAPPABLE as error:
        if isinstance(error, torch.OutOfMemoryError):
            raise
        return None
    return torch.cat(parts) if before == _chance() else None


def _chance() -> tuple[Any, ...]:
    """The state of the generators of random numbers that are no part of torch."""
    state: Any = np.random.get_state(legacy=True)
    return random.getstate(), state[1].tobytes(), *state[2:]
