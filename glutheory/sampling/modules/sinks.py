"""Where products of gradients go while a backward pass goes by: into one accumulator for each kernel that is wanted.

A layer hands over either the per-sample gradients of a parameter or ready products of them. Where only the sum over all
parameters is wanted, gradients of small parameters are first put side by side, so that one matrix product and one pass
over the kernel serve many of them. Of a symmetric kernel only what is on and above the diagonal is formed.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Protocol

import torch

from glutheory.sampling.modules.contractions import Products, blocks

Tensor = torch.Tensor
#: Blocks of rows in which a symmetric product is formed, and the fewest rows of one.
_PARTS, _LEAST = 8, 128


class Sink(Protocol):
    """What takes the products of the gradients of a batch's rows.

    Attributes:
        joined: whether parameters need not be told apart.
    """

    joined: bool

    def rows(self, name: str, gradients: Tensor) -> None:
        """Take the products of these gradients of a parameter, shape (n, entries), which may be overwritten then."""

    def pairs(self, name: str, p: slice, q: slice, products: Tensor) -> None:
        """Take ready products of rows p with rows q; of a symmetric kernel those with p up to q, their twins not."""

    def single(self, _a: Tensor, _g: Tensor, _names: Mapping[str, str]) -> Sink:
        """Look at a linear layer that is called on one vector a sample; what is returned takes its products.

        Args:
            _a: its inputs, shape (n, fan-in).
            _g: derivatives with respect to its outputs, shape (n, fan-out).
            _names: of its "weight" and "bias", as far as they are wanted, with those in the model.
        """


class Sums:
    """A sink that adds up kernels."""

    def __init__(
        self, kernels: Mapping[str, Tensor], how: Products, total: str | None = None, columns: int = 0
    ) -> None:
        """Nothing is added yet.

        Args:
            kernels: accumulators by the name of the parameter, float64, shape (rows on the left, rows on the right).
            how: which products.
            total: the name of the only accumulator, for all parameters; None: each has its own.
            columns: entries of all gradients that will come, at most so many are put side by side.
        """
        self._kernels, self._how, self._total, self._columns = kernels, how, total, columns
        self.joined = total is not None
        self._buffer: Tensor | None = None
        self._used = 0

    def rows(self, name: str, gradients: Tensor) -> None:
        """See `Sink`."""
        n, count = gradients.shape
        if self._total is None:
            self._product(name, gradients)
            return
        kind = self._how.dtype or gradients.dtype
        if self._buffer is not None and (self._buffer.dtype, len(self._buffer)) != (kind, n):
            self.flush()
            self._buffer = None
        width = min(self._columns, self._how.workspace // (2 * n * kind.itemsize))
        if 2 * count > width:
            self._product(self._total, gradients)
            return
        if self._buffer is None:
            self._buffer = gradients.new_empty((n, width), dtype=kind)
        if self._used + count > width:
            self.flush()
        self._buffer[:, self._used : self._used + count] = gradients
        self._used += count

    def pairs(self, name: str, p: slice, q: slice, products: Tensor) -> None:
        """See `Sink`."""
        left, right = self._how.starts(p, q)
        self._kernels[self._total or name][left, right] += products

    def single(self, _a: Tensor, _g: Tensor, _names: Mapping[str, str]) -> Sink:
        """See `Sink`."""
        return self

    def flush(self) -> None:
        """Add what is put side by side."""
        if self._used:
            assert self._buffer is not None
            assert self._total is not None
            self._product(self._total, self._buffer[:, : self._used])
            self._used = 0

    def clear(self) -> None:
        """Forget all that was added."""
        self._used = 0
        for kernel in self._kernels.values():
            kernel.zero_()

    def _product(self, name: str, gradients: Tensor) -> None:
        x, kernel = self._how.cast(gradients), self._kernels[name]
        for p, q in _ranges(len(x), self._how):
            left, right = self._how.starts(p, q)
            place = kernel[left, right]
            if x.dtype == kernel.dtype:
                place.addmm_(x[p], x[q].T)
            else:
                place += x[p] @ x[q].T


def mirrored(kernel: Tensor) -> None:
    """Copy what is above the diagonal of a square matrix below it, in place."""
    n = len(kernel)
    for p, _ in blocks(slice(0, n), slice(0, 1), _LEAST):
        kernel[p.stop :, p] = kernel[p, p.stop :].T
        kernel[p, p] = kernel[p, p].triu() + kernel[p, p].triu(1).T


def _ranges(n: int, how: Products) -> Iterator[tuple[slice, slice]]:
    """Rows to be multiplied: all on the left with all on the right, or a triangle of blocks."""
    if how.split is not None:
        yield how.sides(n)
        return
    for p, _ in blocks(slice(0, n), slice(0, 1), max(_LEAST, -(-n // _PARTS))):
        yield p, slice(p.start, n)
