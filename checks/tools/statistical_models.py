"""What statsmodels, of the extra ``checks``, computes for several claims; imported late, for it takes a second."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from glutheory.errors import MissingDependencyError

Array = npt.NDArray[np.float64]


def described(values: Array) -> Any:
    """The mean of a sample, shape (n,), with its t-tests and interval: a ``DescrStatsW`` whose ``std`` has n - 1.

    Raises:
        MissingDependencyError: statsmodels is not installed.
    """
    try:
        from statsmodels.stats.weightstats import DescrStatsW
    except ImportError:
        raise _absent() from None

    return DescrStatsW(values, ddof=1)


def least_squares(target: Array, design: Array) -> Any:
    """The regression of a target, shape (n,), on the columns of a design, shape (n, k): the results of ``OLS``.

    Raises:
        MissingDependencyError: statsmodels is not installed.
    """
    try:
        from statsmodels.regression.linear_model import OLS
    except ImportError:
        raise _absent() from None

    return OLS(target, design).fit()


def _absent() -> MissingDependencyError:
    return MissingDependencyError.of("the checks' statistics need", "statsmodels", "checks")
