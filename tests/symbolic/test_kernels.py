"""NNGP and NTK from the network's definition: against the formulas of the paper and brute force at finite width."""

from __future__ import annotations

import itertools

import pytest
import sympy as sp

from glutheory import DomainError, UnknownNameError, activation, derivation, gated, network, network_names, product
from glutheory.activations import Activation, Z
from glutheory.networks import GATES, Network
from glutheory.symbolic import kernels as engine
from glutheory.symbolic.derived import Derivation
from glutheory.symbolic.gaussian import a, b, c
from glutheory.symbolic.kernels import d, g, kernels, m, sigma_v
from tests.zoo import BALLS, BY_BALLS

S, T = sp.symbols("S T", real=True)
sigma_p, sigma_w = sp.symbols("sigma_p sigma_w", positive=True)


@pytest.mark.parametrize("name", GATES)
def test_equation_4_the_gated_kernel(name: str) -> None:
    """ArXiv 2605.20749, Eq. 4, and its form in the NTK parametrisation."""
    standard = derivation(name, parametrization="standard").formulas
    assert (
        sp.expand(standard["ntk"] - m * ((sigma_p**2 + sigma_v**2) * g * S + sigma_v**2 * sigma_p**2 * g**2 * T)) == 0
    )
    assert sp.expand(standard["nngp"] - m * sigma_v**2 * sigma_p**2 * g * S) == 0
    ntk = derivation(name).formulas
    assert sp.expand(ntk["ntk"] - 2 * c * S - c**2 * T) == 0
    assert {key: sp.expand(ntk[key]) for key in ("readout", "value", "gate")} == {
        "readout": c * S,
        "value": c * S,
        "gate": c**2 * T,
    }


@pytest.mark.parametrize("name", ["relu", "gelu", "silu", "monomial3"])
def test_equation_3_the_plain_kernel(name: str) -> None:
    """ArXiv 2605.20749, Eq. 3."""
    standard = derivation(name, parametrization="standard").formulas
    assert sp.expand(standard["ntk"] - m * (S + sigma_v**2 * g * T)) == 0
    assert sp.expand(derivation(name).formulas["ntk"] - S - c * T) == 0
    assert set(derivation(name).blocks) == {"readout", "hidden"}


def test_products_of_branches() -> None:
    """theory: Σ = ∏ S_i, K = ∏ S_i + Σ_i c T_i ∏_{j≠i} S_j."""
    found = kernels(product("gelu", "sin", "tanh"))
    S_, T_ = zip(*((br.S, br.T) for br in found.branches), strict=True)
    expected = S_[0] * S_[1] * S_[2]
    for i in range(3):
        others = sp.Mul(*(S_[j] for j in range(3) if j != i))
        expected += g / d * T_[i] * others
    assert sp.expand(found.ntk - expected) == 0
    assert found.check().passed


def _moment(powers: tuple[int, ...], sigmas: tuple[sp.Expr, ...]) -> sp.Expr:
    value = sp.S.One
    for power, scale in zip(powers, sigmas, strict=True):
        value *= 0 if power % 2 else sp.factorial2(power - 1) * scale**power
    return value


def _brute_force(branches: tuple[sp.Expr, ...], width: int, scales: tuple[sp.Symbol, ...]) -> tuple[sp.Expr, sp.Expr]:
    """E[z z'] and E[NTK] of a network of this width with 2 inputs, all weights symbolic, by moments of the weights."""
    x, y = sp.symbols("x1 x2"), sp.symbols("y1 y2")
    v = sp.symbols(f"v1:{width + 1}")
    w = [[sp.symbols(f"w{i}_{r}_1 w{i}_{r}_2") for r in range(width)] for i in range(len(branches))]

    def output(point: tuple[sp.Symbol, ...]) -> sp.Expr:
        return sum(
            v[r]
            * sp.Mul(*(phi.subs(Z, w[i][r][0] * point[0] + w[i][r][1] * point[1]) for i, phi in enumerate(branches)))
            for r in range(width)
        )

    weights = [*v, *itertools.chain.from_iterable(itertools.chain.from_iterable(w))]
    sigmas = (*[scales[0]] * width, *[scales[1 + i] for i in range(len(branches)) for _ in range(2 * width)])

    def expect(expr: sp.Expr) -> sp.Expr:
        poly = sp.Poly(sp.expand(expr), *weights)
        return sp.expand(sum(coefficient * _moment(powers, sigmas) for powers, coefficient in poly.terms()))

    z, zp = output(x), output(y)
    return expect(z * zp), expect(sum(sp.diff(z, weight) * sp.diff(zp, weight) for weight in weights))


@pytest.mark.long
@pytest.mark.parametrize(
    ("net", "width"),
    [
        (network("monomial2"), 2),
        (Network("cubic", (Activation("z^3 - z", Z**3 - Z),)), 1),
        (network("bilinear"), 2),
        (gated(Activation("z^2 + z", Z**2 + Z)), 2),
        (product("monomial2", "monomial2", "identity"), 1),
    ],
    ids=lambda value: getattr(value, "name", value),
)
def test_the_expected_finite_width_kernel_is_the_formula_exactly(net: Network, width: int) -> None:
    """For polynomials every moment can be written out: no limit m → ∞ is involved."""
    found = derivation(net, parametrization="standard")
    x, y = sp.symbols("x1 x2"), sp.symbols("y1 y2")
    scales = (sigma_v, *(branch.sigma for branch in found.kernels.branches))
    nngp, ntk = _brute_force(tuple(act.expr for act in net.branches), width, scales)
    inner = x[0] * y[0] + x[1] * y[1]
    norms = x[0] ** 2 + x[1] ** 2, y[0] ** 2 + y[1] ** 2
    last = found.kernels.branches[-1]
    values = {a: last.sigma**2 * norms[0], b: last.sigma**2 * norms[1], c: last.sigma**2 * inner, g: inner, m: width}
    for i, branch in enumerate(found.kernels.branches[:-1], start=1):
        values |= dict(
            zip(sp.symbols(f"a_{i} b_{i}", positive=True), (branch.sigma**2 * n for n in norms), strict=True)
        )
    for ours, brute in ((found.nngp, nngp), (found.ntk, ntk)):
        assert sp.expand(ours.subs(values, simultaneous=True) - brute) == 0
        # negative control: one width more is another kernel
        assert sp.expand(ours.subs({**values, m: width + 1}, simultaneous=True) - brute) != 0


@pytest.mark.parametrize("name", network_names())
def test_every_network_is_verified(name: str) -> None:
    found = derivation(name)
    verification = found.verify()
    assert verification.passed
    assert verification.methods == ((BALLS, "symbolic") if name in BY_BALLS else ("symbolic",))
    assert sp.expand(found.ntk - sp.Add(*found.blocks.values())) == 0
    assert found.steps[0].name == "definition"
    assert found.steps[-1].name == "NTK"


@pytest.mark.parametrize("net", [network("relu"), network("reglu"), product("relu", "erf")], ids=lambda net: net.name)
def test_what_branches_are_fed_with_is_said_once(net: Network, monkeypatch: pytest.MonkeyPatch) -> None:
    """Rows of norm √d fed to the branches, as a layer before them would: every dual is taken there, none at a, b."""
    plain = {name: derivation(net, parametrization=name) for name in ("ntk", "standard")}
    monkeypatch.setattr(engine, "fed", lambda *_: engine.Moments(d, d, g))
    for name, before in plain.items():
        found = Derivation(net, before.duals, kernels(net, name))
        assert found.kernels.check().passed
        values: dict[sp.Expr, sp.Expr] = {a: 1, b: 1}
        if name == "standard":
            last = found.kernels.branches[-1]
            values = {a: last.sigma**2 * d, b: last.sigma**2 * d}
            for i, branch in enumerate(found.kernels.branches[:-1], start=1):
                values |= dict.fromkeys(sp.symbols(f"a_{i} b_{i}", positive=True), branch.sigma**2 * d)
        for ours, theirs in ((found.nngp, before.nngp), (found.ntk, before.ntk)):
            difference = ours - theirs.subs(values, simultaneous=True)
            numbers = {
                symbol: sp.Rational(i + 2, 97) for i, symbol in enumerate(sorted(difference.free_symbols, key=str))
            }
            assert abs(difference.subs(numbers).evalf(30)) < 1e-25, name
        assert not found.ntk.has(a, b)


def test_bilinear_is_polynomial() -> None:
    assert derivation("bilinear").nngp == c**2
    assert derivation("bilinear").ntk == 3 * c**2


def test_symbols_of_the_closed_form() -> None:
    assert derivation("reglu").ntk.free_symbols == {a, b, c}
    standard = derivation("reglu", parametrization="standard").ntk.free_symbols
    assert {a, b, c, g, m, sigma_v} < standard


def test_errors() -> None:
    with pytest.raises(UnknownNameError, match="did you mean 'swiglu'"):
        derivation("swigluu")
    with pytest.raises(DomainError, match="parametrization is 'mup'"):
        derivation("relu", parametrization="mup")
    with pytest.raises(DomainError, match="branches is empty"):
        Network("none", ())


def test_roles_and_names() -> None:
    assert network("swiglu").roles == ("value", "gate")
    assert network("relu").roles == ("hidden",)
    assert product("relu", "gelu").roles == ("branch1", "branch2")
    assert network("swiglu").gated
    assert not network("silu").gated
    assert network(network("gtu")) is not None
    assert gated("sin").branches[1] == activation("sin")
