"""Configurations of transformers, every type that it has, made small without knowing any of them.

Fields that are sizes are recognised by their names and set to small numbers that go with one another.
"""

from __future__ import annotations

from typing import Any

VOCABULARY, HEADS = 300, 4
#: A part of a field's name and the largest value it may have; the first that fits counts. None: it is left alone.
LIMITS: tuple[tuple[str, int | None], ...] = (
    ("token_id", None), ("token_index", None), ("_id", None), ("num_labels", None), ("num_channels", None),
    ("vocab", VOCABULARY),
    ("experts_per_tok", 2), ("top_k", 2), ("topk_group", 1), ("n_group", 1), ("num_experts", 4),
    ("n_routed_experts", 4), ("num_local_experts", 4), ("n_shared_experts", 1), ("moe_num_experts", 4),
    ("num_shared_experts", 1),
    ("image_size", 32), ("patch_size", 8), ("head_dim", 16), ("rope_dim", 16), ("kv_lora_rank", 16),
    ("q_lora_rank", 16), ("max_position", 64), ("max_source", 64), ("max_target", 64), ("n_positions", 64),
    ("key_value_heads", 2), ("kv_heads", 2), ("heads", HEADS), ("n_head", HEADS),
    ("num_hidden_layers", 2), ("layers", 2), ("n_layer", 2), ("depth", 2), ("num_blocks", 2),
    ("intermediate", 48), ("ffn", 48), ("d_ff", 48), ("inner_dim", 48), ("n_inner", 48), ("mlp_dim", 48),
    ("hidden_size", 64), ("hidden_dim", 64), ("embed_dim", 64), ("embedding_size", 64), ("d_model", 64), ("n_embd", 64),
    ("projection_dim", 64), ("dim", 64),
)  # fmt: skip


def limit(name: str) -> int | None:
    """The largest value of a field of that name; None if it is not known to be a size."""
    for part, most in LIMITS:
        if part in name:
            return most
    return None


def shrunk(config: Any) -> Any:
    """The configuration with every size that is known as one cut down, in its parts too."""
    before = dict(vars(config))
    for name, value in before.items():
        if hasattr(value, "to_dict") and hasattr(value, "model_type"):
            shrunk(value)
            continue
        if name.endswith("rope_parameters") and isinstance(value, dict):
            sections = value.get("mrope_section")
            if sections:  # of half a head, in proportion
                value["mrope_section"] = [8 - 3 * (len(sections) - 1), *[3] * (len(sections) - 1)]
            continue
        if name.endswith("token_id") and isinstance(value, int) and value >= VOCABULARY:
            setattr(config, name, 1)
            continue
        most = limit(name)
        if name == "num_key_value_heads" and value == before.get("num_attention_heads"):
            most = HEADS
        if most is None or isinstance(value, bool):
            continue
        if isinstance(value, int) and value > most:
            setattr(config, name, most)
    return config


def tiny(model_type: str) -> Any | None:
    """A small configuration of this type; None where transformers cannot make even the default one offline."""
    from transformers import CONFIG_MAPPING

    from glutheory.audit.configurations import quiet

    with quiet():
        try:
            config = CONFIG_MAPPING[model_type]()
        except Exception:  # noqa: BLE001 (whatever it needs is not here: timm, a tokenizer, a part without default)
            return None
        before = CONFIG_MAPPING[model_type]()
        try:
            shrunk(config)
        except Exception:  # noqa: BLE001 (a validation of its own)
            return before
        return config
