"""The explorer: its numbers are those of the derivations at every place of the sliders, and the curves follow them."""

from __future__ import annotations

import base64
import json
import math
import xml.etree.ElementTree as ET
from fractions import Fraction
from functools import cache
from typing import Any

import mpmath
import numpy as np
import pytest
import sympy as sp

import glutheory as glu
from glutheory.activations import Z
from glutheory.report.assets import asset
from glutheory.report.explorer import explorer
from glutheory.report.explorer_data import PAIRS, RHO, VARIANCES, Pair
from tests.strategies import named

pytest_plugins = ("tests.report.browser",)  # the fixture `opened`

#: ρ and q: the ends, the middle, and somewhere.
PLACES = [(-1, 0.01), (1, 100), (-1, 100), (0, 1), (0.5, 1), (-0.6, 20), (0.02, 0.03), (0.9995, 1)]
BY_PAIR = pytest.mark.parametrize("pair", PAIRS, ids=[pair.gated for pair in PAIRS])


@cache
def section() -> str:
    return explorer()


def data() -> Any:
    script = ET.fromstring(section()).find(".//script")
    assert script is not None
    return json.loads(script.text or "")


def numbers(pair: Pair) -> np.ndarray:
    """S and T as they are in the page, shape (variances, 2, len(RHO))."""
    text = next(row["table"] for row in data()["pairs"] if row["gated"] == pair.gated)
    return np.frombuffer(base64.b64decode(text), dtype="<f8").reshape(-1, 2, len(RHO))


def html() -> str:
    styles = asset("figures.css") + asset("explorer.css")
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">'
        f"<title>t</title><style>{styles} body {{ margin: 1rem; font: 16px sans-serif }}</style></head>"
        f"<body>{section()}<script>{asset('curves.js')}</script>"
        f"<script>{asset('explorer.js')}</script></body></html>"
    )


@cache
def exact(name: str, rho: float, variance: float) -> tuple[float, float]:
    """S and T from the derived formulas by mpmath; at ρ = 0 they are squares of one-dimensional means."""
    q = Fraction(str(variance))
    if rho:
        s, t = glu.evaluate(name, q, q, q * Fraction(str(rho)), digits=20)
        return float(s), float(t)
    phi = glu.activation(name).expr
    slope = sp.diff(phi, Z).replace(sp.DiracDelta, lambda *_: 0)
    means = []
    for f in (phi, slope):
        function = sp.lambdify(Z, f, "mpmath")
        scale = mpmath.sqrt(mpmath.mpf(q.numerator) / q.denominator)
        ends = [-12, -1, -0.1, -1e-9, 1e-9, 0.1, 1, 12]
        with mpmath.workdps(25):
            means.append(mpmath.quad(lambda z, f=function, r=scale: f(r * z) * mpmath.npdf(z), ends))
    return float(means[0] ** 2), float(means[1] ** 2)


def number(text: str) -> float:
    return float(text.replace("−", "-"))


def close(text: str, value: float, size: float) -> bool:
    """Whether the text is the value to five digits, or "0" for what is that but for rounding."""
    return text == "0" if abs(value) < 1e-12 * size else number(text) == float(f"{value:.5g}")


def place(shown: Any, pair: Pair, rho: float, variance: float) -> None:
    shown.locator("[name=pair]").select_option(index=PAIRS.index(pair))
    shown.locator("[name=rho]").fill(str(RHO.index(rho)))
    shown.locator("[name=variance]").fill(str(VARIANCES.index(variance)))


#: As `place`, in one call, with the caption and the rows of the numbers.
READ = """([pair, rho, variance]) => {
  const root = document.querySelector(".explorer");
  root.querySelector("[name=pair]").selectedIndex = pair;
  root.querySelector("[name=rho]").value = rho;
  root.querySelector("[name=variance]").value = variance;
  root.querySelector("form").dispatchEvent(new Event("input"));
  const table = root.querySelector(".state");
  return [table.caption.innerText, [...table.rows].map((row) => [...row.cells].map((cell) => cell.innerText))];
}"""


class TestTable:
    @pytest.mark.long
    @BY_PAIR
    def test_against_the_derivations(self, pair: Pair) -> None:
        """S is within the error of `gram`. T is a difference over c, |c| ≥ q/50, so at most 50·2e-14·K(1)/q off."""
        values = numbers(pair)
        assert len(values) == len(pair.variances)
        for rho, q in PLACES:
            if q not in pair.variances:
                continue
            (s, t), row = exact(pair.network, rho, q), values[pair.variances.index(q)]
            s1, t1 = row[:, -1]
            assert abs(row[0, RHO.index(rho)] - s) <= 1e-14 * s1
            assert abs(row[1, RHO.index(rho)] - t) <= 1e-12 * (s1 + q * t1) / q

    @pytest.mark.parametrize("pair", [pair for pair in PAIRS if pair.homogeneous], ids=named)
    def test_homogeneous(self, pair: Pair) -> None:
        """S scales with the variance and T does not depend on it."""
        for rho in (-1, -0.6, 1):
            (s, t), (s2, t2) = exact(pair.network, rho, 1), exact(pair.network, rho, 20)
            assert s2 == pytest.approx(s * 20, rel=1e-14)
            assert t2 == pytest.approx(t, rel=1e-14)

    def test_grid(self) -> None:
        assert (RHO[0], RHO[54], RHO[-1], len(RHO)) == (-1, 0, 1, 109)
        assert list(RHO) == [-rho for rho in reversed(RHO)] == sorted(RHO)
        assert (VARIANCES[0], VARIANCES[12], VARIANCES[-1]) == (0.01, 1, 100)
        assert list(VARIANCES) == sorted(VARIANCES)


class TestMarkup:
    def test_size_and_form(self) -> None:
        root = ET.fromstring(section())
        assert len(section()) < 400_000
        assert [pair["gated"] for pair in data()["pairs"]] == [pair.gated for pair in PAIRS]
        fields = {field.attrib["id"] for tag in ("input", "select") for field in root.iter(tag)}
        assert {label.attrib["for"] for label in root.iter("label")} == fields

    @pytest.mark.long
    def test_table_without_scripts(self, opened: Any) -> None:
        """A row is S, T, S + cT, 2cS + c²T of the derived formulas; three of six are compared."""
        shown = opened(html(), script=False)
        assert shown.locator("form").is_hidden()
        rows = shown.locator("noscript tbody tr").all_inner_texts()
        assert len(rows) == 6 * len(PAIRS)
        for line in rows:
            name, rho, *cells = line.split("\t")
            pair = next(pair for pair in PAIRS if name == f"{pair.plain} / {pair.gated}")
            c = number(rho)
            if c not in (0, 0.5, 1):
                continue
            s, t = exact(pair.network, c, 1)
            expected = (s, t, s + c * t, 2 * c * s + c**2 * t)
            assert all(close(cell, value, 1) for cell, value in zip(cells, expected, strict=True)), line


class TestInBrowser:
    @pytest.mark.long
    def test_numbers(self, opened: Any) -> None:
        """What is printed is the derived formula to the last digit shown, for every pair, also at the ends."""
        shown = opened(html())
        for pair in PAIRS:
            for rho, q in PLACES:
                words, cells = shown.evaluate(READ, [PAIRS.index(pair), RHO.index(rho), VARIANCES.index(q)])
                c = rho * q
                (s, t), (s1, t1) = exact(pair.network, rho, q), exact(pair.network, 1, q)
                kernel, kernel1 = s + c * t, s1 + q * t1
                gated, gated1 = 2 * c * s + c**2 * t, 2 * q * s1 + q**2 * t1
                assert f"{pair.plain} and {pair.gated} at ρ = {rho:g} (".replace("-", "−") in words
                assert f"({math.degrees(math.acos(rho)):.1f}°)" in words
                assert f"q = {q:g}" in words
                line = next(part for part in words.split("\n") if part.startswith("S = ")).split(", ")
                assert close(line[0].removeprefix("S = "), s, s1)
                assert close(line[1].removeprefix("T = "), t, t1)
                share, share_gated = kernel / kernel1, gated / gated1
                ratio = words.rpartition(": ")[2]
                if abs(share) < 1e-12:
                    assert ratio == "not defined"
                else:
                    assert close(ratio, share_gated / share, 1)
                assert [row[0] for row in cells[1:3]] == ["NNGP", "NTK"]
                assert close(cells[1][1], s, s1)
                assert close(cells[1][2], c * s, q * s1)
                assert close(cells[2][1], kernel, kernel1)
                assert close(cells[2][2], gated, gated1)
                assert close(cells[3][1], share, 1)
                assert close(cells[3][2], share_gated, 1)
                angles = [math.degrees(math.acos(min(1, max(-1, part)))) for part in (share, share_gated)]
                assert [number(cell.rstrip("°")) for cell in cells[4][1:]] == pytest.approx(angles, abs=0.0501)

    def test_sliders_move_curves_and_marks(self, opened: Any) -> None:
        shown = opened(html())
        place(shown, PAIRS[2], 0.5, 1)
        curve, mark = shown.locator(".curve.gated").first, shown.locator("rect.mark").first
        path, x = curve.get_attribute("d"), float(mark.get_attribute("x"))
        place(shown, PAIRS[2], 0.6, 1)
        # 48 … 330 are ρ = −1 … 1
        assert float(mark.get_attribute("x")) == pytest.approx(x + 0.1 / 2 * (330 - 48))
        assert curve.get_attribute("d") == path
        place(shown, PAIRS[2], 0.6, 100)
        assert curve.get_attribute("d") != path
        path = curve.get_attribute("d")
        shown.locator("[name=relative]").uncheck()
        plain = shown.locator(".curve.plain").first.get_attribute("d")
        # of K̃ = 10⁴ and K = 100 on one axis only one is high
        high, low = (float(found.rpartition(",")[2]) for found in (curve.get_attribute("d"), plain))
        assert high == 10
        assert low > 170

    def test_the_curve_is_the_kernel(self, opened: Any) -> None:
        """Heights in the drawing, from the top (1) to the line of 0, against the closed form of ReLU's NTK."""
        shown = opened(html())
        place(shown, PAIRS[0], 0.5, 1)
        path = shown.locator(".curve.plain").first.get_attribute("d")
        points = np.array([[float(part) for part in point.split(",")] for point in path[1:].split("L")])
        rho = np.array(RHO)
        angle = np.arccos(rho)
        kernel = (np.sin(angle) + 2 * (np.pi - angle) * rho) / (2 * np.pi)
        low = kernel.min()
        np.testing.assert_allclose(points[:, 1], 176 - (kernel - low) / (kernel[-1] - low) * 166, atol=0.06)
        np.testing.assert_allclose(points[:, 0], 48 + (rho + 1) / 2 * 282, atol=0.06)

    def test_keys_and_names(self, opened: Any) -> None:
        """Native controls with names; what a screen reader says is the value, not the index."""
        shown = opened(html())
        slider = shown.get_by_label("correlation ρ")
        slider.focus()
        shown.keyboard.press("ArrowRight")
        assert slider.get_attribute("aria-valuetext") == "0.52, 58.7 degrees"
        shown.keyboard.press("Home")
        assert slider.get_attribute("aria-valuetext") == "−1, 180.0 degrees"
        assert shown.get_by_label("variance q").get_attribute("aria-valuetext") == "1"
        assert shown.locator("[name=rho-shown]").inner_text() == "−1 (180.0°)"
        names = [svg.get_attribute("aria-label") for svg in shown.locator(".curves svg").all()]
        assert names[0] == "NTK against ρ, over the value at ρ = 1. K = S + cT: 0; K̃ = 2cS + c²T: 0."

    @pytest.mark.parametrize("width", [360, 1200])
    def test_fits_the_screen(self, width: int, opened: Any) -> None:
        shown = opened(html(), width=width, dark=True)
        assert shown.evaluate("document.documentElement.scrollWidth") == width
        assert shown.locator(".curves svg").count() == 4
        style = "e => getComputedStyle(e).stroke"
        assert shown.locator(".curve.plain").first.evaluate(style) == "rgb(0, 114, 178)"
        assert shown.locator(".curve.gated").first.evaluate(style) == "rgb(213, 94, 0)"
