"""The test that no row of a batch is mistaken for another one, before a number of it is believed.

Hooks take for granted that row i of a layer's input belongs to sample i. With weights w, drawn
at random and zero but for a sample S of the rows, and a random direction v of the outputs, the kernel K of that
direction must have wᵀKw = ‖∇ Σ_i w_i v·f_i‖², for every parameter, and the right-hand side is one plain backward pass,
in which nothing is known of rows. For K' ≠ K that holds with probability 0; S holds all rows of up to 64, else a
quarter of them and 64 at least, so that m rows that are mistaken for others all escape with probability < (3/4)^m. With
more than one batch it holds a quarter, and 8 at least, of each.

Both sides are compared relative to Σ w_i² K_ii. Where rows have gradients, by all parameters together, so different in
length that some add next to nothing to it, see `UNEVEN`, they are tested once more with weights w_i that make all count
alike: a large row hides no other. Then a difference may also be rounding that is large beside a row's gradient, as
where that cancels: it is excused up to what relative changes of the operands of all operations by `precision.change`
make, see `rounding`.

It compares up to rounding, see `precision`: what is smaller than that is not seen.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import torch

from glutheory.errors import DomainError
from glutheory.sampling.modules import plain
from glutheory.sampling.modules.batches import Arguments
from glutheory.sampling.modules.contractions import Products
from glutheory.sampling.modules.differentiated import UNMAPPABLE, hopeless
from glutheory.sampling.modules.forms import Both, Forms
from glutheory.sampling.modules.precision import close, nothing
from glutheory.sampling.modules.rounding import moved
from glutheory.sampling.modules.routes import Route
from glutheory.sampling.modules.run import Run, whole
from glutheory.sampling.modules.sinks import Sink, Sums
from glutheory.sampling.modules.subject import CONSTANT, Subject

Tensor = torch.Tensor
#: Rows that are all drawn, in a batch that is the only one and in one of many, and the share that is drawn of more.
DRAWN, FEW, SHARE = 64, 8, 4
#: Rows of which w_i² K_ii is less than this share of the mean are tested with other weights, by whether some arithmetic
#: is float32; and the least share that is so raised (weights are numbers of float32 too).
UNEVEN, RAISED = {True: 1e-2, False: 1e-4}, 1e-40


@dataclass(frozen=True)
class Probe:
    """What the kernels of a batch are tested with.

    Attributes:
        places: the rows that are drawn, S.
        weights: w, one for each of them.
        cotangent: of the outputs of the batch, v in every row or the output that the row is of, shape (rows, k).
        arguments: of the rows that are drawn.
        squares: ‖∇ Σ_i w_i v·f_i‖² by the name of the parameter.
        seed: of the draws.
        even: whether the weights are such that all rows count alike.
        shares: w_i² K_ii of these rows by the name of the parameter, as far as they were tested.
    """

    places: Tensor
    weights: Tensor
    cotangent: Tensor
    arguments: Arguments
    squares: dict[str, float]
    seed: int
    even: bool = False
    shares: dict[str, Tensor] = field(default_factory=dict)

    @classmethod
    def of(
        cls,
        subject: Subject,
        arguments: Arguments,
        cotangent: Tensor,
        labels: Sequence[str],
        seed: int,
        *,
        only: bool,
    ) -> Probe:
        """Drawn from the seed, with the plain gradient.

        Args:
            subject: the network.
            arguments: of the batch.
            cotangent: of the outputs of the batch, shape (rows, k).
            labels: what the rows are called.
            seed: of the draws.
            only: there is no other batch.

        Raises:
            DomainError: a gradient is not finite (it names the row), or the outputs do not depend on the parameters.
        """
        rows = len(cotangent)
        generator = torch.Generator().manual_seed(seed)
        count = min(rows, max(DRAWN if only else FEW, -(-rows // SHARE)))
        places = torch.randperm(rows, generator=generator)[:count]
        draw = torch.rand(count, generator=generator, dtype=torch.float64) + 0.5
        sign = torch.randint(0, 2, (count,), generator=generator) * 2 - 1
        weights, here = (draw * sign).to(cotangent), places.to(cotangent.device)
        some = arguments.rows(places)
        sizes = _squares(subject, some, weights[:, None] * cotangent[here])
        if not all(map(math.isfinite, sizes.values())):
            _infinite(subject, arguments, cotangent, [(int(place), labels[place]) for place in places])
        return cls(here, weights, cotangent, some, sizes, seed)

    def evened(self, subject: Subject) -> Probe | None:
        """The same rows with weights that make all of them count alike; None where they do so, about."""
        if self.even or not self.shares:
            return None
        shares = torch.stack(list(self.shares.values())).sum(0)
        mean = shares.mean()
        if bool(shares.min() >= UNEVEN[subject.single] * mean):
            return None
        there = shares[shares > RAISED * mean]
        if not there.numel():  # infinite, which is refused elsewhere
            return None
        # nothing is known of rows without gradients: they count like the least of the others
        scales = (there.median() / shares.clamp(min=there.min())).sqrt()
        weights = (self.weights.double() * scales).to(self.weights)
        squares = _squares(subject, self.arguments, weights[:, None] * self.cotangent[self.places])
        return replace(self, weights=weights, squares=squares, even=True, shares={})

    def _rounding(self, subject: Subject, names: Sequence[str]) -> dict[str, float]:
        """How far rounding may carry the squares of these parameters."""

        def chosen(found: dict[str, float]) -> Tensor:
            return torch.tensor([found[name] for name in names], dtype=torch.float64)

        def numbers() -> Tensor:
            return chosen(_squares(subject, self.arguments, self.weights[:, None] * self.cotangent[self.places]))

        sizes = moved(numbers, chosen(self.squares), torch.abs, subject.single, self.seed)
        return dict(zip(names, sizes.tolist(), strict=True))

    def wrong(
        self, subject: Subject, run: Run | None, routes: Sequence[Route], workspace: int, within: Within | None = None
    ) -> set[str]:
        """The parameters whose kernels on these routes are not those of the plain gradient.

        Args:
            subject: the network.
            run: the forward pass of the batch, for the routes that are inner modules.
            routes: the routes that are tested.
            workspace: bytes of temporary arrays.
            within: the kernels themselves are formed in the passes of the test, of all rows. None: the test has passes
                of its own, of the rows that are drawn.
        """
        names = {name for route in routes for name in route.names.values()}
        rows = len(self.cotangent)
        if within is None:
            forms, how = Forms(self.weights, names), Products(workspace)
            sink: Sink = forms
            arguments, cotangent, only = self.arguments, self.cotangent[self.places], self.places
        else:
            every = self.cotangent.new_zeros(rows)
            every[self.places] = self.weights
            forms, how = Forms(every, names), within.how
            sink = Both(forms, within.sums)
            arguments, cotangent, only = within.arguments, self.cotangent, None
        failed = set[str]()
        if run is not None and any(route.path for route in routes):
            try:
                run.take(self.cotangent, how, sink, only, last=within is not None)
            except UNMAPPABLE as error:
                if hopeless(error):
                    raise
                failed |= {name for route in routes if route.path for name in route.names.values()}
            failed |= names & set(run.failed)
        for route in (route for route in routes if not route.path):
            try:
                whole(subject, route, arguments, cotangent, how, sink)
            except UNMAPPABLE as error:
                if hopeless(error) or route.plain:
                    raise
                failed |= set(route.names.values())
        found, traces = forms.read()
        self.shares.update({name: x if within is None else x[self.places] for name, x in forms.shares.items()})
        least = nothing(subject.single) * max(sum(traces.values()), sum(self.squares.values()))

        def differ(form: float, trace: float, square: float) -> bool:
            # not "… > …", which NaN is not
            return not abs(form - square) <= close(subject.single) * max(trace, square) + least

        others = sorted(name for name in names if differ(found[name], traces[name], self.squares[name]))
        if others and self.even:
            sizes = self._rounding(subject, others)
            others = [name for name in others if not abs(found[name] - self.squares[name]) <= sizes[name]]
        failed |= set(others)
        for route in routes:
            weight = route.names.get("weight", "")
            if route.structured and weight in forms.sums:
                both = forms.sums[weight].read()
                if differ(both[0][weight], both[1][weight], sum(self.squares[name] for name in route.names.values())):
                    failed |= set(route.names.values())
        return failed


@dataclass(frozen=True)
class Within:
    """The kernels that are formed while they are tested.

    Attributes:
        sums: takes the products.
        how: which.
        arguments: of the whole batch.
    """

    sums: Sums
    how: Products
    arguments: Arguments


def _squares(subject: Subject, arguments: Arguments, cotangent: Tensor) -> dict[str, float]:
    """‖∇ Σ cotangent · output‖² by the name of the parameter, plainly.

    Raises:
        DomainError: the outputs do not depend on the parameters.
    """
    _, found, depends = plain.gradients(subject, arguments, cotangent)
    if not depends:
        raise DomainError(CONSTANT)
    squares = [gradient.double().square().sum() for gradient in found.values()]
    return dict(zip(found, torch.stack(squares).tolist(), strict=True))


def _infinite(subject: Subject, arguments: Arguments, cotangent: Tensor, rows: Sequence[tuple[int, str]]) -> None:
    for place, label in rows:
        one = slice(place, place + 1)
        found = plain.gradients(subject, arguments.rows(one), cotangent[one])[1]
        for name, gradient in found.items():
            if not bool(torch.isfinite(gradient).all()):
                raise DomainError(
                    f"model's gradient by {name!r} is not finite for {label}, where it has no NTK (a square root or a "
                    "norm at 0, say): remove that input, or smooth the model there."
                )
