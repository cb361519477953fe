"""Negative controls of the proofs: wrong steps, mistakes in scripts and wrong results of the engine are refuted."""

from dataclasses import replace

import pytest
import sympy as sp

from derivations.proofs import (
    arc_cosine,
    arcsine_family,
    erf,
    gelu,
    hadamard,
    logistic_mixture,
    mehler,
    ntk_gated,
    ntk_plain,
    products,
)
from derivations.tools.arcsine import at_zero, p, q, read, solves, theta, vanish, w
from derivations.tools.finite_width import FRONT, GAMMA, Small, agrees, polynomial, sigma_v
from derivations.tools.gauss import integrate_exponential, moment, u
from derivations.tools.half_line import X
from derivations.tools.means import Means
from derivations.tools.proof import Proof, Step, both, confirmed, every
from derivations.tools.runs import run as run_proof
from derivations.tools.zero import zero
from glutheory.activations import activation
from glutheory.symbolic.duals import dual as engine_dual
from glutheory.symbolic.gaussian import a, b, c

S, T = sp.symbols("S T", real=True)
ONE_HALF = sp.Rational(1, 2)
WRONG_STEPS = {
    "a missing factor 2 in the arc-cosine kernel": solves(
        arc_cosine.CLOSED[1] / 2, arc_cosine.CLOSED[0], start=(p * q / (2 * sp.pi),)
    ),
    "the wrong sign of the arcsine": solves(
        ONE_HALF**2 - theta / (2 * sp.pi), 1 / (2 * sp.pi * w), start=(ONE_HALF**2,)
    ),
    "the wrong value at c = 0": solves(arc_cosine.CLOSED[1], arc_cosine.CLOSED[0], start=(p * q / sp.pi,)),
    "the wrong initial slope": solves(
        gelu.CLOSED + c, gelu.elementary(), order=2, start=(at_zero(gelu.CLOSED), sp.Rational(1, 4))
    ),
    "T for S in Eq. 3": lambda: zero(ntk_plain.equation_three().subs({S: T, T: S}) - ntk_plain.equation_three()),
    "E[u²v²] without the factor 2": lambda: zero(moment(2, 2) - (a * b + c**2)),
    "Williams without the factor 2": lambda: vanish(read(erf.williams(), ONE_HALF, ONE_HALF) - theta / sp.pi),
    "an integral with the wrong variance": lambda: zero(integrate_exponential(-(u**2) / (2 * a), (u,))[0] - sp.pi * a),
    "an outcome that fails beside one that passes": lambda: both(zero(sp.S.Zero), zero(a)),
    "a certificate that does not overlap": lambda: confirmed(False, Means.POINTS, "disjoint balls"),
}


@pytest.mark.parametrize("label", WRONG_STEPS)
def test_a_wrong_step_is_refuted(label):
    good = Step("right", "1 = 1", "trivial", lambda: zero(sp.S.Zero), every())
    wrong = Step(label, "0 = 1", "none", WRONG_STEPS[label], every())
    run = run_proof(Proof("wrong", "test", "wrong", "none", (good, wrong, replace(good, name="last"))))
    assert run.failure is not None
    assert run.failure.step is wrong
    assert "refuted" in run.failure.reason


#: (module, name in it, wrong value, step that must notice): a mistake in a script's own formula.
MISTAKES = [
    (arc_cosine, "CLOSED", {**arc_cosine.CLOSED, 2: 2 * arc_cosine.CLOSED[2]}, "k = 2"),
    (erf, "CLOSED", -erf.CLOSED, "integrate in c"),
    (erf, "CLOSED", erf.CLOSED / 2, "integrate in c"),
    (gelu, "CLOSED", gelu.CLOSED + c / 4, "integrate twice in c"),
    (gelu, "tsuchida", lambda: gelu.CLOSED.subs(theta, 0), "the formula of Tsuchida et al."),
    (arcsine_family, "CDF", ONE_HALF**2 - theta / (2 * sp.pi), "distribution functions"),
    (arcsine_family, "RAMP", arcsine_family.RAMP - 1 / w, "ramps"),
    (logistic_mixture, "SOFT", 2 * logistic_mixture.SOFT, "softplus"),
    (logistic_mixture, "RAMP", arcsine_family.RAMP + c, "SiLU"),
    (logistic_mixture, "logistic", lambda z: 1 / (1 + sp.exp(-2 * z)), "characteristic function of the logistic law"),
    (ntk_plain, "equation_three", lambda: ntk_plain.m * T, "Eq. 3"),
    (ntk_gated, "equation_four", ntk_plain.equation_three, "Eq. 4, block by block"),
    (hadamard, "gated", hadamard.plain, "the two kernels"),
    (mehler, "he", lambda k, x=X: x**k, "Hermite polynomials"),
    (
        products,
        "formula",
        lambda S, T, inner: [sp.Mul(*S), *(inner * t for t in T)],
        "the formula, for any number of branches",
    ),
]


@pytest.mark.long
@pytest.mark.parametrize(("module", "attribute", "wrong", "step"), MISTAKES)
def test_a_mistake_in_a_script_is_found_at_the_right_step(module, attribute, wrong, step, monkeypatch):
    monkeypatch.setattr(module, attribute, wrong)
    run = run_proof(module.proof())
    assert run.failure is not None
    assert run.failure.step.name == step


@pytest.mark.long
@pytest.mark.parametrize(
    ("module", "other", "step"),
    [
        (arc_cosine, "relu2", "the engine agrees"),
        (gelu, "normal_cdf", "the engine agrees"),
        (arcsine_family, "erf", "the cases"),
        (logistic_mixture, "tanh", "sigmoid and tanh"),
    ],
)
def test_a_wrong_result_of_the_engine_is_found(module, other, step, monkeypatch):
    """The engine is replaced by one that derives another activation's kernel."""
    monkeypatch.setattr(module, "dual", lambda _: engine_dual(activation(other)))
    run = run_proof(module.proof())
    assert run.failure is not None
    assert run.failure.step.name == step


def small(width=2):
    return Small((polynomial(2, "c"),), (sp.Symbol("sigma_w", positive=True),), sigma_v, width, 2)


def blocks(network, *, factor=sp.S.One, swap=False):
    first, second = network.duals(0)
    if swap:
        first, second = second, first
    size = network.width * FRONT**2
    return [size * first, factor * size * sigma_v**2 * GAMMA**2 * network.gram[2] * second]


def nngp(network):
    return network.width * FRONT**2 * sigma_v**2 * network.duals(0)[0]


def test_brute_force_confirms_the_formula_and_refutes_its_neighbours():
    networks = [small(1), small(2)]
    assert agrees(networks, blocks, nngp).passed
    assert not agrees(networks, lambda n: blocks(n, factor=sp.Integer(2)), nngp).passed
    assert not agrees(networks, lambda n: blocks(n, swap=True), nngp).passed
    assert not agrees(networks, blocks, lambda n: nngp(n) * n.width).passed
