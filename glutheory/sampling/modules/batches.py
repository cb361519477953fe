"""Which axis of a tensor inside a network counts the samples: found by comparing runs of one sample and of two."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch.utils._pytree import tree_flatten, tree_unflatten

from glutheory.errors import DomainError

Tensor = torch.Tensor


@dataclass(frozen=True)
class Axis:
    """The samples' axis of a tensor.

    Attributes:
        dim: its place; None where the tensor is the same for all samples.
        per: how many entries along it each sample has, in the order of the samples.
    """

    dim: int | None
    per: int = 1

    def first(self, x: Tensor, n: int) -> Tensor:
        """The tensor with the samples' axis in front and what remains of it behind: shape (n, per, …)."""
        if self.dim is None:
            return x.expand(n, *x.shape[1:]).unsqueeze(1)
        moved = x.movedim(self.dim, 0)
        return moved.reshape(n, self.per, *moved.shape[1:])


def axis(one: torch.Size, two: torch.Size) -> Axis | None:
    """The axis by the shapes of a tensor in runs of one and of two samples; None if no axis explains them."""
    if len(one) != len(two):
        return None
    changed = [dim for dim, (small, large) in enumerate(zip(one, two, strict=True)) if small != large]
    if not changed:
        return Axis(None)
    dim = changed[0]
    return Axis(dim, one[dim]) if len(changed) == 1 and two[dim] == 2 * one[dim] else None


@dataclass(frozen=True)
class Arguments:
    """Positional and named arguments of a call, as any nesting of tuples, lists and mappings."""

    args: tuple[Any, ...]
    kwargs: Mapping[str, Any]

    def leaves(self) -> list[Any]:
        """All values in a fixed order."""
        return list(tree_flatten((self.args, dict(self.kwargs)))[0])

    def replaced(self, leaves: list[Any]) -> Arguments:
        """The same nesting of other values."""
        args, kwargs = tree_unflatten(leaves, tree_flatten((self.args, dict(self.kwargs)))[1])
        return Arguments(args, kwargs)

    def detached(self) -> Arguments:
        """The same without a graph behind the tensors."""
        return self.replaced([x.detach() if isinstance(x, Tensor) else x for x in self.leaves()])

    def fresh(self) -> Arguments:
        """Copies of the tensors, which a model may change in place, without a graph."""
        return self.replaced([x.detach().clone() if isinstance(x, Tensor) else x for x in self.leaves()])

    def shapes(self) -> list[torch.Size | None]:
        """Of the tensors; None for other values."""
        return [x.shape if isinstance(x, Tensor) else None for x in self.leaves()]

    def joined(self, other: Arguments) -> Arguments:
        """The samples of both, these first; what is no tensor is that of these.

        Raises:
            DomainError: they are not of one kind.
        """
        ours, theirs = self.leaves(), other.leaves()
        alike = len(ours) == len(theirs) and all(
            isinstance(x, Tensor) == isinstance(y, Tensor)
            and (not isinstance(x, Tensor) or (x.shape[1:], x.dtype, x.device) == (y.shape[1:], y.dtype, y.device))
            for x, y in zip(ours, theirs, strict=True)
        )
        if not alike:
            raise DomainError(
                f"others has {_kinds(theirs)} and inputs {_kinds(ours)}: give samples of one shape, dtype and device "
                "(pad shorter ones)."
            )
        return self.replaced(
            [torch.cat([x, y]) if isinstance(x, Tensor) else x for x, y in zip(ours, theirs, strict=True)]
        )

    def rows(self, index: Any) -> Arguments:
        """The arguments of these samples, where all tensors have the samples in front."""
        return self.replaced([x[index] if isinstance(x, Tensor) else x for x in self.leaves()])


def _kinds(leaves: list[Any]) -> str:
    return ", ".join(f"{tuple(x.shape)} {x.dtype}" if isinstance(x, Tensor) else type(x).__name__ for x in leaves)


@dataclass(frozen=True)
class Call:
    """What is known of the calls of one module in a run.

    Attributes:
        count: how often it was called.
        arguments: shapes of the tensors of its first call.
        output: shape of what it returned, None if that is not one tensor of floating-point numbers.
        alike: whether all its calls had these shapes.
    """

    count: int
    arguments: tuple[torch.Size | None, ...]
    output: torch.Size | None
    alike: bool = True


@dataclass(frozen=True)
class Layout:
    """The samples' axes of a module, the same in all its calls: of each argument (None: no tensor) and of its output.

    Attributes:
        arguments, output: the axes.
        calls: how often the module is called in one pass.
    """

    arguments: tuple[Axis | None, ...]
    output: Axis
    calls: int = 1

    @property
    def single(self) -> bool:
        """Whether one call on one sample alone tells all: plain axes, and something to tell the samples apart."""
        axes = [*(item for item in self.arguments if item is not None), self.output]
        return (
            self.calls == 1
            and self.output.dim is not None
            and all(a.per == 1 for a in axes)
            and any(a.dim is not None for a in axes[:-1])
        )


def layout(one: Call, two: Call) -> Layout | None:
    """None where the module's calls differ in number or in shapes, or some tensor of it does not follow the samples."""
    if one.count != two.count or not (one.alike and two.alike) or one.output is None or two.output is None:
        return None
    if len(one.arguments) != len(two.arguments):
        return None
    found: list[Axis | None] = []
    for a, b in zip(one.arguments, two.arguments, strict=True):
        along = None if a is None or b is None else axis(a, b)
        if along is None and (a is not None or b is not None):
            return None
        found.append(along)
    output = axis(one.output, two.output)
    if output is None or (output.dim is None and one.output[:1] != (1,)):
        return None
    return Layout(tuple(found), output, one.count)
