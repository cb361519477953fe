"""Find the feed-forward networks inside a model: by their structure, not by a list of classes."""

from __future__ import annotations

from collections.abc import Iterator

from torch import nn

from glutheory.audit.blocks import Block
from glutheory.audit.experts import Expert, Mixture, Stack, stacked
from glutheory.audit.forms import FORMS, child, fits, in_a_row

Found = Block | Expert | Mixture


def find_blocks(model: nn.Module) -> tuple[Found, ...]:
    """All feed-forward networks of a model, in its own order; of stacked experts each one, then their mixture."""
    found: list[Found] = []
    for name, module in model.named_modules():
        label = name or type(module).__name__
        fit = next((fit for form in FORMS if (fit := fits(module, form))), None)
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


def _within(name: str, other: str) -> bool:
    return name == other or name.startswith(f"{other}.")


def _reason(name: str, module: nn.Module, known: list[str]) -> str:
    kind = type(module).__name__
    experts = "Experts" in kind or name.rsplit(".", 1)[-1] == "experts"
    if experts and not any(_within(other, name) for other in known):
        return f"a mixture of experts ({kind}) of a form that is not known here"
    for form in FORMS:
        parts = [child(module, path) for path in (*form.branches, form.readout)]
        if all(isinstance(part, nn.Module) for part in parts) and name not in known:
            names = ", ".join(sorted({type(part).__name__ for part in parts}))
            return f"it has {form}, but their weights ({names}) cannot be read as matrices of a network"
    return ""
