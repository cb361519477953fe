"""Compiled loops: as accurate as the arrays, at the same hard points, for whatever tiles, threads and outputs."""

from __future__ import annotations

import hashlib
from collections import Counter
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType
from typing import Any

import mpmath
import numpy as np
import pytest
from flint import arb
from hypothesis import example, given, settings
from hypothesis import strategies as st

import glutheory as glu
from glutheory.activations import Z
from glutheory.networks import Network, product
from glutheory.numeric import compiled, gram
from glutheory.numeric.duals import far
from glutheory.numeric.duals.table import evaluator
from tests.numeric.cases import GAPS, MP, VARIANCES, Pair, crowd, kernels, pair, scale
from tests.zoo import FAST, FAST_LOGISTIC

#: Waves have no loop.
NAMES = tuple(name for name in FAST if name not in ("sin", "sine", "cos", "exp"))
WITH_LOOPS = {"relu", "leaky_relu", "relu2", "gelu", "erf", "silu", "reglu", "geglu", "swiglu"}
NETWORKS: tuple[Network, ...] = (
    *map(glu.network, (*NAMES, "bilinear", "reglu", "geglu", "swiglu", "glu", "gtu")),
    product("identity", "gelu", "silu"),
    product("relu2", "erf"),
    product("monomial3", glu.activation("leaky_relu", slope="-1/3"), "gaussian"),
    product("softplus", "tanh"),
    Network("3 silu(2z)", (glu.Activation("f", 3 * glu.activation("silu").expr.subs(Z, 2 * Z)),)),
)
#: What is promised of every entry, in units of √(K(x,x) K(x',x')).
TOLERANCE = 1e-14


needs_numba = pytest.mark.skipif(find_spec("numba") is None, reason="could not import 'numba'")


@pytest.fixture(name="loops")
def _loops() -> ModuleType:
    pytest.importorskip("numba")
    from glutheory.numeric import loops

    return loops


@pytest.fixture
def taken(loops: ModuleType, monkeypatch: pytest.MonkeyPatch) -> Counter[bool]:  # noqa: ARG001 (it needs numba)
    """How many tiles the loop took, and how many it left to the arrays."""
    found: Counter[bool] = Counter()
    tile = compiled.Compiled.tile

    def counted(self: compiled.Compiled, rows: slice, columns: slice) -> bool:
        took = tile(self, rows, columns)
        found[took] += 1
        return took

    monkeypatch.setattr(compiled.Compiled, "tile", counted)
    return found


def _data(n: int, d: int, seed: int = 0) -> np.ndarray:
    """Random rows, among them zero, duplicate, opposite and nearly parallel ones, and such of other norms."""
    X = np.random.default_rng(seed).standard_normal((n, d))
    X[3], X[4], X[5], X[6] = 0.0, X[0], -X[1], X[2] * (1 + 1e-12)
    X[7], X[8], X[9] = X[0] + 1e-9 * X[1], 1e-6 * X[10], 3.0 * X[11]
    return X


@pytest.mark.parametrize("d", [4, 70])
@pytest.mark.parametrize("network", NETWORKS, ids=lambda net: net.name)
def test_loop_and_arrays_agree(network: Network, d: int, taken: Counter[bool]) -> None:
    """Both are within the tolerance of the truth, so within twice of it of each other."""
    X, Y = _data(150, d), _data(40, d, seed=1)
    Y[12] = X[13]
    for second in (None, Y):
        found, wanted = (gram(network, X, second, kind="both", fast=fast, block=50) for fast in (True, False))
        for kind, part, right in zip(("nngp", "ntk"), found, wanted, strict=True):
            _alike(
                part, right, *(np.diag(gram(network, rows, kind=kind)) for rows in (X, X if second is None else second))
            )
            if second is None:
                np.testing.assert_array_equal(part, part.T)
    # an evaluator that someone adds need not have a loop
    if d > 4 and all(evaluator(branch).loop is not None for branch in network.branches):
        assert taken[True] > taken[False]
    else:
        assert d == 4 or network.name not in WITH_LOOPS


def _alike(found: np.ndarray, wanted: np.ndarray, left: np.ndarray, right: np.ndarray) -> None:
    """Equal to twice the tolerance, given the diagonals; where these are infinite, of the entry itself."""
    with np.errstate(invalid="ignore"):  # 0·∞
        size = np.sqrt(left)[:, None] * np.sqrt(right)
    size = np.where(np.isfinite(size), size, 1.0 + abs(wanted))
    finite = np.isfinite(wanted)
    np.testing.assert_array_equal(found[~finite], wanted[~finite])
    assert (abs(found[finite] - wanted[finite]) <= 2 * TOLERANCE * size[finite]).all()


pairs = st.builds(
    pair,
    st.sampled_from(VARIANCES),
    st.sampled_from(VARIANCES),
    st.sampled_from(GAPS),
    st.sampled_from([3, 8, 70]),
    st.integers(0, 9),
)


@needs_numba
@pytest.mark.parametrize("name", [*(name for name in NAMES if name not in FAST_LOGISTIC), "reglu", "geglu"])
@given(points=pairs)
@example(points=pair(1.0, 4.0, -0.06, 8, 0))  # the nearest to the limit of far pairs
@settings(max_examples=12)
def test_a_loop_is_accurate(name: str, points: Pair) -> None:
    _check(name, points)


@pytest.mark.long
@pytest.mark.parametrize("name", [*FAST_LOGISTIC, "swiglu"])
@pytest.mark.parametrize(
    ("a", "b", "gap"),
    [(1.0, 1.0, 0.3), (1e-12, 1e-6, -1e-6), (1.0, 1.0, 0.0), (4.0, 30.0, 0.06), (1e4, 1e6, 0.06), (25.0, 25.0, 0.9)],
)
def test_a_series_is_accurate(loops: ModuleType, name: str, a: float, b: float, gap: float) -> None:  # noqa: ARG001
    _check(name, pair(a, b, gap, 8, 1))


def _check(name: str, points: Pair) -> None:
    """A pair among many rows, against road 1."""
    a, b, c = points.inner()
    rest = crowd(len(points.x))
    x, y = (np.concatenate([row[None, :], rest]) for row in points)
    found = (float(part[0, 0]) for part in gram(name, x, y, kind="both", fast=True))
    for value, wanted, size in zip(found, kernels(name, a, b, c), scale(name, a, b), strict=True):
        if MP.isinf(wanted):
            assert value == float(wanted)
        elif not MP.isinf(size):
            assert abs(MP.mpf(value) - wanted) <= TOLERANCE * size + MP.mpf("1e-305")


@pytest.mark.parametrize("gap", [0.06, -0.06, 0.5, -1e-6, 1.0])
@pytest.mark.parametrize("name", ["relu", "relu2", "gelu", "erf", "silu", "softplus"])
def test_road_2_encloses_a_loop(loops: ModuleType, name: str, gap: float) -> None:  # noqa: ARG001
    """NNGP of a plain network is S, of which road 2 has a ball."""
    points = pair(1.0, 4.0, gap, 5, 3)
    rest = crowd(5)
    K = gram(
        name,
        np.concatenate([points.x[None, :], rest]),
        np.concatenate([points.y[None, :], rest]),
        kind="nngp",
        fast=True,
    )
    ball = arb(str(glu.enclose(name, *points.inner(), digits=20)[0]))
    size = float(scale(name, *points.inner()[:2])[0])
    assert abs(float(ball.mid()) - K[0, 0]) <= TOLERANCE * size


@pytest.mark.parametrize("norm", [1e-150, 1e8, 1e150])
@pytest.mark.parametrize("name", ["relu", "reglu", "geglu", "erf", "gaussian", "relu2", "swiglu"])
def test_extreme_norms(loops: ModuleType, name: str, norm: float) -> None:  # noqa: ARG001
    X = norm * _data(40, 12)
    for part, wanted in zip(gram(name, X, kind="both", fast=True), gram(name, X, kind="both", fast=False), strict=True):
        assert not np.isnan(part).any()
        _alike(part, wanted, np.diag(wanted), np.diag(wanted))


@needs_numba
@pytest.mark.parametrize("name", ["relu", "geglu", "swiglu"])
@given(block=st.integers(1, 40), threads=st.integers(1, 3), n=st.integers(13, 40))
@settings(max_examples=12)
def test_blocks_and_threads_change_nothing(name: str, block: int, threads: int, n: int) -> None:
    X, Y = _data(n, 9), _data(17, 9, seed=1)
    size = np.sqrt(np.outer(np.diag(gram(name, X)), np.diag(gram(name, Y))))
    whole, pieces = gram(name, X, Y, fast=True), gram(name, X, Y, block=block, threads=threads, fast=True)
    assert (abs(whole - pieces) <= 4e-15 * size).all()
    np.testing.assert_array_equal(pieces, gram(name, X, Y, block=block, threads=1, fast=True))


@pytest.mark.parametrize("name", ["relu", "gelu", "swiglu"])
def test_equal_rows_are_equal(loops: ModuleType, name: str) -> None:  # noqa: ARG001
    """Wherever in a tile they are: its last columns, which are no full vector, are not computed in another way."""
    X = np.random.default_rng(1).standard_normal((100, 64))
    X[99], X[30] = X[2], X[2]
    for K in gram(name, X, kind="both", fast=True):
        np.testing.assert_array_equal(K[2], K[99])
        np.testing.assert_array_equal(K[2], K[30])


@pytest.mark.parametrize("name", ["reglu", "geglu", "swiglu"])
def test_kinds_and_outputs(loops: ModuleType, name: str, tmp_path: Path) -> None:  # noqa: ARG001
    X = _data(60, 20)
    both = gram(name, X, kind="both", fast=True)
    for kind, wanted in zip(("nngp", "ntk"), both, strict=True):
        np.testing.assert_array_equal(gram(name, X, kind=kind, fast=True), wanted)
        single = gram(name, X.astype(np.float32), kind=kind, fast=True)
        assert single.dtype == np.float32
        exact = gram(name, X.astype(np.float32).astype(float), kind=kind, fast=True)
        np.testing.assert_array_equal(single, exact.astype(np.float32))
    out = np.memmap(tmp_path / "K.bin", dtype=np.float64, mode="w+", shape=(60, 60))
    assert gram(name, X, out=out, fast=True) is out
    np.testing.assert_array_equal(out, both[1])
    for strange in (np.empty((60, 60), order="F"), np.empty((60, 120))[:, ::2]):
        np.testing.assert_array_equal(gram(name, X, out=strange, fast=True), gram(name, X, fast=False))


def test_standard_parametrization(taken: Counter[bool]) -> None:
    options: dict[str, Any] = {"parametrization": "standard", "width": 5, "variances": {"gate": "1/3", "readout": 2}}
    X = _data(60, 20)
    for kind in ("nngp", "ntk"):
        found, wanted = (gram("geglu", X, kind=kind, fast=fast, **options) for fast in (True, False))
        np.testing.assert_allclose(found, wanted, rtol=1e-13, atol=1e-14 * wanted.max())
    assert set(taken) == {True}


def test_whatever_has_no_loop_takes_the_arrays(loops: ModuleType) -> None:  # noqa: ARG001
    X = _data(30, 5)[10:]
    for network in ("sin", "exp", glu.stack("reglu", 2)):
        np.testing.assert_array_equal(gram(network, X, fast=True), gram(network, X, fast=False))


def test_other_libraries(loops: ModuleType) -> None:  # noqa: ARG001
    torch = pytest.importorskip("torch")
    X = _data(30, 5)
    np.testing.assert_array_equal(gram("geglu", torch.asarray(X), fast=True).numpy(), gram("geglu", X, fast=True))


def test_arcsine(loops: ModuleType) -> None:
    """Two roundings of numbers below π/2 and one of a product: 2 ulps of what is small, one of π/2 elsewhere."""
    x = np.concatenate([np.linspace(-1, 1, 2001), 10.0 ** -np.arange(1, 300, 7), [0.5, np.nextafter(0.5, 1)]])
    for value in x:
        exact = mpmath.asin(mpmath.mpf(float(value)))
        assert abs(loops.arcsine(value) - exact) <= 2 * np.finfo(float).eps * abs(exact)


def test_coefficients_of_the_arcsine(loops: ModuleType) -> None:
    """Derived anew; the last digits of high powers do not matter."""

    def function(z: mpmath.mpf) -> mpmath.mpf:
        root = mpmath.sqrt(z)
        return (mpmath.asin(root) / root - 1) / z if z else mpmath.mpf(1) / 6

    with mpmath.workdps(40):
        wanted, error = mpmath.chebyfit(function, [0, mpmath.mpf(1) / 4], len(loops.ARCSINE), error=True)
        assert error < 2e-17
        np.testing.assert_allclose(loops.ARCSINE, [float(value) for value in wanted], rtol=1e-9)


def test_bodies_are_those_of_the_loop(loops: ModuleType) -> None:
    names = [name for name in dir(loops) if name.strip("_").lower() in far.BODIES and name.isupper()]
    assert sorted(getattr(loops, name) for name in names if name != "ARCSINE") == list(range(len(far.BODIES)))
    assert all(far.BODIES[getattr(loops, "_" + body.upper())] == body for body in far.BODIES)


def test_the_cache_knows_its_sources(loops: ModuleType) -> None:
    """A formula that is mended may not be read from a cache of before."""
    from glutheory.numeric import kernel

    sources = b"".join(Path(str(module.__file__)).read_bytes() for module in (far, kernel))
    cells = [cell.cell_contents for cell in loops.fill.py_func.__closure__]
    assert cells == [hashlib.sha256(sources).hexdigest()]


class TestChoice:
    """Whether a loop is used depends on the arguments and on what is installed alone."""

    def test_large_matrices(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(compiled, "find_spec", lambda name: object())  # noqa: ARG005
        assert [compiled.chosen(None, entries) for entries in (compiled.WORTH - 1, compiled.WORTH)] == [False, True]
        assert compiled.chosen(True, 1)
        assert not compiled.chosen(False, compiled.WORTH)

    def test_without_numba(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(compiled, "find_spec", lambda name: None)  # noqa: ARG005
        assert not compiled.chosen(None, compiled.WORTH)
        with pytest.raises(glu.MissingDependencyError, match=r"fast=True needs numba: .*glutheory\[fast\]"):
            gram("relu", np.ones((2, 2)), fast=True)

    @pytest.mark.parametrize("value", [1, "yes"])
    def test_errors(self, value: Any) -> None:
        with pytest.raises(glu.DomainError, match=f"fast is {value!r}: give True, False, or None"):
            gram("relu", np.ones((2, 2)), fast=value)
