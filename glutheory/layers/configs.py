"""A stack with the feed-forward networks of a transformer, from its configuration."""

from __future__ import annotations

from typing import Any

from glutheory.activations import activation
from glutheory.errors import DomainError, UnknownNameError
from glutheory.ground.arguments import integer
from glutheory.layers.composition import Stack
from glutheory.layers.records import dense, layernorm, product, readout, repeat, residual, rmsnorm
from glutheory.networks import Network, gated
from glutheory.networks import network as named

#: Model types whose feed-forward networks are gated, and those where they are plain; others must be said.
GATED = frozenset({
    "bitnet", "cohere", "deepseek_v2", "deepseek_v3", "gemma", "gemma2", "gemma3_text", "glm", "granite", "llama",
    "mistral", "modernbert", "olmo", "olmo2", "phi3", "qwen2", "qwen3", "smollm3", "stablelm",
})  # fmt: skip
PLAIN = frozenset({
    "bert", "bloom", "codegen", "distilbert", "electra", "falcon", "gpt2", "gpt_bigcode", "gpt_neo", "gpt_neox", "gptj",
    "mpt", "nemotron", "opt", "persimmon", "phi", "roberta", "starcoder2", "vit", "xglm",
})  # fmt: skip
#: Where configurations keep the numbers, in the order in which they are asked.
_DEPTHS = ("num_hidden_layers", "n_layer", "n_layers", "num_layers")
_ACTIVATIONS = ("hidden_act", "hidden_activation", "activation_function", "activation")
_RMS = ("rms_norm_eps", "rms_norm_epsilon")
_LAYER = ("layer_norm_eps", "layer_norm_epsilon", "layernorm_epsilon", "norm_epsilon", "norm_eps")
#: Names that transformers gives to activations of the zoo.
NAMES = {
    "gelu": "gelu",
    "gelu_new": "gelu_tanh",
    "gelu_pytorch_tanh": "gelu_tanh",
    "gelu_fast": "gelu_tanh",
    "gelu_python": "gelu",
    "linear": "identity",
    "relu2": "relu2",
    "swish": "silu",
    "hardtanh": "hard_tanh",
}


def from_config(config: Any, *, depth: int | None = None, gated: bool | None = None, norm: str | None = None) -> Stack:
    """The feed-forward stream of a transformer: its embedding, its blocks without attention, its norms and a readout.

    Variances are 1 in the ntk parametrisation, norms have trained gains, and blocks are added to the stream.

    Args:
        config: a configuration of transformers, or anything with its attributes, or a mapping.
        depth: the number of blocks; left out, the configuration's.
        gated: whether the feed-forward networks are gated; left out, known from the model type.
        norm: "rms" or "layer"; left out, known from the configuration.

    Returns:
        The stack, whose `notes` say what is left out.

    Raises:
        DomainError: a configuration that does not say one of these, or a model whose blocks are experts.
        UnknownNameError: an activation that is not of the zoo.
    """
    read = _reader(config)
    kind = str(read("model_type") or type(config).__name__)
    if read("num_local_experts") or read("num_experts") or read("n_routed_experts"):
        raise DomainError(f"config is of the type {kind!r}, whose blocks choose experts: audit it, or build the stack.")
    times = integer("depth", depth if depth is not None else _first(read, _DEPTHS, "depth", kind), 1)
    act = _activation(str(_first(read, _ACTIVATIONS, "activation", kind)))
    if gated is None:
        if kind not in GATED | PLAIN:
            raise DomainError(
                f"config is of the type {kind!r}, of which it is not known here: give gated=True or False."
            )
        gated = kind in GATED
    if norm is None:
        rms, layer = (any(read(name) is not None for name in names) for names in (_RMS, _LAYER))
        if rms == layer:
            raise DomainError(f"config is of the type {kind!r} and does not say which norm it has: give norm='rms'.")
        norm = "rms" if rms else "layer"
    if norm not in ("rms", "layer"):
        raise DomainError(f"norm is {norm!r}: use 'rms' or 'layer'.")
    normed = rmsnorm(True) if norm == "rms" else layernorm(True, True)
    net = _gated(act) if gated else named(act) if isinstance(act, str) else Network(act.label, (act,))
    notes = (
        "attention is left out: the stream sees only the feed-forward networks",
        "all variances are 1, as in the ntk parametrisation",
    )
    layers = (
        dense(name="embedding"),
        repeat(times, residual(normed, product(net), dense(name="down"))),
        normed,
        readout(),
    )
    return Stack(layers, f"{kind} x {times}", notes)


_gated = gated


def _reader(config: Any) -> Any:
    inner = config.get("text_config") if isinstance(config, dict) else getattr(config, "text_config", None)
    found = config if inner is None else inner
    return found.get if isinstance(found, dict) else lambda name: getattr(found, name, None)


def _first(read: Any, names: tuple[str, ...], what: str, kind: str) -> Any:
    for name in names:
        if read(name) is not None:
            return read(name)
    raise DomainError(f"config is of the type {kind!r} and has none of {', '.join(names)}: its {what} is not known.")


def _activation(name: str) -> Any:
    try:
        return activation(NAMES.get(name, name))
    except UnknownNameError:
        raise UnknownNameError(
            f"config has the activation {name!r}, which is not of the zoo: build the stack."
        ) from None
