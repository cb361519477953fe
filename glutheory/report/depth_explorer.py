"""The section of the report in which a reader moves the depth of a stack and watches the kernels of a pair."""

from __future__ import annotations

from functools import cache
from html import escape

from glutheory.report.depth_data import KINDS, PAIRS, RHO, record, study
from glutheory.report.figures import inline, script_json
from glutheory.studies.depth import charts

#: The pair of the start, and of the figure for those without scripts.
_FIRST = 2


def depth_explorer(defined: set[str]) -> str:
    """HTML to be used with ``figures.css``, ``explorer.css``, ``curves.js`` and ``depth.js``.

    It holds the numbers as JSON; without a script it shows the figure of `glutheory depth` for one pair.

    Args:
        defined: as for `glutheory.report.figures.inline`; the figure is hidden by the script, so that no other figure
            of the page may rest on its letters: make this one last.
    """
    figure = inline(charts(study(PAIRS[_FIRST], KINDS[0])), name="explore-depth", defined=defined)
    pairs = "".join(
        f"<option{chosen}>{escape(pair.plain)} / {escape(pair.gated)}</option>"
        for pair in PAIRS
        for chosen in (' selected="selected"' if pair is PAIRS[_FIRST] else "",)
    )
    kinds = "".join(f"<option>{escape(kind.name)}</option>" for kind in KINDS)
    return f"""<div class="explorer depths">
<form class="controls" hidden="hidden">
<div><label for="depth-pair">pair</label>
<select id="depth-pair" name="pair">{pairs}</select></div>
<div><label for="depth-kind">stack</label>
<select id="depth-kind" name="kind">{kinds}</select></div>
<div><label for="depth-blocks">blocks</label> <output for="depth-blocks" name="blocks-shown"></output>
<input type="range" id="depth-blocks" name="blocks" min="0" max="{len(KINDS[0].depths) - 1}" value="0"/></div>
</form>
<div class="curves"></div>
<table class="state" hidden="hidden"><caption></caption></table>
<div class="static">{figure}</div>
<script type="application/json" class="numbers">{_numbers()}</script>
</div>
"""


@cache
def _numbers() -> str:
    """The same in every report, and a second's work."""
    data = {
        "rho": list(RHO),
        "kinds": [{"name": kind.name, "depths": list(kind.depths)} for kind in KINDS],
        "pairs": [
            {"plain": pair.plain, "gated": pair.gated, "kinds": [record(pair, kind) for kind in KINDS]}
            for pair in PAIRS
        ],
    }
    return script_json(data)
