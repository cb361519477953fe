"""The report in headless Chromium: nothing is loaded, nothing is wrong, and people can use it on any screen."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from glutheory.report.page import render
from glutheory.report.read import committed, read

pytest_plugins = ("tests.report.browser",)

Opened = Any  #: `tests.report.browser.Opened`; a plugin must not be imported before it is loaded

#: A proof with a long formula, one corrected, one with numbers in nested tables.
SMALL = ("lambda-min", "hadamard", "products")

#: What a program can see of the accessibility of a page: complaints, each a sentence.
AUDIT = """() => {
  const found = [];
  const name = (element) => {
    const label = element.getAttribute("aria-label");
    if (label) return label.trim();
    const ids = element.getAttribute("aria-labelledby");
    if (ids) return ids.split(/\\s+/).map((id) => document.getElementById(id)?.textContent ?? "").join(" ").trim();
    return (element.textContent ?? "").trim();
  };
  const where = (element) => `${element.tagName.toLowerCase()}#${element.id} in #${element.closest("[id]")?.id}`;
  const complain = (element, what) => found.push(`${where(element)}: ${what}`);
  const ids = [...document.querySelectorAll("[id]")].map((element) => element.id);
  for (const id of ids) if (ids.indexOf(id) !== ids.lastIndexOf(id)) found.push(`the id ${id} is there twice`);
  for (const attribute of ["aria-labelledby", "aria-describedby", "aria-controls", "for"])
    for (const element of document.querySelectorAll(`[${attribute}]`))
      for (const id of element.getAttribute(attribute).split(/\\s+/))
        if (!document.getElementById(id)) complain(element, `${attribute} names ${id}, which is not there`);
  for (const element of document.querySelectorAll("img:not([alt]), [role=img]"))
    if (element.tagName === "IMG" || !name(element)) complain(element, "a picture without a name");
  for (const table of document.querySelectorAll("table")) {
    if (!table.caption) complain(table, "a table without a caption");
    if (!table.querySelector("th")) complain(table, "a table without headers");
    for (const th of table.querySelectorAll("th")) if (!th.scope) complain(th, "a header without a scope");
  }
  const named = "a[href], button, summary, [role=region], nav, section[aria-labelledby]";
  for (const element of document.querySelectorAll(named))
    if (!name(element)) complain(element, "has no name");
  for (const element of document.querySelectorAll("input, select"))
    if (!element.labels?.length && !element.getAttribute("aria-label")) complain(element, "a control without a label");
  for (const link of document.querySelectorAll("a[href^='#']"))
    if (!document.getElementById(link.hash.slice(1))) complain(link, `leads to ${link.hash}, which is not there`);
  let level = 0;
  for (const heading of document.querySelectorAll("h1, h2, h3, h4, h5, h6")) {
    const here = Number(heading.tagName[1]);
    if (here > level + 1) complain(heading, `comes after a heading of level ${level}`);
    level = here;
  }
  for (const element of document.querySelectorAll("svg:not([role]):not([aria-hidden=true])"))
    complain(element, "a drawing that is neither named nor hidden");
  if (document.querySelectorAll("h1").length !== 1) found.push("not one h1");
  if (document.querySelectorAll("main").length !== 1) found.push("not one main");
  if (!document.documentElement.lang) found.push("no language");
  if (!document.title) found.push("no title");
  return found;
}"""
#: What sticks out of the window on the right, though it is in no box that scrolls.
WIDE = """() => [...document.querySelectorAll("body *")].filter((element) => {
    const box = element.getBoundingClientRect();
    if (box.right <= innerWidth + 1 || box.width === 0) return false;
    for (let around = element.parentElement; around; around = around.parentElement)
      if (getComputedStyle(around).overflowX !== "visible") return false;
    return true;
  }).map((element) => element.outerHTML.slice(0, 120))"""


@pytest.fixture(scope="module")
def small() -> str:
    """A report on three claims, with the figures of one."""
    runs = read(committed(), only=SMALL)
    bare = {
        name: outcome if name == "hadamard" else replace(outcome, charts=outcome.charts[:1])
        for name, outcome in runs[0].outcomes.items()
    }
    return render([replace(runs[0], outcomes=bare)])


def narrow(page: Any) -> None:
    assert page.evaluate("document.documentElement.scrollWidth") <= page.evaluate("innerWidth")
    assert page.evaluate(WIDE) == []


@pytest.mark.long
def test_it_can_be_used_by_all(small: str, opened: Opened) -> None:
    """The fixture fails on any message, error or request."""
    page = opened(small)
    assert page.evaluate(AUDIT) == []
    for name in SMALL:
        assert page.locator(f"section#claim-{name} h3").is_visible()
    page.evaluate("document.querySelectorAll('details').forEach((item) => { item.open = true; })")
    assert page.evaluate(AUDIT) == []
    assert page.locator("math").count() > 20
    # every formula has a height and a width: it is set, not skipped
    sizes = page.evaluate("[...document.querySelectorAll('math')].map((m) => m.getBoundingClientRect().height)")
    assert min(sizes) > 3


@pytest.mark.long
@pytest.mark.parametrize("width", [320, 360, 768, 1280])
def test_nothing_sticks_out(width: int, small: str, opened: Opened) -> None:
    page = opened(small, width=width, touch=width < 768)
    narrow(page)
    page.evaluate("document.querySelectorAll('details').forEach((item) => { item.open = true; })")
    narrow(page)


def test_captions_are_whole_on_a_telephone(small: str, opened: Opened) -> None:
    """Also where the table beneath is wider than the screen and scrolls."""
    page = opened(small, width=360, touch=True)
    page.evaluate("document.querySelectorAll('details').forEach((item) => { item.open = true; })")
    shown = """[...document.querySelectorAll("main caption:not(.unseen)")].filter((one) => one.textContent.trim())
        .map((one) => [one.getBoundingClientRect().right, one.parentElement.getBoundingClientRect().right])"""
    ends = page.evaluate(shown)
    assert any(table > 360 for _, table in ends)
    assert all(caption <= 360 for caption, _ in ends)


def ground(page: Any) -> str:
    return str(page.evaluate("getComputedStyle(document.body).backgroundColor"))


@pytest.mark.long
def test_light_and_dark(small: str, opened: Opened) -> None:
    page, dark = opened(small), opened(small, dark=True)
    light_ground, dark_ground = ground(page), ground(dark)
    assert light_ground == "rgb(255, 255, 255)"
    assert dark_ground != light_ground
    button = page.locator("button.theme")
    seen = []
    for _ in range(3):
        button.click()
        seen.append((button.text_content(), ground(page)))
    assert seen == [
        ("Colours: light", light_ground),
        ("Colours: dark", dark_ground),
        ("Colours: auto", light_ground),
    ]
    button.click()
    dark.locator("button.theme").click()
    assert ground(dark) == light_ground
    # the choice is kept for the next visit
    page.reload()
    assert button.text_content() == "Colours: light"


def test_by_keyboard(small: str, opened: Opened) -> None:
    page = opened(small)
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    box = page.locator("a.skip").bounding_box()
    assert box["y"] >= 0
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "main"
    page.keyboard.press("Tab")
    style = page.evaluate("(() => { const s = getComputedStyle(document.activeElement); return s.outlineStyle; })()")
    assert style != "none"


@pytest.mark.long
def test_sliders_and_values_to_be_read_off(small: str, opened: Opened) -> None:
    """Under the page's policy as well, which forbids scripts what it does not name."""
    page = opened(small)
    marks = """[...document.querySelectorAll(".explorer svg .mark")].map(
        (mark) => JSON.stringify(mark.getBoundingClientRect()))"""
    before = page.evaluate(marks)
    assert before
    for name in ("rho", "variance"):
        slider = page.locator(f".explorer input[name={name}]")
        slider.focus()
        page.keyboard.press("ArrowLeft")
        # drawn with the next frame, whenever that is
        page.wait_for_function(f"(before) => JSON.stringify({marks}) != JSON.stringify(before)", arg=before)
        before = page.evaluate(marks)
    page.locator("#claim-hadamard details.whole > summary").click()
    plot = page.locator("#claim-hadamard .plot").first
    plot.scroll_into_view_if_needed()
    box = plot.bounding_box()
    page.mouse.move(box["x"] + 0.5 * box["width"], box["y"] + 0.5 * box["height"])
    tip = plot.locator(".tip")
    tip.wait_for(state="visible")
    assert "d/m" in tip.inner_text()


@pytest.mark.long
def test_the_contents_on_a_telephone(small: str, opened: Opened) -> None:
    page = opened(small, width=390, touch=True)
    page.emulate_media(reduced_motion="reduce")
    contents = page.locator("nav details")
    assert contents.get_attribute("open") is None
    page.locator("a.to-contents").click()
    assert contents.get_attribute("open") is not None
    page.locator("nav a[href='#claim-hadamard']").click()
    assert contents.get_attribute("open") is None
    # below the bar that stays at the top, and with reduced motion at once
    bar, top = (page.locator(name).bounding_box() for name in (".bar", "#claim-hadamard h3"))
    assert bar["y"] + bar["height"] <= top["y"] < 250


@pytest.mark.slow
def test_claims_are_folded_and_links_open_them(small: str, opened: Opened) -> None:
    """A page that one can read: what is folded takes a few lines, and every way to a claim opens it."""
    page = opened(small)
    claims = page.locator("details.whole")
    assert [claims.nth(k).get_attribute("open") for k in range(len(SMALL))] == [None] * len(SMALL)
    assert page.evaluate("document.getElementById('claims').getBoundingClientRect().height") < 150 * len(SMALL)
    for way in ("ul.which a", "table.verdicts a", "nav a"):
        for name in SMALL:
            body = page.locator(f"#claim-{name} details.whole")
            page.locator(f"{way}[href='#claim-{name}']").click()
            # no function to wait for: the page's policy forbids what would evaluate it
            is_open = page.locator(f"#claim-{name} details.whole[open]")
            is_open.wait_for()
            # once more: the address stays as it is
            body.evaluate("(body) => { body.open = false; }")
            page.locator(f"{way}[href='#claim-{name}']").click()
            is_open.wait_for()
            body.evaluate("(body) => { body.open = false; }")
    # a place within a claim, by its address
    page.evaluate("location.hash = '#claim-hadamard-controls'")
    page.locator("#claim-hadamard table.controls").wait_for()


def test_where_one_is_in_the_contents(small: str, opened: Opened) -> None:
    page = opened(small)
    page.evaluate("document.querySelector('#claim-products details').open = true")
    page.evaluate("document.querySelector('#claim-products-evidence').scrollIntoView({behavior: 'instant'})")
    current = page.locator("nav a[aria-current]")
    current.wait_for()
    assert current.get_attribute("href") == "#claim-products"


@pytest.mark.long
def test_without_a_script(small: str, opened: Opened) -> None:
    page = opened(small, script=False)
    assert page.locator("button.theme").is_hidden()
    claim = page.locator("#claim-hadamard details.whole")
    assert not claim.locator("svg.chart").first.is_visible()
    claim.locator("summary").first.click()
    assert claim.locator("svg.chart").first.is_visible()
    claim.locator("details.more summary", has_text="Evidence").click()
    numbers = page.locator("#claim-hadamard details.data").first
    assert not numbers.locator("table").first.is_visible()
    numbers.locator("summary").first.click()
    assert numbers.locator("table").first.is_visible()


@pytest.mark.long
def test_in_print_everything_is_open_and_light(small: str, opened: Opened, tmp_path: Path) -> None:
    page = opened(small, dark=True)
    file = tmp_path / "report.pdf"
    page.pdf(path=str(file), format="A4")
    assert file.read_bytes().startswith(b"%PDF")
    # the state on the screen is as before
    assert page.locator("main details.data[open]").count() == 0
    page.emulate_media(media="print", color_scheme="dark")
    assert ground(page) == "rgb(255, 255, 255)"
    assert page.locator(".bar").is_hidden()
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    assert page.locator("main details:not([open])").count() == 0
    page.evaluate("dispatchEvent(new Event('afterprint'))")
    assert page.locator("main details.data[open]").count() == 0


def test_a_script_that_got_in_would_not_run(small: str, browser: Any, tmp_path: Path) -> None:
    """The policy is a second wall behind the escaping."""
    file = tmp_path / "page.html"
    file.write_text(small.replace("</main>", "<script>document.title = 'taken';</script></main>"), encoding="utf-8")
    with browser.new_context() as context:
        page = context.new_page()
        refused: list[str] = []
        page.on("console", lambda message: refused.append(message.text))
        page.goto(file.as_uri())
        assert "taken" not in page.title()
        assert any("Content Security Policy" in text for text in refused)


@pytest.fixture(scope="module")
def whole() -> str:
    return render(read(committed()))


@pytest.mark.slow
class TestAll:
    """The report on every claim."""

    def test_it_is_small(self, whole: str) -> None:
        assert len(whole.encode()) < 5e6

    @pytest.mark.parametrize("dark", [False, True])
    @pytest.mark.parametrize("width", [360, 1280])
    def test_it_is_right(self, width: int, dark: bool, whole: str, opened: Opened) -> None:
        page = opened(whole, width=width, dark=dark)
        for run in read(committed()):
            for name in run.outcomes:
                assert page.locator(f"section#claim-{name}").count() == 1
        assert page.evaluate(AUDIT) == []
        narrow(page)
        page.evaluate("document.querySelectorAll('details').forEach((item) => { item.open = true; })")
        narrow(page)
        assert page.evaluate(AUDIT) == []

    def test_it_prints(self, whole: str, opened: Opened, tmp_path: Path) -> None:
        page = opened(whole)
        page.pdf(path=str(tmp_path / "report.pdf"), format="A4")
        assert (tmp_path / "report.pdf").stat().st_size > 1e5
