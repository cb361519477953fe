"""Every page of the documentation: its commands and code run, what it shows comes out, its links lead somewhere.

How a page is run is told in `documents`; one test for each page. A page with a test of its own, `test_page_NAME.py`, is
run there.
"""

from __future__ import annotations

import importlib
import inspect
import json
import re
import runpy
import shlex
import subprocess
import sys
import tomllib
import unicodedata
import warnings
from collections.abc import Iterator
from functools import lru_cache
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from glutheory.activations import activation, activation_names
from glutheory.commands.main import main
from tests.documents import (
    MARKS,
    ROOT,
    Block,
    blocks,
    environment,
    hunks,
    installs,
    pages,
    read,
    run,
    same,
    tokens,
    working_copy,
)

PAGES = {str(page.relative_to(ROOT)): page for page in pages()}
#: Pages that another test runs.
ELSEWHERE = tuple(
    name for name in PAGES if (ROOT / "tests" / f"test_page_{Path(name).stem.replace('-', '_')}.py").exists()
)
PROJECT: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


@pytest.mark.slow
@pytest.mark.parametrize("name", [name for name in PAGES if name not in ELSEWHERE])
def test_a_page_does_what_it_says(name: str, tmp_path: Path) -> None:
    if not any(block.kind in ("python", "bash") and not block.marked for block in blocks(PAGES[name])):
        return
    done = run(PAGES[name], working_copy(tmp_path))
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("name", PAGES)
def test_only_known_blocks(name: str) -> None:
    """A block of another kind would not be run."""
    kinds = {block.kind for block in blocks(PAGES[name])}
    assert kinds <= {"", "bash", "diff", "json", "python", "text"}, kinds


def _code(page: Path) -> list[str]:
    """What stands between backticks in the sentences of the page."""
    return [child.content for token in tokens(page) for child in token.children or [] if child.type == "code_inline"]


@pytest.mark.parametrize("name", PAGES)
def test_what_is_installed_exists(name: str) -> None:
    page = PAGES[name]
    spans = [child.content for token in tokens(page) for child in token.children or [] if child.type == "code_inline"]
    commands = [command for block in blocks(page) if block.kind == "bash" for command in block.commands]
    for text in filter(
        installs, (*spans, *commands, *(block.text for block in blocks(page) if block.kind == "python"))
    ):
        for package, extras in re.findall(r"'?([\w.]+)\[([\w,-]+)\]", text):
            assert package in (".", PROJECT["name"]), text
            assert set(extras.split(",")) <= set(PROJECT["optional-dependencies"]), text
        for file in re.findall(r"-[cr] (\S+)", text):
            assert (ROOT / file).exists(), text


def test_both_lines_are_there() -> None:
    marked = [block.commands for block in blocks(ROOT / "README.md") if block.marked]
    assert [len(commands) for commands in marked] == [1] * len(MARKS)
    assert all(installs(command) for (command,) in marked)
    assert "glutheory.derive swiglu" in marked[0][0]
    assert marked[1][0].endswith("-m pytest")


def _commands() -> set[str]:
    """Every command that is run by these tests or by the script of the continuous integration."""
    shown = {
        re.sub(r"\s+", " ", part)
        for page in PAGES.values()
        for block in blocks(page)
        if block.kind == "bash"
        for command in block.commands
        for part in command.split("&& ")
    }
    script = (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    return shown | set(re.findall(r"python -m .*", script))


@pytest.mark.long
@pytest.mark.parametrize("name", [*PAGES, "docs/tutorial.py"])
def test_a_command_in_the_text_is_one_that_runs(name: str) -> None:
    """`glutheory …` or `python …` in a sentence: some block has a command with these words, but for placeholders."""
    known = [re.sub(r"^\S*python3? ", "python ", command).split() for command in _commands()]
    if name in PAGES:
        spans = _code(PAGES[name])
    else:
        spans = re.findall(r"`([^`\n]+)`", (ROOT / name).read_text(encoding="utf-8"))
    for span in spans:
        if re.match(r"(glutheory|python) \S", span):
            words = [word for word in span.split() if not re.fullmatch(r"…|[A-Z]+", word)]
            found = any(command[:2] == words[:2] and set(words) <= set(command) for command in known)
            assert found or len(words) == 1 or words == ["glutheory", "--help"], span


class TestLinks:
    @pytest.mark.parametrize("name", PAGES)
    def test_relative_links_lead_somewhere(self, name: str) -> None:
        page = PAGES[name]
        for target in _targets(page):
            if re.match(r"[a-z]+:", target):
                continue
            path, _, anchor = target.partition("#")
            file = (page.parent / path).resolve() if path else page
            assert file.is_relative_to(ROOT), target
            assert file.exists(), target
            if anchor:
                assert anchor in _anchors(file), f"{target}: {_anchors(file)}"

    def test_every_page_is_in_the_index(self) -> None:
        index = ROOT / "docs" / "README.md"
        linked = {(index.parent / target.partition("#")[0]).resolve() for target in _targets(index)}
        assert set(PAGES.values()) - {index} <= linked

    @pytest.mark.parametrize("name", PAGES)
    def test_figures_have_words(self, name: str) -> None:
        for token in tokens(PAGES[name]):
            for child in token.children or []:
                if child.type == "image":
                    assert len(child.content) > 20, child.attrs


def _targets(page: Path) -> Iterator[str]:
    for token in tokens(page):
        for child in token.children or []:
            target = child.attrGet("href") or child.attrGet("src")
            if target:
                yield str(target)


@lru_cache(maxsize=64)
def _anchors(page: Path) -> tuple[str, ...]:
    """Of the headings, as GitHub makes them."""
    found = []
    for opening, heading in pairwise(tokens(page)):
        if opening.type == "heading_open":
            words = "".join(child.content for child in heading.children or [])
            kept = (c for c in words.lower() if c in " -_" or unicodedata.category(c)[0] in "LN")
            found.append("".join(kept).replace(" ", "-"))
    return tuple(found)


class TestReadme:
    def test_the_table_of_verdicts_is_that_of_the_results(self) -> None:
        script = runpy.run_path(str(ROOT / "docs" / "verdicts.py"))
        wanted = script["table"]()
        assert script["shown"]((ROOT / "README.md").read_text(encoding="utf-8")) == wanted, f"write it anew:\n{wanted}"
        assert wanted.count("\n") == 2 + len(script["outcomes"]())

    def test_the_verdicts_are_the_recorded_ones(self) -> None:
        from checks.runner import recorded

        script = runpy.run_path(str(ROOT / "docs" / "verdicts.py"))
        shown = {
            name: {key: str(row[key]) for key in ("verdict", "grade")} for name, row in script["outcomes"]().items()
        }
        assert shown == recorded(profile="full")

    def test_it_fits_on_a_screen(self) -> None:
        """But for the table, which has a row for every claim."""
        before, _, rest = (ROOT / "README.md").read_text(encoding="utf-8").partition("<!-- verdicts -->")
        assert len((before + rest.partition("<!-- /verdicts -->")[2]).splitlines()) <= 62


@lru_cache(maxsize=1)
def _public() -> tuple[str, ...]:
    names: tuple[str, ...] = runpy.run_path(str(ROOT / "docs" / "reference.py"))["PUBLIC"]
    return names


class TestReference:
    """The page "Documentation" makes the reference; here is what must be in it."""

    def test_every_public_name_has_a_docstring(self) -> None:
        missing = []
        for path in _public():
            with warnings.catch_warnings():
                # of other packages, as they are imported
                warnings.simplefilter("ignore")
                module = importlib.import_module(path)
            assert module.__doc__, path
            own = [name for name, value in vars(module).items() if getattr(value, "__module__", "") == path]
            for name in getattr(module, "__all__", own):
                value = getattr(module, name)
                documented = inspect.isclass(value) or inspect.isroutine(value)
                if documented and not name.startswith("_") and not (value.__doc__ or "").strip():
                    missing.append(f"{path}.{name}")
        assert not missing

    def test_what_the_pages_import_is_public(self) -> None:
        for name, page in PAGES.items():
            for block in blocks(page):
                if block.kind == "python" and "file" not in block.options:
                    for package, names in re.findall(r"^from (glutheory[\w.]*) import (.+)", block.text, re.MULTILINE):
                        modules = {f"{package}.{word.split(' as ')[0].strip()}" for word in names.split(",")}
                        assert package in _public() or modules <= set(_public()), f"{name}: {package}"


#: Small commands that make each record of `docs/json.md`.
RECORDS = {
    "glutheory.derivation": "derive relu --format json",
    "glutheory.stack": "derive --stack 'reglu x 2' --format json --digits 6",
    "glutheory.evaluation": "evaluate relu --a 1 --b 1 --c 1/2 --json",
    "glutheory.zoo": "list --json",
    "glutheory.kernel": "kernel relu --json",
    "glutheory.spectrum": "spectrum relu reglu --n 60 --d 12 --json",
    "glutheory.dynamics": "dynamics swiglu --n 40 --d 5 --width 16 --train 1 --steps 5 --json",
    "glutheory.phase": "phase --n 16 --d 2 --draws 1 --jobs 1 --json",
    "glutheory.report": "report --only hadamard --json",
}


@pytest.mark.long
@pytest.mark.parametrize("schema", RECORDS)
def test_every_field_of_a_record_is_documented(schema: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = (ROOT / "docs" / "json.md").read_text(encoding="utf-8")
    before, _, after = text.partition(f"schema `{schema}`, version ")
    assert after, f"no section with the schema `{schema}` and its version"
    section = before.partition("\n## ")[0] + after.partition("\n## ")[0]
    documented = set(re.findall(r"\w+", " ".join(re.findall(r"`([^`]*)`", section))))
    monkeypatch.chdir(tmp_path)
    done = CliRunner().invoke(main, shlex.split(RECORDS[schema]))
    assert done.exit_code == 0, done.output
    record = json.loads(done.stdout)
    assert record["schema"] == schema
    assert after.startswith(f"{record['schema_version']}\n")
    assert _fields(record) - documented <= FREE


#: Keys that are data: names of SymPy's symbols, of parameters, of groups of weights, verdicts, files.
FREE = {"A", "D", "m", "g", "d", "hidden", "readout", "theta", "slope", "beta", "full.json"}
FREE |= {"holds", "holds, corrected", "fails; a weaker statement holds"}
FREE |= {key for name in activation_names() for key, _ in activation(name).parameters}


def _fields(value: Any) -> set[str]:
    if isinstance(value, dict):
        return set(value).union(*map(_fields, value.values()))
    return set().union(*map(_fields, value)) if isinstance(value, list) else set()


@pytest.mark.slow
def test_the_tutorial(tmp_path: Path) -> None:
    """Every statement of it is asserted by itself."""
    script = ROOT / "docs" / "tutorial.py"
    command = [sys.executable, str(script), str(tmp_path)]
    done = subprocess.run(command, cwd=tmp_path, env=environment(ROOT), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert {path.name for path in tmp_path.iterdir()} == {"similarity.svg", "spectra.svg", "losses.svg"}
    text = script.read_text(encoding="utf-8")
    assert len(re.findall(r"^ *assert ", text, re.MULTILINE)) >= len(re.findall(r"^ *print\(", text, re.MULTILINE))


class TestReading:
    """The reader itself: a page that is wrong must not pass."""

    @pytest.mark.parametrize(
        ("shown", "printed"),
        [
            ("a  b\n\nc", "a b\nc\n"),
            ("one two", "one\ntwo"),
            ("x = 0.501", "x = 0.502"),
            ("x = 2.31e-16", "x = 2.32e-16"),
            ("n = 1000 rows", "n = 1003 rows"),
            ("−1.50", "-1.51"),
            ("a … z", "a b c z"),
            ("a …", "a"),
            ("… z", "y z z"),
            ("----------", "────"),
        ],
    )
    def test_same(self, shown: str, printed: str) -> None:
        assert same(shown, printed)

    @pytest.mark.parametrize(
        ("shown", "printed"),
        [
            ("a b", "a c"),
            ("a b", "a"),
            ("a", "a b"),
            ("x = 0.50", "x = 0.53"),
            ("x = 0.5", "x = -0.5"),
            ("24 claims", "25 claims"),
            ("n = 1000 rows", "n = 1100 rows"),
            ("1.0e-16", "1.0e-15"),
            ("0.1234567891", "0.1234567892"),
            ("a … z", "a b c"),
            ("", "a"),
            ("holds", "fails"),
        ],
    )
    def test_not_same(self, shown: str, printed: str) -> None:
        assert not same(shown, printed)

    def test_commands_of_a_block(self) -> None:
        block = Block("bash", {}, "a --b   # what it does\n\n# nothing\nc \\\n  'd#e'\n", 1)
        assert block.commands == ["a --b", "c    'd#e'"]

    @pytest.mark.parametrize(
        "content",
        [
            "```bash\nfalse\n```",
            "```bash exit=1\ntrue\n```",
            "```bash\necho a\n```\n\n```text\nb\n```",
            "```bash\nexit 3\ntrue\n```",
            "```python\nassert 1 == 2\n```",
            "```python\nprint(1)\n```\n\n```text\n2\n```",
            "```text\noutput of nothing\n```",
            "```json\n{,}\n```",
            "```diff\n--- a/x.txt\n+++ b/x.txt\n@@\n-gone\n+come\n```",
            "```python file=no/such/folder.py\n```",
        ],
    )
    def test_a_wrong_page_is_found(self, content: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.chdir(tmp_path)
        (tmp_path / "x.txt").write_text("here\n")
        (tmp_path / "page.md").write_text(content)
        with pytest.raises((AssertionError, ValueError)):
            read(tmp_path / "page.md")

    def test_a_right_page_passes(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.chdir(tmp_path)
        (tmp_path / "x.txt").write_text("a\nb\nc\n")
        content = (
            "```diff\n--- a/x.txt\n+++ b/x.txt\n@@\n a\n-b\n+B\n```\n\n"
            "```bash\ncat x.txt\n```\n\n```text\na B …\n```\n\n"
            "```bash exit=4\nexit 4\n```\n\n```python\nx = 1\n```\n\n```python\nprint(x)\n```\n\n```text\n1\n```\n\n"
            "```bash\npip install no-such-package\n```\n\n```python file=y.py\nz = 2\n```\n"
        )
        (tmp_path / "page.md").write_text(content)
        read(tmp_path / "page.md")
        assert (tmp_path / "y.py").read_text() == "z = 2\n"
        assert next(hunks("--- a/f\n+++ b/f\n@@ -1 +1 @@\n x\n-y\n"))[1:] == ("x\ny\n", "x\n")

    def test_names_of_a_page_stay_and_errors_have_lines(self, tmp_path: Path) -> None:
        page = tmp_path / "page.md"
        page.write_text("# Title\n\n```python\nx = 1\n```\n\n```python\n\nraise KeyError(x)\n```\n")
        done = run(page, tmp_path)
        assert done.returncode == 1
        assert 'File "page.md", line 9' in done.stderr
