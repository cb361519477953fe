"""The wide-limit kernel of a module with torch's weights: each group of weights counts with its own fan-in.

`glutheory.gram` in the standard parametrisation knows one width. Llama's feed-forward networks are wider than the
stream, so the groups are taken one by one in the ntk parametrisation, where each has the factor 1: a weight of variance
1 over the fan-in moves its unit by as much as one of variance 1 scaled by the fan-in's root; its square is the factor.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

import glutheory as glu
from checks.claims.prediction.law import Theory
from glutheory.networks import GATES

Array = npt.NDArray[np.float64]


def names(gate: str, *, gated: bool) -> str:
    """The gated network of the zoo, or the plain one with its gate."""
    return gate if gated else GATES[gate]


def hidden_of(width: int, *, gated: bool) -> int:
    """Llama's: 8/3 of the stream with a gate, 4 without, as many weights."""
    return 8 * width // 3 if gated else 4 * width


def kernel(X: Array, gate: str, depth: int, width: int, *, gated: bool, theory: Theory) -> Array:
    """The kernel predicted for a module of this width, shape (n, n)."""
    seen = gated != theory.exchanged
    stack = glu.stack(names(gate, gated=seen), depth * theory.depth, residual=theory.residual, gain=True)
    if not theory.fans:
        return np.asarray(glu.gram(stack, X))
    # a gain of 1 counts once
    fans = {"embedding": X.shape[1], "*down": hidden_of(width, gated=gated), "*norm": 1}
    rest = [group for group in stack.groups if not group.endswith(("embedding", "down", "norm"))]
    total = width * glu.gram(stack, X, trained=rest)
    for group, fan in fans.items():
        total = total + fan * glu.gram(stack, X, trained=group)
    return np.asarray(total)
