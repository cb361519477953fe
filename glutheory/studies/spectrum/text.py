"""The spectra of several networks as a table: one column for each, its prediction beside it, sentences below."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence

from glutheory.spectra import ConditionNumber
from glutheory.studies.defaults import NORMS, difference
from glutheory.studies.spectrum.findings import NetworkSpectrum, Otherwise, Pair
from glutheory.studies.spectrum.study import SpectrumStudy
from glutheory.terminal import Terminal, columns, heading, number, sentences, wide

#: Between the first three and the last three eigenvalues: these fractions of the ranks.
_FRACTIONS = (0.1, 0.25, 0.5, 0.75, 0.9)
_ENDS = 3

#: A relative error beyond which a ratio is told by its bounds.
_VAGUE = 0.05

#: A cell: of the network, and of its prediction.
_Cell = Callable[[NetworkSpectrum], tuple[str, str]]


def text(study: SpectrumStudy, terminal: Terminal) -> str:
    """The whole page."""
    setting = study.setting
    other = difference(setting.kind, setting.parametrization)
    head = (
        f"Spectrum of the {setting.kind.upper()}, {setting.parametrization} parametrisation{other}{_variances(study)}"
    )
    lines = [*heading(head, terminal), *sentences([setting.data], terminal), ""]
    for block in _blocks(study, terminal):
        lines += [*block, ""]
    return "\n".join([*lines, *sentences(list(_remarks(study)), terminal)]).rstrip("\n")


def _variances(study: SpectrumStudy) -> str:
    """The width of the standard parametrisation; and the variances of stacks, which are their layers', not LeCun's."""
    if study.setting.width is None:
        return ""
    stacks = ", stacks' variances as their layers say, over the fan-in"
    return f", width {study.setting.width}{stacks * any(item.deep for item in study.networks)}"


def _blocks(study: SpectrumStudy, terminal: Terminal) -> Iterator[list[str]]:
    """Tables with as many networks each as fit beside each other."""
    rows = _rows(study)
    rest = list(study.networks)
    while rest:
        for count in range(len(rest), 0, -1):
            lines = _table(rows, study, rest[:count], terminal)
            if count == 1 or max(map(wide, lines)) <= terminal.width:
                break
        yield lines
        rest = rest[count:]


def _table(
    rows: Sequence[tuple[str, _Cell] | None], study: SpectrumStudy, networks: Sequence[NetworkSpectrum], where: Terminal
) -> list[str]:
    table: list[list[str]] = [[""], [""]]
    for item in networks:
        table[0] += [item.network, *["theory"] * (item.theory is not None)]
        table[1] += [study.setting.symbol(item.gated), *[""] * (item.theory is not None)]
    for row in rows:
        table.append([] if row is None else [row[0]])
        for item in networks if row is not None else ():
            assert row is not None
            own, theory = row[1](item)
            table[-1] += [own, *[theory] * (item.theory is not None)]
    return columns(table, where)


def _rows(study: SpectrumStudy) -> list[tuple[str, _Cell] | None]:
    n = study.setting.n
    found: list[tuple[str, _Cell] | None] = [None]
    for rank, fraction in _ranks(n):
        label = f"λ_{rank}" + (f"  ({fraction:.0%} of the ranks)" if fraction else "")
        found.append((label, _eigenvalue(rank, n)))
    found += [
        None,
        ("cond = λ_1/λ_n", lambda item: (_condition(item.condition), _predicted(item, "condition"))),
        ("  relative error below", lambda item: (_uncertainty(item.condition), "")),
        ("without λ_1: λ_2/λ_n", lambda item: (number(item.over_last(2)), _predicted(item, "bulk_condition"))),
        (
            "outliers, k",
            lambda item: (str(item.outliers), "" if item.theory is None else str(int(item.theory.outlier))),
        ),
        ("without outliers: λ_(k+1)/λ_n", lambda item: (number(item.bulk_condition), "")),
        ("effective rank", lambda item: (number(item.effective_rank), "")),
        ("participation ratio", lambda item: (number(item.participation_ratio), "")),
        ("spread of ln λ", lambda item: (number(item.log_spread, 3), "")),
    ]
    return found


def _ranks(n: int) -> list[tuple[int, float]]:
    """The ranks shown, ascending, each with its fraction where it stands for one."""
    found = {rank: 0.0 for rank in range(1, n + 1) if rank <= _ENDS or rank > n - _ENDS}
    if n <= 2 * _ENDS + len(_FRACTIONS):
        return [(rank, 0.0) for rank in range(1, n + 1)]
    for fraction in _FRACTIONS:
        found.setdefault(math.ceil(fraction * n), fraction)
    return sorted(found.items())


def _eigenvalue(rank: int, n: int) -> _Cell:
    field = {1: "largest", 2: "second", n: "smallest"}.get(rank, "")

    def cell(item: NetworkSpectrum) -> tuple[str, str]:
        value = float(item.values[rank - 1])
        if value > item.error or item.error == 0:
            return number(value), _predicted(item, field)
        return f"< {_outward(2 * item.error, 1, math.ceil)}", _predicted(item, field)

    return cell


def _outward(value: float, digits: int, round_it: Callable[[float], int]) -> str:
    """The number with so many digits, rounded so that a bound stays one."""
    size = 10.0 ** (math.floor(math.log10(value)) - digits + 1)
    return number(round_it(value / size) * size, digits)


def _predicted(item: NetworkSpectrum, field: str) -> str:
    return "" if item.theory is None or not field else number(getattr(item.theory, field), 3)


def _condition(value: ConditionNumber) -> str:
    if value.is_bound:
        return str(value)
    return number(value.value)


def _uncertainty(value: ConditionNumber) -> str:
    if value.is_bound or math.isinf(value.value):
        return "–"
    return number(max(value.high - value.value, value.value - value.low) / value.value, 1)


def _remarks(study: SpectrumStudy) -> Iterator[str]:
    """What the table cannot say."""
    for pair in study.pairs:
        yield compare(pair, study)
    if study.otherwise is not None:
        yield _otherwise(study.otherwise)
    for item in study.networks:
        name, symbol = item.network, study.setting.symbol(item.gated)
        if math.isinf(item.condition.value):
            yield f"{name}: {symbol} is singular: {item.condition.reason} (rows counted from 0)."
        elif item.condition.is_bound:
            yield (
                f"{name}: only a lower bound of cond({symbol}) is known: {item.condition.reason} "
                f"({number(item.error, 1)}); {item.resolved} of {study.setting.n} eigenvalues are resolved."
            )
    theory = [item for item in study.networks if item.theory is not None]
    if theory:
        rough = [item.network for item in theory if item.theory is not None and item.theory.approximate]
        more = f"; only approximate for {', '.join(rough)}" if rough else ""
        yield (
            "theory: the random-matrix prediction for random directions of the same norms and m → ∞, with relative "
            f"errors of order 1/√d{more}."
        )
    missing: dict[str, list[str]] = {}
    for item in study.networks:
        if item.no_theory:
            missing.setdefault(item.no_theory, []).append(item.network)
    for reason, names in missing.items():
        # a stack's name has commas of its own
        between = "; " if any("," in name for name in names) else ", "
        yield f"No random-matrix prediction for {between.join(names)}: {reason}."


def _otherwise(found: Otherwise) -> str:
    """The condition numbers on the rows otherwise scaled."""
    each = ", ".join(
        f"{name} {item if item.is_bound else number(item.value)}" for name, item in found.conditions.items()
    )
    ratios = "".join(
        f"; {plain} → {gated}: cond(K)/cond(K̃) = {number(ratio)}"
        for plain, gated, ratio in found.ratios
        if not math.isnan(ratio)
    )
    return f"With {found.data}: condition numbers {each}{ratios}. {NORMS}"


def compare(pair: Pair, study: SpectrumStudy) -> str:
    """The pair in a plain sentence."""
    plain, gated = f"cond({study.setting.symbol(False)})", f"cond({study.setting.symbol(True)})"
    names = f"{pair.plain} → {pair.gated}"
    error = (pair.high - pair.low) / (2 * pair.ratio)
    if error > _VAGUE and pair.low > 0 and math.isfinite(pair.high):
        low, high = _outward(pair.low, 2, math.floor), _outward(pair.high, 2, math.ceil)
        return f"{names}: {plain}/{gated} is between {low} and {high}, which the errors of λ_n leave open."
    if not math.isnan(pair.ratio):
        digits = 4 if error < 1e-3 else 3 if error < 1e-2 else 2
        bulk = (
            ""
            if math.isnan(pair.bulk_ratio) or study.setting.n == 2
            else f"; without λ_1 (λ_2/λ_n), {_times(pair.bulk_ratio, digits)}"
        )
        return (
            f"{names}: {plain}/{gated} = {number(pair.ratio, digits)}: with the gate the condition number is "
            f"{_times(pair.ratio, digits)}{bulk}."
        )
    if pair.low > 0:
        return f"{names}: {plain}/{gated} is at least {_outward(pair.low, 2, math.floor)}."
    if math.isfinite(pair.high):
        return f"{names}: {plain}/{gated} is at most {_outward(pair.high, 2, math.ceil)}."
    return f"{names}: {plain}/{gated} is not known, since in neither matrix λ_n is told from 0."


def _times(ratio: float, digits: int) -> str:
    if abs(math.log(ratio)) < 5e-4:
        return "the same"
    return f"{number(ratio, digits)} times smaller" if ratio > 1 else f"{number(1 / ratio, digits)} times larger"
