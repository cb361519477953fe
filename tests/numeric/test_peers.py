"""The plain formulas that `gram` is timed beside are those of the same kernels."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks import peers
from glutheory.numeric import gram


@pytest.mark.parametrize("cross", [False, True], ids=["X alone", "X against Y"])
@pytest.mark.parametrize("library", ["numpy", "torch"])
@pytest.mark.parametrize("name", ["relu", "reglu", "gelu", "geglu", "silu", "swiglu"])
def test_a_plain_formula_is_the_kernel(name: str, library: str, cross: bool) -> None:
    """Away from parallel rows, where it loses half the digits; 30 terms of the series of SiLU leave out 1e-9."""
    xp = pytest.importorskip(library)
    X, Y = np.random.default_rng(0).standard_normal((2, 12, 40))
    data = X, Y if cross else X
    found = peers.plain(xp, name, *(xp.asarray(part) for part in data))
    wanted, atol = gram(name, *data, kind="both"), 1e-8 if name in ("silu", "swiglu") else 1e-13
    other = ~np.eye(len(X), dtype=bool) | cross
    for part, right in zip(found, wanted, strict=True):
        np.testing.assert_allclose(np.asarray(part)[other], right[other], rtol=0, atol=atol)


def test_a_peer_that_does_not_import_says_why(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(name: str) -> None:
        raise ImportError(f"cannot import name 'core'\nfrom {name}")

    monkeypatch.setattr(peers, "find_spec", lambda name: None if name == "torch" else name)
    monkeypatch.setattr(peers, "import_module", broken)
    assert peers.missing() == {
        "torch.compile": "torch is not installed",
        "neural-tangents": "it does not import here (ImportError: cannot import name 'core')",
    }


def test_no_comparison_with_hundreds_of_numbers_an_entry() -> None:
    assert peers.task("numpy", "swiglu", np.ones((400, 2)), None) is not None
    assert peers.task("neural-tangents", "swiglu", np.ones((400, 2)), None) is None


def test_an_unknown_peer() -> None:
    with pytest.raises(KeyError):
        peers.task("nobody", "relu", np.ones((3, 2)), None)
