"""`glutheory list`, and what a terminal is told to show."""

import json
import re

from click.testing import CliRunner

from glutheory import terminal
from glutheory.commands import main
from glutheory.networks import GATES, network_names
from tests.commands.command_line import good

# --- list


def test_list_names_everything() -> None:
    text = good("list")
    for name in network_names():
        assert re.search(rf"^{name} ", text, re.MULTILINE)
    record = json.loads(good("list", "--json"))
    assert [row["name"] for row in record["networks"]] == list(network_names())
    assert {row["name"] for row in record["networks"] if row["gated"]} == set(GATES)
    by_name = {row["name"]: row for row in record["networks"]}
    assert by_name["leaky_relu"]["parameters"] == {"slope": "1/100"}
    assert by_name["silu"]["method"] == "normal scale mixture"


def test_list_is_a_table_on_a_terminal(monkeypatch) -> None:
    monkeypatch.setattr("click.testing._NamedTextIOWrapper.isatty", lambda _self: True, raising=False)
    monkeypatch.setenv("COLUMNS", "100")
    text = CliRunner().invoke(main.main, ["list"], env={"NO_COLOR": "1"}).stdout
    assert "┃" in text
    assert "swiglu" in text
    assert max(map(len, text.splitlines())) <= 100


# --- the terminal


class Tty:
    encoding = "utf-8"

    def isatty(self) -> bool:
        return True


def test_colour_and_width_of_a_terminal(monkeypatch) -> None:
    monkeypatch.setenv("COLUMNS", "72")
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.delenv("NO_COLOR", raising=False)
    assert terminal.Terminal.of(Tty()) == terminal.Terminal(72, True, True)  # type: ignore[arg-type]
    monkeypatch.setenv("NO_COLOR", "1")
    assert not terminal.Terminal.of(Tty()).colour  # type: ignore[arg-type]
    monkeypatch.setattr(Tty, "encoding", "latin-1")
    assert not terminal.Terminal.of(Tty()).unicode  # type: ignore[arg-type]
    monkeypatch.setattr(Tty, "encoding", "no such encoding")
    assert not terminal.Terminal.of(Tty()).unicode  # type: ignore[arg-type]
