"""The inputs of the feed-forward networks: what reaches them in a model, random rows, or the user's own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from inspect import signature
from typing import Any

import numpy as np
import torch
from torch import nn

from glutheory.audit.configurations import quiet
from glutheory.audit.recording import Seen, record, record_examples
from glutheory.audit.routing import Routed
from glutheory.audit.search import Found
from glutheory.errors import DomainError, GlutheoryError
from glutheory.sampling.inputs import check_inputs

#: Kinds of synthetic rows.
SYNTHETIC = ("gaussian", "normalised")
#: Streams of random numbers of one seed: of the model's arguments, of rows.
_ARGUMENTS, _ROWS = 0, 1


@dataclass(frozen=True)
class Given:
    """The inputs of the blocks.

    Attributes:
        words: what they are.
        samples: n.
        seen: by the index of a block, where the model was called.
        rows: for every block, where they were given; else None.
        kind: of synthetic rows, else empty.
    """

    words: str
    samples: int
    seen: Mapping[int, Seen | Routed]
    rows: torch.Tensor | None = None
    kind: str = ""


def given(model: nn.Module, blocks: Sequence[Found], inputs: Any, samples: int, length: int, seed: int) -> Given:
    """The inputs that `inputs` asks for; the arguments are those of `glutheory.audit.audit`.

    Raises:
        DomainError: inputs that are none, or that the model cannot read.
    """
    if isinstance(inputs, str):
        if inputs in SYNTHETIC:
            names = {
                "gaussian": f"{samples} standard normal rows",
                "normalised": f"{samples} random rows of norm sqrt(d)",
            }
            return Given(names[inputs], samples, {}, kind=inputs)
        if inputs != "model":
            raise DomainError(f"inputs is {inputs!r}: give 'model', {', '.join(map(repr, SYNTHETIC))}, or data.")
        words = "random examples"
        try:
            with quiet():
                arguments, words = example(model, samples, length, seed)
                place = next(model.parameters()).device
                moved = {name: tensor.to(place) for name, tensor in arguments.items()}
                try:
                    return Given(words, samples, record_examples(model, blocks, moved))
                except Exception:  # a model that reads text and images may want both
                    images = pixels(
                        model, getattr(getattr(model, "config", None), "vision_config", None), samples, seed
                    )
                    if images is None or "pixel_values" in moved:
                        raise
                    moved["pixel_values"] = images.to(place)
                    both = f"{words} and as many images of standard normal pixels"
                    return Given(both, samples, record_examples(model, blocks, moved))
        except GlutheoryError:
            raise
        except Exception as error:  # noqa: BLE001 (a model is code of other people: it may raise anything)
            said = " ".join(str(error).split())[:200] or type(error).__name__
            raise DomainError(
                f"{type(model).__name__} cannot read {words} ({said!r}): choose another length, inputs 'gaussian', or "
                "from Python the arguments of the model."
            ) from None
    if isinstance(inputs, tuple | Mapping):
        parts = list(inputs.values()) if isinstance(inputs, Mapping) else list(inputs)
        n = next((len(part) for part in parts if isinstance(part, torch.Tensor) and part.ndim), 0)
        if n < 2:
            raise DomainError("inputs holds no tensor with at least two rows: give the arguments of the model.")
        return Given(f"the last position of {n} given examples", n, record(model, blocks, inputs, n))
    rows = check_inputs(inputs, torch.device("cpu"), torch.float64)
    if len(rows) < 2:
        raise DomainError("inputs has one row: give at least two.")
    return Given(f"{len(rows)} given rows", len(rows), {}, rows=rows)


def rows(given: Given, block: Found, seed: int) -> torch.Tensor | None:
    """The block's inputs, float64, on its device."""
    d, device = block.width_in, block.device
    if given.rows is not None:
        if given.rows.shape[1] != d:
            raise DomainError(f"inputs has {given.rows.shape[1]} columns, but {block.name} takes {d}: give (n, {d}).")
        rows = given.rows
    elif given.kind:
        rows = synthetic(given.kind, given.samples, d, (seed, _ROWS, block.index))
    elif block.index not in given.seen:
        return None
    else:
        seen = given.seen[block.index]
        if isinstance(seen, Seen):
            rows = seen.inputs
        elif seen.shared is None:
            return None
        else:
            rows = seen.shared
    return check_inputs(rows, device, torch.float64)


def synthetic(kind: str, n: int, d: int, stream: tuple[int, ...]) -> torch.Tensor:
    """Random rows, float64, shape (n, d): standard normal ("gaussian"), or scaled to the norm √d ("normalised")."""
    rows = torch.from_numpy(np.random.default_rng(stream).standard_normal((n, d)))
    return rows if kind == "gaussian" else rows * (d**0.5 / rows.norm(dim=1, keepdim=True))


def example(model: nn.Module, n: int, length: int, seed: int) -> tuple[dict[str, torch.Tensor], str]:
    """Random arguments for a transformers model: token ids, or pixels; and what they are, in words.

    Ids are uniform over the vocabulary without special tokens, the last ones of the sequences all different where the
    vocabulary is large enough: two sequences that end alike would reach a feed-forward network nearly alike.

    Raises:
        DomainError: a model that reads something else.
    """
    config: Any = getattr(model, "config", None)
    wanted = getattr(model, "main_input_name", None)
    generator = np.random.default_rng((seed, _ARGUMENTS))
    images = pixels(model, config, n, seed)
    if wanted == "pixel_values" and images is not None:
        return {"pixel_values": images}, f"the last patch of {n} images of standard normal pixels"
    text = config.get_text_config() if hasattr(config, "get_text_config") else config
    vocabulary = getattr(text, "vocab_size", None)
    if config is None:
        found = _plain(model, n, length, generator)
        if found is not None:
            return found
    if wanted != "input_ids" or not vocabulary:
        raise DomainError(
            f"inputs is 'model', but {type(model).__name__} reads neither token ids nor pixels: give inputs 'gaussian'"
            ", or from Python the arguments of the model."
        )
    allowed = np.setdiff1d(np.arange(vocabulary), _special(text))
    if not len(allowed):
        allowed = np.arange(vocabulary)
    ids = generator.choice(allowed, (n, length))
    if len(allowed) >= n:
        ids[:, -1] = generator.choice(allowed, n, replace=False)
    given = torch.from_numpy(ids)
    arguments = {"input_ids": given}
    if getattr(config, "is_encoder_decoder", False):
        arguments["decoder_input_ids"] = given
    return arguments, f"the last position of {n} sequences of {length} random token ids"


def _plain(
    model: nn.Module, n: int, length: int, generator: np.random.Generator
) -> tuple[dict[str, torch.Tensor], str] | None:
    """What a module without a configuration reads, by the first of its layers that has weights; None if unknown."""
    names = [
        name
        for name, parameter in signature(model.forward).parameters.items()
        if parameter.kind in (parameter.POSITIONAL_ONLY, parameter.POSITIONAL_OR_KEYWORD)
    ]
    first = next((module for module in model.modules() if module._parameters), None)
    if not names:
        return None
    if isinstance(first, nn.Linear):
        drawn = torch.from_numpy(generator.standard_normal((n, first.in_features))).to(first.weight.dtype)
        return {names[0]: drawn}, f"{n} standard normal rows of {first.in_features} numbers, as its first layer reads"
    if isinstance(first, nn.Embedding):
        ids = torch.from_numpy(generator.integers(0, first.num_embeddings, (n, length)))
        return {names[0]: ids}, f"{n} sequences of {length} random ids below {first.num_embeddings}"
    return None


def pixels(model: nn.Module, config: Any, n: int, seed: int) -> torch.Tensor | None:
    """Standard normal pixels of n images, of the size that a configuration names; None if it names none."""
    size = getattr(config, "image_size", None)
    if not size:
        return None
    height, width = size if isinstance(size, list | tuple) else (size, size)
    generator = np.random.default_rng((seed, _ARGUMENTS))
    drawn = generator.standard_normal((n, getattr(config, "num_channels", 3), height, width))
    return torch.from_numpy(drawn).to(next(model.parameters()).dtype)


def _special(config: Any) -> list[int]:
    found: list[int] = []
    for name in ("pad_token_id", "bos_token_id", "eos_token_id", "decoder_start_token_id"):
        value = getattr(config, name, None)
        found += value if isinstance(value, list) else [] if value is None else [value]
    return found
