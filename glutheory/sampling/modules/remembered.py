"""What is known of a model from an earlier call, so that a kernel of few rows costs little more than its passes.

Where the very same module objects come again, with the same classes, attributes, modes, hooks, names and dtypes of
parameters and shapes of inputs, the routes of the parameters, the number of outputs and the precision are taken from
the call before. None of it is believed without a test: every batch is held against its rows alone and against plain
gradients as ever, whatever its routes come from, so that a model that has changed where nobody looked (within an object
that an attribute refers to, say) is differentiated some slower way, or refused. What is not done again is what only the
first call of a model does:

* the gradients of two inputs alone are not compared with those in a batch: a model whose outputs do not mix its rows,
  though a backward pass of its own does, and does so for some inputs of a shape only, may escape in a later call;
* nobody looks for tensors that the model changes in place (models that do are not remembered): one that starts to do so
  later is put back at the end of the call as ever, and not between its passes.

A model is remembered as long as it lives, `KEPT` kinds of inputs of it.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from dataclasses import dataclass
from types import FunctionType
from typing import Any
from weakref import WeakKeyDictionary

import torch
from torch import nn

from glutheory.sampling.modules.batches import Arguments
from glutheory.sampling.modules.routes import Route

Tensor = torch.Tensor
#: Kinds of inputs for which one model is remembered.
KEPT = 8
_PLAIN = (bool, int, float, complex, str, bytes, type(None), torch.dtype, torch.device)


@dataclass(frozen=True)
class Plan:
    """What is remembered.

    Attributes:
        routes: of the parameters.
        k: outputs.
        single: whether some arithmetic is float32, or coarser.
    """

    routes: tuple[Route, ...]
    k: int
    single: bool


_plans: WeakKeyDictionary[nn.Module, dict[Hashable, Plan]] = WeakKeyDictionary()


def recall(model: nn.Module, key: Hashable) -> Plan | None:
    """What is known of this model, if anything is."""
    return None if key is None else _plans.get(model, {}).get(key)


def remember(model: nn.Module, key: Hashable, plan: Plan | None) -> None:
    """Keep this, the newest last; None: forget it."""
    if key is None:
        return
    known = _plans.setdefault(model, {})
    known.pop(key, None)
    if plan is not None:
        known[key] = plan
        while len(known) > KEPT:
            del known[next(iter(known))]


def key_of(
    model: nn.Module, names: tuple[str, ...], output: Callable[[Any], Tensor] | None, *arguments: Arguments | None
) -> Hashable:
    """By what a call is known again; None where that cannot be said.

    Args:
        model: the network.
        names: of the parameters that are asked for.
        output: its outputs; a function that holds other objects is not known again.
        arguments: the inputs.
    """
    how: Hashable = None
    if output is not None:
        if not isinstance(output, FunctionType) or output.__closure__ or output.__defaults__ or output.__kwdefaults__:
            return None
        how = output.__code__
    context = (torch.get_default_dtype(), torch.is_autocast_enabled(), torch.get_float32_matmul_precision())
    kinds = tuple(tuple(map(_kind, item.leaves())) for item in arguments if item is not None)
    key = (names, how, context, kinds, len(arguments), tuple(map(_look, model.modules())))
    try:
        hash((model, key))
    except TypeError:
        return None
    return key


def _look(module: nn.Module) -> Hashable:
    """A module as far as that is cheap to see: objects by their identity, numbers by their values."""
    kind: Any = type(module)
    parts: list[Hashable] = [id(module), kind, kind.forward]
    for name, value in vars(module).items():
        parts.append(name)
        if isinstance(value, dict):
            parts.extend((key, _kind(item)) for key, item in value.items())
        else:
            parts.append(_kind(value))
    return tuple(parts)


def _kind(value: Any) -> Hashable:
    if isinstance(value, Tensor):
        return value.shape, value.dtype, value.device
    if isinstance(value, _PLAIN):
        return type(value), value
    if isinstance(value, tuple):
        return tuple(map(_kind, value))
    return id(value)
