"""Every proof script notices mistakes in it: at least two of each, at the step that is named beside it."""

from collections import Counter

import pytest

from derivations import catalog
from derivations.tools.proof import CheckError
from tests.derivations.script_mutants import MUTANTS, altered


def test_every_script_has_two_mistakes_at_places_and_steps_that_exist():
    counts = Counter(mutant.script for mutant in MUTANTS)
    assert {name: counts[name] for name in catalog.names() if counts[name] < 2} == {}
    for mutant in MUTANTS:
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
