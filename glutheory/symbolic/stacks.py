"""Road 1 for deep networks: the kernels of a stack derived layer by layer, certified, and evaluated to any digits."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from flint import arb

from glutheory.errors import DomainError, PrecisionError
from glutheory.ground.balls import bits_of, precision
from glutheory.ground.exact import as_digits, ball
from glutheory.ground.symmetry import Ray
from glutheory.layers import rays
from glutheory.layers.composition import Stack
from glutheory.layers.pairs import Inputs, chosen, inputs_of
from glutheory.layers.records import Dense, Layer, Norm, Positions, Product, Scale
from glutheory.layers.walk import run
from glutheory.shown import Shown
from glutheory.symbolic.certify import Check
from glutheory.symbolic.composing import recursion
from glutheory.symbolic.derived import Verification
from glutheory.symbolic.duals import Dual, dual
from glutheory.symbolic.facts import Fact, facts
from glutheory.symbolic.pruning import pruned
from glutheory.symbolic.recursion import Recursion
from glutheory.symbolic.running import ALL, End, Runner, Values

#: Digits beyond those asked for with which the first attempt is made, and how often more are tried.
_GUARD, _ATTEMPTS = 10, 6


@dataclass(frozen=True)
class StackValues:
    """Kernels of a stack at two inputs, as balls.

    Attributes:
        nngp: of the last layer's units.
        ntk: the sum of the blocks.
        blocks: the NTK of each trained group of weights; empty where they were not asked for.
    """

    nngp: arb
    ntk: arb
    blocks: Mapping[str, arb]


@dataclass(frozen=True, eq=False, repr=False)
class StackDerivation(Shown):
    """The kernels of a deep network as a derived recursion.

    Attributes:
        stack: what was derived.
        parametrization: "ntk" or "standard".
    """

    stack: Stack
    parametrization: str = "ntk"

    def __repr__(self) -> str:
        return f"<StackDerivation of {self.stack.name}: {self.parametrization} parametrisation>"

    @cached_property
    def recursions(self) -> tuple[Recursion, ...]:
        """The recursion; several, where means over positions stand between them."""
        parts = _parts(self.stack.layers)
        standard, centred = self.parametrization == "standard", self.stack.centred
        found: list[Recursion] = []
        for part in parts:
            whole = recursion(part, standard, centred, inputs=not found)
            last = len(found) == len(parts) - 1
            roots = (whole.end.moments.mixed, *(() if last else (whole.end.means.mixed,)))
            found.append(pruned(whole, *roots))
        return tuple(found)

    @cached_property
    def duals(self) -> tuple[Dual, ...]:
        """The duals of the activations that occur, each once."""
        found: list[Any] = []
        run(self.stack.layers, None, _Activations(found), most=1)
        return tuple(dual(act) for act in dict.fromkeys(found))

    @cached_property
    def facts(self) -> tuple[Fact, ...]:
        """Simplifications that were found, each with its proof."""
        return tuple(fact for found in self.recursions for fact in facts(found))

    def verify(self) -> Verification:
        """Run the certificate: of the duals, of every rule used, and of every block as a whole."""
        from glutheory.symbolic.stack_checks import composed_checks

        checks = [check for own in self.duals for check in own.checks()]
        checks += composed_checks(self.stack.layers, self.recursions, self.parametrization)
        checks += [Check(fact.statement, fact.method, True) for fact in self.facts]
        return Verification(tuple(dict.fromkeys(checks)))

    def at(
        self,
        a: Any,
        b: Any,
        c: Any,
        *,
        digits: int = 50,
        blocks: bool = False,
        trained: str | Iterable[str] | None = None,
        width: int | None = None,
        d: int | None = None,
    ) -> StackValues:
        """NNGP and NTK at two inputs, from the derived recursion.

        Args:
            a: x·x/d, ≥ 0, exactly; for a stack with a mean over positions the matrix of the positions' inner products.
            b: x'·x'/d.
            c: x·x'/d, |c| ≤ √(ab).
            digits: the radii are below 10^−digits·√(K(x,x)K(x',x')), K the NNGP or the NTK; where that is infinite,
                below 10^−digits of the kernel itself.
            blocks: whether the NTK is given for each group of weights.
            trained: names or patterns of groups that count for the NTK; left out, all that are trained.
            width: the number of units of every layer, for the standard parametrisation.
            d: the dimension of x, for the standard parametrisation.

        Raises:
            DomainError: an argument outside its domain, a zero row before a norm, or variances beyond 2^±1000.
            UnknownNameError: no such group of weights.
            PrecisionError: the digits cannot be had; it carries what was reached.
        """
        wanted = as_digits(digits, 2000)
        inputs, weights = inputs_of(self.stack, a, b, c), chosen(self.stack, trained, self.parametrization, width, d)
        names = _names(self.stack.layers, self.recursions)
        work = wanted + _GUARD + _closeness(inputs)
        for _ in range(_ATTEMPTS):
            with precision(bits_of(work) + 64):
                pairs = self._pairs(inputs, names, Runner(weights, work, blocks))
                own = pairs[0, 1]
                found = StackValues(own.covariance, _total(own), dict(own.ntk) if blocks else {})
                ends = pairs[0, 0], pairs[1, 1]
                lost = max(
                    _lost(found.nngp, [end.covariance for end in ends], wanted),
                    _lost(found.ntk, [_total(end) for end in ends], wanted),
                )
            if lost <= 0:
                return found
            work += min(max(lost + 2, 6), work)
        raise PrecisionError(
            f"digits is {digits}: not reached for {self.stack.name!r} with {work} digits of working precision; ask for "
            "fewer.",
            (found.nngp, found.ntk),
        )

    def _pairs(
        self, inputs: Inputs, names: Sequence[Sequence[tuple[str, ...]]], runner: Runner
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
        for number, (found, own) in enumerate(zip(self.recursions, names, strict=True)):
            if number:
                values = _averaged(ends, inputs.positions if number == 1 else 1)
            ends = {key: runner.run(found, start, iter(own)) for key, start in values.items()}
        return ends


def stack_derivation(stack: Stack, *, parametrization: str = "ntk") -> StackDerivation:
    """Derive the kernels of a stack; see `derivation`."""
    if parametrization not in ("ntk", "standard"):
        raise DomainError(f"parametrization is {parametrization!r}: use 'ntk' or 'standard'.")
    found = StackDerivation(stack, parametrization)
    _ = found.recursions
    return found


def _parts(layers: tuple[Layer, ...]) -> list[tuple[Layer, ...]]:
    """The layers between means over positions."""
    parts: list[list[Layer]] = [[]]
    for layer in layers:
        if isinstance(layer, Positions):
            parts.append([])
        else:
            parts[-1].append(layer)
    return [tuple(part) for part in parts]


class _Activations:
    """Rules that collect the activations."""

    def __init__(self, found: list[Any]) -> None:
        self._found = found

    def product(self, state: None, layer: Product, groups: tuple[str, ...]) -> None:  # noqa: ARG002
        self._found += layer.activations

    def dense(self, state: None, layer: Dense, group: str) -> None: ...
    def norm(self, state: None, layer: Norm, group: str) -> None: ...
    def scale(self, state: None, layer: Scale) -> None: ...
    def add(self, state: None, other: None) -> None: ...
    def positions(self, state: None, layer: Positions) -> None: ...


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


def _names(layers: tuple[Layer, ...], recursions: tuple[Recursion, ...]) -> list[list[tuple[str, ...]]]:
    rules = _Names()
    run(layers, None, rules)
    assert len(rules.found) == len(recursions)
    return rules.found


def _averaged(values: Mapping[tuple[int, int], End], positions: int) -> dict[tuple[int, int], Values]:
    """The mean over all pairs of positions of two rows; variances and means of a row are those of its own pairs."""
    rows = {0: range(positions), 1: range(positions, 2 * positions)}

    def mean(first: int, second: int) -> tuple[arb, arb, dict[str, arb]]:
        own = [values[min(i, j), max(i, j)] for i in rows[first] for j in rows[second]]
        groups = dict.fromkeys(group for one in own for group in one.ntk)
        return (
            sum((one.covariance for one in own), arb(0)) / len(own),
            sum((one.means for one in own), arb(0)) / len(own),
            {group: sum((one.ntk.get(group, arb(0)) for one in own), arb(0)) / len(own) for group in groups},
        )

    made = {(i, j): mean(i, j) for i, j in ((0, 0), (0, 1), (1, 1))}
    rays_found = {values[p, positions + p].ray for p in range(positions)}
    mixed = rays_found.pop() if len(rays_found) == 1 else None
    found = {}
    for (i, j), (covariance, product, ntk) in made.items():
        ray = Ray(1, rays.UNIT) if i == j else mixed if mixed is not None and mixed.ratio is not None else None
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


__all__ = ["ALL", "StackDerivation", "StackValues", "stack_derivation"]
