"""Laws that hold for every data set, network and choice of variances, tested on `glutheory.gram`.

Two errors enter. E: gram's promise, each entry within 1e-14 √(K_ii K_jj). `Bound.rounding`: what computing eigenvalues
can take. By Weyl, entries off by e √(K_ii K_jj) move an eigenvalue by at most e·tr K ≤ e·n·λ_max.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from checks.tools import bounds
from glutheory.dynamics import expected_loss
from glutheory.networks import GATES, Network, network
from glutheory.numeric import gram
from glutheory.spectra import condition_number, spectrum
from tests.strategies import NETWORKS, datasets, parametrisations
from tests.zoo import DEGREES, JUMPS

E = 1e-14
Array = np.ndarray
LINES = np.array([[1.0, 0.0], [0.0, 1.0], [1.0, 1.0], [1.0, -1.0]])
ALONE = [GATES[gate] for gate in GATES]
gates = st.sampled_from(sorted(GATES))


def scale(K: Array, L: Array | None = None) -> Array:
    """√(K_ii K_jj), the size in which errors of entry (i, j) count; 0 where a row vanishes."""
    left = np.sqrt(np.diag(K))
    return np.outer(left, left if L is None else np.sqrt(np.diag(L)))


@st.composite
def cases(draw: st.DrawFn, /, **options: Any) -> tuple[Network, Array, dict[str, Any]]:
    """A network, data and a parametrisation."""
    net = draw(st.sampled_from(NETWORKS))
    return net, draw(datasets(**options)), draw(parametrisations(net))


@st.composite
def gated_cases(draw: st.DrawFn, /, **options: Any) -> tuple[str, Array, int | None]:
    """A gate, data, and the width under LeCun's variances, or None for the ntk parametrisation."""
    return draw(gates), draw(datasets(**options)), draw(st.none() | st.integers(1, 4096))


def pair(gate: str, X: Array, width: int | None) -> tuple[Array, Array, Array]:
    """(K, K̃, S) with K̃ = (G/d)⊙(K + rS), r = d under LeCun's variances, 1 in the ntk parametrisation."""
    chosen: dict[str, Any] = {"parametrization": "ntk"}
    if width is not None:
        chosen = {"parametrization": "standard", "width": width}
    # with m σ_v² = 1 the NNGP kernel of the non-gated network is S itself
    S, K = gram(GATES[gate], X, kind="both", **chosen)
    return K, gram(gate, X, **chosen), S


@given(case=cases())
def test_symmetric_finite_and_positive_semidefinite(case: tuple[Network, Array, dict[str, Any]]) -> None:
    net, X, options = case
    for K in gram(net, X, kind="both", **options):
        assert np.isfinite(K).all()
        np.testing.assert_array_equal(K, K.T)
        # scaled to a unit diagonal, so that small inputs are not lost beside large ones
        kept = np.diag(K) > 0
        assert (K[~kept] == 0).all()
        if kept.any():
            part = K[np.ix_(kept, kept)]
            # the scaling rounds each entry three times: 4 ε on top of gram's own error
            found = spectrum(part / scale(part), entry_error=E + 1e-15)
            assert found.smallest >= -found.error


@given(case=cases(), seed=st.integers(0, 99))
def test_rotations_change_nothing(case: tuple[Network, Array, dict[str, Any]], seed: int) -> None:
    net, X, options = case
    Q = np.linalg.qr(np.random.default_rng(seed).standard_normal((X.shape[1], X.shape[1])))[0]
    for before, after in zip(
        gram(net, X, kind="both", **options), gram(net, X @ Q, kind="both", **options), strict=True
    ):
        # a rotated row is off by about d ε ≤ 2e-15 of its length in length and direction; a kernel of degree 6 in the
        # lengths (a product of three branches, twice) and of slope ≤ 3 in the angle follows by less than 4e-14
        assert (abs(before - after) <= 4 * E * scale(before) + 2 * E * scale(before)).all()


@given(case=cases(), seed=st.integers(0, 99))
def test_permuted_rows_permute_the_matrix(case: tuple[Network, Array, dict[str, Any]], seed: int) -> None:
    net, X, options = case
    order = np.random.default_rng(seed).permutation(len(X))
    before, after = gram(net, X, **options), gram(net, X[order], **options)
    wanted = before[np.ix_(order, order)]
    assert (abs(after - wanted) <= 2 * E * scale(wanted)).all()


@given(case=cases(rows=(2, 8)), split=st.integers(1, 7))
def test_blocks_are_parts_of_the_whole(case: tuple[Network, Array, dict[str, Any]], split: int) -> None:
    net, X, options = case
    split = min(split, len(X) - 1)
    whole = gram(net, X, **options)
    block = gram(net, X[:split], X[split:], **options)
    size = scale(whole[:split, :split], whole[split:, split:])
    assert (abs(block - whole[:split, split:]) <= 2 * E * size).all()


@given(case=cases(rows=(2, 8)))
def test_duplicates_have_equal_rows_and_zero_rows_those_of_zero(case: tuple[Network, Array, dict[str, Any]]) -> None:
    net, X, options = case
    X = np.concatenate([X, X[:1], np.zeros((1, X.shape[1]))])
    K, values = gram(net, X, **options), np.sqrt(np.diag(gram(net, X, **options)))
    assert (abs(K[0] - K[-2]) <= 2 * E * values[0] * values).all()
    if net.gated:
        assert (K[-1] == 0).all()


@given(
    name=st.sampled_from([item for item in DEGREES.items() if item[0] not in JUMPS]),
    X=datasets(),
    data=st.data(),
)
def test_homogeneous_networks_scale_row_by_row(name: tuple[str, int], X: Array, data: st.DataObject) -> None:
    label, degree = name
    factors = np.array(data.draw(st.lists(st.floats(1e-6, 1e6), min_size=len(X), max_size=len(X))))
    for K, scaled in zip(gram(label, X, kind="both"), gram(label, X * factors[:, None], kind="both"), strict=True):
        wanted = K * np.outer(factors, factors) ** degree
        # the scaled rows are rounded: 1e-15 of the length in length and direction, at most four times over
        assert (abs(scaled - wanted) <= 4 * E * scale(wanted)).all()


@given(case=gated_cases(), factor=st.floats(1, 100))
def test_longer_inputs_have_larger_kernels(case: tuple[str, Array, int | None], factor: float) -> None:
    """E φ(√a z)² grows with a where φ(z)² + φ(−z)² does in z ≥ 0, and a E φ'(√a z)² does always: so does K(x, x)."""
    gate, X, width = case
    for before, after in zip(pair(gate, X, width), pair(gate, X * factor, width), strict=True):
        assert (np.diag(after) >= np.diag(before) * (1 - 4 * E)).all()


@given(case=gated_cases())
def test_the_gated_kernel_is_a_hadamard_product(case: tuple[str, Array, int | None]) -> None:
    """K̃ = (G/d)⊙(K + rS), and the gated NNGP is (G/d)⊙S: the degree shift in finite form."""
    gate, X, width = case
    K, gated, S = pair(gate, X, width)
    d = X.shape[1]
    ratio = 1 if width is None else d
    # the cosines as a kernel of their own: accurate for opposite and nearly orthogonal rows too
    C = gram("identity", X, kind="nngp")
    assert (abs(gated - C * (K + ratio * S)) <= 4 * E * scale(gated)).all()
    nngp = gram(gate, X, kind="nngp")
    assert (abs(nngp - C * gram(GATES[gate], X, kind="nngp")) <= 3 * E * scale(nngp)).all()


@given(gate=gates, rho=st.floats(-0.9, 0.9))
def test_on_the_sphere_kernels_are_derivatives(gate: str, rho: float) -> None:
    """K = (ρκ)' and K̃ = (ρ²κ)', integrated: ∫₀^ρ K = ρκ(ρ), ∫₀^ρ K̃ = ρ²κ(ρ)."""
    nodes, weights = np.polynomial.legendre.leggauss(40)
    at = np.append(rho * (nodes + 1) / 2, rho)
    X = np.sqrt(2) * np.stack([at, np.sqrt(1 - at**2)], axis=1)
    left = np.array([[np.sqrt(2), 0.0]])
    kappa = gram(GATES[gate], left, X, kind="nngp")[0, -1]
    for name, power in ((GATES[gate], 1), (gate, 2)):
        K = gram(name, left, X)[0]
        # analytic but for ρ = ±1, which 40 nodes on [0, 0.9] see at 1.9^{-80}; 1e-13 is 5 E of K(1, 1) ≤ 2
        assert abs(rho / 2 * (weights @ K[:-1]) - rho**power * kappa) <= 1e-13


@given(case=gated_cases())
@example(case=("reglu", np.array([[1.0], [-2.0]]), None))
def test_theorem_a(case: tuple[str, Array, int | None]) -> None:
    """The ends of the gated spectrum, for inputs of any norm."""
    gate, X, width = case
    K, gated, S = pair(gate, X, width)
    d = X.shape[1]
    # λ_min(K̃) ≥ σ_p² min g·[λ_min(K) + r λ_min(S)], and λ_max from above in the same way; r = m σ_v²/σ_p², g = ‖x‖²
    ratio, g = 1 if width is None else d, np.sum(X * X, axis=1) / d
    own, dual, found = (bounds.eigenvalues(matrix) for matrix in (K, S, gated))
    low, high = np.min((own[-1] + ratio * dual[-1]) * g), np.max((own[0] + ratio * dual[0]) * g)
    scale = max(abs(low), abs(high), abs(found[0]), abs(found[-1]))
    # each of K̃, K and S is right to E of its diagonal, and every trace is at most n times the scale; LAPACK: a few n ε
    rounding = 16 * len(X) * np.finfo(np.float64).eps
    assert own[-1] >= -rounding * own[0]
    assert dual[-1] >= -rounding * dual[0]
    tolerance = (rounding + 3 * E * len(X)) * scale
    assert low - tolerance <= found[-1] <= np.min(np.diag(gated)) + tolerance
    assert np.max(np.diag(gated)) - tolerance <= found[0] <= high + tolerance


@given(case=gated_cases(normalised=True))
@example(case=("reglu", np.sqrt(2) * np.array([[1.0, 0.0], [np.cos(1e-3), np.sin(1e-3)]]), None))
@example(case=("gtu", LINES * np.sqrt(2 / np.sum(LINES**2, axis=1, keepdims=True)), 2))
def test_normalised_inputs(case: tuple[str, Array, int | None]) -> None:
    """λ_min never falls, the condition number grows by at most 1 + d/m, and K̃ is majorised by K + rS."""
    gate, X, width = case
    K, gated, S = pair(gate, X, width)
    n, d = X.shape
    ratio, worst = (1, 2.0) if width is None else (d, 1 + d / width)
    C = gram("identity", X, kind="nngp")
    np.fill_diagonal(C, 1.0)
    before, after = spectrum(K, entry_error=E), spectrum(gated, entry_error=E)
    assert after.smallest + after.error >= before.smallest - before.error
    first, second = condition_number(K, entry_error=E), condition_number(gated, entry_error=E)
    assert second.low <= worst * first.high * (1 + E)
    found = bounds.majorisation_sums(K + ratio * S, C)
    assert found.holds()
    # the diagonal of C is 1 but for n = 8 roundings; K̃ and K + rS are right to E of the trace, in every partial sum
    sums = np.cumsum(bounds.eigenvalues(gated))
    assert (sums <= found.upper + (found.rounding + 4 * n * E) * found.scale).all()
    # and in the wide limit the condition number never grows
    assert bounds.majorisation_sums(S, C).holds()
    wide = bounds.two_sided_condition(S, C)
    assert wide.holds()


@given(case=gated_cases())
def test_schur_bounds_for_any_norms(case: tuple[str, Array, int | None]) -> None:
    gate, X, width = case
    K = pair(gate, X, width)[0]
    G = X @ X.T
    assume(np.trace(K * G) > 0 and np.trace(G) > 0)
    assert bounds.two_sided_condition(K, G).holds()


@given(case=cases(rows=(2, 8)))
def test_single_precision_is_the_same_to_its_own_accuracy(case: tuple[Network, Array, dict[str, Any]]) -> None:
    net, X, options = case
    single = X.astype(np.float32)
    wanted = gram(net, single.astype(np.float64), **options)
    assume(np.max(wanted) < 1e38)
    found = gram(net, single, **options)
    assert found.dtype == np.float32
    # entries below the smallest normal float32 lose digits to it
    assert (abs(found - wanted) <= 4e-7 * scale(wanted) + 1e-38).all()


@given(case=cases(rows=(2, 8)), labels=st.integers(0, 99), fraction=st.floats(0.05, 1))
def test_small_steps_lower_the_expected_loss(
    case: tuple[Network, Array, dict[str, Any]], labels: int, fraction: float
) -> None:
    """With η ≤ 1/λ_max every mode shrinks: E L(k) falls, towards the part that no step can reach."""
    net, X, options = case
    nngp, K = gram(net, X, kind="both", **options)
    assume(np.max(K) > 1e-250)
    Y = np.random.default_rng(labels).standard_normal(len(X))
    curve = expected_loss(K, nngp, Y)
    rate = fraction * curve.largest_stable_rate / 2
    losses = curve.descent(np.arange(20), rate)
    initial = float(np.trace(nngp) + Y @ Y)
    assert losses[0] == pytest.approx(initial, rel=1e-12)
    assert (np.diff(losses) <= 1e-15 * initial).all()
    assert losses[-1] >= curve.floor * (1 - 1e-12)


def test_the_gates_and_their_activations() -> None:
    """The table behind these tests is the zoo's: a new gate takes part in them."""
    assert {network(gate).branches[-1].name for gate in GATES} == set(ALONE)
