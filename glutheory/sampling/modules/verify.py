"""The tests of a whole batch, before a number of it is believed: that its rows do not mix, and that none is mistaken.

Rows of the outputs. The rows are shuffled and run again in sub-batches of at most ⌈n/32⌉ rows (up to 32 rows: each
alone), and every output must be what it was in the batch. Whatever makes a row depend on others, on its place or on
the size of the batch shows, unless the rows that it depends on are all in its sub-batch: for one other row that has
the probability (⌈n/32⌉ − 1)/(n − 1) < 1/32, for more rows less, for m pairs of rows about its m-th power.

Rows of the gradients. Hooks take for granted that row i of a layer's input belongs to sample i. With weights w, drawn
at random and zero but for a sample S of the rows, and a random direction v of the outputs, the kernel K of that
direction must have wᵀKw = ‖∇ Σ_i w_i v·f_i‖², for every parameter, and the right-hand side is one plain backward pass,
in which nothing is known of rows. For K' ≠ K that holds with probability 0; S holds all rows of up to 64, else a
quarter of them and 64 at least, so that m rows that are mistaken for others all escape with probability < (3/4)^m.

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
#: Rows that are all drawn, and the share that is drawn of more.
DRAWN, SHARE = 64, 4
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
    bad = (~torch.isfinite(outputs).all(1)).nonzero().flatten().tolist()
    if bad:
        raise DomainError(f"model's output is not finite for {labels[bad[0]]}: check that input and the weights.")
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
            k = wrong[0]
            raise DomainError(
                f"model's output for {labels[int(part[k])]} changes by {float(error[k]):.2g} with the other inputs of "
                "the batch, or by chance: call model.eval() and switch off batch statistics and random layers."
            )


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
    def of(cls, subject: Subject, arguments: Arguments, outputs: Tensor, labels: Sequence[str], seed: int) -> Probe:
        """Drawn from the seed, with the plain gradient.

        Raises:
            DomainError: a gradient is not finite; it names the row.
        """
        rows, k = outputs.shape
        generator = _generator(seed)
        count = rows if rows <= DRAWN else max(DRAWN, rows // SHARE)
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
        if run is not None:
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
