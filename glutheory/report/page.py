"""The report: one HTML file that has everything in it and asks for nothing else."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import glutheory
from glutheory.claims import Outcome, decide
from glutheory.claims.retired import notes
from glutheory.claims.stored import Stored
from glutheory.errors import DomainError, MissingDependencyError
from glutheory.report import provenance
from glutheory.report.assets import asset, fingerprint
from glutheory.report.formula import formula
from glutheory.report.mathml import prose
from glutheory.report.numbers import Table, count, tables
from glutheory.report.words import FINDINGS, GRADES, VERDICTS, counted, summary, tally

STYLES = ("page.css", "figures.css", "explorer.css")
SCRIPTS = ("page.js", "hover.js", "curves.js", "explorer.js", "depth.js")
#: What `render` calls the sections in which readers move something.
EXPLORERS = "explorers"
#: The source of claims that are no claims of the paper.
OURS = "this project"


@dataclass(frozen=True)
class Section:
    """What is told about one claim.

    Attributes:
        outcome: the claim, its evidence and its verdict.
        run: where it comes from.
        figure: HTML of its charts, or empty.
        numbers: the tables behind each piece of evidence.
    """

    outcome: Outcome
    run: Stored
    figure: str
    numbers: tuple[tuple[Table, ...], ...]

    @property
    def id(self) -> str:
        """Of the claim."""
        return self.outcome.claim.id

    @property
    def provenance(self) -> tuple[tuple[str, str], ...]:
        """Names and values."""
        return provenance.rows(self.outcome, self.run)

    @property
    def command(self) -> str:
        """What computes it anew."""
        return provenance.command(self.outcome, self.run)

    @property
    def counts(self) -> tuple[int, ...]:
        """How many numbers and words each piece of evidence has."""
        return tuple(count(item.figures) for item in self.outcome.evidence)

    @property
    def caution(self) -> str:
        """The verdict that the rule gives where the file has another one, else empty."""
        found = self.outcome
        rule = decide(found.assumptions, found.evidence, found.controls, found.claim.parts)
        return "" if rule is self.outcome.verdict else str(rule)


def render(stored: Sequence[Stored], *, advance: Callable[[str], None] = lambda _: None) -> str:
    """The page.

    Args:
        stored: the runs, no claim in two of them.
        advance: is told the id of each claim before its figures are drawn, and the name of each section before it is
            made.

    Returns:
        HTML in which everything that comes from the runs is escaped. Its content security policy lets nothing be
        loaded and no script run but those of the package.

    Raises:
        DomainError: no claim, one claim twice, or a formula that cannot be read.
        MissingDependencyError: a package of the extra ``report`` is not installed.
    """
    pairs = [(outcome, run) for run in stored for outcome in run.outcomes.values()]
    names = Counter(outcome.claim.id for outcome, _ in pairs)
    twice = [name for name, times in names.items() if times > 1]
    if twice or not pairs:
        raise DomainError(f"stored has {'twice ' + twice[0] if twice else 'no claim'}: give every claim once.")
    template = _template()
    sections = []
    defined: set[str] = set()
    # the claims of the paper first
    for outcome, run in sorted(pairs, key=lambda pair: pair[0].claim.source == OURS):
        advance(outcome.claim.id)
        sections.append(_section(outcome, run, defined))
    advance(EXPLORERS)
    styles = "\n".join(asset(name) for name in STYLES)
    scripts = [asset(name) for name in SCRIPTS]
    paper = [section for section in sections if section.outcome.claim.source != OURS]
    ours = [section for section in sections if section.outcome.claim.source == OURS]
    html: str = template.render(
        sections=sections,
        groups={"The paper’s claims": paper, "Beyond the paper": ours},
        tally=tally([section.outcome for section in sections]),
        summary=summary([section.outcome for section in sections]),
        retired=[note for run in stored for note in notes(run.retired, run.name)],
        explorer=_explorer(),
        depth_explorer=_depth_explorer(defined),
        styles=styles,
        scripts=scripts,
        policy=policy(styles, scripts),
        version=glutheory.__version__,
        counted=counted,
        verdicts=VERDICTS,
        grades=GRADES,
        findings=FINDINGS,
    )
    return html


def _section(outcome: Outcome, run: Stored, defined: set[str]) -> Section:
    from glutheory.report.figures import inline

    figure = inline(outcome.charts, name=f"figure-{outcome.claim.id}", defined=defined) if outcome.charts else ""
    return Section(outcome, run, figure, tuple(tables(item.figures) for item in outcome.evidence))


@cache
def _explorer() -> str:
    """The same in every report, and a second's work."""
    from glutheory.report.explorer import explorer

    return explorer()


def _depth_explorer(defined: set[str]) -> str:
    from glutheory.report.depth_explorer import depth_explorer

    return depth_explorer(defined)


def _template() -> Any:
    try:
        from jinja2 import Environment, FunctionLoader, StrictUndefined
        from markupsafe import Markup
    except ImportError:
        raise MissingDependencyError.of("reports need", "jinja2", "report") from None
    environment = Environment(
        autoescape=True,
        undefined=StrictUndefined,
        loader=FunctionLoader(asset),
        trim_blocks=True,
        lstrip_blocks=True,
    )
    # these escape by themselves
    environment.filters["formula"] = lambda latex: Markup(formula(latex))
    environment.filters["prose"] = lambda text: Markup(prose(text))
    return environment.get_template("page.html.j2")


def policy(styles: str, scripts: Iterable[str]) -> str:
    """The content security policy: nothing is loaded, and only these styles and scripts count.

    Styles in attributes are allowed, as drawings have them; they can load nothing either.
    """
    allowed = " ".join(fingerprint(script) for script in scripts)
    return (
        f"default-src 'none'; script-src {allowed}; style-src-elem {fingerprint(styles)}; "
        "style-src-attr 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'"
    )
