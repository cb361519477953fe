"""Tables as inputs of a network, standardised: scikit-learn's digits, diabetes and breast cancer, or the user's own.

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

from glutheory.errors import DomainError, MissingDependencyError

Array = npt.NDArray[np.float64]

#: Name and loader in `sklearn.datasets`; all three come with the package.
SETS = {"digits": "load_digits", "diabetes": "load_diabetes", "breast-cancer": "load_breast_cancer"}


@dataclass(frozen=True, eq=False)
class Standardised:
    """A data set whose features have mean 0 and variance 1.

    Attributes:
        name: one of `SETS`, or what the caller calls it.
        features: shape (rows, features).
        constant: how many features were dropped because they have one value only.
        components: shape (rows, features), or (rows, rows) if that is less: the principal components by falling
            variance.
    """

    name: str
    features: Array
    constant: int
    components: Array

    @property
    def limits(self) -> tuple[int, int]:
        """The largest n and d."""
        return len(self.features), self.components.shape[1]

    def first(self, d: int) -> Array:
        """All rows in their first d principal components, shape (rows, d), the mean square of a coordinate 1.

        Raises:
            DomainError: d is not between 1 and the number of components.
        """
        if not 1 <= d <= self.limits[1]:
            raise DomainError(f"d is {d}: {self.name} has between 1 and {self.limits[1]} components.")
        chosen = self.components[:, :d]
        return np.asarray(chosen / np.sqrt(np.mean(chosen**2)))


def standardised(name: str, table: npt.ArrayLike) -> Standardised:
    """A table of finite numbers, shape (rows, features), standardised; constant features are dropped.

    Raises:
        DomainError: fewer than two rows, or no feature that varies.
    """
    raw = np.asarray(table, dtype=np.float64)
    # a constant column may have a deviation of a few roundings
    varying = raw.max(axis=0) > raw.min(axis=0) if len(raw) else np.zeros(0, dtype=bool)
    if not varying.any():
        raise DomainError(f"{name} has the shape {raw.shape} and no feature that varies: give two rows that differ.")
    kept = raw[:, varying] / np.max(np.abs(raw[:, varying]), axis=0)  # no square overflows or vanishes
    features = (kept - kept.mean(axis=0)) / kept.std(axis=0)
    left, sizes, _ = np.linalg.svd(features, full_matrices=False)
    return Standardised(name, features, int(np.sum(~varying)), left * sizes)


@lru_cache(maxsize=len(SETS))
def load(name: str) -> Standardised:
    """The data set of this name.

    Raises:
        DomainError: no such set.
        MissingDependencyError: scikit-learn, which brings the sets, is not installed.
    """
    if name not in SETS:
        raise DomainError(f"the data set is {name!r}: use one of {', '.join(SETS)}.")
    try:
        from sklearn import datasets
    except ImportError:
        raise MissingDependencyError.of(f"{name} comes with", "scikit-learn", "scikit-learn") from None

    return standardised(name, getattr(datasets, SETS[name])().data)


def components(name: str, d: int) -> Array:
    """`Standardised.first` of the set of this name: all rows in d components, shape (rows, d).

    Raises:
        DomainError: no such set, or d is not between 1 and its number of features.
    """
    return load(name).first(d)


def duplicates(X: Array) -> int:
    """How many rows equal an earlier one; each makes every kernel matrix singular."""
    return len(X) - len(np.unique(X, axis=0))
