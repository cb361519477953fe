"""What experts compute between their matrices: a function of gate and value, taken apart into φ(gate)·ψ(value).

Clamped gates and shifted values (GPT-OSS, DeepSeek V4, MiniMax M3) are functions of two numbers. Tried on numbers they
show what φ and ψ are, or that there are no such two.
"""

from __future__ import annotations

from collections.abc import Callable

import torch

from glutheory.audit.nonlinearities import Nonlinearity, recognise

#: Two numbers per hidden unit in the last axis, of length 2m, to one number, of length m.
Pairing = Callable[[torch.Tensor], torch.Tensor]

#: Where functions are tried, and how far apart they may be: some compute in float32.
_REACH, _POINTS, _TOLERANCE = 12.0, 97, 1e-5


def interleaved(apply: Pairing) -> bool | None:
    """Whether the numbers of a hidden unit are neighbours, or m apart; None if it is neither."""
    pairs = torch.linspace(-1.5, 2.0, 12, dtype=torch.float64).reshape(6, 2)
    try:
        single = torch.cat([apply(pair) for pair in pairs])
        neighbours, apart = apply(pairs.flatten()), apply(pairs.T.flatten())
    except (RuntimeError, TypeError, ValueError, LookupError, AttributeError):
        return None
    if _close(apart, single):
        return False
    return True if _close(neighbours, single) else None


def factors(apply: Pairing) -> tuple[Nonlinearity, Nonlinearity | None, bool] | None:
    """(φ, ψ, whether the gate is the first of a pair); None if it is no product of two functions.

    ψ is the factor that is affine near 0, with slope 1 there; it is None where it is the identity.
    """
    for first in (True, False):

        def value(gate: torch.Tensor, up: torch.Tensor, first: bool = first) -> torch.Tensor:
            pair = torch.stack((gate, up) if first else (up, gate), dim=-1)
            return apply(pair)[..., 0]

        found = _factors(value)
        if found is not None:
            return (*found, first)
    return None


def _factors(
    function: Callable[[torch.Tensor, torch.Tensor], torch.Tensor],
) -> tuple[Nonlinearity, Nonlinearity | None] | None:
    grid = torch.linspace(-_REACH, _REACH, _POINTS, dtype=torch.float64)
    near = torch.linspace(-1, 1, 9, dtype=torch.float64)
    along = function(torch.ones_like(near), near)
    slope = float(along[-1] - along[0]) / 2
    if abs(slope) < _TOLERANCE or not _close(along - along[4], slope * near):
        return None

    def shifted(up: torch.Tensor) -> torch.Tensor:
        return function(torch.ones_like(up), up) / slope

    at = float(shifted(torch.tensor([0.5], dtype=torch.float64)))
    if abs(at) < _TOLERANCE:
        return None

    def gate(argument: torch.Tensor) -> torch.Tensor:
        return function(argument, torch.full_like(argument, 0.5)) / at

    g, u = (part.flatten() for part in torch.meshgrid(grid, grid, indexing="ij"))
    phi = recognise(gate)
    if phi is None or not _close(gate(g) * shifted(u), function(g, u)):
        return None
    far = torch.linspace(-50, 50, 101, dtype=torch.float64)
    # of a known one the function itself: a module may compute in single precision
    if _close(shifted(far), far):
        return phi, None
    offset = float(shifted(torch.zeros(1, dtype=torch.float64)))
    clamped = "" if _close(shifted(far), far + offset) else "clamped "
    return phi, Nonlinearity(f"{clamped}value{f' + {offset:.3g}' if abs(offset) > _TOLERANCE else ''}", shifted)


def _close(left: torch.Tensor, right: torch.Tensor) -> bool:
    return left.shape == right.shape and bool(torch.allclose(left.double(), right.double(), _TOLERANCE, _TOLERANCE))
