"""How blocks and materials are written in tables and figures."""

from __future__ import annotations

from collections.abc import Iterable

from checks.claims.generalization.runs import Name

#: As they are written.
TITLES = {"mixer": "MLP-Mixer", "vit": "ViT", "gpt2": "GPT-2", "sgd": "SGD", "adamw": "AdamW"}
GATES = {"relu/reglu": "ReGLU/ReLU", "gelu/geglu": "GEGLU/GELU", "silu/swiglu": "SwiGLU/SiLU"}


def title(block: Name) -> str:
    """Of a block: "ViT, augmented, SGD"."""
    return f"{material(block[0])}, {TITLES[block[1]]}"


def material(name: str) -> str:
    """Of a material: "ViT, augmented"."""
    _, comma, augmented = name.partition(",")
    return family(name) + comma + augmented


def family(architecture: str) -> str:
    """Of an architecture: "ViT"."""
    return TITLES[architecture.split("-", maxsplit=1)[0]]


def places(labels: Iterable[str]) -> list[tuple[float, str]]:
    """The names along an axis, at 1, 2 and so on."""
    return [(float(place), label) for place, label in enumerate(labels, 1)]
