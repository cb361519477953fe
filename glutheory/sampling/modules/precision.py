"""How exactly a model computes, and what counts as equal then."""

from __future__ import annotations

from typing import Any

import torch
from torch.overrides import TorchFunctionMode
from torch.utils._pytree import tree_leaves

Tensor = torch.Tensor
_DOUBLE = (torch.float64, torch.complex128)
#: Entries of two kernels, or outputs, that are equal but for rounding differ by less than this, relative to the
#: diagonal or the row: the square root of the unit roundoff and an order, since cancellation in deep networks
#: multiplies rounding. By whether some arithmetic is single.
_CLOSE = {True: 4e-3, False: 1e-7}
#: Relative changes of the operands of all operations that exceed their rounding by three orders of magnitude or more.
_CHANGE = {True: 1e-4, False: 1e-12}
#: Where a kernel is below this share of the whole one it is rounding, such as that of the keys' biases in attention.
_NOTHING = {True: 1e-7, False: 1e-14}


class Precisions(TorchFunctionMode):
    """A context that sees whether any operation has results coarser than float64.

    Normalisations and recurrences of many language models compute in float32 even where all their weights are float64.

    Attributes:
        single: what was seen so far.
    """

    def __init__(self) -> None:
        super().__init__()
        self.single = False

    def __torch_function__(self, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        """Every function of torch that is called from Python passes here."""
        found = function(*args, **(kwargs or {}))
        for x in tree_leaves(found):
            if isinstance(x, Tensor) and (x.is_floating_point() or x.is_complex()):
                self.single |= x.dtype not in _DOUBLE
        return found


def close(single: bool) -> float:
    """The largest relative difference of two equal numbers."""
    return _CLOSE[single]


def change(single: bool) -> float:
    """The relative change of the operands of all operations whose effect bounds that of rounding."""
    return _CHANGE[single]


def smallest(single: bool) -> float:
    """Below it numbers have fewer digits, or none."""
    return torch.finfo(torch.float32 if single else torch.float64).tiny


def nothing(single: bool) -> float:
    """The largest share of a kernel that is rounding."""
    return _NOTHING[single]
