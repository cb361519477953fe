"""`glutheory depth` as it is typed."""

from __future__ import annotations

import json

import pytest
from click.testing import CliRunner

from glutheory.commands.depth import chosen_depths, depth_command
from glutheory.errors import DomainError


def typed(*words: str):
    return CliRunner().invoke(depth_command, [*words, "--n", "20", "--d", "6"])


def test_the_default_compares_relu_and_reglu() -> None:
    done = typed("--layers", "1,4")
    assert done.exit_code == 0, done.output
    assert "relu → reglu: cond/cond goes from" in done.output


def test_json_and_a_figure(tmp_path) -> None:
    done = typed("swiglu", "--layers", "1:3", "--json", "--out", str(tmp_path / "depth.svg"), "--no-residual")
    assert done.exit_code == 0, done.output
    record = json.loads(done.output)
    assert [depth["blocks"] for depth in record["networks"][0]["depths"]] == [1, 2, 3]
    assert record["residual"] is False
    assert (tmp_path / "depth.svg").stat().st_size > 1000


@pytest.mark.parametrize(
    ("given", "wanted"),
    [
        ("1:4", [1, 2, 3, 4]),
        ("1:64", [1, 2, 3, 4, 6, 8, 11, 16, 23, 32, 45, 64]),
        ("2:20:6", [2, 8, 14, 20]),
        ("5, 1,5", [1, 5]),
        ("7:7", [7]),
    ],
)
def test_ranges(given: str, wanted: list[int]) -> None:
    assert chosen_depths(given) == wanted


@pytest.mark.parametrize("given", ["", "x", "1:", "4:1", "0:3", "1:9:0", "1.5", "-1", "1:2:3:4", "9" * 80])
def test_other_text_is_answered_in_a_sentence(given: str) -> None:
    with pytest.raises(DomainError, match="--layers is"):
        chosen_depths(given)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--layers", "0"), "layers is [0]: give numbers of blocks"),
        (("rglu",), "did you mean 'reglu'"),
        (("--norm", "batch"), "'batch' is not one of"),
        (("step", "--layers", "2"), "an activation jumps"),
    ],
)
def test_mistakes_are_one_sentence(words: tuple[str, ...], said: str) -> None:
    done = typed(*words)
    assert done.exit_code == 2
    assert said in done.output
    assert "Traceback" not in done.output
