"""What a user names on the command line: an activation or network of the zoo, with parameters, or an expression."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction

import sympy as sp

from glutheory.activations import Activation, activation
from glutheory.activations.zoo import ZOO
from glutheory.commands.output import note
from glutheory.errors import DomainError, ExpressionError
from glutheory.ground.arguments import as_exact
from glutheory.networks import Network, canonical_network, gate_of, network, product
from glutheory.networks import gated as gated_network

_MAX_SHOWN = 60
#: Of a number, its decimal exponent counted in.
_MAX_NUMBER = 4000
_MAX_BITS = int(_MAX_NUMBER * 3.33)


def exact_number(option: str, text: str) -> Fraction:
    """The number that a user typed, exactly.

    Raises:
        DomainError: not a decimal number or a fraction.
    """
    try:
        value = Fraction(as_exact(option, text))
    except (DomainError, ValueError):
        raise DomainError(
            f"{option} is {text[:_MAX_SHOWN]!r}: give a decimal number or a fraction, such as 0.25, 1e-3 or 1/3."
        ) from None
    if value.numerator.bit_length() + value.denominator.bit_length() > _MAX_BITS:
        raise DomainError(f"{option} is {text[:_MAX_SHOWN]!r}: give a number of at most {_MAX_NUMBER} digits.")
    return value


def parameters(given: tuple[str, ...]) -> dict[str, object]:
    """``("beta=1.702",)`` as {"beta": 1.702 exactly}.

    Raises:
        DomainError: not of the form KEY=NUMBER, or a key given twice.
    """
    found: dict[str, object] = {}
    for text in given:
        key, sign, value = text.partition("=")
        if not (sign and key.isidentifier()):
            raise DomainError(f"--param is {text[:_MAX_SHOWN]!r}: write KEY=NUMBER, e.g. --param beta=1.702.")
        if key in found:
            raise DomainError(f"--param {key} is given twice: give it once.")
        found[key] = sp.Rational(exact_number(f"--param {key}", value))
    return found


def chosen_activation(name: str | None, expression: str | None, given: tuple[str, ...]) -> Activation:
    """The activation that NAME or --activation stands for; a gated network's name stands for its gate.

    Raises:
        DomainError: neither or both of them, or parameters of an expression.
        UnknownNameError, ExpressionError: as their messages say.
    """
    _exactly_one(name, expression)
    if expression is not None:
        return _own(expression, given)
    return activation(gate_of(canonical_network(_short(name))), **parameters(given))


def chosen_network(name: str | None, expression: str | None, gated: bool, given: tuple[str, ...]) -> Network:
    """The network that NAME, or --activation with or without --gated, stands for; errors as in `chosen_activation`."""
    _exactly_one(name, expression)
    if expression is not None:
        act = _own(expression, given)
        return gated_network(act) if gated else product(act)
    plain = network(_short(name))
    if gated and plain.gated:
        raise DomainError(f"--gated goes with an activation, and {plain.name!r} is gated already: leave it out.")
    act = activation(plain.gate.name, **parameters(given))
    return gated_network(act) if gated else _with(plain, act) if given else plain


def chosen_networks(names: Sequence[str], given: tuple[str, ...], others: Sequence[Network] = ()) -> list[Network]:
    """The networks of these names, each with those of the parameters that its activation has.

    `others` are networks that stand beside them, which may have parameters too.

    Raises:
        DomainError: a parameter that none of them has, or a value that it may not have.
        UnknownNameError: no such network.
    """
    values, networks = parameters(given), [network(name) for name in names]
    every = [*networks, *others]
    known = {key for net in every for key, _ in net.gate.parameters}
    if stray := next((key for key in values if key not in known), None):
        one = " and ".join(net.name for net in every[:4]) or "none is named"
        with_it = [name for name, entry in ZOO.items() if stray in dict(entry.defaults)]
        if known:
            remedy = f"it has {', '.join(sorted(known))}"
        elif with_it:
            remedy = f"name one that has it, such as {' or '.join(with_it[:2])}"
        else:
            remedy = "none of the zoo has one of that name, and in a formula of your own the number itself is written"
        raise DomainError(f"--param {stray} is a parameter of no network here ({one}): {remedy}.")
    return [with_values(net, values) for net in networks]


def with_values(net: Network, values: Mapping[str, object]) -> Network:
    """The network with those of the values that its activation has as parameters."""
    own = {key: values[key] for key, _ in net.gate.parameters if key in values}
    return _with(net, activation(net.gate.name, **own)) if own else net


def _with(net: Network, act: Activation) -> Network:
    """The network with this activation, named after its parameters: ``swiglu(beta=2)``."""
    return net.with_gate(act, net.name + act.label.removeprefix(act.name))


def own_pair(expression: str, given: tuple[str, ...] = ()) -> tuple[Network, Network]:
    """The network of an activation of the user's own, and the one with it as the gate; errors as its message says.

    `given` are values of --param: those of a formula stand in it.
    """
    act = _own(expression, given)
    return product(act), gated_network(act)


def _exactly_one(name: str | None, expression: str | None) -> None:
    if name is not None and expression is not None:
        raise DomainError(
            f"both NAME ({name[:_MAX_SHOWN]!r}) and --activation ({expression[:_MAX_SHOWN]!r}) are given: give one."
        )
    if name is None and expression is None:
        raise DomainError(
            "nothing is named: give a NAME such as 'swiglu' (`glutheory list` shows them) or --activation 'z*erf(z)'."
        )


def _short(name: str | None) -> str:
    """The name, cut where no known name could be so long (lest the error repeats all of it)."""
    assert name is not None
    return name if len(name) <= _MAX_SHOWN else name[: _MAX_SHOWN - 3] + "..."


def _own(expression: str, given: tuple[str, ...]) -> Activation:
    if given:
        raise DomainError(f"--param {given[0][:_MAX_SHOWN]!r} goes with a NAME: write the number into the expression.")
    from glutheory.activations.parser import parse_expression
    from glutheory.ground.recognition import recognised

    expr = parse_expression(expression)
    if expr.is_infinite:
        raise ExpressionError(f"expression {expression[:_MAX_SHOWN]!r} is not finite: write a function of z.")
    name = " ".join(expression.split())
    known = recognised(expr)
    if known is not None:
        note(f"{name[:_MAX_SHOWN]} is {known.label} of the zoo.")
    return Activation(name, expr, "" if known is None else f"{known.label} of the zoo")
