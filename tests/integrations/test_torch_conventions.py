"""Gradients where a kernel has no derivative: zero and degenerate rows, cusps."""

from __future__ import annotations

import math

import pytest

import glutheory as glu
from glutheory.networks import Network
from tests.numeric.cases import pair
from tests.zoo import ROWS

torch = pytest.importorskip("torch")
from glutheory.integrations.torch import gram  # noqa: E402
from tests.integrations.tensors import NETWORKS, by_label, gradient, jumps, roles, rows  # noqa: E402


@pytest.mark.parametrize("net", NETWORKS, ids=by_label)
@pytest.mark.parametrize("kind", ["nngp", "ntk"])
def test_degenerate_rows_have_finite_gradients(net: Network, kind: str) -> None:
    """Zero rows, duplicates, multiples, opposite rows and norms of 1e-150; of 1e120 where the kernel stays finite."""
    X = rows(7, 3, 8)
    X[0], X[2], X[3], X[4], X[5] = 0.0, X[1], -2 * X[1], X[1] * 0.1, X[5] * 1e-150
    assert bool(gradient(net, X, X.clone(), kind=kind).isfinite().all())
    variances = {role: torch.tensor(0.7, dtype=torch.float64, requires_grad=True) for role in roles(net)}
    gram(net, X, rows(4, 3, 9), kind=kind, variances=variances).sum().backward()
    assert all(math.isfinite(value.grad) for value in variances.values())
    if not (jumps(net) and kind == "ntk"):
        assert bool(gradient(net, X, kind=kind).isfinite().all())
    if len(net.branches) == 1 and ROWS[net.branches[0].name].growth <= 1 and not jumps(net):
        X[6] *= 1e120
        assert bool(gradient(net, X, kind=kind).isfinite().all())


@pytest.mark.parametrize("kind", ["nngp", "ntk"])
@pytest.mark.parametrize("net", [net for net in NETWORKS if not jumps(net)], ids=by_label)
def test_at_a_zero_row_the_two_sides_are_averaged(net: Network, kind: str) -> None:
    """Differences of gram itself, symmetric about the zero row: their error is of the order of the step."""
    Y, step = rows(4, 3, 5), 1e-7
    found = gradient(net, torch.zeros(1, 3, dtype=torch.float64), Y, kind=kind)[0]
    ends = [glu.gram(net, sign * step * torch.eye(3, dtype=torch.float64), Y, kind=kind).sum(1) for sign in (1, -1)]
    wanted = (ends[0] - ends[1]) / (2 * step)
    torch.testing.assert_close(found, wanted, rtol=1e-5, atol=1e-6)


def test_a_cusp_has_the_mean_of_the_slopes_on_both_sides() -> None:
    """The ReLU NTK in the plane, along the circle through a row that Y holds as well."""
    x, side = torch.tensor([[3.0, 4.0]], dtype=torch.float64), torch.tensor([[-4.0, 3.0]], dtype=torch.float64)
    step = 1e-6
    before, at, after = (float((gradient("relu", x + k * step * side, x) * side).sum()) for k in (-1, 0, 1))
    # the gradient is along x and ‖x‖·‖side‖ = 25: two products and a sum leave a few units in the last place of that
    assert at == pytest.approx(0.0, abs=4 * 25 * torch.finfo(torch.float64).eps)
    assert before > 1.0
    assert after < -1.0
    assert (before + after) / 2 == pytest.approx(0.0, abs=1e-4)
    # the diagonal of a symmetric matrix is x ↦ K(x, x) = 2·‖x‖²/2d
    torch.testing.assert_close(gradient("relu", x), x, rtol=1e-14, atol=0)


def test_the_slope_along_the_correlation_diverges_as_the_inverse_root() -> None:
    """∂K/∂ρ of the ReLU NTK is 1/(2π √(2(1−ρ))) and less: the gradient at right angles, over sin θ."""
    for gap in (1e-4, 1e-8, 1e-12):
        points = pair(0.5, 0.5, gap, 2, 4)
        x, y = (torch.from_numpy(part.copy())[None, :] for part in points)
        side = torch.tensor([[-x[0, 1], x[0, 0]]], dtype=torch.float64)
        sine = math.sqrt(gap * (2 - gap))
        slope = abs(float((gradient("relu", x, y) * side).sum())) / sine
        # cT = ρ ψ/2π: its slope is (ψ + ρ/sin θ)/2π, that of S is ψ/2π; here r r' = 1/2
        psi = math.pi - math.atan2(sine, 1 - gap)
        assert slope == pytest.approx((2 * psi + (1 - gap) / sine) / (4 * math.pi), rel=1e-3 if gap < 1e-11 else 1e-7)
