"""The layers of a deep network as data, in any composition.

A layer acts on units: the coordinates of a vector, which in a wide network are independent and alike, given the layer
below. What a layer does to their covariance and to their NTK is each road's own business; here is only what it is.

    dense       h ↦ W h + b, independent weights with variance/fan-in, biases with their own variance
    product     h ↦ ∏_i φ_i(W_i h + b_i), every branch with a dense layer of its own; GLU is (identity, φ)
    rmsnorm     h ↦ g ⊙ h/√(mean h²)               layernorm   h ↦ g ⊙ (h − mean h)/√(var h) + shift
    scale       h ↦ factor·h                       positions   the mean over the tokens of a sequence
    residual    h ↦ h + scale·block(h)             parallel    h ↦ Σ_i block_i(h)
    serial      one after the other                repeat      a block of layers, `times` times, each with own weights

Source: Vaswani et al. 2017 (residual blocks); Zhang & Sennrich 2019 (RMSNorm); Ba et al. 2016 (LayerNorm); Shazeer
2020 (products); Jacot et al. 2018 (the ntk parametrisation).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, TypeAlias

from glutheory.activations import Activation, activation
from glutheory.errors import DomainError
from glutheory.ground.arguments import as_exact, integer
from glutheory.networks import Network, network


@dataclass(frozen=True)
class Dense:
    """h ↦ W h + b.

    Attributes:
        variance: σ², the fan-in times the variance of a weight; in the ntk parametrisation a squared factor outside.
        bias: the variance σ_b² of the biases; 0 for none.
        trained: whether weights and biases count for the NTK.
        readout: whether this is the network's output, of one unit; nothing but `positions` and `scale` may follow.
        name: of its group of weights; empty for one made from its place.
    """

    variance: Fraction = Fraction(1)
    bias: Fraction = Fraction(0)
    trained: bool = True
    readout: bool = False
    name: str = ""


@dataclass(frozen=True)
class Product:
    """h ↦ ∏_i φ_i(W_i h + b_i).

    Attributes:
        network: its φ_i, and the names of their groups of weights: value and gate, hidden, or branch1, branch2, …
        branches: the dense layer of each.
        name: put before the names of the groups, if not empty.
    """

    network: Network
    branches: tuple[Dense, ...]
    name: str = ""

    @property
    def activations(self) -> tuple[Activation, ...]:
        """The φ_i."""
        return self.network.branches

    @property
    def groups(self) -> tuple[str, ...]:
        """The names of the branches' groups of weights."""
        roles = self.network.roles
        own = (dense.name or role for dense, role in zip(self.branches, roles, strict=True))
        return tuple(f"{self.name}.{name}" if self.name else name for name in own)


@dataclass(frozen=True)
class Norm:
    """RMSNorm, or LayerNorm where `centred`.

    Attributes:
        centred: whether the mean over the units is subtracted first.
        gain: whether there is a trained gain, 1 at initialisation.
        shift: whether there is a trained shift, 0 at initialisation.
        name: of the group of gain and shift; empty for one made from its place.
    """

    centred: bool = False
    gain: bool = False
    shift: bool = False
    name: str = ""


@dataclass(frozen=True)
class Scale:
    """h ↦ factor·h."""

    factor: Fraction


@dataclass(frozen=True)
class Residual:
    """h ↦ h + scale·block(h)."""

    block: tuple[Layer, ...]
    scale: Fraction = Fraction(1)


@dataclass(frozen=True)
class Parallel:
    """h ↦ Σ_i block_i(h), the blocks with independent weights."""

    blocks: tuple[tuple[Layer, ...], ...]


@dataclass(frozen=True)
class Repeat:
    """A block of layers `times` times, one after the other, each time with weights of its own.

    Attributes:
        name: with the number of the repetition it is put before the names of the groups: block1.gate, block2.gate, …
    """

    block: tuple[Layer, ...]
    times: int
    name: str = "block"


@dataclass(frozen=True)
class Positions:
    """The mean over the positions of a sequence, whose kernel is the mean over all pairs of positions."""


Layer: TypeAlias = Dense | Product | Norm | Scale | Residual | Parallel | Repeat | Positions
#: What the functions below take as a block: a layer, or several one after the other.
Block: TypeAlias = Layer | Iterable[Any]

_LAYERS = (Dense, Product, Norm, Scale, Residual, Parallel, Repeat, Positions)
#: Blocks within blocks: more than anyone writes, and few enough for Python's stack.
MOST_NESTED = 50
#: Numbers are between these in size.
_LEAST, _LARGEST = Fraction(1, 10**300), Fraction(10**300)


def dense(variance: Any = 1, bias: Any = 0, *, trained: bool = True, name: str = "") -> Dense:
    """A dense layer.

    Args:
        variance: σ² > 0, the fan-in times the variance of a weight (int, float, Fraction, str), exactly.
        bias: the variance of the biases, ≥ 0; 0 for none.
        trained: whether its weights are trained, and so count for the NTK.
        name: of its group of weights; left out, it is made from its place.

    Raises:
        DomainError: a variance that is negative, zero or no number, a bias that is negative, or a name that is no word.
    """
    return Dense(positive("variance", variance), _variance("bias", bias), bool(trained), False, _word(name))


def readout(variance: Any = 1, bias: Any = 0, *, trained: bool = True, name: str = "readout") -> Dense:
    """The dense layer to the network's output of one unit; see `dense`."""
    return Dense(positive("variance", variance), _variance("bias", bias), bool(trained), True, _word(name))


def product(
    *branches: Activation | Network | str,
    variance: Any = 1,
    bias: Any = 0,
    trained: bool | tuple[bool, ...] = True,
    name: str = "",
) -> Product:
    """A product of branches: ``product("swiglu")``, ``product("identity", "silu")``, ``product("relu")``.

    Args:
        branches: a network of the zoo or a `Network`, or the activations one by one.
        variance: of every branch's dense layer (see `dense`), or a tuple with one for each branch.
        bias: the same of its biases.
        trained: the same of whether its weights are trained.
        name: put before the names of the branches' groups of weights.

    Raises:
        DomainError: no branch, a tuple of another length, or a bad variance.
        UnknownNameError, ExpressionError: no such activation or network.
    """
    if len(branches) == 1 and not isinstance(branches[0], Activation):
        made = network(branches[0])
    else:
        acts = tuple(activation(branch) for branch in branches)  # type: ignore[arg-type]
        made = Network(" * ".join(act.label for act in acts), acts)
    count = len(made.branches)
    each = zip(
        _each("variance", variance, count), _each("bias", bias, count), _each("trained", trained, count), strict=True
    )
    return Product(
        made, tuple(Dense(positive("variance", v), _variance("bias", b), bool(t)) for v, b, t in each), _word(name)
    )


def rmsnorm(gain: bool = False, *, name: str = "") -> Norm:
    """RMSNorm; with a trained gain if asked for."""
    return Norm(False, bool(gain), False, _word(name))


def layernorm(gain: bool = False, shift: bool = False, *, name: str = "") -> Norm:
    """LayerNorm; with a trained gain and a trained shift if asked for."""
    return Norm(True, bool(gain), bool(shift), _word(name))


def scale(factor: Any) -> Scale:
    """The units times a number, which is not zero.

    Raises:
        DomainError: zero or no number.
    """
    return Scale(factor_of("factor", factor))


def residual(*block: Block, scale: Any = 1) -> Residual:
    """The sum h + scale·block(h).

    Raises:
        DomainError: an empty block, something that is no layer, or a scale that is zero or no number.
    """
    return Residual(serial(*block), factor_of("scale", scale))


def parallel(*blocks: Block) -> Parallel:
    """The sum of several blocks, each given as a layer or a sequence of layers.

    Raises:
        DomainError: no block, an empty one, or something that is no layer.
    """
    if not blocks:
        raise DomainError("blocks is empty: give parallel at least one block of layers.")
    return Parallel(tuple(serial(block) for block in blocks))


def repeat(times: int, *block: Block, name: str = "block") -> Repeat:
    """A block, `times` times.

    Raises:
        DomainError: not a positive number of times, an empty block, or something that is no layer.
    """
    return Repeat(serial(*block), integer("times", times, 1), _word(name))


def positions() -> Positions:
    """The mean over positions, for data of shape (n, positions, d)."""
    return Positions()


def serial(*layers: Block) -> tuple[Layer, ...]:
    """Layers one after the other, nested sequences laid flat.

    Raises:
        DomainError: no layer at all, or something that is none.
    """
    found: list[Layer] = []
    waiting: list[Any] = list(reversed(layers))
    while waiting:
        entry = waiting.pop()
        if isinstance(entry, _LAYERS):
            found.append(entry)
        elif isinstance(entry, tuple | list):
            waiting.extend(reversed(entry))
        else:
            raise DomainError(f"layers holds {repr(entry)[:60]}: give layers, such as dense() or product('swiglu').")
    if not found:
        raise DomainError("layers is empty: give at least one layer, such as dense() or product('swiglu').")
    return tuple(found)


def positive(name: str, value: Any) -> Fraction:
    """A number > 0, exactly."""
    return _number(name, value, "a positive rational number", fits=lambda number: number > 0)


def _variance(name: str, value: Any) -> Fraction:
    return _number(name, value, "a rational number >= 0", fits=lambda number: number >= 0)


def factor_of(name: str, value: Any) -> Fraction:
    """A number that is not 0, exactly."""
    return _number(name, value, "a rational number that is not 0", fits=lambda number: number != 0)


def _number(name: str, value: Any, wanted: str, fits: Callable[[Fraction], bool]) -> Fraction:
    """Exact, and neither too large nor too small for double precision, in which kernels are computed."""
    number = as_exact(name, value)
    if not isinstance(number, Fraction) or not fits(number):
        raise DomainError(f"{name} is {repr(value)[:60]}: give {wanted} (int, float, Fraction, str).")
    if number and not _LEAST < abs(number) < _LARGEST:
        raise DomainError(f"{name} is {repr(value)[:60]}: give {wanted} between 1e-300 and 1e300 in size.")
    return number


def _word(name: Any) -> str:
    if not isinstance(name, str):
        raise DomainError(f"name is {repr(name)[:60]}: give a word, or leave it out.")
    return name


def _each(name: str, value: Any, count: int) -> tuple[Any, ...]:
    if not isinstance(value, tuple | list):
        return (value,) * count
    if len(value) != count:
        raise DomainError(f"{name} has {len(value)} entries: give one number, or one for each of the {count} branches.")
    return tuple(value)
