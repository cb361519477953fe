"""One kernel of a network with one activation that has a series, and identities: half the work of the product rule.

With t_i = s_i = ρ for the identities, NNGP = ρ^k s and NTK = ρ^k ((1 + Σ share_i) s + share t), and a series gives
such a combination of s and t as cheaply as s alone.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from glutheory.numeric.arrays import Array
from glutheory.numeric.dual import Branch
from glutheory.numeric.homogeneous import IDENTITY
from glutheory.numeric.pairs import Geometry


def shortcut(
    branches: Sequence[Branch],
    pairs: Geometry,
    left: Callable[[Array], Array],
    right: Callable[[Array], Array],
    kinds: tuple[str, ...],
) -> Array | None:
    """The kernel over the constant and the scale, of far pairs; None where this is not the case described above."""
    others = [branch for branch in branches if branch.dual is not IDENTITY]
    if pairs.near or len(kinds) != 1 or len(others) != 1 or others[0].dual.combination is None:
        return None
    branch = others[0]
    first, second = 1.0, 0.0
    if kinds[0] == "ntk":
        first += sum(other.share for other in branches if other is not branch)
        second = branch.share
    result = others[0].dual.combination(pairs, left(branch.left), right(branch.right), first, second)
    for _ in branches[1:]:
        result *= pairs.rho
    return result
