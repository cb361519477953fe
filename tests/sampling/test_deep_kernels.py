"""Sampled kernels of stacks are those of the Jacobian, group by group; batches and memory change nothing."""

# ruff: noqa: E402  (the package's sampling half can be imported only where torch is)

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import scipy.stats

torch = pytest.importorskip("torch", reason="glutheory.sampling needs torch")

from glutheory import sampling
from glutheory.errors import GlutheoryError
from glutheory.layers import composed, dense, product, stack
from glutheory.sampling.deep import steps
from glutheory.sampling.deep import tangents as tangent
from glutheory.sampling.deep.streams import Streams
from tests.sampling.deep_autograd import DRAW, SEED, WIDTH, by_autograd, furthest, options
from tests.sampling.stacks import STACKS, inputs

#: Each number is a sum of products of about a hundred roundings deep, each of 1.1e-16; a wrong rule shows in the first
#: digits.
ROUNDING = 1e-12


@pytest.mark.long
@pytest.mark.parametrize("parametrization", ["ntk", "standard"])
@pytest.mark.parametrize("name", STACKS)
def test_the_blocks_are_those_of_the_jacobian(name: str, parametrization: str) -> None:
    case = STACKS[name]
    X = inputs(case)
    expected = by_autograd(case, X, parametrization)
    found = sampling.empirical_ntk(case, X, blocks=True, **options(parametrization))
    assert tuple(found) == case.groups
    assert furthest(found, expected) < ROUNDING
    total = sampling.empirical_ntk(case, X, **options(parametrization))
    assert torch.allclose(total, sum(expected.values()), rtol=0, atol=ROUNDING * float(total.abs().max()))
    assert torch.equal(total, total.T)
    eigenvalues = torch.linalg.eigvalsh(total)
    assert eigenvalues[0] >= -1e-13 * eigenvalues[-1]


@pytest.fixture(params=["projection added", "no projection", "no mean", "gain forgotten", "weights forgotten"])
def mistake(request: pytest.FixtureRequest) -> Iterator[tuple[str, str]]:
    """A wrong rule, and a stack that shows it."""
    norm = steps.Norm.back
    linear = steps.Linear.back

    def projection(sign: float) -> Any:
        def back(self: steps.Norm, delta: Any, tangents: Any) -> None:
            # RMSNorm's own rule is (δ − z·mean(δz))/r
            norm(self, delta, tangents)
            along = (delta * self.output.value).mean(-1, keepdim=True) * self.output.value / self._length
            self.inputs.give((1 + sign) * along)

        return back

    def no_mean(self: steps.Norm, delta: Any, tangents: Any) -> None:
        self.centred = False
        norm(self, delta, tangents)

    def no_gain(self: steps.Norm, delta: Any, tangents: Any) -> None:
        self.gain = False
        norm(self, delta, tangents)

    def no_weights(self: steps.Linear, delta: Any, tangents: Any) -> Any:
        # the kernel of the biases alone
        if tangents.wants(self.group) and self.shift:
            tangents.add(self.group, tangent.gram(delta) * self.outside[1])
        return linear(self, delta, tangent.Tangents(delta.shape[1], frozenset(), apart=False))

    owner, rule, shown = {
        "projection added": (steps.Norm, projection(1.0), "usual"),
        "no projection": (steps.Norm, projection(0.0), "usual"),
        "no mean": (steps.Norm, no_mean, "usual plain"),
        "gain forgotten": (steps.Norm, no_gain, "sequences"),
        "weights forgotten": (steps.Linear, no_weights, "usual"),
    }[request.param]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(owner, "back", rule)
        yield request.param, shown


def test_a_wrong_rule_is_seen(mistake: tuple[str, str]) -> None:
    case = STACKS[mistake[1]]
    X = inputs(case)
    expected = by_autograd(case, X, "ntk")
    found = sampling.empirical_ntk(case, X, **options())
    whole = torch.stack(list(expected.values())).sum(0)
    assert float((found - whole).abs().max() / whole.abs().max()) > 1e-3


@pytest.mark.long
@pytest.mark.parametrize("name", STACKS)
def test_batches_and_memory_change_nothing_but_rounding(name: str) -> None:
    """Draws side by side, one by one, and with weights that are forgotten and drawn again."""
    case = STACKS[name]
    X = inputs(case)
    means = []
    for workspace in (2**30, 2**15, 1):
        own = sampling.monte_carlo(case, X, width=WIDTH, draws=5, seed=SEED, workspace=workspace).mean
        means.append(own)
    drawn = [sampling.empirical_ntk(case, X, **{**options(), "draw": draw}).numpy() for draw in range(5)]
    for other in (*means[1:], np.mean(drawn, axis=0)):
        assert np.allclose(means[0], other, rtol=0, atol=ROUNDING * np.abs(means[0]).max())
    # one layer alone has the same kernel in all draws
    assert np.allclose(drawn[0], drawn[1], rtol=1e-3) == (len(case.layers) == 1)


@pytest.mark.parametrize("name", [name for name, case in STACKS.items() if "readout" in case.groups])
def test_the_nngp_is_the_block_of_the_readout(name: str) -> None:
    case = STACKS[name]
    X = inputs(case)
    nngp = sampling.empirical_ntk(case, X, kind="nngp", **options())
    block = sampling.empirical_ntk(case, X, blocks=True, **options())["readout"]
    assert torch.allclose(nngp, block, rtol=0, atol=ROUNDING * float(block.abs().max()))


def test_the_nngp_without_readout_is_the_mean_over_units() -> None:
    case = composed(dense(), product("step"))
    X = inputs(case)
    (rows,) = (streams := Streams(SEED, (DRAW,), torch.from_numpy(X))).neurons(WIDTH, 5)
    (hidden,) = streams.neurons(WIDTH, WIDTH)
    units = torch.from_numpy(X) @ rows.numbers()[0].T / 5**0.5 @ hidden.numbers()[0].T > 0
    found = sampling.empirical_ntk(case, X, kind="nngp", **options())
    assert torch.allclose(found, units.double() @ units.double().T / WIDTH, rtol=1e-14)


def test_trained_chooses_groups() -> None:
    case, X = STACKS["usual"], inputs(STACKS["usual"])
    blocks = sampling.empirical_ntk(case, X, blocks=True, **options())
    for trained in ("block*.gate", ("readout", "block2.*")):
        chosen = case.chosen(trained)
        found = sampling.empirical_ntk(case, X, trained=trained, **options())
        expected = torch.stack([blocks[name] for name in chosen]).sum(0)
        assert torch.allclose(found, expected, rtol=0, atol=1e-14 * float(expected.abs().max()))
        assert set(sampling.empirical_ntk(case, X, trained=trained, blocks=True, **options())) == chosen


def test_a_stack_of_two_layers_has_the_kernel_of_the_network() -> None:
    """In the mean, which is exact at every width: within errors that reject 15 % more or less."""
    case, X = STACKS["two layers"], inputs(STACKS["two layers"])
    deep, flat = (
        sampling.monte_carlo(network, X, width=256, draws=400, seed=seed)
        for network, seed in ((case, 1), ("swiglu", 2))
    )
    error = np.hypot(deep.standard_error, flat.standard_error)
    # 10 different entries share a false alarm of 1e-6
    limit = scipy.stats.norm.isf(1e-6 / 2 / 10)
    assert np.all(np.abs(deep.mean - flat.mean) < limit * error)
    assert np.max(0.15 * np.abs(flat.mean) / error) > limit + 3.1


def test_a_hundred_blocks_and_float32() -> None:
    case = stack("swiglu", 100)
    X = inputs(case)
    double, single = (
        sampling.empirical_ntk(case, X, width=16, seed=0, dtype=dtype) for dtype in (torch.float64, torch.float32)
    )
    # 600 layers of roundings of 6e-8, which add up
    assert torch.allclose(double, single.double(), rtol=0, atol=1e-4 * float(double.abs().max()))


@pytest.mark.cuda
@pytest.mark.parametrize("name", STACKS)
def test_a_gpu_samples_the_same_network(name: str) -> None:
    case = STACKS[name]
    X = inputs(case)
    here = sampling.empirical_ntk(case, X, **options())
    for workspace in (2**24, 1):
        there = sampling.empirical_ntk(case, X, device="cuda", workspace=workspace, **options())
        assert there.device.type == "cuda"
        assert torch.allclose(here, there.cpu(), rtol=0, atol=ROUNDING * float(here.abs().max()))


USUAL = stack("swiglu", 2, gain=True)
SEQUENCES = STACKS["sequences"]
FLAT, SEQUENCE = np.eye(3, 5), np.ones((2, 3, 5))


@pytest.mark.parametrize(
    ("network", "X", "changed", "words"),
    [
        (USUAL, FLAT, {"width": 0}, "width is 0: give an integer >= 1."),
        (USUAL, FLAT, {"kind": "ntks"}, "kind is 'ntks': give 'ntk' or 'nngp'."),
        (USUAL, FLAT, {"parametrization": "mup"}, "parametrization is 'mup': give 'ntk' or 'standard'."),
        (USUAL, FLAT, {"variances": {"gate": 2}}, "variances is {'gate': 2}, but a stack's layers have their own"),
        (USUAL, FLAT, {"trained": "gate"}, "trained has the name 'gate', which no group of trained weights has"),
        (USUAL, FLAT, {"trained": 3}, "trained is 3: give the name of a group of weights, or a list of names."),
        (USUAL, FLAT, {"trained": "norm", "kind": "nngp"}, "trained is given with kind='nngp', for which nothing"),
        ("swiglu", FLAT, {"trained": "gate"}, "trained is 'gate', but only a stack has groups to choose from"),
        (USUAL, SEQUENCE, {}, "X has the shape (2, 3, 5): give (n, d) with n, d >= 1, one input per row."),
        (SEQUENCES, FLAT, {}, "X has the shape (3, 5): give (n, positions, d) with n, positions, d >= 1"),
        (SEQUENCES, SEQUENCE * [[[np.nan]], [[1.0]]], {}, "X has the value nan in row 0, not finite"),
        (USUAL, 0 * FLAT, {}, "is not finite in torch.float64: give X without rows of zeros, which norms cannot take"),
        (stack("step", 1), FLAT, {}, "activation step jumps at z = 0"),
        (stack("exp", 3, norm=None, residual=False), 10 * FLAT, {"dtype": torch.float32}, "give dtype=torch.float64"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_bad_argument_gets_a_sentence(network: Any, X: Any, changed: dict[str, Any], words: str) -> None:
    given: dict[str, Any] = {"width": 8, "seed": 0, "dtype": torch.float64, **changed}
    with pytest.raises(GlutheoryError) as caught:
        sampling.empirical_ntk(network, X, **given)
    message = str(caught.value)
    assert words in message
    assert message.count("\n") == 0


def test_blocks_of_an_nngp_are_refused() -> None:
    with pytest.raises(GlutheoryError, match="blocks is True with kind='nngp'"):
        sampling.empirical_ntk(USUAL, FLAT, width=8, seed=0, kind="nngp", blocks=True)


def test_a_checkpoint_belongs_to_its_stack(tmp_path: Path) -> None:
    file = tmp_path / "draws.npz"
    given: dict[str, Any] = {"width": 8, "seed": 0}
    whole = sampling.monte_carlo(USUAL, FLAT, draws=7, **given)
    sampling.monte_carlo(USUAL, FLAT, draws=3, checkpoint=file, **given)
    resumed = sampling.monte_carlo(USUAL, FLAT, draws=7, checkpoint=file, **given)
    assert np.allclose(resumed.mean, whole.mean, rtol=1e-13)
    for other in (stack("swiglu", 2), stack("swiglu", 3, gain=True), stack("geglu", 2, gain=True)):
        with pytest.raises(GlutheoryError, match="written with another network"):
            sampling.monte_carlo(other, FLAT, draws=7, checkpoint=file, **given)
    with pytest.raises(GlutheoryError, match="written with another trained"):
        sampling.monte_carlo(USUAL, FLAT, draws=7, checkpoint=file, trained="readout", **given)
