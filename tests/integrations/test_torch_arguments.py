"""Kernels of tensors: batches, types, what gets a gradient, what is refused."""

from __future__ import annotations

import importlib
import sys
from typing import Any

import numpy as np
import pytest

import glutheory as glu
from glutheory.errors import DomainError, MissingDependencyError, UnknownNameError
from tests.strategies import named

torch = pytest.importorskip("torch")
from glutheory.integrations.torch import gram, gram_diagonal  # noqa: E402
from tests.integrations.tensors import gradient, rows  # noqa: E402


def test_batches_are_broadcast() -> None:
    X, Y = rows(12, 2, 1).reshape(3, 1, 2, 2, 2)[:, :, 0], rows(12, 2, 2).reshape(2, 3, 2, 2)[:, :2]
    X, Y = X.requires_grad_(), Y.requires_grad_()
    gate = torch.tensor([[0.5], [2.0], [1.0]], dtype=torch.float64, requires_grad=True)
    options: dict[str, Any] = {"kind": "nngp", "variances": {"gate": gate, "value": "1/2"}}
    found = gram("glu", X, Y[:, :1].transpose(0, 1), **options)
    assert found.shape == (3, 2, 2, 2)
    for i in range(3):
        for j in range(2):
            wanted = glu.gram(
                "glu",
                X[i, 0].detach(),
                Y[j, 0].detach(),
                kind="nngp",
                variances={"gate": gate[i, 0].item(), "value": 0.5},
            )
            assert torch.equal(found[i, j], wanted)
    assert torch.autograd.gradcheck(
        lambda *given: gram("glu", given[0], given[1], variances={"gate": given[2]}),
        (X, Y[:, :1].transpose(0, 1).detach().requires_grad_(), gate),
        fast_mode=True,
    )
    S, K = gram("glu", X, kind="both", variances={"readout": gate[:, 0]})
    assert S.shape == K.shape == (3, 3, 2, 2)
    assert gram_diagonal("glu", X, **options).shape == (3, 1, 2)


def test_empty_batches_and_sets_of_rows() -> None:
    empty = torch.empty(0, 4, 3, requires_grad=True)
    assert gram("relu", empty).shape == (0, 4, 4)
    assert gram("relu", empty).dtype == torch.float32
    assert [part.shape for part in gram_diagonal("relu", empty, kind="both")] == [(0, 4), (0, 4)]
    assert gram("silu", torch.empty(2, 0, 3), rows(2, 3, 1)).shape == (2, 0, 2)
    X = torch.empty(0, 3, dtype=torch.float64, requires_grad=True)
    K = gram("swiglu", X, rows(2, 3, 1))
    assert K.shape == (0, 2)
    K.sum().backward()
    assert X.grad.shape == (0, 3)
    assert gram_diagonal("swiglu", X).shape == (0,)


def test_types_are_kept() -> None:
    X = rows(4, 3, 1, torch.float32).requires_grad_()
    variance = torch.tensor(0.5, requires_grad=True)
    K = gram("swiglu", X, variances={"gate": variance})
    K.sum().backward()
    assert K.dtype == X.grad.dtype == variance.grad.dtype == torch.float32
    wanted = gradient("swiglu", X.detach().double(), variances={"gate": 0.5})
    torch.testing.assert_close(X.grad.double(), wanted, rtol=1e-6, atol=1e-6)
    integers = torch.tensor([[1, 2], [3, 4]])
    assert gram("relu", integers).dtype == torch.float64
    assert gradient("relu", rows(3, 4, 2).T, rows(3, 4, 3).T.contiguous()).shape == (4, 3)


def test_only_what_is_asked_for_gets_a_gradient() -> None:
    X, Y = rows(3, 2, 1).requires_grad_(), rows(4, 2, 2)
    variance = torch.tensor(2.0, dtype=torch.float64)
    gram("geglu", X, Y, variances={"gate": variance}).sum().backward()
    assert Y.grad is None
    assert variance.grad is None
    X, Y = X.detach(), Y.requires_grad_()
    gram("geglu", X, Y).sum().backward()
    assert X.grad is None
    assert Y.grad is not None
    assert not gram("geglu", X).requires_grad


def test_a_second_derivative_is_refused() -> None:
    X = rows(3, 2, 1).requires_grad_()
    for function in (gram, gram_diagonal):
        (first,) = torch.autograd.grad(function("relu", X).sum(), X, create_graph=True)
        with pytest.raises(NotImplementedError, match="no second derivative"):
            (first.sum() + X.sum()).backward()


@pytest.mark.parametrize(
    ("arguments", "options", "message"),
    [
        (("relu", np.ones((2, 2))), {}, "X is of type ndarray"),
        (("relu", "X", [1.0]), {}, "Y is of type list"),
        (("relu", "row"), {}, r"X has shape \(3,\)"),
        (("relu", "X", "wide"), {}, "X has 3 features and Y has 4"),
        (("relu", "X"), {"kind": "all"}, "kind is 'all'"),
        (("relu", "batch", "other"), {}, r"X \(2,\), Y \(3,\)"),
        (("step", "X"), {}, "infinite on its diagonal"),
        (("relu", "X"), {"parametrization": "standard"}, "width is None"),
        (("relu", "X"), {"variances": {"gate": 1.0}}, "variances has the key 'gate'"),
    ],
    ids=str,
)
@pytest.mark.parametrize("function", [gram, gram_diagonal], ids=named)
def test_bad_arguments_are_answered_in_a_sentence(
    function: Any, arguments: tuple[Any, ...], options: dict[str, Any], message: str
) -> None:
    known = {
        "X": rows(2, 3, 1).requires_grad_(),
        "row": torch.ones(3),
        "wide": rows(2, 4, 1),
        "batch": torch.ones(2, 2, 3),
        "other": torch.ones(3, 2, 3),
    }
    name, *given = arguments
    given = [known.get(value, value) if isinstance(value, str) else value for value in given]
    with pytest.raises(DomainError, match=message):
        function(name, *given, **options)


def test_unequal_pairs_and_unknown_networks() -> None:
    with pytest.raises(DomainError, match="X has 2 rows and Y has 3"):
        gram_diagonal("relu", rows(2, 3, 1), rows(3, 3, 1))
    with pytest.raises(UnknownNameError, match="'relu'"):
        gram("rleu", rows(2, 3, 1))


@pytest.mark.parametrize("module", ["torch", "autograd", "batches"])
def test_without_torch_the_extra_is_named(module: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, f"glutheory.integrations.{module}")
    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(
        MissingDependencyError, match=r"this needs torch: \S+ -m pip install -c constraints.txt 'glutheory\[torch\]'"
    ):
        importlib.import_module(f"glutheory.integrations.{module}")
