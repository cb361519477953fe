"""Products of branches: the sentence against the formula that is judged."""

from __future__ import annotations

import sympy as sp

from checks.claims.products import CLAIM
from checks.tools.formulas import gated, of_branches, plain
from checks.tools.roads import Constants
from derivations.tools.zero import is_zero

m, d, v, g, p, w, S, T = sp.symbols("m d v g p w S T", positive=True)


def test_one_branch_and_a_gate_are_equations_three_and_four() -> None:
    assert is_zero(of_branches(Constants(m, d, v, [w]), g, [(S, T)]) - plain(Constants(m, d, v, [w]), g, [(S, T)]))
    scales, duals = Constants(m, d, v, [p, w]), [(p * g, sp.S.One), (S, T)]
    assert is_zero(of_branches(scales, g, duals) - gated(scales, g, duals))


def test_the_variances_of_the_branches_are_in_the_duals_alone() -> None:
    """The sentence once had σ_i² before T_i, which Eqs. 3 and 4 refute; T_i is ∂S_i/∂c_i, c_i = σ_i² x·x'."""
    found = of_branches(Constants(m, d, v, [p, w]), g, [(S, T), (2 * S, 3 * T)])
    assert not found.free_symbols & {p, w}
    kernel, duals = CLAIM.statement.split(r"\text{ with }")
    assert r"\sigma_i" not in kernel
    assert r"\sigma_i^2\,x\cdot x'" in duals
