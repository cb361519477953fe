"""The test that no row of a batch is mistaken for another one, before a number of it is believed.

Hooks take for granted that row i of a layer's input belongs to sample i. With weights w, drawn
at random and zero but for a sample S of the rows, and a random direction v of the outputs, the kernel K of that
direction must have wᵀKw = ‖∇ Σ_i w_i v·f_i‖², for every parameter, and the right-hand side is one plain backward pass,
in which nothing is known of rows. For K' ≠ K that holds with probability 0; S holds all rows of up to 64, else a
quarter of them and 64 at least, so that m rows that are mistaken for others all escape with probability < (3/4)^m. With
more than one batch it holds a quarter, and 8 at least, of each.

It compares up to rounding, see `precision`: what is smaller than that is not seen.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import torch

from glutheory.errors import DomainError
from glutheory.sampling.modules import plain
from glutheory.sampling.modules.batches import Arguments
from glutheory.sampling.modules.contractions import Products
from glutheory.sampling.modules.differentiated import UNMAPPABLE, hopeless
from glutheory.sampling.modules.precision import close, nothing
from glutheory.sampling.modules.routes import Route
from glutheory.sampling.modules.run import Run, whole
from glutheory.sampling.modules.subject import Subject

Tensor = torch.Tensor
#: Rows that are all drawn, in a batch that is the only one and in one of many, and the share that is drawn of more.
DRAWN, FEW, SHARE = 64, 8, 4


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
        sink, failed = Forms(self.weights, names), set[str]()
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
                whole(subject, route, self.arguments, self.direction.expand(len(self.weights), -1), how, sink)
            except UNMAPPABLE as error:
                if hopeless(error) or route.plain:
                    raise
                failed |= set(route.names.values())
        least = nothing(subject.single) * max(sum(sink.traces.values()), sum(self.squares.values()))
        return failed | {
            name
            for name in names
            if not abs(sink.forms[name] - self.squares[name])
            <= close(subject.single) * max(sink.traces[name], self.squares[name]) + least
        }


class Forms:
    """A sink that keeps of each kernel K only wᵀKw, and Σ_i w_i² K_ii.

    Of gradients J, of which the kernel would be JJᵀ, the form is ‖Jᵀw‖²: rows that are mistaken for others are rows of
    J, and no kernel is formed.

    Attributes:
        forms, traces: by the name of the parameter.
    """

    joined = False

    def __init__(self, weights: Tensor, names: Iterable[str]) -> None:
        """With these weights, for the kernels of these parameters."""
        self._weights = weights
        self.forms, self.traces = dict.fromkeys(names, 0.0), dict.fromkeys(names, 0.0)

    def rows(self, name: str, gradients: Tensor) -> None:
        """See `Sink`."""
        if name in self.forms:
            w = self._weights.to(gradients.dtype)
            self.forms[name] += float((w @ gradients).double().square().sum())
            lengths = torch.linalg.vector_norm(gradients, dim=1).double()
            self.traces[name] += float((w.double() * lengths).square().sum())

    def pairs(self, name: str, p: slice, q: slice, products: Tensor) -> None:
        """See `Sink`."""
        if name in self.forms:
            w = self._weights.double()
            form = float(w[p] @ products.double() @ w[q])
            self.forms[name] += form if p == q else 2 * form
            if p == q:
                self.traces[name] += float((w[p].square() * products.diagonal()).sum())


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
