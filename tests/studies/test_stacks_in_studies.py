"""Stacks in `glutheory spectrum` and `depth`: the eigenvalues of `gram`, with its error; pairs; what is refused."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

import glutheory as glu
from glutheory.commands.data import draw_rows
from glutheory.errors import DomainError
from glutheory.layers import Stack, composed, dense, positions, product, readout, repeat, residual
from glutheory.studies.depth import depth_study
from glutheory.studies.spectrum import charts, spectrum_study, text
from glutheory.terminal import Terminal
from tests.commands.command_line import bad, good

X = np.random.default_rng(3).standard_normal((30, 8))
GATED, PLAIN = glu.stack("reglu", 4), glu.stack("relu", 4)


def _mixed(first: str, second: str, name: str) -> Stack:
    """Two kinds of blocks, of which one is gated."""
    return composed(dense(), repeat(2, residual(product(first), dense())), product(second), readout(), name=name)


class TestSpectrum:
    @pytest.mark.parametrize("options", [{"parametrization": "ntk", "width": None}, {"width": 64}], ids=str)
    @pytest.mark.parametrize("kind", ["ntk", "nngp"])
    def test_the_eigenvalues_are_those_of_gram(self, kind: str, options: dict[str, Any]) -> None:
        nets: list[Stack | str] = [GATED, PLAIN, "reglu"]
        study = spectrum_study(nets, X, kind=kind, **options)
        gram: dict[str, Any] = {"parametrization": "standard"} | options
        for item, net in zip(study.networks, nets, strict=True):
            values = np.linalg.eigvalsh(glu.gram(net, X, kind=kind, **gram))[::-1]
            assert abs(item.values - values).max() <= item.error + 30 * np.finfo(float).eps * values[0]
        assert [item.gated for item in study.networks] == [True, False, True]
        # a block more is another matrix
        other = np.linalg.eigvalsh(glu.gram(glu.stack("reglu", 5), X, kind=kind, **gram))[::-1]
        assert abs(study.networks[0].values - other).max() > 1e3 * study.networks[0].error

    def test_pairs_are_those_with_all_else_alike(self) -> None:
        nets: list[Stack | str] = [
            GATED,
            PLAIN,
            glu.stack("swiglu", 4),  # the plain one has another depth
            glu.stack("silu", 3),
            _mixed("swiglu", "relu", "mixed, gated"),
            _mixed("silu", "relu", "mixed, plain"),
            "geglu",
            "gelu",
        ]
        study = spectrum_study(nets, X, parametrization="ntk", width=None)
        assert [(pair.plain, pair.gated) for pair in study.pairs] == [
            (PLAIN.name, GATED.name),
            ("mixed, plain", "mixed, gated"),
            ("gelu", "geglu"),
        ]
        by_name = {item.network: item for item in study.networks}
        assert by_name[GATED.name].plain == PLAIN.name
        assert by_name["swiglu x 4, rmsnorm, residual"].plain == ""
        ratio = by_name[PLAIN.name].condition.value / by_name[GATED.name].condition.value
        assert study.pairs[0].ratio == ratio

    def test_the_page_the_charts_and_the_record(self) -> None:
        study = spectrum_study([PLAIN, GATED], X, parametrization="ntk", width=None)
        page = text(study, Terminal(100))
        names = f"{PLAIN.name}; {GATED.name}"
        flat = " ".join(page.split())
        assert f"No random-matrix prediction for {names}: it is of networks with one hidden layer." in flat
        assert f"{PLAIN.name} → {GATED.name}: cond(K)/cond(K̃) = " in flat
        record = json.loads(json.dumps(study.as_json(charts(study)), default=str))
        assert [item["network"] for item in record["networks"]] == [PLAIN.name, GATED.name]

    def test_the_error_is_that_of_the_evaluators(self) -> None:
        own = spectrum_study([glu.stack("mish", 2)], X, parametrization="ntk", width=None).networks[0]
        zoo = spectrum_study([glu.stack("silu", 2)], X, parametrization="ntk", width=None).networks[0]
        trace = np.trace(glu.gram(glu.stack("mish", 2), X))
        assert own.error > 2e-12 * trace > 10 * zoo.error

    @pytest.mark.parametrize(
        ("stack", "kind", "said"),
        [
            (glu.stack("step", 2), "ntk", "is infinite, since an activation jumps: use --kind nngp"),
            (composed(dense(), positions(), readout()), "ntk", "needs sequences"),
            (glu.stack("reglu", 64, norm=None), "ntk", "leave float64: use a norm"),
        ],
        ids=str,
    )
    def test_what_is_refused(self, stack: Stack, kind: str, said: str) -> None:
        with pytest.raises(DomainError) as error:
            spectrum_study([stack], X, kind=kind, parametrization="ntk", width=None)
        assert said in str(error.value)


def test_depth_counts_the_error_of_derived_evaluators() -> None:
    study = depth_study(["mish", "silu"], X, depths=(1, 4))
    for item, net in zip(study.networks, ("mish", "silu"), strict=True):
        for found in item.depths:
            stack = glu.stack(net, found.blocks)
            trace = np.trace(glu.gram(stack, X))
            entries = glu.entry_error(stack) * trace
            assert entries <= found.error <= entries + 30**1.5 * 1e-14 * found.largest


class TestCommand:
    SIZE = ("--n", "20", "--d", "4")

    def test_stacks_beside_networks(self) -> None:
        lines = ("relu x 3, rmsnorm, residual", "ReGLU x 3")
        options = [part for line in lines for part in ("--stack", line)]
        found = json.loads(good("spectrum", *self.SIZE, "--json", "relu", *options))
        assert found["setting"]["parametrization"] == "ntk"
        assert [item["network"] for item in found["networks"]] == ["relu", lines[0], "reglu x 3, rmsnorm, residual"]
        assert [pair["plain"] for pair in found["pairs"]] == [lines[0]]
        values = np.linalg.eigvalsh(glu.gram(glu.stack("reglu", 3), draw_rows("gaussian", 20, 4, 0).X))[::-1]
        np.testing.assert_allclose(found["networks"][2]["eigenvalues"], values, atol=1e-12 * values[0], rtol=0)

    def test_the_parametrisation_can_be_chosen(self) -> None:
        given = ("--stack", "silu x 2", "--parametrization", "standard", "--width", "32", "--json")
        found = json.loads(good("spectrum", *self.SIZE, *given))["setting"]
        assert (found["parametrization"], found["width"]) == ("standard", 32)
        # without a stack nothing has changed
        assert json.loads(good("spectrum", *self.SIZE, "--json"))["setting"]["parametrization"] == "standard"

    @pytest.mark.parametrize(
        ("line", "said"),
        [
            ("swiglu 3", "begin with a network and the number of its blocks"),
            ("swiglo x 3", "unknown network 'swiglo': did you mean 'swiglu'"),
            ("swiglu x 3, rms", "stack has the word 'rms': did you mean 'rmsnorm'"),
            ("swiglu x 0", "depth is 0"),
            ("relu x 99999999", "--stack has 99,999,999 blocks: give at most 10,000."),
        ],
    )
    def test_mistakes(self, line: str, said: str) -> None:
        assert said in bad("spectrum", "--stack", line)

    def test_a_width_of_none(self) -> None:
        assert "has no width: leave it out" in bad("spectrum", "--stack", "relu x 2", "--width", "9")
