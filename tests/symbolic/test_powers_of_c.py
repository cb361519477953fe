"""The mixture averages as power series in c: against the double sum and road 2, and the bound of what is cut off."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from typing import Any

import pytest
from flint import arb

from glutheory.activations import Activation, activation
from glutheory.activations.parser import parse_expression
from glutheory.ground.balls import bits_of, precision
from glutheory.ground.exact import Point
from glutheory.quadrature import enclose
from glutheory.symbolic import evaluation, moments, powers_of_c
from glutheory.symbolic.duals import dual
from glutheory.symbolic.evaluation import evaluate_balls
from glutheory.symbolic.kolmogorov import rule
from glutheory.symbolic.powers_of_c import PowerSeries
from tests.strategies import by_name
from tests.zoo import LOGISTIC

#: Terms with and without κ, steps and deltas among the latter, two random scales, powers beside and before.
FORMULAS = (
    "z*sigmoid(z) + 3*max(0,z)**2 + erf(z)",
    "sigmoid(z) + sigmoid(-3*z)",
    "z**2*sigmoid(z) - 1",
    "z**3*sigmoid(z) + sign(z)",
    "exp(-z**2) + tanh(z)",
    "softplus(2*z) + z*gelu(z)",
)
ACTIVATIONS = (*map(activation, LOGISTIC), *(Activation(text, parse_expression(text)) for text in FORMULAS))
VARIANCES = [("1", "1"), ("1/100", "1/100"), ("100", "100"), ("1/100", "100"), ("4", "9")]
CORRELATIONS = ["3/10", "-99/100", "999999/1000000", "1", "-1", "0"]


def _point(variances: tuple[str, str], rho: str) -> Point:
    a, b = map(Fraction, variances)
    root = Fraction(round((100 * a) ** 0.5 * (100 * b) ** 0.5), 100)
    assert root * root == a * b
    return Point(a, b, Fraction(rho) * root)


def _series(act: Activation, point: Point, bits: int) -> PowerSeries:
    found = dual(act)
    series = PowerSeries.plan((found.s, found.t), point.balls(), rule(bits), bits, bool(point.a == point.b))
    assert series is not None
    return series


def _agree(act: Activation, point: Point, digits: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Either way, whatever it costs."""
    found = []
    for start in (-1e12, 1e12):
        monkeypatch.setattr(powers_of_c, "_START", start)
        found.append(evaluate_balls(dual(act), point, digits))
    with precision(2 * bits_of(digits)):
        for one, two in zip(*found, strict=True):
            assert one.overlaps(two) or one == two
            # both have their digits: overlapping is agreeing
            if one.is_finite() and not one.contains(0):
                assert min(one.rel_accuracy_bits(), two.rel_accuracy_bits()) >= 3.32 * digits


@pytest.mark.long
@pytest.mark.parametrize("act", ACTIVATIONS, ids=by_name)
@pytest.mark.parametrize(
    "variances", [VARIANCES[0], *(pytest.param(v, marks=pytest.mark.slow) for v in VARIANCES[1:])], ids=str
)
def test_the_double_sum_and_the_series_agree(
    act: Activation, variances: tuple[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for rho in CORRELATIONS:
        if act.name == "tanh" and rho == "0":
            continue  # an exact zero: its digits are decimals, and take both ways long
        _agree(act, _point(variances, rho), 20, monkeypatch)


@pytest.mark.slow
@pytest.mark.parametrize("act", ACTIVATIONS, ids=by_name)
@pytest.mark.parametrize(("variances", "rho"), [(("1", "1"), "99/100"), (("4", "9"), "1"), (("1/100", "100"), "-1")])
@pytest.mark.parametrize("digits", [50, 100])
def test_more_digits(
    act: Activation, variances: tuple[str, str], rho: str, digits: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    _agree(act, _point(variances, rho), digits, monkeypatch)


@pytest.mark.parametrize("name", LOGISTIC)
@pytest.mark.parametrize("rho", ["3/10", "-99/100", "1"])
def test_the_defining_integral(name: str, rho: str) -> None:
    for variances in (("1", "1"), ("1/100", "100")):
        point = _point(variances, rho)
        ours = evaluate_balls(dual(activation(name)), point, 60)
        with precision(400):
            for one, two in zip(ours, enclose(name, point.a, point.b, point.c, digits=60), strict=True):
                assert one.overlaps(two)
                # road 2's radius refers to the scale, which is below 200 here
                assert max(one.rad(), two.rad()) < arb(10) ** -57


@pytest.mark.parametrize("digits", [200, 300])
def test_hundreds_of_digits(digits: int) -> None:
    """T of softplus is S of sigmoid: shifts by one derivative, κ² before the densities or not."""
    point = Point(Fraction(2), Fraction(1, 2), Fraction(-7, 10))
    S, T = (
        evaluate_balls(dual(activation("sigmoid")), point, digits),
        evaluate_balls(dual(activation("softplus")), point, digits),
    )
    with precision(2 * bits_of(digits)):
        assert S[0].overlaps(T[1])
        assert min(S[0].rel_accuracy_bits(), T[1].rel_accuracy_bits()) >= 3.32 * digits


@pytest.mark.parametrize("act", ACTIVATIONS, ids=by_name)
@pytest.mark.parametrize(("variances", "rho"), [(("1", "1"), "9/10"), (("100", "100"), "-1"), (("1/100", "100"), "1")])
def test_the_tail_is_bounded(act: Activation, variances: tuple[str, str], rho: str) -> None:
    """A series cut off anywhere holds the longer one; and without its tail's bound it does not."""
    point, bits = _point(variances, rho), 64
    with precision(bits):
        series = _series(act, point, bits)
        wholes = series.sums(point.balls()[2])
        for product, whole in zip(series.products, wholes, strict=True):
            for length in {product.order, product.order + 1, product.order + 6, (product.order + product.length) // 2}:
                cut = replace(product, length=length).value(point.balls()[2])
                assert cut.contains(whole.mid())
                if length == product.order + 6 and cut.is_finite() and cut.rad() > 1e-9:
                    assert not (cut.mid() + arb(0, whole.rad())).overlaps(whole)


def test_the_tail_bound_is_no_wild_overestimate() -> None:
    with precision(128):
        point = _point(("1", "1"), "9/10")
        series = _series(activation("sigmoid"), point, 128)
        whole = series.sums(point.balls()[2])[0]
        cut = replace(series.products[0], length=21).value(point.balls()[2])
        assert cut.rad() < 10 * abs(cut.mid() - whole)


def test_power_sums_are_power_sums() -> None:
    """Against sums term by term, with a need that falls: what is dropped is in the radius."""
    with precision(200):
        v = [1 / (1 + arb(2) ** (i - 20)) for i in range(40)]
        starts = [[arb(i + 1) / 3 for i in range(40)], [arb(2) ** -i for i in range(40)]]
        for need in (lambda _: 200, lambda power: 200 - power // 3):
            found = moments._power_sums(starts, v, 500, need)
            for row, start in zip(found, starts, strict=True):
                for power in (0, 1, 7, 99, 300, 499):
                    exact = sum((g * x**power for g, x in zip(start, v, strict=True)), arb(0))
                    assert row[power].overlaps(exact)
                    # products of 500 factors lose 9 bits
                    assert row[power].rel_accuracy_bits() >= need(power) - 16


def test_the_cheaper_way_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    taken: list[int] = []
    average = evaluation._average

    def noted(*arguments: Any) -> list[arb]:
        taken.append(1)
        return average(*arguments)

    monkeypatch.setattr(evaluation, "_average", noted)
    silu = dual(activation("silu"))
    for variances, rho, double in (
        (("1", "1"), "3/10", False),
        (("1", "1"), "1", False),
        (("1/100", "100"), "-1", False),
        (("100", "100"), "3/10", False),
        (("100", "100"), "1", True),
    ):
        taken.clear()
        evaluate_balls(silu, _point(variances, rho), 30)
        assert bool(taken) is double


def test_exponentials_are_left_to_the_double_sum() -> None:
    act = Activation("own", parse_expression("sin(z) + tanh(z)"))
    with precision(64):
        point = _point(("1", "1"), "3/10")
        assert PowerSeries.plan((dual(act).s,), point.balls(), rule(64), 64, True) is None
