"""How far rounding may carry what a model computes for a row: no further than small changes of all operands would.

In another batch sums are added up in another order, and functions evaluated by other instructions. What then differs is
rounding, and where terms cancel no share of the result bounds it. Rounding acts like relative changes of what every
operation is given, by some units of roundoff, independent of each other; what random ones do that are larger by orders
of magnitude bounds it therefore. That is told for each row by itself, whatever rows there are beside it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_map

from glutheory.sampling.modules.differentiated import UNMAPPABLE, hopeless
from glutheory.sampling.modules.precision import change

Tensor = torch.Tensor
#: Draws of the changes.
DRAWS = 4


def moved(measure: Callable[[], Tensor], single: bool, seed: int) -> Tensor:
    """The root mean square of what is measured while operands are changed, see `precision.change`.

    Args:
        measure: runs the model, forward or backward, and says how far its numbers are off; what is not finite does not
            count.
        single: whether some arithmetic of the model is float32.
        seed: of the changes.

    Returns:
        Its shape, float64; a zero where the model does not take such changes.
    """
    squares: list[Tensor] = []
    for draw in range(DRAWS):
        try:
            with _Shaking(change(single), seed * DRAWS + draw):
                found = measure()
        except UNMAPPABLE as error:
            if hopeless(error):
                raise
            return torch.zeros((), dtype=torch.float64)
        squares.append(found.double().nan_to_num(0.0, 0.0, 0.0).square())
    return torch.stack(squares).mean(0).sqrt()


class _Shaking(TorchDispatchMode):
    """Changes what every operation is given, but for what it writes to and what it is a view of."""

    def __init__(self, size: float, seed: int) -> None:
        super().__init__()
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
        return x * draw.mul_(self._size).add_(1)
