"""Identities of sums over indices, against NumPy's sums with random arrays and sizes."""

import numpy as np
import pytest
import sympy as sp

from derivations.tools.matrices import K, e, i, j, k, q, r, spectral, u, values, weighted_sum, x
from derivations.tools.sums import Form, Index, Tensor, delta, form, orthonormal, same, total, unit, unit_diagonal

SIZES = {"n": 4, "d": 3}
C = Tensor("C", symmetric=True)


def arrays(seed):
    rng = np.random.default_rng(seed)
    symmetric = rng.standard_normal((2, 4, 4))
    matrix, other = symmetric + symmetric.transpose(0, 2, 1)
    np.fill_diagonal(other, 1)
    return {
        "K*": matrix,
        "C*": other,
        "u": rng.standard_normal(4),
        "x": rng.standard_normal((4, 3)),
        "q": np.linalg.qr(rng.standard_normal((4, 4)))[0],
        "lambda": rng.random(4) + 0.5,
        "delta*": np.eye(4),
    }


def value(what: Form, table, at):
    """A form's number, its free indices at these places."""
    found = 0.0
    for (components, bound), coefficient in what.terms.items():
        free = sorted({index for (_, where), _ in components for index in where} - bound)
        order = {index: place for place, index in enumerate([*free, *sorted(bound)])}
        shape = [SIZES[index.range] for index in order]
        product = np.ones(shape)
        for (name, where), power in components:
            axes = [order[index] for index in where]
            grid = np.ix_(*(range(size) for size in shape))
            product = product * table[name][tuple(grid[axis] for axis in axes)] ** float(power)
        product = product[tuple(at[index] for index in free)]
        found += float(
            coefficient.subs({sp.Symbol(name, positive=True): size for name, size in SIZES.items()})
        ) * float(np.sum(product))
    return found


AT = {i: 1, j: 3, k: 0, r: 2, e: 2}
PAIRS = {
    "products": (total(u[i], i) * total(u[i], i), total(u[i] * u[j], i, j)),
    "a quadratic form": (total(u[i] * K[i, j] * u[j], i, j), total(u[j] * u[i] * K[j, i], j, i)),
    "delta": (total(delta(i, j) * u[j] * K[j, k], j), u[i] * K[i, k]),
    "delta alone": (total(delta(i, j), j), form(1)),
    "its trace": (total(delta(i, j) ** 2, i, j), form(sp.Symbol("n", positive=True))),
    "a free delta": (delta(i, j) * u[i], delta(i, j) * u[j]),
    "a constant": (total(u[i] * 2, i, r), 2 * sp.Symbol("d", positive=True) * total(u[i], i)),
    "orthonormal columns": (orthonormal(total(q[i, e] * q[j, e], e), "q", 1), delta(i, j)),
    "orthonormal rows": (orthonormal(total(q[i, e] ** 2, i), "q", 0), form(1)),
    "powers": (
        orthonormal(total(spectral(q, values, i, k) * spectral(q, values, k, j), k), "q", 0),
        spectral(q, values, i, j, sp.S(2)),
    ),
    "a unit diagonal": (total(C[i, i] * K[i, i], i).where(unit_diagonal("C")), total(K[i, i], i)),
    "a diagonal alone": (total(C[i, i], i).where(unit_diagonal("C")), form(sp.Symbol("n", positive=True))),
    "a derivative": (total(u[i] * K[i, j] * u[j], i, j).derivative("u", k), 2 * total(K[k, j] * u[j], j)),
}


@pytest.mark.parametrize("label", PAIRS)
def test_equal_forms_are_found_equal_and_are_equal(label):
    left, right = PAIRS[label]
    assert same(left - right).passed
    for seed in range(3):
        table = arrays(seed)
        # sums of at most 4^4 terms of size up to 10
        assert value(form(left), table, AT) == pytest.approx(value(form(right), table, AT), abs=1e-10)


NEIGHBOURS = {
    "a square of a sum is no sum of squares": (total(u[i], i) ** 2, total(u[i] ** 2, i)),
    "an index that is bound twice": (total(u[i] * x[i, r], i) ** 2, total(u[i] ** 2 * x[i, r] ** 2, i)),
    "a matrix that is not symmetric": (q[i, j], q[j, i]),
    "another range": (total(x[i, r], r), total(x[i, r], i)),
    "orthonormality in the other place": (orthonormal(total(q[i, e] * q[j, e], e), "q", 0), delta(i, j)),
    "one vector for all": (unit(total(x[i, r] * x[j, r], r), "x", 1), form(1)),
    "the size": (total(delta(i, j), i, j), form(sp.Symbol("d", positive=True))),
}


@pytest.mark.parametrize("label", NEIGHBOURS)
def test_what_is_not_equal_is_not_found_equal(label):
    left, right = NEIGHBOURS[label]
    assert not same(left - right).passed


def test_the_bound_of_a_hadamard_product():
    assert weighted_sum().passed


def test_a_delta_of_two_ranges_is_refused():
    with pytest.raises(ValueError, match="different ranges"):
        delta(i, Index("a", "m"))


@pytest.mark.parametrize(
    ("base", "power"),
    [
        (u[i] + u[j], -1),  # was taken as 1
        (u[i] + u[j], sp.Rational(1, 2)),
        (total(u[i], i), sp.Symbol("k", positive=True)),
        (2 * u[i], sp.Rational(1, 2)),
        (u[i] ** 2, sp.Rational(1, 2)),  # |u|, was taken as u
        (u[i] * u[j], sp.Rational(1, 2)),  # at two negative numbers not the product of the roots
    ],
    ids=["sum, -1", "sum, root", "total, any", "multiple, root", "square, root", "product, root"],
)
def test_a_power_without_a_normal_form_is_refused(base, power):
    with pytest.raises(ValueError, match="exponent"):
        base**power


def test_powers_that_have_one():
    whole, broken = sp.Symbol("k", integer=True), sp.Symbol("k", positive=True)
    for found, wanted in (
        ((u[i] * u[j]) ** -1 * u[i] * u[j], form(1)),
        ((u[i] * u[j]) ** whole, u[i] ** whole * u[j] ** whole),
        (u[i] ** broken * u[i] ** broken, u[i] ** (2 * broken)),
        ((u[i] + u[j]) ** 0, form(1)),
        ((u[i] + u[j]) ** sp.Integer(3), (u[i] + u[j]) * (u[i] + u[j]) * (u[i] + u[j])),
    ):
        assert same(found - wanted).passed


@pytest.mark.parametrize("name", ["K*", "delta", "delta*"])
def test_a_name_of_the_normal_form_is_refused(name):
    """K*, not symmetric, was taken for the symmetric K: K*_ij − K*_ji was found to be zero."""
    with pytest.raises(ValueError, match="neither"):
        Tensor(name)


def test_nothing_to_show_is_refused():
    with pytest.raises(ValueError, match="nothing"):
        same()


def test_what_a_rule_sums_over_is_not_an_index_of_the_term():
    """Σ_i u_i² z_j with Σ_k u_k² for z_j: two sums, where one index stood for both."""
    inner = total(u[i] ** 2, i)

    def rule(components):
        rest = {key: power for key, power in components.items() if key[0] != "z"}
        return None if len(rest) == len(components) else Form({(frozenset(rest.items()), frozenset()): 1}) * inner

    found = total(u[i] ** 2 * Tensor("z")[j], i).where(rule)
    assert same(found - inner * inner).passed
    assert not same(found - total(u[i] ** 4, i)).passed


def test_values_of_the_coefficients():
    a, b = sp.symbols("a b")
    assert same(total(a * u[i], i).subs({a: b}) - total(b * u[i], i)).passed
