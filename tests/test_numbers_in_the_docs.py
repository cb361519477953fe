"""Numbers that pages repeat: of the stored runs, of a command's output that the docs test runs, and of figures."""

from __future__ import annotations

import math
import re
from collections import Counter
from xml.etree import ElementTree as ET

import pytest

from checks.catalog import claims
from glutheory.claims import Verdict
from glutheory.claims.stored import load
from glutheory.dynamics import step_bound, worst_steps
from glutheory.report.read import committed
from glutheory.report.words import VERDICTS
from tests.documents import ROOT

SVG = "{http://www.w3.org/2000/svg}"
README, DEPTH, FINDINGS = (
    (ROOT / name).read_text(encoding="utf-8") for name in ("README.md", "docs/depth.md", "docs/findings.md")
)
NUMBER = r"(\d+(?:\.\d+)?)"


def test_a_line_for_each_claim_with_its_verdict() -> None:
    """In the order of every list, the paper's first, and counted in the first sentence."""
    lines = re.findall(r"^\| `([\w-]+)` \| (\S) \| \S.*\|$", FINDINGS, re.MULTILINE)
    stored = {name: found.verdict for path in committed() for name, found in load(path).outcomes.items()}
    assert [name for name, _ in lines] == list(claims())
    assert dict(lines) == {name: VERDICTS[verdict][0] for name, verdict in stored.items()}
    paper = [name for name, claim in claims().items() if claim.source != "this project"]
    assert paper == [name for name, _ in lines[: len(paper)]]
    counts = Counter(stored[name] for name in paper)
    sentence = (
        f"Of the paper's {len(paper)} claims {counts[Verdict.HOLDS]} hold as stated, {counts[Verdict.CORRECTED]} in "
        f"a corrected form, {counts[Verdict.WEAKER]} fail while a weaker statement holds, and "
        f"{counts[Verdict.INCONCLUSIVE]} are open."
    )
    assert not counts[Verdict.FAILS]
    assert sentence in " ".join(FINDINGS.split())


def test_what_the_end_and_the_worst_target_need() -> None:
    """Each sentence was false once: without a regular K, and with as many steps as the bound."""
    text = " ".join(FINDINGS.split())
    assert "the second as well if 0 < λ_min(K) < λ_min(K̃), which an activation that is no polynomial" in text
    for condition, error, words in (
        (1000.0, 1e-4, "{} of {} at 1000 and ε = 10⁻⁴"),
        (2.0, 1e-3, "{} of {} at cond 2 and ε = 10⁻³"),
        (1.1, math.exp(-1), "{} of {} at 1.1 and ε = 1/e"),
    ):
        assert words.format(worst_steps(condition, error), step_bound(condition, error)) in text


def gains(pair: str = "silu → swiglu") -> list[tuple[str, float]]:
    """(blocks, gain) at the first depth, the largest gain and the last depth: output of `glutheory depth`."""
    found = re.search(
        rf"{pair}: cond/cond goes from {NUMBER} at 1 block to {NUMBER} at (\d+), and is largest, {NUMBER}, at (\d+)\.",
        DEPTH,
    )
    assert found is not None
    first, last, deepest, most, where = found.groups()
    return [("1", float(first)), (where, float(most)), (deepest, float(last))]


def test_the_gains_of_depth_in_the_text_are_those_of_the_command() -> None:
    numbers = [f"{gain:.0f}" for _, gain in gains()]
    (_, at_one), (where, most), (deepest, last) = [(d, f"{g:.0f}") for d, g in gains()]
    text = " ".join(README.split())
    assert f"RMSNorm, residuals: {at_one} at one block, {most} at {where}, {last} at {deepest})" in text
    assert f"from {numbers[0]} to {numbers[1]} and {numbers[2]} for SiLU and SwiGLU" in " ".join(DEPTH.split())


def test_the_other_numbers_of_gaussian_rows_are_those_of_commands() -> None:
    """The page's test runs the commands and compares what they print with what the page shows."""
    text = " ".join(DEPTH.split())
    first, most, last = (f"{gain:.0f}" for _, gain in gains("relu → reglu"))
    assert f"goes from {first} at one block to {most} at sixteen and {last} at 64 for ReLU and ReGLU" in text
    shown = re.search(rf"layers 4 --no-residual\n.*?\n4 +{NUMBER} +{NUMBER} +(\S+)\n", DEPTH, re.DOTALL)
    assert shown is not None
    assert float(shown[3]) < 0.001
    assert f"two of these rows is below 0.001, and the condition number {shown[1]}." in text
    assert "the gated stacks of ReLU, GELU and SiLU are worse conditioned than the plain ones from three" in text
    assert "blocks on with residuals, from two on without." in text
    for blocks in (3, 2):
        found = re.findall(rf"cond/cond goes from {NUMBER} at {blocks - 1} blocks? to {NUMBER} at {blocks}\.", DEPTH)
        assert len(found) == 3
        assert all(float(before) > 1 > float(after) for before, after in found)


def test_the_gains_on_digits_are_those_that_the_page_asserts() -> None:
    """The page itself is run by the test of documents."""
    asserted = re.search(r'"swiglu": \[([\d., ]+)\]', DEPTH)
    assert asserted is not None
    first, middle, last = (f"{float(x):g}" for x in asserted[1].split(","))
    for text in (README, DEPTH):
        assert f"from {first} to {middle} and {last}" in " ".join(text.split())


def position(ticks: list[tuple[float, float]], at: float) -> float:
    """On a logarithmic axis, by two of its ticks (value, place)."""
    (low, start), (high, end) = ticks[0], ticks[-1]
    return start + (end - start) * math.log(at / low) / math.log(high / low)


def ticks(axes: ET.Element, number: int) -> list[tuple[float, float]]:
    """(value, place) of the labelled ticks of the axis; the words stand in comments beside their outlines."""
    found = []
    for tick in axes.findall(f"{SVG}g[@id='matplotlib.axis_{number}']/{SVG}g"):
        words = [(node.text or "").strip() for node in tick.iter() if not isinstance(node.tag, str)]
        use = next(tick.iter(f"{SVG}use"), None)
        power = re.search(r"10\^\{(-?\d+)\}", words[0]) if words else None
        if use is not None and words and (power or re.fullmatch(r"\d+", words[0])):
            value = 10.0 ** int(power[1]) if power else float(words[0])
            found.append((value, float(use.get("x" if number % 2 else "y", "nan"))))
    return found


def test_the_figure_of_depth_shows_these_gains() -> None:
    """The curve of its third panel, read off by the ticks; places are written to 1e-6 points."""
    parser = ET.XMLParser(target=ET.TreeBuilder(insert_comments=True))
    root = ET.parse(ROOT / "docs" / "figures" / "depth-gain.svg", parser).getroot()
    axes = next(node for node in root.iter(f"{SVG}g") if node.get("id") == "axes_3")
    across, up = ticks(axes, 5), ticks(axes, 6)
    curves = [re.findall(rf"[ML] {NUMBER} {NUMBER}", path.get("d", "")) for path in axes.iter(f"{SVG}path")]
    points = {(round(float(x), 2), float(y)) for curve in curves for x, y in curve}
    for blocks, gain in gains():
        here = [y for x, y in points if x == pytest.approx(position(across, float(blocks)), abs=0.02)]
        # the gain is printed with four digits: 1e-3 of it, on two decades some hundred points high
        assert any(y == pytest.approx(position(up, gain), abs=0.05) for y in here), (blocks, gain, here)
