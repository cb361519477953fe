"""Every model type of transformers, made small: a model that runs, with inputs that it reads and an output of it."""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from functools import partial
from itertools import islice, product
from typing import Any

import torch
from torch import nn

from glutheory.audit.configurations import model_class, quiet, without_cache
from glutheory.audit.inputs import example, pixels
from glutheory.errors import GlutheoryError
from tests.sampling.conformance.cases import SAMPLES, Case, NotBuilt, Subject, alone, call, projected
from tests.tiny_configurations import shrunk

Tensor = torch.Tensor
#: The most parameters of a model: their gradients at three samples are 0.4 GB then.
MOST = 15_000_000
#: Positions of a sequence; frames of a spectrogram; samples of a waveform; pixels of an image's side; sets of arguments.
LENGTH, FRAMES, WAVEFORMS, SIZES, TRIES = 5, 32, (1600, 6400), (32, 64), 40
#: The deviation of what is added to each weight: layers that begin at 0 would be tested at nothing.
NOISE = 0.05
#: Fields of one width per stage.
WIDTHS = ("hidden_sizes", "embed_dims", "embed_dim", "neck_hidden_sizes", "decoder_hidden_sizes", "widths", "channels")
#: Fields that a small model of the type needs, and that no rule gives.
FIELDS: dict[str, dict[str, Any]] = {
    **{
        name: {"prediction_length": 4, "context_length": 8, "lags_sequence": [1, 2]}
        for name in ("autoformer", "informer", "time_series_transformer")
    },
    "bamba": {"attn_layer_indices": [1]},
    **dict.fromkeys(("codegen", "gptj"), {"rotary_dim": 8}),
    "deepseek_v2": {"num_experts_per_tok": 2},
    "esm": {"vocab_size": 40, "pad_token_id": 1},
    "nemotron": {"num_key_value_heads": 4},
    **dict.fromkeys(("hunyuan_v1_dense", "hunyuan_v1_moe", "ministral"), {"head_dim": 16}),
    **dict.fromkeys(("donut-swin", "maskformer-swin", "swin", "swinv2"), {"embed_dim": 24, "window_size": 4}),
    "swin2sr": {"embed_dim": 24, "window_size": 4, "depths": [1, 1], "num_heads": [2, 2]},
    **dict.fromkeys(
        ("wav2vec2-bert", "wav2vec2-conformer", "seamless_m4t", "seamless_m4t_v2"), {"conv_depthwise_kernel_size": 31}
    ),
}


class TooLarge(Exception):
    """A model of too many parameters."""


def cases() -> list[Case]:
    """One for each model type."""
    from transformers import CONFIG_MAPPING

    return [Case("transformers", name, partial(subject, name)) for name in sorted(CONFIG_MAPPING.keys())]


def subject(name: str) -> Subject:
    """The model of a type.

    Raises:
        NotBuilt: with the reason.
    """
    with quiet():
        said: list[Exception] = []
        for config in configurations(name):
            try:
                model = built(config)
                for cached in (True, False):
                    if not cached:  # in fewer layers than they are made for some caches have nothing to keep
                        without_cache(model.config)
                    for inputs in arguments(model):
                        try:
                            return Subject(model, inputs, output_of(model, inputs))
                        except Exception as error:  # noqa: BLE001 (the next arguments may be those that it reads)
                            said.append(error)
            except Exception as error:  # noqa: BLE001 (other people's code: it may raise anything)
                said.append(error)
    raise because(said)


def because(said: Sequence[Exception]) -> NotBuilt:
    """Why there is no model, or none that runs."""
    first = next((error for error in said if not isinstance(error, TooLarge)), None)
    words = f"{type(first).__name__}: {first}" if first else str(said[0])
    if first is None:
        return NotBuilt(f"more than {MOST // 10**6} million parameters however small", words)
    if isinstance(first, ImportError):
        return NotBuilt("a library that is not installed", words)
    if "Unrecognized configuration class" in words:
        return NotBuilt("a part of a model that transformers does not build by itself", words)
    return NotBuilt("neither a configuration nor inputs are made here that go with it", words)


def configurations(name: str) -> Iterator[Any]:
    """Small ones of a type, the smallest first; then its own."""
    from transformers import CONFIG_MAPPING

    def default() -> Any:
        return CONFIG_MAPPING[name](**FIELDS.get(name, {}))

    for steps in ((shrunk, by_stages), (shrunk,), (by_stages,), ()):
        try:
            config = default()
            for step in steps:
                config = step(config)
            for field, value in FIELDS.get(name, {}).items() if steps else ():
                setattr(config, field, value)
        except Exception:  # noqa: BLE001 (a validation of its own)
            continue
        if by_stages not in steps or staged(config):
            yield config
    yield default()


def staged(config: Any) -> bool:
    """Whether it has a list of numbers, such as one for each stage."""
    parts = [value for value in vars(config).values() if hasattr(value, "model_type")]
    lists = [value for value in vars(config).values() if isinstance(value, list | tuple)]
    return any(value and all(type(item) is int for item in value) for value in lists) or any(map(staged, parts))


def by_stages(config: Any) -> Any:
    """The configuration with one layer in each stage, and an eighth of the width, in its parts too."""
    for field, value in dict(vars(config)).items():
        if hasattr(value, "model_type"):
            by_stages(value)
        elif isinstance(value, list | tuple) and all(type(item) is int for item in value):
            if field in ("depths", "num_layers", "layers", "num_blocks", "layer_depths"):
                setattr(config, field, type(value)(1 for _ in value))
            elif field in WIDTHS:
                setattr(config, field, type(value)(max(8, round(item / 64) * 8) for item in value))
    return config


def built(config: Any) -> nn.Module:
    """The model with random weights, none of them 0 for all of a layer."""
    make = model_class(config)
    with torch.device("meta"):
        count = sum(p.numel() for p in make(config).parameters())
    if count > MOST:
        raise TooLarge(f"{count} parameters")
    torch.manual_seed(0)
    model: nn.Module = make(config).double().eval()
    with suppress(AttributeError, ValueError):  # grouped products have no float64 on a CPU
        model.set_experts_implementation("eager")
    with torch.no_grad():
        for parameter in model.parameters():
            parameter += NOISE * torch.randn(parameter.shape, dtype=parameter.dtype)
    return model


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
        yield {"input_ids": ids["input_ids"].repeat(1, 4)}
    names = [name for name in dict.fromkeys((*([main] if isinstance(main, str) else main or ()), *needed))]
    for chosen in (names, needed, [main]):
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
        if parameter.default is parameter.empty and parameter.kind in (parameter.POSITIONAL_OR_KEYWORD, parameter.KEYWORD_ONLY)
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
    widths = number("num_mel_bins", "feature_size", "input_feat_per_channel", "n_mels", "num_mel_channels", "input_size",
                    "model_in_dim", "feature_projection_input_dim", "input_dim", "hidden_size", "d_model")  # fmt: skip
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
    return {
        "input_ids": [ids],
        "decoder_input_ids": [ids],
        "attention_mask": [torch.ones((SAMPLES, LENGTH), dtype=torch.long)],
        "bbox": [torch.randint(0, 30, (SAMPLES, LENGTH, 4), generator=generator).cumsum(-1)],
        "pixel_values": images,
        "image": images,
        "query_embeds": embedded,
        "pixel_values_videos": [normal(count, *x.shape[1:]) for x in images[:1] for count in (number("num_frames", "frames_per_clip") or [2])],
        "input_values": [*waves, *spectra],
        "input_features": [*spectra, *waves],
        "spectrogram": spectra,
        "inputs": [*embedded, ids],
        "flattened_patches": [torch.cat([torch.ones((SAMPLES, LENGTH, 2)), normal(LENGTH, value)], 2) for value in number("patch_embed_hidden_size")],
        "hidden_states": [*embedded, *images, *waves],
        "inputs_embeds": embedded,
        "x": [*images, *embedded, *waves],
        "past_values": [normal(time), *(normal(time, width) for width in number("num_input_channels", "input_size"))],
        "past_time_features": [normal(time, (number("num_time_features") or [0])[0])],
        "past_observed_mask": [torch.ones((SAMPLES, time), dtype=torch.float64)],
        "states": [normal(LENGTH, width) for width in number("state_dim")],
        "state": [normal(LENGTH, width) for width in number("state_dim")],
    }  # fmt: skip


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

    return projected(leaf)


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
