"""The test that the rows of a batch do not mix, before a number of it is believed.

Each row is run alone, all of them in a few calls that torch.func maps over the rows, and every output must be what it
was in the batch: then no row depends on others, on its place or on the size of the batch. Where torch.func cannot map
the model, or finds other outputs, the rows are shuffled and run again in sub-batches of ⌈r/32⌉ of the batch's r rows
(up to 32 rows: each alone), and every output must be what it was in the batch. Whatever makes a row depend on others,
on its place or on the size of the batch shows, unless the rows that it depends on are all in its sub-batch: for one
other row that has the probability (⌈r/32⌉ − 1)/(r − 1) < 1/32, for more of them less, and for m pairs of rows about its
m-th power. Rows that were so tested in an earlier batch must only have the same outputs again beside other rows.

It compares up to rounding, row by row: outputs of a row are the same where they differ by less than the share of
`precision.close` of the largest of them, or, since these may cancel, by less than what relative changes of the operands
of all operations by `precision.change` make of that row, see `rounding`. What is smaller than that is not seen,
whatever the other rows are.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cached_property

import torch

from glutheory.errors import DomainError
from glutheory.sampling.modules.alone import alone
from glutheory.sampling.modules.batches import Arguments
from glutheory.sampling.modules.precision import close, smallest
from glutheory.sampling.modules.rounding import moved
from glutheory.sampling.modules.subject import Subject

Tensor = torch.Tensor
#: Sub-batches in which the outputs are computed once more.
PARTS = 32
#: Combinations of outputs by which rows are known again.
_KNOWN = 16


def independent(subject: Subject, arguments: Arguments, outputs: Tensor, labels: Sequence[str], seed: int) -> None:
    """Refuse outputs of a batch that are not finite, or not those of its rows in smaller batches.

    Args:
        subject: the network.
        arguments: of the batch.
        outputs: of the batch, shape (rows, k).
        labels: what the rows are called.
        seed: of the sub-batches.

    Raises:
        DomainError: it names the row.
    """
    check_finite(outputs, labels)
    rows = len(outputs)
    order = torch.randperm(rows, generator=torch.Generator().manual_seed(seed))
    batch = Batch(subject, arguments, outputs, seed)
    each = alone(subject, arguments, rows)
    if each is not None and each.shape == outputs.shape and not batch.others(each):
        return
    # torch.func has no last word: what it cannot do, or sees otherwise, is run
    for part in torch.split(order, -(-rows // PARTS)):
        again = subject.outputs(arguments.rows(part), len(part)).detach()
        if again.shape != (len(part), outputs.shape[1]):
            raise DomainError(
                f"model returns the shape {tuple(outputs.shape)} for {rows} inputs and {tuple(again.shape)} for "
                f"{len(part)} of them: give output=, a function that makes one row per input of what it returns."
            )
        for place, error in batch.others(again, part.to(outputs.device)):
            raise _mixed(labels[int(part[place])], error)


class Batch:
    """The outputs of a batch, with which those of its rows elsewhere are compared."""

    def __init__(self, subject: Subject, arguments: Arguments, outputs: Tensor, seed: int) -> None:
        """Of shape (rows, k); the seed is that of the changes that tell rounding."""
        self._subject, self._arguments, self._outputs, self._seed = subject, arguments, outputs, seed

    def others(
        self, again: Tensor, places: Tensor | None = None, short: Callable[[Tensor], Tensor] | None = None
    ) -> list[tuple[int, float]]:
        """Where the outputs of these rows are others, and by how much.

        Args:
            again: theirs elsewhere, shape (rows, k).
            places: of the rows in the batch; None: all of them.
            short: what of the outputs is compared; None: themselves.
        """
        here = self._outputs if short is None else short(self._outputs)
        here = here if places is None else here[places]
        error, single = (again - here).abs().amax(1), self._subject.single
        # not "error > …", which NaN is not
        wrong = ~(error <= close(single) * here.abs().amax(1) + smallest(single))
        if bool(wrong.any()):
            sizes = self._rounding if short is None else self._moved(short)
            wrong &= ~(error <= (sizes if places is None else sizes[places]))
        return [(place, float(error[place])) for place in wrong.nonzero().flatten().tolist()]

    @cached_property
    def _rounding(self) -> Tensor:
        return self._moved(lambda outputs: outputs)

    def _moved(self, short: Callable[[Tensor], Tensor]) -> Tensor:
        """For each row how far its outputs may be off by rounding."""
        rows = len(self._outputs)

        return moved(
            lambda: self._subject.outputs(self._arguments, rows).detach(),
            self._outputs,
            lambda difference: short(difference).abs().amax(1),
            self._subject.single,
            self._seed,
        )


def check_finite(outputs: Tensor, labels: Sequence[str]) -> None:
    """Refuse outputs that are not finite.

    Raises:
        DomainError: it names the row.
    """
    bad = (~torch.isfinite(outputs).all(1)).nonzero().flatten().tolist()
    if bad:
        raise DomainError(f"model's output is not finite for {labels[bad[0]]}: check that input and the weights.")


def _mixed(label: str, error: float) -> DomainError:
    return DomainError(
        f"model's output for {label} changes by {error:.2g} with the other inputs of the batch, or by chance: call "
        "model.eval() and switch off batch statistics and random layers."
    )


class Known:
    """The rows that were tested in earlier batches, by their outputs, or by random combinations of many outputs."""

    def __init__(self, seed: int) -> None:
        """Nothing is known yet; the seed is that of the combinations."""
        self._seed = seed
        self._values: dict[str, Tensor] = {}

    def knows(self, subject: Subject, arguments: Arguments, outputs: Tensor, labels: Sequence[str]) -> bool:
        """Whether all these rows were tested before.

        Args:
            subject: the network.
            arguments: of the batch.
            outputs: of the batch, shape (rows, k).
            labels: what the rows are called.

        Raises:
            DomainError: a row had other outputs then.
        """
        check_finite(outputs, labels)
        if not all(label in self._values for label in labels):
            return False
        then = torch.stack([self._values[label] for label in labels])
        for place, error in Batch(subject, arguments, outputs, self._seed).others(then, short=self._short):
            raise _mixed(labels[place], error)
        return True

    def learn(self, outputs: Tensor, labels: Sequence[str]) -> None:
        """These rows were tested."""
        self._values |= dict(zip(labels, self._short(outputs), strict=True))

    def _short(self, outputs: Tensor) -> Tensor:
        k = outputs.shape[1]
        if k <= _KNOWN:
            return outputs.clone()
        generator = torch.Generator().manual_seed(self._seed)
        mix: Tensor = torch.randn((k, _KNOWN), generator=generator, dtype=outputs.dtype).to(outputs.device)
        mixed: Tensor = torch.matmul(outputs, mix) / _KNOWN**0.5
        return mixed
