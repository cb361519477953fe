"""The usual deep networks: an embedding, blocks of a norm and a feed-forward network, a last norm and a readout."""

from __future__ import annotations

from typing import Any

from glutheory.activations import Activation
from glutheory.errors import DomainError
from glutheory.ground.arguments import integer
from glutheory.layers.composition import Stack
from glutheory.layers.configs import from_config
from glutheory.layers.records import (
    Dense,
    Layer,
    Repeat,
    Residual,
    dense,
    layernorm,
    product,
    readout,
    repeat,
    residual,
    rmsnorm,
    serial,
)
from glutheory.layers.text import short, weights
from glutheory.networks import Network
from glutheory.networks import network as named

#: Norms by name, each from whether it has a trained gain.
NORMS = {"rms": rmsnorm, "layer": layernorm}

#: What to write instead, said to those who give the commands' line of text as well.
_WITHOUT_DEPTH = (
    "give the number of blocks, as in stack('swiglu', 12), or a line of text to glutheory.layers.read_stack, as in "
    "read_stack('swiglu x 12, rmsnorm, residual')"
)


class _Usual:
    """The builder `stack`; an object, because `stack.from_config` belongs to it."""

    def __call__(
        self,
        network: Network | Activation | str,
        depth: int | None = None,
        *,
        norm: str | None = "rms",
        residual: bool = True,
        gain: bool = False,
        scale: Any = 1,
        variance: Any = 1,
        bias: Any = 0,
        name: str = "",
    ) -> Stack:
        """A deep feed-forward network, in the ntk parametrisation with all variances 1 unless others are given.

            embedding (dense), `depth` blocks, norm, readout      block: norm, product, dense, added to its input

        Args:
            network: of the blocks: a `Network`, or a name such as "swiglu" or "relu".
            depth: the number of blocks, ≥ 1; never left out.
            norm: "rms", "layer" or None, before each block and before the readout.
            residual: whether a block is added to its input, or replaces it.
            gain: whether the norms have a trained gain.
            scale: the factor of a block's image, where it is added.
            variance: σ² of all dense layers, those of the branches included.
            bias: the variance of all biases.
            name: of the stack; left out, one made from the above.

        Raises:
            DomainError: no positive depth, an unknown norm, a bad variance or scale, a gain without norms, or a scale
                without residuals.
            UnknownNameError: no such network.
        """
        if depth is None:
            raise DomainError(f"depth is left out: {_WITHOUT_DEPTH}.")
        net = named(network) if not isinstance(network, Activation) else Network(network.label, (network,))
        times = integer("depth", depth, 1)
        if norm is not None and norm not in tuple(NORMS):
            raise DomainError(f"norm is {norm!r}: use {', '.join(map(repr, NORMS))} or None.")
        if gain and norm is None:
            raise DomainError("gain is True with norm=None: there is no norm to have one, give norm='rms' or no gain.")
        if scale != 1 and not residual:
            raise DomainError(f"scale is {scale!r} with residual=False: only what is added has one, leave it out.")
        norms: tuple[Layer, ...] = () if norm is None else (NORMS[norm](gain),)
        body = serial(*norms, product(net, variance=variance, bias=bias), dense(variance, bias, name="down"))
        block: Layer | tuple[Layer, ...] = _residual(body, scale=scale) if residual else body
        layers = serial(dense(variance, bias, name="embedding"), repeat(times, block), *norms, readout(variance, bias))
        return Stack(layers, name or ", ".join([*_words(net, times, norm, residual, gain), *_numbers(layers)]))

    from_config = staticmethod(from_config)


_residual = residual
stack = _Usual()


def _words(net: Network, depth: int, norm: str | None, residual: bool, gain: bool) -> list[str]:
    """The line of text that `read_stack` reads; with `_numbers`."""
    words = [f"{net.name} x {depth}", "no norm" if norm is None else f"{norm}norm"]
    return [*words, "residual" if residual else "no residual", *(["gain"] * bool(gain))]


def _numbers(layers: tuple[Layer, ...]) -> list[str]:
    """What is not as usual of scale, variance and bias."""
    last, block = layers[-1], next(layer for layer in layers if isinstance(layer, Repeat)).block[0]
    assert isinstance(last, Dense)
    scale = [f"scale {short(block.scale)}"] if isinstance(block, Residual) and block.scale != 1 else []
    return [*scale, *weights(last)]
