"""An activation function as data, and the members of the zoo."""

from __future__ import annotations

import sys
from dataclasses import FrozenInstanceError
from fractions import Fraction
from functools import lru_cache
from importlib import import_module
from typing import TYPE_CHECKING, Any, NoReturn

from glutheory.activations.names import canonical, unknown
from glutheory.activations.numbers import decimal, shown, text, without_floats
from glutheory.activations.zoo import ZOO
from glutheory.errors import DomainError, UnknownNameError
from glutheory.shown import Shown

if TYPE_CHECKING:
    import sympy as sp

#: Characters of an expression in a repr.
_LONGEST = 80


class Activation(Shown):
    """A scalar activation function φ, e.g. ``Activation("z*erf(z)")``.

    A function is called once with SymPy's z, so it must be written with SymPy's functions. Floats stand for the
    decimal numbers that they are written as; Piecewise becomes max, min and steps.

    Args:
        name: its name in the zoo, or the text of the user's expression.
        expr: φ(z), a SymPy expression in `glutheory.activations.Z`; constants may be symbolic (positive or real
            symbols). Also given as a text ("z*erf(z)"), in another symbol z, or as a function
            (``lambda z: z*sympy.erf(z)``); left out, it is what the name says.
        about: one line for people.
        parameters: pairs (name, value) of its keyword parameters, as SymPy numbers or symbols.

    Attributes:
        numbers: of a member of the zoo the pairs of its parameters as fractions: these and the name say all. None for
            any other function.

    Members of the zoo make their expression when it is first asked for: what needs only their names and numbers, such
    as `gram`, does without SymPy.

    Raises:
        ExpressionError: nothing that can be read as a function of z.
    """

    name: str
    about: str
    numbers: tuple[tuple[str, Fraction], ...] | None

    def __init__(
        self, name: str, expr: sp.Expr = None, about: str = "", parameters: tuple[tuple[str, sp.Expr], ...] = ()
    ) -> None:
        # this and SymPy only for those who define their own, see above
        from glutheory.activations.given import as_expression

        given = name if expr is None else expr
        found = as_expression(name if isinstance(name, str) else _short(given), given)
        own = name if isinstance(name, str) else text(found)
        self.__dict__.update(name=own, about=about, numbers=None, _made=(found, parameters))

    @classmethod
    def _of_zoo(cls, name: str, numbers: tuple[tuple[str, Fraction], ...]) -> Activation:
        """A member of the zoo, whose expression is made when it is asked for."""
        self = cls.__new__(cls)
        self.__dict__.update(name=name, about=ZOO[name].about, numbers=numbers)
        return self

    @property
    def expr(self) -> sp.Expr:
        """φ(z), a SymPy expression in `glutheory.activations.Z`."""
        return self._definition[0]

    @property
    def parameters(self) -> tuple[tuple[str, sp.Expr], ...]:
        """Pairs (name, value) of its keyword parameters, as SymPy numbers or symbols."""
        return self._definition[1]

    @property
    def _definition(self) -> tuple[sp.Expr, tuple[tuple[str, sp.Expr], ...]]:
        if "_made" not in self.__dict__:
            self.__dict__["_made"] = _made(self.name, self.numbers or ())
        found: tuple[sp.Expr, tuple[tuple[str, sp.Expr], ...]] = self.__dict__["_made"]
        return found

    def __setattr__(self, name: str, value: object) -> NoReturn:
        raise FrozenInstanceError(f"cannot assign to field {name!r}")

    def __delattr__(self, name: str) -> NoReturn:
        raise FrozenInstanceError(f"cannot delete field {name!r}")

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Activation):
            return NotImplemented
        if self.numbers is not None and other.numbers is not None:
            return self.name == other.name and self.numbers == other.numbers
        one, two = ((act.name, act.about, act.expr, act.parameters) for act in (self, other))
        return one == two

    def __hash__(self) -> int:
        return hash(self.name)

    def __repr__(self) -> str:
        return f"<Activation {self.label}{self._known()}: {_short(self.expr)}>"

    def _known(self) -> str:
        """What the zoo has for an own definition, in words: some hundredths of a second, the first time."""
        if self.numbers is not None:
            return ""
        # by its name: what reads definitions stands above them
        known = import_module("glutheory.ground.recognition").recognised(self.expr)
        return "" if known is None or known.label == self.label else f", {known.label} of the zoo"

    @property
    def symbols(self) -> tuple[sp.Symbol, ...]:
        """The symbolic constants other than z, sorted by name (empty for a numeric activation)."""
        if self.numbers is not None:
            return ()
        from glutheory.activations.variable import Z  # as above

        return tuple(sorted(self.expr.free_symbols - {Z}, key=str))

    @property
    def label(self) -> str:
        """The name with its parameters, e.g. ``silu(beta=2)``; defaults are shown as well."""
        values = self.parameters if self.numbers is None else self.numbers
        if not values:
            return self.name
        return f"{self.name}({', '.join(f'{key}={shown(value)}' for key, value in values)})"


def _short(expr: Any) -> str:
    """The expression on one line, cut where it is long."""
    own = text(expr) if hasattr(expr, "free_symbols") else str(expr)
    return own if len(own) <= _LONGEST else f"{own[: _LONGEST - 1]}…"


@lru_cache(maxsize=256)
def _made(name: str, numbers: tuple[tuple[str, Fraction], ...]) -> tuple[sp.Expr, tuple[tuple[str, sp.Expr], ...]]:
    """The expression and the parameters of a member of the zoo: building them takes a millisecond."""
    import sympy  # as above

    from glutheory.activations.given import as_expression

    parameters = tuple((key, sympy.Rational(value)) for key, value in numbers)
    return as_expression(name, ZOO[name].expression(**dict(parameters))), parameters


def _parameter(name: str, key: str, value: Any, positive: bool) -> Fraction | sp.Expr:
    """A parameter as an exact number, or an expression in symbols given as such."""
    refused = DomainError(f"{key} of {name!r} is {value!r}: give a finite real number or a real SymPy symbol.")
    sympy = sys.modules.get("sympy")  # who gives an expression has loaded it
    exact: Any
    if sympy is not None and isinstance(value, sympy.Expr):
        from glutheory.activations.variable import Z

        exact = without_floats(value)
        if exact.is_finite is False or exact.is_real is False or Z in exact.free_symbols:
            raise refused
        if exact.is_Rational:
            exact = Fraction(int(exact.p), int(exact.q))
    else:
        try:
            exact = decimal(value) if isinstance(value, float) else Fraction(value)
        except (TypeError, ValueError, OverflowError, ZeroDivisionError):
            raise DomainError(
                f"{key} of {name!r} is {value!r}: give a finite number (int, float, str, Fraction) or a SymPy symbol."
            ) from None
    if positive and not (exact > 0 if isinstance(exact, Fraction) else exact.is_positive):
        raise DomainError(f"{key} of {name!r} is {value!r}: it must be positive (declare a symbol with positive=True).")
    return exact


def activation(name: str | Activation, **parameters: Any) -> Activation:
    """The activation of that name in the zoo.

    Args:
        name: one of `activation_names`, in any case and with or without underscores, or one that torch, jax or
            transformers have for it; an `Activation` is returned as it is.
        **parameters: its keyword parameters (`leaky_relu` has ``slope``, `silu` has ``beta``), numbers (a float stands
            for the decimal number that it is written as) or SymPy symbols.

    Raises:
        UnknownNameError: no such activation; the message suggests the nearest names.
        DomainError: an unknown parameter, or a value that is not a finite number.
    """
    if isinstance(name, Activation):
        if parameters:
            raise DomainError(f"parameters {sorted(parameters)} go with a name of the zoo, not with an Activation.")
        return name
    own = canonical(name) if isinstance(name, str) else name
    if not isinstance(own, str) or own not in ZOO:
        raise UnknownNameError(unknown("activation", name))
    name, entry = own, ZOO[own]
    defaults = dict(entry.defaults)
    for key in parameters:
        if key not in defaults:
            raise DomainError(f"activation {name!r} has no parameter {key!r}: it has {', '.join(defaults) or 'none'}.")
    values = {
        key: _parameter(name, key, parameters.get(key, default), key in entry.positive)
        for key, default in defaults.items()
    }
    if all(isinstance(value, Fraction) for value in values.values()):
        found = Activation._of_zoo(name, tuple(values.items()))
        if 0 in values.values():
            found.expr  # noqa: B018 (without this term it may be no function of z, which is said now)
        return found
    import sympy  # which these expressions are of

    exact = {key: sympy.Rational(value) if isinstance(value, Fraction) else value for key, value in values.items()}
    return Activation(name, entry.expression(**exact), entry.about, tuple(exact.items()))
