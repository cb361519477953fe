"""What studies are given in Python: one network without a list, rows as a list, and mistakes in a sentence."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import glutheory as glu
from glutheory.errors import GlutheoryError
from glutheory.studies.depth import depth_study, fixed_points
from glutheory.studies.dynamics import dynamics_study
from glutheory.studies.kernel import kernel_study
from glutheory.studies.spectrum import spectrum_study

X = np.random.default_rng(5).standard_normal((6, 4))

ON_ROWS: dict[str, Callable[[Any, Any], Any]] = {
    "spectrum": spectrum_study,
    "depth": lambda networks, rows: depth_study(networks, rows, 2),
    "dynamics": lambda networks, rows: dynamics_study(networks, rows, np.ones(len(X))),
}


@pytest.mark.parametrize("study", ON_ROWS.values(), ids=ON_ROWS)
def test_one_network_and_a_list_of_rows(study: Callable[[Any, Any], Any]) -> None:
    assert study("swiglu", X.tolist()).as_json() == study(["swiglu"], X).as_json()


@pytest.mark.parametrize("study", ON_ROWS.values(), ids=ON_ROWS)
@pytest.mark.parametrize(
    ("networks", "rows", "said"),
    [
        (["silu"], X[0], r"X has shape \(4,\): give a matrix of shape \(rows, features\), of at least two rows"),
        (["silu"], X[:1], r"X has shape \(1, 4\)"),
        (["silu"], [[1.0], [1.0, 2.0]], "rows of different lengths"),
        (["silu"], [["a"], ["b"]], "a matrix of real numbers"),
        ([], X, r"networks is '\[\]': give networks or their names"),
        (3, X, "networks is '3': give networks"),
        ("swigl", X, "unknown network 'swigl': did you mean 'swiglu'"),
    ],
)
def test_mistakes(study: Callable[[Any, Any], Any], networks: Any, rows: Any, said: str) -> None:
    with pytest.raises(GlutheoryError, match=said):
        study(networks, rows)


def test_kernels_and_fixed_points_take_a_name() -> None:
    assert kernel_study("silu", points=3).as_json() == kernel_study(["silu"], points=3).as_json()
    assert fixed_points("silu") == fixed_points(glu.network("silu"))
    with pytest.raises(GlutheoryError, match="of type Stack: give a name such as 'silu', or a Network"):
        fixed_points(glu.stack("silu", 2))  # type: ignore[arg-type]
