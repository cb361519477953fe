"""Activations with branch points and those without a kernel: a table of what people bring, and what must come of it.

Reference values are by brute force in double precision: tensor products of Gauss–Legendre panels in √(distance to the
branch point), where z^{n/2} is a polynomial; φ and φ' are written by hand in numpy, neither parser nor road is known.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise

import mpmath
import numpy as np
import pytest
import sympy as sp

import glutheory as glu
from glutheory.activations import Z
from glutheory.activations.parser import parse_expression
from glutheory.errors import DomainError, ExpressionError, GlutheoryError, PrecisionError
from glutheory.ground.branch_points import branch_kinks, unfolded
from glutheory.ground.pieces import pieces

Array = np.ndarray
#: Errors of the reference over the scale: 1e5 nodes, each value and weight with a few roundings.
_ERROR = 2e-13
#: e^(−R²/2) is 1e-23 at the ends; panels of 1/2 with 24 nodes leave nothing for |ρ| ≤ 0.8.
_REACH, _PANEL, _NODES = 10.2, 0.5, 24


@dataclass(frozen=True)
class Need:
    """What somebody brings.

    Attributes:
        source: of the need, in one's own words.
        text: what is typed.
        phi: φ of an array.
        slope: φ'.
        kinks: where it has branch points or kinks.
    """

    source: str
    text: str
    phi: Callable[[Array], Array]
    slope: Callable[[Array], Array]
    kinks: tuple[float, ...]

    @property
    def act(self) -> glu.Activation:
        return glu.Activation(self.text, parse_expression(self.text))


def _up(z: Array, power: float) -> Array:
    return np.asarray(np.maximum(z, 0.0) ** power)


NEEDS = (
    Need(
        "a gate between ReLU and squared ReLU, times a bounded one",
        "max(0,z)**1.5*tanh(z)",
        lambda z: _up(z, 1.5) * np.tanh(z),
        lambda z: 1.5 * _up(z, 0.5) * np.tanh(z) + _up(z, 1.5) / np.cosh(z) ** 2,
        (0.0,),
    ),
    Need(
        "a shifted power, as sparse codes have it",
        "max(0,z-1)**1.5",
        lambda z: _up(z - 1, 1.5),
        lambda z: 1.5 * _up(z - 1, 0.5),
        (1.0,),
    ),
    Need(
        "a power of the distance to a threshold",
        "abs(z-1)**2.5",
        lambda z: abs(z - 1) ** 2.5,
        lambda z: 2.5 * np.sign(z - 1) * abs(z - 1) ** 1.5,
        (1.0,),
    ),
    Need(
        "a bump of bounded support, a window of signal processing",
        "max(0,1-z**2)**1.5",
        lambda z: _up(1 - z * z, 1.5),
        lambda z: -3 * z * _up(1 - z * z, 0.5),
        (-1.0, 1.0),
    ),
    Need(
        "two branch points that look away from each other, and a smooth factor",
        "max(0,-z-1/2)**1.5*exp(z/4)+max(0,z-2)**2.5",
        lambda z: _up(-z - 0.5, 1.5) * np.exp(z / 4) + _up(z - 2, 2.5),
        lambda z: (_up(-z - 0.5, 1.5) / 4 - 1.5 * _up(-z - 0.5, 0.5)) * np.exp(z / 4) + 2.5 * _up(z - 2, 1.5),
        (-0.5, 2.0),
    ),
    Need(
        "a kink and a branch point elsewhere",
        "max(0,z)+max(0,z-1)**1.5",
        lambda z: _up(z, 1) + _up(z - 1, 1.5),
        lambda z: (z > 0) + 1.5 * _up(z - 1, 0.5),
        (0.0, 1.0),
    ),
    Need(
        "a square root that is smooth enough by a factor",
        "(z-1)*max(0,z-1)**0.5*sin(z)",
        lambda z: _up(z - 1, 1.5) * np.sin(z),
        lambda z: 1.5 * _up(z - 1, 0.5) * np.sin(z) + _up(z - 1, 1.5) * np.cos(z),
        (1.0,),
    ),
)
#: What is brought, and the points (a, b, c): independent, correlated of both signs, of different variances, small.
EACH = pytest.mark.parametrize("need", NEEDS, ids=lambda need: need.text)
POINTS = ((1, 1, "0.5"), (1, 1, "-0.7"), (1, 4, "0.9"), ("0.25", "0.25", 0))


def _line(need: Need, r: float) -> tuple[Array, Array]:
    """Nodes x and weights on |x| ≤ R; panels are cut at the kinks k/r, and in √|x − k/r| there."""
    cuts = np.array(sorted({kink / r for kink in need.kinks if abs(kink / r) < _REACH}))
    # no panel ends just beside a kink: the next one would have it just outside
    grid = [x for x in np.arange(-_REACH, _REACH, _PANEL) if not any(abs(x - cut) < _PANEL / 2 for cut in cuts)]
    edges = np.unique([*grid, *cuts, _REACH])
    nodes, weights = np.polynomial.legendre.leggauss(_NODES)
    x, w = [], []
    for low, high in pairwise(edges):
        width = high - low
        if width < 1e-9:
            continue
        t, v = (nodes + 1) / 2, weights / 2
        if low in cuts and high in cuts:
            t, v = t * t * (3 - 2 * t), v * 6 * t * (1 - t)
        elif low in cuts:
            t, v = t * t, v * 2 * t
        elif high in cuts:
            t, v = 1 - t * t, v * 2 * t
        x.append(low + width * t)
        w.append(width * v)
    return np.concatenate(x), np.concatenate(w)


def brute(need: Need, a: float, b: float, c: float) -> tuple[float, float]:
    """S and T by a double sum, or at |ρ| = 1, a = b, by a single one."""
    r, q = a**0.5, b**0.5
    rho = c / (r * q)
    (x, w), (y, v) = _line(need, r), _line(need, q)
    if abs(rho) > 1 - 1e-12:
        rho = round(rho)
        assert r == q
        # both factors' kinks
        both = Need("", "", need.phi, need.slope, (*need.kinks, *(-k for k in need.kinks)))
        x, w = _line(both, r)
        density = w * np.exp(-x * x / 2) / np.sqrt(2 * np.pi)
        return tuple(float(density @ (f(r * x) * f(rho * r * x))) for f in (need.phi, need.slope))  # type: ignore[return-value]
    far = 1 - rho * rho
    density = np.exp((2 * rho * np.outer(x, y) - np.add.outer(x * x, y * y)) / (2 * far)) / (2 * np.pi * np.sqrt(far))
    S, T = ((w * f(r * x)) @ density @ (v * f(q * y)) for f in (need.phi, need.slope))
    return float(S), float(T)


def _scales(need: Need, a: float, b: float) -> list[float]:
    return [(one * two) ** 0.5 for one, two in zip(brute(need, a, a, a), brute(need, b, b, b), strict=True)]


def _numbers(*values: str | float) -> list[float]:
    return [float(Fraction(value)) for value in values]


@pytest.mark.long
@EACH
@pytest.mark.parametrize("point", POINTS)
def test_both_roads_have_the_value_of_brute_force(need: Need, point: tuple[str | float, ...]) -> None:
    a, b, c = _numbers(*point)
    wanted, scales = brute(need, a, b, c), _scales(need, a, b)
    found = glu.evaluate(need.act, *point, digits=18), glu.enclose(need.act, *point, digits=18)
    for one, ball, value, scale in zip(*found, wanted, scales, strict=True):
        assert abs(float(one) - value) <= _ERROR * scale
        assert ball.rad() <= 1e-18 * scale
        assert abs(float(ball.mid()) - float(one)) <= 1e-15 * scale


@pytest.mark.long
@EACH
@pytest.mark.parametrize(
    "point",
    [
        (1, 1, "0.5"),
        *(
            pytest.param(point, marks=pytest.mark.slow)
            for point in [(100, 1, "-7"), ("0.01", "0.01", "0.00999"), (1, 1, "0.999")]
        ),
    ],
)
def test_thirty_digits_are_the_same_by_both_roads(need: Need, point: tuple[str | float, ...]) -> None:
    found = glu.evaluate(need.act, *point, digits=30), glu.enclose(need.act, *point, digits=30)
    scales = _scales(need, *_numbers(*point[:2]))
    with mpmath.workdps(60):
        for one, ball, scale in zip(*found, scales, strict=True):
            middle = mpmath.mpf(str(ball.mid().str(50, radius=False)))
            # half a unit of the 30th digit of the value, and the ball's radius
            assert abs(middle - one) <= mpmath.mpf(10) ** -29 * abs(one) + mpmath.mpf(2 * scale) * mpmath.mpf(10) ** -30


@EACH
@pytest.mark.parametrize("sign", [1, -1])
def test_duplicates_and_opposite_units(need: Need, sign: int) -> None:
    wanted, scales = brute(need, 1, 1, sign), _scales(need, 1, 1)
    found = glu.evaluate(need.act, 1, 1, sign, digits=20), glu.enclose(need.act, 1, 1, sign, digits=20)
    for one, ball, value, scale in zip(*found, wanted, scales, strict=True):
        assert abs(float(one) - value) <= _ERROR * scale
        assert abs(float(ball.mid()) - value) <= _ERROR * scale
        assert ball.rad() <= 1e-20 * scale


@EACH
@pytest.mark.long
def test_gram_has_the_same(need: Need) -> None:
    rows = np.array([[2.0, 0.0], [1.0, 1.5], [2.0, 0.0], [-2.0, 0.0]])
    kernel = glu.gram(glu.product(need.act), rows, kind="nngp")
    c = rows @ rows.T / 2
    for i in range(2):
        wanted = brute(need, c[0, 0], c[i, i], c[0, i])[0]
        assert kernel[0, i] == pytest.approx(wanted, abs=1e-12 * _scales(need, c[0, 0], c[i, i])[0])
    assert kernel[0, 2] == pytest.approx(kernel[0, 0], rel=1e-12)


@EACH
def test_a_branch_point_unfolds(need: Need) -> None:
    """φ(k ± w²) is the unfolded expression, and has no branch point at w = 0."""
    found = pieces(need.act.expr)
    assert branch_kinks(found)
    for index, kink in enumerate(found.kinks):
        for side in (-1, 1):
            branch = found.branches[index + (side > 0)]
            own = unfolded(branch, kink, side)
            if own is None:
                continue
            for w in (sp.Rational(1, 7), sp.Rational(1, 3)):
                assert abs((own.subs(Z, w) - branch.subs(Z, kink + side * w * w)).evalf(30)) < 1e-25
            assert unfolded(own, sp.S.Zero, 1) is None


@pytest.mark.long
def test_near_the_line_the_message_names_the_branch_point() -> None:
    act = NEEDS[1].act
    c = 1 - Fraction(1, 10**9)
    for road in (glu.evaluate, glu.enclose):
        with pytest.raises(
            PrecisionError, match="branch point at z = 1, where both units are singular together"
        ) as told:
            road(act, 1, 1, c, digits=30)
        assert len(told.value.reached) == 2


def test_an_unbounded_slope_is_refused_in_a_true_sentence() -> None:
    """√ has an S, and a T for |ρ| < 1, but the T of a row with itself is infinite, and with it the NTK."""
    for entry in _entries(glu.Activation("root", sp.sqrt(sp.Max(0, Z - 1)))):
        with pytest.raises(ExpressionError, match="unbounded at z = 1, and the NTK asks for the mean of its square"):
            entry()


#: Without a kernel: what is given, and what the sentence names.
SINGULAR = (
    ("1/(z-1)", "pole at z = 1, "),
    ("1/z", "pole at z = 0, "),
    ("z/(z-2)", "pole at z = 2, "),
    ("1/(z**2-2)", r"pole at z = -?sqrt\(2\), "),
    ("1/(1-cos(z))", "pole at z = 0, "),
    ("1/(exp(z)-2)", "pole at z = 0.693147, "),
    ("max(0,z)/(z-3)", "pole at z = 3, "),
    ("heaviside(z)/z", "pole at z = 0, "),
    ("log(z)", "not real at z = -"),
    ("log(abs(z))", "the derivative of .* pole at z = 0, "),
    ("log((z-1)**2)", "the derivative of .* pole at z = 1, "),
    ("(z-1)**1.5", "not real at z = "),
)
_FUNCTIONS = (
    (sp.tan(Z), r"pole at z = -?1\.5708, "),
    (sp.sec(Z), r"pole at z = -?1\.5708, "),
    (sp.coth(Z), "pole at z = 0, "),
    (sp.acos(Z), "not real at z = "),
)
_ROWS = np.array([[1.0, 0.3], [0.2, -0.5], [0.4, 1.0]])


def _entries(act: glu.Activation) -> list[Callable[[], object]]:
    network = glu.product(act)
    return [
        lambda: glu.gram(network, _ROWS),
        lambda: glu.gram(glu.gated(act), _ROWS),
        lambda: glu.derivation(network),
        lambda: glu.evaluate(act, 1, 1, "0.5", digits=10),
        lambda: glu.evaluate(act, 1, 1, 1, digits=10),
        lambda: glu.enclose(act, 1, 1, 0, digits=10),
        lambda: glu.gram(glu.stack(network, 2), _ROWS),
        lambda: glu.derivation(glu.stack(network, 2)),
        lambda: glu.evaluate(glu.stack(network, 2), 1, 1, "0.5", digits=10),
        lambda: glu.enclose(glu.stack(network, 2), 1, 1, "0.5", digits=10),
    ]


@pytest.mark.long
@pytest.mark.parametrize(("given", "named"), [*SINGULAR, *_FUNCTIONS], ids=str)
def test_what_has_no_kernel_is_refused_by_every_entry(given: str | sp.Expr, named: str) -> None:
    act = glu.Activation(str(given), given)
    for entry in _entries(act):
        with pytest.raises(ExpressionError, match=named) as told:
            entry()
        assert str(told.value).count("\n") == 0


@pytest.mark.parametrize("command", ["kernel", "spectrum", "dynamics", "phase"])
def test_the_commands_refuse_a_pole(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    from glutheory.commands.main import main

    sizes = {"kernel": [], "phase": ["--n", "8", "--d", "2", "--jobs", "1"]}.get(command, ["--n", "8", "--d", "2"])
    with pytest.raises(SystemExit) as told:
        main([command, "--activation", "1/(z-1)", *sizes])
    assert told.value.code == 2
    assert "pole at z = 1, so that the mean of its square" in capsys.readouterr().err


def test_torch_refuses_a_pole() -> None:
    torch = pytest.importorskip("torch")
    from glutheory.integrations.torch import gram

    rows = torch.tensor(_ROWS, requires_grad=True)
    with pytest.raises(ExpressionError, match="pole at z = 1"):
        gram(glu.product(glu.Activation("pole", 1 / (Z - 1))), rows)


@pytest.mark.parametrize(
    "expr",
    [
        sp.erfinv(Z),
        sp.LambertW(Z),
        sp.gamma(Z),
        sp.besselj(0, Z),
        sp.zeta(Z),
        sp.Si(Z),
        sp.airyai(Z),
        sp.floor(Z),
        sp.polylog(2, Z),
        sp.Mod(Z, 1),
        sp.Function("f")(Z),
        sp.Integral(sp.exp(-(sp.Symbol("t") ** 2)), (sp.Symbol("t"), 0, Z)),
    ],
    ids=str,
)
def test_a_function_without_bounds_is_refused_when_it_is_given(expr: sp.Expr) -> None:
    with pytest.raises(GlutheoryError, match="write it with exp, log"):
        glu.Activation("own", expr)


@pytest.mark.parametrize("expr", [sp.cbrt(Z), Z**sp.pi, sp.Max(0, Z) ** sp.Rational(5, 4), sp.Abs(Z) ** Z], ids=str)
def test_other_powers_are_refused_when_they_are_given(expr: sp.Expr) -> None:
    with pytest.raises(ExpressionError, match="exponents are integers or halves of integers"):
        glu.Activation("own", expr)


def test_functions_that_are_others_in_disguise() -> None:
    """Sech and powers of a number are written with what is known, and computed."""
    S, T = glu.evaluate(glu.Activation("bell", sp.sech(Z)), 1, 1, "0.5", digits=15)
    plain = glu.evaluate(glu.Activation("bell", 1 / sp.cosh(Z)), 1, 1, "0.5", digits=15)
    assert plain == (S, T)
    two = glu.evaluate(glu.Activation("two", 2**Z), 1, 1, "0.5", digits=15)
    # E[2^(u + v)] with u + v of variance 3
    assert float(two[0]) == pytest.approx(np.exp(1.5 * np.log(2.0) ** 2), rel=1e-14)


@pytest.mark.long
@pytest.mark.parametrize("text", ["sin(z-1)/(2+cos(z))", "1/(1+z**2)", "tanh(z)/(1+exp(-z))"])
def test_denominators_without_zeros_stay(text: str) -> None:
    act = glu.Activation(text, parse_expression(text))
    assert np.isfinite(glu.gram(glu.product(act), _ROWS)).all()
    assert glu.enclose(act, 1, 1, "0.5", digits=10)[0].is_finite()


def test_independent_units_far_from_a_threshold_have_their_digits() -> None:
    """S is a product of two means, e^(−100) each: far below its scale, and not 0."""
    act = NEEDS[1].act
    S, _ = glu.evaluate(act, "0.005", "0.005", 0, digits=12)
    with mpmath.workdps(60):
        root = mpmath.sqrt("0.005")
        mean = mpmath.quad(lambda t: 2 * t**4 * mpmath.npdf((1 + t * t) / root) / root, mpmath.linspace(0, 1, 20))
        assert abs(S / mean**2 - 1) < mpmath.mpf(10) ** -11


def test_a_norm_that_is_not_seen_is_no_zero() -> None:
    with pytest.raises(PrecisionError, match="too near 0 for any digit"):
        glu.evaluate(NEEDS[1].act, "1e-4", "1e-4", 0, digits=12)


def test_articles() -> None:
    with pytest.raises(GlutheoryError, match="or an Activation"):
        glu.evaluate(3, 1, 1, 0)  # type: ignore[arg-type]
    with pytest.raises(DomainError, match=r"X is an? "):
        glu.gram("relu", [[1.0], [1.0, 2.0]])
