"""JAX: the numbers of `glutheory.gram`, derivatives against differences, tracing, and what is refused."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

import glutheory as glu
from glutheory.errors import DomainError, UnknownNameError

jax = pytest.importorskip("jax")
integration = pytest.importorskip("glutheory.integrations.jax")
gram = integration.gram

RNG = np.random.default_rng(0)
X, Y = RNG.standard_normal((4, 3)), RNG.standard_normal((3, 3))
WEIGHTS = RNG.standard_normal((4, 3))
STACK = glu.stack("swiglu", 2, norm="rms", residual=True)
#: Networks and options.
CASES: dict[str, tuple[Any, dict[str, Any]]] = {
    "reglu": ("reglu", {}),
    "swiglu": ("swiglu", {"kind": "nngp"}),
    "geglu": ("geglu", {"parametrization": "standard", "width": 64, "variances": {"gate": 0.5}}),
    "mish": ("mish", {}),
    "stack": (STACK, {}),
}


@pytest.fixture(autouse=True)
def _double() -> Iterator[None]:
    before = jax.config.jax_enable_x64
    jax.config.update("jax_enable_x64", True)
    yield
    jax.config.update("jax_enable_x64", before)


@pytest.mark.parametrize("name", CASES)
def test_values_and_derivatives(name: str) -> None:
    network, options = CASES[name]
    rows, columns = jax.numpy.asarray(X), jax.numpy.asarray(Y)
    assert np.array_equal(gram(network, rows, columns, **options), glu.gram(network, X, Y, **options))
    assert np.array_equal(gram(network, rows, **options), glu.gram(network, X, **options))

    def total(rows: Any, columns: Any) -> Any:
        return (WEIGHTS * gram(network, rows, columns, **options)).sum()

    found = jax.grad(total, argnums=(0, 1))(rows, columns)
    traced = jax.jit(jax.grad(total, argnums=(0, 1)))(rows, columns)
    step = 1e-5
    for which, (side, own) in enumerate(zip((X, Y), found, strict=True)):
        assert np.array_equal(own, traced[which])
        for place in ((0, 0), (2, 1)):
            moved = np.zeros_like(side)
            moved[place] = step
            ends = [total(*(p + s * moved if k == which else p for k, p in enumerate((X, Y)))) for s in (1, -1)]
            # of the difference: step² times a third derivative, and rounding over step
            assert float(own[place]) == pytest.approx(float(ends[0] - ends[1]) / (2 * step), rel=1e-7, abs=1e-8)


def test_a_symmetric_matrix_and_its_variances() -> None:
    def total(rows: Any, gate: Any) -> Any:
        return gram("swiglu", rows, variances={"gate": gate, "value": 2.0}).sum()

    rows, gate = jax.numpy.asarray(X), jax.numpy.asarray(0.7)
    slopes = jax.grad(total, argnums=(0, 1))(rows, gate)
    step = 1e-5
    moved = np.zeros_like(X)
    moved[1, 2] = step
    assert float(slopes[0][1, 2]) == pytest.approx(
        float(total(X + moved, gate) - total(X - moved, gate)) / (2 * step), rel=1e-7
    )
    difference = float(total(rows, gate + step) - total(rows, gate - step)) / (2 * step)
    assert float(slopes[1]) == pytest.approx(difference, rel=1e-7)
    # a Python float is differentiated like an array
    assert float(jax.grad(total, argnums=1)(rows, 0.7)) == pytest.approx(difference, rel=1e-7)


def test_many_matrices() -> None:
    batch = jax.numpy.stack([X, X + 1])
    found = jax.vmap(lambda rows: gram("relu", rows))(batch)
    assert np.array_equal(found[1], glu.gram("relu", X + 1))


def test_gram_takes_and_returns_arrays_of_jax() -> None:
    first, second = glu.gram("geglu", jax.numpy.asarray(X), jax.numpy.asarray(Y), kind="both")
    assert isinstance(first, jax.Array)
    assert isinstance(second, jax.Array)
    assert np.array_equal(second, glu.gram("geglu", X, Y))
    single = glu.gram("relu", jax.numpy.asarray(X, dtype=np.float32))
    assert single.dtype == np.float32


def test_the_function_has_the_form_of_neural_tangents() -> None:
    """Its values for serial(Dense(8), Relu(), Dense(1)), made by neural-tangents 0.6.5 with jax 0.4.38."""
    kernel = integration.kernel_fn("relu")
    both = kernel(jax.numpy.asarray(X), None, ("ntk", "nngp"))
    assert both._fields == ("ntk", "nngp")
    ntk = [0.14780032, 0.09563939, 0.00521838, 0.0416835]
    nngp = [0.07390016, 0.05580071, 0.03168676, 0.0457321]
    assert both.ntk[0] == pytest.approx(ntk, abs=5e-9)
    assert both.nngp[0] == pytest.approx(nngp, abs=5e-9)
    assert np.array_equal(kernel(X, None, "ntk"), both.ntk)
    # neural-tangents' own default, given by position
    for found in (kernel(X, Y), kernel(X, Y, None), kernel(X, x2=Y, get=["nngp", "ntk"])):
        assert found._fields == ("nngp", "ntk")
        assert np.array_equal(found.ntk, kernel(X, Y, "ntk"))
    for get in ("cov1", (), ("ntk", "cov1"), 5, ("ntk", None), {"ntk": 1}):
        with pytest.raises(DomainError, match=r"get is .*use 'nngp', 'ntk', a tuple of these, or None for both"):
            kernel(X, Y, get)


def _total(rows: Any) -> Any:
    return gram("relu", rows).sum()


@pytest.mark.parametrize(
    "ask",
    {
        "jvp": lambda rows: jax.jvp(_total, (rows,), (rows,)),
        "jacfwd": jax.jacfwd(_total),
        "hessian": jax.hessian(_total),
        "twice": jax.grad(lambda rows: jax.grad(_total)(rows).sum()),
        "jacfwd, compiled": jax.jit(jax.jacfwd(_total)),
        "hessian, compiled": jax.jit(jax.hessian(_total)),
        "twice, compiled": jax.jit(jax.jacrev(jax.jacrev(_total))),
    }.items(),
    ids=lambda item: item[0],
)
def test_there_is_one_derivative_in_reverse_mode(ask: tuple[str, Any]) -> None:
    with pytest.raises(NotImplementedError, match="no forward mode and no second derivative in JAX: use"):
        ask[1](jax.numpy.asarray(X))


def test_forward_mode_of_what_was_compiled_is_jaxs_own_sentence() -> None:
    with pytest.raises(TypeError, match=r"^can't apply forward-mode .* to a custom_vjp function\."):
        jax.jacfwd(jax.jit(_total))(jax.numpy.asarray(X))


def test_a_jacobian_in_reverse_mode() -> None:
    """Entry (i, j) along row i, against the gradient of that entry alone."""
    rows, columns = jax.numpy.asarray(X), jax.numpy.asarray(Y)
    found = jax.jacrev(lambda own: gram("swiglu", own, columns))(rows)
    one = jax.grad(lambda own: gram("swiglu", own, columns)[2, 1])(rows)
    assert np.array_equal(found[2, 1], one)
    assert found.shape == (4, 3, 4, 3)


#: What becomes of rows that have no kernel where JAX is tracing.
TRACED = {
    "jit": jax.jit(lambda rows: gram("swiglu", rows)),
    "grad of jit": jax.grad(jax.jit(_total)),
    "jit of grad": jax.jit(jax.grad(_total)),
    "variances": jax.jit(lambda rows: jax.grad(lambda gate: gram("swiglu", rows, variances={"gate": gate}).sum())(0.5)),
}


@pytest.mark.parametrize("bad", [np.nan, np.inf])
@pytest.mark.parametrize("name", TRACED)
def test_what_has_no_kernel_is_nan_with_a_warning_where_jax_traces(name: str, bad: float) -> None:
    rows = jax.numpy.asarray(X).at[1, 2].set(bad)
    with pytest.warns(RuntimeWarning, match=r"^X has the value (nan|inf) in row 1, column 2 .* goes on with NaN\."):
        found = np.asarray(TRACED[name](rows))
    assert np.isnan(found).all()
    # and nothing of it stays
    assert np.isfinite(np.asarray(TRACED[name](jax.numpy.asarray(X)))).all()


def test_of_many_matrices_the_bad_one_is_nan() -> None:
    batch = jax.numpy.stack([X, np.full_like(X, np.nan), X + 1])
    with pytest.warns(RuntimeWarning, match="X has the value nan in row 0"):
        found = np.asarray(jax.vmap(lambda rows: gram("relu", rows))(batch))
    assert np.isnan(found).any(axis=(1, 2)).tolist() == [False, True, False]
    assert np.array_equal(found[2], glu.gram("relu", X + 1))


@pytest.mark.filterwarnings("ignore:X has the value nan")
def test_jax_can_be_made_to_raise_where_there_is_nan() -> None:
    """It runs what it has compiled once more, without compiling it."""
    rows = jax.numpy.asarray(X).at[1, 2].set(np.nan)
    with jax.debug_nans(True), pytest.raises(DomainError, match="X has the value nan in row 1, column 2"):
        TRACED["jit"](rows).block_until_ready()


@pytest.mark.parametrize("ask", [lambda rows: gram("relu", rows), jax.grad(_total)])
def test_what_has_no_kernel_is_an_error_where_jax_does_not_trace(ask: Any) -> None:
    with pytest.raises(DomainError, match="X has the value nan"):
        ask(jax.numpy.asarray(X).at[1, 2].set(np.nan))


def test_what_jax_traces_goes_to_the_integration() -> None:
    for function in (jax.jit, jax.grad):
        with pytest.raises(DomainError, match=r"X is traced by JAX: use glutheory.integrations.jax.gram"):
            function(lambda rows: glu.gram("relu", rows).sum())(jax.numpy.asarray(X))


@pytest.mark.parametrize(
    ("arguments", "options", "message"),
    [
        (("relu", X[0]), {}, r"X has shape \(3,\): give rows"),
        (("relu", X + 1j), {}, "X has the dtype complex128"),
        (("relu", [["word"]]), {}, "X is of type list"),
        (("relu", X, Y[:, :2]), {}, "X has 3 features and Y has 2"),
        (("relu", X), {"kind": "both"}, "kind is 'both': use 'ntk' or 'nngp'"),
        (("relu", X * np.inf), {}, "X has the value"),
        ((STACK, X), {"variances": {"gate": 1.0}}, "variances has the key 'gate': did you mean 'block.gate'"),
    ],
)
def test_refused(arguments: tuple[Any, ...], options: dict[str, Any], message: str) -> None:
    with pytest.raises(DomainError, match=message):
        gram(*arguments, **options)


def test_mixed_libraries_and_unknown_names() -> None:
    with pytest.raises(DomainError, match="give two of the same library"):
        glu.gram("relu", jax.numpy.asarray(X), Y)
    with pytest.raises(DomainError, match="cannot be filled"):
        glu.gram("relu", jax.numpy.asarray(X), out=np.empty((4, 4)))
    with pytest.raises(UnknownNameError):
        integration.kernel_fn("reglou")
