"""The phase diagram in (n, d): where gating improves the condition number and where it worsens it."""

from __future__ import annotations

import math
from collections.abc import Iterator
from functools import lru_cache

import numpy as np

from checks.claims.phase_diagram import evidence as ev
from checks.claims.phase_diagram.evidence import Theory
from checks.claims.phase_diagram.figure import charts
from checks.claims.phase_diagram.law import Sample, law, level
from checks.settings import Settings
from checks.tools.evidence import proof
from glutheory.claims import About, Assumption, Claim, Control, Evidence, Fate, Finding, Outcome, Part, decide
from glutheory.datasets import tabular
from glutheory.networks import GATES
from glutheory.studies.phase.boundary import crossing, reach, sphere_limit
from glutheory.studies.phase.cells import NORMALISED, Cell, Task, kernels, points
from glutheory.studies.phase.maps import compute

#: Imported, beyond the core.
NEEDS = ("sklearn",)
CLAIM = Claim(
    id="phase-diagram",
    source="this project",
    statement=(
        r"\text{Gaussian data, ReGLU, } m\to\infty:\quad \mathrm{cond}(\tilde K)<\mathrm{cond}(K) \iff n < n^*(d) = "
        r"\frac{1}{F_{\chi^2_d}(t(d))} \text{ up to a factor of } 2.5, \qquad t(d) = d\,\frac{\lambda_1(\tilde K)}"
        r"{\lambda_1(K)} \to \frac\pi2"
    ),
    words=(
        "On Gaussian data gating improves the condition number exactly as long as no row is shorter than the "
        "certificate allows."
    ),
    assumptions=("wide limit", "equal norms", "distinct rows", "power"),
    corrected=(
        r"\text{(1) } \frac{\lambda_1(K)}{\lambda_1(\tilde K)}\min_i\frac{\|x_i\|^2}d > 1 \Rightarrow "
        r"\mathrm{cond}(\tilde K)<\mathrm{cond}(K) \text{ for all gates and data with } K\succ0\text{; (2) with "
        r"equal norms and } "
        r"m\to\infty \text{ always } \mathrm{cond}(\tilde K)\le\mathrm{cond}(K); \text{ (3) ReGLU on Gaussian data in "
        r"} d = 6, 7, 8 \text{ turns from helping to hurting within a factor of } 2.5 \text{ of the } n \text{ at "
        r"which the limiting spectra cross, several times } n^*(d)\text{; in } d = 2, 3, 4 \text{ they do not cross, "
        r"and at } n = 40 \text{ it hurts more often than it helps; (4) full kernels on the sphere: critical "
        r"dimension } 3"
    ),
    meaning=(
        "Gating pays where the inputs have many dimensions or equal norms. After a normalisation such as RMSNorm it "
        "never worsens the conditioning of a wide layer, on any data. Without it the shortest input decides: in few "
        "dimensions, or on standardised real data, whose norms spread widely, a gated layer can be conditioned much "
        "worse than a plain one. On Gaussian data the number of inputs up to which gating helps about doubles with "
        "every dimension, and at 16 and more dimensions every gate helps up to d² inputs."
    ),
    parts=(
        Part(
            "certificate",
            "gating helps where no row is shorter than the certificate allows",
            Fate.SHARPENED,
            "for all gates and all data with K ≻ 0; with equal norms and m → ∞ it never hurts",
        ),
        Part(
            "Gaussian data, crossing",
            "on Gaussian data it hurts where a row is shorter, n > 2.5 n*(d)",
            Fate.REVERSED,
            "in 6 to 8 dimensions it still helps up to several times n*(d), until the limiting spectra cross",
        ),
    ),
)

MUTANTS: dict[str, Theory] = {
    "2/pi in place of pi/2": Theory(boundary=lambda d: reach(d, lambda _: 2 / math.pi)),
    "a boundary that does not depend on d": Theory(boundary=lambda _: 500.0),
    "gating helps up to 100 inputs in four dimensions": Theory(boundary=lambda d: 100.0 if d == 4 else crossing(d)),
    "gating always helps on Gaussian data": Theory(boundary=lambda _: math.inf),
    "the mean norm certifies": Theory(norm="mean"),
    "the ratio inverted": Theory(sign=-1),
    "a limit on the sphere 1.5 times too large": Theory(limit=lambda d, setting: sphere_limit(d, setting) * 1.5),
    "every gate helps up to n = d^4": Theory(room=lambda d: d**4, room_from=4),
}


def tasks(settings: Settings) -> Iterator[Task]:
    """The cells of the map."""
    full = settings.profile.thorough
    seed = settings.stream("phase-diagram/map")
    sizes = (50, 100, 200, 400, 800, 1600, 3200) if full else (50, 120, 300)
    dims = (2, 4, 6, 8, 12, 16, 32, 64, 128, 256) if full else (4, 8, 16, 32, 64)
    if not full:
        yield from (Task("gaussian", "reglu", "wide", n, d, seed) for n in sizes for d in (6, 12))
    for n in sizes:
        for d in dims:
            for gate in GATES:
                yield Task("gaussian", gate, "wide", n, d, seed)
                if n <= 1600 and (full or gate in ("reglu", "swiglu")):
                    yield Task("gaussian", gate, "ntk", n, d, seed)
                    yield Task("sphere", gate, "wide", n, d, seed)
    for n in (50, 100, 200):
        for d in (2, 3, 4, 5, 8):
            for setting in ("wide", "ntk"):
                for draw in (1, 2, 3):  # 0 is the map
                    yield Task("sphere", "reglu", setting, n, d, seed, draw)
    for name in tabular.SETS:
        rows, features = tabular.load(name).limits
        shown = (2, 4, 6, 10, 16, 30, features) if full else (4, 10, features)
        for d in sorted({min(d, features) for d in shown}):
            for n in sizes if full else (120, 300):
                if n <= rows:
                    for gate in GATES if full else ("reglu", "swiglu"):
                        yield Task(name, gate, "wide", n, d, seed)
                        yield Task(name + NORMALISED, gate, "wide", n, d, seed)
                        if full:
                            yield Task(name, gate, "ntk", n, d, seed)


#: Rows of random data by dimension, and how many draws of each. The first lies below 1/2.5 of the predicted crossing,
#: the last above 2.5 times it, both by 8 % or more; one just above 2.5n*(d). So many draws tell a share of 0.2 or 0.8
#: from ½ at a level of 1e-9; more where earlier draws, of other seeds, showed a share nearer to ½. In fewer dimensions
#: than 5 the limiting spectra do not cross.
_FEW = {2: {40: 200}, 3: {40: 200}, 4: {40: 200}}
_QUICK = {**_FEW, 6: {22: 240, 35: 240, 165: 200}, 7: {42: 200, 76: 200, 310: 200}}
_FULL = {
    **_FEW,
    6: {22: 320, 35: 320, 50: 320, 75: 320, 110: 320, 165: 320},
    7: {42: 320, 76: 320, 115: 320, 150: 320, 215: 320, 310: 400},
    8: {84: 320, 175: 320, 250: 320, 345: 320, 640: 1000},
}


@lru_cache(maxsize=2)
def computed(settings: Settings) -> tuple[tuple[Cell, ...], tuple[Sample, ...], tuple[Cell, ...]]:
    """The cells of the map, the samples, and the cells of the samples."""
    full = settings.profile.thorough
    seed = settings.stream("phase-diagram/samples")
    plan = [(d, n, draws) for d, row in (_FULL if full else _QUICK).items() for n, draws in row.items()]
    drawn = {
        (d, n): [Task("gaussian", "reglu", "wide", n, d, seed, draw) for draw in range(draws)] for d, n, draws in plan
    }
    chosen = list(dict.fromkeys(tasks(settings)))
    every = [*chosen, *(task for group in drawn.values() for task in group)]
    folder = None if settings.checkpoints is None else settings.checkpoints / "phase-map"
    cells = compute(every, folder, settings.workers)
    table = dict(zip(every, cells, strict=True))
    samples = tuple(Sample.of([table[task] for task in group]) for group in drawn.values())
    return cells[: len(chosen)], samples, cells[len(chosen) :]


def corrected(settings: Settings, theory: Theory) -> tuple[Evidence, ...]:
    """The evidence for the corrected statement."""
    cells, samples, drawn = computed(settings)
    return (
        proof("majorisation", About.CORRECTED, ev.SPHERE),
        ev.on_the_sphere(cells, theory),
        proof("phase_boundary", About.CORRECTED, ev.CERTIFICATE),
        ev.certificate((*cells, *drawn), theory),
        law(samples, theory.boundary, About.CORRECTED),
        ev.signs(cells, theory),
        ev.critical(cells, theory),
        ev.every_gate(cells, theory),
        ev.real(cells, theory),
    )


def assumptions(settings: Settings) -> tuple[Assumption, ...]:
    """Evaluated on the data of the run."""
    cells, samples, _ = computed(settings)
    worst = 0.0
    for gate in GATES:
        task = Task("gaussian", gate, "wide", 50, 16, settings.stream("phase-diagram/map"))
        X = points(task)
        K, gated = kernels(task, X)
        scale = np.sqrt(np.outer(np.diag(gated), np.diag(gated)))
        worst = max(worst, float(np.max(np.abs(gated - K * (X @ X.T) / task.d) / scale)))
    norms = max(max(abs(c.least - 1), abs(c.most - 1)) for c in cells if c.equal_norms)
    repeated = sum(tabular.duplicates(points(c.task)) for c in cells if c.task.data in tabular.SETS)
    power = min(s.power(level(samples)) for s in samples)
    return (
        Assumption("wide limit", "K̃ = K⊙XXᵀ/d entry by entry", worst < 1e-13, f"largest difference {worst:.1e}"),
        Assumption("equal norms", "‖x‖² = d where it is claimed", norms < 1e-12, f"off by {norms:.1e}"),
        Assumption("distinct rows", "no row of the real data occurs twice", repeated == 0, f"{repeated} repeated"),
        Assumption("power", "P(help) = 0.8 is told from ½ with probability 0.99", power > 0.99, f"{power:.5f}"),
    )


def run(settings: Settings, theory: Theory | None = None) -> Outcome:
    """The check; `theory` is the corrected statement that is tested."""
    cells, samples, drawn = computed(settings)
    literal = law(samples, reach, About.LITERAL)
    evidence = (literal, *corrected(settings, theory or Theory()))
    found = assumptions(settings)
    controls = [ev.singular()]
    for altered, wrong in MUTANTS.items():
        refuting = [item for item in corrected(settings, wrong) if item.finding is Finding.REFUTES]
        by = "; ".join(item.what for item in refuting[:2]) or "nothing refuted it"
        controls.append(Control(altered, bool(refuting), by))
    certified = sum(c.certificate > 1 for c in (*cells, *drawn))
    row = literal.figures["d=6"]
    assert isinstance(row, dict)
    key = f"{certified} certified cells; ReGLU, d=6: n*={reach(6):.0f}, crosses at n={row['crosses 1/2 at']:.0f}"
    verdict = decide(found, evidence, controls, CLAIM.parts)
    return Outcome(CLAIM, found, evidence, tuple(controls), verdict, key, charts(cells, samples))
