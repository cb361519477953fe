"""`GramOperator` and `extremes` against matrices that are formed."""

from __future__ import annotations

import threading
import tracemalloc
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest
from scipy.sparse.linalg import LinearOperator, aslinearoperator, cg, eigsh, lsqr, svds

from glutheory.errors import DomainError, UnknownNameError
from glutheory.integrations.extremes import Extremes, extremes
from glutheory.integrations.operator import GramOperator
from glutheory.numeric import gram
from glutheory.numeric.tiles import Tile, cover, take_turns


def _data(n: int, d: int, seed: int = 0) -> np.ndarray:
    """Random rows; among them zero, duplicate, opposite and nearly parallel ones."""
    X = np.random.default_rng(seed).standard_normal((n, d))
    if n > 6:
        X[3], X[4], X[5], X[6] = 0.0, X[0], -X[1], X[2] * (1 + 1e-12)
    return X


def _check_product(found: np.ndarray, K: np.ndarray, V: np.ndarray, single: bool = False) -> None:
    """Entries differ by 4e-15 of the scale with the tiles they are in; a sum of n terms rounds to n ulps."""
    scale = np.sqrt(np.diag(K))
    ulps = 4e-15 + len(K) * np.finfo(np.float64).eps + (np.finfo(np.float32).eps if single else 0)
    size = scale[:, None] * (scale @ abs(V))
    assert (abs(found - K @ V) <= ulps * size).all()


class TestProducts:
    @pytest.mark.parametrize("kind", ["ntk", "nngp"])
    @pytest.mark.parametrize("name", ["relu", "reglu", "geglu", "swiglu", "gaussian", "exp"])
    def test_as_with_the_matrix(self, name: str, kind: str) -> None:
        X = _data(150, 5) / 2
        operator, K = GramOperator(name, X, kind=kind, block=64), gram(name, X, kind=kind)
        V = np.random.default_rng(1).standard_normal((150, 40))
        for k in (1, 3, 40):
            _check_product(operator @ V[:, :k], K, V[:, :k])
        _check_product((operator @ V[:, 0])[:, None], K, V[:, :1])
        # a fused multiply-add in a tile, none in a column: the same 4e-15
        np.testing.assert_allclose(operator.diagonal(), np.diag(gram(name, X, kind=kind)), rtol=4e-15, atol=0)
        assert operator.trace() == pytest.approx(np.trace(K), rel=1e-14)
        assert operator.passes == 4

    @pytest.mark.parametrize("n", [0, 1, 2, 65])
    @pytest.mark.parametrize("block", [None, 1, 7, 64, 600])
    @pytest.mark.parametrize("threads", [1, 3])
    def test_any_number_of_rows_tiles_and_threads(self, n: int, block: int | None, threads: int) -> None:
        X = _data(n, 3)
        V = np.random.default_rng(1).standard_normal((n, 2))
        _check_product(GramOperator("relu", X, block=block, threads=threads) @ V, gram("relu", X), V)

    def test_tiles_larger_than_the_blas_does_alone(self) -> None:
        X = _data(700, 3)
        V = np.random.default_rng(1).standard_normal((700, 2))
        _check_product(GramOperator("relu", X, block=600, threads=1) @ V, gram("relu", X), V)

    def test_parametrisation_and_variances(self) -> None:
        X, V = _data(20, 4), np.eye(20)
        options: dict[str, Any] = {"parametrization": "standard", "width": 9, "variances": {"gate": 0.5}}
        _check_product(GramOperator("reglu", X, **options) @ V, gram("reglu", X, **options), V)

    def test_the_same_every_time(self) -> None:
        X, v = _data(300, 5), np.random.default_rng(1).standard_normal(300)
        operator = GramOperator("geglu", X, block=32, threads=3)
        np.testing.assert_array_equal(operator @ v, operator @ v)

    def test_symmetric_complex_and_composed(self) -> None:
        X = _data(50, 4)
        operator, K = GramOperator("relu", X), gram("relu", X)
        V = np.random.default_rng(1).standard_normal((50, 3))
        assert operator.T is operator
        assert operator.H is operator
        np.testing.assert_array_equal(operator.rmatvec(V[:, 0]), operator @ V[:, 0])
        np.testing.assert_array_equal(operator.rmatmat(V), operator @ V)
        found = operator @ (V + 2j * V)
        _check_product(found.real, K, V)
        _check_product(found.imag, K, 2 * V)
        ridge = operator + 0.5 * aslinearoperator(np.eye(50))
        _check_product(ridge @ V, K + 0.5 * np.eye(50), V)

    def test_single_precision_of_the_result(self) -> None:
        X, V = _data(30, 4), np.eye(30, dtype=np.float32)
        operator = GramOperator("relu", X, dtype=np.float32)
        assert operator.dtype == (operator @ V).dtype == np.float32
        _check_product(operator @ V, gram("relu", X), np.eye(30), single=True)

    def test_torch_tensors_of_the_cpu(self, monkeypatch: pytest.MonkeyPatch) -> None:
        torch = pytest.importorskip("torch")
        X = _data(20, 4)
        V = np.eye(20)
        np.testing.assert_array_equal(GramOperator("relu", torch.from_numpy(X)) @ V, GramOperator("relu", X) @ V)
        monkeypatch.setattr("glutheory.numeric.reading.view", lambda array: array)  # what happens on other devices
        with pytest.raises(DomainError, match="X is on cpu: move it to the CPU"):
            GramOperator("relu", torch.from_numpy(X))


def _check_between(found: np.ndarray, K: np.ndarray, V: np.ndarray, scales: tuple[np.ndarray, ...]) -> None:
    """As `_check_product`; `scales` are the roots of the diagonals of both sides' own matrices."""
    size = scales[0][:, None] * (scales[1] @ abs(V))
    assert (abs(found - K @ V) <= (4e-15 + len(V) * np.finfo(np.float64).eps) * size).all()


class TestBetweenTwoSetsOfRows:
    """The same bounds as for one set; rows of Y are among them copies, opposites and near copies of those of X."""

    @pytest.mark.long
    @pytest.mark.parametrize("kind", ["ntk", "nngp"])
    @pytest.mark.parametrize("name", ["relu", "reglu", "geglu", "swiglu", "gaussian", "exp", "softsign"])
    def test_as_with_the_matrix(self, name: str, kind: str) -> None:
        X, Y = _data(150, 5) / 2, _data(90, 5, 1) / 2
        Y[:20], Y[20:30], Y[30:35] = X[:20], -X[:10], X[7:12] * (1 + 1e-9)
        operator, K = GramOperator(name, X, Y, kind=kind, block=64), gram(name, X, Y, kind=kind)
        scales = tuple(np.sqrt(np.diag(gram(name, rows, kind=kind))) for rows in (X, Y))
        rng = np.random.default_rng(1)
        V, W = rng.standard_normal((90, 40)), rng.standard_normal((150, 40))
        assert operator.shape == (150, 90)
        assert operator.T.shape == (90, 150)
        assert not operator.symmetric
        for k in (1, 3, 40):
            _check_between(operator @ V[:, :k], K, V[:, :k], scales)
            for found in (operator.rmatmat(W[:, :k]), operator.T @ W[:, :k], operator.H @ W[:, :k]):
                _check_between(found, K.T, W[:, :k], scales[::-1])
        _check_between((operator @ V[:, 0])[:, None], K, V[:, :1], scales)
        _check_between(operator.rmatvec(W[:, 0])[:, None], K.T, W[:, :1], scales[::-1])

    @pytest.mark.parametrize("shape", [(0, 3), (3, 0), (1, 1), (65, 2), (2, 65), (65, 65)])
    @pytest.mark.parametrize("block", [None, 1, 7, 600])
    @pytest.mark.parametrize("threads", [1, 3])
    def test_any_number_of_rows_tiles_and_threads(
        self, shape: tuple[int, int], block: int | None, threads: int
    ) -> None:
        X, Y = _data(shape[0], 3), _data(shape[1], 3, 1)
        operator, K = GramOperator("relu", X, Y, block=block, threads=threads), gram("relu", X, Y)
        scales = tuple(np.sqrt(np.diag(gram("relu", rows))) for rows in (X, Y))
        V, W = np.ones((shape[1], 2)), np.ones((shape[0], 2))
        _check_between(operator @ V, K, V, scales)
        _check_between(operator.T @ W, K.T, W, scales[::-1])

    def test_an_executor_computes_the_same_for_any_number_of_workers(self) -> None:
        X, Y = _data(90, 4), _data(40, 4, 1)
        V, W = np.eye(40, 3), np.eye(90, 3)
        plain, found = GramOperator("geglu", X, Y, block=8), []
        for workers in (1, 3):
            with ThreadPoolExecutor(workers) as executor:
                operator = GramOperator("geglu", X, Y, block=8, executor=executor)
                found.append((operator @ V, operator.T @ W))
        for one, other, right in zip(*found, (plain @ V, plain.T @ W), strict=True):
            np.testing.assert_array_equal(one, other)
            np.testing.assert_allclose(one, right, rtol=0, atol=1e-14 * abs(right).max())

    def test_complex_vectors_and_single_precision(self) -> None:
        X, Y, u = _data(20, 4), _data(9, 4, 1), np.arange(20.0)
        operator, K = GramOperator("relu", X, Y), gram("relu", X, Y)
        np.testing.assert_allclose(operator.H @ (u + 2j * u), K.T @ (u + 2j * u), rtol=1e-13)
        single = GramOperator("relu", X, Y, dtype=np.float32)
        assert (single.T @ u).dtype == np.float32
        np.testing.assert_allclose(single.T @ u, K.T @ u, rtol=1e-6)

    @pytest.mark.parametrize("shape", [(7, 5), (7, None)])
    def test_a_matrix_of_no_columns(self, shape: tuple[int, int | None]) -> None:
        """Solvers hand these on where nothing is left to be deflated; it ended in a ZeroDivisionError."""
        X, Y = _data(7, 4), None if shape[1] is None else _data(5, 4, 1)
        operator = GramOperator("relu", X, Y, dtype=np.float32)
        V, W = (np.ones((size, 0)) for size in operator.shape[::-1])
        for found, rows in ((operator @ V, 7), (operator.T @ W, operator.shape[1]), (operator @ (1j * V), 7)):
            assert found.shape == (rows, 0)
        assert (operator @ V).dtype == np.float32
        assert operator.passes == 0

    def test_singular_values_and_least_squares(self) -> None:
        X, Y = _data(60, 4), _data(25, 4, 1)
        operator, K = GramOperator("swiglu", X, Y), gram("swiglu", X, Y)
        found = np.sort(svds(operator, k=3, return_singular_vectors=False, v0=np.ones(25)))
        wanted = np.linalg.svd(K, compute_uv=False)
        # Lanczos on KᵀK has an error of rounding over σ/σ_1, and these are the three largest
        np.testing.assert_allclose(found[::-1], wanted[:3], rtol=1e-10)
        b = K @ np.linspace(-1, 1, 25)
        fitted = lsqr(operator, b, atol=1e-12, btol=1e-12)[0]
        assert np.linalg.norm(K @ fitted - b) <= 1e-8 * np.linalg.norm(b)

    def test_what_it_has_not(self) -> None:
        operator = GramOperator("relu", _data(9, 4), _data(9, 4, 1))
        for ask in (operator.diagonal, operator.trace):
            with pytest.raises(DomainError, match="Y is given, and the matrix between X and Y has no diagonal"):
                ask()
        with pytest.raises(DomainError, match="operator is no symmetric one"):
            extremes(operator)
        with pytest.raises(DomainError, match="X has 4 features and Y has 3"):
            GramOperator("relu", _data(9, 4), _data(9, 3))


@pytest.mark.long
def test_memory_grows_with_the_rows_only() -> None:
    """The class states it: rows and features, per thread a tile's arrays and the product's numbers."""
    n, d, k, block, threads = 2500, 8, 4, 64, 2
    X, V = np.random.default_rng(0).standard_normal((n, d)), np.ones((n, k))
    GramOperator("relu", X, block=block, threads=threads) @ V  # what is loaded once
    tracemalloc.start()
    try:
        operator = GramOperator("relu", X, block=block, threads=threads)
        _, building = tracemalloc.get_traced_memory()
        tracemalloc.reset_peak()
        held, _ = tracemalloc.get_traced_memory()
        operator @ V
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert held <= 8 * n * (2 * d + 10)
    assert building <= 8 * n * (12 * d + 10)
    assert peak - held <= threads * (100 * block**2 + 2 * 8 * n * k) + 1e5
    assert peak < 8 * n * n / 8


def test_scipy_takes_it() -> None:
    X = np.random.default_rng(0).standard_normal((120, 10))
    operator, K = GramOperator("geglu", X), gram("geglu", X)
    values = eigsh(operator, 3, return_eigenvectors=False, v0=np.ones(120))
    np.testing.assert_allclose(np.sort(values), np.linalg.eigvalsh(K)[-3:], rtol=1e-12)
    solution, flag = cg(operator + aslinearoperator(np.eye(120)), np.ones(120), rtol=1e-12)
    assert flag == 0
    np.testing.assert_allclose(solution, np.linalg.solve(K + np.eye(120), np.ones(120)), rtol=1e-8)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"kind": "both"}, "kind is 'both': use 'ntk' or 'nngp'."),
        ({"dtype": np.int64}, "use float64 or float32."),
        ({"block": 0}, "block is 0: give an integer >= 1."),
        ({"threads": 1.5}, "threads is 1.5: give an integer >= 1."),
        ({"network": "step"}, "the NTK of 'step' is infinite on its diagonal: use kind='nngp'."),
        ({"X": [[1.0], [2.0, 3.0]]}, "X is a list of rows of different lengths"),
        ({"X": np.array([[np.nan]])}, "X has the value nan"),
    ],
    ids=str,
)
def test_bad_arguments(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(DomainError) as caught:
        GramOperator(**{"network": "relu", "X": np.eye(3)} | arguments)
    assert message in str(caught.value)


def test_unknown_network() -> None:
    with pytest.raises(UnknownNameError):
        GramOperator("reluu", np.eye(3))


def test_vectors_of_another_length() -> None:
    with pytest.raises(ValueError, match="dimension mismatch"):
        GramOperator("relu", np.eye(3)) @ np.ones(4)


def test_an_exception_in_one_thread_stops_the_others() -> None:
    seen, failed = [], threading.Event()

    def work(k: int, tile: Tile) -> None:
        if k == 1:
            failed.set()
            raise KeyboardInterrupt
        seen.append(tile)
        failed.wait()

    with pytest.raises(KeyboardInterrupt):
        take_turns(lambda: cover(100, 100, 1, False), work, 2)
    assert len(seen) < 100 * 100 / 2


def _check_extremes(found: Extremes, wanted: np.ndarray, error: float) -> None:
    """Every value within its bound of an eigenvalue, on the right side of its own, and within `error` of it."""
    rounding = 1e-14 * wanted.sum() + 1e-14 * wanted[-1]
    for value, bound in zip(found.largest + found.smallest, found.largest_bounds + found.smallest_bounds, strict=True):
        assert abs(wanted - value).min() <= bound + rounding
    top, bottom = wanted[::-1][: len(found.largest)], wanted[: len(found.smallest)]
    assert (np.array(found.largest) <= top + rounding).all()
    assert (np.array(found.smallest) >= bottom - rounding).all()
    np.testing.assert_allclose(found.largest, top, rtol=error, atol=rounding)
    np.testing.assert_allclose(found.smallest, bottom, rtol=error, atol=rounding)


class TestExtremes:
    @pytest.mark.parametrize("name", ["relu", "geglu"])
    def test_both_ends_against_the_dense_answer(self, name: str) -> None:
        X = np.random.default_rng(0).standard_normal((400, 12))
        operator = GramOperator(name, X)
        found = extremes(operator, top=6, bottom=3, tolerance=1e-6)
        assert found.converged
        assert found.passes == operator.passes
        # the square of a residual of 1e-6 over a distance of 1e-3 of the value, at the crowded end
        _check_extremes(found, np.linalg.eigvalsh(gram(name, X)), 1e-8)

    def test_the_upper_end_takes_few_passes(self) -> None:
        X = np.random.default_rng(0).standard_normal((600, 30))
        operator = GramOperator("reglu", X)
        found = extremes(operator, tolerance=1e-5)
        assert found.converged
        assert found.passes <= 12
        assert found.smallest == ()
        _check_extremes(found, np.linalg.eigvalsh(gram("reglu", X)), 1e-8)
        calls = []

        def product(v: np.ndarray) -> np.ndarray:
            calls.append(v)
            return np.asarray(operator @ v)

        eigsh(LinearOperator(operator.shape, matvec=product, dtype=float), 6, tol=1e-5, return_eigenvectors=False)
        assert len(calls) > 3 * found.passes

    def test_what_was_not_reached_is_said(self) -> None:
        X = np.random.default_rng(0).standard_normal((400, 12))
        found = extremes(GramOperator("relu", X), bottom=1, vectors=7, passes=5)
        assert not found.converged
        assert found.passes == 5
        assert found.basis == 28
        wanted = np.linalg.eigvalsh(gram("relu", X))
        assert found.smallest[0] > wanted[0]
        assert abs(wanted - found.smallest[0]).min() <= found.smallest_bounds[0]

    def test_singular_matrices(self) -> None:
        """(XXᵀ/d)² entry by entry has rank d(d+1)/2 = 6; the subspace ends there, with the null space it has met."""
        X = np.random.default_rng(0).standard_normal((60, 3))
        found = extremes(GramOperator("bilinear", X, kind="nngp"), top=6, bottom=2, vectors=8)
        wanted = np.linalg.eigvalsh(gram("bilinear", X, kind="nngp"))
        assert found.basis < 20
        _check_extremes(found, wanted, 1e-10)
        assert max(map(abs, found.smallest)) <= max(found.smallest_bounds)

    def test_all_eigenvalues_of_a_small_matrix(self) -> None:
        X = _data(9, 4)
        found = extremes(GramOperator("geglu", X), top=9)
        np.testing.assert_allclose(found.largest, np.linalg.eigvalsh(gram("geglu", X))[::-1], atol=1e-13, rtol=0)
        zero = extremes(GramOperator("relu", np.zeros((4, 2))), top=1, bottom=1)
        assert zero.largest == zero.smallest == (0.0,)
        every = extremes(GramOperator("relu", np.zeros((4, 2))), top=2, bottom=2, vectors=1)
        assert every.largest == every.smallest == (0.0, 0.0)

    def test_any_symmetric_operator(self) -> None:
        found = extremes(aslinearoperator(np.diag(np.arange(-5.0, 95.0))), top=2, bottom=2, vectors=5)
        np.testing.assert_allclose(found.largest, [94, 93], rtol=1e-10)
        np.testing.assert_allclose(found.smallest, [-5, -4], rtol=1e-10)

    @pytest.mark.parametrize(
        ("arguments", "message"),
        [
            ({"top": 0}, "top and bottom are 0 and 0: together ask for 1 to 5 eigenvalues"),
            ({"top": 4, "bottom": 2}, "top and bottom are 4 and 2"),
            ({"top": -1}, "top is -1"),
            ({"tolerance": 0}, "tolerance is 0"),
            ({"vectors": 0}, "vectors is 0"),
            ({"passes": 1}, "passes is 1"),
        ],
        ids=str,
    )
    def test_bad_arguments(self, arguments: dict[str, Any], message: str) -> None:
        with pytest.raises(DomainError) as caught:
            extremes(GramOperator("relu", np.eye(5)), **{"top": 1} | arguments)
        assert message in str(caught.value)


@pytest.mark.slow
@pytest.mark.parametrize(("name", "d"), [("relu", 20), ("swiglu", 64)])
def test_both_ends_of_five_thousand_rows(name: str, d: int) -> None:
    X = np.random.default_rng(0).standard_normal((5000, d))
    found = extremes(GramOperator(name, X), top=6, bottom=2, tolerance=2e-2, passes=45)
    assert found.converged
    wanted = np.linalg.eigvalsh(gram(name, X))
    # the square of the residual over the distance to the next eigenvalues, a few hundredths of λ_min
    _check_extremes(found, wanted, 2e-2)
    np.testing.assert_allclose(found.largest, wanted[::-1][:6], rtol=1e-12)


def test_extremes_shows_its_passes(capsys: pytest.CaptureFixture[str]) -> None:
    """On stderr, where it is asked for; by default only on a terminal."""
    operator = GramOperator("relu", np.random.default_rng(0).standard_normal((60, 5)))
    found = extremes(operator, top=1, vectors=4, progress=True)
    shown = capsys.readouterr()
    assert "passes" in shown.err
    assert f"{found.passes - 1}/40" in shown.err
    assert shown.out == ""
    extremes(operator, top=1, vectors=4)
    assert capsys.readouterr().err == ""
