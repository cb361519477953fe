"""The short page: it fits on a screen or two for every claim that is committed, in signs and not in LaTeX."""

from __future__ import annotations

import math
import re
from dataclasses import replace
from pathlib import Path
from statistics import median

import pytest
from rich.cells import cell_len

from checks.against import against
from checks.brief import brief
from checks.explain import page
from checks.figure_tables import tables
from checks.frame import Origin
from checks.layout import cell
from checks.settings import PROFILES, Settings
from checks.stored_runs import with_siblings
from checks.symbols import symbols
from checks.tools.orders import Order
from checks.tools.spectral_grid import grid
from glutheory.claims import Outcome
from glutheory.claims.stored import load
from glutheory.figures.chart import Chart, Role, Series
from glutheory.report.read import committed
from glutheory.terminal import Terminal
from tests.checks.outcomes import FALSE, FIXED, ORIGIN, OUTCOMES, TOOTHLESS

#: Lines of a page of 100 columns, for any claim.
LONGEST = 100


@pytest.fixture(scope="module")
def everything() -> dict[str, Outcome]:
    source = committed()[0]
    return dict(with_siblings(source, load(source))[1].outcomes)


def test_every_committed_claim_is_a_page(everything: dict[str, Outcome]) -> None:
    for name, found in everything.items():
        lines = brief(found, Origin("full", "cpu", "results/full.json"), Terminal(100)).splitlines()
        assert len(lines) <= LONGEST, name
        assert not any(re.search(r"\\[a-zA-Z]+", line) for line in lines), name
        assert any("--full" in line for line in lines)


def test_the_committed_run_has_all_claims_of_the_readme(everything: dict[str, Outcome]) -> None:
    page = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")
    table = page.partition("<!-- verdicts -->")[2].partition("<!-- /verdicts -->")[0]
    named = re.findall(r"^\| ([a-z-]+) \|", table, re.MULTILINE)
    assert len(named) > 20
    assert set(named) - {"claim"} == set(everything)


@pytest.mark.parametrize("terminal", [Terminal(), Terminal(60), Terminal(100, unicode=False), Terminal(colour=True)])
@pytest.mark.parametrize("found", OUTCOMES, ids=lambda found: found.claim.id)
def test_every_line_fits_and_can_be_shown(found: Outcome, terminal: Terminal) -> None:
    text = brief(found, ORIGIN, terminal)
    assert ("\x1b" in text) == terminal.colour
    plain = re.sub(r"\x1b\[[0-9;]*m", "", text)
    assert max(map(cell_len, plain.splitlines())) <= terminal.width
    assert terminal.unicode or plain.isascii()


def test_what_it_tells() -> None:
    text = " ".join(brief(FIXED, Origin("full", "cuda", "x.json"), Terminal(), "f.svg").split())
    for words in ("holds, corrected", "corrected", "Written to f.svg", "--from x.json --full", "seed 7, device cuda"):
        assert words in text
    assert "control that was missed" in brief(TOOTHLESS, ORIGIN, Terminal())
    assert "To draw it" not in brief(FALSE, ORIGIN, Terminal()) or FALSE.charts


@pytest.mark.parametrize(
    ("latex", "lines"),
    [
        (r"\lambda_{\max}(K) = O(mn/d), \qquad \lambda_{\max}(\tilde K) = O(mn/d^2)",
         ["λ_max(K) = O(mn/d)", "λ_max(K̃) = O(mn/d²)"]),
        (r"\frac{\lambda_1(K)}{mn} \to \frac1{2\pi}", ["λ₁(K)/(mn) → 1/(2π)"]),
        (r"d \ll n \ll d^2", ["d ≪ n ≪ d²"]),
        (r"\tilde K \approx K \odot \frac1d XX^\top", ["K̃ ≈ K ⊙ 1/d XXᵀ"]),
        (r"\nosuchthing{", [r"\nosuchthing{"]),
        (r"a \text{ where } b", ["a where b"]),
    ],
)  # fmt: skip
def test_statements_in_signs(latex: str, lines: list[str]) -> None:
    assert symbols(latex, Terminal()) == lines
    assert symbols(latex, Terminal(unicode=False)) == [latex]


@pytest.mark.parametrize(
    "terminal", [Terminal(), Terminal(60), Terminal(unicode=False)], ids=["wide", "narrow", "ascii"]
)
@pytest.mark.parametrize("name", ["condition", "lambda-max"])
def test_measured_claimed_and_corrected(name: str, terminal: Terminal, everything: dict[str, Outcome]) -> None:
    """In each row the orders are those of its n and d, and what was measured is that of the stored figure."""
    found = everything[name]
    sizes = grid(Settings(PROFILES["full"]))
    table = against(found, terminal)
    assert table is not None
    head, *rows = table.rows
    assert head[:2] == ("n", "d")
    assert head[3:5] == head[6:] == ("claimed", "corrected")
    places = [(n, sizes.d[-1]) for n in sizes.n] if name == "condition" else [(sizes.n[-1], d) for d in sizes.d]
    orders = {
        "condition": lambda n, d: (n / d, 2 * n / (math.pi - 2), n / d**2, math.pi * n / (2 * (math.pi - 1) * d)),
        "lambda-max": lambda n, d: (n / d, n / (2 * math.pi), n / d**2, n / (4 * d)),
    }[name]
    for (n, d), row in zip(places, rows, strict=True):
        assert row[:2] == (str(n), str(d))
        measured = [
            cell(median(y for x, y in zip(line.x, line.y, strict=True) if x == (n if name == "condition" else d)))
            for line in found.charts[0].series
            if line.label in {"K", "gated", "K, largest", "gated, largest"}
        ]
        assert [row[2], row[5]] == measured
        assert [row[k] for k in (3, 4, 6, 7)] == [cell(value) for value in orders(n, d)]
    for tell in (brief, page):
        text = tell(found, ORIGIN, terminal)
        assert table.title in text
        assert max(map(cell_len, text.splitlines())) <= terminal.width


def test_no_orders_elsewhere(everything: dict[str, Outcome]) -> None:
    assert {name for name, found in everything.items() if against(found, Terminal())} == {"condition", "lambda-max"}
    found = everything["condition"]
    for changed in (
        (),
        (replace(found.charts[0], note=""),),
        (replace(found.charts[0], series=found.charts[0].series[:2]),),
    ):
        assert against(replace(found, charts=changed), Terminal()) is None


@pytest.mark.parametrize(
    ("constant", "n", "d", "law"),
    [(1, 1, -1, "n/d"), (1, 1, -2, "n/d²"), (1.7519, 1, 0, "1.75 n"), (0.25, 1, -1, "0.25 n/d"), (1, 0, 1, "d"),
     (0.0908, 0, 0, "0.0908"), (1, 0, 0, "1"), (1, 0, -1, "1/d"), (2, 0.5, 0, "2 n^0.5")],
)  # fmt: skip
def test_orders_as_formulas(constant: float, n: float, d: float, law: str) -> None:
    assert Order("plain", "condition", constant, n, d).law == law


def test_numbers_of_a_figure() -> None:
    """The median of several points, a curve between its points, and nothing of guides, maps, clouds and marks."""
    grid = [k / 20 for k in range(41)]
    chart = Chart(
        "t",
        "$n$",
        r"$\lambda$",
        (
            Series("seen", (1, 1, 1, 2), (1, 5, 3, 7), Role.PLAIN, line=False),
            Series("curve", grid, [10 * x for x in grid], Role.THEORY),
            Series("level", (0, 2), (1, 1), Role.THEORY, guide=True),
            # on two curves: no column, since the median would be of unlike numbers
            Series("measured", (1, 1, 2, 2), (10, 3, 20, 7), Role.THEORY, line=False),
        ),
    )
    (table,) = tables([chart], Terminal())
    assert table.rows == (("n", "seen", "curve"), ("1", "3", "10"), ("2", "7", "20"))
    narrow = next(iter(tables([chart], Terminal(14))))
    assert (len(narrow.rows[0]), "1 more column" in narrow.note) == (2, True)


def test_cells_of_pairs() -> None:
    sizes = [[k, 2 * k] for k in range(9)]
    assert cell(sizes) == "(0, 0), (1, 2), (2, 4), ..., (8, 16) (9 values)"


def test_clouds_and_categories_are_tables() -> None:
    """A cloud by its ends, which come after all else; a category by its value and interval."""
    cloud = Chart("cloud", "plain", "gated", (Series("a", range(1, 100), range(2, 101), line=False),))
    values = (
        Series("first", (1.1, 2.1), (3.14159, 2.0), low=(3.0, 1.0), high=(math.inf, 2.5), line=False),
        Series("second", (0.9,), (5.0,), line=False),
        Series("equal", (0, 3), (1, 1), Role.THEORY),
    )
    named = Chart("named", "", "ratio", values, names=[(1, "one"), (2, "two")])
    first, second = tables([cloud, named], Terminal())
    assert first.rows == (("", "one", "two"), ("first", "3.14 (3 to inf)", "2 (1 to 2.5)"), ("second", "5", "-"))
    assert second.rows == (("", "points", "plain", "gated"), ("a", "99", "1 to 99", "2 to 100"))
    # where the series are too many for the width they are rows, else what is left out is said
    wide = Chart("w", "", "y", tuple(replace(values[0], label=f"series {k}") for k in range(6)), names=named.names)
    (turned,) = tables([wide], Terminal(60))
    assert [row[0] for row in turned.rows] == ["", *(f"series {k}" for k in range(6))]
    (cut,) = tables([wide], Terminal(30))
    assert "Not shown: 1 more column." in cut.note
