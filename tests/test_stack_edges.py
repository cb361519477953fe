"""Stacks where kernels have edges: zero rows, opposite rows of jumps, images too small, unbounded derivatives.

On every row of the tables the three deterministic roads give one value, or each refuses in one sentence.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from fractions import Fraction
from functools import partial
from typing import Any

import numpy as np
import pytest

import glutheory as glu
from glutheory.errors import DomainError, ExpressionError, GlutheoryError
from glutheory.layers import Stack, composed, dense, layernorm, product, readout, residual, rmsnorm, stack
from glutheory.layers.pairs import inputs_of
from glutheory.layers.zeros import check_zero_rows
from glutheory.networks import Network
from glutheory.quadrature.stacks import enclose_stack
from glutheory.symbolic import derivation
from tests.compositions import own

ROW = np.array([1.1, -0.7])
SMALL = np.array([1e-3, 2e-3])
ZERO = np.zeros(2)
TENTH = Fraction(1, 10)
#: What gram promises of stacks with evaluators of the zoo, and with derived ones.
PROMISED, DERIVED = 1e-13, 1e-12


def inner(x: np.ndarray, y: np.ndarray) -> Fraction:
    return sum((Fraction(float(p)) * Fraction(float(q)) for p, q in zip(x, y, strict=True)), Fraction(0)) / len(x)


def agree(made: Stack, x: np.ndarray, y: np.ndarray, promised: float = PROMISED) -> tuple[float, float]:
    """NNGP and NTK by the certified roads, which gram is held to; an infinite NTK is one on all three."""
    point = inner(x, x), inner(y, y), inner(x, y)
    first, second = derivation(made).at(*point, digits=17), enclose_stack(made, *point, digits=17)
    ends = [enclose_stack(made, side, side, side, digits=8) for side in point[:2]]
    found = [float(part[0, 0]) for part in glu.gram(made, x[None], y[None], kind="both")]
    values = []
    for kind, value in zip(("nngp", "ntk"), found, strict=True):
        one, other, *sizes = (getattr(road, kind) for road in (first, second, *ends))
        if not one.is_finite():
            assert float(one) == float(other) == value
        else:
            assert one.overlaps(other), kind
            scale = math.sqrt(abs(float(sizes[0])) * abs(float(sizes[1])))
            assert abs(value - float(one.mid())) <= promised * (scale if math.isfinite(scale) else abs(value)), kind
        values.append(value)
    return values[0], values[1]


# zero rows


BIASED = {
    "one relu": composed(product("relu", bias=TENTH), readout()),
    "two tanh": composed(product("tanh", bias=TENTH), product("tanh", bias=TENTH), readout(bias=1)),
    "normed": stack("reglu", 2, bias=TENTH),
    "layernormed": stack("gelu", 1, bias=TENTH, norm="layer"),
    "step": composed(product("step", bias=TENTH), product("relu"), readout()),
}
UNBIASED = {
    "relu": composed(product("relu"), product("relu"), readout()),
    "tanh": composed(product("tanh"), product("tanh"), readout()),
    "softplus": composed(product("softplus"), product("softplus"), readout()),
    "cos": composed(product("cos"), product("tanh"), readout()),
    "softplus rmsnormed": composed(product("softplus"), rmsnorm(True), dense(), readout()),
    "gated": composed(product("swiglu"), dense(), product("sigmoid"), readout()),
}


@pytest.mark.long
@pytest.mark.parametrize("other", [ZERO, ROW, SMALL], ids=["itself", "usual", "small"])
@pytest.mark.parametrize("made", [*BIASED.values(), *UNBIASED.values()], ids=[*BIASED, *UNBIASED])
def test_zero_rows(made: Stack, other: np.ndarray) -> None:
    agree(made, ZERO, other)


def test_a_zero_row_has_the_value_of_its_constants() -> None:
    """Behind weights without biases units are φ(0): here E[tanh(cos(0)·g)²] and, with a bias b, E[max(0, √b·g)²]."""
    g, w = np.polynomial.hermite_e.hermegauss(200)
    wanted = float(np.sum(w * np.tanh(g) ** 2) / np.sum(w))
    assert agree(UNBIASED["cos"], ZERO, ZERO)[0] == pytest.approx(wanted, rel=1e-10)
    assert agree(BIASED["one relu"], ZERO, ZERO)[0] == pytest.approx(0.05, rel=1e-14)
    # as the limit of small rows, and among other rows
    rows = np.array([ZERO, 1e-9 * ROW, ROW])
    K = glu.gram(UNBIASED["cos"], rows)
    assert K[0, 0] == pytest.approx(K[1, 1], rel=1e-14)
    assert K[0, 2] == pytest.approx(K[1, 2], rel=1e-14)
    assert (glu.gram(UNBIASED["tanh"], rows)[0] == 0).all()


ZERO_REFUSED: dict[str, tuple[Stack, str, str]] = {
    # the stack, what the certified roads say, what gram says
    "a norm": (stack("relu", 1), "zero where a norm divides by its length", "which a norm cannot scale"),
    "a norm after units": (
        composed(product("tanh"), rmsnorm(), readout()),
        "zero where a norm divides by its length",
        "which a norm cannot scale",
    ),
    "equal images": (
        composed(product("softplus"), layernorm(), readout()),
        "its images are all the same where a layernorm divides by their spread",
        "layernorm follows images whose variance is 0.0e+00 of their mean square",
    ),
    "a jump": (
        composed(product("step"), readout()),
        "a row of data is zero, where step jumps",
        "where step jumps, so that a stack cannot follow it",
    ),
    "a gate that jumps": (
        composed(product("identity", "step"), readout()),
        "a row of data is zero, where step jumps",
        "where step jumps, so that a stack cannot follow it",
    ),
}


def refused(call: Callable[[], Any], words: str, kind: type[GlutheoryError] = DomainError) -> None:
    with pytest.raises(kind) as error:
        call()
    message = str(error.value)
    assert words in message
    assert message.endswith(".")
    assert "\n" not in message


@pytest.mark.parametrize("name", ZERO_REFUSED)
def test_zero_rows_that_are_refused(name: str) -> None:
    made, words, said = ZERO_REFUSED[name]
    point = 0, inner(ROW, ROW), 0
    refused(lambda: derivation(made).at(*point), words)
    refused(lambda: enclose_stack(made, *point), words)
    refused(lambda: glu.gram(made, np.array([ZERO, ROW])), said)


def test_one_zero_position_is_no_zero_sequence() -> None:
    """Only a norm before the mean meets it."""
    one, other = np.array([[1, 0], [0, 0]]), np.eye(2)
    after = composed(dense(), glu.layers.positions(), rmsnorm(), readout())
    check_zero_rows(after.layers, inputs_of(after, one, other, one))
    before = composed(dense(), rmsnorm(), glu.layers.positions(), readout())
    with pytest.raises(DomainError, match="zero where a norm"):
        check_zero_rows(before.layers, inputs_of(before, one, other, one))
    with pytest.raises(DomainError, match="zero where a norm"):
        check_zero_rows(after.layers, inputs_of(after, 0 * one, other, 0 * one))


# opposite rows of jumps


OPPOSITE = {
    "step and relu": composed(product("step", "relu"), readout()),
    "step and silu": composed(product("step", "silu"), readout()),
    "sign and relu": composed(dense(), residual(rmsnorm(), product("sign", "relu"), dense()), rmsnorm(), readout()),
    "step and relu, layernorm": composed(dense(), product("step", "relu"), layernorm(), readout()),
    "two steps": composed(product("step", "step"), readout()),
    "step": composed(product("step"), readout()),
    "relu": composed(product("relu"), product("relu"), readout()),
}


@pytest.mark.long
@pytest.mark.parametrize("factor", [-1.0, -2.0, 1.0])
@pytest.mark.parametrize("made", OPPOSITE.values(), ids=OPPOSITE)
def test_opposite_rows(made: Stack, factor: float) -> None:
    agree(made, ROW, factor * ROW)


def test_one_sided_branches_leave_nothing_of_opposite_rows() -> None:
    """max(0, u)·max(0, −u) is 0, and so is all that multiplies it, however steep; next to it nothing is."""
    assert agree(OPPOSITE["step and relu"], ROW, -ROW) == (0.0, 0.0)
    assert agree(OPPOSITE["step"], ROW, -ROW) == (0.0, -math.inf)
    assert agree(OPPOSITE["step and silu"], ROW, -ROW) == (0.0, math.inf)
    aside = np.array([1.1, -0.7 + 1e-3])
    found = enclose_stack(OPPOSITE["step and relu"], inner(ROW, ROW), inner(aside, aside), -inner(ROW, aside))
    assert found.nngp > 0
    assert abs(found.ntk) > 0


@pytest.mark.long
def test_one_sided_away_from_zero() -> None:
    """A jump elsewhere: the certified roads have the value, gram says why it has none."""
    made = composed(dense(), rmsnorm(), product("jump_relu", "silu"), readout())
    point = inner(ROW, ROW), inner(ROW, ROW), -inner(ROW, ROW)
    for found in (derivation(made).at(*point, digits=15), enclose_stack(made, *point, digits=15)):
        assert (float(found.nngp), float(found.ntk)) == (0.0, 0.0)
    refused(lambda: glu.gram(made, ROW[None], -ROW[None]), "two rows are exactly opposite")


def test_an_infinite_ntk_behind_another_product_is_of_one_sign_or_refused() -> None:
    """Its terms there may be infinite of both signs: the certified roads add their factors, gram refuses."""
    block = residual(layernorm(), product("abs", "abs", bias=(Fraction(1, 4), 0)), dense())
    made = composed(dense(), rmsnorm(True), product("relu", "sign", bias=(Fraction(1, 4), 0)), block, readout())
    point = inner(ROW, ROW), inner(ROW, ROW), -inner(ROW, ROW)
    one, other = derivation(made).at(*point, digits=15), enclose_stack(made, *point, digits=15)
    assert float(one.ntk) == float(other.ntk) == -math.inf
    assert one.nngp.overlaps(other.nngp)
    refused(lambda: glu.gram(made, ROW[None], -ROW[None]), "is a difference of infinite terms")
    assert float(glu.gram(made, ROW[None], -ROW[None], kind="nngp")[0, 0]) == pytest.approx(float(one.nngp), rel=1e-12)


def test_a_norm_on_the_inputs_leaves_their_fan_in() -> None:
    """Of weights in the standard parametrisation behind it: d, not the width."""
    made = composed(rmsnorm(True), product("swiglu"), dense(), readout())
    x, y = ROW, np.array([0.3, 1.9])
    point = inner(x, x), inner(y, y), inner(x, y)
    found = glu.gram(made, x[None], y[None], parametrization="standard", width=7)[0, 0]
    for road in (glu.evaluate, glu.enclose):
        _, wanted = road(made, *point, digits=15, parametrization="standard", width=7, d=2)
        assert found == pytest.approx(float(wanted), rel=1e-13)


# numbers that float64 does not hold


def test_images_that_underflow_are_no_zero_rows() -> None:
    tiny = 1e-120 * np.array([ROW, 2 * ROW])
    made = composed(product("reglu"), product("reglu"), rmsnorm(), readout())
    refused(lambda: glu.gram(made, tiny), "row 0 of X (counted from 0) has images below the smallest number of float64")
    refused(lambda: glu.gram(made, ROW[None], tiny), "row 0 of Y (counted from 0) has images below")
    # one block less of it, and the norm has something to scale
    one = composed(product("reglu"), rmsnorm(), readout())
    assert glu.gram(one, tiny) == pytest.approx(glu.gram(one, np.array([ROW, 2 * ROW])), rel=1e-14)


def test_squares_of_small_rows_do_not_vanish() -> None:
    made = stack("relu", 2, residual=False)
    assert glu.gram(made, 1e-200 * np.array([ROW, 2 * ROW])) == pytest.approx(
        glu.gram(made, np.array([ROW, 2 * ROW])), rel=1e-14
    )


@pytest.mark.parametrize(("name", "slope"), [("silu", 0.5), ("gelu", 0.5), ("swiglu", 0.0)])
def test_small_rows_of_nearly_one_direction(name: str, slope: float) -> None:
    """φ is its slope at 0 times z there (a square, nothing, for swiglu); means of squares of 1e-170 were 0/0: NaN."""
    rows = np.array([ROW, 1.01 * ROW + [0.0, 1e-3], -2 * ROW])
    made = composed(dense(), residual(product(name), dense()), rmsnorm(), readout())
    unit = rows / np.linalg.norm(rows, axis=1)[:, None]
    share = slope**2
    # Θ = Σ behind the first layer; the branch has 2 Σ of both of these, and Σ of the last one
    wanted = unit @ unit.T, unit @ unit.T * (1 + (1 + 3 * share) / (1 + share))
    for found, value in zip(glu.gram(made, 1e-170 * rows, kind="both"), wanted, strict=True):
        np.testing.assert_allclose(found, value, rtol=1e-13)


@pytest.mark.parametrize("size", [1e-140, 1e-158, 1e-161, 1e-170])
@pytest.mark.parametrize("name", ["tanh", "sin", "erf"])
def test_images_whose_squares_lose_digits(name: str, size: float) -> None:
    """E[φ(u)²] as it is: at 1e-158 a norm behind it made 3e-8 of the lost digits, at 1e-170 a sum went without it."""
    rows = np.array([ROW, 1.01 * ROW + [0.0, 1e-3], [0.3, 2.0]])
    unit = rows / np.linalg.norm(rows, axis=1)[:, None]
    for made in (
        composed(dense(), product(name), dense(), rmsnorm(), readout()),
        composed(dense(), residual(product(name), dense()), rmsnorm(), readout()),
    ):
        if size == 1e-140:
            np.testing.assert_allclose(glu.gram(made, size * rows, kind="nngp"), unit @ unit.T, rtol=1e-13)
        else:
            refused(partial(glu.gram, made, size * rows), "below the smallest numbers of float64")


@pytest.mark.long
def test_derived_evaluators_take_rows_of_two_sizes_on_both_sides() -> None:
    """A side's features are as many as its largest row needs; both must be of one number."""
    made = composed(product(own("cos(z)*exp(-z**2)+z")), product("tanh"), readout())
    agree(made, 1e-3 * ROW, np.array([0.3, 1.9]), DERIVED)


# derivatives without a second moment


@pytest.mark.parametrize("text", ["sqrt(Abs(z))", "sqrt(Max(0,z))", "sign(z)*sqrt(Abs(z))", "sqrt(Abs(z-1))"])
def test_unbounded_derivatives_are_refused(text: str) -> None:
    """E[1/|u|] is infinite: the NTK is so at every row, which no sum of samples shows."""
    act = own(text)
    words = "and the NTK asks for the mean of its square"
    made = composed(product(act), readout())
    rows = np.array([ROW, [0.3, 1.9]])
    for call in (
        lambda: glu.gram(Network(text, (act,)), rows),
        lambda: glu.gram(made, rows),
        lambda: glu.enclose(act, 1, 1, Fraction(1, 2), digits=9),
        lambda: glu.evaluate(act, 1, 1, Fraction(1, 2), digits=9),
        lambda: enclose_stack(made, 1, 1, Fraction(1, 2)),
        lambda: derivation(made).at(1, 1, Fraction(1, 2)),
    ):
        refused(call, words, ExpressionError)


def test_bounded_ones_are_not() -> None:
    S, T = glu.evaluate(own("Max(0,z)*sqrt(Max(0,z))"), 1, 1, 1, digits=12)
    # half of E|u|³, and of 9/4·E|u|
    assert float(S) == pytest.approx(math.sqrt(2 / math.pi), rel=1e-11)
    assert float(T) == pytest.approx(9 / 8 * math.sqrt(2 / math.pi), rel=1e-11)


def test_an_infinite_ntk_times_an_exact_zero_is_not_zero() -> None:
    """Between rows near −x it tends to −2.65e-6, at −x no road knows of it: its factor is exactly 0 there."""
    first = glu.layers.product(*map(glu.activation, ("step", "leaky_relu")), bias=(0, Fraction(1, 4)))
    both = glu.layers.product(*map(glu.activation, ("abs", "abs")), trained=(False, False))
    made = glu.layers.composed(first, both, glu.layers.readout(trained=False))
    a = Fraction(25, 16)
    for road in (lambda c: glu.derivation(made).at(a, a, c), lambda c: enclose_stack(made, a, a, c, digits=20)):
        assert -1 < float(road(Fraction(1, 10**16) - a).ntk) < 0
        with pytest.raises(DomainError, match="a difference of infinite terms"):
            road(-a)


# norms that count behind a bias or a sum, which are rounded, and two jumps

JUMPS = {
    "behind a bias": composed(dense(bias=1), product("step"), dense(), product("sign"), readout()),
    "behind a sum": composed(
        dense(), residual(product("leaky_relu"), dense()), product("sign"), dense(), product("step"), readout()
    ),
    "three": composed(dense(bias=1), product("step"), dense(), product("sign"), dense(), product("sign"), readout()),
}


def _nngp_error(made: Stack, distance: float) -> float:
    """Of the kernel of two rows of different norms, over the scale, against the certified value."""
    x = np.array([0.7, 0.4])
    y = x * np.array([1 + distance, 1 - distance / 3])
    true = derivation(made).at(inner(x, x), inner(y, y), inner(x, y), digits=17).nngp
    K = glu.gram(made, np.stack([x, y]), kind="nngp")
    return abs(float(K[0, 1]) - float(true.mid())) / math.sqrt(K[0, 0] * K[1, 1])


def _is_refused(made: Stack, distance: float) -> bool:
    """Whether two such rows are; else they are right."""
    try:
        error = _nngp_error(made, distance)
    except DomainError as found:
        return "which jumps or has a kink" in str(found)
    assert error <= PROMISED
    return False


@pytest.mark.parametrize("name", JUMPS)
def test_close_rows_behind_rounded_norms_and_two_jumps_are_right_or_refused(name: str) -> None:
    """Each jump makes 1 − |ρ| of an angle, and the angle itself is known to some 1e-16."""
    refused = [power for power in range(4, 32, 3) if _is_refused(JUMPS[name], 2.0**-power)]
    assert refused
    assert min(refused) > 10


def test_what_is_refused_there_would_be_wrong(monkeypatch: pytest.MonkeyPatch) -> None:
    """The same rows without the bound of what is lost."""
    monkeypatch.setattr("glutheory.numeric.deep.pairs.TURN", 0.0)
    assert max(_nngp_error(JUMPS["three"], 2.0**-power) for power in range(19, 32, 3)) > PROMISED


@pytest.mark.parametrize(
    "made", [composed(rmsnorm(), *JUMPS["three"].layers), composed(*JUMPS["three"].layers[:2], readout())]
)
def test_one_norm_or_one_jump_is_not_refused(made: Stack) -> None:
    x = np.array([0.7, 0.4])
    y = x * np.array([1 + 2.0**-27, 1 - 2.0**-28])
    true = derivation(made).at(inner(x, x), inner(y, y), inner(x, y), digits=17).nngp
    K = glu.gram(made, np.stack([x, y]), kind="nngp")
    assert abs(K[0, 1] - float(true.mid())) <= PROMISED * math.sqrt(K[0, 0] * K[1, 1])


# images that are opposite but for their means, and shapes that depend on rounded norms

EDGES = {
    "odd and a constant, layernorm, kink": (
        composed(rmsnorm(), dense(), product("sigmoid"), layernorm(), dense(), product("relu"), readout()),
        -1.0,
        "ntk",
    ),
    "odd and a constant, layernorm, jump": (
        composed(rmsnorm(), dense(), product("step"), layernorm(), dense(), product("sign"), readout()),
        -1.0,
        "nngp",
    ),
    "norms that vary, layernorm, jump": (
        composed(dense(), product("sigmoid"), layernorm(), dense(), product("sign"), readout()),
        -1.0,
        "nngp",
    ),
    "norms that vary, two jumps": (
        composed(dense(), product("tanh"), dense(), product("step"), dense(), product("sign"), readout()),
        1.0,
        "nngp",
    ),
}


@pytest.mark.parametrize("name", EDGES)
def test_close_rows_behind_layernorm_and_curves_are_right_or_refused(name: str) -> None:
    """Were up to 1e-8 off: 1 + ρ behind layernorm is a difference, and its root is an angle."""
    made, side, kind = EDGES[name]
    x = np.array([0.7, 0.4])
    refused = []
    for power in (2, 8, 14, 24, 34, 40):
        y = side * x * np.array([1 + 2.0**-power, 1 - 2.0**-power / 3])
        points = [(inner(p, p), inner(q, q), inner(p, q)) for p, q in ((x, y), (x, x), (y, y))]
        true, *sizes = (float(getattr(derivation(made).at(*point, digits=17), kind).mid()) for point in points)
        try:
            found = glu.gram(made, np.stack([x, y]), kind=kind)[0, 1]
        except DomainError as error:
            assert "too few digits of their angle" in str(error)  # noqa: PT017 (one of two outcomes)
            refused.append(power)
        else:
            assert abs(found - true) <= PROMISED * math.sqrt(sizes[0] * sizes[1])
    assert refused
    assert min(refused) > 2


def test_an_odd_function_has_no_mean_that_layernorm_could_take_away() -> None:
    """What rounding left of it made 1 + ρ a difference: the NTK was 2e-10 off, and is not refused now."""
    made = composed(dense(), product("tanh"), layernorm(), dense(), product("relu"), readout())
    x = np.array([0.7, 0.4])
    agree(made, x, -x * np.array([1 + 2.0**-24, 1 - 2.0**-25]))


def test_the_same_row_is_never_refused() -> None:
    """Nor are rows of zeros, or rows that a norm makes the same."""
    x, doubled = np.array([0.7, 0.4]), np.array([1.4, 0.8])
    for made, _, _ in EDGES.values():
        assert glu.gram(made, np.stack([x, x]), kind="nngp")[0, 1] > 0
        if made.layers[0] == rmsnorm():
            assert glu.gram(made, np.stack([x, doubled]), kind="nngp")[0, 1] > 0
    biased = JUMPS["three"]
    K = glu.gram(biased, np.stack([ZERO, ZERO, x]), kind="nngp")
    assert K[0, 1] == pytest.approx(K[0, 0], abs=1e-15)


def test_rows_that_a_jump_takes_far_apart_are_not_refused() -> None:
    """Of nearly opposite rows step makes some at right angles, to which what is lost of 1 + ρ is nothing."""
    made = EDGES["norms that vary, two jumps"][0]
    x = np.array([0.7, 0.4])
    agree(made, x, -x * np.array([1 + 2.0**-12, 1 - 2.0**-13]))
    X = np.random.default_rng(1).standard_normal((200, 2))
    assert np.isfinite(glu.gram(made, X, kind="nngp")).all()
