"""The proof scripts: every step is confirmed, says its rule and has its grade."""

from dataclasses import replace

import pytest
import sympy as sp

from derivations import catalog
from derivations.tools import render
from derivations.tools.means import Means
from derivations.tools.proof import Outcome, Proof, Step, both, confirmed, every
from derivations.tools.runs import run as run_proof
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


#: How many steps of each are decided, of how many: what the pages, the grades and the README promise.
DECIDED = {
    "arc_cosine": (9, 9),
    "arcsine_family": (8, 8),
    "centring": (9, 11),
    "crossing": (11, 11),
    "decorrelation": (15, 16),
    "degree_shift": (8, 8),
    "depth": (8, 12),
    "depth_centring": (4, 6),
    "depth_limit": (13, 13),
    "erf": (7, 7),
    "expected_loss": (12, 12),
    "gaussian_moments": (5, 5),
    "gelu": (8, 8),
    "hadamard": (6, 6),
    "hermite_series": (5, 7),
    "kolmogorov": (7, 8),
    "logistic_mixture": (6, 8),
    "majorisation": (8, 8),
    "mehler": (4, 4),
    "ntk_gated": (6, 6),
    "ntk_plain": (7, 7),
    "phase_boundary": (10, 11),
    "price": (4, 4),
    "products": (5, 5),
    "relu_expansion": (9, 10),
    "signal": (11, 11),
    "smallest_eigenvalue": (7, 7),
    "spectral_orders": (7, 10),
    "steps_to_error": (11, 11),
}

#: Of how many steps the displayed statement was compared with what was decided, whole; of the others there are none.
COMPARED = {
    "arc_cosine": 1,
    "arcsine_family": 1,
    "crossing": 7,
    "degree_shift": 6,
    "erf": 1,
    "expected_loss": 9,
    "gelu": 1,
    "hadamard": 5,
    "majorisation": 4,
    "ntk_gated": 4,
    "ntk_plain": 4,
    "smallest_eigenvalue": 5,
    "steps_to_error": 4,
}

# ---------------------------------------------------------------- the proofs


def test_the_promised_proofs_are_there():
    assert set(NAMES) >= PROMISED


#: The longest; `python -m derivations --check`, which .ci/run calls, runs all.
LATE = ("arc_cosine", "decorrelation", "expected_loss", "gelu", "hermite_series", "ntk_gated")


@pytest.mark.long
@pytest.mark.parametrize("name", [pytest.param(n, marks=pytest.mark.slow) if n in LATE else n for n in NAMES])
def test_every_step_is_confirmed_and_the_page_is_current(name):
    """What takes long, running a script, is done once for all that is asked of the run."""
    run = run_proof(catalog.load(name))
    assert run.failure is None
    assert len(run.outcomes) == len(run.proof.steps)
    assert all(outcome.passed for outcome in run.outcomes)
    assert (run.decided, len(run.proof.steps)) == DECIDED[name]
    assert run.compared == COMPARED.get(name, 0)
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
        lambda: Outcome(True, frozenset(), "faith"),
        lambda: Outcome(True, frozenset({"belief"}), "faith"),  # type: ignore[arg-type]
        lambda: Proof("empty", "", "", "", ()),
        lambda: Proof("twice", "", "", "", (Step("same", "", "", zero, every()), Step("same", "", "", zero, every()))),
        both,
        zero,
    ],
)
def test_a_proof_of_nothing_is_refused(build):
    with pytest.raises(ValueError, match=r"use|needs|own name|nothing"):
        build()


def test_all_means_count():
    strong, weak = zero(sp.S.Zero), confirmed(True, Means.POINTS)
    assert both(strong, weak).means == {Means.REWRITING, Means.POINTS}
    assert not both(strong, weak).exact
    assert both(strong, strong).exact
