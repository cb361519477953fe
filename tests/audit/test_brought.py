"""Rows of `tests.audit.brought` are told apart from wrong ones; what is no network is named, and models of several."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from torch import nn

from glutheory.audit import audit
from tests.audit.audit_models import rows
from tests.audit.brought import BROUGHT, InAModel, N, TimmSwiGLU, audited


@pytest.mark.parametrize("name", ["Sequential", "w12 and w3", "hubert"])
def test_another_activation_has_another_value(name: str) -> None:
    """A negative control of the rows, which `tests.test_needs` holds against the audit."""
    assert abs(audited(replace(BROUGHT[name], phi=torch.cos))[2] - 1) > 1e-2


def test_a_network_with_a_norm_inside_is_named_and_not_misread() -> None:
    model = InAModel(
        nn.Sequential(nn.Linear(6, 12), nn.LayerNorm(12), nn.Linear(12, 6)),
        nn.Sequential(nn.Linear(6, 12), nn.GELU(), nn.Linear(12, 6)),
    )
    found = audit(model, inputs=(rows(N, 6),), draws=1)
    assert [block.name for block in found.blocks] == ["blocks.1"]
    assert found.skipped[0][0] == "blocks.0"


def test_experts_that_are_modules_are_audited_alone_and_their_mixture_is_named() -> None:
    class Routed(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.experts = nn.ModuleList(TimmSwiGLU() for _ in range(2))
            self.router = nn.Linear(6, 2)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            chosen = self.router(x).argmax(dim=-1)
            total = torch.zeros_like(x)
            for i, expert in enumerate(self.experts):
                total[chosen == i] = expert(x[chosen == i])
            return total

    torch.manual_seed(1)
    model = nn.Sequential(Routed())
    found = audit(model, inputs=rows(N, 6), draws=1)
    assert [block.name for block in found.blocks] == ["0.experts.0", "0.experts.1"]
    assert all(block.verified for block in found.blocks)
    assert found.skipped == (
        (
            "0.experts",
            "its experts are modules of their own: each is audited alone, their routed mixture is not",
        ),
    )


@pytest.mark.parametrize("name", ["clip", "vit_mae", "clvp"])
def test_models_that_read_more_than_one_thing_end_in_a_sentence_or_a_report(name: str) -> None:
    from glutheory.errors import DomainError
    from tests.tiny_configurations import tiny as small

    config = small(name)
    if name == "clvp":  # speech beside the text
        with pytest.raises(
            DomainError, match=r"cannot read .* choose another length, inputs 'gaussian', or from Python"
        ):
            audit(config, samples=4, length=4, draws=1)
        assert audit(config, inputs="gaussian", samples=4, draws=1).blocks
    else:
        found = audit(config, samples=4, length=4, draws=1)
        assert len(found.blocks) >= 2
        assert not found.skipped
