"""The records of claims, the rule of the verdict, and the statistical test with its guaranteed errors."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from checks.tools.statistics import MeanTest
from glutheory.claims import (
    SCHEMA,
    About,
    Assumption,
    Claim,
    Control,
    Evidence,
    Fate,
    Finding,
    Grade,
    Outcome,
    Part,
    Verdict,
    decide,
)
from glutheory.errors import DomainError

CLAIM = Claim("some-claim", "Eq. 0", "x = x", "nothing", ())
HELD = Assumption("a", "a holds", True, "1")
CAUGHT = Control("wrong", True, "everything")


def evidence(finding: Finding, about: About = About.LITERAL, grade: Grade = Grade.PROOF, part: str = "") -> Evidence:
    return Evidence(grade, "something", finding, about, part)


YES, NO, OPEN = (evidence(finding) for finding in (Finding.SUPPORTS, Finding.REFUTES, Finding.UNDECIDED))
BETTER, WORSE = (evidence(finding, About.CORRECTED) for finding in (Finding.SUPPORTS, Finding.REFUTES))


@pytest.mark.parametrize(
    ("pieces", "verdict"),
    [
        ([YES], Verdict.HOLDS),
        ([YES, YES], Verdict.HOLDS),
        ([YES, NO], Verdict.FAILS),
        ([NO], Verdict.FAILS),
        ([NO, BETTER], Verdict.WEAKER),
        ([NO, BETTER, WORSE], Verdict.FAILS),
        ([YES, OPEN], Verdict.INCONCLUSIVE),
        ([YES, WORSE], Verdict.INCONCLUSIVE),
        ([BETTER], Verdict.INCONCLUSIVE),
        ([], Verdict.INCONCLUSIVE),
    ],
)
def test_the_rule_of_the_verdict(pieces: list[Evidence], verdict: Verdict) -> None:
    assert decide([HELD], pieces, [CAUGHT]) is verdict
    # without teeth, or outside its assumptions, a check concludes nothing
    assert decide([HELD], pieces, []) is Verdict.INCONCLUSIVE
    assert decide([HELD], pieces, [CAUGHT, Control("wrong", False, "-")]) is Verdict.INCONCLUSIVE
    assert decide([Assumption("a", "a", False, "0")], pieces, [CAUGHT]) is Verdict.INCONCLUSIVE


KEPT, SHARPER = Part("kept", "w", Fate.KEPT), Part("sharper", "w", Fate.SHARPENED, "with a rate")
LESS, OPPOSITE = Part("less", "w", Fate.DROPPED, "for some n"), Part("opposite", "w", Fate.REVERSED, "not always")
NO_KEPT = evidence(Finding.REFUTES, part="case 1: kept")


@pytest.mark.parametrize(
    ("pieces", "parts", "verdict", "dropped"),
    [
        ([NO, BETTER], (SHARPER,), Verdict.CORRECTED, ()),
        ([NO, BETTER], (KEPT, SHARPER), Verdict.CORRECTED, ()),
        ([NO, BETTER], (KEPT, SHARPER, LESS), Verdict.WEAKER, (LESS,)),
        ([NO, BETTER], (OPPOSITE, SHARPER, LESS), Verdict.WEAKER, (OPPOSITE, LESS)),
        # it follows from what is supported, and is refuted: somebody is wrong about the parts
        ([NO, BETTER], (KEPT,), Verdict.WEAKER, ()),
        # what is refuted is not kept, whatever is said of it
        ([NO_KEPT, BETTER], (KEPT, SHARPER), Verdict.WEAKER, (KEPT,)),
        ([NO, BETTER], (), Verdict.WEAKER, ()),
        # the parts do not make a claim true or false
        ([YES, BETTER], (LESS,), Verdict.HOLDS, ()),
        ([NO, WORSE], (SHARPER,), Verdict.FAILS, ()),
        ([NO], (LESS,), Verdict.FAILS, ()),
        ([OPEN, BETTER], (SHARPER, LESS), Verdict.INCONCLUSIVE, ()),
    ],
)
def test_a_weaker_correction_is_not_the_claim(
    pieces: list[Evidence], parts: tuple[Part, ...], verdict: Verdict, dropped: tuple[Part, ...]
) -> None:
    assert decide([HELD], pieces, [CAUGHT], parts) is verdict
    found = Outcome(replace(CLAIM, parts=parts), (HELD,), tuple(pieces), (CAUGHT,), verdict, "")
    assert found.dropped == dropped
    assert found.as_json()["dropped"] == [part.name for part in dropped]


def test_a_weaker_statement_has_the_grade_of_the_weaker_half() -> None:
    for first, second in ((Grade.PROOF, Grade.NUMERICAL), (Grade.NUMERICAL, Grade.PROOF)):
        pieces = evidence(Finding.REFUTES, grade=first), evidence(Finding.SUPPORTS, About.CORRECTED, second)
        assert Outcome(CLAIM, (HELD,), pieces, (CAUGHT,), Verdict.WEAKER, "").grade is Grade.NUMERICAL


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("", "w", Fate.KEPT), "give both"),
        (("n", "", Fate.KEPT), "give both"),
        (("n", "w", Fate.KEPT, "x"), "leave instead empty"),
        (("n", "w", Fate.DROPPED), "say in instead"),
    ],
)
def test_bad_parts(arguments: tuple[Any, ...], words: str) -> None:
    with pytest.raises(DomainError, match=words):
        Part(*arguments)
    with pytest.raises(DomainError, match="a name of its own"):
        replace(CLAIM, parts=(KEPT, KEPT))


def test_the_grade_is_that_of_the_weakest_part() -> None:
    pieces = (
        evidence(Finding.SUPPORTS, part="mean"),
        evidence(Finding.SUPPORTS, grade=Grade.STATISTICAL, part="variance"),
        evidence(Finding.SUPPORTS, grade=Grade.CERTIFICATE, part="variance"),
    )
    outcome = Outcome(CLAIM, (HELD,), pieces, (CAUGHT,), Verdict.HOLDS, "")
    assert outcome.grade is Grade.CERTIFICATE
    assert Outcome(CLAIM, (), (YES,), (), Verdict.INCONCLUSIVE, "").grade is None


def test_an_outcome_as_json() -> None:
    piece = Evidence(
        Grade.STATISTICAL, "w", Finding.SUPPORTS, figures={"false_alarm": 1e-8, "z": math.inf, "n": [1, 2]}
    )
    found = Outcome(CLAIM, (HELD,), (piece,), (CAUGHT,), Verdict.HOLDS, "key").as_json()
    assert json.loads(json.dumps(found, allow_nan=False)) == found
    assert (found["schema"], found["grade"], found["verdict"]) == (SCHEMA, "statistical", "holds")
    assert found["evidence"][0]["figures"] == {"false_alarm": 1e-8, "z": "inf", "n": [1, 2]}
    odd: Any = {"x": {1}}
    with pytest.raises(DomainError, match="of type set"):
        Outcome(CLAIM, (), (Evidence(Grade.PROOF, "", Finding.SUPPORTS, figures=odd),), (), Verdict.HOLDS, "").as_json()


@pytest.mark.parametrize("name", ["", "Eq. 3", "Upper-Case", "under_score"])
def test_ids_are_in_kebab_case(name: str) -> None:
    with pytest.raises(DomainError, match="id is"):
        Claim(name, "", "", "", ())


class TestMeans:
    """Catoni's test: heavy tails, guaranteed errors."""

    def sample(self, test: MeanTest, repeats: int) -> np.ndarray:
        """Numbers of mean 0 and variance 1 with a heavy right tail (kurtosis 113), as kernel entries have."""
        rng = np.random.default_rng(1)
        return np.expm1(rng.standard_normal((test.draws, repeats)) - 0.5) / math.sqrt(math.e - 1)

    def test_false_alarms_are_rarer_than_promised(self) -> None:
        test = MeanTest(draws=150, tests=1, false_alarm=0.05)
        alarms = np.mean(test.statistic(self.sample(test, 20_000), 0.0, 1.0) > 1)
        assert alarms < 0.05

    def test_errors_of_the_resolution_are_found(self) -> None:
        test = MeanTest(draws=400, tests=10, false_alarm=1e-3, miss=0.01)
        shift = test.resolution / math.sqrt(test.draws)
        for sign in (1, -1):
            found = test.statistic(self.sample(test, 5_000), sign * shift, 1.0)
            assert np.mean(found <= 1) <= 0.01
        assert test.miss_bound(shift, 1.0) == pytest.approx(0.01)
        assert test.miss_bound(shift / 3, 1.0) == 1
        assert test.miss_bound(1e9, 1.0) <= test.miss_bound(1.0, 1.0) < 1e-9

    def test_the_resolution_is_near_the_gaussian_one(self) -> None:
        test = MeanTest(draws=10**6, tests=1, false_alarm=1e-6)
        # 4.9 + 3.1 standard errors where the tails are Gaussian
        assert 8 < test.resolution < 10.1

    @pytest.mark.parametrize(
        "arguments", [{"draws": 10}, {"tests": 0}, {"false_alarm": 0.0}, {"false_alarm": 2.0}, {"miss": 1.0}]
    )
    def test_bad_plans(self, arguments: dict[str, float]) -> None:
        with pytest.raises(DomainError):
            MeanTest(**{"draws": 1000, "tests": 3, "false_alarm": 1e-6, **arguments})  # type: ignore[arg-type]

    def test_the_sample_size_cannot_be_changed_afterwards(self) -> None:
        with pytest.raises(DomainError, match="fixed for 1000"):
            MeanTest(1000, 1, 1e-6).statistic(np.zeros(999), 0.0, 1.0)
