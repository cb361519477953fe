"""The section of the report in which a reader moves ρ and the variance and watches the kernels of a pair."""

from __future__ import annotations

from html import escape

from glutheory.report.explorer_data import PAIRS, RHO, VARIANCES, Pair, packed, table
from glutheory.report.figures import script_json

#: The correlations of the table for those without scripts; the variance there is 1.
_SOME = (-1.0, -0.5, 0.0, 0.5, 0.9, 1.0)


def explorer() -> str:
    """HTML to be used with the assets ``figures.css`` (for the colours), ``explorer.css`` and ``explorer.js``.

    It holds the numbers as JSON; without a script it shows a table of some of them.
    """
    tables = {pair: table(pair) for pair in PAIRS}
    data = {
        "rho": list(RHO),
        "variances": list(VARIANCES),
        "pairs": [
            {
                "plain": pair.plain,
                "gated": pair.gated,
                "homogeneous": pair.homogeneous,
                "table": packed(values),
            }
            for pair, values in tables.items()
        ],
    }
    choices = "".join(f"<option>{escape(pair.plain)} / {escape(pair.gated)}</option>" for pair in PAIRS)
    start = VARIANCES.index(1.0)
    rows = "".join(
        _row(pair, rho, *values[pair.variances.index(1.0), :, RHO.index(rho)])
        for pair, values in tables.items()
        for rho in _SOME
    )
    return f"""<div class="explorer">
<form class="controls" hidden="hidden">
<div><label for="explorer-pair">pair</label>
<select id="explorer-pair" name="pair">{choices}</select></div>
<div><label for="explorer-rho">correlation ρ</label> <output for="explorer-rho" name="rho-shown"></output>
<input type="range" id="explorer-rho" name="rho" min="0" max="{len(RHO) - 1}" value="{RHO.index(0.5)}"/></div>
<div><label for="explorer-q">variance q</label> <output for="explorer-q" name="variance-shown"></output>
<input type="range" id="explorer-q" name="variance" min="0" max="{len(VARIANCES) - 1}" value="{start}"/></div>
<div><input type="checkbox" id="explorer-relative" name="relative" checked="checked"/>
<label for="explorer-relative">curves over their value at ρ = 1</label></div>
</form>
<div class="curves"></div>
<table class="state" hidden="hidden"><caption></caption></table>
<noscript><table class="state"><caption>Kernels at variance 1. With JavaScript, sliders choose the correlation and the
variance here.</caption>
<thead><tr><th scope="col">pair</th><th scope="col">ρ</th><th scope="col">S</th><th scope="col">T</th>
<th scope="col">NTK, non-gated</th><th scope="col">NTK, gated</th></tr></thead>
<tbody>{rows}</tbody></table></noscript>
<script type="application/json">{script_json(data)}</script>
</div>
"""


def _row(pair: Pair, rho: float, s: float, t: float) -> str:
    """One row of the table for those without scripts, at variance 1."""
    cells = (s, t, s + rho * t, 2 * rho * s + rho**2 * t)
    return (
        f'<tr><th scope="row">{escape(pair.plain)} / {escape(pair.gated)}</th><td>{_number(rho, 2)}</td>'
        + "".join(f"<td>{_number(cell, 5)}</td>" for cell in cells)
        + "</tr>\n"
    )


def _number(value: float, digits: int) -> str:
    """The value as it is printed; what is 0 but for rounding is 0."""
    return f"{value if abs(value) > 1e-12 else 0.0:.{digits}g}".replace("-", "−")
