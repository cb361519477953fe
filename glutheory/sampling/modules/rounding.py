"""How far rounding may carry what a model computes for a row: no further than small changes of all operands would.

In another batch sums are added up in another order, and functions evaluated by other instructions. What then differs is
rounding, and where terms cancel no share of the result bounds it. Rounding acts like relative changes of what every
operation is given, by some units of roundoff, independent of each other; what random ones do that are larger by orders
of magnitude bounds it therefore. That is told for each row by itself, whatever rows there are beside it. Integers, such
as counts and masks, are not changed: they are exact, and what a model decides by them must stay as it is.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_map

from glutheory.sampling.modules.precision import change

Tensor = torch.Tensor
#: Draws of the changes, and what a float is an integer below: a larger one may be one by rounding alone.
DRAWS, INTEGERS = 4, 1024
#: What the same pass gives differently is rounding at most (on a GPU) if changes of operands do so many times more.
MARGIN = 100


def moved(
    numbers: Callable[[], Tensor], known: Tensor, size: Callable[[Tensor], Tensor], single: bool, seed: int
) -> Tensor:
    """How far rounding may carry numbers: the median of how far changes of operands do, see `precision.change`.

    Args:
        numbers: runs the model, forward or backward, for them.
        known: what they were before.
        size: of differences of them, of any shape.
        single: whether some arithmetic of the model is float32.
        seed: of the changes.

    Returns:
        A size, float64: 0 where the numbers are not what they were though nothing is changed (chance is no rounding),
        and where the model does not take such changes.
    """
    again = numbers()
    by_chance = size(again - known).double().abs()
    sizes: list[Tensor] = []
    for draw in range(DRAWS):
        try:
            with _Shaking(change(single), seed + draw):
                found = numbers()
        except torch.OutOfMemoryError:
            raise
        except Exception:  # noqa: BLE001 (the model's own checks of its numbers may raise anything)
            return torch.zeros_like(by_chance)
        sizes.append(size(found - again).double().abs().nan_to_num(0.0, 0.0))
    # the lower one of two: a decision that half of the draws change is none that rounding changes
    middle = torch.stack(sizes).median(0).values
    return torch.where(MARGIN * by_chance <= middle, middle, 0.0)


class _Shaking(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Changes what every operation is given, but for what it writes to and what it is a view of."""

    def __init__(self, size: float, seed: int) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._size, self._seed = size, seed
        self._generators: dict[torch.device, torch.Generator] = {}

    def __torch_dispatch__(self, func: Any, types: Any, args: Sequence[Any] = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        kinds = {kind.name: kind for kind in func._schema.arguments}
        given = [
            value if kind.alias_info else tree_map(self._changed, value)
            for kind, value in zip(kinds.values(), args, strict=False)
        ]
        named = {
            name: value if kinds[name].alias_info else tree_map(self._changed, value) for name, value in kwargs.items()
        }
        return func(*given, **named)

    def _changed(self, x: Any) -> Any:
        if not isinstance(x, Tensor) or x.layout != torch.strided or not (x.is_floating_point() or x.is_complex()):
            return x
        if x.device not in self._generators:
            self._generators[x.device] = torch.Generator(x.device).manual_seed(self._seed)
        draw = torch.randn(x.shape, generator=self._generators[x.device], device=x.device, dtype=x.real.dtype)
        if x.is_floating_point():
            draw[(x == x.round()) & (x.abs() < INTEGERS)] = 0
        return x * draw.mul_(self._size).add_(1)
