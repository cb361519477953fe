"""`gram` as an interface: kinds, parametrisations, libraries, dtypes, blocks, outputs and errors."""

from __future__ import annotations

import math
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import sympy as sp
from hypothesis import given, settings
from hypothesis import strategies as st

import glutheory as glu
from glutheory.integrations.operator import GramOperator
from glutheory.networks import product
from glutheory.numeric import gram

NAMES = ("relu", "reglu", "geglu", "swiglu", "softplus", "sin", "exp", "gaussian", "relu2")


def _data(n: int = 23, d: int = 5, seed: int = 0) -> np.ndarray:
    """Random rows, among them zero, duplicate, opposite and nearly parallel ones."""
    X = np.random.default_rng(seed).standard_normal((n, d))
    X[3], X[4], X[5], X[6] = 0.0, X[0], -X[1], X[2] * (1 + 1e-12)
    X[7, :2] += 1e-9
    return X


@pytest.mark.parametrize("name", NAMES)
def test_symmetric_and_general_agree(name: str) -> None:
    X = _data()
    for half, full in zip(gram(name, X, kind="both"), gram(name, X, X.copy(), kind="both"), strict=True):
        size = np.sqrt(np.outer(np.diag(full), np.diag(full)))
        assert (abs(half - full) <= 4e-15 * size).all()
        np.testing.assert_array_equal(half, half.T)


@pytest.mark.parametrize("name", ["reglu", "swiglu"])
@given(block=st.integers(1, 40), threads=st.integers(1, 3), n=st.integers(1, 40))
@settings(max_examples=12)
def test_blocks_and_threads_change_nothing(name: str, block: int, threads: int, n: int) -> None:
    X, Y = _data(40)[:n], _data(17, seed=1)
    whole = gram(name, X, Y)
    pieces = gram(name, X, Y, block=block, threads=threads)
    size = np.sqrt(np.outer(np.diag(gram(name, X)), np.diag(gram(name, Y))))
    assert (abs(whole - pieces) <= 4e-15 * size).all()


def test_kinds_are_the_same_computation() -> None:
    X = _data()
    both = gram("geglu", X, kind="both")
    np.testing.assert_array_equal(gram("geglu", X, kind="nngp"), both[0])
    np.testing.assert_array_equal(gram("geglu", X), both[1])


@pytest.mark.parametrize("options", [{}, {"parametrization": "standard", "width": 3}], ids=["ntk", "standard"])
@pytest.mark.parametrize(
    "net",
    [
        *map(glu.network, ("sigmoid", "tanh", "silu", "softplus", "gtu", "swiglu")),
        product("silu", "identity", "identity"),
    ],
    ids=lambda net: str(net.name),
)
def test_one_kernel_alone_is_that_of_both(net: glu.Network, options: dict[str, Any]) -> None:
    """A series and identities are combined in one sum where one kernel is asked for."""
    X = _data(40)
    for kind, wanted in zip(("nngp", "ntk"), gram(net, X, kind="both", **options), strict=True):
        size = np.sqrt(np.outer(np.diag(wanted), np.diag(wanted)))
        assert (abs(gram(net, X, kind=kind, **options) - wanted) <= 4e-15 * size).all()


def test_rows_with_many_features_are_summed_in_pieces() -> None:
    X = np.random.default_rng(0).standard_normal((70, 333))
    np.testing.assert_allclose(gram("bilinear", X, kind="nngp"), (X @ X.T / 333) ** 2, rtol=0, atol=4e-15)


class TestParametrizations:
    """The formulas of theory, section 3, by explicit matrices."""

    X = np.random.default_rng(2).standard_normal((6, 4))
    G = X @ X.T

    def _dual(self, variance: float) -> tuple[np.ndarray, np.ndarray]:
        """S and T of relu for weights of this variance."""
        S, K = gram("relu", self.X * math.sqrt(4 * variance), kind="both")
        return S, (K - S) / (variance * self.G)

    def test_standard_lecun(self) -> None:
        S, T = self._dual(0.25)
        m, G = 50, self.G
        nngp, ntk = gram("relu", self.X, kind="both", parametrization="standard", width=m)
        np.testing.assert_allclose(nngp, S, rtol=1e-13)
        np.testing.assert_allclose(ntk, m * S + G * T, rtol=1e-13)

    def test_standard_gated_with_variances(self) -> None:
        m, p, w, v, G = 7, 0.5, 0.25, 0.125, self.G
        S, T = self._dual(w)
        variances = {"value": p, "gate": "1/4", "readout": Fraction(1, 8)}
        nngp, ntk = gram("reglu", self.X, kind="both", parametrization="standard", width=m, variances=variances)
        np.testing.assert_allclose(nngp, m * v * p * G * S, rtol=1e-13)
        np.testing.assert_allclose(ntk, m * ((p + v) * G * S + v * p * G**2 * T), rtol=1e-13)

    def test_ntk_gated(self) -> None:
        S, T = self._dual(0.25)
        c = self.G / 4
        nngp, ntk = gram("reglu", self.X, kind="both")
        np.testing.assert_allclose(nngp, c * S, rtol=1e-13)
        np.testing.assert_allclose(ntk, 2 * c * S + c**2 * T, rtol=1e-13)

    def test_ntk_with_variances(self) -> None:
        S, T = self._dual(2.0 / 4)
        nngp, ntk = gram("relu", self.X, kind="both", variances={"hidden": 2, "readout": 3})
        np.testing.assert_allclose(nngp, 3 * S, rtol=1e-13)
        np.testing.assert_allclose(ntk, 3 * (S + self.G / 2 * T), rtol=1e-13)

    def test_branches_of_different_variance_and_degree(self) -> None:
        variances = {"branch1": "1/2", "branch2": 3, "branch3": "1/7"}
        acts = ("relu2", "erf", "identity")
        found = gram(product(*acts), self.X, kind="nngp", variances=variances)
        parts = [
            gram(act, self.X, kind="nngp", variances={"hidden": v})
            for act, v in zip(acts, variances.values(), strict=True)
        ]
        np.testing.assert_allclose(found, parts[0] * parts[1] * parts[2], rtol=1e-13)


class TestLibraries:
    @pytest.mark.parametrize("native", [False, True], ids=["shared", "native"])
    @pytest.mark.parametrize("name", NAMES)
    def test_torch_in_torch_out(self, name: str, native: bool, monkeypatch: pytest.MonkeyPatch) -> None:
        """Tensors of the CPU are computed on as numpy arrays; `native` is what happens on other devices."""
        torch = pytest.importorskip("torch")
        if native:
            monkeypatch.setattr("glutheory.numeric.reading.view", lambda array: array)
        X, Y = _data(), _data(9, seed=3)
        for second in (None, Y):
            wanted = gram(name, X, second, kind="both")
            tensors = (torch.asarray(X), None if second is None else torch.asarray(second))
            for part, right in zip(gram(name, *tensors, kind="both"), wanted, strict=True):
                assert isinstance(part, torch.Tensor)
                assert part.dtype == torch.float64
                np.testing.assert_allclose(part.numpy(), right, rtol=1e-13, atol=1e-15 * abs(right).max())

    def test_torch_outputs_are_filled(self) -> None:
        torch = pytest.importorskip("torch")
        X = torch.asarray(_data())
        out = torch.empty((23, 23), dtype=torch.float32)
        assert gram("geglu", X, out=out) is out
        torch.testing.assert_close(out, gram("geglu", X).to(torch.float32), rtol=1e-6, atol=1e-12)

    def test_torch_gradients_are_cut(self) -> None:
        torch = pytest.importorskip("torch")
        assert not gram("relu", torch.ones((2, 3), requires_grad=True)).requires_grad

    @pytest.mark.parametrize("name", NAMES)
    def test_float32_is_float64_rounded(self, name: str) -> None:
        X = _data().astype(np.float32)
        found, wanted = gram(name, X), gram(name, X.astype(np.float64))
        assert found.dtype == np.float32
        size = np.sqrt(np.outer(np.diag(wanted), np.diag(wanted)))
        assert (abs(found - wanted) <= 4e-7 * size).all()

    def test_float32_beside_float64_is_float64(self) -> None:
        X = _data()
        assert gram("relu", X.astype(np.float32), X).dtype == np.float64

    def test_integers_are_float64(self) -> None:
        X = np.array([[1, 2], [3, -4]])
        np.testing.assert_array_equal(gram("gelu", X), gram("gelu", X.astype(float)))

    def test_strided_and_transposed_arrays(self) -> None:
        X = _data(24, 10)
        np.testing.assert_array_equal(gram("reglu", X[::2, ::-1]), gram("reglu", X[::2, ::-1].copy()))

    def test_no_rows(self) -> None:
        assert gram("swiglu", np.zeros((0, 3))).shape == (0, 0)
        assert gram("swiglu", np.zeros((0, 3)), _data(8, 3)[:2]).shape == (0, 2)


class TestOutputs:
    def test_memmap(self, tmp_path: Path) -> None:
        X = _data(50)
        out = np.memmap(tmp_path / "K.bin", dtype=np.float64, mode="w+", shape=(50, 50))
        assert gram("geglu", X, out=out, block=16) is out
        out.flush()
        written = np.fromfile(tmp_path / "K.bin").reshape(50, 50)
        np.testing.assert_array_equal(written, gram("geglu", X, block=16))

    def test_a_pair_of_outputs_of_another_precision(self) -> None:
        X, Y = _data(), _data(4 + 4)
        out = (np.empty((23, 8), dtype=np.float32), np.empty((23, 8)))
        found = gram("reglu", X, Y, kind="both", out=out)
        assert found[0] is out[0]
        np.testing.assert_allclose(out[0], gram("reglu", X, Y, kind="nngp"), rtol=1e-6)

    def test_the_input_is_not_touched(self) -> None:
        X = _data()
        before = X.copy()
        gram("swiglu", X)
        np.testing.assert_array_equal(X, before)


BAD = _data()
BAD[8, 2], BAD[11, 0] = np.nan, np.inf


@pytest.mark.parametrize(
    ("arguments", "options", "message"),
    [
        (("relu", BAD), {}, "X has the value nan in row 8, column 2"),
        (("relu", _data(), BAD[9:]), {}, "Y has the value inf in row 2, column 0"),
        (("relu", _data(), np.ma.masked_array(_data(), mask=False)), {}, "Y is a masked array"),
        (("relu", [[1.0, 2.0], [3.0]]), {}, "X is a list of rows of different lengths"),
        (("relu", [["a", "b"]]), {}, "X is of type list, which numpy reads as <U1"),
        (("relu", _data(), "Y"), {}, "Y is of type str, which numpy reads as <U1"),
        (("relu", [1.0, 2.0]), {}, r"X has shape \(2,\)"),
        (("relu", None), {}, "X is of type NoneType"),
        (("relu", np.ones(3)), {}, r"X has shape \(3,\)"),
        (("relu", np.ones((3, 0))), {}, "at least one feature"),
        (("relu", np.ones((2, 2), dtype=complex)), {}, "X has dtype complex128"),
        (("relu", np.ones((2, 2), dtype=np.float16)), {}, "X has dtype float16"),
        (("relu", np.ones((2, 2)), np.ones((2, 3))), {}, "X has 2 features and Y has 3"),
        (("relu", _data()), {"kind": "NTK"}, "kind is 'NTK'"),
        (("relu", _data()), {"parametrization": "mup"}, "parametrization is 'mup'"),
        (("relu", _data()), {"parametrization": "standard"}, "width is None"),
        (("relu", _data()), {"parametrization": "standard", "width": 2.5}, "width is 2.5"),
        (("relu", _data()), {"variances": {"gate": 1}}, "variances has the key 'gate'"),
        (("reglu", _data()), {"variances": {"gate": -1}}, r"variances\['gate'\] is -1"),
        (("reglu", _data()), {"variances": {"gate": "x"}}, r"variances\['gate'\] is 'x'"),
        (("relu", _data()), {"block": 0}, "block is 0"),
        (("relu", _data()), {"threads": True}, "threads is True"),
        (("relu", _data()), {"out": np.empty((2, 2))}, r"shape \(2, 2\)"),
        (("relu", _data()), {"kind": "both", "out": np.empty((23, 23))}, "out holds 1 arrays: give 2"),
        ((glu.gated(glu.activation("silu", beta=sp.Symbol("b", positive=True))), _data()), {}, "symbolic parameter b"),
    ],
)
def test_errors_name_argument_value_and_remedy(
    arguments: tuple[Any, ...], options: dict[str, Any], message: str
) -> None:
    with pytest.raises(glu.DomainError, match=message):
        gram(*arguments, **options)


def test_unknown_names_suggest_known_ones() -> None:
    with pytest.raises(glu.UnknownNameError, match="reglu"):
        gram("regluu", _data())


def test_libraries_do_not_mix() -> None:
    torch = pytest.importorskip("torch")
    with pytest.raises(glu.DomainError, match="different libraries"):
        gram("relu", _data(), torch.ones((2, 5)))
    with pytest.raises(glu.DomainError, match="X is on cpu and Y on meta"):
        gram("relu", torch.ones((2, 5)), torch.ones((2, 5), device="meta"))
    with pytest.raises(glu.DomainError, match=r"X has dtype torch\.bfloat16"):
        gram("relu", torch.ones((2, 5), dtype=torch.bfloat16))
    with pytest.raises(glu.DomainError, match="library of X"):
        gram("relu", _data(), out=torch.empty((23, 23)))


def test_an_error_in_a_thread_is_raised() -> None:
    from glutheory.numeric.tiles import cover, for_each

    def fail(tile: object) -> None:
        raise ZeroDivisionError(str(tile))

    with pytest.raises(ZeroDivisionError):
        for_each(cover(9, 9, 2, True), fail, 2)


@pytest.mark.parametrize("kind", ["nngp", "ntk"])
def test_whatever_numpy_takes(kind: str) -> None:
    """Lists, tuples, a range and an object with __array__, mixed with arrays."""

    class Wrapped:
        def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
            return np.array([[1.0, 2], [3, 5]], dtype=dtype)

    rows = [[1.0, 2.0], [3.0, 5.0]]
    wanted = gram("swiglu", np.array(rows), kind=kind)
    other = gram("swiglu", np.array(rows), np.array(rows), kind=kind)
    for like in (rows, tuple(map(tuple, rows)), Wrapped(), [[1, 2], [3, 5]], [np.array(row) for row in rows]):
        np.testing.assert_array_equal(gram("swiglu", like, kind=kind), wanted)
        np.testing.assert_array_equal(gram("swiglu", np.array(rows), like, kind=kind), other)
    np.testing.assert_allclose(GramOperator("swiglu", rows, kind=kind) @ np.eye(2), wanted, rtol=1e-14)
