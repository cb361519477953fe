"""A stack's derived recursion at two inputs: balls around NNGP and NTK, as narrow as asked for."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from flint import arb

from glutheory.errors import PrecisionError
from glutheory.ground.arguments import as_digits
from glutheory.ground.balls import bits_of, precision
from glutheory.ground.exact import ball
from glutheory.ground.symmetry import Ray
from glutheory.layers import rays
from glutheory.layers.composition import Stack
from glutheory.layers.means import Means, means
from glutheory.layers.pairs import Chosen, Inputs, StackKernels, check_infinite
from glutheory.layers.records import Dense, Layer, Norm, Positions, Product, Scale
from glutheory.layers.walk import run
from glutheory.layers.zeros import check_zero_rows
from glutheory.symbolic.recursion import Recursion
from glutheory.symbolic.running import End, Runner, Values

#: Digits beyond those asked for with which the first attempt is made, and how often more are tried.
_GUARD, _ATTEMPTS = 10, 6


def values_at(
    stack: Stack, recursions: Sequence[Recursion], inputs: Inputs, weights: Chosen, digits: int, blocks: bool
) -> StackKernels:
    """The kernels at two inputs, from the recursions between means over positions; see `StackDerivation.at`."""
    wanted = as_digits(digits, 2000)
    check_zero_rows(stack.layers, inputs)
    pooled = means(stack.layers, inputs) if stack.sequences else None
    names = _names(stack.layers, recursions)
    work = wanted + _GUARD + _closeness(inputs)
    for _ in range(_ATTEMPTS):
        with precision(bits_of(work) + 64):
            pairs = _pairs(recursions, inputs, names, pooled, Runner(weights, work, blocks))
            own = pairs[0, 1]
            found = StackKernels(own.covariance, _total(own), dict(own.ntk) if blocks else {})
            ends = pairs[0, 0], pairs[1, 1]
            lost = max(
                _lost(found.nngp, [end.covariance for end in ends], wanted),
                _lost(found.ntk, [_total(end) for end in ends], wanted),
            )
        if lost <= 0:
            return found
        work += min(max(lost + 2, 6), work)
    check_infinite(found)
    raise PrecisionError(
        f"digits is {digits}: not reached for {stack.name!r} with {work} digits of working precision; ask for fewer.",
        (found.nngp, found.ntk),
    )


def _pairs(
    recursions: Sequence[Recursion],
    inputs: Inputs,
    names: Sequence[Sequence[tuple[str, ...]]],
    pooled: Means | None,
    runner: Runner,
) -> Mapping[tuple[int, int], End]:
    """The ends at (x, x), (x, x') and (x', x')."""
    gram = inputs.gram
    count = len(gram)
    values: dict[tuple[int, int], Values] = {}
    ends: dict[tuple[int, int], End] = {}
    for j in range(count):
        for i in range(j + 1):
            entries = gram[i][i], gram[j][j], gram[i][j]
            zeros = (arb(0),) * 3
            values[i, j] = Values(tuple(map(ball, entries)), zeros, {}, rays.ray_of(*entries))  # type: ignore[arg-type]
    for number, (found, own) in enumerate(zip(recursions, names, strict=True)):
        if number:
            assert pooled is not None
            values = _averaged(ends, inputs.positions, pooled)
        ends = {key: runner.run(found, start, iter(own)) for key, start in values.items()}
    return ends


class _Names:
    """Rules that collect the names of the groups of each layer that has weights."""

    def __init__(self) -> None:
        self.found: list[list[tuple[str, ...]]] = [[]]

    def dense(self, state: None, layer: Dense, group: str) -> None:  # noqa: ARG002
        self.found[-1].append((group,))

    def product(self, state: None, layer: Product, groups: tuple[str, ...]) -> None:  # noqa: ARG002
        self.found[-1].append(groups)

    def norm(self, state: None, layer: Norm, group: str) -> None:  # noqa: ARG002
        self.found[-1].append((group,))

    def scale(self, state: None, layer: Scale) -> None: ...
    def add(self, state: None, other: None) -> None: ...

    def positions(self, state: None, layer: Positions) -> None:  # noqa: ARG002
        self.found.append([])


def _names(layers: tuple[Layer, ...], recursions: Sequence[Recursion]) -> list[list[tuple[str, ...]]]:
    rules = _Names()
    run(layers, None, rules)
    assert len(rules.found) == len(recursions)
    return rules.found


def _averaged(values: Mapping[tuple[int, int], End], positions: int, known: Means) -> dict[tuple[int, int], Values]:
    """The mean over all pairs of positions of two rows; variances and means of a row are those of its own pairs."""
    rows = {0: range(positions), 1: range(positions, 2 * positions)}

    def mean(first: int, second: int) -> tuple[arb, arb, dict[str, arb]]:
        if known.zero[first] or known.zero[second]:
            return arb(0), arb(0), {}
        own = [values[min(i, j), max(i, j)] for i in rows[first] for j in rows[second]]
        groups = dict.fromkeys(group for one in own for group in one.ntk)
        return (
            sum((one.covariance for one in own), arb(0)) / len(own),
            sum((one.means for one in own), arb(0)) / len(own),
            {group: sum((one.ntk.get(group, arb(0)) for one in own), arb(0)) / len(own) for group in groups},
        )

    made = {(i, j): mean(i, j) for i, j in ((0, 0), (0, 1), (1, 1))}
    found = {}
    for (i, j), (covariance, product, ntk) in made.items():
        ray = Ray(1, rays.UNIT) if i == j else known.ray
        variances, squares = (made[i, i][0], made[j, j][0]), (made[i, i][1], made[j, j][1])
        found[i, j] = Values((*variances, covariance), (*squares, product), ntk, ray)
    return found


def _total(values: End) -> arb:
    return sum(values.ntk.values(), arb(0))


def _lost(value: arb, ends: Sequence[arb], digits: int) -> int:
    """How many decimal digits the ball lacks (0: enough)."""
    if value.is_nan() or not arb(value.rad()).is_finite():
        return 10 * digits
    if not value.is_finite():
        return 0
    scale = (abs(ends[0]) * abs(ends[1])).sqrt()
    size = scale.lower() if scale.is_finite() else abs(value).lower()
    if value.rad() == 0 or value.rad() <= size * arb(10) ** -digits:
        return 0
    return digits if not size > 0 else math.ceil(float((arb(value.rad()) / size).log()) / math.log(10)) + digits


def _closeness(inputs: Inputs) -> int:
    """The digits of 1 − |ρ| of rows that are no multiples of each other."""
    gram, most = inputs.gram, 0
    for j in range(len(gram)):
        for i in range(j):
            product = gram[i][i] * gram[j][j]
            gap = product - gram[i][j] ** 2
            if gap != 0:
                most = max(most, len(str(product // gap)) - 1)
    return most
