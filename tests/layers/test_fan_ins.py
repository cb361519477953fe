"""Layers of different widths in the standard parametrisation: the NTK is the sum of its groups', each with its fan-in.

A group's weights count fan-in times as much in the standard parametrisation as in the other, whatever the fan-ins of
the others are: forward, W/√n and W with variance 1/n are the same. So one `width` for all layers is no restriction.
"""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Any

import numpy as np
import pytest

import glutheory as glu
from glutheory.errors import DomainError
from glutheory.layers import composed, dense, parallel, positions, product, readout, residual, rmsnorm
from glutheory.quadrature.stacks import enclose_stack

D, STREAM, HIDDEN, OTHER = 3, 96, 240, 48
BLOCK = parallel((product("swiglu"), dense(name="down")), (product("relu", bias=Fraction(1, 4)), dense(name="out")))
MADE = composed(dense(name="embedding"), residual(rmsnorm(), BLOCK), positions(), readout())
#: Group: fan-in and units.
SIZES = {
    "embedding": (D, STREAM),
    "value": (STREAM, HIDDEN),
    "gate": (STREAM, HIDDEN),
    "down": (HIDDEN, STREAM),
    "hidden": (STREAM, OTHER),
    "out": (OTHER, STREAM),
    "readout": (STREAM, 1),
}
X = np.array([[[1.0, 0.5, -0.25], [0.0, 1.0, 1.0]], [[0.5, -1.0, 0.5], [1.0, 1.0, 0.25]]])


def predicted(group: str, fan_in: int) -> Any:
    return glu.gram(MADE, X, trained=group, parametrization="standard", width=fan_in)


def test_the_groups_are_those_of_the_stack() -> None:
    assert set(MADE.groups) == set(SIZES)


@pytest.mark.long
def test_every_group_with_its_own_fan_in_is_that_of_finite_networks() -> None:
    """200 drawn networks by autograd: within 5 standard errors and what widths of 48 and more leave, a tenth."""
    torch = pytest.importorskip("torch")
    rng = torch.Generator().manual_seed(0)
    rows, draws = torch.tensor(X), 200
    found: dict[str, list[Any]] = {group: [] for group in SIZES}

    def output(x: Any, w: dict[str, Any], bias: Any) -> Any:
        h = x @ w["embedding"].T
        u = h / (h**2).mean(1, keepdim=True).sqrt()
        gated = (u @ w["value"].T) * torch.nn.functional.silu(u @ w["gate"].T)
        plain = torch.relu(u @ w["hidden"].T + bias)
        return ((h + gated @ w["down"].T + plain @ w["out"].T).mean(0) @ w["readout"].T).sum()

    for _ in range(draws):
        w = {
            group: (torch.randn(units, fan_in, generator=rng, dtype=torch.float64) / math.sqrt(fan_in)).requires_grad_()
            for group, (fan_in, units) in SIZES.items()
        }
        bias = (torch.randn(OTHER, generator=rng, dtype=torch.float64) / 2).requires_grad_()
        grads = [torch.autograd.grad(output(x, w, bias), [*w.values(), bias]) for x in rows]
        for k, group in enumerate(w):
            K = [[float((one[k] * two[k]).sum()) for two in grads] for one in grads]
            if group == "hidden":
                K = [[K[i][j] + float((grads[i][-1] * grads[j][-1]).sum()) for j in range(2)] for i in range(2)]
            found[group].append(K)
    for group, (fan_in, _) in SIZES.items():
        K, own = predicted(group, fan_in), np.array(found[group])
        scale = np.sqrt(np.outer(np.diag(K), np.diag(K)))
        allowed = 5 * own.std(0) / math.sqrt(draws) + 0.1 * scale
        assert (np.abs(own.mean(0) - K) <= allowed).all(), (group, own.mean(0), K)


def test_the_whole_is_the_sum_of_the_groups() -> None:
    """With one fan-in, on all roads; and a group is linear in its own, but for its biases."""
    whole = glu.gram(MADE, X, parametrization="standard", width=7)
    parts = [predicted(group, 7) for group in SIZES]
    assert np.abs(sum(parts) - whole).max() <= 1e-13 * np.abs(whole).max()
    for group in ("value", "down", "out", "readout"):
        assert np.allclose(predicted(group, HIDDEN), HIDDEN * predicted(group, 1), rtol=1e-13, atol=0)
    assert np.allclose(predicted("embedding", 5), predicted("embedding", 50), rtol=1e-15, atol=0)  # its fan-in is d
    inner = [
        [[sum(map(Fraction, map(float, x * y)), Fraction(0)) / D for y in q] for x in p]
        for p, q in zip(X, X, strict=True)
    ]
    mixed = [[sum(map(Fraction, map(float, x * y)), Fraction(0)) / D for y in X[1]] for x in X[0]]
    sizes: dict[str, Any] = {"digits": 20, "trained": "down", "width": HIDDEN, "d": D}
    first = glu.derivation(MADE, parametrization="standard").at(inner[0], inner[1], mixed, **sizes)
    second = enclose_stack(MADE, inner[0], inner[1], mixed, parametrization="standard", **sizes)
    assert first.ntk.overlaps(second.ntk)
    assert predicted("down", HIDDEN)[0, 1] == pytest.approx(float(first.ntk), rel=1e-12)


def test_widths_by_group_are_refused_with_what_to_do() -> None:
    words = "one fan-in for all layers.*add up the kernels of groups"
    widths: Any = {"down": HIDDEN, "*": STREAM}
    with pytest.raises(DomainError, match=words):
        glu.gram(MADE, X, parametrization="standard", width=widths)
    with pytest.raises(DomainError, match=words):
        enclose_stack(MADE, [[1]], [[1]], [[0]], parametrization="standard", width=widths, d=3)
