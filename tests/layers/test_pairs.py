"""What is read of two inputs and of the weights that count."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest

from glutheory.errors import DomainError, UnknownNameError
from glutheory.layers import composed, dense, positions, readout, stack
from glutheory.layers.pairs import chosen, inputs_of

SEQUENCE = composed(dense(), positions(), readout())


def test_vectors() -> None:
    found = inputs_of(stack("relu", 1), "0.5", 2, "1/3")
    assert found.positions == 1
    assert found.gram == ((Fraction(1, 2), Fraction(1, 3)), (Fraction(1, 3), Fraction(2)))


def test_sequences_as_lists_and_arrays() -> None:
    rows = [[1, 0], [0, 1]], [[2, 1], [1, 2]], [[1, "1/2"], [0, 1]]
    found = inputs_of(SEQUENCE, *rows)
    assert found.positions == 2
    assert found.gram[0] == (Fraction(1), Fraction(0), Fraction(1), Fraction(1, 2))
    assert found.gram[3] == (Fraction(1, 2), Fraction(1), Fraction(1), Fraction(2))
    assert (
        inputs_of(
            SEQUENCE, *(np.array(row, dtype=float) for row in ([[1, 0], [0, 1]], [[2, 1], [1, 2]], [[1, 0.5], [0, 1]]))
        )
        == found
    )


def test_a_covariance_beyond_its_bound_between_positions_is_refused() -> None:
    with pytest.raises(DomainError, match="a covariance obeys"):
        inputs_of(SEQUENCE, [[1, 0], [0, 1]], [[1, 0], [0, 1]], [[0, 2], [0, 0]])


def test_weights_that_count() -> None:
    made = stack("reglu", 2)
    assert chosen(made).groups == frozenset(made.groups)
    assert chosen(made, "block2.*").groups == {"block2.value", "block2.gate", "block2.down"}
    standard = chosen(made, None, "standard", 100, 7)
    assert (standard.fan_in(True), standard.fan_in(False)) == (7, 100)
    with pytest.raises(UnknownNameError, match="no group"):
        chosen(made, "nothing")
    with pytest.raises(DomainError, match="width is 0"):
        chosen(made, None, "standard", 0, 7)
