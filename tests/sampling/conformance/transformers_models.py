"""Every model type of transformers, made small: a model that runs, with inputs that it reads and an output of it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any

import torch
from torch import nn

from glutheory.audit.configurations import quiet, without_cache
from tests.sampling.conformance.cases import SAMPLES, Case, NotBuiltError, Subject, alone, call, projected
from tests.sampling.conformance.model_inputs import arguments
from tests.sampling.conformance.small_models import (
    LOUD,
    MOST,
    TooLargeError,
    built,
    configurations,
    in_double,
    louder,
)

Tensor = torch.Tensor
#: Towers that read the patches of all images in one axis; what module_ntk takes has samples in front.
PACKED = (
    "the patches of all images come packed in one axis, with no axis of samples: put the model into a module that "
    "takes images of one size, (n, …), and packs them itself"
)
#: Outputs of two samples that differ by less, relative to the largest, are none to test rows with.
SAME = 1e-5


def cases() -> list[Case]:
    """One for each model type."""
    from transformers import CONFIG_MAPPING

    return [Case("transformers", name, partial(subject, name)) for name in sorted(CONFIG_MAPPING.keys())]


def subject(name: str) -> Subject:
    """The model of a type.

    Raises:
        NotBuiltError: with the reason.
    """
    said: list[Exception] = []
    with quiet():
        try:
            for config in configurations(name):
                found = running(config, said)
                if found is not None:
                    return found
        except Exception as error:  # noqa: BLE001 (other people's code: it may raise anything)
            said.append(error)
    raise because(said)


def running(config: Any, said: list[Exception]) -> Subject | None:
    """A model of this configuration with arguments that it reads; None if there is none, and what was said."""
    try:
        model = built(config)
        for way in ("as it is", "without cache", "float64", "louder"):
            if way == "without cache":
                # in fewer layers than they are made for some caches have nothing to keep
                if not any(isinstance(error, IndexError) or "ache" in str(error) for error in said):
                    continue
                without_cache(model.config)
            if way == "float64":
                if not any(re.search("without overflow|same dtype|[dD]ouble", str(error)) for error in said):
                    continue
                in_double(model)
            if way == "louder":
                if not any("all samples give the same" in str(error) for error in said):
                    continue
                louder(model, LOUD)
            for inputs in arguments(model):
                try:
                    return Subject(model, inputs, output_of(model, inputs))
                except Exception as error:  # noqa: BLE001 (the next arguments may be those that it reads)
                    said.append(error)
    except Exception as error:  # noqa: BLE001
        said.append(error)
    return None


def because(said: Sequence[Exception]) -> NotBuiltError:
    """Why there is no model, or none that runs."""
    first = next((error for error in said if not isinstance(error, TooLargeError)), None)
    words = f"{type(first).__name__}: {first}" if first else str(said[0])
    if first is None:
        return NotBuiltError(f"more than {MOST // 10**6} million parameters with the generic shrinking", words)
    if isinstance(first, ImportError):
        return NotBuiltError("a library that is not installed", words)
    if re.search("missing .*(grid_thw|grid_sizes|cu_seqlens|pixel_position_ids)", words):
        return NotBuiltError(PACKED, words)
    if "Unrecognized configuration class" in words:
        return NotBuiltError("a part of a model that transformers does not build by itself", words)
    return NotBuiltError("the generic shrinking and the generic inputs do not go with it", words)


def output_of(model: nn.Module, inputs: Any) -> Any:
    """Combinations of all that the model returns for each sample: every tensor with a row for each, however many."""
    with torch.no_grad():
        few, many = call(model, alone(inputs, slice(0, 1))), call(model, alone(inputs, slice(0, SAMPLES)))
    ours, theirs = dict(leaves(few)), dict(leaves(many))
    chosen = [
        path
        for path, value in theirs.items()
        if path in ours and value.numel() and (len(ours[path]), len(value)) == (1, SAMPLES)
        and ours[path].shape[1:] == value.shape[1:]
    ]  # fmt: skip
    if not chosen:
        raise ValueError(f"{type(many).__name__} has no tensor with a row for each sample")
    if not all(bool(torch.isfinite(theirs[path]).all()) for path in chosen):
        raise ValueError("what it returns is not finite")

    def leaf(returned: Any) -> Tensor:
        found = dict(leaves(returned))
        return torch.cat([found[path].reshape(len(found[path]), -1).double() for path in chosen], 1)

    output = projected(leaf)
    values = output(many)
    if not bool(((values - values.roll(1, 0)).abs() > SAME * values.abs().max()).any(1).all()):
        raise ValueError("all samples give the same")
    return output


def leaves(returned: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[tuple[Any, ...], Tensor]]:
    """The tensors of floating-point numbers in nested mappings and sequences; what a model keeps for later is none."""
    if isinstance(returned, torch.Tensor):
        if returned.is_floating_point() and returned.ndim:
            yield path, returned
    elif isinstance(returned, dict | tuple | list):
        items = returned.items() if isinstance(returned, dict) else enumerate(returned)
        for key, value in items:
            if key not in ("past_key_values", "cache_params"):
                yield from leaves(value, (*path, key))
