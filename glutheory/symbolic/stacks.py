"""Road 1 for deep networks: the kernels of a stack derived layer by layer, certified, and evaluated to any digits."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from glutheory.errors import DomainError
from glutheory.layers.composition import Stack
from glutheory.layers.pairs import StackKernels, chosen, inputs_of
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
from glutheory.symbolic.stack_values import values_at


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
            whole = recursion(part, standard, centred, inputs=not found, raw=bool(found) and found[-1].end.inputs)
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
    ) -> StackKernels:
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
        weights = chosen(self.stack, trained, self.parametrization, width, d)
        return values_at(self.stack, self.recursions, inputs_of(self.stack, a, b, c), weights, digits, blocks)


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


__all__ = ["StackDerivation", "stack_derivation"]
