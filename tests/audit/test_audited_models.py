"""What `audit` takes: inputs, models, configurations, and what it refuses."""

from __future__ import annotations

import copy
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from torch import nn

from glutheory.audit import audit, configurations, models
from glutheory.audit.inputs import example
from glutheory.errors import DomainError
from tests.audit.audit_models import GROUPED, SMALL, Gated, rows, wild
from tests.strategies import named


def test_equal_networks_are_redrawn_independently() -> None:
    model = Gated()
    one, other = audit(nn.ModuleList([model, copy.deepcopy(model)]), inputs=rows(8, 6), draws=3).blocks
    assert one.as_it_is == other.as_it_is
    assert not set(one.own.draws) & set(other.own.draws)
    assert not set(one.twin.draws) & set(other.twin.draws)


def test_inputs_may_be_rows_or_arguments_of_the_model() -> None:
    model, X = nn.Sequential(Gated()), rows(8, 6)
    figures = [
        audit(model, inputs=given, draws=1).blocks[0].as_it_is.value
        for given in (X, X.numpy(), (X,), {"input": X}, (torch.stack((rows(8, 6, 1), X), dim=1),))
    ]
    assert figures == pytest.approx([figures[0]] * 5, rel=1e-5)


def test_arguments_that_do_not_reach_a_block() -> None:
    class Partial(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.used, self.unused = Gated(), Gated()

        def forward(self, x: torch.Tensor) -> Any:
            return self.used(x)

    found = audit(Partial(), inputs=(rows(8, 6),), draws=1)
    assert found.skipped == (("unused", "the model did not call it with one row per example"),)


@pytest.mark.parametrize(
    ("changes", "match"),
    [({"inputs": rows(5, 4)}, "inputs has 4 columns, but Gated takes 6"), ({"inputs": rows(1, 6)}, "one row"),
     ({"inputs": "gausian"}, "inputs is 'gausian'"), ({"inputs": (3,)}, "no tensor"), ({"samples": 1}, "samples is 1"),
     ({"draws": 0}, "draws is 0"), ({"layers": []}, "layers is empty"), ({"layers": [3]}, "layers has 3"),
     ({"changes": {"a": 1}}, "changes go with"), ({"length": 0}, "length is 0"),
     ({"inputs": rows(5, 6) * torch.inf}, "X has the value")],
    ids=named,
)  # fmt: skip
def test_bad_arguments(changes: dict[str, Any], match: str) -> None:
    with pytest.raises(DomainError, match=match):
        audit(Gated(), **changes)


def test_a_module_without_a_configuration_has_inputs_by_its_first_layer() -> None:
    feed = [nn.Linear(6, 16), nn.GELU(), nn.Linear(16, 6)]
    found = audit(nn.Sequential(*feed), samples=16, draws=1)
    assert (found.samples, found.inputs) == (16, "16 standard normal rows of 6 numbers, as its first layer reads")
    table = nn.Sequential(nn.Embedding(40, 6), nn.Sequential(*feed))
    assert audit(table, samples=8, length=4, draws=1).inputs == "8 sequences of 4 random ids below 40"
    # how large images are no layer says
    with pytest.raises(DomainError, match="reads neither token ids nor pixels: give inputs 'gaussian'"):
        audit(nn.Sequential(nn.Conv2d(1, 6, 2), nn.Flatten(2), nn.Sequential(*feed)), draws=1)


def test_what_is_no_model() -> None:
    with pytest.raises(DomainError, match="model is an int"):
        audit(3)
    with pytest.raises(DomainError, match="no feed-forward network that is known here"):
        audit(nn.Linear(3, 3), inputs="gaussian")


def test_weights_that_are_no_matrix() -> None:
    model = Gated()
    model.up_proj = nn.Bilinear(6, 6, 10)  # type: ignore[assignment]
    with pytest.raises(DomainError, match=r"their weights \(Bilinear, Linear\) cannot be read"):
        audit(model, inputs="gaussian")


def test_random_tokens_end_differently_and_are_not_special() -> None:
    model = wild("llama")
    arguments, words = example(model, 150, 3, seed=1)
    ids = arguments["input_ids"]
    assert len(set(ids[:, -1].tolist())) == 150
    assert not {1, 2} & set(ids.flatten().tolist())
    assert words == "the last position of 150 sequences of 3 random token ids"
    many, _ = example(model, 400, 3, seed=1)
    assert many["input_ids"].shape == (400, 3)


def test_encoders_with_decoders_and_tiny_vocabularies() -> None:
    config = SimpleNamespace(vocab_size=2, pad_token_id=0, eos_token_id=[1], is_encoder_decoder=True)
    model: Any = SimpleNamespace(config=config, main_input_name="input_ids")
    arguments, _ = example(model, 3, 2, 0)
    assert torch.equal(arguments["input_ids"], arguments["decoder_input_ids"])


def test_of_a_model_too_large_only_the_layers_needed_are_built(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = sum(parameter.numel() for parameter in wild("llama").parameters())
    monkeypatch.setattr(models, "MOST_PARAMETERS", whole - 1)
    with pytest.raises(DomainError, match="choose layers, e"):
        audit("llama", changes=GROUPED)
    with pytest.raises(DomainError, match="billion parameters; at most"):
        audit("llama", changes=GROUPED, layers=[1])
    assert len(audit("qwen2", changes=GROUPED, layers=[0], **SMALL).blocks) == 1  # its list of layers is cut too
    found = audit("llama", changes=GROUPED, layers=[0], **SMALL)
    assert [block.name for block in found.blocks] == ["layers.0.mlp"]
    assert "built with 1 of its 2 layers" in found.notes[0]
    monkeypatch.setattr(models, "MOST_PARAMETERS", 1)
    with pytest.raises(DomainError, match="in the layers that were asked for"):
        audit("llama", changes=GROUPED, layers=[0])


def test_a_configuration_is_a_model_too() -> None:
    config = configurations.configure("llama", {}, {**GROUPED, "dtype": "bfloat16"})
    found = audit(config, **SMALL)
    again = audit("llama", changes=GROUPED, **SMALL)
    assert found.as_json() == again.as_json()
    assert found.trained is False
    assert str(config.dtype) == "torch.bfloat16"
    with pytest.raises(DomainError, match="a configuration of transformers"):
        audit(config, changes={"hidden_size": 3})


def test_the_default_configuration_of_a_large_model_is_not_drawn() -> None:
    with pytest.raises(DomainError, match=r"llama of this configuration has 6\.61 billion parameters; at most 1 "):
        audit("llama")
