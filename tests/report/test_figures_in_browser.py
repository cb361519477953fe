"""Figures in a browser: values read off by mouse, keyboard and touch, the same picture in any light."""

from __future__ import annotations

import dataclasses
import io
import math
import shutil
import subprocess
from typing import Any

import numpy as np
import pytest

from glutheory.figures import draw
from glutheory.report.assets import asset
from glutheory.report.plain import plain
from tests.report.inline import CHARTS, GRID, LOG, MAP, alone

pytest_plugins = ("tests.report.browser",)  # the fixture `opened`


def page(fragment: str, *, script: bool = True) -> str:
    """A page of nothing but these figures."""
    code = f"<script>{asset('hover.js')}</script>" if script else ""
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>t</title><style>{asset("figures.css")}'
        f"body {{ margin: 0 }}</style></head><body>{fragment}{code}</body></html>"
    )


def tip(shown: Any) -> list[str]:
    """The lines of the words at the point, or nothing."""
    box = shown.locator(".tip")
    return [] if box.is_hidden() else box.locator("> *").all_inner_texts()


def centre(found: Any) -> tuple[float, float]:
    box = found.bounding_box()
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2


class TestInBrowser:
    """Chromium says where a marker is, and the words there must be its values."""

    @pytest.mark.long
    @pytest.mark.parametrize("name", ["linear", "log", "symlog"])
    def test_values_at_markers(self, name: str, opened: Any) -> None:
        chart = CHARTS[name]
        shown = opened(page(alone(name)), width=500)
        first = chart.series[0]
        kept = [k for k, y in enumerate(first.y) if not (name == "log" and y <= 0)]
        digits = 10 if name == "linear" else 5
        for mark, k in list(zip(shown.locator("[clip-path] use").all(), kept, strict=False))[
            :: 2 if len(kept) > 4 else 1
        ]:
            shown.mouse.move(*centre(mark))
            label, x, y = tip(shown)
            assert label == plain(first.label)
            assert x.split(": ") == [plain(chart.x), f"{first.x[k]:g}".replace("-", "−")]
            axis, _, value = y.partition(": ")
            assert axis == plain(chart.y)
            number = float(value.split(" ")[0].replace("−", "-"))
            assert number == pytest.approx(float(f"{first.y[k]:.{digits}g}"), rel=1e-12)
        shown.mouse.move(2, 2)
        assert tip(shown) == []

    def test_cells_of_a_map(self, opened: Any) -> None:
        shown = opened(page(alone("map")), width=500)
        image = shown.locator("[clip-path] image, image").first.bounding_box()
        for i, row in enumerate(GRID.values):
            for j, value in enumerate(row):
                # away from the middle of the cell, where the point is
                x = image["x"] + image["width"] * (j + 0.2) / 4
                shown.mouse.move(x, image["y"] + image["height"] * (1.7 - i) / 2)
                words = "no value" if math.isnan(value) else "∞" if math.isinf(value) else f"{value:.5g}"
                expected = [f"d: {GRID.x[j]:g}", f"n: {GRID.y[i]:g}", f"log₂ ratio: {words.replace('-', '−')}"]
                assert tip(shown) == expected
        shown.mouse.move(image["x"] + image["width"] * 2.5 / 4, image["y"] + image["height"] / 4)
        assert tip(shown) == ["certified", "d: 4", "n: 100", "log₂ ratio: 1"]

    def test_keys_read_aloud(self, fragment: str, opened: Any) -> None:
        shown = opened(page(fragment), width=500)
        spoken = shown.locator(".spoken")

        def after(*keys: str) -> str:
            for key in keys:
                shown.keyboard.press(key)
            return str(spoken.nth(0).inner_text() or "")

        shown.keyboard.press("Tab")
        assert shown.evaluate("document.activeElement.getAttribute('aria-label')").startswith("Logarithmic: ")
        assert after("ArrowRight") == "plain, n: 1, y: 1e−9"
        assert after("ArrowRight", "ArrowRight") == "plain, n: 1000, y: 123.46"
        assert after("ArrowRight", "ArrowUp", "ArrowUp", "Home", "ArrowLeft") == "plain, n: 1, y: 1e−9"
        assert after("PageDown", "End") == "hollow, n: 2000, y: 2.5"
        assert len(tip(shown.locator("figure").nth(0))) == 3
        shown.keyboard.press("Escape")
        assert tip(shown.locator("figure").nth(0)) == []
        shown.keyboard.press("Tab")
        for key in ("ArrowRight", "ArrowRight", "ArrowUp"):
            shown.keyboard.press(key)
        assert spoken.nth(1).inner_text() == "d: 2, n: 100, log₂ ratio: ∞"
        shown.keyboard.press("PageDown")
        assert spoken.nth(1).inner_text() == "certified, d: 4, n: 100, log₂ ratio: 1"

    def test_touch_on_a_narrow_screen(self, opened: Any) -> None:
        """The words stay on the screen, and off what they tell about."""
        shown = opened(page(alone("linear")), width=360, touch=True)
        for mark in shown.locator("[clip-path] use").all()[::4]:
            x, y = centre(mark)
            shown.touchscreen.tap(x, y)
            box = shown.locator(".tip").bounding_box()
            assert box["x"] >= 0
            assert box["x"] + box["width"] <= 360
            assert not (box["x"] <= x <= box["x"] + box["width"] and box["y"] <= y <= box["y"] + box["height"])
        assert shown.evaluate("document.documentElement.scrollWidth") == 360

    @pytest.mark.long
    def test_it_is_the_same_picture(self, fragment: str, opened: Any) -> None:
        """Chromium draws matplotlib's own files and our fragment alike."""
        from matplotlib.image import imread

        files = (draw.draw(dataclasses.replace(chart, title="", note=""), width=4.7) for chart in (LOG, MAP))
        sources = [source[source.index("<svg") :] for source in map(draw.vector, files)]
        pictures = []
        for html in (fragment, "".join(f'<div class="plot">{source}</div>' for source in sources)):
            shown = opened(page(html, script=False))
            for svg in shown.locator(".plot svg").all():
                svg.evaluate("svg => svg.style = 'width: 500px; height: auto'")
                pictures.append(imread(io.BytesIO(svg.screenshot()))[:, :, :3])
        for ours, theirs in zip(pictures[:2], pictures[2:], strict=True):
            assert ours.shape == theirs.shape
            # coordinates are rounded to 0.01 points: edges of letters and lines differ by a shade
            apart = np.mean(np.abs(ours - theirs).max(axis=2) > 0.25)
            there = np.mean(theirs.min(axis=2) < 0.75)
            assert there > 0.02
            assert apart < there / 20

    def test_dark(self, fragment: str, opened: Any) -> None:
        shown = opened(page(fragment), dark=True)
        paper = shown.locator(".plot").first.evaluate("e => getComputedStyle(e).backgroundColor")
        assert paper == "rgb(22, 24, 27)"
        ink = "e => getComputedStyle(e).stroke"
        assert shown.locator("#x-1 [clip-path][style*=plain]").first.evaluate(ink) == "rgb(0, 114, 178)"

    def test_without_scripts(self, opened: Any) -> None:
        shown = opened(page(alone("log")), script=False)
        assert shown.locator("svg[role=img]").is_visible()
        assert shown.locator(".tip").count() == 0


@pytest.mark.parametrize("name", ["hover.js", "explorer.js"])
def test_scripts_are_javascript(name: str) -> None:
    node = shutil.which("node")
    if node is None:
        pytest.skip("scripts are parsed by node, which is not installed")
    found = subprocess.run([node, "--check", "-"], input=asset(name), text=True, capture_output=True, check=False)
    assert (found.returncode, found.stderr) == (0, "")
