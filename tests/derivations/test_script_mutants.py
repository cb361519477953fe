"""Every proof script notices mistakes in it: at least two of each, at the step that is named beside it."""

from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest

from derivations import catalog
from derivations.tools.proof import CheckError
from derivations.tools.runs import is_decided, run
from tests.derivations.script_mutants import MUTANTS, STATEMENTS, UNSEEN, altered


def test_every_script_has_two_mistakes_at_places_and_steps_that_exist():
    counts = Counter(mutant.script for mutant in MUTANTS)
    assert {name: counts[name] for name in catalog.names() if counts[name] < 2} == {}
    for mutant in (*MUTANTS, *STATEMENTS, *UNSEEN):
        assert mutant.path.read_text(encoding="utf-8").count(mutant.old) == 1, mutant
        assert mutant.step in {step.name for step in catalog.load(mutant.script).steps}, mutant


@pytest.mark.long
@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: f"{mutant.script}-{mutant.step}".replace(" ", "-"))
def test_a_mistake_in_a_script_stops_the_step_that_it_concerns(mutant, monkeypatch, tmp_path):
    (step,) = [step for step in altered(mutant, monkeypatch, tmp_path).steps if step.name == mutant.step]
    try:
        outcome = step.run()
    except CheckError:
        # a check that breaks off does not confirm; but a script that no longer runs would be no test of a step
        pytest.fail(f"{mutant} broke off")
    assert not outcome.passed  # that it passes without the mistake is in test_proofs


def shown(mutant, monkeypatch, folder):
    """The step and its outcome, the sentence read, with the mistake in it and without."""
    right = catalog.load(mutant.script)  # before the module is exchanged
    for proof in (altered(mutant, monkeypatch, folder), right):
        step = next(step for step in proof.steps if step.name == mutant.step)
        yield step, run(replace(proof, steps=(step,))).outcomes[0]


@pytest.mark.parametrize("mutant", STATEMENTS, ids=lambda mutant: f"{mutant.script}-{mutant.new}".replace(" ", "")[:60])
def test_a_mistake_in_a_statement_is_not_called_decided(mutant, monkeypatch, tmp_path):
    (step, wrong), (old, right) = shown(mutant, monkeypatch, tmp_path)
    assert step.statement != old.statement
    assert is_decided(old, right)
    assert wrong.passed  # the check is as it was: it is the sentence that is refused
    # a relation less follows, or one more is displayed that does not
    assert wrong.compared.shown - wrong.compared.found > right.compared.shown - right.compared.found
    assert wrong.compared.against
    assert not is_decided(step, wrong)


@pytest.mark.parametrize("mutant", UNSEEN, ids=lambda mutant: f"{mutant.script}-{mutant.step}".replace(" ", "-"))
def test_what_only_a_reader_sees_is_marked_and_named_in_the_docs(mutant, monkeypatch, tmp_path):
    (step, wrong), (_, right) = shown(mutant, monkeypatch, tmp_path)
    assert wrong.compared == right.compared
    assert is_decided(step, wrong)
    assert not wrong.compared.whole
    page = (Path(__file__).parents[2] / "docs" / "how-a-claim-is-verified.md").read_text(encoding="utf-8")
    assert f"`{mutant.script}`, {mutant.step}" in " ".join(page.split())
