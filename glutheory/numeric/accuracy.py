"""How well the entries of `gram` are known: what bounds on eigenvalues and condition numbers start from."""

from __future__ import annotations

from glutheory.networks import Network
from glutheory.networks import network as named_network
from glutheory.numeric.duals import evaluator
from glutheory.numeric.duals.record import HAND_MADE


def entry_error(network: Network | str) -> float:
    """The e such that float64 entries of a network's `gram` are within e·√(K(x,x) K(x',x')) of the true ones.

    1e-14 where the zoo has evaluators for all branches, else 1e-12 for each branch that has a derived one: the relative
    errors of factors add, by Cauchy's and Schwarz's inequality also for the sums that the NTK is.

    Args:
        network: a `Network` of any activations, or the name of one.

    Returns:
        What `condition_number`, `glutheory.spectra.spectrum` and `glutheory.dynamics.expected_loss` take as
        `entry_error`.

    Raises:
        DomainError, ExpressionError: an activation without an evaluator, as `gram` says.
        UnknownNameError: no network of that name.
    """
    own = [error for act in named_network(network).branches if (error := evaluator(act).error) > HAND_MADE]
    return sum(own) if own else HAND_MADE
