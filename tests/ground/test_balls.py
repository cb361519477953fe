"""Programs over balls, and integrals of them."""

from __future__ import annotations

import pytest
import sympy as sp
from flint import acb, arb

from glutheory.ground.balls import Tape, integral


def test_an_exception_within_an_integral_comes_out_as_itself() -> None:
    """python-flint's own goes on after one; an interrupt must not leave a number behind."""
    seen: list[acb] = []

    def integrand(x: acb, analytic: bool) -> acb:  # noqa: ARG001 (python-flint's signature)
        seen.append(x)
        if len(seen) == 5:
            raise KeyboardInterrupt
        return x.exp()

    with pytest.raises(KeyboardInterrupt):
        integral(integrand, 0, 1)
    assert integral(lambda x, analytic: x.exp(), 0, 1).real.overlaps(arb(1).exp() - 1)  # noqa: ARG005


def test_a_column_of_values_is_as_one_by_one() -> None:
    z = sp.Symbol("z")
    tape = Tape([sp.exp(z) / (1 + z**2), sp.pi + 1, z], [z])
    places = [arb(k) / 7 for k in range(-3, 4)]
    columns = tape.bind_column()(places)
    for k, place in enumerate(places):
        assert [column[k].str(20) for column in columns] == [value.str(20) for value in tape.bind()([place])]
