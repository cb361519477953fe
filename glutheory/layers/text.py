"""A composition in words: one line, in the order of the layers."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

from glutheory.layers.records import Dense, Layer, Norm, Parallel, Positions, Product, Repeat, Residual, Scale


def written(layers: Sequence[Layer]) -> str:
    """E.g. ``dense, 12 x [residual(rmsnorm, identity * silu, dense)], rmsnorm, readout``."""
    return ", ".join(_one(layer) for layer in layers)


def _one(layer: Layer) -> str:
    if isinstance(layer, Dense):
        return _with("readout" if layer.readout else "dense", weights(layer))
    if isinstance(layer, Product):
        acts = " * ".join(act.label for act in layer.activations)
        said = list(dict.fromkeys("; ".join(weights(own)) for own in layer.branches))
        return _with(acts, [" | ".join(text or "variance 1" for text in said)] if said != [""] else [])
    if isinstance(layer, Norm):
        parts = ["gain"] * layer.gain + ["shift"] * layer.shift
        return _with("layernorm" if layer.centred else "rmsnorm", parts)
    if isinstance(layer, Scale):
        return f"scale({layer.factor})"
    if isinstance(layer, Residual):
        factor = "" if layer.scale == 1 else f"; scale {layer.scale}"
        return f"residual({written(layer.block)}{factor})"
    if isinstance(layer, Parallel):
        return f"parallel({' + '.join(written(block) for block in layer.blocks)})"
    if isinstance(layer, Positions):
        return "positions"
    assert isinstance(layer, Repeat)
    return f"{layer.times} x [{written(layer.block)}]"


def weights(layer: Dense) -> list[str]:
    """What is not as usual of a dense layer: ``["variance 2", "bias 1/10", "frozen"]``."""
    said = [] if layer.variance == 1 else [f"variance {short(layer.variance)}"]
    said += [] if layer.bias == 0 else [f"bias {short(layer.bias)}"]
    return said + ([] if layer.trained else ["frozen"])


def _with(name: str, said: Sequence[str]) -> str:
    return f"{name}({', '.join(said)})" if said else name


def short(value: Fraction) -> str:
    """A number exactly, if that is short."""
    said = str(value)
    return said if len(said) <= 12 else f"{float(value):.6g}"
