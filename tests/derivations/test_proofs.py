"""The proof scripts: every step is confirmed, says its rule and has its grade."""

from dataclasses import replace

import pytest
import sympy as sp

from derivations import catalog
from derivations.tools import render
from derivations.tools.proof import CERTIFICATE, PROOF, Outcome, Proof, Step, both
from derivations.tools.proof import run as run_proof
from derivations.tools.zero import zero
from tests.derivations.committed_pages import NAMES, texts

#: One proof for each kernel family and identity; further ones are welcome.
PROMISED = {
    "arc_cosine",
    "arcsine_family",
    "decorrelation",
    "degree_shift",
    "erf",
    "expected_loss",
    "gelu",
    "hadamard",
    "hermite_series",
    "logistic_mixture",
    "majorisation",
    "ntk_gated",
    "ntk_plain",
    "products",
    "relu_expansion",
    "smallest_eigenvalue",
}


# ---------------------------------------------------------------- the proofs


def test_the_promised_proofs_are_there():
    assert set(NAMES) >= PROMISED


@pytest.mark.parametrize("name", NAMES)
def test_every_step_is_confirmed_and_the_page_is_current(name):
    """What takes long, running a script, is done once for all that is asked of the run."""
    run = run_proof(catalog.load(name))
    assert run.failure is None
    assert len(run.outcomes) == len(run.proof.steps)
    assert all(outcome.passed for outcome in run.outcomes)
    assert run.count(PROOF) + run.count(CERTIFICATE) == len(run.proof.steps)
    if name in PROMISED - {"hermite_series", "logistic_mixture"}:
        assert run.count(CERTIFICATE) == 0  # the closed forms and identities are proved and not only certified
    # rendered from the script loaded again: nothing in the page depends on the run's own objects
    assert render.markdown(name, replace(run, proof=catalog.load(name))) == texts()[f"{name}.md"]


@pytest.mark.parametrize("name", NAMES)
def test_every_step_says_its_rule_and_every_proof_its_notation(name):
    proof = catalog.load(name)
    assert all((proof.title, proof.source, proof.summary, proof.notation))
    for step in proof.steps:
        assert step.rule
        assert not step.rule.endswith(".")  # the page adds the full stop


# ---------------------------------------------------------------- records


@pytest.mark.parametrize(
    "build",
    [
        lambda: Outcome(True, "belief", "faith"),
        lambda: Proof("empty", "", "", "", ()),
        lambda: Proof("twice", "", "", "", (Step("same", "", "", zero), Step("same", "", "", zero))),
        both,
        zero,
    ],
)
def test_a_proof_of_nothing_is_refused(build):
    with pytest.raises(ValueError, match=r"use|needs|own name|nothing"):
        build()


def test_the_weakest_grade_counts():
    strong, weak = zero(sp.S.Zero), Outcome(True, CERTIFICATE, "balls")
    assert both(strong, weak).grade == CERTIFICATE
    assert both(strong, strong).grade == PROOF
