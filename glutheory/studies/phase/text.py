"""What `glutheory phase` prints: the map in characters, the predicted boundary, and what both say."""

from __future__ import annotations

import math
from collections.abc import Iterator

from glutheory.studies.defaults import difference
from glutheory.studies.pairs import written
from glutheory.studies.phase.cells import State
from glutheory.studies.phase.study import Phase, Spot
from glutheory.terminal import Terminal, heading, shown
from glutheory.terminal import sentences as paragraphs

#: The mark behind the ratio, by what gating does.
_MARKS = {State.HELPS: "+", State.HURTS: "−", State.SINGULAR: "0", State.OPEN: "?", None: "~"}
_SAID = {
    State.HELPS: "gating helps",
    State.HURTS: "it hurts",
    State.SINGULAR: "both kernels are singular",
    State.OPEN: "not resolved in double precision",
    None: "the draws differ",
}
#: The colours of the gated and of the plain network, as in the figures.
_COLOURS = {State.HELPS: "\x1b[38;5;166m", State.HURTS: "\x1b[38;5;32m"}
_END = "\x1b[0m"


def text(found: Phase, terminal: Terminal) -> str:
    """Heading, map and sentences, in characters that this terminal can show."""
    head = (
        f"cond(K)/cond(K̃), {found.kind.upper()} kernels{difference(found.kind, 'ntk')} on n rows of d features: "
        f"{written(found.plain)} (K) and {written(found.gate)} (K̃)"
    )
    setting = f"{found.data}; {_draws(found)}, seed {found.seed}."
    lines = [*heading(head, terminal), *paragraphs([setting], terminal), "", *_map(found, terminal), ""]
    return "\n".join([*lines, *paragraphs(list(sentences(found)), terminal)])


def sentences(found: Phase) -> Iterator[str]:
    """What the marks mean, what the map says and what is predicted."""
    there = [state for state in _MARKS if found.count(state)]
    yield "; ".join(f"{_MARKS[state]} {_SAID[state]}" for state in there) + "."
    total = len(found.spots)
    yield (
        f"{written(found.gate)} is better conditioned in {found.count(State.HELPS)} of {total} cells, "
        f"{written(found.plain)} in {found.count(State.HURTS)}. {_extremes(found)}"
    )
    yield from _predictions(found)


def note(found: Phase) -> str:
    """What the figure shows, for the line below it."""
    if found.deep:
        return f"Deep networks in the limit of infinite width. Rows: {found.data}; {_draws(found)}."
    where = {
        "gaussian": "Gating hurts where the shortest of many rows in few dimensions decides.",
        "normalised": "With equal norms and wide layers it never hurts."
        if found.kind == "nngp"
        else "With equal norms the full kernels can be worse conditioned in two and three dimensions.",
        "rows": "The shortest row decides where gating hurts.",
        "normalised rows": "With equal norms and wide layers it never hurts." if found.kind == "nngp" else "",
    }[found.inputs]
    return f"{where} Rows: {found.data}; {_draws(found)}."


def _draws(found: Phase) -> str:
    return "one draw" if found.draws == 1 else f"median of {found.draws} draws"


def _map(found: Phase, terminal: Terminal) -> list[str]:
    """The cells with the largest d on top, as in the figure; the predictions in the last column and row."""
    table = {(spot.n, spot.d): spot for spot in found.spots}
    predicted = dict(found.crossings)
    heads = ["d \\ n", *map(str, found.sizes)] + (["crosses at n"] if predicted else [])
    rows: list[list[tuple[str, str]]] = [[(head, "") for head in heads]]
    for d in reversed(found.dimensions):
        row = [(str(d), ""), *(_cell(table[n, d], terminal) for n in found.sizes)]
        rows.append(row + ([(_crossing(predicted, d), "")] if predicted else []))
    if found.certified:
        ends = [("-" if math.isnan(d) else f"{d:.0f}", "") for _, d in found.certified]
        rows.append([("certified", ""), *ends] + ([("", "")] if predicted else []))
    widths = [max(len(row[i][0]) for row in rows) for i in range(len(rows[0]))]
    lines: list[str] = []
    for part in _parts(widths, terminal.width):
        wide = [widths[i] for i in part]
        drawn = [
            "  ".join(
                f"{colour}{cell.rjust(width)}{_END if colour else ''}"
                for (cell, colour), width in zip((row[i] for i in part), wide, strict=True)
            )
            for row in rows
        ]
        rule = "-" * (sum(wide) + 2 * (len(wide) - 1))
        lines += [""] * bool(lines) + [terminal.bold(drawn[0]), rule, *(line.rstrip() for line in drawn[1:])]
    return lines


def _parts(widths: list[int], room: int) -> Iterator[list[int]]:
    """The columns in groups that fit, the first one in each."""
    part = [0]
    for i in range(1, len(widths)):
        if len(part) > 1 and sum(widths[j] + 2 for j in (*part, i)) - 2 > room:
            yield part
            part = [0]
        part.append(i)
    yield part


def _cell(spot: Spot, terminal: Terminal) -> tuple[str, str]:
    """The ratio and its mark, and the escape sequence of its colour."""
    mark = shown(_MARKS[spot.state], terminal)
    low, high = spot.range
    if math.isfinite(spot.ratio):
        number = _figure(spot.ratio)
    elif spot.state is State.HELPS:
        number = shown("∞" if math.isinf(low) else f"≥{_figure(low)}", terminal)
    elif spot.state is State.HURTS:
        number = shown("0" if high == 0 else f"≤{_figure(high)}", terminal)
    else:
        number = ""
    colour = _COLOURS.get(spot.state, "") if terminal.colour and spot.state is not None else ""
    return f"{number}{mark}", colour


def _figure(value: float) -> str:
    if 0.995 <= value < 99999.5:
        return f"{value:.1f}" if value < 9.95 else f"{value:.0f}"
    return f"{value:.2f}" if 0.0995 <= value < 0.995 else f"{value:.2g}"


def _crossing(predicted: dict[int, float], d: int) -> str:
    """Where the limiting spectra cross, as the last column says it."""
    if d not in predicted:
        return "" if d < min(predicted) else "beyond"
    n = predicted[d]
    return "beyond" if math.isinf(n) else f"{n:.0f}" if math.isfinite(n) else ""


def _extremes(found: Phase) -> str:
    finite = [spot for spot in found.spots if math.isfinite(spot.ratio)]
    if not finite:
        return "No ratio is resolved."
    most, least = max(finite, key=lambda spot: spot.ratio), min(finite, key=lambda spot: spot.ratio)
    return (
        f"The ratio is {_figure(most.ratio)} at most (n = {most.n}, d = {most.d}) and {_figure(least.ratio)} at least "
        f"(n = {least.n}, d = {least.d})."
    )


def _predictions(found: Phase) -> Iterator[str]:
    if found.deep:
        yield "Of deep networks no boundary is predicted, and nothing is certified."
        return
    if found.crossings:
        row = ", ".join(f"{n:.0f} (d = {d})" for d, n in found.crossings if math.isfinite(n))
        yield (
            f"Predicted boundary: the limiting spectra of Gaussian rows cross at n = {row}; with more rows gating is "
            "predicted to hurt, up to a factor of 2.5 in n."
        )
    if found.certified:
        yield (
            "Certified: from this d on gating helps for certain, with probability 1/2 over the rows (every row is "
            "longer than λ₁(K̃)/λ₁(K) demands)."
        )
    if found.inputs.startswith("normalised") and found.kind == "nngp":
        yield "With rows of equal norm gating never worsens the condition of the NNGP kernel: a theorem (majorisation)."
    elif found.inputs == "normalised" and found.gate == "reglu":
        yield "With rows of equal norm the full kernels of ReGLU can still be worse for d = 2 and 3 (critical)."
    elif found.inputs == "rows":
        yield (
            "The shortest row decides: no boundary is predicted for given data. --inputs normalised shows what RMSNorm "
            "would do."
        )
