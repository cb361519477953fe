"""The report's page: everything about the claims is told, hostile text stays text, all text can be read."""

from __future__ import annotations

import base64
import hashlib
import re
from dataclasses import replace
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from glutheory.claims import Assumption, Claim, Control, Evidence, Fate, Finding, Grade, Outcome, Part, Verdict
from glutheory.claims.stored import Stored
from glutheory.errors import DomainError
from glutheory.figures.chart import Chart, Series
from glutheory.report import drawings
from glutheory.report.assets import asset
from glutheory.report.page import SCRIPTS, STYLES, render
from glutheory.report.words import summary
from tests.report.contrast import contrast
from tests.report.outcomes import BAD, GOOD, RUN

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

    @pytest.mark.long
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

    def test_it_begins_with_what_is_claimed_and_what_became_of_it(self, page: str, elements: Elements) -> None:
        words = elements.words()
        start = words.index("Is GLU better conditioned? The paper claims that gated feed-forward layers")
        assert (
            words.index(summary([GOOD, BAD]), start) < words.index("good-one", start) < words.index("Key figure", start)
        )
        # each claim by its name, in the line of its verdict
        first = page[page.index('<section id="top"') : page.index('<section id="verdicts"')]
        for outcome in (GOOD, BAD):
            line = next(line for line in first.split("<li>") if f'href="#claim-{outcome.claim.id}"' in line)
            assert str(outcome.verdict) in line

    def test_several_claims_are_folded_and_a_single_one_is_open(self, elements: Elements) -> None:
        assert [one.get("open", "") for one in elements.all("details") if one.get("class") == "whole"] == ["", ""]
        alone = Elements(render([replace(RUN, outcomes={"good-one": GOOD})]))
        assert [one.get("open", "") for one in alone.all("details") if one.get("class") == "whole"] == [None]

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
        assert len(rules["script-src"]) == 5
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


def test_summaries() -> None:
    counts = {Verdict.HOLDS: 1, Verdict.CORRECTED: 13, Verdict.WEAKER: 2, Verdict.FAILS: 2, Verdict.INCONCLUSIVE: 2}
    outcomes = [replace(GOOD, verdict=verdict) for verdict, number in counts.items() for _ in range(number)]
    assert summary(outcomes) == (
        "Of 20 claims, 1 holds as stated, 13 hold in a corrected form, 2 fail while a weaker statement holds, 2 fail "
        "and 2 are inconclusive."
    )
    assert summary(outcomes[-1:]) == "The claim is inconclusive."
    assert summary(outcomes[1:3]) == "Of 2 claims, two hold in a corrected form."


def test_the_parts_of_a_claim_are_told() -> None:
    parts = (
        Part("the rate", "it falls", Fate.SHARPENED, "like 1/m"),
        Part("all n", "for every n", Fate.REVERSED, "for n < d^2 <only>"),
        Part("files", "on files", Fate.OPEN, "with them"),
    )
    found = replace(BAD, claim=replace(BAD.claim, parts=parts), verdict=Verdict.WEAKER)
    page = render([replace(RUN, outcomes={"bad-one": found})])
    text = " ".join(Elements(page).words().split())
    assert "fails; a weaker statement holds Not kept: all n (reversed), files (not judged)" in text
    assert "therateitfalls✓sharpenedlike1/mallnforeveryn✗reversed" in text.replace(" ", "")
    assert "filesonfiles?notjudgedwiththem" in text.replace(" ", "")
    open_ = replace(found, verdict=Verdict.INCONCLUSIVE)
    words = " ".join(Elements(render([replace(RUN, outcomes={"bad-one": open_})])).words().split())
    assert "inconclusive Open: files (not judged)" in words
    assert "&lt;only&gt;" in page


def test_drawings_of_claims_without_charts(tmp_path: Path) -> None:
    assert drawings.draw([BAD], tmp_path) == {}
