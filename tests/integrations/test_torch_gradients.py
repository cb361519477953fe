"""The derivatives of the kernels: by finite differences (gradcheck), and by differences of 60 digits at hard points.

Where sin θ ≥ 4.5e-4 a matrix product subtracts ρ x̂ from ŷ, which costs a factor 1/sin θ of accuracy; closer pairs are
done one by one. So an error of 2^-53/4.5e-4 < 5e-13 is to be expected, over the larger of the derivative and
√(K(x,x) K(y,y)), and ten times that is allowed here.
"""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from typing import Any

import mpmath
import numpy as np
import pytest

import glutheory as glu
from glutheory.activations import activation
from glutheory.networks import GATES, Network
from glutheory.numeric import backward, plan
from glutheory.numeric.arrays import inner
from glutheory.numeric.duals import Partials, evaluator
from glutheory.numeric.duals.bases import LOG_COSH, TANH, X_TANH, Base
from glutheory.numeric.duals.logistic import _Logistic
from glutheory.numeric.duals.mixture import SMALLEST, partial_averages
from glutheory.numeric.gradient import gram_gradient
from glutheory.numeric.pairs import Geometry
from glutheory.numeric.rows import Rows, read_rows
from tests.numeric.cases import MP, pair
from tests.zoo import FAST_CLOSED, FAST_LOGISTIC, LOGISTIC

torch = pytest.importorskip("torch")
from glutheory.integrations import autograd  # noqa: E402 (only where torch is)
from glutheory.integrations.torch import gram, gram_diagonal  # noqa: E402
from tests.integrations.tensors import NETWORKS, by_label, gradient, jumps, roles, rows  # noqa: E402

TOLERANCE = 5e-12
#: Central differences of step 1e-6 leave its square, and over it the rounding of 1e-16; torch's own 1e-3 hides errors.
DIFFERENCES: dict[str, Any] = {"rtol": 1e-6, "atol": 1e-7}
WAYS = (("ntk", None), ("standard", 7))


def of_vector(net: Network, kind: str, way: tuple[str, int | None], sides: int, diagonal: bool = False) -> Any:
    """The kernel as a function of one vector: the entries of X, those of Y, and all variances."""
    function = gram_diagonal if diagonal else gram
    count = 3 if diagonal else 2

    def value(vector: Any) -> Any:
        X = vector[:6].reshape(3, 2)
        Y = vector[6 : 6 + 2 * count].reshape(count, 2) if sides == 2 else None
        variances = dict(zip(roles(net), vector[-len(roles(net)) :], strict=True))
        return function(net, X, Y, kind=kind, parametrization=way[0], width=way[1], variances=variances)

    return value


def vector_of(net: Network, seed: int = 3) -> Any:
    generator = torch.Generator().manual_seed(seed)
    entries = torch.randn(12, generator=generator, dtype=torch.float64)
    variances = 0.5 + torch.rand(len(roles(net)), generator=generator, dtype=torch.float64)
    return torch.cat([entries, variances]).requires_grad_()


def passes(
    net: Network, kind: str, way: tuple[str, int | None], sides: int, *, fast: bool, diagonal: bool = False
) -> bool:
    value = of_vector(net, kind, way, sides, diagonal)
    options = DIFFERENCES | {"fast_mode": fast, "raise_exception": False, "check_undefined_grad": not fast}
    found: bool = torch.autograd.gradcheck(value, vector_of(net), **options)
    return found


def finite(net: Network) -> str:
    """What has a gradient on the diagonal."""
    return "nngp" if jumps(net) else "both"


@pytest.mark.parametrize("net", [net for net in NETWORKS if net.name not in GATES], ids=by_label)
def test_gradients_pass_gradcheck(net: Network) -> None:
    """The derivative along one random direction of all the inputs together; the slow test takes every one."""
    for kind in ("nngp", "ntk"):
        assert passes(net, kind, ("standard", 7), 2, fast=True)
    assert passes(net, finite(net), ("ntk", None), 1, fast=True)
    assert passes(net, "both", ("standard", 7), 2, fast=True, diagonal=True)


@pytest.mark.slow
@pytest.mark.parametrize("way", WAYS, ids=by_label)
@pytest.mark.parametrize("kind", ["nngp", "ntk", "both"])
@pytest.mark.parametrize("net", NETWORKS, ids=by_label)
def test_every_entry_of_every_gradient_passes_gradcheck(net: Network, kind: str, way: tuple[str, int | None]) -> None:
    for diagonal in (False, True):
        assert passes(net, kind, way, 2, fast=False, diagonal=diagonal)
        if kind == "nngp" or not jumps(net):
            assert passes(net, kind, way, 1, fast=False, diagonal=diagonal)


@pytest.mark.parametrize("name", ["gelu", "silu"])
@pytest.mark.parametrize("part", [name for name in Partials._fields if name != "factor"])
def test_a_wrong_derivative_is_caught(name: str, part: str, monkeypatch: pytest.MonkeyPatch) -> None:
    right = evaluator(activation(name))

    def wrong(*arguments: Any) -> Partials:
        found = right.partials(*arguments)
        return found._replace(**{part: getattr(found, part) * 1.01})

    monkeypatch.setattr(plan, "evaluator", lambda _: replace(right, partials=wrong))
    assert not passes(glu.network(name), "ntk", ("ntk", None), 2, fast=True)


@pytest.mark.parametrize("net", NETWORKS, ids=by_label)
def test_values_are_those_of_gram(net: Network) -> None:
    X, Y = rows(5, 3, 1), rows(4, 3, 2)
    X[1], Y[0] = X[0] * (1 + 1e-9), 0.0
    options: dict[str, Any] = {"kind": "both", "parametrization": "standard", "width": 9}
    variances = {role: 0.3 + 0.1 * k for k, role in enumerate(roles(net))}
    tensors = {role: torch.tensor(value, dtype=torch.float64) for role, value in variances.items()}
    for found, wanted in zip(
        gram(net, X, Y, variances=tensors, **options), glu.gram(net, X, Y, variances=variances, **options), strict=True
    ):
        assert torch.equal(found, wanted)
    assert torch.equal(gram(net, X), glu.gram(net, X))
    # of two different evaluators: 1e-14 of the scale each, and both infinite together
    scales = [[part.diagonal() for part in glu.gram(net, Z, kind="both")] for Z in (X[:4], Y)]
    pairs = zip(gram_diagonal(net, X[:4], Y, kind="both"), glu.gram(net, X[:4], Y, kind="both"), *scales, strict=True)
    for found, matrix, first, second in pairs:
        wanted = matrix.diagonal()
        size = torch.where((first * second).isfinite(), (first * second).sqrt(), 1.0)
        assert bool(((found == wanted) | ((found - wanted).abs() <= 2e-14 * size)).all())
    for found, matrix in zip(gram_diagonal(net, X, kind="both"), glu.gram(net, X, kind="both"), strict=True):
        torch.testing.assert_close(found, matrix.diagonal(), rtol=2e-14, atol=0)


# the second route: differences of 60 digits


def _kernel(net: Network, kind: str, x: list[Fraction], y: list[Fraction], digits: int) -> mpmath.mpf:
    a, b, c = (
        sum((p * q for p, q in zip(u, v, strict=True)), Fraction(0)) / len(x) for u, v in ((x, x), (y, y), (x, y))
    )
    value, total = MP.mpf(1), MP.mpf(0)
    for act in net.branches:
        S, T = (MP.mpf(part) for part in glu.evaluate(act, a, b, c, digits=digits))
        value, total = value * S, total * S + value * (MP.mpf(c.numerator) / c.denominator) * T
    return value if kind == "nngp" else value + total


def _number(value: Fraction) -> mpmath.mpf:
    return MP.mpf(value.numerator) / value.denominator


def _dot(u: list[Any], v: list[Any]) -> Any:
    return sum((p * q for p, q in zip(u, v, strict=True)), Fraction(0))


def hard_point_error(net: Network, kind: str, a: float, b: float, gap: float) -> float:
    """The error of the gradient in x, along x and at right angles to it, over the natural scale."""
    logistic = any(act.name in LOGISTIC for act in net.branches)
    digits, step = (32, Fraction(1, 10**12)) if logistic else (50, Fraction(1, 10**20))
    points = pair(a, b, gap, 3, 5)
    X, Y = torch.tensor(points.x[None, :], requires_grad=True), torch.tensor(points.y[None, :])
    gram(net, X, Y, kind=kind).sum().backward()
    gradient = [MP.mpf(float(v)) for v in X.grad[0]]
    x, y = ([Fraction(float(v)) for v in row] for row in points)
    slope = _dot(x, y) / _dot(x, x)
    across = [q - slope * p for p, q in zip(x, y, strict=True)]
    with MP.workdps(60):
        norm, width = MP.sqrt(_number(_dot(x, x))), MP.sqrt(_number(_dot(across, across)))
        size = MP.mpf(1) if jumps(net) else MP.sqrt(_kernel(net, kind, x, x, 30) * _kernel(net, kind, y, y, 30))
        error, largest = MP.mpf(0), size
        # derivatives along unit vectors, times ‖x‖; a step is a small part of ‖x‖ and of the distance from parallel
        for direction, length in ((x, norm), (across, width)):
            ends = [
                _kernel(net, kind, [p + sign * step * q for p, q in zip(x, direction, strict=True)], y, digits)
                for sign in (1, -1)
            ]
            wanted = (ends[0] - ends[1]) / (2 * _number(step)) * norm / length
            found = sum(g * _number(q) for g, q in zip(gradient, direction, strict=True)) * norm / length
            error, largest = max(error, abs(found - wanted)), max(largest, abs(wanted))
    return float(error / largest)


HARD = [
    *((a, a, 1e-12) for a in (1e-6, 1.0, 1e4)),
    *((1.0, 1e-2, gap) for gap in (-1e-12, 1e-8, -0.3)),
    *((1e4, 1e4, gap) for gap in (-1e-6, 0.06)),
]


@pytest.mark.long
@pytest.mark.parametrize("kind", ["nngp", "ntk"])
@pytest.mark.parametrize(
    "net", [*map(glu.network, (*(act.name for act in FAST_CLOSED), "reglu", "geglu"))], ids=by_label
)
def test_hard_points_against_differences_of_many_digits(net: Network, kind: str) -> None:
    errors = [hard_point_error(net, kind, a, b, gap) for a, b, gap in HARD]
    assert max(errors) <= TOLERANCE


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["nngp", "ntk"])
@pytest.mark.parametrize("net", [glu.network(name) for name in (*FAST_LOGISTIC, "swiglu")], ids=by_label)
def test_hard_points_of_the_logistic_family(net: Network, kind: str) -> None:
    errors = [hard_point_error(net, kind, a, b, gap) for a, b, gap in (*HARD, (1.5, 1e4, 1e-10), (4.0, 4.0, 0.2))]
    assert max(errors) <= TOLERANCE


@pytest.mark.parametrize(("name", "point"), [("silu", (1.0, 30.0, 1e-12)), ("softplus", (4.0, 2.0, 0.2))], ids=str)
def test_some_hard_points_of_the_logistic_family(name: str, point: tuple[float, float, float]) -> None:
    assert hard_point_error(glu.network(name), "ntk", *point) <= TOLERANCE


def test_an_angle_of_half_the_digits_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    def rough(left: Rows, right: Rows, rows: slice, columns: slice, limit: float) -> tuple[Geometry, None]:  # noqa: ARG001
        return Geometry(np, inner(np, left.unit[rows], right.unit[columns]), False, 1.0), None

    monkeypatch.setattr(backward, "of_tile", rough)
    assert hard_point_error(glu.network("relu"), "ntk", 1.0, 1.0, 1e-12) > 1e3 * TOLERANCE


@pytest.mark.parametrize("base", [TANH, X_TANH, LOG_COSH], ids=["tanh", "x tanh", "log cosh"])
def test_series_and_mixture_agree_where_both_serve(base: Base) -> None:
    """Two formulas with nothing in common, at the smallest q of the mixture and the largest that the series needs."""
    family = _Logistic(base, 0, 1.0, 0.0, 0.0, 1.0)
    gaps = np.array([0.0, 1e-12, 1e-6, 1e-3, 0.05, 0.3, 1.0, 1.5, 2 - 1e-6, 2.0])
    pairs = Geometry(np, 1 - gaps, True, 1.0, np.sqrt(gaps * (2 - gaps)), 0 * gaps)
    for q, other in ((SMALLEST, SMALLEST), (SMALLEST, 2.0), (SMALLEST, 100.0), (SMALLEST, 1e4)):
        left, right = (
            family.slope_features(read_rows("X", np.array([[side]])).radii(Fraction(1))) for side in (q, other)
        )
        found = family._slope_sums(pairs, left, right, second=True)
        wanted = partial_averages(pairs, base, left[0] + 0 * gaps, right[0] + 0 * gaps)
        for part, value in zip(found, wanted, strict=False):
            assert np.max(np.abs(part - value)) <= 5e-13 * max(1.0, np.max(np.abs(value)))


# conventions where a kernel has no derivative, and the shapes


def test_rows_in_a_crowd_have_the_sum_of_the_gradients_of_their_pairs() -> None:
    """Tiles of all sorts, many rows nearly parallel or equal, against pairs one by one, which take another way."""
    centre = rows(1, 4, 1)
    spread = torch.logspace(-9, 0, 140, dtype=torch.float64)[:, None]
    X, Y = centre + spread * rows(140, 4, 2), torch.cat([-centre + spread[:20] * rows(20, 4, 3), rows(40, 4, 4)])
    X[3], Y[5], Y[6] = X[4], -X[7], X[8]
    weights = rows(140, 60, 5)
    for name in ("reglu", "geglu"):
        one, other = (part.clone().requires_grad_() for part in (X, Y))
        gate = torch.tensor(1.3, dtype=torch.float64, requires_grad=True)
        (gram(name, one, other, variances={"gate": gate}) * weights).sum().backward()
        found = (one.grad, other.grad, gate.grad)
        one, other = (part.clone().requires_grad_() for part in (X, Y))
        gate = torch.tensor(1.3, dtype=torch.float64, requires_grad=True)
        pairs = one.repeat_interleave(60, 0), other.repeat(140, 1)
        (gram_diagonal(name, *pairs, variances={"gate": gate}) * weights.flatten()).sum().backward()
        for part, wanted in zip(found, (one.grad, other.grad, gate.grad), strict=True):
            torch.testing.assert_close(part, wanted, rtol=1e-11, atol=1e-11 * float(wanted.abs().max()))
        # of a symmetric matrix both sides flow to X; its diagonal is K(x, x), that of gram(X, X) has the same gradient
        torch.testing.assert_close(
            gradient(name, X), 2 * gradient(name, X, X.clone()), rtol=1e-11, atol=1e-11 * float(found[0].abs().max())
        )


@pytest.mark.parametrize("way", WAYS, ids=by_label)
@pytest.mark.parametrize("kind", ["nngp", "ntk"])
@pytest.mark.parametrize("name", ["relu", "geglu", "swiglu", "gaussian"])
def test_variances_agree_with_the_derivatives_along_log_variances(
    name: str, kind: str, way: tuple[str, int | None]
) -> None:
    """Those of `gram_gradient` were derived on their own, along the common scale of both rows."""
    X, weights = rows(20, 3, 4), rows(20, 20, 5)
    options: dict[str, Any] = {"kind": kind, "parametrization": way[0], "width": way[1]}
    variances = {role: torch.tensor(0.5 + k, requires_grad=True) for k, role in enumerate(roles(glu.network(name)))}
    (gram(name, X, variances=variances, **options) * weights).sum().backward()
    numbers = {role: value.item() for role, value in variances.items()}
    _, wanted = gram_gradient(name, X.numpy(), variances=numbers, **options)
    for k, value in enumerate(variances.values()):
        assert value.grad.item() * value.item() == pytest.approx((wanted[..., k] * weights.numpy()).sum(), rel=1e-5)


def test_the_gradient_does_not_depend_on_the_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    X = rows(300, 3, 6)
    found = []
    for threads in (1, 3):
        monkeypatch.setattr("glutheory.numeric.differentiate.cores", lambda threads=threads: threads)
        found.append(gradient("geglu", X))
    assert torch.equal(*found)


@pytest.mark.parametrize("name", ["geglu", "swiglu", "sin", "exp", "gaussian", "step"])
def test_the_way_of_a_device_gives_the_same_on_the_cpu(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A device's tensors are worked on by torch itself; the CPU's, else numpy arrays, may take that way as well."""
    X, Y = rows(40, 3, 1), rows(30, 3, 2)
    X[:20], Y[3] = X[:1] + 1e-5 * X[:20], X[2]
    options: dict[str, Any] = {"kind": "nngp"} if name == "step" else {}
    wanted = gradient(name, X, Y), gradient(name, X, **options), gram_diagonal(name, X[:30], Y)
    monkeypatch.setattr(autograd, "_host", lambda tensor: tensor.detach())
    found = gradient(name, X, Y), gradient(name, X, **options), gram_diagonal(name, X[:30], Y)
    for part, other in zip(found, wanted, strict=True):
        torch.testing.assert_close(part, other, rtol=1e-11, atol=1e-11 * float(other.abs().max()))


@pytest.mark.cuda
def test_on_a_device_the_gradient_is_the_same() -> None:
    for net in NETWORKS:
        X, Y = rows(40, 3, 1), rows(30, 3, 2)
        X[:20] = X[:1] + 1e-5 * X[:20]
        wanted, found = gradient(net, X, Y), gradient(net, X.cuda(), Y.cuda())
        assert found.device.type == "cuda"
        torch.testing.assert_close(found.cpu(), wanted, rtol=1e-9, atol=1e-9 * float(wanted.abs().max()))
        torch.testing.assert_close(gram_diagonal(net, X[:30].cuda(), Y.cuda()).cpu(), gram_diagonal(net, X[:30], Y))
