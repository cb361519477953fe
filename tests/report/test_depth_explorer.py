"""The explorer of depth: its numbers are those of the kernels, and the slider moves through them."""

from __future__ import annotations

import base64
import json
import math
import xml.etree.ElementTree as ET
from functools import cache
from typing import Any

import numpy as np
import pytest

import glutheory as glu
from glutheory.report.assets import asset
from glutheory.report.depth_data import KINDS, PAIRS, RHO, record, rows
from glutheory.report.depth_explorer import depth_explorer

pytest_plugins = ("tests.report.browser",)  # the fixture `opened`


@cache
def section() -> str:
    return depth_explorer(set())


def data() -> Any:
    script = ET.fromstring(section()).find("script[@class='numbers']")
    assert script is not None
    return json.loads(script.text or "")


def html() -> str:
    styles = asset("figures.css") + asset("explorer.css")
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">'
        f"<title>t</title><style>{styles} body {{ margin: 1rem; font: 16px sans-serif }}</style></head>"
        f"<body>{section()}<script>{asset('curves.js')}</script><script>{asset('depth.js')}</script></body></html>"
    )


@pytest.mark.long
@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_the_numbers_are_those_of_the_stacks(kind: Any) -> None:
    """Of matrices computed one by one from the stack's definition; eigenvalues within rounding of the largest."""
    X, pair = rows(), PAIRS[2]
    for name, found in zip(("silu", "swiglu"), record(pair, kind), strict=True):
        for place in (0, len(kind.depths) - 1):
            deep = glu.stack(name, kind.depths[place], norm=kind.norm, residual=kind.residual)
            values = np.linalg.eigvalsh(glu.gram(deep, X))
            off = 1e-12 * values[-1]
            for key, value in (("largest", values[-1]), ("second", values[-2]), ("smallest", values[0])):
                assert found[key][place] == pytest.approx(value, abs=off)
            if not math.isnan(found["condition"][place]):
                ratio = values[-1] / values[0]
                assert found["condition"][place] == pytest.approx(ratio, abs=2 * off * ratio / values[0])
            maps = np.frombuffer(base64.b64decode(found["maps"]), dtype="<f8").reshape(-1, 2, len(RHO))
            two = math.sqrt(2) * np.array([[1.0, 0.0], [0.5, math.sqrt(0.75)]])
            nngp, ntk = glu.gram(deep, two, kind="both")
            seen = maps[place, :, RHO.index(0.5)]
            assert seen == pytest.approx([nngp[0, 1] / nngp[0, 0], ntk[0, 1] / ntk[0, 0]], abs=1e-13)


def test_layernorm_is_the_same_here() -> None:
    """What the page does not offer a choice of."""
    X = rows()[:10]
    for name in ("silu", "swiglu"):
        rms, layer = (glu.gram(glu.stack(name, 3, norm=norm), X) for norm in ("rms", "layer"))
        assert layer == pytest.approx(rms, rel=1e-12)


@pytest.mark.long
def test_size_and_form() -> None:
    root = ET.fromstring(section())
    assert len(section()) < 600_000
    assert [pair["gated"] for pair in data()["pairs"]] == ["ReGLU", "GEGLU", "SwiGLU"]
    fields = {field.attrib["id"] for tag in ("input", "select") for field in root.iter(tag)}
    assert {label.attrib["for"] for label in root.iter("label")} == fields


class TestInBrowser:
    """With scripts and without."""

    @pytest.mark.long
    def test_the_slider_moves_through_the_depths(self, opened: Any) -> None:
        shown = opened(html())
        assert not shown.locator(".static").is_visible()
        slider = shown.get_by_label("blocks", exact=True)
        slider.focus()
        seen = [slider.get_attribute("aria-valuetext")]
        for _ in KINDS[0].depths[1:]:
            shown.keyboard.press("ArrowRight")
            seen.append(slider.get_attribute("aria-valuetext"))
        assert seen == [str(depth) for depth in KINDS[0].depths]
        plain, gated = record(PAIRS[2], KINDS[0])
        words = shown.locator(".state caption").inner_text()
        assert "SiLU and SwiGLU, 64 blocks" in words
        assert f"cond/cond = {plain['condition'][-1] / gated['condition'][-1]:.5g}" in words
        assert "ρ = 0 attracts" in words
        names = [svg.get_attribute("aria-label") for svg in shown.locator(".curves svg").all()]
        assert len(names) == 4
        assert names[0].startswith("condition number λ₁/λₙ, at 64 blocks. SiLU: ")
        assert f"SwiGLU: {gated['condition'][-1]:.5g}." in names[0]

    def test_another_stack_has_its_own_depths(self, opened: Any) -> None:
        shown = opened(html())
        shown.get_by_label("blocks", exact=True).fill("11")
        shown.get_by_label("stack", exact=True).select_option(index=2)
        assert shown.get_by_label("blocks", exact=True).get_attribute("aria-valuetext") == "4"
        assert "variances change" in shown.locator(".state caption").inner_text()
        shown.get_by_label("pair", exact=True).select_option(index=0)
        assert "ReLU and ReGLU, 4 blocks" in shown.locator(".state caption").inner_text()

    def test_marks_are_where_the_numbers_are(self, opened: Any) -> None:
        """Depths are placed by their logarithm between 1/1.05 and 64·1.05."""
        shown = opened(html())
        shown.get_by_label("blocks", exact=True).fill(str(KINDS[0].depths.index(8)))
        mark = shown.locator(".curves svg").first.locator("circle.mark")
        ends = math.log(1 / 1.05), math.log(64 * 1.05)
        across = 48 + (math.log(8) - ends[0]) / (ends[1] - ends[0]) * (330 - 48)
        assert float(mark.get_attribute("cx")) == pytest.approx(across, abs=1e-3)
        assert shown.locator(".curves svg").nth(2).locator(".mark").count() == 4  # the fixed points

    @pytest.mark.parametrize("width", [360, 1200])
    def test_fits_the_screen(self, width: int, opened: Any) -> None:
        shown = opened(html(), width=width, touch=width < 768, dark=True)
        assert shown.evaluate("document.documentElement.scrollWidth") == width

    def test_without_scripts_it_is_a_figure(self, opened: Any) -> None:
        shown = opened(html(), script=False)
        assert shown.locator("form").is_hidden()
        assert shown.locator(".static svg.chart").count() == 5
        assert shown.locator(".static svg.chart").first.is_visible()
