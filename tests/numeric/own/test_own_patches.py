"""Tiles of rows around one direction, whose pairs have their values from patches: against pairs that have none."""

from __future__ import annotations

from typing import Any

import mpmath
import numpy as np
import pytest
import sympy as sp
from hypothesis import given
from hypothesis import strategies as st

import glutheory as glu
from glutheory.activations import Z
from glutheory.errors import DomainError
from glutheory.networks import Network
from glutheory.numeric import gram, horner, plan
from glutheory.numeric.own import cover
from glutheory.numeric.own.cover import Cover
from glutheory.numeric.own.evaluator import Evaluator
from glutheory.numeric.own.nodes import Nodes, Rows
from glutheory.numeric.own.patch import cells, interval
from tests.numeric.cases import MP
from tests.numeric.own.activations import OWN, PROMISED

_ROOT = sp.Rational(3, 2)
#: Those of `OWN`, and kinds that were slow: a product of a clipped and a smooth one, branch points at 0 and elsewhere,
#: powers with different factors on both sides, a jump beside a line.
PATCHED: dict[str, sp.Expr] = OWN | {
    "clipped_product": sp.Max(-1, sp.Min(1, Z)) / (1 + sp.exp(-Z)),
    "shifted_root": sp.Max(0, Z - 1) ** _ROOT,
    "two_roots": sp.Max(0, Z) ** _ROOT - sp.Max(0, -Z) ** _ROOT / 3,
    "shifted_step": sp.Heaviside(Z - 1) + Z,
}
FAST = ("mish", "elu", "root", "jump")
#: Shifts and scales at which z/4 + sin(10z) has too many waves for float64.
WAVES = ((2.5, 1.0), (4.0, 1.0), (8.0, 1.0), (4.0, 4.0))
DIMENSION = 24


@pytest.fixture(autouse=True)
def always(monkeypatch: pytest.MonkeyPatch) -> None:
    """Patches are made for small matrices as well."""
    monkeypatch.setattr(cover, "_COSTS", (1, 1, 1))


def rows(shift: float, count: int, scale: float = 1.0) -> np.ndarray:
    """Gaussian rows and a common shift: nearly all pairs at ρ = shift²/(1 + shift²)."""
    return scale * (np.random.default_rng(5).standard_normal((count, DIMENSION)) + shift)


def network(name: str) -> Network:
    return Network(name, (glu.Activation(name, PATCHED[name]),))


def agree(name: str, X: np.ndarray, monkeypatch: pytest.MonkeyPatch, *, needed: bool = True, some: int = 2) -> None:
    """The first rows of the Gram matrix, against the series and the integrals of each pair; `needed` are patches."""
    net, asked = network(name), []
    find = Cover.find

    def seen(*arguments: Any) -> np.ndarray | None:
        found = find(*arguments)
        asked.append(0 if found is None else np.count_nonzero(found))
        return found

    with monkeypatch.context() as patch:
        patch.setattr(Cover, "find", seen)
        whole = gram(net, X, kind="both", threads=1)
        ntk = gram(net, X, kind="ntk", threads=1)
    assert not needed or max(asked) > 0.5 * len(X) ** 2
    with monkeypatch.context() as patch:
        patch.setattr(Cover, "find", lambda *_: None)
        alone = gram(net, X[:some], X[some:], kind="both", threads=1)
    for part, exact in zip((*whole, ntk), (*alone, alone[1]), strict=True):
        own = np.diag(part)
        # of a jump the kernel of a row with itself is infinite: relative to the value
        scale = np.where(np.isfinite(own).all(), np.sqrt(np.outer(own[:some], own[some:])), np.abs(exact))
        assert (np.abs(part[:some, some:] - exact) <= PROMISED * scale).all()


@pytest.mark.long
@pytest.mark.parametrize("name", FAST)
def test_patches_are_what_series_and_integrals_give(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    agree(name, rows(4.0, 30), monkeypatch)


@pytest.mark.slow
@pytest.mark.parametrize("name", PATCHED)
@pytest.mark.parametrize(("shift", "scale"), [(2.5, 1.0), (4.0, 1.0), (-3.0, 0.1), (4.0, 0.3), (8.0, 1.0), (4.0, 4.0)])
def test_every_kind_at_angles_and_sizes(name: str, shift: float, scale: float, monkeypatch: pytest.MonkeyPatch) -> None:
    if name in ("shifted", "jump", "shifted_root", "shifted_step") and scale < 0.3:
        pytest.skip("kinks far out")
    X = rows(shift, 30, scale)
    if shift < 0:
        X[::2] *= -1.0
    if name == "wave" and (shift, scale) in WAVES:
        with pytest.raises(DomainError, match=r"changes too fast|cannot be computed to 12 digits"):
            gram(network(name), X, kind="both")
        return
    # elsewhere one series may serve all pairs
    agree(name, X, monkeypatch, needed=shift >= 4 and scale >= 1)


@pytest.mark.long
@pytest.mark.parametrize("gap", [0.1, -0.03, 0.012])
def test_a_root_in_a_tile(gap: float) -> None:
    """max(0, z)^1.5 in polar coordinates: E[R³] = 3√(π/2), E[R] = √(π/2)."""
    rho = float(np.sign(gap)) * (1.0 - abs(gap))
    rng = np.random.default_rng(2)
    x, across = np.linalg.qr(rng.standard_normal((6, 2)))[0].T
    y = rho * x + np.sqrt(1.0 - rho * rho) * across
    sizes = np.linspace(0.4, 3.0, 8)[:, None]
    S, K = gram(network("root"), sizes * x, sizes[::-1] * y, kind="both")
    theta = MP.acos(MP.mpf(rho))

    def angular(power: float) -> mpmath.mpf:
        ends = [theta - MP.pi / 2, theta / 2, MP.pi / 2]
        return MP.quad(lambda psi: max(0, MP.cos(psi) * MP.cos(psi - theta)) ** power, ends) / (2 * MP.pi)

    # ρ itself is known to a rounding, of which S and c T have a few
    product = np.outer(sizes, sizes[::-1]) / 6
    s, t = float(3 * MP.sqrt(MP.pi / 2) * angular(1.5)), float(rho * 2.25 * MP.sqrt(MP.pi / 2) * angular(0.5))
    scale = float(2 / MP.sqrt(2 * MP.pi)) * product**1.5
    assert (np.abs(S - s * product**1.5) <= 1e-13 * scale).all()
    assert (np.abs(K - (s + t) * product**1.5) <= 1e-13 * scale * 3.25).all()


@pytest.mark.slow
@pytest.mark.parametrize("name", ["elu", "clipped_product", "shifted_step"])
def test_a_tile_against_the_enclosed_integral(name: str) -> None:
    """One pair at ρ ≈ 0.94 of a tile, by road 2."""
    X = rows(4.0, 30)
    S, K = gram(network(name), X, kind="both")
    one, other = ([sp.Rational(float(value)) for value in X[k]] for k in (3, 8))
    pairs = ((one, one), (other, other), (one, other))
    a, b, c = (sum(p * q for p, q in zip(*pair, strict=True)) / DIMENSION for pair in pairs)
    s, t = (float(ball.mid()) for ball in glu.enclose(network(name).gate, a, b, c, digits=14))
    assert abs(S[3, 8] - s) <= 1e-13 * np.sqrt(S[3, 3] * S[8, 8])
    assert abs(K[3, 8] - s - float(c) * t) <= 1e-13 * np.sqrt(
        K[3, 3] * K[8, 8] if np.isfinite(K[3, 3]) else K[3, 8] ** 2
    )


def anew(monkeypatch: pytest.MonkeyPatch) -> None:
    """From here on elu has an evaluator that has not been asked for anything."""
    own = Evaluator(PATCHED["elu"]).dual()
    monkeypatch.setattr(plan, "evaluator", lambda _: own)


@pytest.mark.long
def test_values_do_not_depend_on_what_was_asked_before(monkeypatch: pytest.MonkeyPatch) -> None:
    X, net = rows(4.0, 25), network("elu")
    anew(monkeypatch)
    first = gram(net, X)
    anew(monkeypatch)
    for shift in (2.0, 8.0):
        gram(net, rows(shift, 25))
    np.testing.assert_array_equal(gram(net, X), first)


@pytest.mark.long
@pytest.mark.parametrize("some", [3, slice(None)])
def test_a_patch_that_is_wrong_is_not_used(some: int | slice, monkeypatch: pytest.MonkeyPatch) -> None:
    """A coefficient 1e-9 off at one node of the radii is seen by the last polynomials, at all nodes by an integral."""
    X, net, of_cell, made = rows(4.0, 30), network("elu"), Nodes._of_cell, []
    right = gram(net, X)
    tensor = Nodes.tensor

    def wrong(self: Nodes, number: int, count: int, terms: int) -> Rows:
        found = of_cell(self, number, count, terms)
        h = found.h.copy()
        h[:, 2, some] *= 1 + 1e-9
        return found._replace(h=h)

    def seen(*arguments: Any) -> np.ndarray | None:
        made.append(tensor(*arguments))
        return made[-1]

    anew(monkeypatch)
    monkeypatch.setattr(Nodes, "_of_cell", wrong)
    monkeypatch.setattr(Nodes, "tensor", seen)
    np.testing.assert_allclose(gram(net, X), right, rtol=1e-12)
    assert made
    assert all(part is None for part in made)


@given(st.lists(st.floats(-15.0, 9.0), min_size=1, max_size=9), st.floats(1e-4, 20.0))
def test_rows_are_in_their_intervals(logs: list[float], spread: float) -> None:
    x = np.array(logs) / 24.0 * spread
    found = cells(x)
    ends = [interval(int(number)) for number in found]
    assert all(abs(log - middle) <= half * (1 + 1e-12) for log, (middle, half) in zip(x, ends, strict=True))
    # rows within a factor of 1.8 share one
    assert len(set(found)) == 1 or np.ptp(x) > np.log(1.8)


def test_a_list_of_pairs_is_summed_as_a_table() -> None:
    rng = np.random.default_rng(0)
    rho, left, right = rng.uniform(-1, 1, 200), rng.standard_normal((80, 200)), rng.standard_normal((80, 200))
    for one, other in zip(horner.listed(rho, left, right, 60), horner.both(np, rho, left, right, 60), strict=True):
        # 60 roundings of sums of up to 60² terms of size 1
        np.testing.assert_allclose(one, other, rtol=0, atol=60**3 * 2.0**-53 * 9)
