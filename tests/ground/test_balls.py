"""Programs over balls, and integrals of them."""

from __future__ import annotations

import pytest
import sympy as sp
from flint import acb, arb

from glutheory.activations import Z
from glutheory.ground.balls import Tape


def test_a_column_of_values_is_as_one_by_one() -> None:
    z = sp.Symbol("z")
    tape = Tape([sp.exp(z) / (1 + z**2), sp.pi + 1, z], [z])
    places = [arb(k) / 7 for k in range(-3, 4)]
    columns = tape.bind_column()(places)
    for k, place in enumerate(places):
        assert [column[k].str(20) for column in columns] == [value.str(20) for value in tape.bind()([place])]


@pytest.mark.parametrize(
    ("function", "across", "beside"),
    [
        (sp.atan, acb(arb(0, 0.5), arb(2, 0.5)), acb(arb(1, 0.5), arb(2, 0.5))),
        (sp.atan, acb(arb(0.1, 0.5), arb(-1, 0.5)), acb(arb(0.1, 0.5), arb(0, 0.5))),
        (sp.asin, acb(arb(2, 0.5), arb(0, 0.5)), acb(arb(2, 0.05), arb(1, 0.05))),
        (sp.acos, acb(arb(-1, 0.5), arb(0, 0.5)), acb(arb(0, 0.05), arb(0.5, 0.01))),
    ],
)
def test_a_box_across_a_branch_cut_is_not_analytic(function: type, across: acb, beside: acb) -> None:
    """A finite ball there would prove that the function is analytic, and with it errors of rules that are wrong."""
    run = Tape([function(Z)], [Z]).bind()
    assert not acb(run([across], True)[0]).is_finite()
    assert acb(run([beside], True)[0]).is_finite()
