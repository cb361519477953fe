"""What is trained for the claim `generalization`: sizes, optimisers, pairs and seeds, fixed before the run.

The released code trains at dim 256, depth 4 on CIFAR-10 and Tiny-ImageNet in batches of 256, 100 epochs, of which the
first 25 enter the test. Here the networks are the small ones of `glutheory.architectures` on 8x8 digits and on
documentation text, with smaller batches, so that an epoch has some tens of steps; everything else is theirs. The
released networks are trained on images that are altered at random; here they are trained both ways.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

PAIRS = (("relu", "reglu"), ("gelu", "geglu"), ("silu", "swiglu"))


@dataclass(frozen=True)
class Recipe:
    """An optimiser with its learning rate; weight decay and momentum as in the released code.

    Attributes:
        optimiser: "sgd" (momentum 0.9) or "adamw".
        rate: the learning rate.
        decay: the weight decay.
        momentum: of SGD.
    """

    optimiser: str
    rate: float
    decay: float = 1e-4
    momentum: float = 0.9


@dataclass(frozen=True)
class Material:
    """What one architecture is trained on.

    Attributes:
        architecture: a name of `glutheory.architectures.ARCHITECTURES`.
        train, test: images, or windows of text.
        batch: per step.
        recipes: the optimisers.
        length: of a window in bytes; 0 for images.
        augmented: whether images are altered at random before every epoch.
    """

    architecture: str
    train: int
    test: int
    batch: int
    recipes: tuple[Recipe, ...]
    length: int = 0
    augmented: bool = False

    @property
    def name(self) -> str:
        """The architecture, and whether images are altered."""
        return f"{self.architecture}, augmented" if self.augmented else self.architecture

    @property
    def steps(self) -> int:
        """Per epoch."""
        return -(-self.train // self.batch)

    def recipe(self, optimiser: str) -> Recipe:
        """By the name of the optimiser."""
        return next(recipe for recipe in self.recipes if recipe.optimiser == optimiser)


@dataclass(frozen=True)
class Course:
    """One network to train.

    Attributes:
        material: what it is trained on, and how.
        optimiser: "sgd" or "adamw".
        network: of its feed-forward parts, a name of the zoo.
        draw: which draw of data split, weights and order: the same for the two networks of a pair and for no others.
        epochs: how many.
    """

    material: Material
    optimiser: str
    network: str
    draw: str
    epochs: int


@dataclass(frozen=True)
class Task:
    """All networks of one profile.

    Attributes:
        blocks: (name of a material, optimiser), each with its own tests.
        materials: what is trained on.
        seeds: per pair of networks.
        epochs: of every training.
    """

    blocks: tuple[tuple[str, str], ...]
    materials: tuple[Material, ...]
    seeds: int
    epochs: int

    def courses(self, block: tuple[str, str]) -> Iterator[tuple[Course, Course]]:
        """The plain and the gated network of every pair of a block, the seeds of one gate after those of another."""
        name, optimiser = block
        material = next(item for item in self.materials if item.name == name)
        for plain, gated in PAIRS:
            for seed in range(self.seeds):
                # no two gates share a draw, so that all pairs of a block are independent; the blocks of a material do
                first, second = (
                    Course(material, optimiser, name, f"{plain}/{seed}", self.epochs) for name in (plain, gated)
                )
                yield first, second


#: The released code's rates. It has no GPT-2: there SGD learns next to nothing in 25 epochs at 0.005, and 0.02 is the
#: largest of 0.01, 0.02 and 0.05 at which no exploratory training got stuck.
_IMAGES = (Recipe("sgd", 0.005), Recipe("adamw", 0.001))
_TEXT = (Recipe("sgd", 0.02), Recipe("adamw", 0.001))
_CLEAN = (
    Material("mixer-digits", train=1000, test=797, batch=32, recipes=_IMAGES),
    Material("vit-digits", train=1000, test=797, batch=32, recipes=_IMAGES),
    Material("gpt2-bytes", train=256, test=384, batch=8, recipes=_TEXT, length=32),
)
_MATERIALS = (*_CLEAN, *(replace(item, augmented=True) for item in _CLEAN if not item.length))
FULL = Task(
    blocks=tuple((item.name, recipe.optimiser) for item in _MATERIALS for recipe in item.recipes),
    materials=_MATERIALS,
    seeds=6,
    epochs=25,
)
#: One architecture and optimiser, with fewer images and half the epochs: the scatter is too large to decide anything
#: but the controls.
QUICK = Task(
    blocks=(("mixer-digits", "sgd"), ("mixer-digits, augmented", "sgd")),
    materials=(
        Material("mixer-digits", train=500, test=300, batch=32, recipes=_IMAGES),
        Material("mixer-digits", train=192, test=192, batch=32, recipes=_IMAGES, augmented=True),
    ),
    seeds=5,
    epochs=12,
)
