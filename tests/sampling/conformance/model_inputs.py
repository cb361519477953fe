"""Arguments that models of transformers read: token ids, pixels, sound, time series, by the names of the arguments."""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Mapping
from itertools import islice, product
from typing import Any

import torch
from torch import nn

from glutheory.audit.inputs import example, pixels
from glutheory.errors import GlutheoryError
from tests.sampling.conformance.cases import SAMPLES

Tensor = torch.Tensor
#: Positions of a sequence, frames of a spectrogram, samples of a waveform, pixels of an image's side.
LENGTH, FRAMES, WAVEFORMS, SIZES = 5, 32, (1600, 6400), (32, 64)
#: Fields that may be the width of a spectrogram.
SOUND = (
    "num_mel_bins", "feature_size", "input_feat_per_channel", "n_mels", "num_mel_channels", "input_size",
    "model_in_dim", "feature_projection_input_dim", "input_dim", "hidden_size", "d_model",
)  # fmt: skip
#: Sets of arguments that are tried.
TRIES = 40


def arguments(model: nn.Module) -> Iterator[dict[str, Tensor]]:
    """Named arguments that the model may read, the likeliest first."""
    config: Any = model.config
    main = getattr(model, "main_input_name", None)
    known = recipes(model)
    try:
        ids = example(model, SAMPLES, LENGTH, 0)[0]
    except GlutheoryError:
        ids = {}
    needed = required(model)
    if ids and set(needed) <= set(ids):
        yield ids
    images = next(iter(known["pixel_values"]), None)
    if images is not None and ids and set(needed) <= {*ids, "pixel_values"}:
        yield {**ids, "pixel_values": images}
    if ids:
        for more in ("bbox", "input_features", "input_values", "image"):
            for value in known[more][:TRIES] if more == "bbox" or more in signature(model) else ():
                yield {**ids, more: value}
    if "input_ids" in ids:
        yield {"input_ids": ids["input_ids"].repeat(1, 4)}
    names = list(dict.fromkeys((*([main] if isinstance(main, str) else main or ()), *needed)))
    for chosen in (names, needed, [main] if isinstance(main, str) else []):
        if chosen and all(name in known for name in chosen):
            for values in islice(product(*(known[name] for name in chosen)), TRIES):
                yield dict(zip(chosen, values, strict=True))
                if getattr(config, "is_encoder_decoder", False) and "decoder_input_ids" not in chosen:
                    yield {**dict(zip(chosen, values, strict=True)), "decoder_input_ids": known["decoder_input_ids"][0]}
    yield {"inputs_embeds": known["inputs_embeds"][0]}


def signature(model: nn.Module) -> Mapping[str, inspect.Parameter]:
    """The arguments of its forward pass."""
    return inspect.signature(model.forward).parameters


def required(model: nn.Module) -> list[str]:
    """The arguments without a default."""
    return [
        name
        for name, parameter in signature(model).items()
        if parameter.default is parameter.empty
        and parameter.kind in (parameter.POSITIONAL_OR_KEYWORD, parameter.KEYWORD_ONLY)
    ]


def recipes(model: nn.Module) -> dict[str, list[Tensor]]:
    """Tensors that an argument of a name may be, the likeliest first."""
    config: Any = model.config
    generator = torch.Generator().manual_seed(1)

    def normal(*shape: int) -> Tensor:
        return torch.randn((SAMPLES, *shape), generator=generator, dtype=torch.float64)

    def number(*fields: str) -> list[int]:
        parts = [config, *(value for value in vars(config).values() if hasattr(value, "model_type"))]
        found = [getattr(part, field, None) for field in fields for part in parts]
        return list(dict.fromkeys(value for value in found if isinstance(value, int) and not isinstance(value, bool)))

    channels = (number("num_channels", "in_channels") or [3])[0]
    widths = number(*SOUND)
    frames = [FRAMES, *(2 * value for value in number("max_source_positions"))]
    first = pixels(model, config, SAMPLES, 0)
    if first is None:
        first = pixels(model, getattr(config, "vision_config", None), SAMPLES, 0)
    images = [first] if first is not None else []
    images += [normal(channels, size, size) for size in SIZES]
    spectra = [
        normal(*shape)
        for count in frames
        for width in widths
        for shape in ((count, width), (width, count), (1, count, width), (count, 1, width))
    ]
    waves = [normal(*shape) for size in WAVEFORMS for shape in ((size,), (1, size))]
    sizes = number("hidden_size", "d_model", "embed_dim", "dim", "n_embd", "width") or [64]
    embedded = [normal(LENGTH, width) for width in sizes]
    ids = torch.randint(2, max(3, *number("vocab_size"), 0), (SAMPLES, LENGTH), generator=generator)
    time = (number("context_length") or [8])[0] + max(getattr(config, "lags_sequence", None) or [0])
    video = [
        normal(count, *x.shape[1:]) for x in images[:1] for count in number("num_frames", "frames_per_clip") or [2]
    ]
    patches = [
        torch.cat([torch.ones((SAMPLES, LENGTH, 2), dtype=torch.float64), normal(LENGTH, width)], 2)
        for width in number("patch_embed_hidden_size")
    ]
    states = [normal(LENGTH, width) for width in number("state_dim")]
    return {
        "input_ids": [ids],
        "decoder_input_ids": [ids],
        "attention_mask": [torch.ones((SAMPLES, LENGTH), dtype=torch.long)],
        "bbox": [torch.randint(0, 30, (SAMPLES, LENGTH, 4), generator=generator).cumsum(-1)],
        "pixel_values": [*images, *video],
        "image": images,
        "pixel_values_videos": video,
        "input_values": [*waves, *spectra],
        "input_features": [*spectra, *waves],
        "spectrogram": spectra,
        "inputs": [*embedded, ids],
        "flattened_patches": patches,
        "hidden_states": [*embedded, *images, *waves],
        "inputs_embeds": embedded,
        "query_embeds": embedded,
        "x": [*images, *embedded, *waves],
        "past_values": [normal(time), *(normal(time, width) for width in number("num_input_channels", "input_size"))],
        "past_time_features": [normal(time, (number("num_time_features") or [0])[0])],
        "past_observed_mask": [torch.ones((SAMPLES, time), dtype=torch.float64)],
        "states": states,
        "state": states,
    }
