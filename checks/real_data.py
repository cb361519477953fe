"""Real data sets as inputs of a network: scikit-learn's digits, diabetes and breast cancer, standardised.

A set with d features is made from the first d principal components of the standardised data, all scaled by one number
so that a coordinate has mean square 1, as Gaussian data have. Components and not a random subset of the features,
because few pixels of the digits take few values: many rows would be equal, and every kernel singular. With all d the
components are the standardised features themselves up to a rotation, which no kernel sees.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from glutheory.errors import DomainError

Array = npt.NDArray[np.float64]

#: Name and loader in `sklearn.datasets`; all three come with the package.
SETS = {"digits": "load_digits", "diabetes": "load_diabetes", "breast-cancer": "load_breast_cancer"}


@dataclass(frozen=True, eq=False)
class Standardised:
    """A data set whose features have mean 0 and variance 1.

    Attributes:
        name: one of `SETS`.
        features: shape (rows, features).
        constant: how many features were dropped because they have one value only.
        components: shape (rows, features), the principal components by falling variance.
    """

    name: str
    features: Array
    constant: int
    components: Array

    @property
    def limits(self) -> tuple[int, int]:
        """The largest n and d."""
        rows, features = self.features.shape
        return rows, features


@lru_cache(maxsize=len(SETS))
def load(name: str) -> Standardised:
    """The data set of this name.

    Raises:
        DomainError: no such set.
    """
    if name not in SETS:
        raise DomainError(f"the data set is {name!r}: use one of {', '.join(SETS)}.")
    from sklearn import datasets

    raw = np.asarray(getattr(datasets, SETS[name])().data, dtype=np.float64)
    varying = raw.std(axis=0) > 0
    kept = raw[:, varying]
    features = (kept - kept.mean(axis=0)) / kept.std(axis=0)
    left, sizes, _ = np.linalg.svd(features, full_matrices=False)
    return Standardised(name, features, int(np.sum(~varying)), left * sizes)


def components(name: str, d: int) -> Array:
    """All rows in their first d principal components, shape (rows, d), the mean square of a coordinate 1.

    Raises:
        DomainError: no such set, or d is not between 1 and its number of features.
    """
    found = load(name)
    if not 1 <= d <= found.limits[1]:
        raise DomainError(f"d is {d}: {name} has between 1 and {found.limits[1]} components.")
    chosen = found.components[:, :d]
    return np.asarray(chosen / np.sqrt(np.mean(chosen**2)))


def duplicates(X: Array) -> int:
    """How many rows equal an earlier one; each makes every kernel matrix singular."""
    return len(X) - len(np.unique(X, axis=0))
