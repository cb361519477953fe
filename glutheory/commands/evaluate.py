"""`glutheory evaluate`: S and T, or the kernels of a deep network, at one point, certified digits only."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import click
from flint import arb

from glutheory.activations import Activation
from glutheory.commands.main import Command
from glutheory.commands.options import PARAMETRIZATIONS, complete_activation
from glutheory.commands.output import notes
from glutheory.errors import DomainError, PrecisionError
from glutheory.ground.arguments import as_digits
from glutheory.ground.exact import Point
from glutheory.printing.digits import GUARD, ball_text, certified, common_digits, shown, significant

if TYPE_CHECKING:
    from glutheory.layers import Stack

_HELP = """Print S(a,b,c) = E[f(u) f(v)] and T(a,b,c) = E[f'(u) f'(v)] for jointly normal u, v with variances a, b and
covariance c; f is the activation NAME, or --activation.

With --stack NNGP and NTK of a deep network in the limit of wide layers, at inputs with x.x/d = a, x'.x'/d = b and
x.x'/d = c: "NETWORK x DEPTH" and, after commas, what is not as usual; own and own_glu are the networks of --activation.
The standard parametrisation needs --width and --d; --trained names the groups of weights that count for the NTK.

Numbers are taken exactly as written: decimals (0.3, 1e-3) or fractions (1/3). Every digit printed is certified: the
value is the true one rounded to nearest in its last digit. A value known to be a short number is printed plainly.

\b
Roads:
  1     the derived formula
  2     a rigorous enclosure of the defining integral
  both  the two, and whether they agree

\b
Examples:
  glutheory evaluate silu --a 2 --b 0.5 --c 0.3 --digits 60
  glutheory evaluate relu --a 1 --b 1 --c -1/3 --road both
  glutheory evaluate --activation "z*erf(z)" --a 1 --b 2 --c 0.5 --json
  glutheory evaluate --stack "swiglu x 12, rmsnorm, residual" --a 1 --b 2 --c 0.3 --digits 60
  glutheory evaluate --stack "reglu x 5" --a 1 --b 1 --c 1/2 --road both --trained "block*.gate"
"""

#: The most digits by road 1 for the methods whose work grows fast (their values in `glutheory.symbolic.duals`).
MOST = {"normal scale mixture": 300, "Hermite series": 50}
#: The most digits of a deep network by road 1.
STACK_DIGITS = 2000
Pair = tuple[arb, arb]


@dataclass(frozen=True)
class Value:
    """One printed value.

    Attributes:
        name: "S" or "T", "NNGP" or "NTK".
        road: "1" or "2".
        text: its certified digits; None if the ball contains 0.
        ball: where it lies.
    """

    name: str
    road: str
    text: str | None
    ball: arb

    @property
    def shown(self) -> str:
        """The digits, or a bound of a value that is 0 or very small."""
        return self.text if self.text is not None else shown(self.ball, 1)


def certain(
    find: Callable[[int], Pair], digits: int, most: int | None = None
) -> tuple[tuple[str | None, str | None], Pair]:
    """Both values with this many certified digits; a road works relative to a scale, so a small value asks again.

    Raises:
        PrecisionError: the digits cannot be had; it speaks of the digits asked for, not of those tried.
    """
    wanted = digits + GUARD if most is None else min(digits + GUARD, most)
    for _ in range(3):
        try:
            balls = find(wanted)
        except PrecisionError as error:
            raise PrecisionError(
                f"digits is {digits}: beyond the work limit at this point; give fewer, or take the other --road.",
                reached=error.reached,
            ) from None
        S, T = (certified(ball, digits) for ball in balls)
        missing = max(0 if text is None else digits - significant(text, digits) for text in (S, T))
        if not missing:
            break
        wanted = wanted + missing + GUARD if most is None else min(wanted + missing + GUARD, most)
    return (S, T), balls


def road_values(act: Activation, point: Point, digits: int, road: str) -> list[Value]:
    """S and T by one road."""
    if road == "1":
        from glutheory.printing.samples import plain_value
        from glutheory.symbolic.duals import dual
        from glutheory.symbolic.evaluation import evaluate_balls

        own = dual(act)
        texts, balls = certain(lambda wanted: evaluate_balls(own, point, wanted), digits)
        if own.terms and not point.degenerate:
            texts = (plain_value(own, "S", point, digits) or texts[0], plain_value(own, "T", point, digits) or texts[1])
    else:
        from glutheory.quadrature.enclose import MAX_DIGITS, enclose

        as_digits(digits, MAX_DIGITS)
        texts, balls = certain(
            lambda wanted: enclose(act, point.a, point.b, point.c, digits=wanted), digits, MAX_DIGITS
        )
    return [Value(name, road, text, ball) for name, text, ball in zip("ST", texts, balls, strict=True)]


def stack_values(stack: Stack, point: Point, digits: int, road: str, sizes: dict[str, Any]) -> list[Value]:
    """NNGP and NTK of a deep network by one road; `sizes` are the other arguments of `glutheory.evaluate`."""
    place = point.a, point.b, point.c
    if road == "1":
        from glutheory.symbolic.stacks import stack_derivation

        own = {key: value for key, value in sizes.items() if key != "parametrization"}
        derived = stack_derivation(stack, parametrization=sizes["parametrization"])
        most, find = STACK_DIGITS, partial(derived.at, *place, **own)
    else:
        from glutheory.quadrature.stacks import MAX_DIGITS, enclose_stack

        as_digits(digits, MAX_DIGITS)
        most, find = MAX_DIGITS, partial(enclose_stack, stack, *place, **sizes)

    def balls(wanted: int) -> Pair:
        kernels = find(digits=wanted)
        return kernels.nngp, kernels.ntk

    try:
        texts, found = certain(balls, digits, most)
    except PrecisionError as error:
        # what was reached would be shown as S and T
        raise PrecisionError(str(error), None) from None
    return [Value(name, road, text, ball) for name, text, ball in zip(("NNGP", "NTK"), texts, found, strict=True)]


@click.command(cls=Command, name="evaluate", help=_HELP, context_settings={"help_option_names": ["-h", "--help"]})
@click.argument("name", required=False, shell_complete=complete_activation)
@click.option("--a", "a", required=True, metavar="NUMBER", help="Variance of u, or x.x/d.")
@click.option("--b", "b", required=True, metavar="NUMBER", help="Variance of v, or x'.x'/d.")
@click.option("--c", "c", required=True, metavar="NUMBER", help="Covariance, or x.x'/d; |c| <= sqrt(ab).")
@click.option("--digits", type=int, default=30, show_default=True, help="Significant digits.")
@click.option("--road", type=click.Choice(["1", "2", "both"]), default="1", show_default=True, help="See above.")
@click.option("--activation", "expression", metavar="EXPR", help="Your own activation, a formula in z.")
@click.option("--param", "given", metavar="KEY=NUMBER", multiple=True, help="A parameter, e.g. beta=1.702 of silu.")
@click.option("--stack", "deep", metavar="LINE", help="A deep network, e.g. 'swiglu x 12, rmsnorm, residual'.")
@click.option("--parametrization", type=click.Choice(PARAMETRIZATIONS), help="Of a deep network.  [default: ntk]")
@click.option("--width", type=int, help="Units of its layers; only for standard.")
@click.option("--d", "d", type=int, help="Features of its inputs; only for standard.")
@click.option("--trained", metavar="NAME", multiple=True, help="Groups of weights: 'block*.gate'.  [default: all]")
@click.option("--json", "as_json", is_flag=True, help="Print JSON (docs/json.md).")
def evaluate_command(
    name: str | None,
    a: str,
    b: str,
    c: str,
    digits: int,
    road: str,
    expression: str | None,
    given: tuple[str, ...],
    deep: str | None,
    parametrization: str | None,
    width: int | None,
    d: int | None,
    trained: tuple[str, ...],
    as_json: bool,
) -> int:
    """See `_HELP`."""
    from glutheory.commands.lines import only_line
    from glutheory.commands.names import chosen_activation, exact_number

    as_digits(digits)
    sizes = {"parametrization": parametrization, "width": width, "d": d, "trained": trained or None}
    subject: Activation | Stack
    if deep is None:
        if stray := next((key for key, value in sizes.items() if value is not None), None):
            raise DomainError(f"--{stray} is given, but only a --stack has one: leave it out.")
        subject = chosen_activation(name, expression, given)
    else:
        if name is not None:
            raise DomainError(f"both NAME ({name[:60]!r}) and --stack ({deep[:60]!r}) are given: give one.")
        subject = only_line(deep, expression, given)
        sizes["parametrization"] = parametrization or "ntk"
    if road != "2":
        for act in (subject,) if isinstance(subject, Activation) else dict.fromkeys(subject.activations):
            _admit(act, digits)
    point = Point(*(exact_number(f"--{key}", text) for key, text in (("a", a), ("b", b), ("c", c))))

    def values(road: str) -> list[Value]:
        if isinstance(subject, Activation):
            return road_values(subject, point, digits, road)
        return stack_values(subject, point, digits, road, sizes)

    found = {own: values(own) for own in (("1", "2") if road == "both" else (road,))}
    agree = all(x.ball.overlaps(y.ball) for x, y in zip(*found.values(), strict=True)) if road == "both" else None
    if as_json:
        click.echo(json.dumps(_record(_subject(subject, sizes), point, digits, found, agree), indent=2))
    else:
        _print(found, digits, agree)
    return 1 if agree is False else 0


def _admit(act: Activation, digits: int) -> None:
    """Refuse digits that an average over mixing variables, or a series, would take hours for."""
    from glutheory.symbolic.duals import dual

    method = dual(act).method
    if digits > (most := MOST.get(method, digits)):
        raise DomainError(f"digits is {digits}: {act.label!r} is a {method}, give at most {most}.")


def _print(found: dict[str, list[Value]], digits: int, agree: bool | None) -> None:
    for road, values in found.items():
        for value in values:
            click.echo(f"{value.name} = {value.shown}{f'   (road {road})' if agree is not None else ''}")
    if agree is not None:
        common = ", ".join(_common(x, y, digits) for x, y in zip(*found.values(), strict=True))
        click.echo(f"the roads agree ({common})" if agree else f"WRONG: the roads DISAGREE ({common})")
    for sentence in notes():
        click.echo(sentence)


def _common(first: Value, second: Value, digits: int) -> str:
    if first.ball.contains(0) and second.ball.contains(0):
        exact = first.ball == 0 and second.ball == 0
        return (
            f"{first.name}: 0 in both"
            if exact
            else f"{first.name}: 0 or below {_bound(first.ball, second.ball)} in both"
        )
    return f"{first.name}: {common_digits(first.ball, second.ball, digits)} digits"


def _bound(first: arb, second: arb) -> str:
    """A number that both balls are below, of one digit."""
    both = arb.min(abs(first).upper(), abs(second).upper())
    return f"{float(both) * 1.1:.0e}" if both > arb(10) ** -300 else "1e-300"


def _subject(subject: Activation | Stack, sizes: dict[str, Any]) -> dict[str, object]:
    if isinstance(subject, Activation):
        return {"activation": subject.label, "stack": None}
    from glutheory.layers.text import written

    return {"activation": None, "stack": {"name": subject.name, "layers": written(subject.layers), **sizes}}


def _record(
    subject: dict[str, object], point: Point, digits: int, found: dict[str, list[Value]], agree: bool | None
) -> dict[str, object]:
    return {
        "schema": "glutheory.evaluation",
        "schema_version": 1,
        **subject,
        "a": str(point.a),
        "b": str(point.b),
        "c": str(point.c),
        "digits": digits,
        "roads": {
            road: {v.name: {"value": v.shown, "ball": ball_text(v.ball, digits + GUARD)} for v in values}
            for road, values in found.items()
        },
        "roads_agree": agree,
    }
