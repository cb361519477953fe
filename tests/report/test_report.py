"""The report as a file: what is in it, what it lets in, where it comes from, and the command that writes it."""

from __future__ import annotations

import base64
import hashlib
import json
import re
import shlex
import sys
from collections import Counter
from dataclasses import replace
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from checks import __main__ as checks_command
from checks import runner
from checks.settings import Settings
from glutheory.claims import About, Assumption, Claim, Control, Evidence, Finding, Grade, Outcome, Verdict
from glutheory.claims.stored import Stored, load
from glutheory.errors import DomainError, MissingDependencyError
from glutheory.figures.chart import Chart, Map, Role, Series
from glutheory.report import drawings, provenance, read
from glutheory.report.assets import asset
from glutheory.report.elements import _convert
from glutheory.report.numbers import Cell, Table, count, tables
from glutheory.report.page import SCRIPTS, STYLES, render
from glutheory.report.words import summary
from tests.commands.command_line import bad, good
from tests.documents import ROOT

CHART = Chart(
    "What is to be seen at $n/d$",
    "$n$",
    "y",
    (Series("a", (1, 2), (3, 4), Role.GATED, (2, 3), (4, 5)),),
    Map("v", (1, 2), (1,), ((1, -1),)),
    note="A note.",
)
FIGURES: Any = {"error": 1.5e-7, "rows": list(range(30)), "relu": {"a": 1, "b": -2.5}, "gelu": {"a": 3, "b": None}}
GOOD = Outcome(
    Claim("good-one", "Eq. 1", r"\tilde K = \frac{K}{d}", "In words, n >= d^2.", ("sizes",), meaning="Much."),
    (Assumption("sizes", "n > d", True, "n = 5"),),
    (Evidence(Grade.PROOF, "computed", Finding.SUPPORTS, figures=FIGURES),),
    (Control("the sign", True, "by 3 of 4"),),
    Verdict.HOLDS,
    "0.25 at n = 4",
    (CHART,),
    1234.5,
    7,
    {"glutheory": "0.1", "python": "3.11"},
)
BAD = Outcome(
    Claim("bad-one", "this project", "x < y", "It fails.", (), corrected="x > y"),
    (),
    (
        Evidence(Grade.STATISTICAL, "sampled", Finding.REFUTES, part="first", figures={"false_alarm": 1e-8}),
        Evidence(Grade.NUMERICAL, "on the other", Finding.UNDECIDED, About.CORRECTED),
    ),
    (Control("the sign", True, "so"),),
    Verdict.FAILS,
    "none",
)
RUN = Stored(
    {"bad-one": BAD, "good-one": GOOD},
    "full",
    "cpu",
    name="run.json",
    machine={"processor": "Some CPU", "cores": "2", "platform": "Linux x86_64"},
    created="2026-11-22T23:56:43+00:00",
)
VOID = {"meta", "link", "br", "hr", "img", "input", "wbr"}


class Elements(HTMLParser):
    """Every element as (tag, attributes, the tags around it), and the text within each tag."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None], tuple[str, ...]]] = []
        self.text: list[tuple[str, str]] = []
        self.around: list[str] = []
        self.feed(text)
        self.close()
        assert self.around == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs), tuple(self.around)))
        if tag not in VOID:
            self.around.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs), tuple(self.around)))

    def handle_endtag(self, tag: str) -> None:
        assert self.around.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text.append((self.around[-1] if self.around else "", data))

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes, _ in self.found if name == tag]

    def words(self) -> str:
        return " ".join("".join(data for tag, data in self.text if tag not in ("script", "style")).split())


@pytest.fixture(scope="module")
def page() -> str:
    return render([RUN])


@pytest.fixture(scope="module")
def elements(page: str) -> Elements:
    """The page, every element of which is closed where it should be."""
    return Elements(page)


class TestPage:
    """A report on two claims."""

    def test_everything_about_the_claims_is_told(self, elements: Elements) -> None:
        words = elements.words()
        for text in (
            "Of 2 claims, one holds as stated and one fails.",
            "The paper’s claims: one holds as stated",
            "Beyond the paper: one fails",
            "✓ holds",
            "✗ fails",
            "In words, n ≥ d2.",
            "0.25 at n = 4",
            "The corrected statement",
            "Much.",
            "n > d",
            "n = 5",
            "supports the claim as stated",
            "refutes the claim as stated part: first",
            "undecided on the corrected statement",
            "Numbers (35)",
            "1.5e-07",
            "0, 1, 2, …, 29 (30 values)",
            ", ".join(map(str, range(30))),
            "−2.5",
            "the sign",
            "by 3 of 4",
            "2026-11-22 23:56:43 UTC",
            "Some CPU, 2 cores, Linux x86_64",
            "1,234.50 s",
            "python -m checks --only good-one --profile full --seed 7 --device cpu",
            r"\tilde K = \frac{K}{d}",
            "None were evaluated.",
        ):
            assert text in words, text

    def test_the_table_leads_to_each_claim(self, elements: Elements) -> None:
        ids = [attributes["id"] for _, attributes, _ in elements.found if "id" in attributes]
        assert len(ids) == len(set(ids))
        links = [str(attributes["href"]) for attributes in elements.all("a")]
        assert {"#claim-good-one", "#claim-bad-one"} <= set(links)
        for link in links:
            assert link == "https://arxiv.org/abs/2605.20749" or link[1:] in ids
        # the paper's claims come first, whatever their order in the file
        sections = [name for name in ids if name in ("claim-good-one", "claim-bad-one")]
        assert sections == ["claim-good-one", "claim-bad-one"]

    def test_headings_are_in_order(self, elements: Elements) -> None:
        levels = [int(tag[1]) for tag, _, _ in elements.found if re.fullmatch("h[1-6]", tag)]
        assert levels.count(1) == 1
        assert levels[0] == 1
        assert all(after <= before + 1 for before, after in pairwise(levels))

    def test_tables_have_captions_and_headers_with_a_scope(self, page: str, elements: Elements) -> None:
        tables = re.findall("<table.*?</table>", page, re.DOTALL)
        assert len(tables) > 8
        for table in tables:
            assert "<caption" in table
        ours = [attributes for tag, attributes, around in elements.found if tag == "th"]
        assert all(attributes.get("scope") for attributes in ours)

    def test_figures_and_scrolling_boxes_have_names(self, elements: Elements) -> None:
        drawings = [attributes for attributes in elements.all("svg") if attributes.get("role") == "img"]
        assert drawings
        assert all(attributes.get("aria-labelledby") or attributes.get("aria-label") for attributes in drawings)
        boxes = [attributes for _, attributes, _ in elements.found if attributes.get("role") == "region"]
        assert boxes
        assert all(attributes["tabindex"] == "0" for attributes in boxes)
        assert all(attributes.get("aria-label") or attributes.get("aria-labelledby") for attributes in boxes)
        (html,) = elements.all("html")
        assert html["lang"] == "en"

    def test_it_loads_nothing(self, elements: Elements) -> None:
        for tag, attributes, _ in elements.found:
            assert tag not in ("link", "img", "iframe", "object", "embed", "base", "form") or "controls" in str(
                attributes.get("class")
            )
            for name in ("src", "srcset", "data", "action", "poster", "background"):
                assert not str(attributes.get(name, "data:")).startswith(("http", "//", "/"))
        assert not re.search(r"url\((?!#|[\"']?#)|@import", "".join(asset(name) for name in STYLES))
        for name in SCRIPTS:
            assert not re.search(
                r"fetch\(|XMLHttpRequest|import\(|WebSocket|eval\(|innerHTML|document\.write", asset(name)
            )

    def test_the_policy_names_exactly_what_is_there(self, page: str, elements: Elements) -> None:
        """By the definition of the hash: SHA-256 of what stands between the tags."""

        def hashes(tag: str) -> set[str]:
            texts = re.findall(rf"<{tag}>(.*?)</{tag}>", page, re.DOTALL)
            return {
                "'sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() + "'" for text in texts
            }

        (policy,) = [meta["content"] for meta in elements.all("meta") if meta.get("http-equiv")]
        rules = {words[0]: set(words[1:]) for words in (rule.split() for rule in str(policy).split(";"))}
        assert rules["default-src"] == {"'none'"}
        assert rules["script-src"] == hashes("script")
        assert len(rules["script-src"]) == 3
        assert rules["style-src-elem"] == hashes("style")
        assert rules["img-src"] == {"data:"}
        assert rules["base-uri"] == rules["form-action"] == {"'none'"}
        # what is data, not code, is marked as such
        assert {script.get("type") for script in elements.all("script")} == {None, "application/json"}
        handlers = [name for _, attributes, _ in elements.found for name in attributes if name.startswith("on")]
        assert handlers == []

    def test_one_claim_twice_or_none_is_refused(self) -> None:
        with pytest.raises(DomainError, match="twice bad-one"):
            render([RUN, RUN])
        with pytest.raises(DomainError, match="no claim"):
            render([replace(RUN, outcomes={})])

    def test_a_verdict_that_does_not_follow_is_shown(self) -> None:
        wrong = replace(BAD, verdict=Verdict.HOLDS)
        words = Elements(render([replace(RUN, outcomes={"bad-one": wrong})])).words()
        assert "Caution: by the rule, this evidence gives another verdict: fails." in words
        assert "The claim holds as stated." in words


NASTY = "<script>alert(1)</script></style></title><img src=x onerror=alert(1)> \"'><b> {{ 7*7 }} <!-- $x<y$"


def test_hostile_text_stays_text(elements: Elements) -> None:
    """In every place where a file of results has text."""
    figures: Any = {NASTY: NASTY, "list": [NASTY] * 10, "nested": {NASTY: {NASTY: [{NASTY: NASTY}]}}}
    chart = Chart(NASTY, NASTY, NASTY, (Series(NASTY, (1, 2), (3, 4)),), note=NASTY)
    nasty = Outcome(
        Claim("nasty", NASTY, "x", NASTY, (NASTY,), meaning=NASTY),
        (Assumption(NASTY, NASTY, True, NASTY),),
        (Evidence(Grade.PROOF, NASTY, Finding.SUPPORTS, part=NASTY, figures=figures),),
        (Control(NASTY, True, NASTY),),
        Verdict.HOLDS,
        NASTY,
        (chart,),
        versions={NASTY: NASTY},
    )
    page = render([Stored({"nasty": nasty}, NASTY, NASTY, NASTY, {NASTY: NASTY}, NASTY, {"images": NASTY})])
    made = Elements(page)
    assert {tag for tag, _, _ in made.found} <= {tag for tag, _, _ in elements.found}
    assert len([script for script in made.all("script") if not script.get("type")]) == len(SCRIPTS)
    assert not any(name.startswith("on") for _, attributes, _ in made.found for name in attributes)
    assert page.count("<script>alert") == 0
    assert made.words().count("{{ 7*7 }} <!--") > 20


def luminance(colour: str) -> float:
    """As the web content accessibility guidelines define it."""
    parts = [int(colour[index : index + 2], 16) / 255 for index in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


TEXTS = {
    "page": ("ink", "muted", "link", "plain", "gated", "holds", "corrected", "fails", "inconclusive"),
    "raised": ("ink", "muted", "link"),
    "holds-ground": ("holds",),
    "corrected-ground": ("corrected",),
    "fails-ground": ("fails",),
    "inconclusive-ground": ("inconclusive",),
}


@pytest.mark.parametrize("scheme", [0, 1], ids=["light", "dark"])
def test_all_text_can_be_read(scheme: int) -> None:
    css = asset("page.css")
    found = re.findall(r"--([a-z-]+): light-dark\((#[0-9a-f]{6}), (#[0-9a-f]{6})\);", css)
    colours = {name: pair[scheme] for name, *pair in found}
    for ground, texts in TEXTS.items():
        for name in texts:
            assert contrast(colours[name], colours[ground]) >= 4.5, (name, ground)
    # every colour of text in the style sheet is one of these
    assert set(re.findall(r"[^-]color: var\(--([a-z-]+)\)", css)) <= {
        name for names in TEXTS.values() for name in names
    }
    assert not re.search(r"[^-]color: #", css)
    assert contrast("#000000", "#ffffff") == pytest.approx(21)


LEAVES: Any = st.integers(1, 10**6)
NESTED: Any = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner, max_size=12) | st.dictionaries(st.sampled_from("abcdef"), inner),
    max_leaves=40,
)


class TestNumbers:
    """The numbers behind the evidence as tables."""

    @given(st.dictionaries(st.sampled_from("uvwxyz"), NESTED, max_size=6))
    def test_every_number_is_in_exactly_one_table(self, figures: Any) -> None:
        def leaves(value: Any) -> list[int]:
            if isinstance(value, dict | list):
                return [
                    leaf for item in (value.values() if isinstance(value, dict) else value) for leaf in leaves(item)
                ]
            return [value]

        found = [
            int(number)
            for table in tables(figures)
            for _, cells in table.rows
            for item in cells
            for number in re.findall(r"\d+", item.rest or item.text)
        ]
        assert Counter(found) == Counter(leaves(figures))
        assert count(figures) == len(leaves(figures))
        for table in tables(figures):
            assert {len(cells) for _, cells in table.rows} == {len(table.head) or 1}

    def test_what_is_alike_stands_side_by_side(self) -> None:
        found = tables({"one_x": {"a": 1, "t": {"p": 0.5}}, "number": -1.5, "two": {"a": 2, "t": {"p": True}}})
        assert found == (
            Table("", (), (("number", (Cell("−1.5", number=True),)),)),
            Table(
                "",
                ("a", "t: p"),
                (
                    ("one x", (Cell("1", number=True), Cell("0.5", number=True))),
                    ("two", (Cell("2", number=True), Cell("yes"))),
                ),
            ),
        )

    def test_few_records_with_many_names_are_turned(self) -> None:
        wide = {"first": dict.fromkeys("abcdefghij", 1), "second": dict.fromkeys("abcdefghij", 2)}
        (table,) = tables(wide)
        assert table.head == ("first", "second")
        assert [name for name, _ in table.rows] == list("abcdefghij")

    def test_lists(self) -> None:
        found = tables(
            {"long": [1 / 3] * 9, "pairs": [[1, 2], [3, 4]], "none": [], "matrix": [[1, 2, 3, 4], [5, 6, 7, 8]]}
        )
        (long, pairs, none), matrix = found[0].rows, found[1]
        assert long[1][0] == Cell("0.333333, 0.333333, 0.333333, …, 0.333333 (9 values)", ", ".join(["0.333333"] * 9))
        assert pairs[1][0] == Cell("(1, 2), (3, 4)")
        assert none[1][0] == Cell("none")
        assert (matrix.caption, matrix.head) == ("matrix", ("1", "2", "3", "4"))


class TestProvenance:
    """What is told about where a figure comes from."""

    def test_what_a_file_lacks_is_said(self) -> None:
        rows = dict(provenance.rows(BAD, Stored({"bad-one": BAD}, "quick", "cpu")))
        missing = ("results file", "machine", "date", "software")
        assert {rows[name] for name in missing} == {"not recorded"}
        assert rows["chance of a false alarm"] == "at most 1e-08"

    def test_chance(self) -> None:
        assert provenance.chance(GOOD) == "none: nothing rests on chance"
        assert "at the levels" in provenance.chance(
            replace(GOOD, evidence=(Evidence(Grade.STATISTICAL, "", Finding.SUPPORTS),))
        )

    def test_the_command_is_one(self) -> None:
        run = replace(RUN, own_data={"images": "my images.npz"})
        words = shlex.split(provenance.command(GOOD, run))
        assert words[:3] == ["python", "-m", "checks"]
        context = checks_command.main.make_context("checks", words[3:])
        assert context.params["only"] == "good-one"
        assert (context.params["seed"], context.params["profile"]) == (7, "full")
        assert context.params["images"] == "my images.npz"


@pytest.fixture
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Path, Path]:
    """Two stored runs that share the claim good-one."""
    monkeypatch.chdir(tmp_path)
    for name, outcomes in (("first.json", [GOOD]), ("second.json", [BAD, replace(GOOD, key_figure="the newer one")])):
        runner.write_json(tmp_path / name, runner.document(outcomes, Settings()))
    return Path("first.json"), Path("second.json")


class TestRead:
    """Which runs are shown."""

    def test_a_claim_in_two_files(self, files: tuple[Path, Path]) -> None:
        with pytest.raises(DomainError, match=r"good-one is in first\.json and in second\.json: .*--replace"):
            read.read(files)
        first, second = read.read(files, replacing=True)
        assert list(first.outcomes) == []
        assert second.outcomes["good-one"].key_figure == "the newer one"
        runner.write_json(files[0], runner.document([], Settings()))
        with pytest.raises(DomainError, match="there is no claim"):
            read.read(files[:1])

    def test_only_some(self, files: tuple[Path, Path]) -> None:
        (run,) = read.read(files[1:], only=["bad-one"])
        assert list(run.outcomes) == ["bad-one"]
        with pytest.raises(DomainError, match=r"names 'bad-two', which is in none .*: use bad-one, good-one"):
            read.read(files[1:], only=["bad-two"])

    def test_the_committed_runs(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """In the package where it is installed, else beside it."""
        assert [path.name for path in read.committed()] == list(read.FILES)
        package = tmp_path / "lib" / "glutheory"
        package.mkdir(parents=True)
        monkeypatch.setattr("importlib.resources.files", lambda _: package)
        with pytest.raises(DomainError, match="--from"):
            read.committed()
        for folder in (package.parent / "results", package / "results"):
            folder.mkdir()
            for name in read.FILES:
                (folder / name).touch()
            assert read.committed() == tuple(folder / name for name in read.FILES)


def test_committed_figures_are_what_the_command_draws(tmp_path: Path) -> None:
    """One command draws them all; those that are committed are the same to the byte."""
    kept = sorted((ROOT / "docs" / "figures").glob("*.svg"))
    ids = {item.claim.id for run in read.read(read.committed()) for item in run.outcomes.values()}
    drawn = [path.stem for path in kept if path.stem in ids]
    assert len(drawn) >= 3
    good("report", "--figures", str(tmp_path), "--only", ",".join(drawn))
    for name in drawn:
        assert (tmp_path / f"{name}.svg").read_bytes() == (ROOT / "docs" / "figures" / f"{name}.svg").read_bytes(), name


class TestCommand:
    """`glutheory report`."""

    def test_a_page(self, files: tuple[Path, Path]) -> None:
        text = good("report", "--from", str(files[1]))
        assert re.fullmatch(r"Of 2 claims, .*\.\nWritten to report\.html \(0\.\d MB\)\.\n", text)
        written = Path("report.html").read_text(encoding="utf-8")
        assert written == render([load(files[1])])
        assert written.startswith("<!DOCTYPE html>")

    def test_what_was_written_as_json(self, files: tuple[Path, Path]) -> None:
        command = ("report", "--from", str(files[0]), "--from", str(files[1]), "--replace", "--json", "--out", "a.html")
        told = json.loads(good(*command, "--figures", "drawn", "--format", "png"))
        assert (told["schema"], told["schema_version"]) == ("glutheory.report", 1)
        assert told["bytes"] == Path("a.html").stat().st_size
        assert told["figures"] == [str(Path("drawn", "good-one.png"))]
        assert Path("drawn", "good-one.png").read_bytes().startswith(b"\x89PNG")
        assert told["verdicts"] == {"holds": 1, "fails": 1}
        assert [(row["id"], row["file"], row["figure"]) for row in told["claims"]] == [
            ("bad-one", "second.json", None),
            ("good-one", "second.json", str(Path("drawn", "good-one.png"))),
        ]

    def test_figures_alone(self, files: tuple[Path, Path]) -> None:
        assert good("report", "--from", str(files[0]), "--figures", "drawn").endswith("1 figure in drawn.\n")
        assert not Path("report.html").exists()
        assert good("report", "--from", str(files[0]), "--figures", "drawn") != ""

    @pytest.mark.parametrize(
        ("arguments", "words"),
        [
            (("--out", "."), "HTML"),
            (("--out", "folder.html"), "which is a folder"),
            (("--out", "nowhere/a.html"), "no such folder"),
            (("--out", "a.pdf"), "let it end in .html"),
            (("--from", "missing.json"), "cannot read missing.json"),
            (("--from", "first.json", "--from", "second.json"), "leave one out"),
            (("--from", "first.json", "--only", "worse"), "--only names 'worse'"),
            (("--from", "first.json", "--figures", "first.json"), "--figures is 'first.json'"),
            (("--from", "first.json", "--figures", "no/where"), "--figures is 'no/where'"),
            (("--from", "first.json", "--figures", "taken"), "'good-one.svg' cannot be written"),
            (("--format", "gif"), "gif"),
            (("--out", "a" * 300 + ".html"), "--out is"),
        ],
    )
    @pytest.mark.usefixtures("files")
    def test_mistakes(self, arguments: tuple[str, ...], words: str) -> None:
        Path("folder.html").mkdir()
        Path("taken", "good-one.svg", "inside").mkdir(parents=True)
        assert words in bad("report", *arguments)

    def test_what_was_there_stays_if_it_cannot_be_done(self, files: tuple[Path, Path]) -> None:
        Path("report.html").write_text("before")
        content = json.loads(files[0].read_text(encoding="utf-8"))
        content["outcomes"][0]["claim"]["statement"] = r"\frac{"
        files[0].write_text(json.dumps(content))
        assert "cannot be read" in bad("report", "--from", str(files[0]))
        assert Path("report.html").read_text() == "before"
        assert sorted(path.name for path in Path().iterdir()) == ["first.json", "report.html", "second.json"]

    @pytest.mark.parametrize("missing", ["jinja2", "latex2mathml.converter", "matplotlib"])
    def test_without_the_extra(self, missing: str, files: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch) -> None:
        _convert.cache_clear()
        monkeypatch.setitem(sys.modules, missing, None)
        assert "glutheory[report]" in bad("report", "--from", str(files[0]))
        with pytest.raises(MissingDependencyError):
            render([load(files[0])])


def test_summaries() -> None:
    counts = {Verdict.HOLDS: 1, Verdict.CORRECTED: 13, Verdict.FAILS: 2, Verdict.INCONCLUSIVE: 2}
    outcomes = [replace(GOOD, verdict=verdict) for verdict, number in counts.items() for _ in range(number)]
    assert summary(outcomes) == (
        "Of 18 claims, 1 holds as stated, 13 hold in a corrected form, 2 fail and 2 are inconclusive."
    )
    assert summary(outcomes[-1:]) == "The claim is inconclusive."
    assert summary(outcomes[1:3]) == "Of 2 claims, two hold in a corrected form."


def test_drawings_of_claims_without_charts(tmp_path: Path) -> None:
    assert drawings.draw([BAD], tmp_path) == {}
