"""S and T as a quadrature in the printed program: for activations whose formula would lose digits, or that have none.

E[f(u) g(v)] = E[f(sqrt(a) x) E[g(sqrt(b) (rho x + r y)) | x]] with independent standard normal x, y and r = √(1−ρ²):
Gauss–Legendre panels in both, cut at the kinks, at 0 in a geometric grading (the scale of z is 1), and in x where a
kink of g passes, on the scale r/ρ. The deltas of φ' at the jumps of φ are taken out first. The same lines in Python
and in C; only φ and φ', with their kinks and jumps, are the activation's own.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import sympy as sp

from glutheory.ground.normal_form import ExpQuad
from glutheory.ground.pieces import pieces
from glutheory.printing.comments import folded
from glutheory.printing.stable import floats
from glutheory.printing.styles import PYTHON, c99_style
from glutheory.printing.writer import Writer
from glutheory.symbolic.duals import HERMITE, Dual

#: Nodes on a panel, and the widest panel: of y, and of z itself, for waves that do not fade as the grading expects. The
#: test measures 1e-12 of the scale over the variances that are promised.
_NODES, _REACH, _WIDEST, _WAVE = 16, 9.0, 1.5, 8.0
ACCURACY = (
    "S and T are quadratures of the defining integral: the errors are below 1e-12 of the scale "
    "sqrt(f(a, a, a)*f(b, b, b)), f = S or T, for variances from 0.01 to 100, at |c| = sqrt(a*b) too, of activations "
    "that grow like a power of z and vary on the scale 1 between their kinks; what lies beyond 9 standard deviations "
    "counts as 0. A value takes up to a second in Python, milliseconds in C."
)

_PYTHON = '''
def _nodes(cuts, speed):
    """Gauss-Legendre nodes on [-%REACH%, %REACH%], cut at these places, with their weights times the normal density.

    z moves by `speed` times what y moves.
    """
    widest = min(%WIDEST%, %WAVE% / speed)
    ends = sorted({-%REACH%, %REACH%, *(cut for cut in cuts if abs(cut) < %REACH%)})
    for low, high in zip(ends, ends[1:]):
        count = math.ceil((high - low) / widest)
        half = (high - low) / (2 * count)
        for k in range(count):
            for node, weight in _RULE16:
                x = low + half * (2 * k + 1 + node)
                yield x, half * weight * math.exp(-x * x / 2) / math.sqrt(2 * math.pi)


def _graded(centre, scale):
    """The centre, and places at scale, 2*scale, 4*scale, ... on either side."""
    yield centre
    while scale < 2 * %REACH%:
        yield from (centre - scale, centre + scale)
        scale *= 2


def _expectation(f, kinks, start, root):
    """E[f(start + root*y)] for a standard normal y; the mean of both sides where root is 0."""
    if root == 0:
        step = 1e-15 * abs(start) + 1e-300
        return (f(start - step) + f(start + step)) / 2
    cuts = [*_graded(-start / root, 1 / root), *((kink - start) / root for kink in kinks)]
    return math.fsum(weight * f(start + root * y) for y, weight in _nodes(cuts, root))


def _pair(f, kinks, a, b, rho, r):
    """E[f(u) f(v)] for variances a, b, correlation rho and r = sqrt(1 - rho**2)."""
    p, q = math.sqrt(a), math.sqrt(b)
    if p == 0 or q == 0:
        return _expectation(f, kinks, 0.0, p) * _expectation(f, kinks, 0.0, q)
    cuts = [*_graded(0.0, 1 / max(p, q * abs(rho))), *(kink / p for kink in kinks)]
    if rho:
        cuts += [(kink / q + r * t) / rho for kink in kinks for t in (-9, -6, -4, -2.5, -1.2, 0, 1.2, 2.5, 4, 6, 9)]
    nodes = _nodes(cuts, p + q * abs(rho))
    return math.fsum(w * f(p * x) * _expectation(f, kinks, q * rho * x, q * r) for x, w in nodes)


def _delta_pairs(f, kinks, jumps, a, b, c, root, rho, r):
    """The part of E[phi'(u) phi'(v)] in which u or v is at a jump of phi."""
    p, q, total = math.sqrt(a), math.sqrt(b), 0.0
    for k, jump in zip(kinks, jumps):
        for own, other in ((p, q), (q, p)) if jump else ():
            density = math.exp(-((k / own) ** 2) / 2) / (math.sqrt(2 * math.pi) * own)
            total += jump * density * _expectation(f, kinks, other * rho * k / own, other * r)
        for m, second in zip(kinks, jumps) if jump else ():
            if second and root > 0:
                form = (b * k * k - 2 * c * k * m + a * m * m) / (2 * root * root)
                total += jump * second * math.exp(-form) / (2 * math.pi * root)
            elif second and abs(k * q - m * math.copysign(p, c)) <= 1e-15 * abs(k * q):
                return math.copysign(math.inf, jump * second)
    return total
'''
_PYTHON_OWN = '''
_KINKS@ = (%KINKS%)
_JUMPS@ = (%JUMPS%)


def _phi@(z):
    """The activation between its kinks."""
%PHI%


def _slope@(z):
    """Its derivative between its kinks."""
%SLOPE%


def S@(a, b, c):
    """E[phi(u) phi(v)]."""
    scale, root = math.sqrt(a) * math.sqrt(b) or 1.0, _root(a, b, c)
    return _pair(_phi@, _KINKS@, a, b, c / scale, root / scale)


def T@(a, b, c):
    """E[phi'(u) phi'(v)] = dS/dc."""
    scale, root = math.sqrt(a) * math.sqrt(b) or 1.0, _root(a, b, c)
    rho, r = c / scale, root / scale
    deltas = _delta_pairs(_slope@, _KINKS@, _JUMPS@, a, b, c, root, rho, r) if any(_JUMPS@) else 0.0
    return _pair(_slope@, _KINKS@, a, b, rho, r) + deltas
'''
_C = """
typedef double (*@function)(double);

/* Gauss-Legendre nodes and weights on [-1, 1]. */
static const double @rule_x[16] = {
    %NODES%
};
static const double @rule_w[16] = {
    %WEIGHTS%
};

/* Sorts the places within [-%REACH%, %REACH%] and puts the ends around them; returns how many there are. */
static inline int @ends(double *cuts, int n)
{
    int i, j, kept = 0;
    for (i = 0; i < n; i++) {
        if (fabs(cuts[i]) < %REACH%) {
            cuts[kept++] = cuts[i];
        }
    }
    cuts[kept++] = -%REACH%;
    cuts[kept++] = %REACH%;
    for (i = 1; i < kept; i++) {
        const double own = cuts[i];
        for (j = i; j > 0 && cuts[j - 1] > own; j--) {
            cuts[j] = cuts[j - 1];
        }
        cuts[j] = own;
    }
    return kept;
}

/* The centre, and places at scale, 2*scale, 4*scale, ... on either side. */
static inline int @graded(double *cuts, double centre, double scale)
{
    int n = 0;
    cuts[n++] = centre;
    for (; scale < 2.0 * %REACH% && n < 120; scale *= 2.0) {
        cuts[n++] = centre - scale;
        cuts[n++] = centre + scale;
    }
    return n;
}

/* E[f(start + root*y)] for a standard normal y, or the sum of f(p*x) times such means where inner > 0. */
static inline double @expectation(@function f, const double *kinks, int count, double start, double root)
{
    const double widest = fmin(%WIDEST%, %WAVE% / root); /* waves in z do not fade as the grading expects */
    double cuts[192], total = 0.0;
    int i, j, k, n;
    if (root <= 0.0) {
        const double step = 1e-15 * fabs(start) + 1e-300;
        return 0.5 * (f(start - step) + f(start + step));
    }
    n = @graded(cuts, -start / root, 1.0 / root);
    for (i = 0; i < count; i++) {
        cuts[n++] = (kinks[i] - start) / root;
    }
    n = @ends(cuts, n);
    for (i = 0; i + 1 < n; i++) {
        const int panels = (int)ceil((cuts[i + 1] - cuts[i]) / widest);
        const double half = panels > 0 ? (cuts[i + 1] - cuts[i]) / (2.0 * panels) : 0.0;
        for (k = 0; k < panels; k++) {
            for (j = 0; j < 16; j++) {
                const double y = cuts[i] + half * (2.0 * k + 1.0 + @rule_x[j]);
                total += half * @rule_w[j] * exp(-0.5 * y * y) * f(start + root * y);
            }
        }
    }
    return total / sqrt(2.0 * GLUTHEORY_PI);
}

/* E[f(u) f(v)] for variances a, b, correlation rho and r = sqrt(1 - rho*rho). */
static inline double @pair(@function f, const double *kinks, int count, double a, double b, double rho, double r)
{
    static const double passing[11] = {-9.0, -6.0, -4.0, -2.5, -1.2, 0.0, 1.2, 2.5, 4.0, 6.0, 9.0};
    const double p = sqrt(a), q = sqrt(b), widest = fmin(%WIDEST%, %WAVE% / (p + q * fabs(rho)));
    double cuts[640], total = 0.0;
    int i, j, k, n;
    if (p <= 0.0 || q <= 0.0) {
        return @expectation(f, kinks, count, 0.0, p) * @expectation(f, kinks, count, 0.0, q);
    }
    n = @graded(cuts, 0.0, 1.0 / fmax(p, q * fabs(rho)));
    for (i = 0; i < count; i++) {
        cuts[n++] = kinks[i] / p;
        for (j = 0; j < 11 && fabs(rho) > 0.0; j++) {
            cuts[n++] = (kinks[i] / q + r * passing[j]) / rho;
        }
    }
    n = @ends(cuts, n);
    for (i = 0; i + 1 < n; i++) {
        const int panels = (int)ceil((cuts[i + 1] - cuts[i]) / widest);
        const double half = panels > 0 ? (cuts[i + 1] - cuts[i]) / (2.0 * panels) : 0.0;
        for (k = 0; k < panels; k++) {
            for (j = 0; j < 16; j++) {
                const double x = cuts[i] + half * (2.0 * k + 1.0 + @rule_x[j]);
                const double inner = @expectation(f, kinks, count, q * rho * x, q * r);
                total += half * @rule_w[j] * exp(-0.5 * x * x) * f(p * x) * inner;
            }
        }
    }
    return total / sqrt(2.0 * GLUTHEORY_PI);
}

/* The part of E[phi'(u) phi'(v)] in which u or v is at a jump of phi. */
static inline double @delta_pairs(@function f, const double *kinks, const double *jumps, int count, double a, double b,
    double c, double root, double rho, double r)
{
    const double p = sqrt(a), q = sqrt(b);
    double total = 0.0;
    int i, j;
    for (i = 0; i < count; i++) {
        const double k = kinks[i], x = k / p, y = k / q;
        total += jumps[i] * exp(-0.5 * x * x) / p * @expectation(f, kinks, count, q * rho * x, q * r)
            / sqrt(2.0 * GLUTHEORY_PI);
        total += jumps[i] * exp(-0.5 * y * y) / q * @expectation(f, kinks, count, p * rho * y, p * r)
            / sqrt(2.0 * GLUTHEORY_PI);
        for (j = 0; j < count; j++) {
            const double m = kinks[j], both = jumps[i] * jumps[j];
            if (root > 0.0) {
                const double form = (b * k * k - 2.0 * c * k * m + a * m * m) / (2.0 * root * root);
                total += both * exp(-form) / (2.0 * GLUTHEORY_PI * root);
            } else if (fabs(both) > 0.0 && fabs(k * q - m * copysign(p, c)) <= 1e-15 * fabs(k * q)) {
                return both * INFINITY;
            }
        }
    }
    return total;
}
"""
_C_OWN = """
static const double @kinks$[%SIZE%] = {%KINKS%};
static const double @jumps$[%SIZE%] = {%JUMPS%};

/* The activation between its kinks. */
static inline double @phi$(double z)
{
%PHI%
}

/* Its derivative between its kinks. */
static inline double @slope$(double z)
{
%SLOPE%
}

/* E[phi(u) phi(v)]. */
static inline double @S$(double a, double b, double c)
{
    const double product = sqrt(a) * sqrt(b), scale = product > 0.0 ? product : 1.0;
    return @pair(@phi$, @kinks$, %COUNT%, a, b, c / scale, @root(a, b, c) / scale);
}

/* E[phi'(u) phi'(v)] = dS/dc. */
static inline double @T$(double a, double b, double c)
{
    const double product = sqrt(a) * sqrt(b), scale = product > 0.0 ? product : 1.0;
    const double root = @root(a, b, c), rho = c / scale, r = root / scale;
    const double deltas = @delta_pairs(@slope$, @kinks$, @jumps$, %JUMPING%, a, b, c, root, rho, r);
    return @pair(@slope$, @kinks$, %COUNT%, a, b, rho, r) + deltas;
}
"""


def needs_quadrature(own: Dual) -> bool:
    """Whether a program integrates: for a Hermite series, for bivariate distribution functions, and 1 − exp(…)."""
    if own.method == HERMITE or any(part.stable is not None for part in own.s.parts):
        return True
    # a constant beside exponentials, as in sin²: small variances would be differences of numbers near 1
    waves = [term.kernel for term in own.terms if term.power == 0 and isinstance(term.kernel, ExpQuad)]
    return ExpQuad() in waves and any(kernel.alpha.is_imaginary for kernel in waves)


@lru_cache(maxsize=1)
def _rule() -> tuple[tuple[float, float], ...]:
    nodes, weights = np.polynomial.legendre.leggauss(_NODES)
    return tuple((float(x), float(w)) for x, w in zip(nodes, weights, strict=True))


def _common(text: str) -> str:
    for name, value in (("REACH", _REACH), ("WIDEST", _WIDEST), ("WAVE", _WAVE)):
        text = text.replace(f"%{name}%", repr(value))
    return text


def python_helper() -> str:
    """The functions that all activations of a module share; `_root` is needed besides."""
    rows = "\n".join(f"    ({x!r}, {w!r})," for x, w in _rule())
    return f"# Gauss-Legendre nodes and weights on [-1, 1]\n_RULE16 = (\n{rows}\n)\n\n\n{_common(_PYTHON).strip()}"


def python_functions(own: Dual, suffix: str) -> str:
    """S and T of an activation, their names with this suffix."""
    found = pieces(own.activation.expr)
    write = Writer(PYTHON)
    kinks = [write(floats(kink, "Python")) for kink in found.kinks]
    jumps = [write(floats(jump, "Python")) for jump in found.jumps]
    bodies = []
    for branches in (found.branches, found.derivative()):
        lines = []
        for i, branch in enumerate(branches):
            text = f"return {_decimal(write(floats(branch, 'Python')))}"
            lines += (
                [f"    if z < {kinks[i]}:", *folded(f"        {text}", " " * 12)]
                if i < len(kinks)
                else folded(f"    {text}", " " * 8)
            )
        bodies.append("\n".join(lines))
    table = {
        "KINKS": "".join(f"{kink}, " for kink in kinks).strip(),
        "JUMPS": "".join(f"{jump}, " for jump in jumps).strip(),
        "PHI": bodies[0],
        "SLOPE": bodies[1],
    }
    return _filled(_PYTHON_OWN, table).replace("@", suffix).strip()


def c_helper() -> str:
    """The functions that all activations of a file share; @root is needed besides."""
    columns = {"NODES": [x for x, _ in _rule()], "WEIGHTS": [w for _, w in _rule()]}
    rows = {name: "\n".join(folded(", ".join(map(repr, own)), " " * 4)) for name, own in columns.items()}
    return _filled(_common(_C), rows).strip()


def c_functions(own: Dual, suffix: str, prefix: str) -> str:
    """S and T of an activation, their names with this suffix; the prefix is written as @."""
    found = pieces(own.activation.expr)
    write = Writer(c99_style(prefix))
    kinks = [write(floats(kink, "C")) for kink in found.kinks]
    jumps = [write(floats(jump, "C")) for jump in found.jumps]
    bodies = []
    for branches in (found.branches, found.derivative()):
        lines = []
        for i, branch in enumerate(branches):
            text = f"return {write(floats(branch, 'C'))};"
            inside = (
                [f"    if (z < {kinks[i]}) {{", *folded(f"        {text}", " " * 12), "    }"] if i < len(kinks) else []
            )
            if not branch.has(sp.Symbol("z", real=True)) and not kinks:
                lines.append("    (void)z;")
            lines += inside or folded(f"    {text}", " " * 8)
        bodies.append("\n".join(lines))
    table = {
        "KINKS": ", ".join(kinks) or "0.0",
        "JUMPS": ", ".join(jumps) or "0.0",
        "SIZE": str(max(1, len(kinks))),
        "COUNT": str(len(kinks)),
        "JUMPING": str(len(kinks) if any(jump != 0 for jump in found.jumps) else 0),
        "PHI": bodies[0],
        "SLOPE": bodies[1],
    }
    return _filled(_C_OWN, table).replace("$", suffix).strip()


def _filled(text: str, table: dict[str, str]) -> str:
    for name, value in table.items():
        text = text.replace(f"%{name}%", value)
    return text


def _decimal(text: str) -> str:
    return f"{text}.0" if text.lstrip("-").isdigit() else text
