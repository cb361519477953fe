"""Charts as data, and the figures drawn from them: nothing overlaps, nothing is lost silently, the bytes repeat."""

from __future__ import annotations

import dataclasses
import json
import math
import re
import subprocess
import sys
from itertools import combinations, pairwise
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from matplotlib.colors import to_hex

from glutheory.errors import DomainError, GlutheoryError, MissingDependencyError
from glutheory.figures.chart import Chart, Map, Role, Series
from glutheory.figures.draw import check, draw, save
from glutheory.figures.strokes import BLUE, VERMILLION

N = np.geomspace(50, 1600, 30)
TIME = np.linspace(0, 3, 100)
NAN, INF = math.nan, math.inf


def series(label: str = "a", x: Any = (1, 2, 3), y: Any = (1, 4, 2), role: Role = Role.OTHER, **more: Any) -> Series:
    return Series(label, x, y, role, **more)


LINES = Chart(
    r"A title so long that it needs two lines, with $\lambda_{\min}(\tilde K)$ in it and more words after that",
    "number of points $n$",
    r"$\lambda / m$, an axis label that is so long that it does not fit beside the axes in a single line",
    (
        series(r"$\lambda_2(K)$", N, N / 80, Role.PLAIN, low=N / 90, high=N / 70),
        series(r"$\lambda_2(\tilde K)$", N, N / 160, Role.GATED, low=N / 200, high=N / 150, line=False),
        series("theory", N, N / 80, Role.THEORY),
        series(r"theory, gated: $\frac{1}{2\pi}(1+\sqrt{n/d})^2$", N, N / 160, Role.THEORY, dashed=True),
        *(series(f"number {k}", N, N / (200 + 40 * k), line=bool(k % 2)) for k in range(6)),
    ),
    xscale="log",
    yscale="log",
    note="A note in plain words that goes over more than one line, since it tells what is to be seen in the figure.",
)
SMALL = Chart("Tiny numbers", "$t$", "gap", (series(x=TIME, y=1e-5 * np.sin(TIME - 1)),))
SIGNED = Chart("Signed", "x", "y", (series(x=TIME, y=np.sinh(6 * (TIME - 1))),), yscale="symlog", note="n")
GRID = Map(r"$\log_2$ ratio", [5, 10, 40], [10, 100], [[NAN, -1, 2], [0, INF, 1]])
MAP = Chart("A map", "$d$", "$n$", (series("$n = d^2$", [5, 10], [25, 100], Role.THEORY),), GRID, "log", "log")
POINT = Chart("One", "x", "y", (series(x=[1], y=[1], low=[-INF], high=[2]),), Map("v", [1], [1], [[0]]))
NAMED = Chart("Kinds", "kind", "y", (series(guide=True),), names=((1.0, "one"), (3.0, "three")))
CHARTS = (LINES, SMALL, SIGNED, MAP, POINT, NAMED)


class TestCharts:
    """The records."""

    def test_columns_are_kept_as_floats(self) -> None:
        found = series(x=np.arange(3), y=np.array([1, 2, 3], dtype=np.float32), role="gated")  # type: ignore[arg-type]
        assert (found.x, found.y, found.role) == ((0.0, 1.0, 2.0), (1.0, 2.0, 3.0), Role.GATED)
        assert all(type(value) is float for value in found.x + found.y)  # type: ignore[operator]
        assert Chart("t", "x", "y", [found]).series == (found,)

    @pytest.mark.parametrize(
        ("make", "words"),
        [
            (lambda: series(y=(1, 2)), "unequal length"),
            (lambda: series(low=(0, 0, 0)), "unequal length"),
            (lambda: series(low=(0, 5, 0), high=(1, 4, 1)), r"\[5.0, 4.0\]"),
            (lambda: series(role="swiglu"), "use one of plain, gated, theory, other"),  # type: ignore[arg-type]
            (lambda: Map("v", [1, 1], [1], [[0, 0]]), "increasing"),
            (lambda: Map("v", [1, INF], [1], [[0, 0]]), "finite"),
            (lambda: Map("v", [NAN], [1], [[0]]), "finite"),
            (lambda: Map("v", [], [1], [[]]), "finite"),
            (lambda: Map("v", [1, 2], [1], [[0]]), "one of 2 values"),
            (lambda: Map("v", [1], [1], [[0], [0]]), "2 rows"),
            (lambda: Chart("t", "x", "y"), "empty"),
            (lambda: Chart("t", "x", "y", (series(),), xscale="ln"), "linear, log, symlog"),
            (lambda: Chart("t", "x", "y", (series(),), names=[(2, "a"), (1, "b")]), "increasing places"),
            (lambda: Chart("t", "x", "y", (series(),), xscale="log", names=[(1, "a")]), "linear x"),
            (lambda: Chart("t", "x", "y", map=Map("v", [0, 1], [1], [[0, 0]]), xscale="log"), "begins at 0.0"),
        ],
    )
    def test_bad_input(self, make: Any, words: str) -> None:
        with pytest.raises(DomainError, match=words):
            make()

    @pytest.mark.parametrize("chart", CHARTS)
    def test_json(self, chart: Chart) -> None:
        from glutheory.ground.files import plain

        row = json.loads(json.dumps(plain(chart), allow_nan=False))
        # NaN is not equal to itself
        assert str(Chart.from_json(row)) == str(chart)

    @pytest.mark.parametrize(
        "row", [{}, {"series": 1}, {"series": [{"label": "a"}], "map": None}, {"series": [], "map": None, "z": 1}]
    )
    def test_what_is_no_chart(self, row: dict[str, Any]) -> None:
        with pytest.raises(DomainError, match="not a chart in JSON form"):
            Chart.from_json(row)
        with pytest.raises(DomainError, match="is empty"):
            Chart.from_json({"title": "t", "x": "x", "y": "y", "series": [], "map": None})


def _boxes(figure: Any) -> dict[str, Any]:
    """Where everything is, in pixels."""
    renderer = figure.canvas.get_renderer()
    found = {f"axes {i}": axes.get_tightbbox(renderer) for i, axes in enumerate(figure.axes)}
    found |= {f"text {text.get_text()[:20]}": text.get_window_extent(renderer) for text in figure.texts}
    return found | {f"legend {i}": legend.get_window_extent(renderer) for i, legend in enumerate(figure.legends)}


class TestLayout:
    """No part of a figure touches another, or the edge."""

    @pytest.mark.long
    @pytest.mark.parametrize("charts", [(LINES,), (SMALL, MAP), (SIGNED, POINT, POINT, POINT)])
    def test_nothing_overlaps(self, charts: tuple[Chart, ...]) -> None:
        figure = draw(charts)
        boxes = _boxes(figure)
        texts = sum(bool(chart.title) + bool(chart.note) for chart in charts)
        assert len(figure.texts) >= texts
        for (one, first), (two, second) in combinations(boxes.items(), 2):
            across = min(first.x1, second.x1) - max(first.x0, second.x0)
            up = min(first.y1, second.y1) - max(first.y0, second.y0)
            assert min(across, up) <= 0.5, (one, two)
        for name, box in boxes.items():
            assert box.x0 >= 0, name
            assert box.y0 >= 0, name
            assert box.x1 <= figure.bbox.x1, name
            assert box.y1 <= figure.bbox.y1, name

    @pytest.mark.long
    def test_the_width_is_fixed_and_panels_are_stacked(self) -> None:
        assert [draw((POINT,) * k).get_figwidth() for k in (3, 4)] == pytest.approx([6.4, 10.4])

    @pytest.mark.long
    def test_no_figure_is_taller_than_four_rows(self) -> None:
        one = draw((SMALL,) * 4).get_figheight() / 2
        assert draw((SMALL,) * 13).get_figheight() == pytest.approx(4 * one)

    @pytest.mark.long
    def test_an_equation_is_not_broken(self) -> None:
        title = "Expected losses at first, with standard Gaussian inputs and n = 300, d = 20 and a few more words"
        for width in np.linspace(3, 6, 13):
            lines = draw(Chart(title, "x", "y", (series(),)), width=width).texts[0].get_text().split("\n")
            assert sum("n = 300," in line for line in lines) == sum("d = 20" in line for line in lines) == 1

    @pytest.mark.long
    @settings(max_examples=10)
    @given(st.lists(st.text("abcd $^_ \\{}é√", max_size=12), max_size=8))
    def test_any_note_is_folded_or_refused(self, words: list[str]) -> None:
        note = " ".join(words)
        chart = Chart("t", "x", "y", (series(),), note=note)
        try:
            figure = draw(chart)
        except DomainError as error:
            assert "mathematics" in str(error)  # noqa: PT017 (either outcome is right)
            return
        shown = " ".join(text.get_text() for text in figure.texts[1:]).replace("\n", " ")
        assert shown.split() == note.split()


class TestMarks:
    """What is inside the axes."""

    def test_roles_have_their_colours(self) -> None:
        axes = draw(LINES).axes[0]
        colours = [to_hex(line.get_color()).upper() for line in axes.lines]
        assert colours[:4] == [BLUE, VERMILLION, "#000000", "#000000"]
        assert len(set(colours[4:8])) == 4
        # told apart without colours: no two series have the same marks
        marks = {(line.get_marker(), line.get_linestyle(), str(line._dash_pattern)) for line in axes.lines}
        assert len(marks) == len(axes.lines)

    @pytest.mark.parametrize(
        ("low", "high"),
        [(0.95, 1.4), (0.62, 1.05), (20, 70), (1500, 2000), (12, 120), (125, 3000), (0.004, 0.07), (0.3, 50), (6, 500)],
    )
    def test_a_short_logarithmic_axis_has_plain_numbers(self, low: float, high: float) -> None:
        """At least two, all different, each where it says, none as a multiple of a power of ten."""
        axes = draw(Chart("t", "x", "y", (series(x=[1, 2, 3], y=[low, high, low]),), yscale="log")).axes[0]
        first, last = axes.get_ylim()
        labels = [text.get_text() for text in axes.get_yticklabels()]
        ticks = list(zip(axes.get_yticks(), labels, strict=True))
        shown = [(value, label) for value, label in ticks if first <= value <= last]
        assert len({label for _, label in shown}) == len(shown) >= 2
        assert [float(label) for _, label in shown] == pytest.approx([value for value, _ in shown])
        assert not any(text.get_text() for text in axes.get_yticklabels(minor=True))

    @pytest.mark.parametrize(("low", "high"), [(3e-9, 4e-9), (2e-9, 9e-8), (2e7, 3e8)])
    def test_numbers_that_are_long_have_a_power_of_ten(self, low: float, high: float) -> None:
        axes = draw(Chart("t", "x", "y", (series(x=[1, 2], y=[low, high], line=False),), yscale="log")).axes[0]
        labels = [text.get_text() for text in axes.get_yticklabels()]
        assert len(labels) >= 2
        assert all(re.fullmatch(r"\$(\d(\.\d+)?\\times)?10\^\{-?\d+\}\$", label) for label in labels)

    def test_many_powers_of_ten_stand_alone(self) -> None:
        axes = draw(Chart("t", "x", "y", (series(y=[1, 1e5, 3]),), yscale="log")).axes[0]
        assert "$\\mathdefault{10^{3}}$" in [text.get_text() for text in axes.get_yticklabels()]

    @pytest.mark.parametrize(
        "guide",
        [
            series(x=[1, 3], y=[2, 2], dashed=True),  # level: seen without being told
            series(x=[2, 2], y=[1, 4], role=Role.GATED),  # upright
            series(x=[1, 2, 3], y=[1, 2, 3], guide=True),
            series(x=[1, 3], y=[1, 3], guide=True, dashed=True),
        ],
    )
    def test_a_guide_has_no_marks(self, guide: Series) -> None:
        data = series("data", x=[1, 3], y=[1, 4])
        guided, measured = draw(Chart("t", "x", "y", (guide, data))).axes[0].lines[:2]
        assert guided.get_marker() == ""
        assert guided.get_linestyle() != "None"
        # the control: two measured points keep theirs
        assert measured.get_marker() in ("d", "<")

    def test_a_theory_of_one_point_can_be_seen(self) -> None:
        alone = series("alone", x=[1, 2, 3], y=[NAN, 2, NAN], role=Role.THEORY)
        line = series("line", role=Role.THEORY)
        first, second = draw(Chart("t", "x", "y", (alone, line))).axes[0].lines[:2]
        assert first.get_marker() == "x"
        assert second.get_marker() == ""

    def test_every_entry_of_a_legend_can_be_seen(self) -> None:
        """It has a mark of some size, or a line that reaches beyond its mark on both sides."""
        cloud = series("cloud", x=range(200), y=range(200), line=False)
        chart = dataclasses.replace(LINES, series=(*LINES.series, cloud))
        for handle in draw(chart).legends[0].get_lines():
            lined, marked = handle.get_linestyle() != "None", handle.get_marker() not in ("", "None")
            assert lined or marked
            assert not marked or handle.get_markersize() >= 5
            if lined:
                assert np.ptp(handle.get_xdata()) >= 2 * (handle.get_markersize() if marked else 0) + 8

    @pytest.mark.long
    def test_seventeen_of_a_kind_are_told_apart(self) -> None:
        """By colour, mark, line or hollowness; and a series and its dashed twin have one colour."""
        for role, count in ((Role.PLAIN, 15), (Role.GATED, 15), (Role.OTHER, 17)):
            many = tuple(series(f"{k}", y=(k + 1, k + 2, k + 1), role=role, line=False) for k in range(count))
            looks = {(line.get_color(), line.get_marker()) for line in draw(Chart("t", "x", "y", many)).axes[0].lines}
            assert len(looks) == count
        for role in (Role.PLAIN, Role.OTHER):
            twins = [series(f"{k}", role=role, dashed=dashed) for k in range(3) for dashed in (False, True)]
            colours = [line.get_color() for line in draw(Chart("t", "x", "y", twins)).axes[0].lines]
            assert colours[::2] == colours[1::2]
            assert len(set(colours)) == 3

    @pytest.mark.parametrize(("long", "rotation"), [("ReGLU", 0), ("MLP-Mixer, augmented images, AdamW", 90)])
    def test_categories_are_named_on_the_axis(self, long: str, rotation: float) -> None:
        names = [(1.0, "ViT"), (2.0, long), *((float(k), f"the {k}th") for k in range(3, 9))]
        points = series(x=range(1, 9), y=range(1, 9), line=False)
        figure = draw(Chart("t", "kind", "y", (points,), names=names))
        labels = figure.axes[0].get_xticklabels()
        assert [label.get_text().replace("\n", " ") for label in labels] == [name for _, name in names]
        assert list(figure.axes[0].get_xticks()) == [place for place, _ in names]
        assert {label.get_rotation() for label in labels} == {rotation}
        boxes = [label.get_window_extent(figure.canvas.get_renderer()) for label in labels]
        assert all(left.x1 <= right.x0 + 1 for left, right in pairwise(boxes))

    @pytest.mark.long
    def test_what_a_logarithm_cannot_show_is_said(self) -> None:
        chart = Chart("t", "x", "y", (series(x=[0, 1, 2, 3], y=[1, -1, 0, 5]),), xscale="log", yscale="log")
        figure = draw(chart)
        assert figure.texts[-1].get_text() == "Not on the logarithmic scale: 3 points, which are 0 or negative."
        assert np.isfinite(figure.axes[0].lines[0].get_ydata()).sum() == 1
        one = draw(dataclasses.replace(chart, series=(series(x=[0, 1], y=[1, 1]),)))
        assert "1 point, which is" in one.texts[-1].get_text()
        nothing = draw(dataclasses.replace(chart, series=(series(x=[0, NAN], y=[1, 1]),), yscale="symlog"))
        assert "1 point" in nothing.texts[-1].get_text()

    def test_intervals(self) -> None:
        x, y = (1, 2, 3), (1, 4, 2)
        wide = series(x=x, y=y, low=(0.5, -INF, 1), high=(2, INF, 9))
        for line in (True, False):
            axes = draw(Chart("t", "x", "y", (dataclasses.replace(wide, line=line),))).axes[0]
            bottom, top = axes.get_ylim()
            assert bottom < 0.5
            assert 9 < top < 12
            points = np.concatenate([path.vertices for path in axes.collections[0].get_paths()])
            # infinite ends reach the edge and go no further
            assert (points[:, 1].min(), points[:, 1].max()) == (bottom, top)
        # towards 0 an interval leaves a logarithmic axis
        axes = draw(Chart("t", "x", "y", (series(low=(0, 1e-9, 1), high=(2, 5, 3)),), yscale="log")).axes[0]
        assert 0.3 < axes.get_ylim()[0] < 1

    def test_a_map_is_centred_at_zero(self) -> None:
        figure = draw(MAP)
        mesh = figure.axes[0].collections[0]
        assert (mesh.norm.vmin, mesh.norm.vmax) == (-2, 2)
        assert mesh.get_array().mask.tolist() == [[True, False, False], [False, False, False]]
        colours = mesh.cmap([0.0, 0.25, 0.5, 0.75, 1.0])
        assert colours[1][2] > colours[1][0]  # negative: the plain network's blue
        assert colours[3][0] > colours[3][2]  # positive: the gated network's vermillion
        assert np.ptp(colours[2][:3]) < 0.01
        assert [text.get_text() for text in figure.legends[0].get_texts()] == ["no value", "$n = d^2$"]
        # cells end halfway between the points, on the logarithmic scale
        edges = mesh.get_coordinates()[0, :, 0]
        assert edges.tolist() == pytest.approx([5 / math.sqrt(2), math.sqrt(50), 20, 80])
        assert figure.axes[0].get_xlim() == pytest.approx((edges[0], edges[-1]))

    def test_a_single_cell_and_a_constant_map(self) -> None:
        mesh = draw(POINT).axes[0].collections[0]
        assert mesh.get_coordinates()[0, :, 0].tolist() == [0.5, 1.5]
        assert (mesh.norm.vmin, mesh.norm.vmax) == (-1, 1)

    def test_labels_next_to_zero_stay_apart(self) -> None:
        axes = draw(SIGNED).axes[0]
        renderer = axes.figure.canvas.get_renderer()
        boxes = sorted(
            (label.get_window_extent(renderer) for label in axes.get_yticklabels() if label.get_text()),
            key=lambda box: box.y0,
        )
        inside = [box for box in boxes if axes.bbox.y0 - 1 <= (box.y0 + box.y1) / 2 <= axes.bbox.y1 + 1]
        assert len(inside) > 5
        assert all(low.y1 <= high.y0 + 1 for low, high in pairwise(inside))

    def test_an_empty_label_has_no_entry(self) -> None:
        assert draw(Chart("t", "x", "y", (series(""),))).legends == []

    def test_mathematics_that_cannot_be_drawn(self) -> None:
        with pytest.raises(DomainError, match=r"nosuchthing.*cannot draw"):
            draw(Chart("t", "x", "y", (series(r"$\nosuchthing{$"),)))

    def test_nothing_to_draw(self) -> None:
        with pytest.raises(DomainError, match="charts is empty"):
            draw([])


class TestFiles:
    """What is written."""

    @pytest.mark.long
    @pytest.mark.parametrize("suffix", [".png", ".SVG", ".pdf"])
    def test_the_same_bytes_each_time(self, tmp_path: Path, suffix: str) -> None:
        first, second = tmp_path / f"a{suffix}", tmp_path / f"b{suffix}"
        save(MAP, first)
        mpl.rcParams["lines.linewidth"], before = 9.0, mpl.rcParams["lines.linewidth"]
        try:
            save([MAP], str(second))
            # the user's own settings neither matter nor change
            assert mpl.rcParams["lines.linewidth"] == 9.0
        finally:
            mpl.rcParams["lines.linewidth"] = before
        assert first.read_bytes() == second.read_bytes()
        assert sorted(path.name for path in tmp_path.iterdir()) == sorted((first.name, second.name))
        assert first.stat().st_mode & 0o444 == 0o444

    def test_words_for_those_who_cannot_see_it(self, tmp_path: Path) -> None:
        save(SIGNED, tmp_path / "a.svg")
        assert "Signed. n" in (tmp_path / "a.svg").read_text(encoding="utf-8")

    def test_other_formats_and_folders(self, tmp_path: Path) -> None:
        with pytest.raises(DomainError, match=r"'a.gif': let it end in .png, .svg, .pdf"):
            save(SMALL, tmp_path / "a.gif")
        with pytest.raises(DomainError, match="folder that does not exist"):
            save(SMALL, tmp_path / "no" / "a.png")

    def test_a_failure_leaves_the_old_file(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        from matplotlib.figure import Figure

        def fail(*_: object, **__: object) -> None:
            raise OSError(28, "no space left")

        (tmp_path / "a.png").write_text("old", encoding="utf-8")
        monkeypatch.setattr(Figure, "savefig", fail)
        with pytest.raises(OSError, match="no space"):
            save(POINT, tmp_path / "a.png")
        assert [path.read_text(encoding="utf-8") for path in tmp_path.iterdir()] == ["old"]

    def test_without_matplotlib(self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
        monkeypatch.setitem(sys.modules, "matplotlib", None)
        for call in (lambda: draw(SMALL), lambda: check(tmp_path / "a.png")):
            with pytest.raises(
                MissingDependencyError, match=r"pip install -c constraints.txt 'glutheory\[report\]'"
            ) as caught:
                call()
            assert isinstance(caught.value, GlutheoryError)
            assert isinstance(caught.value, ImportError)


@pytest.mark.long
def test_no_window_is_prepared() -> None:
    code = (
        "import sys; from glutheory.figures.chart import Chart, Series; import glutheory.figures.draw as p; "
        "assert 'matplotlib' not in sys.modules; p.draw(Chart('t', 'x', 'y', (Series('a', (1, 2), (1, 2)),))); "
        "print('matplotlib.pyplot' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
