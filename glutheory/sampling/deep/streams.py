"""The weights of several draws at once, as streams that can be read again from any place.

Each draw has its own generator (see `glutheory.sampling.weights`), read neuron by neuron through all layers. So a
network depends on its seed, its draw and the order of its layers only, not on the number of draws at a time. Where a
network has more weights than there is memory for, rows are forgotten after the forward pass, and drawn again from the
generator's remembered state on the way back.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from glutheory.sampling.weights import generator, normal

#: Numbers made at a time on a CPU, whose passes then stay in the cache: 40 ns for a number instead of 95 (measured).
_CACHED = 2**16


@dataclass(frozen=True)
class Rows:
    """Some neurons of a layer, for every draw.

    Attributes:
        start, stop: which.
        columns: numbers per neuron.
        kept: shape (draws, stop − start, columns), or None where they are drawn anew each time.
        states: of the generators in front of them, for that.
        like: a tensor of the device and dtype wanted.
    """

    start: int
    stop: int
    columns: int
    kept: torch.Tensor | None
    states: tuple[Any, ...]
    like: torch.Tensor

    def numbers(self) -> torch.Tensor:
        """Independent standard normal numbers, shape (draws, stop − start, columns)."""
        if self.kept is not None:
            return self.kept
        bits = []
        for state in self.states:
            again = np.random.SFC64()
            again.state = state
            bits.append(again)
        return _take(bits, self.stop - self.start, self.columns, self.like)


class Streams:
    """The streams of several draws of one seed, read side by side.

    Args:
        seed: a non-negative integer.
        draws: the indices of the draws.
        like: a tensor of the device and dtype wanted.
        most: how many numbers of a draw may be in memory at a time; None: keep all.
    """

    def __init__(self, seed: int, draws: Sequence[int], like: torch.Tensor, most: int | None = None) -> None:
        self._bits = [generator(seed, draw) for draw in draws]
        self._like, self._most = like, most

    def neurons(self, count: int, columns: int) -> tuple[Rows, ...]:
        """The next neurons, each with this many numbers, in pieces that fit into memory."""
        if self._most is None:
            kept = _take(self._bits, count, columns, self._like)
            return (Rows(0, count, columns, kept, (), self._like),)
        step, found = max(1, self._most // columns), []
        for start in range(0, count, step):
            stop = min(start + step, count)
            states = tuple(bits.state for bits in self._bits)
            for bits in self._bits:
                _skip(bits, stop - start, columns)
            found.append(Rows(start, stop, columns, None, states, self._like))
        return tuple(found)


def _raw(bits: np.random.SFC64, count: int, columns: int) -> np.ndarray[Any, np.dtype[np.int32]]:
    """The bits of `count` neurons, an even number of words for each."""
    pairs = (columns + 1) // 2
    return bits.random_raw(count * pairs).view(np.int32).reshape(count, 2 * pairs)


def _skip(bits: np.random.SFC64, count: int, columns: int) -> None:
    bits.random_raw(count * ((columns + 1) // 2), output=False)


def _take(bits: Sequence[np.random.SFC64], count: int, columns: int, like: torch.Tensor) -> torch.Tensor:
    raw = torch.from_numpy(np.concatenate([_raw(own, count, columns) for own in bits])).to(like.device)
    found = torch.empty(len(raw), columns, dtype=like.dtype, device=like.device)
    step = max(1, _CACHED // raw.shape[1]) if like.device.type == "cpu" else len(raw)
    for start in range(0, len(raw), step):
        found[start : start + step] = normal(raw[start : start + step], like.dtype)[:, :columns]
    return found.view(len(bits), count, columns)
