"""A device that is none: tensors on `far:0`, whose numbers lie in tensors of the CPU, and every way from there is seen.

torch takes it for an accelerator: a tensor there is no numpy array, two devices do not mix, and the library's roads for
devices are taken. What goes to the host is written down in `Journal.carried`: how many numbers, and for whom.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest
import torch
from torch import nn
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_map

import glutheory

PLACE = "far:0"
_PACKAGE = Path(glutheory.__file__).parent
#: What only carries it out for others.
_CARRIERS = ("numeric/arrays.py",)
#: What torch allows with tensors of two devices: copies, and places in a tensor.
_MIXING = ("aten::copy_", "aten::_to_copy", "aten::index", "aten::index_put_")
_READ = "aten::_local_scalar_dense"


def _register() -> None:
    """Tell torch of the device, experimental there; on import, for autograd counts devices at its first run."""
    backends = pytest.importorskip("torch.utils.backend_registration")
    setup = getattr(backends, "_setup_privateuseone_for_python_backend", None)
    if setup is None:
        pytest.skip("this torch knows no devices written in Python", allow_module_level=True)
    setup("far")


_register()


@dataclass
class Journal:
    """What went to the host: the function of the package that asked, and how many numbers each time."""

    carried: list[tuple[str, int]] = field(default_factory=list)

    @property
    def total(self) -> int:
        """How many numbers in all."""
        return sum(count for _, count in self.carried)

    @property
    def largest(self) -> int:
        """The most at once."""
        return max((count for _, count in self.carried), default=0)

    @property
    def vectors(self) -> set[str]:
        """Who asked for more than one number at once."""
        return {name for name, count in self.carried if count > 1}

    def note(self, tensor: torch.Tensor) -> None:
        """These numbers went."""
        self.carried.append((_asker(), tensor.numel()))


def _asker() -> str:
    """The innermost function of the package on the stack, but for those that carry it out for others."""
    frame = sys._getframe(1)
    while frame is not None:
        path = Path(frame.f_code.co_filename)
        if path.is_relative_to(_PACKAGE):
            name = path.relative_to(_PACKAGE).as_posix()
            if name not in _CARRIERS:
                return f"{name}: {frame.f_code.co_qualname.partition('.<locals>')[0]}"
        frame = frame.f_back  # type: ignore[assignment]
    return "the test"


_journal = Journal()


class Far(torch.Tensor):
    """A tensor there; `own` has its numbers."""

    own: torch.Tensor
    __torch_function__: Any = torch._C._disabled_torch_function_impl

    @staticmethod
    def __new__(cls, own: torch.Tensor) -> Far:
        facts: Any = {"strides": own.stride(), "storage_offset": own.storage_offset(), "dtype": own.dtype}
        made: Far = torch.Tensor._make_wrapper_subclass(
            cls, own.shape, dispatch_device=True, device=torch.device("cpu"), **facts
        )
        made.own = own
        return made

    def tolist(self) -> Any:
        """Torch has none for tensors of other kinds."""
        _journal.note(self)
        return self.own.tolist()

    @classmethod
    def __torch_dispatch__(cls, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:  # type: ignore[override]
        return _apply(function, args, kwargs or {})


def _is_far(place: Any) -> bool:
    return place is not None and torch.device(place).type == "far"


def _apply(function: Any, args: Any, kwargs: dict[str, Any]) -> Any:
    """The operation on the tensors of the CPU; its result is there if an argument is, unless it asks for the host."""
    if function is torch.ops.prim.device.default:
        return torch.device(PLACE if isinstance(args[0], Far) else "cpu")
    name, given = function._schema.name, []

    def own(value: Any) -> Any:
        if isinstance(value, torch.Tensor):
            given.append(value)
        return value.own if isinstance(value, Far) else value

    plain, named = tree_map(own, args), tree_map(own, kwargs)
    far = [value for value in given if isinstance(value, Far)]
    mixed = far and any(value.ndim and not isinstance(value, Far) for value in given)
    if mixed and name not in _MIXING:
        raise RuntimeError(f"{name} of tensors on {PLACE} and on the CPU")
    place = kwargs.get("device")
    if place is not None:
        named["device"] = torch.device("cpu")
    home = bool(far) and place is not None and not _is_far(place)
    if home or (far and name == _READ) or (name == "aten::copy_" and far and not isinstance(args[0], Far)):
        _journal.note(far[0])
    found = function(*plain, **named)
    if function._schema.is_mutable:
        # in place, or into `out`
        return kwargs.get("out", args[0])
    if home or not (far or _is_far(place)):
        return found
    return tree_map(lambda part: Far(part) if type(part) is torch.Tensor else part, found)


class _Dispatched(TorchDispatchMode):
    """Tensors made there from nothing."""

    def __torch_dispatch__(self, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        return _apply(function, args, kwargs or {})


def _made(function: Any) -> Any:
    """Of a function that makes tensors of other objects: made here and copied there, which torch hides from modes."""

    def make(*args: Any, **kwargs: Any) -> Any:
        place = kwargs.pop("device", None)
        found = function(*args, **kwargs)
        return found if place is None else found.to(place)

    return make


@contextmanager
def device() -> Iterator[Journal]:
    """While it stands, there is a device `far:0`."""
    _journal.carried = []
    with ExitStack() as stack:
        for name in ("asarray", "as_tensor", "tensor"):
            stack.enter_context(patch.object(torch, name, _made(getattr(torch, name))))
        # backward in this thread, where the mode stands
        stack.enter_context(torch.autograd.set_multithreading_enabled(False))
        stack.enter_context(_Dispatched())
        yield _journal


def moved(model: nn.Module) -> nn.Module:
    """The module there, its parameters and buffers new ones: ``model.to`` keeps the old ones, whose kind is another."""
    for part in model.modules():
        for name, parameter in part.named_parameters(recurse=False):
            setattr(part, name, nn.Parameter(parameter.detach().to(PLACE)))
        for name, buffer in part.named_buffers(recurse=False):
            setattr(part, name, buffer.to(PLACE))
    return model
