"""A claim's measurement on one's own sizes: the numbers are those of the kernels, and what has no sizes is refused."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

import glutheory as glu
from checks import own
from checks.__main__ import main
from checks.catalog import choose, claims, modules
from glutheory.errors import DomainError, UnknownNameError
from glutheory.terminal import Terminal

X = np.random.default_rng(1).standard_normal((40, 7))


def run(*arguments: str) -> tuple[int, str]:
    found = CliRunner().invoke(main, list(arguments))
    return found.exit_code, found.output


def test_the_ends_are_those_of_the_kernels() -> None:
    """Of NNGP matrices, the wide limit of K/m and K̃/m; within rounding of the largest."""
    found = own.measure(X)
    assert (found.n, found.d, found.resolved) == (40, 7, True)
    for name, ends in (("relu", found.plain), ("reglu", found.gated)):
        values = np.linalg.eigvalsh(glu.gram(name, X, kind="nngp"))
        assert (ends.largest, ends.second, ends.smallest) == pytest.approx(
            (values[-1], values[-2], values[0]), rel=1e-9
        )


@pytest.mark.parametrize("name", ["condition", "lambda-max", "lambda-min"])
def test_stated_and_corrected_orders(name: str) -> None:
    """What is corrected has a constant, what is stated is an order of the same end of the same kernel."""
    module = modules()[name]
    assert set(module.STATED) <= set(module.CORRECTED)
    for key, order in module.STATED.items():
        corrected = module.CORRECTED[key]
        assert (order.kernel, order.end, order.constant) == (corrected.kernel, corrected.end, 1)
    assert name in own.sized()


def test_the_nearest_recorded_size() -> None:
    assert [(c.n, c.d) for c in (own.nearest(300, 40), own.nearest(130, 200), own.nearest(4000, 12))] == [
        (360, 56),
        (125, 120),
        (3000, 12),
    ]
    assert own.nearest(1000, 1).n == 1040  # no larger one is measured beside smaller data


def test_the_page() -> None:
    from glutheory.commands.data import draw_rows

    rows = draw_rows("gaussian", 100, 10, 3)
    text = own.page("condition", rows, Terminal(100))
    values = [np.linalg.eigvalsh(glu.gram(name, rows.X, kind="nngp")) for name in ("relu", "reglu")]
    gain = math.exp(np.log(values[0][-1] / values[0][0]) - np.log(values[1][-1] / values[1][0]))
    line = next(line for line in text.splitlines() if line.startswith("λ_1/λ_n, K over K̃"))
    assert line.split()[4:7] == ["100", "10", f"{gain:.4g}"]
    for words in ("100 standard normal rows of 10 features, seed 3", "n = 125, d = 12", "decides no verdict"):
        assert words in " ".join(text.split())


def test_on_the_command_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    np.save("rows.npy", X)
    code, text = run("--explain", "lambda-max", "--data", "rows.npy")
    assert (code, "rows.npy" in text, "λ_1/m, K" in text) == (0, True, True)
    for arguments, words in (
        (("--explain", "hadamard", "--n", "50"), "hadamard is none: use lambda-max, lambda-min, condition"),
        (("--only", "condition", "--n", "50"), "give --explain"),
        (("--explain", "condition", "--n", "50", "--full"), "only measure: leave out --full"),
        (("--explain", "condition", "--n", "5000"), "n is 5000"),
        (("--explain", "condition", "--n", "50", "--data", "rows.npy"), "leave out one of the two"),
        (("--list", "--n", "50"), "--list runs nothing: leave out --n"),
        (("--full",), "--full is about --explain"),
    ):
        code, text = run(*arguments)
        assert (code, words in text) == (2, True), (arguments, text)


def test_claims_by_their_source() -> None:
    assert choose(["Thm 3.1"]) == choose(["thm 3.1"]) == ("lambda-max", "lambda-min", "condition")
    assert choose(["Eq. 3", "hadamard"]) == ("ntk-plain", "hadamard")
    assert choose(["Prop. 4.1"]) == choose(["proposition 4.1"]) == ("expected-loss",)
    assert choose(["Theorem 3.1"]) == choose(["Thm 3.1"])
    assert choose(["Corollary 4.2"]) == ("crossing-early", "crossing-late")
    assert choose(["Figure 3"]) == ("architectures",)
    for wrong in ("Thm 3", "Theorem 3", "Thm 3.10", "3.1", "Eq"):
        with pytest.raises(UnknownNameError):
            choose([wrong] if wrong != "Eq" else ["Equation"])


def test_a_claim_that_a_run_does_not_have_is_told_from_one_that_is_none() -> None:
    known = {name: claim for name, claim in claims().items() if name != "depth"}
    with pytest.raises(UnknownNameError, match="the claim depth is not in this run: leave out --from"):
        choose(["depth"], known)
    with pytest.raises(UnknownNameError, match="unknown claim 'depthh'"):
        choose(["depthh"], known)


def test_who_has_no_sizes() -> None:
    with pytest.raises(DomainError, match="claims about sizes"):
        own.check(("condition", "spike"))
