"""Losses made up for the check of trained transformers: curves whose gaps, pace and bias are known."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

from checks.claims.generalization import paper_test
from checks.claims.generalization.effects import Table
from checks.claims.generalization.runs import Block


@pytest.fixture
def few_relabellings(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The paper's test with 99 relabellings in place of 999: enough for its level of 0.05."""
    monkeypatch.setattr(paper_test, "PERMUTATIONS", 99)
    paper_test._pvalues.cache_clear()
    yield
    paper_test._pvalues.cache_clear()


def synthetic(
    seeds: int = 5,
    *,
    epochs: int = 25,
    ratio: float = 1.0,
    faster: float = 0.8,
    scatter: float = 0.1,
    bias: float | None = None,
    stream: int = 1,
) -> Block:
    """Losses that fall exponentially, gaps in proportion to ln(2.3/loss), scattered from pair to pair.

    With a `bias` the images are altered: the loss on these is higher by minus the bias, with 2 % of scatter, and
    that over the steps of an epoch by 0.1 more.
    """
    rng = np.random.default_rng(stream)
    sides = []
    for side in (0, 1):
        rate = 5 * np.exp(0.02 * rng.standard_normal(3 * seeds)) * (faster if side else 1)
        size = 0.05 * np.exp(scatter * rng.standard_normal(3 * seeds)) * (ratio if side else 1)
        train = 2.3 * np.exp(-np.arange(epochs + 1) / rate[:, None])
        test = train + size[:, None] * (0.1 + np.log(2.3 / train))
        altered = train
        if bias is not None:
            altered = train - bias * (1 + 0.02 * np.random.default_rng([stream, side]).standard_normal((3 * seeds, 1)))
        sides.append(np.stack((train, test, test + 5, altered, altered + 0.1), axis=-1))
    return Block(sides[0], sides[1], seeds, (1000, 1001), augmented=bias is not None)


def two_optimisers(optimiser: float, gating: float, interaction: float = 1.0, *, seeds: int = 5) -> Table:
    """A table whose epochs have these effects as ratios, without scatter; gaps are 0.05 (0.1 + ln(2.3/loss)).

    The two networks of an optimiser share the interaction evenly: gating is `gating / sqrt(interaction)` with SGD.
    """
    losses = []
    for adamw in (0, 1):
        sides = []
        for gated in (0, 1):
            # ln of the rate: half of each effect up or down, so that no effect leaks into another
            rate = (
                5
                * optimiser ** (adamw - 0.5)
                * gating ** (gated - 0.5)
                * interaction ** ((adamw - 0.5) * (gated - 0.5))
            )
            draws = rate * np.exp(0.2 * np.random.default_rng(3).standard_normal((3 * seeds, 1)))
            train = 2.3 * np.exp(-np.arange(200) / 8 / draws)
            test = train + 0.05 * (0.1 + np.log(2.3 / train))
            sides.append(np.stack((train, test, test + 5, train, train), axis=-1))
        losses.append(np.stack(sides))
    gates = tuple((name, slice(i * seeds, (i + 1) * seeds)) for i, name in enumerate("abc"))
    return Table(np.stack(losses), gates)
