"""Find the feed-forward networks inside a model: by their structure, not by a list of classes."""

from __future__ import annotations

import re
from collections.abc import Iterator

from torch import nn

from glutheory.audit.blocks import Block
from glutheory.audit.experts import Expert, Mixture, Stack, stacked
from glutheory.audit.forms import FORMS, Form, child, fits, in_a_row, matrix

#: Names of classes that promise a feed-forward network.
_NAMES = re.compile(r"MLP|Mlp|FFN|Ffn|FeedF|Feedf|DenseActDense")

_ALONE = "its experts are modules of their own: each is audited alone, their routed mixture is not"

Found = Block | Expert | Mixture


def find_blocks(model: nn.Module, own: Form | None = None) -> tuple[Found, ...]:
    """All feed-forward networks of a model, in its own order; of stacked experts each one, then their mixture.

    `own` is a form beside those that are known; where a module has it, it has no other.
    """
    forms = FORMS if own is None else (own, *FORMS)
    found: list[Found] = []
    for name, module in model.named_modules():
        label = name or type(module).__name__
        fit = next((fit for form in forms if (fit := fits(module, form))), None)
        row = in_a_row(module)
        stack = stacked(model, name)
        if fit is not None:
            found.append(Block(label, len(found), module, *fit))
        elif row is not None:
            found.append(Block(label, len(found), module, *row))
        elif stack is not None:
            found += [Expert(f"{label}.{e}", len(found) + e, stack, e) for e in range(stack.count)]
            found.append(Mixture(label, len(found), stack))
    return tuple(found)


def stacks(found: tuple[Found, ...] | list[Found]) -> dict[int, Stack]:
    """The stacks among what was found, by the index of every expert and every mixture of them."""
    return {part.index: part.stack for part in found if not isinstance(part, Block)}


def unread(model: nn.Module, found: tuple[Found, ...]) -> Iterator[tuple[str, str]]:
    """What may be a feed-forward network and could not be read: (name, reason), the outermost module only."""
    known = [part.name for part in found]
    told: list[str] = []
    for name, module in model.named_modules():
        if any(_within(name, other) for other in (*told, *known)):
            continue
        reason = _reason(name, module, known)
        if reason:
            told.append(name)
            yield name or type(module).__name__, reason
        elif _is_experts(name, module) and _members(name, known) > 1:
            yield (
                name,
                _ALONE,
            )


def _within(name: str, other: str) -> bool:
    return name == other or name.startswith(f"{other}.")


def _members(name: str, known: list[str]) -> int:
    return sum(_within(other, name) for other in known)


def _is_experts(name: str, module: nn.Module) -> bool:
    return "Experts" in type(module).__name__ or name.rsplit(".", 1)[-1] == "experts"


def _reason(name: str, module: nn.Module, known: list[str]) -> str:
    kind = type(module).__name__
    if not _members(name, known):
        if _is_experts(name, module):
            return f"a mixture of experts ({kind}) of a form that is not known here"
        if _NAMES.search(kind) and _linear_maps(module) > 1:
            return f"by its name ({kind}) a feed-forward network, but of a form that is not known here"
    for form in FORMS:
        parts = [child(module, path) for path in (*form.branches, form.readout)]
        if all(isinstance(part, nn.Module) for part in parts) and name not in known:
            names = ", ".join(sorted({type(part).__name__ for part in parts}))
            return f"it has {form}, but their weights ({names}) cannot be read as matrices of a network"
    return ""


def _linear_maps(module: nn.Module) -> int:
    return sum(matrix(part) is not None for part in module.modules())
