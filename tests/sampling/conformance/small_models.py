"""Small models of a type of transformers, with random weights."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import suppress
from typing import Any

import torch
from torch import nn

from glutheory.audit.configurations import model_class
from tests.tiny_configurations import shrunk

#: The most parameters of a model: their gradients at three samples are 50 MB then.
MOST = 2_000_000
#: The deviation of what is added to each weight: layers that begin at 0 would be tested at nothing.
NOISE = 0.05
#: And where inputs are lost on the way through many layers.
LOUD = 0.3
#: Fields of one width, and of one number of layers, per stage.
WIDTHS = ("hidden_sizes", "embed_dims", "embed_dim", "neck_hidden_sizes", "decoder_hidden_sizes", "widths", "channels")
DEPTHS = ("depths", "num_layers", "layers", "num_blocks", "layer_depths")
#: What is cut down in the last resort, and parts of the names of fields that are no sizes.
WIDE = 64
NO_SIZES = ("token", "_id", "label", "vocab", "rate", "image_size", "position", "length", "theta", "hop", "stride")
#: Fields that a small model of some types needs, and that no rule gives.
NEEDED: tuple[tuple[tuple[str, ...], dict[str, Any]], ...] = (
    (("audio-spectrogram-transformer",), {"max_length": 32}),
    (
        ("autoformer", "informer", "time_series_transformer"),
        {"prediction_length": 4, "context_length": 8, "lags_sequence": [1, 2]},
    ),
    (
        ("bamba",),
        {
            "attn_layer_indices": [1],
            "hidden_size": 64,
            "mamba_n_heads": 8,
            "mamba_d_head": 16,
            "mamba_n_groups": 1,
            "mamba_d_state": 8,
            "mamba_chunk_size": 4,
        },
    ),
    (("bit",), {"embedding_size": 32, "hidden_sizes": [32, 64], "depths": [1, 1], "num_groups": 8}),
    (
        ("dots1",),
        {
            "n_routed_experts": 4,
            "num_experts_per_tok": 2,
            "n_group": 1,
            "topk_group": 1,
            "n_shared_experts": 1,
            "first_k_dense_replace": 1,
        },
    ),
    (("ernie4_5_moe",), {"moe_k": 2, "moe_num_experts": 4, "moe_layer_start_index": 1, "moe_layer_end_index": 1}),
    (
        ("falcon_h1",),
        {
            "mamba_n_heads": 8,
            "mamba_d_head": 16,
            "mamba_d_ssm": 128,
            "mamba_n_groups": 1,
            "mamba_d_state": 8,
            "mamba_chunk_size": 4,
        },
    ),
    (("funnel",), {"block_sizes": [1, 1], "d_model": 32, "n_head": 2, "d_head": 16, "d_inner": 48}),
    (
        ("glpn", "pvt_v2"),
        {
            "hidden_sizes": [16, 32],
            "num_attention_heads": [1, 2],
            "depths": [1, 1],
            "num_encoder_blocks": 2,
            "sr_ratios": [2, 1],
            "patch_sizes": [7, 3],
            "strides": [4, 2],
            "mlp_ratios": [2, 2],
        },
    ),
    (("layoutlmv3",), {"coordinate_size": 8, "shape_size": 16}),
    (
        ("lfm2_moe",),
        {
            "num_hidden_layers": 2,
            "layer_types": ["conv", "full_attention"],
            "num_experts": 4,
            "num_experts_per_tok": 2,
            "num_dense_layers": 1,
        },
    ),
    (("lilt",), {"hidden_size": 48, "channel_shrink_ratio": 4}),
    (
        ("mamba2",),
        {"hidden_size": 64, "num_heads": 8, "head_dim": 16, "state_size": 8, "n_groups": 1, "chunk_size": 4},
    ),
    (
        ("mistral4",),
        {"qk_rope_head_dim": 8, "qk_nope_head_dim": 8, "qk_head_dim": 16, "v_head_dim": 16, "head_dim": 16},
    ),
    (
        ("mobilevit",),
        {
            "hidden_sizes": [16, 16, 16],
            "neck_hidden_sizes": [8, 8, 8, 8, 8, 8, 32],
            "image_size": 64,
            "initializer_range": 1.0,
        },
    ),
    (
        ("mobilebert",),
        {
            "embedding_size": 64,
            "hidden_size": 64,
            "true_hidden_size": 64,
            "intra_bottleneck_size": 64,
            "num_feedforward_networks": 1,
            "use_bottleneck": False,
        },
    ),
    (
        ("moonshine",),
        {
            "encoder_num_attention_heads": 4,
            "decoder_num_attention_heads": 4,
            "encoder_num_key_value_heads": 4,
            "decoder_num_key_value_heads": 4,
            "pad_head_dim_to_multiple_of": None,
        },
    ),
    (
        ("sew", "sew-d"),
        {"conv_dim": [16, 16, 64], "conv_kernel": [10, 3, 3], "conv_stride": [5, 2, 2], "num_feat_extract_layers": 3},
    ),
    (("step3p5",), {"sliding_window": 4}),
    (("step3p7",), {"text_config": {"sliding_window": 4}}),
    (("t5gemma2_text",), {"dropout_rate": 0.0}),
    (("xmod",), {"default_language": "en_XX"}),
    (("codegen", "gptj"), {"rotary_dim": 8}),
    (("deepseek_v2",), {"num_experts_per_tok": 2}),
    (("esm",), {"vocab_size": 40, "pad_token_id": 1}),
    (("nemotron",), {"num_key_value_heads": 4}),
    (("hunyuan_v1_dense", "hunyuan_v1_moe", "ministral"), {"head_dim": 16}),
    (("donut-swin", "maskformer-swin", "swin", "swinv2"), {"embed_dim": 24, "window_size": 4}),
    (("swin2sr",), {"embed_dim": 24, "window_size": 4, "depths": [1, 1], "num_heads": [2, 2]}),
    (
        ("wav2vec2-bert", "wav2vec2-conformer", "seamless_m4t", "seamless_m4t_v2"),
        {"conv_depthwise_kernel_size": 31},
    ),
    (
        ("focalnet",),
        {
            "embed_dim": 16,
            "hidden_sizes": [16, 32],
            "depths": [1, 1],
            "focal_levels": [2, 2],
            "focal_windows": [3, 3],
            "image_size": 32,
        },
    ),
    (("hiera",), {"embed_dim": 16, "depths": [1, 1, 1, 1], "image_size": [64, 64]}),
    (
        ("longcat_flash",),
        {
            "ffn_hidden_size": 48,
            "expert_ffn_hidden_size": 48,
            "qk_rope_head_dim": 8,
            "qk_nope_head_dim": 8,
            "qk_head_dim": 16,
            "v_head_dim": 16,
            "head_dim": 8,
        },
    ),
    (("mgp-str",), {"num_bpe_labels": 20, "num_wordpiece_labels": 20}),
    (("mobilenet_v1",), {"depth_multiplier": 0.25, "min_depth": 8}),
    (("mobilenet_v2",), {"depth_multiplier": 0.25}),
    (
        ("mobilevitv2",),
        {"width_multiplier": 0.25, "base_attn_unit_dims": [16, 24, 32], "image_size": 64, "initializer_range": 0.5},
    ),
    (
        ("reformer",),
        {
            "attn_layers": ["local", "local"],
            "local_attn_chunk_length": 4,
            "attention_head_size": 16,
            "axial_pos_embds": False,
        },
    ),
    (
        ("zamba",),
        {
            "hidden_size": 32,
            "num_attention_heads": 2,
            "num_key_value_heads": 2,
            "attention_hidden_size": 64,
            "attention_head_dim": 32,
            "n_mamba_heads": 2,
            "mamba_d_state": 4,
            "mamba_dt_rank": 4,
            "use_mamba_kernels": False,
            "attn_layer_period": 2,
            "attn_layer_offset": 1,
        },
    ),
)
FIELDS = {name: fields for names, fields in NEEDED for name in names}


class TooLargeError(Exception):
    """A model of too many parameters."""


def configurations(name: str) -> Iterator[Any]:
    """Small ones of a type, the smallest first; then its own."""
    from transformers import CONFIG_MAPPING

    def default() -> Any:
        return CONFIG_MAPPING[name](**FIELDS.get(name, {}))

    some = False
    for steps in ((shrunk, by_stages), (shrunk,), (shrunk, by_stages, narrow), (by_stages,), ()):
        try:
            config = default()
            for step in steps:
                config = step(config)
            if steps:
                put(config, FIELDS.get(name, {}))
            if steps:
                sections(config)
        except Exception:
            if steps or some:  # a validation of its own
                continue
            raise
        if by_stages not in steps or narrow in steps or staged(config):
            some = True
            yield config


def put(config: Any, fields: Mapping[str, Any]) -> None:
    """Set these fields; of a part those that are given for it."""
    for field, value in fields.items():
        part = getattr(config, field, None)
        if isinstance(value, Mapping) and hasattr(part, "model_type"):
            put(part, value)
        else:
            setattr(config, field, value)


def narrow(config: Any) -> Any:
    """The configuration with all other large numbers cut down that may be sizes, in its parts too."""
    for field, value in dict(vars(config)).items():
        if hasattr(value, "model_type"):
            narrow(value)
        elif any(part in field for part in NO_SIZES):
            continue
        elif type(value) is int and value > WIDE:
            setattr(config, field, WIDE)
        elif isinstance(value, list | tuple) and value and all(type(item) is int for item in value):
            most = max(value)
            setattr(config, field, type(value)(max(8, item * WIDE // most) if most > WIDE else item for item in value))
    return config


def sections(config: Any) -> None:
    """Of half a head of 16, where positions of three kinds share it and the configuration does not say how."""
    for part in (config, *(value for value in vars(config).values() if hasattr(value, "model_type"))):
        family = str(getattr(part, "model_type", ""))
        rope = getattr(part, "rope_parameters", None)
        if isinstance(rope, dict) and re.search(
            r"qwen2.*(vl|omni)|glm.*v|glm_(image|ocr)|paddleocr_vl|ernie4_5_vl", family
        ):
            rope.setdefault("mrope_section", [2, 3, 3])


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
            if field in DEPTHS:
                setattr(config, field, type(value)(1 for _ in value))
            elif field in WIDTHS:
                setattr(config, field, type(value)(max(8, round(item / 64) * 8) for item in value))
    return config


def built(config: Any) -> nn.Module:
    """The model with random weights, none of them 0 for all of a layer."""
    if getattr(config, "architectures", ()) is None:
        config.architectures = []  # where a type has several classes AutoModel looks for theirs
    make = model_class(config)
    with torch.device("meta"):
        count = sum(p.numel() for p in make(config).parameters())
    if count > MOST:
        raise TooLargeError(f"{count} parameters")
    torch.manual_seed(0)
    model: Any = make(config).double().eval()
    with suppress(AttributeError, ValueError):  # grouped products have no float64 on a CPU
        model.set_experts_implementation("eager")
    louder(model, NOISE)
    built: nn.Module = model
    return built


def louder(model: nn.Module, noise: float) -> None:
    """Add noise to the weights."""
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(noise * torch.randn(parameter.shape, dtype=parameter.dtype))


def in_double(model: nn.Module) -> None:
    """While it is called float64 is the default, for models that make numbers of the default dtype."""
    model.register_forward_pre_hook(_double)
    model.register_forward_hook(_single, always_call=True)


def _double(*_: object) -> None:
    torch.set_default_dtype(torch.float64)


def _single(*_: object) -> None:
    torch.set_default_dtype(torch.float32)
