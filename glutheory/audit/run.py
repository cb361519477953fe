"""The audit itself: every feed-forward network of a model, beside its twin, on the same inputs."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from glutheory.errors import DomainError, MissingDependencyError, with_article

try:
    import torch
except ImportError:
    raise MissingDependencyError.of("audit needs", "torch", "models") from None
from torch import nn

from glutheory.audit.blocks import Block
from glutheory.audit.comparison import compared
from glutheory.audit.findings import Audit, BlockAudit
from glutheory.audit.forms import FORMS, Form, fits, matrix, own_form
from glutheory.audit.inputs import given
from glutheory.audit.models import Built, build, drawn
from glutheory.audit.search import Found, find_blocks, unread
from glutheory.audit.subjects import subject
from glutheory.ground.arguments import integer
from glutheory.sampling.inputs import check_device

Progress = Callable[[int, int, str], None]


def audit(
    model: Any,
    *,
    inputs: Any = "model",
    samples: int = 64,
    length: int = 16,
    layers: Sequence[int] | None = None,
    draws: int = 5,
    biases: bool = True,
    seed: int = 0,
    device: str | torch.device = "cpu",
    changes: Mapping[str, Any] | None = None,
    roles: Mapping[str, str] | None = None,
    progress: Progress | None = None,
) -> Audit:
    """The condition numbers of the NTK of each feed-forward network of a model and of its twin.

    The NTK is that of the feed-forward network alone: over its own parameters, summed over its outputs, in float64. Its
    twin is the other kind (non-gated for a gated network, gated for a plain one) with as many parameters, the same
    activation, and normal weights at the scale (root mean square) that they have in the model. For a fair comparison
    the network's own kind is drawn anew at the same scales as often as the twin; ratios are of those draws.

    Args:
        model: any torch module; it is only read. Or a transformers configuration, or what `models.build` takes.
        inputs: "model" (what reaches the feed-forward networks when a transformers model reads random tokens or
            pixels, or a module without a configuration what its first layer reads: normal rows for a linear one, ids
            for an embedding), "gaussian" or "normalised" (random rows), an array of rows of shape (n, inputs) for
            every network, or the arguments of the model, a tuple or a mapping of tensors whose first axis is n long.
            Of a sequence the last position is taken.
        samples: n, for random inputs.
        length: of random token sequences.
        layers: which of the feed-forward networks, counted from 0; None: all.
        draws: how many networks of each kind are drawn.
        biases: whether biases count as parameters of the NTK. That of the readout adds the same number to every entry,
            and may hide everything else where the weights are small.
        seed: of everything random.
        device: where to compute; a module that is given is used where it is.
        changes: fields of the configuration to change, for a model given by name or path.
        roles: names of the linear maps of feed-forward networks that are not found by their names: "gate", "readout",
            and "value" where they are gated; e.g. {"value": "fc_a", "gate": "fc_b", "readout": "fc_c"}. What lies
            between is read as of all others, and held against what the model computes.
        progress: called with how many blocks are done, how many there are, and the name of the next.

    Raises:
        DomainError: a bad argument, a model without a feed-forward network that can be read, too large a one, or one
            with a weight that is not finite.
        UnknownNameError: no such model or field.
        MissingDependencyError: torch or transformers is missing.
    """
    integer("samples", samples, 2), integer("length", length, 1), integer("draws", draws, 1)
    integer("seed", seed, 0)
    layers = None if layers is None else [integer("layers", index, 0) for index in layers]
    built = _built(model, changes, layers, seed, device)
    own = None if roles is None else own_form(roles)
    found = find_blocks(built.model, own)
    if own is not None and not any(isinstance(part, Block) and fits(part.owner, own) for part in found):
        raise DomainError(_no_such(built.model, own))
    if not found:
        raise DomainError(_nothing(built.model))
    blocks = _chosen(found, layers)
    _finite(built.model)
    source = given(built.model, blocks, inputs, samples, length, seed)
    audited, skipped = [], []
    for done, block in enumerate(blocks):
        if progress is not None:
            progress(done, len(blocks), block.name)
        if any(name.startswith(f"{block.name}.") for name in built.missing):
            lacking = next(name for name in built.missing if name.startswith(f"{block.name}."))
            raise DomainError(
                f"the files lack {lacking}, which would be random: give all files of the model, or its config.json "
                "alone for random weights."
            )
        read = subject(block, source, seed)
        if isinstance(read, str):
            skipped.append((block.name, read))
        else:
            audited.append(compared(block, read, draws, seed, biases))
    if not audited:
        raise DomainError(f"{skipped[0][0]} cannot be audited: {skipped[0][1]}; nor can any other block.")
    if layers is None:
        skipped += unread(built.model, found)
    trained = None if isinstance(model, nn.Module) else built.trained
    return Audit(
        type(built.model).__name__,
        trained,
        source.words,
        source.samples,
        seed,
        biases,
        tuple(audited),
        tuple(skipped),
        (*built.notes, *_notes(audited, source.samples, biases)),
    )


def _finite(model: nn.Module) -> None:
    """Weights that are no numbers are named here: what they make of the inputs would be blamed on these."""
    for name, parameter in model.named_parameters():
        # torch tests no numbers of eight bits
        if not parameter.is_meta and parameter.element_size() > 1 and not torch.isfinite(parameter).all():
            place = tuple(torch.nonzero(~torch.isfinite(parameter))[0].tolist())
            raise DomainError(
                f"the model's parameter {name} has {parameter[place].item()} at {list(place)}: give finite weights."
            )


def _built(
    model: Any, changes: Mapping[str, Any] | None, layers: Sequence[int] | None, seed: int, device: Any
) -> Built:
    if isinstance(model, nn.Module):
        if changes:
            raise DomainError("changes go with a model given by name or path, not with a module.")
        return Built(model)
    place = check_device(device)
    if isinstance(model, str):
        built = build(model, changes, layers=layers, seed=seed)
    elif hasattr(model, "model_type") and not changes:
        built = drawn(model, layers=layers, seed=seed)
    elif isinstance(model, Mapping):
        raise DomainError(
            f"model is {with_article(type(model).__name__)}, as a state dict is, which does not say what the model "
            "computes: load it into its module, module.load_state_dict(...), and give the module."
        )
    else:
        raise DomainError(
            f"model is {with_article(type(model).__name__)}: give a torch module, a configuration of transformers "
            "(changed already), or a name or path."
        )
    built.model.to(place)
    return built


def _nothing(model: nn.Module) -> str:
    for name, reason in unread(model, ()):
        return f"{type(model).__name__} has no feed-forward network that can be read: {name}: {reason}."
    return (
        f"{type(model).__name__} has no feed-forward network that is known here, i.e. no Sequential of a linear map, "
        "an activation and a linear map, and no module whose linear maps have names that are known, such as "
        f"{'; '.join(map(str, FORMS[:4]))}: name them by roles (--gate, --readout, and --value where it is gated)."
    )


def _no_such(model: nn.Module, own: Form) -> str:
    names = [name for name, module in model.named_modules() if matrix(module) is not None]
    wanted = (*own.branches, own.readout)
    near = [name for name in names if any(name == part or name.endswith(f".{part}") for part in wanted)]
    if near:
        return (
            f"no module of {type(model).__name__} has the linear maps {own} with shapes that go together: it has "
            f"{', '.join(near[:4])}; the names are those within the module that owns all of them."
        )
    return f"{type(model).__name__} has no linear maps called {own}: it has {', '.join(names[:6]) or 'none'}."


def _chosen(found: tuple[Found, ...], layers: Sequence[int] | None) -> list[Found]:
    for index in layers or ():
        if index >= len(found):
            raise DomainError(f"layers has {index}: the model has {len(found)} feed-forward networks, counted from 0.")
    if layers is not None and not layers:
        raise DomainError("layers is empty: give at least one number, or None for all.")
    return [block for block in found if layers is None or block.index in layers]


def _notes(audited: Sequence[BlockAudit], n: int, biases: bool) -> list[str]:
    notes = []
    if biases and any(block.biased for block in audited):
        notes.append(
            "the gradients of the biases count; the readout's bias adds the same number to every entry of the NTK, "
            "which may outweigh the rest (--weights-only, biases=False: without them)."
        )
    for block in audited:
        for side in (block.own, block.twin):
            # h has `width` columns, and x times a slope `inputs * width` per branch
            rank = (block.experts or 1) * side.width * (1 + (1 + side.gated) * block.inputs)
            if n > rank:
                notes.append(f"{n} inputs are more than the rank {rank} of the NTK of {block.name}: it is singular.")
    if not all(block.verified for block in audited):
        notes.append("the reading of some blocks could not be held against the model's own computation.")
    return notes
