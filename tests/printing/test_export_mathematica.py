"""Exports to Mathematica: read back, evaluated and integrated."""

from __future__ import annotations

import mpmath
import pytest

from tests.printing.exported import CLOSED, MIXED, NETWORKS, agree, marked, mathematica_values, text
from tests.printing.mathematica import Session, definitions


@pytest.mark.parametrize("name", marked(CLOSED))
def test_mathematica_reads_back_and_agrees(name: str) -> None:
    agree(name, mathematica_values(name, 40), 40)


def test_mathematica_evaluates_a_mixture() -> None:
    agree("gtu", mathematica_values("gtu", 12, 12), 12)


@pytest.mark.slow
@pytest.mark.parametrize("name", MIXED)
def test_mathematica_evaluates_mixtures(name: str) -> None:
    agree(name, mathematica_values(name, 25, 25), 25)


@pytest.mark.slow
def test_mathematica_integrates_the_same() -> None:
    session = Session(text("sigmoid", "mathematica"))
    with mpmath.workdps(15):
        point = (mpmath.mpf(2), mpmath.mpf("0.5"), mpmath.mpf("-0.3"), mpmath.mpf(12))
        mean = session("sigmoidMean", "sigmoidSGiven", *point)
        integral = session("sigmoidMeanNIntegrate", "sigmoidSGiven", *point)
    assert integral == pytest.approx(float(mean), rel=1e-6)  # the quadrature's, between 0.1 and 6


@pytest.mark.parametrize("name", marked(list(NETWORKS)))
def test_no_line_of_mathematica_ends_a_definition_early(name: str) -> None:
    """A line break outside brackets ends an expression there, unless an operator waits for its right side."""
    for definition in definitions(text(name, "mathematica")):
        *lines, _ = definition.split("\n")
        depth = 0
        for line in lines:
            depth += sum(map(line.count, "([{")) - sum(map(line.count, ")]}"))
            assert depth > 0 or line.endswith(("=", "+", "-", ",")), line
