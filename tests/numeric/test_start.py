"""What a Gram matrix of the zoo does without: SymPy takes longer to load than most matrices take to compute."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from glutheory.activations import Activation, activation
from glutheory.networks import GATES
from glutheory.numeric import arrays
from glutheory.numeric.duals import evaluator
from glutheory.numeric.pairs import Geometry, Radii

#: Members of the zoo with an evaluator made by hand; the others are read from their definition, by SymPy.
BY_HAND = (
    *("identity", "monomial2", "monomial3", "step", "sign", "abs", "relu", "leaky_relu", "relu2", "squared_relu"),
    *("erf", "normal_cdf", "gelu", "gaussian", "sigmoid", "tanh", "silu", "swish", "softplus", "sin", "cos", "exp"),
)
_GRAM = """
import sys
import numpy as np
import glutheory

X = np.random.default_rng(0).standard_normal((24, 4))
for name in {names}:
    network = glutheory.network(name)
    for parametrization, width in (("ntk", None), ("standard", 64)):
        nngp, ntk = glutheory.gram(network, X, kind="both", parametrization=parametrization, width=width)
    glutheory.gram(name, X, X[:3], variances={{"readout": "1/3"}})
    glutheory.entry_error(name)
    network.gate.label, hash(network), network == glutheory.network(name)
print(sorted(sys.modules.keys() & {without}))
import glutheory.spectra
glutheory.condition_number(ntk), glutheory.spectra.spectrum(ntk)
print(sorted(sys.modules.keys() & {{"sympy", "mpmath", "flint"}}))
"""


def _modules(names: tuple[str, ...]) -> list[str]:
    """Those of the heavy modules that were loaded after Gram matrices, and after a spectrum."""
    without = {"sympy", "mpmath", "flint", "scipy", "glutheory.numeric.deep", "glutheory.numeric.own"}
    if hasattr(np, "__array_api_version__"):
        without |= {"array_api_compat.numpy", "numpy.f2py"}
    code = _GRAM.format(names=names, without=without)
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.splitlines()


def test_gates_need_no_sympy() -> None:
    assert _modules((*GATES, *BY_HAND)) == ["[]", "[]"]


@pytest.mark.long
def test_functions_that_are_read_need_it() -> None:
    """The test above would see it."""
    assert "sympy" in _modules(("mish",))[0]


@pytest.mark.parametrize("name", BY_HAND)
def test_a_definition_finds_the_evaluator_of_its_name(name: str) -> None:
    """The shortcut by the name leads where reading the definition does."""
    by_name, by_definition = evaluator(activation(name)), evaluator(Activation("mine", activation(name).expr))
    r = np.array([0.3, 1.0, 2.5])
    side = Radii(np, r, lambda: (r * r, 0.0 * r))
    pairs = Geometry(np, np.array([0.2, -0.5, 0.7]), False, 0.7)
    found = [dual.values(pairs, dual.features(side), dual.features(side)) for dual in (by_name, by_definition)]
    assert by_name.degree == by_definition.degree
    for one, other in zip(*found, strict=True):
        assert (one is None and other is None) or np.array_equal(one, other)


@given(st.integers(1, 90), st.integers(1, 90), st.integers(0, 9))
def test_sums_before_and_after_the_blas_is_loaded_are_the_same(p: int, q: int, seed: int) -> None:
    """A product of two numbers and its sum are rounded once each, whoever does it."""
    rng = np.random.default_rng(seed)
    total = rng.standard_normal((p, q)) * 10.0 ** rng.integers(-20, 20, (p, q))
    x, y = rng.standard_normal((p, 1)) * 10.0 ** rng.integers(-9, 9, (p, 1)), rng.standard_normal((1, q))
    blas = total.copy()
    arrays._add_strips(blas, x, y)
    assert np.array_equal(blas, total + x * y)
