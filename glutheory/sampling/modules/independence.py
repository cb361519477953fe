"""The test that the rows of a batch do not mix, before a number of it is believed.

Each row is run alone, all of them in a few calls that torch.func maps over the rows, and every output must be what it
was in the batch: then no row depends on others, on its place or on the size of the batch. Where torch.func cannot map
the model, or finds other outputs, the rows are shuffled and run again in sub-batches of ⌈r/32⌉ of the batch's r rows
(up to 32 rows: each alone), and every output must be what it was in the batch. Whatever makes a row depend on others,
on its place or on the size of the batch shows, unless the rows that it depends on are all in its sub-batch: for one
other row that has the probability (⌈r/32⌉ − 1)/(r − 1) < 1/32, for more of them less, and for m pairs of rows about its
m-th power. Rows that were so tested in an earlier batch must only have the same outputs again beside other rows.

It compares up to rounding, see `precision`: what is smaller than that is not seen.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch

from glutheory.errors import DomainError
from glutheory.sampling.modules.alone import alone
from glutheory.sampling.modules.batches import Arguments
from glutheory.sampling.modules.precision import close
from glutheory.sampling.modules.subject import Subject

Tensor = torch.Tensor
#: Sub-batches in which the outputs are computed once more.
PARTS = 32
#: Combinations of outputs by which rows are known again.
_KNOWN = 16
#: Differences of outputs below this share of the tolerance times the largest output of the batch are rounding.
_SMALL = 1 / 40


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
    tolerance = close(subject.single)
    least = tolerance * _SMALL * outputs.abs().max()
    each = alone(subject, arguments, rows)
    if each is not None and each.shape == outputs.shape:
        error = (each - outputs).abs().amax(1)
        if bool((error <= tolerance * outputs.abs().amax(1) + least).all()):
            return
    # torch.func has no last word: what it cannot do, or sees otherwise, is run
    for part in torch.split(order, -(-rows // PARTS)):
        again = subject.outputs(arguments.rows(part), len(part)).detach()
        if again.shape != (len(part), outputs.shape[1]):
            raise DomainError(
                f"model returns the shape {tuple(outputs.shape)} for {rows} inputs and {tuple(again.shape)} for "
                f"{len(part)} of them: give output=, a function that makes one row per input of what it returns."
            )
        here = outputs[part.to(outputs.device)]
        error = (again - here).abs().amax(1)
        # not "error > …", which NaN is not
        wrong = (~(error <= tolerance * here.abs().amax(1) + least)).nonzero().flatten().tolist()
        if wrong:
            raise _mixed(labels[int(part[wrong[0]])], float(error[wrong[0]]))


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

    def __init__(self, single: bool, seed: int) -> None:
        """Nothing is known yet.

        Args:
            single: whether some arithmetic of the model is float32.
            seed: of the combinations.
        """
        self._single, self._seed = single, seed
        self._values: dict[str, Tensor] = {}

    def knows(self, outputs: Tensor, labels: Sequence[str]) -> bool:
        """Whether all these rows were tested before.

        Raises:
            DomainError: a row had other outputs then.
        """
        check_finite(outputs, labels)
        if not all(label in self._values for label in labels):
            return False
        now, then = self._short(outputs), torch.stack([self._values[label] for label in labels])
        error, size = (now - then).norm(dim=1), now.norm(dim=1)
        tolerance = close(self._single)
        wrong = (~(error <= tolerance * (size + _SMALL * size.max()))).nonzero().flatten().tolist()
        if wrong:
            raise _mixed(labels[wrong[0]], float(error[wrong[0]]))
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
