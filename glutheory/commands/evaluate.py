"""`glutheory evaluate`: S and T at one point, certified digits only."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass

import click
from flint import arb

from glutheory.activations import Activation
from glutheory.commands.main import Command
from glutheory.commands.options import complete_activation
from glutheory.errors import DomainError, PrecisionError
from glutheory.ground.arguments import as_digits
from glutheory.ground.exact import Point
from glutheory.printing.digits import GUARD, ball_text, certified, common_digits, shown, significant

_HELP = """Print S(a,b,c) = E[f(u) f(v)] and T(a,b,c) = E[f'(u) f'(v)] for jointly normal u, v with variances a, b and
covariance c; f is the activation NAME, or --activation.

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
"""

#: The most digits by road 1 for the methods whose work grows fast (their values in `glutheory.symbolic.duals`).
MOST = {"normal scale mixture": 300, "Hermite series": 50}
Pair = tuple[arb, arb]


@dataclass(frozen=True)
class Value:
    """One printed value.

    Attributes:
        name: "S" or "T".
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


@click.command(cls=Command, name="evaluate", help=_HELP, context_settings={"help_option_names": ["-h", "--help"]})
@click.argument("name", required=False, shell_complete=complete_activation)
@click.option("--a", "a", required=True, metavar="NUMBER", help="Variance of u.")
@click.option("--b", "b", required=True, metavar="NUMBER", help="Variance of v.")
@click.option("--c", "c", required=True, metavar="NUMBER", help="Covariance, |c| <= sqrt(ab).")
@click.option("--digits", type=int, default=30, show_default=True, help="Significant digits.")
@click.option("--road", type=click.Choice(["1", "2", "both"]), default="1", show_default=True, help="See above.")
@click.option("--activation", "expression", metavar="EXPR", help="Your own activation, a formula in z.")
@click.option("--param", "given", metavar="KEY=NUMBER", multiple=True, help="A parameter, e.g. beta=1.702 of silu.")
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
    as_json: bool,
) -> int:
    """See `_HELP`."""
    from glutheory.commands.names import chosen_activation, exact_number

    as_digits(digits)
    act = chosen_activation(name, expression, given)
    if road != "2":
        _admit(act, digits)
    point = Point(*(exact_number(f"--{key}", text) for key, text in (("a", a), ("b", b), ("c", c))))
    found = {own: road_values(act, point, digits, own) for own in (("1", "2") if road == "both" else (road,))}
    agree = all(x.ball.overlaps(y.ball) for x, y in zip(*found.values(), strict=True)) if road == "both" else None
    if as_json:
        click.echo(json.dumps(_record(act, point, digits, found, agree), indent=2))
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


def _common(first: Value, second: Value, digits: int) -> str:
    if first.ball.contains(0) and second.ball.contains(0):
        return f"{first.name}: 0 in both"
    return f"{first.name}: {common_digits(first.ball, second.ball, digits)} digits"


def _record(
    act: Activation, point: Point, digits: int, found: dict[str, list[Value]], agree: bool | None
) -> dict[str, object]:
    return {
        "schema": "glutheory.evaluation",
        "schema_version": 1,
        "activation": act.label,
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
