"""Gradients of derived evaluators: the zoo's own against its hand-made ones, others against differences."""

from __future__ import annotations

import math
from fractions import Fraction
from operator import mul

import numpy as np
import pytest
import sympy as sp

import glutheory as glu
from glutheory.activations import Z
from glutheory.numeric import plan
from glutheory.numeric.backward import Wanted, contract, lifted
from glutheory.numeric.field import make_field
from glutheory.numeric.gradient import gram_gradient
from glutheory.numeric.own.evaluator import derived
from glutheory.numeric.rows import read_rows
from glutheory.numeric.weights import scales
from tests.numeric.cases import GAPS, MP, Pair, pair
from tests.numeric.own.activations import network

#: What is promised of gradients (`glutheory.integrations.torch.gram`).
PROMISED = 5e-12


def _of_pairs(net: glu.Network, X: np.ndarray, Y: np.ndarray, kind: str, count: int | None = None) -> np.ndarray:
    """Along both rows of each pair, or the first `count`, times their norms, and what variances need: (n, 2 d + 3)."""
    left, right = lifted(read_rows("X", X)), lifted(read_rows("Y", Y))
    field = make_field(net, left, right, scales(net, X.shape[1], "ntk", None, None))
    found = []
    for i in range(len(X))[:count]:
        weight = np.zeros((len(X), len(Y)))
        weight[i, i] = 1
        part = contract(field, {kind: weight}, Wanted(True, True, True), side=64, threads=1)
        norms = np.linalg.norm(X[i]), np.linalg.norm(Y[i])
        found.append(np.concatenate([part.left[i] * norms[0], part.right[i] * norms[1], part.sums[kind]]))
    return np.array(found)


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["nngp", "ntk"])
@pytest.mark.parametrize(("a", "b"), [(1.0, 1.0), (1e-6, 1.0), (4.0, 30.0), (1e4, 1e4)])
@pytest.mark.parametrize("name", ["relu", "gelu"])
def test_gradients_are_those_of_the_hand_made_evaluators(
    name: str, a: float, b: float, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    net = glu.network(name)
    points = [pair(a, b, gap, 4, seed) for seed, gap in enumerate(GAPS[::2])]
    X, Y = np.stack([p.x for p in points]), np.stack([p.y for p in points])
    wanted = _of_pairs(net, X, Y, kind)
    ends = [np.diag(glu.gram(net, z, kind=kind)) for z in (X, Y)]
    scale = np.maximum(np.sqrt(ends[0] * ends[1]), np.abs(wanted).max(axis=1))[:, None]
    monkeypatch.setattr(plan, "evaluator", lambda act: derived(act.expr))
    assert (np.abs(_of_pairs(net, X, Y, kind) - wanted) <= PROMISED * scale).all()


@pytest.mark.long
@pytest.mark.parametrize("name", ["mish", "hard_swish"])
def test_derivatives_along_variances_are_limits_of_differences(name: str) -> None:
    """Central differences of gram with a step of 1e-3 in log σ²; their error falls with its square, so two of them."""
    net = network(name)
    rng = np.random.default_rng(2)
    X = rng.standard_normal((5, 4))
    X[1] = X[0] + 0.05 * X[2]
    K, found = gram_gradient(net, X)
    np.testing.assert_allclose(K, glu.gram(net, X), rtol=0, atol=1e-12 * K.max())

    def difference(step: float) -> np.ndarray:
        ends = [glu.gram(net, X, variances={"hidden": float(np.exp(sign * step))}) for sign in (1, -1)]
        return np.asarray(ends[0] - ends[1]) / (2 * step)

    wanted = (4 * difference(1e-3) - difference(2e-3)) / 3
    np.testing.assert_allclose(found[..., 1], wanted, rtol=0, atol=1e-9 * K.max())


@pytest.mark.slow
@pytest.mark.parametrize("name", ["mish", "hard_swish"])
def test_autograd_goes_through(name: str) -> None:
    torch = pytest.importorskip("torch")
    from glutheory.integrations.torch import gram

    X = torch.tensor(np.random.default_rng(5).standard_normal((3, 2)), requires_grad=True)
    assert torch.autograd.gradcheck(lambda x: gram(network(name), x), (X,), atol=1e-6, rtol=1e-5)


def _differences(net: glu.Network, points: Pair, along: np.ndarray) -> float:
    """The derivative of the NTK along a change of x, by a step of 1e-16 in numbers of 50 digits."""
    step, (x, y) = Fraction(1, 10**16), ([Fraction(float(v)) for v in row] for row in points)
    ends = []
    for sign in (1, -1):
        moved = [v + sign * step * Fraction(float(w)) for v, w in zip(x, along, strict=True)]
        a, b, c = (sum(map(mul, p, q)) / len(x) for p, q in ((moved, moved), (y, y), (moved, y)))
        S, T = glu.evaluate(net.gate, a, b, c, digits=50)
        ends.append(MP.mpf(S) + MP.mpf(c.numerator) / c.denominator * MP.mpf(T))
    return float((ends[0] - ends[1]) / (2 * MP.mpf(step.numerator) / step.denominator))


@pytest.mark.long
@pytest.mark.parametrize("gap", [1e-8, 1e-12, 1e-16, 1e-20, -1e-16])
@pytest.mark.parametrize("variance", [0.25, 9.0])
@pytest.mark.parametrize("expr", [sp.Max(0, Z - 1), sp.Abs(Z - 1) + Z / 3, sp.Max(-1, sp.Min(1, Z))])
def test_nearly_parallel_rows_at_kinks_away_from_0(expr: sp.Expr, variance: float, gap: float) -> None:
    """Where the kinks of both cross depends on the difference of the lengths over the angle: up to 3e-6 off."""
    net = glu.product(glu.Activation("own", expr))
    rng = np.random.default_rng(3)
    x = math.sqrt(variance) * rng.standard_normal(3)
    # their lengths differ as their directions do
    points = Pair(
        x, math.copysign(1, gap) * (x + math.sqrt(2 * abs(gap)) * math.sqrt(variance) * rng.standard_normal(3))
    )
    found = _of_pairs(net, points.x[None], points.y[None], "ntk")[0, :3] / np.linalg.norm(x)
    along = rng.standard_normal(3)
    K = math.sqrt(math.prod(float(glu.gram(net, row[None])[0, 0]) for row in points))
    size = K * np.linalg.norm(along) / np.linalg.norm(x)
    assert abs(found @ along - _differences(net, points, along)) <= PROMISED * size


@pytest.mark.long
def test_rows_of_one_length_and_their_roundings() -> None:
    """Their integrals are shared, but not by rows so near that the roundings of the lengths matter."""
    net, rng = glu.product(glu.Activation("own", sp.Max(0, Z - 1))), np.random.default_rng(4)
    X = np.array([2.0, 1.0, 0.5]) + 1e-10 * rng.standard_normal((32, 3))
    X /= np.linalg.norm(X, axis=1)[:, None]
    # of 256 pairs some forty are in one octave of angles, and share
    whole = _of_pairs(net, X[:16], X[16:], "ntk", 2)
    for k in range(2):
        alone = _of_pairs(net, X[k : k + 1], X[k + 16 : k + 17], "ntk")[0]
        np.testing.assert_allclose(whole[k], alone, rtol=0, atol=PROMISED * abs(alone).max())


def test_an_activation_that_jumps_has_no_gradient() -> None:
    with pytest.raises(glu.DomainError, match="has no gradient here: the function jumps"):
        gram_gradient(network("jump"), np.eye(2), kind="nngp")


@pytest.mark.parametrize("size", [0.3, 1.0, 1.3, 4.0])
@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_a_row_with_itself_at_a_kink_away_from_0(size: float, sign: float) -> None:
    """Of φ = max(0, z − 1) and s = |x| K = (2 s² + 1) Q(1/s) − s p(1/s), dK/ds = 4 s Q(1/s) + p(1/s).

    Of the delta function of φ'' at the kink φ' has half: all of it or none was off by up to a factor of 4.
    """
    net, x = glu.product(glu.Activation("max(0,z-1)")), np.array([[size * sign]])
    end = 1.0 / size
    density = np.exp(-end * end / 2) / np.sqrt(2 * np.pi)
    tail = math.erfc(end / math.sqrt(2)) / 2
    K, _found = gram_gradient(net, x)
    assert K[0, 0] == pytest.approx((2 * size**2 + 1) * tail - size * density, rel=PROMISED)
    along = _of_pairs(net, x, x, "ntk")[0, :2] / size
    assert along.sum() * sign == pytest.approx(4 * size * tail + density, rel=2 * PROMISED)
