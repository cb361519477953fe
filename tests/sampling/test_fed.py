"""What branches are fed with: one function, applied once by all that sample, train or run a network."""

# ruff: noqa: E402  (the package's sampling half can be imported only where torch is)

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="glutheory.sampling needs torch")

from glutheory.sampling import FeedForward, empirical_ntk, feed_forward, sampler, training
from glutheory.sampling.training import Ensemble, train

#: Rows whose doubles are exact, so that equal computations have equal bits.
X = np.random.default_rng(0).standard_normal((4, 3))
Y = np.arange(4.0)


def sampled(rows: Any) -> Any:
    return empirical_ntk("reglu", rows, width=8, seed=0, dtype=torch.float64)


def trained(rows: Any) -> Any:
    nets = Ensemble("swiglu", inputs=3, width=8, seed=0, draws=(0, 1), dtype=torch.float64)
    for _ in train(nets, rows, Y, rate=0.05, epochs=2, seed=0, batch=3):
        pass
    given = nets.inputs(rows)  # as a caller may hand them over again
    return torch.cat((nets.outputs(given)[..., None], nets.ntk(given)), dim=2)


def run(rows: Any) -> Any:
    net = FeedForward("geglu", inputs=3, width=8, seed=0).double()
    return net(torch.from_numpy(rows)).detach()


@pytest.mark.parametrize("road", [sampled, trained, run], ids=lambda road: road.__name__)
def test_a_layer_before_the_weights_is_applied_exactly_once(road: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    before, doubled = road(X), road(2 * X)
    for module in (sampler, training, feed_forward):
        monkeypatch.setattr(module, "fed", lambda _, x: 2 * x)
    assert torch.equal(road(X), doubled)
    assert not torch.equal(before, doubled)
