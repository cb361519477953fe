"""The tests of a whole batch, before a number of it is believed: that its rows do not mix, and that none is mistaken.

Rows of the outputs. The rows are shuffled and run again in sub-batches of ⌈r/32⌉ of the batch's r rows (up to 32 rows:
each alone), and every output must be what it was in the batch. Whatever makes a row depend on others, on its place or
on the size of the batch shows, unless the rows that it depends on are all in its sub-batch: for one other row that has
the probability (⌈r/32⌉ − 1)/(r − 1) < 1/32, for more of them less, and for m pairs of rows about its m-th power. Rows
that were so tested in an earlier batch must only have the same outputs again beside other rows.

Rows of the gradients. Hooks take for granted that row i of a layer's input belongs to sample i. With weights w, drawn
at random and zero but for a sample S of the rows, and a random direction v of the outputs, the kernel K of that
direction must have wᵀKw = ‖∇ Σ_i w_i v·f_i‖², for every parameter, and the right-hand side is one plain backward pass,
in which nothing is known of rows. For K' ≠ K that holds with probability 0; S holds all rows of up to 64, else a
quarter of them and 64 at least, so that m rows that are mistaken for others all escape with probability < (3/4)^m. With
more than one batch it holds a quarter, and 8 at least, of each.

Both compare up to rounding, see `precision`: what is smaller than that is not seen.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch

from glutheory.errors import DomainError
from glutheory.sampling.modules import plain
from glutheory.sampling.modules.batches import Arguments
from glutheory.sampling.modules.contractions import Products
from glutheory.sampling.modules.differentiated import UNMAPPABLE, hopeless
from glutheory.sampling.modules.precision import close, nothing
from glutheory.sampling.modules.run import Route, Run, whole
from glutheory.sampling.modules.subject import Subject

Tensor = torch.Tensor
#: Sub-batches in which the outputs are computed once more.
PARTS = 32
#: Rows that are all drawn, in a batch that is the only one and in one of many, and the share that is drawn of more.
DRAWN, FEW, SHARE = 64, 8, 4
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
    order = torch.randperm(rows, generator=_generator(seed))
    tolerance = close(subject.single)
    least = tolerance * _SMALL * outputs.abs().max()
    for part in order.split(-(-rows // PARTS)):
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
        mix = torch.randn((k, _KNOWN), generator=_generator(self._seed), dtype=outputs.dtype).to(outputs.device)
        return outputs @ mix / _KNOWN**0.5


@dataclass(frozen=True)
class Probe:
    """What the kernels of a batch are tested with.

    Attributes:
        places: the rows that are drawn, S.
        weights: w, one for each of them.
        direction: v, shape (1, k).
        arguments: of these rows.
        squares: ‖∇ Σ_i w_i v·f_i‖² by the name of the parameter.
    """

    places: Tensor
    weights: Tensor
    direction: Tensor
    arguments: Arguments
    squares: dict[str, float]

    @classmethod
    def of(
        cls, subject: Subject, arguments: Arguments, outputs: Tensor, labels: Sequence[str], seed: int, *, only: bool
    ) -> Probe:
        """Drawn from the seed, with the plain gradient.

        Args:
            subject: the network.
            arguments: of the batch.
            outputs: of the batch.
            labels: what the rows are called.
            seed: of the draws.
            only: there is no other batch.

        Raises:
            DomainError: a gradient is not finite; it names the row.
        """
        rows, k = outputs.shape
        generator = _generator(seed)
        count = min(rows, max(DRAWN if only else FEW, -(-rows // SHARE)))
        places = torch.randperm(rows, generator=generator)[:count]
        draw = torch.rand(count, generator=generator, dtype=torch.float64) + 0.5
        sign = torch.randint(0, 2, (count,), generator=generator) * 2 - 1
        v = torch.randn((1, k), generator=generator, dtype=torch.float64) if k > 1 else torch.ones((1, 1))
        weights, v = (draw * sign).to(outputs), v.to(outputs)
        some = arguments.rows(places)
        found = plain.gradients(subject, some, weights[:, None] * v)[1]
        squares = {name: float(gradient.double().square().sum()) for name, gradient in found.items()}
        if not all(map(math.isfinite, squares.values())):
            _infinite(subject, arguments, v, [(int(place), labels[place]) for place in places])
        return cls(places.to(outputs.device), weights, v, some, squares)

    def wrong(
        self,
        subject: Subject,
        run: Run | None,
        routes: Sequence[Route],
        rows: int,
        workspace: int,
    ) -> set[str]:
        """The parameters whose kernels on these routes are not those of the plain gradient.

        Args:
            subject: the network.
            run: the forward pass of the batch, for the routes that are inner modules.
            routes: the routes that are tested.
            rows: of the batch.
            workspace: bytes of temporary arrays.
        """
        names = {name for route in routes for name in route.names.values()}
        forms = dict.fromkeys(names, 0.0)
        traces = dict.fromkeys(names, 0.0)
        w, failed = self.weights.double(), set[str]()

        def sink(name: str, kernel: Tensor) -> None:
            if name in names:
                forms[name] += float(w @ kernel.double() @ w)
                traces[name] += float((w.square() * kernel.diagonal()).sum())

        how = Products(workspace)
        if run is not None and any(route.path for route in routes):
            try:
                run.take(self.direction.expand(rows, -1), how, sink, self.places)
            except UNMAPPABLE as error:
                if hopeless(error):
                    raise
                failed |= {name for route in routes if route.path for name in route.names.values()}
            failed |= names & set(run.failed)
        for route in (route for route in routes if not route.path):
            try:
                whole(subject, route, self.arguments, self.direction.expand(len(w), -1), how, sink)
            except UNMAPPABLE as error:
                if hopeless(error) or route.plain:
                    raise
                failed |= set(route.names.values())
        least = nothing(subject.single) * max(sum(traces.values()), sum(self.squares.values()))
        return failed | {
            name
            for name in names
            if not abs(forms[name] - self.squares[name])
            <= close(subject.single) * max(traces[name], self.squares[name]) + least
        }


def _infinite(subject: Subject, arguments: Arguments, direction: Tensor, rows: Sequence[tuple[int, str]]) -> None:
    for place, label in rows:
        found = plain.gradients(subject, arguments.rows(slice(place, place + 1)), direction)[1]
        for name, gradient in found.items():
            if not bool(torch.isfinite(gradient).all()):
                raise DomainError(
                    f"model's gradient by {name!r} is not finite for {label}, where it has no NTK (a square root or a "
                    "norm at 0, say): remove that input, or smooth the model there."
                )


def _generator(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)
