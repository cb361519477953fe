"""Arguments and activations that sampling refuses, in one sentence."""

# ruff: noqa: E402  (the package's sampling half can be imported only where torch is)

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import sympy as sp

torch = pytest.importorskip("torch", reason="glutheory.sampling needs torch")

from glutheory import Activation, DomainError, ExpressionError, Network, UnknownNameError, product, sampling
from glutheory.activations import Z
from tests.sampling.rows import points
from tests.strategies import named

STANDARD = {"parametrization": "standard"}
BAD = np.array([[1.0, 2.0], [3.0, np.inf], [np.nan, 0.0]])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"X": BAD}, r"X has the value inf in row 1, not finite in torch.float32: remove or correct that row"),
        ({"X": torch.from_numpy(BAD)[2:]}, "X has the value nan in row 0"),
        ({"X": [[1e300, 0.0]]}, r"X has the value 1e\+300 in row 0, not finite in torch.float32"),
        ({"X": [[1e30, 0.0]]}, "relu is not finite in torch.float32: give dtype=torch.float64, or X with smaller"),
        ({"X": [[1e200, 0.0]], "dtype": torch.float64}, "not finite in torch.float64: give X with smaller norms"),
        ({"X": [1.0, 2.0]}, r"X has the shape \(2,\): give \(n, d\) with n, d >= 1"),
        ({"X": np.zeros((0, 3))}, r"X has the shape \(0, 3\)"),
        ({"X": np.zeros((3, 0))}, r"X has the shape \(3, 0\)"),
        ({"X": [["a"]]}, "X has the dtype <U1: give a numpy or torch array of real numbers"),
        ({"X": [[1, 2], [3]]}, "X is no rectangular array"),
        ({"X": torch.ones(2, 2, dtype=torch.complex64)}, "X has the dtype torch.complex64"),
        ({"width": 0}, "width is 0: give an integer >= 1"),
        ({"width": 2.5}, "width is 2.5: give an integer >= 1"),
        ({"width": True}, "width is True: give an integer >= 1"),
        ({"seed": -1}, "seed is -1: give an integer >= 0"),
        ({"draw": "x"}, "draw is 'x': give an integer >= 0"),
        ({"workspace": 0}, "workspace is 0: give an integer >= 1"),
        ({"device": "abacus"}, "device is 'abacus', which torch cannot use here"),
        ({"device": "meta"}, "device is 'meta', which torch cannot use here"),
        ({"dtype": torch.float16}, "dtype is torch.float16: give torch.float32 or torch.float64"),
        ({"kind": "NTK"}, "kind is 'NTK': give 'ntk' or 'nngp'"),
        ({"kind": "nngp", "blocks": True}, "blocks is True with kind='nngp', which has no blocks"),
        ({**STANDARD, "variances": 2.0}, "variances is 2.0: give a mapping from readout, hidden to positive numbers"),
        ({"parametrization": "mup"}, "parametrization is 'mup': use 'ntk' or 'standard'"),
        ({"variances": {"hidden": 1.0}}, "weights have variance 1 in the ntk parametrisation: leave it out"),
        ({**STANDARD, "variances": {"gate": 1}}, "the key 'gate': the weights of 'relu' are readout, hidden"),
        ({**STANDARD, "variances": {"hidden": 0}}, r"variances\['hidden'\] is 0: give a positive number"),
        ({**STANDARD, "variances": {"hidden": "x"}}, r"variances\['hidden'\] is 'x'"),
        ({"network": "step"}, "activation step jumps at z = 0: .* a sampled NTK cannot see; use kind='nngp'"),
        ({"network": "sign"}, "activation sign jumps at z = 0"),
        ({"network": product("identity", "step")}, "activation step jumps at z = 0"),
    ],
    ids=named,
)  # fmt: skip
def test_bad_arguments(change: dict[str, Any], message: str) -> None:
    base = {"network": "relu", "X": points(3, 2), "width": 8, "seed": 0}
    with pytest.raises(DomainError, match=message):
        sampling.empirical_ntk(**{**base, **change})


def test_bad_activations() -> None:
    def kernel_of(expr: sp.Expr) -> None:
        net = Network("mine", (Activation("mine", expr),))
        sampling.empirical_ntk(net, points(2, 2), width=3, seed=0, kind="nngp")

    slope = sp.Symbol("slope", positive=True)
    for expr, message in (
        (slope * Z, "contains the symbol slope: give it a numeric value"),
        (sp.gamma(Z), "has SymPy's gamma, a function of which no bounds are known"),
        (sp.Heaviside(Z, 1), "torch has no Heaviside"),
    ):
        with pytest.raises((DomainError, ExpressionError), match=message):
            kernel_of(expr)
    with pytest.raises(UnknownNameError, match="did you mean 'swiglu'"):
        sampling.empirical_ntk("swiglue", points(2, 2), width=3, seed=0)
    with pytest.raises(DomainError, match="draws is 0: give an integer >= 1"):
        sampling.monte_carlo("relu", points(2, 2), width=3, draws=0, seed=0)


@pytest.mark.skipif(torch.cuda.is_available(), reason="this machine has a CUDA device")
def test_a_missing_gpu_is_said_so() -> None:
    with pytest.raises(DomainError, match="device is 'cuda', which torch cannot use here: give 'cpu'"):
        sampling.empirical_ntk("relu", points(2, 2), width=3, seed=0, device="cuda")
