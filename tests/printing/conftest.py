"""Values of duals evaluated once for a whole module."""

from functools import cache

import pytest

from glutheory.printing import samples
from glutheory.symbolic.evaluation import evaluate_balls


@pytest.fixture(scope="module")
def evaluated_once():
    """Every number of a report once."""
    # seven gated networks share their gates with the plain ones
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(samples, "evaluate_balls", cache(evaluate_balls))
        yield
