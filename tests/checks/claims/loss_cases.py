"""Pairs of loss curves on which the rules of Cor. 4.2 are tried: few inputs, few dimensions and many."""

from __future__ import annotations

from functools import lru_cache

from checks.settings import Settings
from checks.tools.loss_pairs import PAIRS, TARGETS, LossPair, case

QUICK = Settings()


@lru_cache(maxsize=1)
def few() -> tuple[LossPair, ...]:
    """ReLU and ReGLU on Gaussian data; the order of 120 inputs is enough."""
    return tuple(case(PAIRS[0], (120, d), kind, QUICK) for d in (4, 6, 30) for kind in TARGETS)


@lru_cache(maxsize=1)
def few_normalised() -> tuple[LossPair, ...]:
    """Two gates on normalised data, gradient flow."""
    return tuple(
        case(pair, (120, d), kind, QUICK, fraction=None, normalised=True)
        for pair in PAIRS[:2]
        for d in (4, 30)
        for kind in TARGETS
    )


@lru_cache(maxsize=1)
def few_shrunk() -> tuple[LossPair, ...]:
    """Gaussian data of variance 1/2."""
    return tuple(case(PAIRS[0], (120, 20), kind, QUICK, variance=0.5) for kind in TARGETS)
