"""The negative controls: wrong statements about the right runs, and the right statement about runs that were spoilt."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from checks.claims.trajectory.close_inputs import Sizes
from checks.claims.trajectory.measures import Runs, Statement
from checks.claims.trajectory.paths import HIDDEN, PAIR, RELEASED, Array, Paths, trained
from checks.settings import Settings


def _squared(K: Array) -> Array:
    square = K @ K
    return np.asarray(square * (np.trace(K, axis1=1, axis2=2) / np.trace(square, axis1=1, axis2=2))[:, None, None])


def _changed(change: Callable[[Array], Array]) -> Callable[[Settings, Runs], Runs]:
    def spoil(_: Settings, both: Runs) -> Runs:
        plain, gated = (Paths(change(paths.residuals), paths.kernels, paths.targets) for paths in both)
        return plain, gated

    return spoil


def _bent(path: Array) -> Array:
    """Moved sideways by 2 % of the way where half of it is done, and not at its ends."""
    left = np.linalg.norm(path, axis=2, keepdims=True) / np.linalg.norm(path[:1], axis=2, keepdims=True)
    return np.asarray(path + 0.08 * (1 - left) * path[..., ::-1] * (-1, 1))


def _not_centred(settings: Settings, both: Runs) -> Runs:
    plain, gated = (
        trained(settings, paths.kernels.shape[0], name, RELEASED, centred=False)
        for name, paths in zip(PAIR, both, strict=True)
    )
    return plain, gated


#: Wrong statements, and right ones about runs that were spoilt.
MUTANTS: dict[str, Statement] = {
    "the path of K^2 of the same trace": Statement(kernel=_squared),
    "the path of K without its off-diagonal entries": Statement(kernel=lambda K: K * np.eye(2)),
    "the path of 2K (a wrong factor of the loss)": Statement(kernel=lambda K: 2 * K),
    "the path of the next network's kernel, on other data": Statement(kernel=lambda K: np.roll(K, 1, axis=0)),
    "non-gated heads are the straighter ones": Statement(straighter=lambda plain, gated: plain > gated),
    "least cosine 4 kappa/(1 + kappa)^2": Statement(bound=lambda kappa: 4 * kappa / (1 + kappa) ** 2),
    "the networks not centred": Statement(spoilt=_not_centred),
    "the runs of the two networks exchanged": Statement(spoilt=lambda _, both: both[::-1]),
    "the paths of the two networks exchanged, not their kernels": Statement(
        spoilt=lambda _, both: (Paths(both[1].residuals, both[0].kernels), Paths(both[0].residuals, both[1].kernels))
    ),
    "the paths backwards in time": Statement(spoilt=_changed(lambda path: path[::-1])),
    "the two outputs exchanged": Statement(spoilt=_changed(lambda path: path[..., ::-1])),
    "the paths bent sideways by 2 %": Statement(spoilt=_changed(_bent)),
}
#: Widths, plain and gated, at which small angles are an exception.
TOO_NARROW = (
    ("equal norms and equal widths", HIDDEN, HIDDEN),
    ("equal norms and matched widths with d/m = 1/2", HIDDEN // 2, HIDDEN // 4),
    ("equal norms and m = m~ + d", 225, 150),
)
#: Wrong conditions on the widths.
WRONG_SIZES = {
    "equal norms: m ≥ m~ + d suffices": Sizes(more=0),
    "equal norms: m ≥ m~ + d + 2 is needed": Sizes(more=2),
    "equal norms, matched in size: m ≥ 2d + 1 suffices": Sizes(matched=1),
    "equal norms, matched in size: m ≥ 2d + 3 is needed": Sizes(matched=3),
}
