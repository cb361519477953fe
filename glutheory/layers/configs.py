"""A stack with the feed-forward networks of a transformer, from its configuration."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from glutheory.activations import nearest
from glutheory.errors import DomainError
from glutheory.ground.arguments import integer
from glutheory.layers.composition import Stack
from glutheory.layers.model_types import AFTER, BEFORE, BOTH, IMAGE, MODEL_TYPES, Form
from glutheory.layers.names import library_activation
from glutheory.layers.records import Layer, dense, layernorm, product, readout, repeat, residual, rmsnorm
from glutheory.networks import GATES, SUFFIX, Network, network

#: Where configurations keep the numbers, in the order in which they are asked.
_DEPTHS = ("num_hidden_layers", "n_layer", "n_layers", "num_layers")
_ACTIVATIONS = ("hidden_act", "hidden_activation", "activation_function", "activation", "afn")
_WIDTHS = ("hidden_size", "n_embd", "d_model", "dim")
_HIDDEN = ("intermediate_size", "n_inner", "ffn_dim", "hidden_dim", "d_ff", "ffn_hidden_size")
_EXPERTS = ("num_local_experts", "num_experts", "n_routed_experts", "moe_num_experts")

_NOTES = {
    AFTER: "norms stand after the sums; the one behind attention changes nothing without attention, and is left out",
    IMAGE: "norms stand on the images of the feed-forward networks, before they are added",
    BOTH: "norms stand before the feed-forward networks and on their images",
}


def from_config(config: Any, *, depth: int | None = None, gated: bool | None = None, norm: str | None = None) -> Stack:
    """The feed-forward stream of a transformer: its embedding, its blocks without attention, its norms and a readout.

    Norms stand where the model has them, with the trained gains and shifts that it has. Variances are 1 in the ntk
    parametrisation, and dense layers have no biases.

    Args:
        config: a configuration of transformers, or anything with its attributes, or a mapping (a config.json).
        depth: the number of blocks; left out, the configuration's.
        gated: whether the feed-forward networks are gated; left out, known from the model type.
        norm: "rms" or "layer"; left out, known from the model type.

    Returns:
        The stack, whose `notes` say what is left out, and what is not as usual.

    Raises:
        DomainError: a configuration that does not say one of these, a model type that is not known here, one whose
            blocks choose experts, or one with an encoder and a decoder.
        UnknownNameError: an activation that is not of the zoo.
    """
    read = _reader(config)
    kind = str(read("model_type") or type(config).__name__)
    _check_streams(read, kind)
    if norm not in (None, "rms", "layer"):
        raise DomainError(f"norm is {norm!r}: use 'rms' or 'layer'.")
    form = _form(read, kind, gated, norm)
    times = integer("depth", depth if depth is not None else _first(read, _DEPTHS, "depth", kind), 1)
    net = _network(form.activation or str(_first(read, _ACTIVATIONS, "activation", kind)), form.gated)
    own: Layer = rmsnorm(form.gain) if form.norm == "rms" else layernorm(form.gain, form.shift)
    scale = read("residual_multiplier") or 1
    layers = (
        dense(name="embedding"),
        *((own,) if form.first else ()),
        repeat(times, *_block(form, own, net, scale)),
        *((own,) if form.last else ()),
        readout(),
    )
    return Stack(layers, f"{kind} x {times}", (*_notes(form, kind, scale), *_widths(read)))


def _block(form: Form, norm: Layer, net: Network, scale: Any) -> tuple[Layer, ...]:
    before = (norm,) if form.place in (BEFORE, BOTH) else ()
    image = (norm,) if form.place in (IMAGE, BOTH) else ()
    summed = residual(*before, product(net), dense(name="down"), *image, scale=scale)
    return (summed, norm) if form.place == AFTER else (summed,)


def _notes(form: Form, kind: str, scale: Any) -> list[str]:
    notes = [
        "attention is left out: the stream sees only the feed-forward networks",
        "all variances are 1, as in the ntk parametrisation, and dense layers have no biases",
    ]
    if form.parallel:
        notes.append("attention stands beside the feed-forward networks: without it the stream is the same")
    if form.place in _NOTES:
        notes.append(_NOTES[form.place])
    if scale != 1:
        notes.append(f"the images of the feed-forward networks are added {scale} times, as residual_multiplier says")
    if kind not in MODEL_TYPES:
        notes.append(f"{kind} is not known here: that norms stand before the networks and after the last is assumed")
    return notes


def _widths(read: Callable[[str], Any]) -> tuple[str, ...]:
    """What is done with the widths of the configuration, where it has any."""
    stream, hidden = (next((read(name) for name in names if read(name)), None) for names in (_WIDTHS, _HIDDEN))
    if stream is None:
        return ()
    inner = "" if hidden is None else f" and its hidden layers {hidden}"
    note = (
        f"the model's stream is {stream} wide{inner}: all layers are infinitely wide here, and `width` of the standard "
        "parametrisation is one for all of them"
    )
    return (note,)


def _check_streams(read: Callable[[str], Any], kind: str) -> None:
    if any(read(name) for name in _EXPERTS):
        raise DomainError(f"config is of the type {kind!r}, whose blocks choose experts: audit it, or build the stack.")
    if read("is_encoder_decoder"):
        raise DomainError(
            f"config is of the type {kind!r}, with an encoder and a decoder: build the stack of one of them with "
            "glutheory.stack."
        )


def _form(read: Callable[[str], Any], kind: str, gated: bool | None, norm: str | None) -> Form:
    """What the model type's layers do; for an unknown type what the caller says, and the usual places."""
    if kind in MODEL_TYPES:
        form = MODEL_TYPES[kind]
    elif gated is None or norm is None:
        clause = nearest(kind[:40], tuple(MODEL_TYPES)).replace("; `glutheory list` shows the zoo", "")
        raise DomainError(
            f"config is of the type {kind[:60]!r}, of which it is not known here what its layers do: give gated=True "
            f"or False and norm='rms' or 'layer' ({clause.rstrip('.')})."
        )
    else:
        form = Form(gated, norm, shift=norm == "layer")
    if kind == "opt" and read("do_layer_norm_before") is False:
        form = replace(form, place=AFTER, last=False)
    if gated is not None:
        form = replace(form, gated=bool(gated))
    if norm is not None and norm != form.norm:
        form = replace(form, norm=norm, gain=True, shift=norm == "layer")
    return form


def _network(name: str, is_gated: bool) -> Network:
    """The network of the zoo with this gate, under its usual name."""
    act = library_activation(name).name
    if not is_gated:
        return network(act)
    return network(next((known for known, gate in GATES.items() if gate == act), f"{act}{SUFFIX}"))


def _reader(config: Any) -> Callable[[str], Any]:
    """What gives a field of a configuration, or of its text part; None where it has none."""
    own = _field(config, "text_config")
    found = config if own is None else own
    return lambda name: _field(found, name)


def _field(config: Any, name: str) -> Any:
    if isinstance(config, Mapping):
        return config.get(name)
    try:
        return getattr(config, name, None)
    except Exception:  # noqa: BLE001 (transformers has errors of its own for fields that differ from layer to layer)
        return None


def _first(read: Callable[[str], Any], names: tuple[str, ...], what: str, kind: str) -> Any:
    for name in names:
        if read(name) is not None:
            return read(name)
    raise DomainError(f"config is of the type {kind!r} and has none of {', '.join(names)}: its {what} is not known.")
