"""`glutheory evaluate`: both roads, exact values, and every printed digit right."""

import json
import re
from fractions import Fraction

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from glutheory.commands import evaluate
from tests.commands.command_line import good, run
from tests.zoo import CLOSED, LOGISTIC


def test_the_example_of_the_readme() -> None:
    text = good("evaluate", "silu", "--a", "2", "--b", "0.5", "--c", "0.3", "--digits", "60")
    assert re.fullmatch(r"S = 0\.\d{60}\nT = 0\.\d{60}\n", text)


def test_negative_numbers_and_fractions() -> None:
    decimal = good("evaluate", "gelu", "--a", "2", "--b", "0.5", "--c", "-0.3")
    assert decimal == good("evaluate", "gelu", "--a=2", "--b=1/2", "--c=-3/10")


def test_exact_values_are_printed_plainly() -> None:
    assert good("evaluate", "relu", "--a", "1", "--b", "1", "--c", "1") == "S = 0.5\nT = 0.5\n"
    assert good("evaluate", "identity", "--a", "1", "--b", "1", "--c", "-0.3") == "S = -0.3\nT = 1\n"
    assert good("evaluate", "step", "--a", "1", "--b", "1", "--c", "1") == "S = 0.5\nT = inf\n"
    short = ("--a", "1", "--b", "2", "--c", "0", "--digits", "5")
    assert good("evaluate", "tanh", *short) == "S = 0\nT = 0.29075\n"
    assert good("evaluate", "swiglu", *short).endswith("T = 0.25\n")
    assert good("evaluate", "gelu", "--a", "0", "--b", "2", "--c", "0").startswith("S = 0\n")


@pytest.mark.parametrize("name", ["relu", "gelu", "tanh", "exp"])
def test_both_roads_agree(name: str) -> None:
    text = good("evaluate", name, "--a", "2", "--b", "1", "--c", "0.5", "--road", "both", "--digits", "20")
    assert "the roads agree (S: 20 digits, T: 20 digits)" in text
    first, second = (re.findall(rf"= (\S+)   \(road {road}\)", text) for road in "12")
    assert first == second


def test_the_integral_of_an_exact_zero() -> None:
    text = good("evaluate", "tanh", "--a", "1", "--b", "1", "--c", "0", "--road", "both", "--digits", "15")
    assert "S = 0 +/- " in text
    # both balls are around 0 and of some size: neither road knows that it is exactly 0
    assert re.search(r"S: 0 or below \de-\d+ in both", text)


def test_roads_that_disagree_are_loud(monkeypatch) -> None:
    from flint import arb

    def broken(act, point, digits, road):  # noqa: ARG001
        return [evaluate.Value(name, road, road, arb(road)) for name in "ST"]

    monkeypatch.setattr(evaluate, "road_values", broken)
    result = run("evaluate", "relu", "--a", "1", "--b", "1", "--c", "0", "--road", "both")
    assert result.exit_code == 1
    assert "WRONG: the roads DISAGREE" in result.stdout


def test_evaluate_json() -> None:
    arguments = ("--a", "1", "--b", "1", "--c", "1/3", "--digits", "10")
    record = json.loads(good("evaluate", "sin", *arguments, "--road", "both", "--json"))
    assert record["c"] == "1/3"
    assert record["roads_agree"] is True
    evaluate = {record["roads"][road]["S"]["value"] for road in "12"}
    assert len(evaluate) == 1
    Fraction(evaluate.pop())


rational = st.fractions(min_value=Fraction(1, 100), max_value=100, max_denominator=100)


@given(
    st.sampled_from([act.name for act in CLOSED]),
    rational,
    rational,
    st.fractions(min_value=-1, max_value=1, max_denominator=20),
    st.integers(1, 40),
)
@example("gelu", Fraction(1), Fraction(1), Fraction(-99, 100), 7)
@example("relu", Fraction(1, 100), Fraction(100), Fraction(-1), 12)
@example("exp", Fraction(100), Fraction(100), Fraction(1), 3)
@pytest.mark.slow
def test_every_printed_digit_is_right(name: str, a: Fraction, b: Fraction, rho: Fraction, digits: int) -> None:
    # |c| <= min(a, b) keeps any ρ admissible
    point = ("--a", str(a), "--b", str(b), "--c", str(rho * min(a, b)))
    short = dict(re.findall(r"([ST]) = (\S+)", good("evaluate", name, *point, "--digits", str(digits))))
    long = dict(re.findall(r"([ST]) = (\S+)", good("evaluate", name, *point, "--digits", str(digits + 30))))
    for key in "ST":
        if short[key] == long[key]:
            continue
        printed, exact = Fraction(short[key]), Fraction(long[key])
        mantissa, _, exponent = short[key].partition("e")
        unit = Fraction(10) ** (int(exponent or 0) - len(mantissa.partition(".")[2]))
        # within half a unit of the last digit printed, and no digit fewer than asked for
        assert abs(printed - exact) <= unit * Fraction(1, 2) * (1 + Fraction(1, 10**20))
        assert len(mantissa.lstrip("-0.").replace(".", "")) >= digits - 1


@pytest.mark.parametrize("name", LOGISTIC)
def test_every_printed_digit_of_the_logistic_family_is_right(name: str) -> None:
    point = ("--a", "1", "--b", "0.3", "--c", "-0.2")
    short = re.findall(r"= (\S+)", good("evaluate", name, *point, "--digits", "12"))
    long = re.findall(r"= (\S+)", good("evaluate", name, *point, "--digits", "30"))
    for printed, exact in zip(short, long, strict=True):
        places = len(printed.partition(".")[2])
        assert round(Fraction(exact), places) == Fraction(printed)
