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
    Figure,
    Finding,
    Grade,
    Outcome,
    Part,
    Verdict,
    decide,
    stored,
    unshown,
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
ABSENT = Part("absent", "w", Fate.OPEN, "needs its files")
JUDGED = evidence(Finding.SUPPORTS, part="images: absent")
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
        # what nothing judged neither holds nor fails; whatever bears its name judges it
        ([YES, BETTER], (SHARPER, ABSENT), Verdict.INCONCLUSIVE, (ABSENT,)),
        ([YES, JUDGED, BETTER], (SHARPER, ABSENT), Verdict.HOLDS, ()),
        ([YES, replace(JUDGED, about=About.CORRECTED)], (ABSENT,), Verdict.INCONCLUSIVE, (ABSENT,)),
        ([YES, replace(JUDGED, finding=Finding.UNDECIDED)], (ABSENT,), Verdict.INCONCLUSIVE, ()),
        ([YES, replace(JUDGED, finding=Finding.REFUTES), BETTER], (SHARPER, ABSENT), Verdict.WEAKER, (ABSENT,)),
        ([NO, BETTER], (SHARPER, ABSENT), Verdict.WEAKER, (ABSENT,)),
        ([NO, JUDGED, BETTER], (SHARPER, ABSENT), Verdict.CORRECTED, ()),
        ([NO], (ABSENT,), Verdict.FAILS, ()),
    ],
)
def test_a_weaker_correction_is_not_the_claim(
    pieces: list[Evidence], parts: tuple[Part, ...], verdict: Verdict, dropped: tuple[Part, ...]
) -> None:
    assert decide([HELD], pieces, [CAUGHT], parts) is verdict
    found = Outcome(replace(CLAIM, parts=parts), (HELD,), tuple(pieces), (CAUGHT,), verdict, "")
    assert found.dropped == dropped
    assert found.as_json()["dropped"] == [part.name for part in dropped]


@pytest.mark.parametrize(
    ("pieces", "found"),
    [
        ([NO, BETTER], ()),  # it refutes the whole
        ([evidence(Finding.REFUTES, part="case 1: opposite"), BETTER], ()),
        ([NO_KEPT, evidence(Finding.SUPPORTS, part="opposite"), BETTER], (OPPOSITE,)),
        ([evidence(Finding.REFUTES, About.CORRECTED, part="opposite")], (OPPOSITE,)),
        ([], (OPPOSITE,)),
    ],
)
def test_what_is_called_reversed_is_refuted(pieces: list[Evidence], found: tuple[Part, ...]) -> None:
    assert unshown((KEPT, LESS, OPPOSITE), pieces) == found


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
        (("n", "w", Fate.OPEN), "say in instead"),
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


# ---------------------------------------------------------------- proof scripts and their decided steps


def script(name: str, decided: int, steps: int, part: str = "") -> Evidence:
    grade = Grade.PROOF if decided == steps else Grade.ARGUMENT
    figures: dict[str, Figure] = {"script": name, "steps": steps, "decided": decided}
    return Evidence(grade, f"{name} was run", Finding.SUPPORTS, part=part, figures=figures)


def outcome_of(*items: Evidence) -> Outcome:
    return Outcome(CLAIM, (HELD,), items, (CAUGHT,), Verdict.HOLDS, "1")


@pytest.mark.parametrize(
    ("items", "graded"),
    [
        ((script("a", 8, 8),), "proof, 8 of 8 decided"),
        ((script("a", 7, 8),), "argument, 7 of 8 decided"),
        ((script("a", 8, 8), script("b", 3, 5)), "argument, 3 of 5 decided"),  # one proof of two scripts
        ((script("a", 8, 8, "x"), script("b", 3, 5, "y")), "argument, 3 of 5 decided"),
        ((script("a", 2, 4, "x"), script("b", 3, 5, "y")), "argument, 5 of 9 decided"),
        ((script("a", 2, 4, "x"), script("a", 2, 4, "y")), "argument, 2 of 4 decided"),
        ((script("a", 0, 8), evidence(Finding.SUPPORTS, grade=Grade.CERTIFICATE)), "argument, 0 of 8 decided"),
        ((script("a", 0, 8), YES), "proof"),  # an identity beside it decides the whole
        ((script("a", 8, 8, "x"), evidence(Finding.SUPPORTS, grade=Grade.NUMERICAL, part="y")), "numerical"),
        ((evidence(Finding.SUPPORTS, grade=Grade.ARGUMENT),), "argument, count not recorded"),
        ((), "none"),
    ],
)
def test_a_grade_says_how_many_steps_are_decided(items: tuple[Evidence, ...], graded: str) -> None:
    assert outcome_of(*items).graded == graded


def test_of_two_verdicts_in_one_the_weaker_grade_counts_with_its_steps() -> None:
    def weaker(against: Evidence, instead: Evidence) -> Outcome:
        pieces = (replace(against, finding=Finding.REFUTES), replace(instead, about=About.CORRECTED))
        return Outcome(CLAIM, (HELD,), pieces, (CAUGHT,), Verdict.WEAKER, "1")

    certified = evidence(Finding.REFUTES, grade=Grade.CERTIFICATE)
    assert weaker(script("a", 2, 2), script("b", 3, 5)).graded == "argument, 3 of 5 decided"
    assert weaker(script("a", 1, 2), script("b", 5, 5)).graded == "argument, 1 of 2 decided"
    assert weaker(certified, script("b", 3, 5)).graded == "certificate"
    assert weaker(script("a", 2, 2), script("b", 5, 5)).grade is Grade.PROOF


def test_a_proof_stored_before_its_decided_steps_were_counted_is_read_as_an_argument() -> None:
    row = outcome_of(script("a", 8, 8)).as_json()
    assert stored.outcome(row).graded == "proof, 8 of 8 decided"
    del row["evidence"][0]["figures"]["decided"]  # as in files of earlier versions, whose grade is "proof" all the same
    old = stored.outcome(row)
    assert (row["grade"], old.grade, old.graded) == ("proof", Grade.ARGUMENT, "argument, count not recorded")
    assert stored.outcome(old.as_json()) == old  # written again it says so itself
    row["grade"] = "certificate"
    with pytest.raises(DomainError, match="its evidence gives"):
        stored.outcome(row)


def test_an_identity_in_an_old_file_stays_a_proof() -> None:
    row = outcome_of(Evidence(Grade.PROOF, "reduced", Finding.SUPPORTS, figures={"identities": 3})).as_json()
    assert stored.outcome(row).graded == "proof"
