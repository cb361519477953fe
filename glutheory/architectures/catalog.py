"""The sizes of models as data: the paper's, and small ones that train in seconds. Nothing here needs torch.

The paper is arXiv 2605.20749; "released script" is its public code.
"""

from __future__ import annotations

import dataclasses
import math
import operator
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from glutheory.activations import nearest
from glutheory.errors import DomainError, UnknownNameError

#: The sizes that every family needs, and those of its own.
_COMMON = ("dim", "depth", "width", "outputs")
_FAMILIES: dict[str, tuple[str, ...]] = {
    "vit": ("heads", "head_dim", "image", "channels", "patch"),
    "shared-norm-vit": ("heads", "head_dim", "image", "channels", "patch"),
    "gpt2": ("heads", "head_dim", "vocabulary", "sequence"),
    "mixer": ("token_width", "image", "channels", "patch"),
}


@dataclass(frozen=True)
class Architecture:
    """A model's family and sizes; sizes that the family has no use for are 0.

    Attributes:
        name: the family: "vit", "shared-norm-vit", "gpt2" or "mixer".
        dim: of a token's state.
        depth: number of blocks.
        width: hidden width of the plain feed-forward network; a gated one gets the matched width.
        outputs: of the linear head.
        heads: attention heads (not mixer).
        head_dim: of one head (not mixer); heads·head_dim may differ from dim in a vit alone.
        token_width: hidden width of the plain network that mixes tokens (mixer).
        image: side of the square images in pixels (not gpt2).
        channels: of the images.
        patch: side of a patch in pixels; it divides `image`.
        vocabulary: number of token ids (gpt2).
        sequence: the longest sequence, one position embedding each (gpt2).
        initialization: a name of `glutheory.sampling.feed_forward.INITIALIZATIONS`.
        ffn_initialization: that of the feed-forward networks; empty: the same.
        free_deviation: standard deviation of class token and positions of a vit, which no initialization speaks of.
        source: where the sizes come from.

    Raises:
        DomainError: a size that does not fit the family, or the others.
    """

    name: str
    dim: int
    depth: int
    width: int
    outputs: int
    heads: int = 0
    head_dim: int = 0
    token_width: int = 0
    image: int = 0
    channels: int = 0
    patch: int = 0
    vocabulary: int = 0
    sequence: int = 0
    initialization: str = "lecun"
    ffn_initialization: str = ""
    free_deviation: float = 0.02
    source: str = ""

    def __post_init__(self) -> None:
        if self.name not in _FAMILIES:
            raise DomainError(f"name is {self.name!r}: give one of {', '.join(map(repr, _FAMILIES))}.")
        for size in {size for family in _FAMILIES.values() for size in family}.union(_COMMON):
            self._check_size(size, getattr(self, size), needed=size in (*_COMMON, *_FAMILIES[self.name]))
        if self.patch and self.image % self.patch:
            raise DomainError(f"patch is {self.patch}, which does not divide image = {self.image}: give a divisor.")
        if self.name == "gpt2" and self.heads * self.head_dim != self.dim:
            raise DomainError(
                f"head_dim is {self.head_dim}: the {self.heads} heads of a gpt2 share out dim = {self.dim}, "
                "give heads * head_dim = dim."
            )

        if not (isinstance(self.free_deviation, int | float) and 0 < self.free_deviation < math.inf):
            raise DomainError(f"free_deviation is {self.free_deviation!r}: give a positive number.")

    def _check_size(self, size: str, value: Any, *, needed: bool) -> None:
        try:
            number = -1 if isinstance(value, bool) else operator.index(value)
        except TypeError:
            number = -1
        if needed and number < 1:
            raise DomainError(f"{size} is {value!r}: a {self.name} needs an integer >= 1.")
        if not needed and number != 0:
            raise DomainError(f"{size} is {value!r}: a {self.name} has no such size, leave it out.")

    @property
    def tokens(self) -> int:
        """How many tokens an input becomes at most, a vit's class token apart."""
        return self.sequence or (self.image // self.patch) ** 2

    def check_shape(self, shape: tuple[int, ...]) -> None:
        """Refuse inputs of a shape that the model cannot take.

        Raises:
            DomainError: another shape than (n, channels, image, image), or (n, t) with 1 ≤ t ≤ sequence.
        """
        if self.name == "gpt2":
            if len(shape) != 2 or not 1 <= shape[1] <= self.sequence:
                raise DomainError(f"inputs have the shape {tuple(shape)}: give (n, t), 1 <= t <= {self.sequence}.")
        elif len(shape) != 4 or tuple(shape[1:]) != (self.channels, self.image, self.image):
            expected = f"(n, {self.channels}, {self.image}, {self.image})"
            raise DomainError(f"inputs have the shape {tuple(shape)}: give {expected}.")


#: The known architectures. The widths of the small ones are multiples of 3: the gated weights match exactly.
ARCHITECTURES: Mapping[str, Architecture] = MappingProxyType(
    {
        "vit-released": Architecture(
            "shared-norm-vit",
            dim=4096,
            depth=4,
            width=256,
            outputs=1,
            heads=4,
            head_dim=64,
            image=32,
            channels=3,
            patch=4,
            initialization="torch",
            ffn_initialization="lecun",
            free_deviation=1.0,
            source="released code of arXiv 2605.20749, NTK of a ViT, built from a description",
        ),
        "mixer-released": Architecture(
            "mixer",
            dim=256,
            depth=4,
            width=128,
            outputs=1,
            token_width=1024,
            image=32,
            channels=3,
            patch=4,
            initialization="torch",
            ffn_initialization="xavier",
            source="released code of arXiv 2605.20749, NTK of an MLP-Mixer, built from a description: widths 4 dim for "
            "tokens, dim / 2 for channels",
        ),
        "vit-preln": Architecture(
            "vit",
            dim=4096,
            depth=4,
            width=256,
            outputs=1,
            heads=4,
            head_dim=64,
            image=32,
            channels=3,
            patch=4,
            source="the sizes of the released code of arXiv 2605.20749 in a standard pre-LN ViT, beyond the paper",
        ),
        "gpt2-small": Architecture(
            "gpt2",
            dim=768,
            depth=12,
            width=3072,
            outputs=1,
            heads=12,
            head_dim=64,
            vocabulary=50257,
            sequence=16,
            initialization="gpt2",
            source="Radford et al. 2019, smallest model, with a head of its own; sequence 16 for the NTK",
        ),
        "mixer-narrow": Architecture(
            "mixer",
            dim=256,
            depth=4,
            width=128,
            outputs=1,
            token_width=256,
            image=32,
            channels=3,
            patch=4,
            initialization="xavier",
            source="the sizes of the released code of arXiv 2605.20749 but for the token width, beyond the paper: 4 "
            "tokens, the default of mlp-mixer-pytorch (in Tolstikhin et al. 2021: dim / 2)",
        ),
        "vit-digits": Architecture(
            "vit",
            dim=48,
            depth=2,
            width=144,
            outputs=10,
            heads=4,
            head_dim=12,
            image=8,
            channels=1,
            patch=2,
            source="small enough to train on one core",
        ),
        "vit-released-digits": Architecture(
            "shared-norm-vit",
            dim=48,
            depth=2,
            width=144,
            outputs=10,
            heads=4,
            head_dim=12,
            image=8,
            channels=1,
            patch=2,
            initialization="torch",
            ffn_initialization="lecun",
            free_deviation=1.0,
            source="the construction of vit-released, small enough to train on one core",
        ),
        "mixer-released-digits": Architecture(
            "mixer",
            dim=48,
            depth=2,
            width=24,
            outputs=10,
            token_width=192,
            image=8,
            channels=1,
            patch=2,
            initialization="torch",
            ffn_initialization="xavier",
            source="the construction of mixer-released, widths 4 dim and dim / 2, small enough to train on one core",
        ),
        "mixer-digits": Architecture(
            "mixer",
            dim=48,
            depth=2,
            width=144,
            outputs=10,
            token_width=48,
            image=8,
            channels=1,
            patch=2,
            initialization="xavier",
            source="small enough to train on one core",
        ),
        "gpt2-bytes": Architecture(
            "gpt2",
            dim=64,
            depth=2,
            width=192,
            outputs=256,
            heads=4,
            head_dim=16,
            vocabulary=256,
            sequence=32,
            initialization="gpt2",
            source="small enough to train on one core",
        ),
    }
)


def architecture(name: str | Architecture, /, **changes: Any) -> Architecture:
    """The architecture of that name, or the one given, with some of its sizes changed.

    Args:
        name: a name of `ARCHITECTURES`, or an `Architecture`.
        **changes: fields to replace, e.g. ``depth=2``.

    Raises:
        UnknownNameError: no such architecture; the message suggests the nearest names.
        DomainError: no such field, or a value that does not fit.
    """
    if isinstance(name, Architecture):
        found = name
    elif isinstance(name, str) and name in ARCHITECTURES:
        found = ARCHITECTURES[name]
    else:
        raise UnknownNameError(f"unknown architecture {name!r}: {nearest(str(name)[:40], tuple(ARCHITECTURES))}")
    fields = tuple(field.name for field in dataclasses.fields(Architecture))
    for key in changes:
        if key not in fields:
            raise DomainError(f"an architecture has no field {key!r}: {nearest(key, fields)}")
    return dataclasses.replace(found, **changes)
