"""What becomes of a row of zeros on its way through a stack, exactly: which norms find nothing to scale, which φ jump.

No kernel is asked: a row of zeros stays one behind weights without biases, where φ(0) = 0, and its images are the same
for all units where φ(0) is another number; a ball around what is exactly 0 would only say that it may be.
"""

from __future__ import annotations

from collections.abc import Sequence

from glutheory.activations import Activation, Z
from glutheory.errors import DomainError
from glutheory.ground.symmetry import symmetry
from glutheory.layers.pairs import Inputs
from glutheory.layers.records import Dense, Layer, Norm, Positions, Product, Scale
from glutheory.layers.walk import run

#: What the units of a row of zeros are: zero, one and the same number, or usual ones. No layer leads back.
ZERO, SAME, USUAL = 0, 1, 2
#: So many repetitions of a block show what any number of them does.
_ENOUGH = 3


def check_zero_rows(layers: Sequence[Layer], inputs: Inputs) -> None:
    """Refuse rows of zeros where a norm would divide by 0, or an activation jumps.

    Args:
        layers: of the stack.
        inputs: the rows, by their inner products.

    Raises:
        DomainError: one sentence about the first such layer.
    """
    empty = [inputs.gram[i][i] == 0 for i in range(len(inputs.gram))]
    if not any(empty):
        return
    half = inputs.positions
    # the mean over positions of a row is zero where all of them are
    whole = all(empty[:half]) or all(empty[half:])
    pooled = next((k for k, layer in enumerate(layers) if isinstance(layer, Positions)), len(layers))
    follow(layers if whole else layers[:pooled])


def follow(layers: Sequence[Layer], what: str = "a row of data is zero", whom: str = "row") -> int:
    """What becomes of units that are zero: `ZERO`, `SAME` or `USUAL`.

    Args:
        layers: one after the other.
        what: for messages, what is zero.
        whom: for messages, what to leave out.

    Raises:
        DomainError: a norm divides by 0, or an activation jumps.
    """
    return run(layers, ZERO, _Zeros(what, whom), most=_ENOUGH)


def at_zero(act: Activation) -> bool:
    """Whether φ(0) = 0."""
    value = act.expr.subs(Z, 0)
    return bool(value.is_zero or value.equals(0))


class _Zeros:
    """Rules that follow a row of zeros.

    Args:
        what: for messages, what is zero.
        whom: for messages, what to leave out.
    """

    def __init__(self, what: str, whom: str) -> None:
        self._what, self._whom = what, whom

    def dense(self, state: int, layer: Dense, group: str) -> int:  # noqa: ARG002
        return ZERO if state == ZERO and layer.bias == 0 else USUAL

    def product(self, state: int, layer: Product, groups: tuple[str, ...]) -> int:
        fed = [self.dense(state, own, group) for own, group in zip(layer.branches, groups, strict=True)]
        for own, act in zip(fed, layer.activations, strict=True):
            if own == ZERO and symmetry(act.expr).jumps_at_zero:
                raise DomainError(f"{self._what}, where {act.label} jumps: leave the {self._whom} out, or use a bias.")
        if any(own == ZERO and at_zero(act) for own, act in zip(fed, layer.activations, strict=True)):
            return ZERO
        return SAME if all(own == ZERO for own in fed) else USUAL

    def norm(self, state: int, layer: Norm, group: str) -> int:  # noqa: ARG002
        if state == ZERO:
            raise DomainError(
                f"{self._what} where a norm divides by its length: leave the {self._whom} out, or use a bias."
            )
        if state == SAME and layer.centred:
            raise DomainError(
                f"{self._what} and its images are all the same where a layernorm divides by their spread: "
                f"leave the {self._whom} out, or use a bias."
            )
        return state

    def scale(self, state: int, layer: Scale) -> int:  # noqa: ARG002
        return state

    def add(self, state: int, other: int) -> int:
        return state if other == ZERO else other if state == ZERO else USUAL

    def positions(self, state: int, layer: Positions) -> int:  # noqa: ARG002
        return state
