"""The NTK of real architectures, made small, and of transformers' own models against torch.func's full Jacobian."""

# ruff: noqa: E402  (the package's sampling half can be imported only where torch is)

from typing import Any

import pytest

torch = pytest.importorskip("torch")
transformers = pytest.importorskip("transformers")

from torch.func import functional_call, jacrev
from torch.nn.attention import SDPBackend, sdpa_kernel

from glutheory.architectures import build, example_inputs, feed_forward_parameters
from glutheory.architectures.catalog import architecture
from glutheory.sampling import module_ntk

#: Gradients of some thousand parameters through a few layers, summed in another order: a few hundred rounding errors.
TOLERANCE = 1e-12
SMALL: dict[str, dict[str, object]] = {
    "vit-digits": {"dim": 12, "heads": 2, "head_dim": 5, "width": 18, "outputs": 3},
    "vit-released-digits": {"dim": 12, "heads": 2, "head_dim": 5, "width": 18, "outputs": 3},
    "mixer-released-digits": {"dim": 12, "width": 6, "token_width": 48, "outputs": 3},
    "mixer-digits": {"dim": 12, "width": 18, "outputs": 3},
    "gpt2-bytes": {"dim": 12, "heads": 2, "head_dim": 6, "width": 18, "sequence": 6, "outputs": 3, "vocabulary": 20},
}


def naive(model, arguments, output, outputs):
    """The products of all gradients, by parameter, shape (n, n, k, k); one sample after the other."""
    parameters = {name: parameter.detach() for name, parameter in model.named_parameters()}
    rows: dict[str, list[Any]] = {name: [] for name in parameters}
    for k in range(len(next(iter(arguments.values())))):
        one = {key: value[k : k + 1] for key, value in arguments.items()}

        def run(chosen, one=one):
            return output(functional_call(model, chosen, (), one)).reshape(outputs)

        for name, part in jacrev(run)(parameters).items():
            rows[name].append(part.flatten(1))
    stacked = {name: torch.stack(parts) for name, parts in rows.items()}
    return {name: torch.einsum("iap,jbp->ijab", J, J) for name, J in stacked.items()}


def close(found, true):
    scale = max(float(kernel.abs().max()) for kernel in true.values())
    return set(found) == set(true) and all(
        float((found[name] - true[name]).abs().max()) <= TOLERANCE * scale for name in true
    )


@pytest.mark.long
@pytest.mark.parametrize("network", ["gelu", "swiglu"])
@pytest.mark.parametrize("name", SMALL)
def test_exact_on_every_architecture(name, network):
    small = architecture(name, **SMALL[name])
    model, x = build(small, network, seed=0, dtype=torch.float64), example_inputs(small, 4, 0)
    x = x.double() if x.is_floating_point() else x
    key, read = ("tokens", lambda z: z[:, -1]) if name == "gpt2-bytes" else ("pixels", lambda z: z)
    true = naive(model, {key: x}, read, 3)
    full = module_ntk(model, x, output=read, outputs="full", blocks=True)
    assert close(full, true)
    trace = {key: kernel.diagonal(dim1=2, dim2=3).sum(-1) for key, kernel in true.items()}
    assert close(module_ntk(model, x, output=read, blocks=True), trace)
    inner = feed_forward_parameters(model)
    part = module_ntk(model, x, output=read, parameters=inner)
    torch.testing.assert_close(part, sum(trace[key] for key in inner), rtol=1e-10, atol=1e-10)


def language_model(kind, **extra):
    """A tiny model as transformers makes it: caches, masks, rotary positions, RMS norms, tied embeddings and all."""
    config, model = getattr(transformers, f"{kind}Config"), getattr(transformers, extra.pop("model"))
    torch.manual_seed(0)
    return model(config(**extra)).double().eval()


LLAMA: dict[str, object] = {
    "hidden_size": 12,
    "intermediate_size": 18,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
}
LLAMA |= {"num_key_value_heads": 1, "vocab_size": 15, "max_position_embeddings": 16}
WILD: dict[str, tuple[str, dict[str, object]]] = {
    "llama": ("Llama", {"model": "LlamaForCausalLM", **LLAMA}),
    "qwen2, tied": ("Qwen2", {"model": "Qwen2ForCausalLM", "tie_word_embeddings": True, **LLAMA}),
    "gemma": ("Gemma", {"model": "GemmaForCausalLM", "head_dim": 6, **LLAMA}),
    "gpt2, tied": (
        "GPT2",
        {
            "model": "GPT2LMHeadModel",
            "n_embd": 12,
            "n_layer": 2,
            "n_head": 2,
            "vocab_size": 15,
            "n_positions": 8,
            "bos_token_id": None,
            "eos_token_id": None,
        },
    ),
}


@pytest.mark.parametrize("name", WILD)
@pytest.mark.filterwarnings("ignore:There is a performance drop")
def test_exact_on_models_as_transformers_makes_them(name):
    kind, extra = WILD[name]
    model = language_model(kind, **extra)
    ids = {"input_ids": torch.randint(0, 15, (3, 5), generator=torch.Generator().manual_seed(1))}

    def read(returned):
        return returned.logits[:, -1, :2]

    with sdpa_kernel(SDPBackend.MATH):
        true = naive(model, ids, read, 2)
        found = module_ntk(model, ids, output=read, outputs="full", blocks=True)
    assert close(found, true)
