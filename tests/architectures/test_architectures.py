"""Transformers and mixers: against the stock models and naive loops, initialisation, parameter counts."""

# ruff: noqa: E402  (the architectures can be imported only where torch is)

from __future__ import annotations

import copy
import pickle
from typing import Any

import pytest

torch = pytest.importorskip("torch", reason="glutheory.architectures needs torch")
for package in ("transformers", "einops"):
    pytest.importorskip(package, reason="the extra 'models' is not installed")

from torch import nn

from glutheory.architectures import ARCHITECTURES, Architecture, build, example_inputs, feed_forward_parameters
from glutheory.architectures.catalog import architecture
from glutheory.networks import product
from glutheory.sampling.feed_forward import FeedForward, initialize
from tests.architectures.tiny import GATED, PLAIN, TINY, count, inputs, make, on_meta


@pytest.mark.slow
def test_the_vit_with_a_plain_network_is_transformers_own() -> None:
    from transformers import ViTConfig, ViTModel

    size = architecture(TINY["vit"], initialization="torch")
    model = make(size, "gelu")
    undeclared: dict[str, Any] = {"head_dim": 4, "attn_implementation": "eager"}
    config = ViTConfig(
        hidden_size=12,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=12,
        image_size=8,
        patch_size=2,
        num_channels=1,
        hidden_act="gelu",
        **undeclared,
    )
    stock = ViTModel(config, add_pooling_layer=False).double().eval()
    names = {"mlp.branches.0": "mlp.fc1", "mlp.readout": "mlp.fc2"}
    stock.load_state_dict({rename(name, names): value for name, value in model.body.state_dict().items()})
    x = inputs(size)
    expected = model.head(stock(x).last_hidden_state[:, 0])
    # the stock softmax rounds to float32
    assert torch.allclose(model(x), expected, rtol=0, atol=1e-6)


def test_gpt2_with_a_plain_network_is_transformers_own() -> None:
    from transformers import GPT2Config, GPT2Model

    size = architecture(TINY["gpt2"], initialization="torch")
    model = make(size, "gelu")
    undeclared: dict[str, Any] = {"attn_implementation": "eager"}
    config = GPT2Config(
        vocab_size=40,
        n_positions=6,
        n_embd=12,
        n_layer=2,
        n_head=2,
        n_inner=12,
        activation_function="gelu",
        bos_token_id=None,
        eos_token_id=None,
        **undeclared,
    )
    stock = GPT2Model(config).double().eval()
    names = {"mlp.branches.0": "mlp.c_fc", "mlp.readout": "mlp.c_proj"}
    state = {
        # Conv1D keeps its weight transposed
        rename(name, names): value.T if "mlp" in name and "weight" in name else value
        for name, value in model.body.state_dict().items()
    }
    stock.load_state_dict(state)
    x = inputs(size)
    assert torch.allclose(model(x), model.head(stock(x).last_hidden_state), rtol=0, atol=1e-13)


def rename(name: str, names: dict[str, str]) -> str:
    for old, new in names.items():
        name = name.replace(old, new)
    return name


def test_the_mixer_is_what_its_paper_says() -> None:
    size = architecture(TINY["mixer"], initialization="torch", channels=2)
    model, x = make(size, "swiglu"), inputs(size)
    patches = [x[:, :, i : i + 2, j : j + 2].permute(0, 2, 3, 1).flatten(1) for i in (0, 2, 4, 6) for j in (0, 2, 4, 6)]
    state = torch.stack(patches, dim=1) @ model.embedding.weight.T + model.embedding.bias
    for block in model.blocks:
        norm = block.token_norm(state)
        state = state + torch.stack([block.tokens(norm[:, :, c]) for c in range(12)], dim=2)
        norm = block.channel_norm(state)
        state = state + torch.stack([block.channels(norm[:, t]) for t in range(16)], dim=1)
    assert torch.allclose(model(x), model.head(model.norm(state).mean(1)), rtol=0, atol=1e-13)


def test_the_released_vit_is_what_its_description_says() -> None:
    """One norm for all, which overwrites the stream; no norm before the feed-forward network; token by token."""
    size = architecture(TINY["shared-norm-vit"], channels=2)
    model, x = make(size, "swiglu"), inputs(size)
    with torch.no_grad():
        # else a norm of its own could not be told from the shared one
        for parameter in model.parameters():
            parameter.add_(0.3 * torch.randn(parameter.shape, dtype=torch.float64))

    def norm(layer, row):
        centred = row - row.mean()
        return centred / (centred.square().mean() + 1e-5).sqrt() * layer.weight + layer.bias

    def affine(layer, row):
        return layer.weight @ row + layer.bias

    before, linear, after = model.embedding
    for image, found in zip(x, model(x), strict=True):
        patches = [
            image[:, i : i + 2, j : j + 2].permute(1, 2, 0).flatten() for i in (0, 2, 4, 6) for j in (0, 2, 4, 6)
        ]
        tokens = [norm(after, affine(linear, norm(before, patch))) for patch in patches]
        stream = [
            token + place
            for token, place in zip([model.tokens.class_token[0, 0], *tokens], model.tokens.positions[0], strict=True)
        ]
        for attention, ffn in zip(model.attentions, model.ffns, strict=True):
            rows = [attention.qkv.weight @ norm(attention.norm, token) for token in stream]
            assert attention.qkv.bias is None
            heads = []
            for h in range(2):
                q, k, v = (torch.stack([row[8 * part + 4 * h :][:4] for row in rows]) for part in range(3))
                heads.append(torch.softmax(q @ k.T / 2, dim=1) @ v)
            mixed = torch.cat(heads, dim=1)
            stream = [token + affine(attention.projection, row) for token, row in zip(stream, mixed, strict=True)]
            stream = [norm(model.norm, token) for token in stream]
            stream = [token + ffn(token) for token in stream]
        expected = affine(model.head, norm(model.norm, stream[0]))
        assert torch.allclose(found, expected, rtol=0, atol=1e-12)


def test_the_released_networks_start_as_described() -> None:
    """Torch's default around LeCun (ViT) and Xavier (Mixer) feed-forward networks, positions standard normal."""
    vit, mixer = make("vit-released-digits", "geglu", dim=480), make("mixer-released-digits", "geglu", dim=480)
    ffn, block = vit.ffns[1], mixer.blocks[1]
    for weight, variance in (
        (vit.tokens.class_token, 1.0),
        (vit.tokens.positions, 1.0),
        (vit.attentions[1].qkv.weight, 1 / (3 * 480)),
        (vit.attentions[1].projection.bias, 1 / (3 * 48)),
        (ffn.branches[1].weight, 1 / 480),
        (ffn.readout.weight, 1 / ffn.readout.in_features),
        (mixer.embedding.weight, 1 / (3 * 4)),
        (mixer.head.bias, 1 / (3 * 480)),
        (block.tokens.branches[0].weight, 2 / (16 + block.tokens.readout.in_features)),
        (block.channels.readout.weight, 2 / (480 + block.channels.readout.in_features)),
    ):
        # five standard errors of a normal variance; a uniform one's is smaller
        assert weight.square().mean().item() == pytest.approx(variance, rel=5 * (2 / weight.numel()) ** 0.5)
    for layer in (*ffn.branches, ffn.readout, block.tokens.readout, block.channels.branches[0]):
        assert not layer.bias.any()
    for norm in (vit.norm, vit.embedding[0], vit.attentions[0].norm, mixer.norm):
        assert bool((norm.weight == 1).all())
        assert not norm.bias.any()
    # uniform ones end at 1/sqrt(fan-in), normal ones do not
    assert vit.attentions[1].qkv.weight.abs().max().item() <= 480**-0.5
    assert ffn.branches[1].weight.abs().max().item() > 3 * 480**-0.5


def test_gpt2_is_causal() -> None:
    model, x = make(TINY["gpt2"]), inputs(TINY["gpt2"])
    changed = x.clone()
    changed[:, 4:] = (x[:, 4:] + 1) % 40
    assert torch.equal(model(x)[:, :4], model(changed)[:, :4])
    assert torch.allclose(model(x)[:, :4], model(x[:, :4]), rtol=0, atol=1e-13)
    assert not torch.allclose(model(x)[:, 4:], model(changed)[:, 4:])


@pytest.mark.parametrize("size", TINY.values(), ids=TINY)
def test_models_work_with_torch_func_and_twice_differentiably(size: Architecture) -> None:
    model, x = make(size), inputs(size)
    parameters = dict(model.named_parameters())

    def output(p, row):
        return torch.func.functional_call(model, p, (row[None],)).flatten()[-1]

    rows = torch.vmap(torch.func.grad(output), (None, 0))(parameters, x)
    for i in range(len(x)):
        gradients = torch.autograd.grad(model(x)[i].flatten()[-1], list(parameters.values()))
        for name, gradient in zip(parameters, gradients, strict=True):
            assert torch.allclose(rows[name][i], gradient, rtol=1e-10, atol=1e-13), name
    sharp = torch.autograd.grad(output(parameters, x[0]), list(parameters.values()), create_graph=True)
    again = torch.autograd.grad(sum(g.square().sum() for g in sharp), list(parameters.values()), allow_unused=True)
    assert all(g is None or bool(g.isfinite().all()) for g in again)


@pytest.mark.parametrize("size", TINY.values(), ids=TINY)
def test_every_parameter_is_used(size: Architecture) -> None:
    model = make(size, "swiglu")
    model(inputs(size, 8)).square().sum().backward()
    still = {name for name, p in model.named_parameters() if p.grad is None or p.grad.abs().max() < 1e-12}
    # softmax and LayerNorm do not see a constant added to all keys' scores, or to all channels of a token
    assert all(name.endswith(("k_proj.bias", "tokens.readout.bias")) for name in still), still


@pytest.mark.parametrize("size", TINY.values(), ids=TINY)
def test_models_of_one_seed_share_all_but_their_feed_forward_networks(size: Architecture) -> None:
    plain, gate, other = make(size, "gelu"), make(size, "geglu"), make(size, "geglu", seed=6)
    inside = set(feed_forward_parameters(plain)) | set(feed_forward_parameters(gate))
    a, b, c = (dict(model.named_parameters()) for model in (plain, gate, other))
    assert set(a) - inside == set(b) - inside
    for name in set(a) - inside:
        assert torch.equal(a[name], b[name]), name
        constant = bool((a[name] == a[name].flatten()[0]).all())
        assert torch.equal(b[name], c[name]) == constant, name
    assert inside & set(b) == {name for name in b if ".branches." in name or ".readout." in name}
    assert torch.equal(make(size, "geglu")(inputs(size)), gate(inputs(size)))


@pytest.mark.parametrize("size", TINY.values(), ids=TINY)
def test_float32_models_are_the_float64_ones_rounded(size: Architecture) -> None:
    double, single = make(size), make(size, dtype=torch.float32)
    for wide, narrow in zip(double.parameters(), single.parameters(), strict=True):
        assert narrow.dtype == torch.float32
        assert torch.equal(wide.float(), narrow)
    x = inputs(size)
    narrow_outputs = single(x.float() if x.is_floating_point() else x)
    assert torch.allclose(double(x), narrow_outputs.double(), rtol=0, atol=3e-5)


@pytest.mark.parametrize("size", TINY.values(), ids=TINY)
def test_models_are_ordinary_modules_without_randomness(size: Architecture) -> None:
    model, x = make(size, product("identity", "tanh", "silu")), inputs(size)
    assert not model.training
    # build() makes models on the meta device, which would leave a buffer unfilled
    assert not list(model.buffers())
    assert all(module.p == 0 for module in model.modules() if isinstance(module, nn.Dropout))
    before = model(x)
    for other in (copy.deepcopy(model), pickle.loads(pickle.dumps(model)), model.train()):
        assert torch.equal(other(x), before)
    assert before.shape == ((3, 6, 3) if size.name == "gpt2" else (3, 3))


def test_the_vits_heads_need_not_add_up_to_its_dimension() -> None:
    attention = make(TINY["vit"]).body.layers[0].attention
    assert (attention.q_proj.in_features, attention.q_proj.out_features) == (12, 8)
    assert (attention.o_proj.in_features, attention.scaling) == (8, 4**-0.5)


def test_gpt2_starts_as_gpt2_does() -> None:
    from transformers.pytorch_utils import Conv1D

    model = make("gpt2-bytes", depth=8)
    block = model.body.h[3]
    assert isinstance(block.attn.c_attn, Conv1D)
    for weight, expected in (
        (block.attn.c_attn.weight, 0.02),
        (block.mlp.branches[1].weight, 0.02),
        (model.body.wte.weight, 0.02),
        (block.attn.c_proj.weight, 0.02 / 4),
        (block.mlp.readout.weight, 0.02 / 4),
    ):
        assert weight.std().item() == pytest.approx(expected, rel=5 / (2 * weight.numel()) ** 0.5)


#: All parameters with the plain network, by hand: attention, networks, norms of a block; then what is around them.
TOTALS = {
    "vit-preln": 4 * (3 * (4096 + 1) * 256 + (256 + 1) * 4096 + 2 * 4096 * 256 + 256 + 4096 + 4 * 4096)
    + (48 + 1) * 4096
    + (65 + 1) * 4096
    + 2 * 4096
    + 4096
    + 1,
    "gpt2-small": 12 * (4 * 768 * 768 + 4 * 768 + 2 * 768 * 3072 + 3072 + 768 + 4 * 768)
    + (50257 + 16) * 768
    + 2 * 768
    + 768
    + 1,
    "vit-released": 4 * (3 * 4096 * 256 + (256 + 1) * 4096 + 2 * 4096 * 256 + 256 + 4096 + 2 * 4096)
    + (48 + 1) * 4096
    + 2 * 48
    + 2 * 4096
    + (65 + 1) * 4096
    + 2 * 4096
    + 4096
    + 1,
    "mixer-released": 4 * (2 * 64 * 1024 + 1024 + 64 + 2 * 256 * 128 + 128 + 256 + 4 * 256) + 49 * 256 + 3 * 256 + 1,
    "mixer-narrow": 4 * (2 * 64 * 256 + 256 + 64 + 2 * 256 * 128 + 128 + 256 + 4 * 256) + 49 * 256 + 2 * 256 + 256 + 1,
}


@pytest.mark.parametrize(("name", "total"), TOTALS.items(), ids=list(TOTALS))
def test_the_full_sizes(name: str, total: int) -> None:
    model = on_meta(ARCHITECTURES[name], "gelu")
    assert count(model) == total
    millions = {
        "vit-released": 25.7,
        "mixer-released": 0.8,
        "vit-preln": 25.8,
        "gpt2-small": 123.7,
        "mixer-narrow": 0.4,
    }
    assert round(total / 1e6, 1) == millions[name]


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_parameters_are_matched(name: str) -> None:
    """Within 0.5 % (measured); 0.8 % where biases are many, each branch having its own."""
    models = {network: on_meta(ARCHITECTURES[name], network) for network in (*PLAIN, *GATED)}
    counts = {network: count(model, feed_forward_parameters(model)) for network, model in models.items()}
    assert len({counts[network] for network in PLAIN}) == len({counts[network] for network in GATED}) == 1
    assert counts["geglu"] == pytest.approx(counts["gelu"], rel=0.01 if name == "mixer-released-digits" else 0.005)
    blocks = [module for module in models["gelu"].modules() if isinstance(module, FeedForward)]
    assert len(blocks) == ARCHITECTURES[name].depth * (2 if ARCHITECTURES[name].name == "mixer" else 1)
    # the rule of the released code, written out
    for network in (*PLAIN, *GATED):
        block, width = next(m for m in models[network].modules() if isinstance(m, FeedForward)), 0
        size, gated = ARCHITECTURES[name], network in GATED
        ins, width = (size.tokens, size.token_width) if size.name == "mixer" else (size.dim, size.width)
        assert block.readout.in_features == (int(width * (ins + ins) / (2 * ins + ins)) if gated else width)


@pytest.mark.slow
@pytest.mark.parametrize("name", list(TOTALS))
def test_the_full_sizes_run(name: str) -> None:
    model = build(name, "swiglu", seed=0)
    outputs = model(example_inputs(name, 2, 0))
    assert outputs.shape == ((2, 16, 1) if name == "gpt2-small" else (2, 1))
    assert bool(outputs.isfinite().all())


def test_example_inputs() -> None:
    images = example_inputs("vit-preln", 64, 3)
    assert images.shape == (64, 3, 32, 32)
    assert images.dtype == torch.float32
    assert abs(images.mean().item()) < 5 / images.numel() ** 0.5
    assert images.std().item() == pytest.approx(1, rel=5 / (2 * images.numel()) ** 0.5)
    assert torch.equal(example_inputs("vit-preln", 2, 3), images[:2])
    assert not torch.equal(example_inputs("vit-preln", 2, 4), images[:2])
    tokens = example_inputs("gpt2-bytes", 200, 0)
    assert tokens.dtype == torch.int64
    assert torch.equal(tokens.unique(), torch.arange(256))


def test_a_record_changes_like_a_record() -> None:
    size = architecture("vit-preln", dim=8, depth=1)
    assert (size.dim, size.depth, size.width, size.tokens) == (8, 1, 256, 64)
    assert ARCHITECTURES["vit-preln"].dim == 4096
    assert make(size, "relu", outputs=2)(inputs(size)).shape == (3, 2)


def test_building_leaves_torchs_generator_alone() -> None:
    before = torch.get_rng_state()
    for size in TINY.values():
        make(size)
    assert torch.equal(torch.get_rng_state(), before)


def test_initialize_starts_a_model_anew() -> None:
    model, twin = make("mixer-digits", seed=1), make("mixer-digits", seed=2, initialization="lecun")
    initialize(model, "lecun", 2)
    for a, b in zip(model.parameters(), twin.parameters(), strict=True):
        assert torch.equal(a, b)
