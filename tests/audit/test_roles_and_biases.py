"""Names mapped to roles, ratios with and without biases, the figure, and what is given in a model's place."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from glutheory.audit import audit, configurations, models
from glutheory.audit.figure import charts
from glutheory.audit.text import report
from glutheory.errors import DomainError
from glutheory.terminal import Terminal
from tests.audit.audit_models import DECODER, GROUPED, SMALL, rows, wild
from tests.commands.command_line import bad, good

ROLES = {"value": "a", "gate": "b", "readout": "c"}


class Own(nn.Module):
    """A gated network whose maps have names of their own."""

    def __init__(self, *, bias: bool = False, twist: float = 1.0) -> None:
        super().__init__()
        self.a, self.b, self.c = nn.Linear(6, 9, bias=bias), nn.Linear(6, 9, bias=bias), nn.Linear(9, 6, bias=bias)
        self.twist = twist

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.c(self.a(x) ** self.twist * torch.relu(self.b(x)))  # type: ignore[no-any-return]


class Known(nn.Module):
    """The same under Llama's names."""

    def __init__(self) -> None:
        super().__init__()
        self.up_proj, self.gate_proj = nn.Linear(6, 9, bias=False), nn.Linear(6, 9, bias=False)
        self.down_proj, self.act_fn = nn.Linear(9, 6, bias=False), nn.ReLU()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.down_proj(self.act_fn(self.gate_proj(x)) * self.up_proj(x))  # type: ignore[no-any-return]


@pytest.fixture(autouse=True)
def seeded() -> None:
    torch.manual_seed(0)


def test_names_have_the_roles_that_are_given() -> None:
    model, X = nn.Sequential(Own(), Own()), rows(8, 6)
    found = audit(model, inputs=X, roles=ROLES, draws=1)
    assert [block.name for block in found.blocks] == ["0", "1"]
    assert {block.own.kind for block in found.blocks} == {"ReGLU"}
    # the same weights under names that are known
    known = Known()
    for part, own in (("up_proj", "a"), ("gate_proj", "b"), ("down_proj", "c")):
        known.get_submodule(part).load_state_dict(model.get_submodule(f"0.{own}").state_dict())
    assert audit(known, inputs=X, draws=1).blocks[0].as_it_is == found.blocks[0].as_it_is
    with pytest.raises(DomainError, match="computes something else"):  # the roles are held against what it computes
        audit(model[0], inputs=X, roles={"value": "b", "gate": "a", "readout": "c"}, draws=1)


@pytest.mark.parametrize(
    ("roles", "said"),
    [
        ({"gate": "b", "readout": "c"}, "computes something else"),
        ({"gate": "x", "readout": "c"}, "with shapes that go together: it has c"),
        ({"gate": "x", "readout": "y"}, "has no linear maps called x . y: it has a, b, c"),
        ({"gate": "b"}, "give the names of the linear maps, gate and readout"),
        ({"gate": "b", "readout": 3}, "give the name of a linear map"),
        ({**ROLES, "key": "a"}, "roles has value, gate, readout, key"),
        (None, "name them by roles"),
    ],
)
def test_roles_that_do_not_fit(roles: Any, said: str) -> None:
    with pytest.raises(DomainError, match=said):
        audit(Own(), inputs=rows(8, 6), roles=roles, draws=1)


def test_another_function_than_a_product_is_refused_with_roles_too() -> None:
    with pytest.raises(DomainError, match="computes something else"):
        audit(Own(twist=2.0), inputs=rows(8, 6), roles=ROLES, draws=1)


def test_both_ratios_where_biases_count() -> None:
    """Without them it is the ratio of an audit that does not count them, draw by draw."""
    found, without = (audit(wild("gpt2"), biases=counted, **SMALL) for counted in (True, False))
    assert found.unbiased_ratio is not None
    assert without.ratio is not None
    assert found.unbiased_ratio.mean == pytest.approx(without.ratio.mean, rel=1e-12)
    assert without.unbiased_ratio is None
    assert found.ratio is not None
    assert found.ratio.mean < 1 < found.unbiased_ratio.mean  # a tiny GPT-2, where the readout's bias decides
    first = " ".join(report(found, Terminal()).split("\n\n")[3].split())
    assert first.startswith(f"Non-gated/gated in the geometric mean: {found.unbiased_ratio} without the biases")
    assert "outweighs the rest" in first
    assert "without biases" in repr(found)
    assert "without the biases" not in report(audit(wild("llama"), **SMALL), Terminal())  # it has none


def test_where_biases_decide_nothing_both_are_said_plainly() -> None:
    model = Own(bias=True)
    with torch.no_grad():
        for part in (model.a, model.b, model.c):
            part.weight.mul_(30)  # so that the constant from the readout's bias is small beside the rest
    text = " ".join(report(audit(model, inputs=rows(8, 6), roles=ROLES, draws=3), Terminal()).split())
    assert "without the biases as parameters" in text
    assert "outweighs" not in text


def test_the_figure(tmp_path: Path) -> None:
    found = audit(wild("gpt2"), **SMALL)
    ratios, conditions = charts(found)
    assert [series.label for series in ratios.series] == ["drawn networks", "without biases"]
    assert ratios.series[0].y == pytest.approx([block.ratio.mean for block in found.blocks if block.ratio])
    assert conditions.series[-1].y == pytest.approx([block.as_it_is.value for block in found.blocks])
    assert conditions.names == ratios.names == tuple((block.index, block.name) for block in found.blocks)
    many = [replace(found.blocks[0], name=f"layers.{k}.mlp", index=k) for k in range(8)]
    assert charts(replace(found, blocks=tuple(many)))[0].names == tuple((k, str(k)) for k in range(8))
    pytest.importorskip("matplotlib")
    file = tmp_path / "audit.svg"
    tiny = [f"--set={key}={value}" for key, value in GROUPED.items()]
    page = good("audit", "llama", *tiny, "--samples", "8", "--draws", "2", "--layers", "all", "--out", str(file))
    assert "layers.1.mlp" in page
    assert file.stat().st_size > 1000


def test_files_state_dicts_and_other_shapes_are_told_the_remedy(tmp_path: Path) -> None:
    model = models.build("llama", {**DECODER, "num_hidden_layers": 1}).model
    with configurations.quiet():
        model.save_pretrained(tmp_path)  # type: ignore[operator]
    torch.save(model.state_dict(), tmp_path / "weights.pt")
    for name in ("model.safetensors", "weights.pt"):
        assert "is a file: give the folder that holds it" in bad("audit", str(tmp_path / name))
    with pytest.raises(DomainError, match="load_state_dict"):
        audit(model.state_dict())
    file = tmp_path / "config.json"
    fields = json.loads(file.read_text())
    file.write_text(json.dumps({**fields, "intermediate_size": 40}))
    said = bad("audit", str(tmp_path))
    assert "of shape (32, 86), but its config.json asks for (32, 40) (3 such parameters)" in said
    file.write_text(json.dumps(fields))
    assert math.isfinite(audit(str(tmp_path), **SMALL).blocks[0].as_it_is.value)
    assert np.isfinite(model.get_parameter("layers.0.mlp.up_proj.weight").detach().numpy()).all()
