"""Figures inside a page: complete, in the page's colours, with labels and data that are right."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from itertools import combinations
from typing import Any

import numpy as np
import pytest

from glutheory.errors import DomainError
from glutheory.figures import draw
from glutheory.figures.chart import Chart, Role, Series
from glutheory.figures.strokes import COLOURS
from glutheory.report.assets import asset
from glutheory.report.figures import inline, script_json
from glutheory.report.plain import plain
from glutheory.report.svg import NAMES
from tests.report.contrast import contrast
from tests.report.inline import CHARTS, INF, LINEAR, LOG, MAP, NAN, SYMLOG, T, alone


def data(fragment: str) -> list[dict[str, Any]]:
    return [json.loads(script.text or "") for script in ET.fromstring(fragment).iter("script")]


def references(root: ET.Element) -> Iterator[str]:
    for element in root.iter():
        for name, value in element.attrib.items():
            if name == "href" and value.startswith("#"):
                yield value[1:]
            for part in value.split("url(#")[1:]:
                yield part.partition(")")[0]


def declared(sheet: str) -> dict[str, tuple[str, str]]:
    """The custom properties of a style sheet's first block, light and dark."""
    found = {}
    for line in sheet.partition("{")[2].partition("}")[0].split(";"):
        name, _, value = line.strip().partition(":")
        if name.startswith("--"):
            light, _, dark = value.strip().removeprefix("light-dark(").removesuffix(")").partition(",")
            found[name] = (light.strip(), dark.strip() or light.strip())
    return found


class TestPlain:
    @pytest.mark.parametrize(
        ("text", "expected"),
        [
            ("no mathematics, 5 $", "no mathematics, 5 $"),
            (r"$\lambda_{\min}(\tilde K)/\lambda_1$ & <b>", "λ_min(K̃)/λ₁ & <b>"),
            (r"$\frac{r^2}{\pi(1+2r)}$", "r²/(π(1 + 2r))"),
            (r"$\tfrac{1}{d}XX^\top$, $\tfrac{1}{10}\kappa$", "1/d XXᵀ, 1/10 κ"),
            (r"$\frac{1}{\sqrt{m}}$, $\sqrt{K_{ii}K_{jj}}$", "1/√m, √(K_iiK_jj)"),
            (r"$m^{-1/2} = \hat K_{11}^2$", "m^(−1/2) = K̂₁₁²"),
            (r"$\mathrm{cond}(K) - 1$", "cond(K) − 1"),
            (r"$(-1)^k\,\|x\|^2 \to \infty$", "(−1)^k ‖x‖² → ∞"),
            (r"$L_{gated}$, $\ln(n^*)$", "L_gated, ln(n*)"),
            (r"$\cos\alpha\ K\odot C$", "cos α K ⊙ C"),
        ],
    )
    def test_labels(self, text: str, expected: str) -> None:
        assert plain(text) == expected

    def test_bad_mathematics(self) -> None:
        with pytest.raises(DomainError, match="cannot be read"):
            plain(r"$\frac{$")


class TestFragment:
    """The markup."""

    def test_is_complete_and_stands_alone(self, fragment: str) -> None:
        root = ET.fromstring(fragment)
        ids = [element.attrib["id"] for element in root.iter() if "id" in element.attrib]
        assert len(ids) == len(set(ids))
        assert set(references(root)) <= set(ids)
        assert {element.tag for element in root.iter()} <= {
            *(
                "div",
                "figure",
                "figcaption",
                "p",
                "script",
                "math",
                "mi",
                "mn",
                "mo",
                "mrow",
                "msub",
                "mover",
                "mspace",
            ),
            *("svg", "title", "desc", "defs", "g", "path", "use", "clipPath", "rect", "image", "pattern"),
        }
        assert "://" not in fragment

    def test_ticks_have_the_style_of_their_definition(self, fragment: str) -> None:
        """It is written there alone: a page has thousands of them."""
        root = ET.fromstring(fragment)
        styles = {part.attrib["id"]: part.get("style") for part in root.iter() if "id" in part.attrib}
        ticks = [part for part in root.iter("use") if styles.get(part.attrib["href"][1:])]
        assert len(ticks) >= 4
        assert all(part.get("style") != styles[part.attrib["href"][1:]] for part in ticks)

    def test_repeats(self) -> None:
        assert alone("symlog") == inline(SYMLOG, name="x")

    def test_has_words_for_all(self, fragment: str) -> None:
        root = ET.fromstring(fragment)
        for chart, svg in zip((LOG, MAP), root.iterfind("figure/div/svg"), strict=True):
            title, text = svg.find("title"), svg.find("desc")
            assert title is not None
            assert text is not None
            assert svg.attrib["role"] == "img"
            assert svg.attrib["aria-labelledby"] == title.attrib["id"]
            assert svg.attrib["aria-describedby"] == text.attrib["id"]
            assert title.text == plain(chart.title)
            assert chart.note in (text.text or "")
            assert plain(chart.y) in (text.text or "")
            assert ("1 point, which is 0 or negative" in (text.text or "")) is (chart is LOG)

    def test_names_of_colours_are_declared(self, fragment: str) -> None:
        """No colour of ours is left as it is, and each name has a value in the style sheet."""
        sheet = declared(asset("figures.css"))
        assert {f"--chart-{name}" for name in NAMES.values()} == set(sheet)
        used = {part.partition(")")[0] for part in fragment.split("var(")[1:]}
        assert {"--chart-plain", "--chart-ink", "--chart-paper", "--chart-grid", "--chart-hatch"} <= used <= set(sheet)
        drawn = "".join(fragment.split("<script")[0::2]).lower()
        assert not any(f"{colour};" in drawn or f'{colour}"' in drawn for colour in NAMES)

    def test_glyphs_once_per_page(self) -> None:
        defined: set[str] = set()
        first = inline(SYMLOG, name="a", defined=defined)
        again = inline(SYMLOG, name="b", defined=defined)
        assert all(f'id="{glyph}"' in first for glyph in defined)
        assert "glyphs" not in again
        assert set(references(ET.fromstring(again))) & defined
        assert len(again) < 0.8 * len(first)

    @pytest.mark.parametrize("name", ["", "a b", "a<b", 'a"'])
    def test_bad_names(self, name: str) -> None:
        with pytest.raises(DomainError, match="name is"):
            inline(LOG, name=name)

    def test_no_charts(self) -> None:
        with pytest.raises(DomainError, match="charts is empty"):
            inline((), name="none")


class TestTicks:
    """On the narrow figures of a page."""

    @pytest.mark.parametrize(
        ("low", "high", "labels"),
        [
            (128, 4096, ["200", "500", "1000", "2000"]),
            (2.2, 4.4, ["2.5", "3", "3.5", "4", "4.5"]),
            (1, 1000, ["10^{0}", "10^{1}", "10^{2}", "10^{3}"]),
        ],
        ids=["one-and-a-half", "part", "three"],
    )
    def test_labels_of_a_log_axis(self, low: float, high: float, labels: list[str]) -> None:
        """The same text that all figures have, and no two labels overlap."""
        chart = Chart("t", "x", "y", (Series("a", [low, high], [1, 2]),), xscale="log")
        figure = draw.draw(chart, width=4.7)
        axis, renderer = figure.axes[0].xaxis, figure.canvas.get_renderer()
        ends = axis.get_view_interval()
        ticks = [tick for tick in (*axis.get_major_ticks(), *axis.get_minor_ticks()) if tick.label1.get_text()]
        ticks = [tick for tick in ticks if ends[0] <= tick.get_loc() <= ends[1]]
        texts = [tick.label1.get_text().replace("\\mathdefault{10", "10").replace("}}$", "}$") for tick in ticks]
        assert [text.strip("$") for text in texts] == labels
        boxes = [tick.label1.get_window_extent(renderer) for tick in ticks]
        assert not any(one.overlaps(other) for one, other in combinations(boxes, 2))


class TestColours:
    """In the light and in the dark."""

    @pytest.mark.parametrize(("name", "least"), [("plain", 3), ("gated", 3), ("other", 3), ("ink", 7), ("note", 4.5)])
    @pytest.mark.parametrize("scheme", [0, 1], ids=["light", "dark"])
    def test_contrast(self, name: str, least: float, scheme: int) -> None:
        """WCAG 2.2: 3 for graphics, 4.5 for text."""
        sheet = declared(asset("figures.css"))
        assert contrast(sheet[f"--chart-{name}"][scheme], sheet["--chart-paper"][scheme]) >= least

    @pytest.mark.parametrize("role", [Role.PLAIN, Role.GATED])
    def test_the_pair_has_the_same_two_colours_everywhere(self, role: Role) -> None:
        assert declared(asset("figures.css"))[f"--chart-{role}"] == (COLOURS[role][0].lower(),) * 2

    def test_reference(self) -> None:
        """The measure itself: black on white is 21, and grey 118 on white 4.54, as the standard's authors say."""
        assert contrast("#000000", "#ffffff") == pytest.approx(21)
        assert contrast("#767676", "#ffffff") == pytest.approx(4.54, abs=0.005)


class TestData:
    """What the script gets."""

    @pytest.mark.parametrize("name", CHARTS)
    def test_places_are_those_of_the_markers(self, name: str) -> None:
        """The drawing is the second route: it has a marker at every point of the first series."""
        first = data(alone(name))[0]["series"][0]
        drawn = next(
            [(float(use.attrib["x"]), float(use.attrib["y"])) for use in group.iter("use")]
            for group in ET.fromstring(alone(name)).iter("g")
            if "clip-path" in group.attrib and group.find(".//use") is not None
        )
        # both are rounded, to 0.1 and to 0.01
        np.testing.assert_allclose(first["at"], drawn, atol=0.056)
        assert len(drawn) == len(CHARTS[name].series[0].y) - (name == "log")

    def test_values(self) -> None:
        """Five digits of the spread, not of the size; gaps and points off the scale are left out."""
        (linear,) = data(alone("linear"))
        gated, theory = linear["series"]
        np.testing.assert_allclose(gated["y"], LINEAR.series[0].y, atol=0.5e-4 * 0.04 * 10)
        assert gated["low"] == [-INF] * 9
        assert theory["x"] == [x for x in T if x != T[1]]
        assert (gated["label"], gated["colour"], theory["colour"]) == ("K̃ </script>", "gated", "ink")
        (log,) = data(alone("log"))
        assert log["series"][0]["y"] == [1e-9, 1e-4, 123.46]
        assert log["series"][1]["colour"] == "plain"

    def test_map(self) -> None:
        """Cells end halfway between the centres on the logarithmic axis, so here all are equally wide."""
        (found,) = data(alone("map"))
        grid, (left, top, right, bottom) = found["map"], found["box"]
        assert grid["values"] == [[None, -1, 2, 0.12346], [0, INF, 1, 3]]
        np.testing.assert_allclose(grid["across"], np.linspace(left, right, 5), atol=0.11)
        np.testing.assert_allclose(grid["down"], [bottom, (top + bottom) / 2, top], atol=0.11)

    def test_json_is_safe_in_html(self) -> None:
        text = script_json({"a": ["</script><!-- & \u2028", 1.0, NAN, INF, -INF]})
        assert not set(text) & set("<>&\u2028")
        assert json.loads(text) == {"a": ["</script><!-- & \u2028", 1, None, INF, -INF]}
