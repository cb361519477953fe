"""ReLU and ReGLU: two-sided bounds of the extreme eigenvalues on every data set, and their limits on Gaussian data."""

from __future__ import annotations

import sympy as sp

from derivations.proofs.relu_expansion import (
    FLOOR,
    GATED_FLOOR,
    SUM,
    WEIGHTED,
    coefficient,
    d,
    delta,
    even,
    gated_weight,
    n,
    plain_weight,
)
from derivations.tools import theorems as by
from derivations.tools.latex import lines
from derivations.tools.limits import grows, tends
from derivations.tools.matrices import quotient
from derivations.tools.numbers import larger
from derivations.tools.proof import Outcome, Proof, Step, both, every, follows, ingredient
from derivations.tools.sums import Index, Tensor, same, total
from derivations.tools.zero import positive, strictly, zero

#: n/d, traces of G/d and of H, a strength of a rank-one part.
y, tau, tau2, strength = sp.symbols("y tau tau_2 t", positive=True)
_g = sp.Symbol("g", positive=True)
pi = sp.pi

#: The diagonal that the degrees beyond the kept ones leave, at finite width.
PLAIN_FLOOR = FLOOR + delta / 4
GATED_FLOOR_DELTA = GATED_FLOOR + delta * (1 - 1 / (2 * pi))

#: Lower bounds of λ_max/m, upper bounds of λ_min/m and lower bounds of the condition number, on every data set.
TOP = coefficient(0) * tau
GATED_TOP = gated_weight(1) * tau**2 / (n * d)
LOW = PLAIN_FLOOR * tau / (n - d - 1)
GATED_LOW = GATED_FLOOR_DELTA * tau2 / (n - d)
CONDITION = 2 * (n - d - 1) / (pi - 2)
GATED_CONDITION = pi * (n - d) / (2 * (pi - 1) * d)

#: Where the spike of K̃ leaves the bulk, as n/d; how far beyond y/4 it then is.
THRESHOLD = 4 / (pi - 2) ** 2
OFFSET = 1 / (2 * (pi - 2)) + GATED_FLOOR
#: Limits for d ≪ n ≪ d²: cond K/cond K̃ over d, and the same of the bulks.
GAIN, BULK_GAIN = 4 * (pi - 1) / (pi * (pi - 2)), pi * (pi - 1) / (pi - 2)


def edge(scale: sp.Expr, sign: int, ratio: sp.Expr = y) -> sp.Expr:
    """The Marchenko–Pastur edge of scale·XXᵀ/d, n/d = ratio."""
    return scale * (1 + sign * sp.sqrt(ratio)) ** 2


def outlier(scale: sp.Expr, theta: sp.Expr, ratio: sp.Expr = y) -> sp.Expr:
    """Where a rank-one part of strength θ puts an eigenvalue: R(1/θ) + θ."""
    return theta + scale / (1 - scale * ratio / theta)


def _hadamard() -> Outcome:
    a, b, rho, j = sp.symbols("a b rho j", positive=True)
    root = sp.sqrt(a * b)
    return zero((root * rho**j, (root * rho) * rho ** (j - 1)), (a * b * rho**j, (a * b * rho) * rho ** (j - 1)))


def _plain() -> Outcome:
    """Every degree has a weight that is not negative: what is left out of a lower bound."""
    return both(
        zero(
            plain_weight(0) - 1 / (2 * pi),
            (plain_weight(1), (1 + delta) / 4),
            SUM + delta * WEIGHTED - plain_weight(0) - (sp.Rational(1, 2) - 1 / (2 * pi) + delta / 2),
            (TOP, tau / (2 * pi)),
        ),
        _weights(),
    )


def _weights() -> Outcome:
    """That no degree has a negative weight, in K/m and in K̃/m: of degrees 0, 1 and 2k + 2."""
    half = sp.Symbol("k", integer=True, nonnegative=True)
    degree = 2 * half + 2
    return positive(
        plain_weight(0),
        plain_weight(1),
        gated_weight(0),
        gated_weight(1),
        (1 + degree * delta) * even(half),
        (1 + (degree + 1) * delta) * even(half),
    )


def _mean(size: sp.Expr) -> Outcome:
    """The least of so many numbers is at most their mean: Σ_e (λ_e − λ) = Σλ_e − size·λ, of terms ≥ 0."""
    e, values, least = Index("e", str(size)), Tensor("lambda"), sp.Symbol("l", real=True)
    return both(
        same(total(values[e] - least, e) - (total(values[e], e) - size * least)),
        positive(sp.Symbol("y", nonnegative=True) / size),
    )


def _gated() -> Outcome:
    """Also the step of the lower bound with 1/4: d Σ μ_i² − (Σ μ_i)² is half a sum of squares, for any d."""
    i, j, mu, size = Index("i", "d"), Index("j", "d"), Tensor("mu"), sp.Symbol("d", positive=True)
    square = size * total(mu[i] ** 2, i) - total(mu[i], i) ** 2 - sp.Rational(1, 2) * total((mu[i] - mu[j]) ** 2, i, j)
    return both(
        same(square),
        positive(sp.Symbol("x", real=True) ** 2),
        _weights(),
        zero(
            gated_weight(0) - (1 + delta) / (2 * pi),
            gated_weight(1) - (1 + 2 * delta) / 4,
            (1 + delta) * SUM + delta * WEIGHTED - (sp.Rational(1, 2) + delta),
            (GATED_TOP, (1 + 2 * delta) * tau**2 / (4 * n * d)),
        ),
    )


def _smallest() -> Outcome:
    return both(
        zero(
            SUM + delta * WEIGHTED - (1 + delta) / 2,
            (1 + delta) * SUM + delta * WEIGHTED - (sp.Rational(1, 2) + delta),
            (SUM + delta * WEIGHTED - plain_weight(0) - plain_weight(1), PLAIN_FLOOR),
            (1 + delta) * SUM + delta * WEIGHTED - gated_weight(0) - GATED_FLOOR_DELTA,
        ),
        _mean(sp.Symbol("n", positive=True)),
        _weights(),
    )


def _conditions() -> Outcome:
    general = TOP / LOW
    linear = (gated_weight(0) * tau2 / d) / GATED_LOW
    normalised = {tau: n, tau2: n}
    floors = (1 / (4 * pi) * (pi - 2) + delta / 4, 1 / (2 * pi) * (pi - 1) + delta / (2 * pi) * (2 * pi - 1))
    return both(
        zero(
            (general, (n - d - 1) / (2 * pi * PLAIN_FLOOR)),
            (general.subs(delta, 0), CONDITION),
            ((GATED_TOP / GATED_LOW).subs({**normalised, delta: 0}), GATED_CONDITION),
            (linear.subs(delta, 0), (n - d) / ((pi - 1) * d)),
            (PLAIN_FLOOR, floors[0]),
            (GATED_FLOOR_DELTA, floors[1]),
        ),
        strictly(TOP, GATED_TOP, *floors),
        follows("the quotient of a lower and an upper bound, both positive", *quotient()),
    )


def _orders() -> Outcome:
    """Bound over claimed order along n = yd (y > 1) and n = d^κ, κ = 3/2: unbounded in d."""
    z = sp.Symbol("z", positive=True)  # y = 1 + z
    limits = []
    for size in ((1 + z) * d, d ** sp.Rational(3, 2)):
        at = {tau: size, tau2: size, n: size, delta: 0}
        orders = ((TOP, n / d), (GATED_TOP, n / d**2), (CONDITION, n / d), (GATED_CONDITION, n / d**2))
        limits += [grows((bound / order).subs(at, simultaneous=True), d, root=2) for bound, order in orders]
    return both(*limits)


def _edges() -> Outcome:
    """z(g) = 1/g + a/(1 − a y g) turns at g = 1/(a(y ± √y)); there z = a(1 ± √y)²."""
    scale = sp.Symbol("alpha", positive=True)
    z = 1 / _g + scale / (1 - scale * y * _g)
    checks = []
    for sign in (1, -1):
        at = {_g: 1 / (scale * (y + sign * sp.sqrt(y)))}
        checks += [sp.diff(z, _g).subs(at), z.subs(at) - edge(scale, sign)]
    return zero(*checks)


def _spikes() -> Outcome:
    gate = coefficient(0)  # the scale of the bulk of K̃/m
    critical = gate * (y + sp.sqrt(y))
    at_threshold = (critical - y / 4).subs(y, THRESHOLD)
    plain = outlier(sp.Rational(1, 4), n / (2 * pi), n / d)
    return both(
        zero(
            at_threshold,
            outlier(gate, y / 4) + GATED_FLOOR - y / 4 - OFFSET,
            plain - n / (2 * pi) - sp.Rational(1, 4) / (1 - pi / (2 * d)),
            (sp.Rational(1, 4) + FLOOR, GATED_FLOOR),
        ),
        tends(plain - n / (2 * pi), d, sp.Rational(1, 4)),
        larger((sp.diff(y / 4 - critical, y).subs(y, THRESHOLD), sp.S.Zero)),
    )


def _limits() -> Outcome:
    plain, gate = coefficient(0) * n / FLOOR, (y / 4) / GATED_FLOOR
    bulk = [scale / floor for scale, floor in _BULKS]
    limits = [tends(edge(scale, 1) / y, y, scale, root=2) for scale, _ in _BULKS]
    return both(
        *limits,
        zero(
            plain - 2 * n / (pi - 2),
            gate - pi * y / (2 * (pi - 1)),
            plain / gate.subs(y, n / d) - GAIN * d,
            bulk[0] - pi / (pi - 2),
            bulk[1] - 1 / (pi - 1),
            bulk[0] / bulk[1] - BULK_GAIN,
            GATED_FLOOR / FLOOR - 2 * (pi - 1) / (pi - 2),
        ),
    )


_BULKS = ((sp.Rational(1, 4), FLOOR), (1 / (2 * pi), GATED_FLOOR))


def _stops() -> Outcome:
    size = sp.Symbol("N", positive=True)
    error = FLOOR - (FLOOR - coefficient(2)) * n / (n - size)
    return both(
        zero(error.subs(n, (pi - 2) * size), (1 + d + d * (d + 1) / 2, (d + 1) * (d + 2) / 2)),
        tends(error, n, coefficient(2)),
    )


def proof() -> Proof:
    return Proof(
        title="How large and how small the eigenvalues are",
        source="this project; it corrects Theorem 3.1 of arXiv 2605.20749",
        summary=(
            "Two-sided bounds of the extreme eigenvalues of the ReLU and ReGLU kernels that hold on *every* data set, "
            "with the constants that are attained on Gaussian data in high dimension. On inputs of norm $\\sqrt d$ "
            "the largest eigenvalue of $K$ is of order $mn$, whatever $d$; that of $\\tilde K$ is at least of order "
            "$mn/d$, and of this order on Gaussian data (on parallel inputs it is of order $mn$); the condition "
            "numbers are at least of order $n$ and $n/d$ once $n$ is a multiple of $d$ larger than $d$. All four are "
            "larger by a factor $d$ than the orders stated in the theorem; their quotient, a factor $d$ gained by "
            "gating, is as stated. In the bulk, without the largest eigenvalue, both kernels are of order $mn/d$ and "
            "gating gains a constant factor."
        ),
        notation=(
            "As in [relu_expansion](relu_expansion.md): $K/m = D^{1/2}\\sum_j(1+j\\delta)c_jU_j\\,D^{1/2}$, $\\tilde "
            "K/m = D\\sum_j(1+(j+1)\\delta)c_jU_{j+1}\\,D$, $\\gamma_\\delta = \\gamma + \\delta/4$, "
            "$\\tilde\\gamma_\\delta = \\tilde\\gamma + \\delta(1 - \\frac1{2\\pi})$. $n$ inputs in $d$ dimensions, "
            "none of them 0; $\\lambda_1 \\ge \\lambda_2 \\ge \\dots \\ge \\lambda_n$; $H = D^{1/2}(G/d)D^{1/2} = "
            "DU_1D$; $\\tau = \\mathrm{tr}\\,G/d = \\sum r_i^2/d$ and $\\tau_2 = \\mathrm{tr}\\,H = \\sum r_i^4/d^2$ "
            "(both $n$ for normalised inputs, $r_i^2 = d$); $y = n/d$."
        ),
        names={
            r"\gamma": r"\tfrac14 - \tfrac1{2\pi}",
            r"\gamma_\delta": r"\gamma + \tfrac\delta4",
            r"\tilde\gamma": r"\tfrac12 - \tfrac1{2\pi}",
            r"\tilde\gamma_\delta": r"\tilde\gamma + \delta\bigl(1-\tfrac1{2\pi}\bigr)",
            r"\delta": "d/m",
            "U_j": r"\text{with the entries } \rho^j",
            r"\rho": r"\text{the cosines of the inputs}",
            "r_i": r"\text{the norms of the inputs}",
            "D": r"\mathrm{diag}(r_i^2)/d",
            "G": r"d\,D^{1/2}U_1D^{1/2}",
            "H": "DU_1D",
            "X": r"\text{the inputs}",
            r"\tau": r"\mathrm{tr}\,G/d",
            r"\tau_2": r"\mathrm{tr}\,H",
            "m": r"\text{the width}",
            "n": r"\text{the number of inputs}",
            "d": r"\text{their dimension}",
            "c_j": r"\text{the coefficients of ReLU's } s",
            "s": r"\text{the dual at unit norms}",
            "K": r"m\,D^{1/2}\sum_j(1+j\delta)\,c_jU_j\,D^{1/2}",
            r"\tilde K": r"m\,D\sum_j(1+(j+1)\delta)\,c_jU_{j+1}\,D",
            r"\lambda_j": r"\text{the eigenvalues in falling order}",
            r"\mathrm{cond}": r"\lambda_1/\lambda_n",
        },
        steps=(
            Step(
                "every degree is a Hadamard product",
                lines(
                    r"D^{1/2}U_jD^{1/2} = \frac Gd\odot U_{j-1}, \qquad DU_jD = H\odot U_{j-1} \qquad (j \ge 1),",
                    r"0 \preceq \frac Gd\odot U_{j-1}, \quad \lambda_1\Bigl(\frac Gd\odot U_{j-1}\Bigr) \le "
                    r"\lambda_1\Bigl(\frac Gd\Bigr), \qquad \text{likewise for } H",
                ),
                "entry by entry; $U_{j-1}$ is a correlation matrix, and for those Schur's product theorem bounds the "
                "eigenvalues of a Hadamard product by those of the other factor (J. reine angew. Math. 140 (1911) 1)",
                _hadamard,
                every("a b rho j", by.SCHUR, by.MAJORISED),
            ),
            Step(
                "the largest eigenvalues of K",
                lines(
                    r"\frac{\tau}{2\pi} \le \frac{\lambda_1(K)}m \le \frac{\tau}{2\pi} + \Bigl(\frac12 - \frac1{2\pi} "
                    r"+ \frac\delta2\Bigr)\lambda_1\Bigl(\frac Gd\Bigr),",
                    r"\frac{1+\delta}4\,\lambda_j\Bigl(\frac Gd\Bigr) \le \frac{\lambda_j(K)}m, \qquad "
                    r"\frac{\lambda_2(K)}m \le \Bigl(\frac12 - \frac1{2\pi} + \frac\delta2\Bigr)"
                    r"\lambda_1\Bigl(\frac Gd\Bigr)",
                ),
                "all terms are positive semidefinite, so each is a lower bound (Weyl); $D^{1/2}U_0D^{1/2} = "
                "rr^\\top/d$ has rank one and trace $\\tau$; the others add up to at most "
                "$\\sum_{j\\ge1}(1+j\\delta)c_j$ times $\\lambda_1(G/d)$",
                _plain,
                every("tau delta", by.WEYL.gives("so each is a lower bound"), by.SCHUR, by.MAJORISED),
            ),
            Step(
                "the largest eigenvalues of K̃",
                lines(
                    r"\frac{1+\delta}{2\pi}\,\lambda_j(H) \le \frac{\lambda_j(\tilde K)}m, \qquad "
                    r"\frac{\lambda_1(\tilde K)}m \le \Bigl(\frac12 + \delta\Bigr)\lambda_1(H), \qquad "
                    r"\lambda_1(H) \ge \frac{\tau_2}d,",
                    r"\frac{\lambda_1(\tilde K)}m \ge \frac{1+2\delta}4\cdot\frac{1}{n}\,\Bigl\|\frac Gd\Bigr\|_F^2 "
                    r"\ge \frac{1+2\delta}4\cdot\frac{\tau^2}{nd}",
                ),
                "the same, with $U_1, U_2, \\dots$; $H$ has rank at most $d$; the second line is the quadratic form of "
                "$DU_2D$, the matrix of $(x_i\\cdot x_j)^2/d^2$, at the vector of ones, and $d$ eigenvalues of sum "
                "$\\tau$ have squares of sum at least $\\tau^2/d$",
                _gated,
                every("tau delta n d mu", by.WEYL, by.SCHUR, by.MAJORISED, by.RAYLEIGH),
            ),
            Step(
                "the smallest eigenvalues",
                lines(
                    r"\frac{\lambda_n(K)}m \le \frac{1+\delta}2\cdot\frac\tau n, \qquad \frac{\lambda_n(\tilde K)}m "
                    r"\le \Bigl(\frac12 + \delta\Bigr)\frac{\tau_2}n;",
                    r"\frac{\lambda_n(K)}m \le \frac{\gamma_\delta\,\tau}{n-d-1} \quad (n > d+1), \qquad "
                    r"\frac{\lambda_n(\tilde K)}m \le \frac{\tilde\gamma_\delta\,\tau_2}{n-d} \quad (n > d)",
                ),
                "the trace over $n$; on the complement of the span of $r$ and the columns of $X$, of dimension at "
                "least $n-d-1$, only the degrees $j \\ge 2$ of $K$ are left; the smallest eigenvalue is at most the "
                "mean of the quadratic form over an orthonormal basis of it, which is at most their trace over "
                "$n-d-1$; likewise for $\\tilde K$ with the columns of $DX$",
                _smallest,
                every("delta n", by.COURANT),
            ),
            Step(
                "condition numbers on every data set",
                lines(
                    r"\mathrm{cond}(K) \ge \frac{n-d-1}{2\pi\gamma_\delta} \overset{\delta=0}{=} "
                    r"\frac{2(n-d-1)}{\pi-2}, \qquad \mathrm{cond}(\tilde K) \ge \frac{n-d}{(\pi-1)\,d} \quad "
                    r"(\delta = 0),",
                    r"\mathrm{cond}(\tilde K) \ge \frac{\pi\,(n-d)}{2(\pi-1)\,d} \quad (\delta = 0, \text{ normalised "
                    r"inputs})",
                ),
                "quotients of the bounds; $\\tau$ cancels",
                _conditions,
                every("n d delta"),
            ),
            Step(
                "the orders of Theorem 3.1 are exceeded",
                lines(
                    r"\frac{\lambda_1(K)}{mn/d},\quad \frac{\lambda_1(\tilde K)}{mn/d^2},\quad "
                    r"\frac{\mathrm{cond}(K)}{n/d},\quad \frac{\mathrm{cond}(\tilde K)}{n/d^2} \quad\to\quad \infty",
                    r"\text{on any normalised inputs with } n = yd,\ y > 1, \text{ or } n = d^{3/2}, \qquad d \to "
                    r"\infty",
                ),
                "the lower bounds above over the claimed orders; for Gaussian inputs $\\tau/n \\to 1$ and "
                "$\\tau_2/n \\to 1$ by the law of large numbers",
                _orders,
                every("d z", by.LAW_OF_LARGE_NUMBERS),
                names={"y": "1 + z", "n": r"yd \text{ or } d^{3/2}"},
            ),
            Step(
                "the bulk on Gaussian data",
                lines(
                    r"z(g) = \frac1g + \frac{\alpha}{1 - \alpha yg}, \quad z'(g) = 0 \quad\Longrightarrow\quad z = "
                    r"\alpha(1\pm\sqrt y)^2;",
                    r"\frac{\lambda_2(K)}m \to \tfrac14(1+\sqrt y)^2 + \gamma, \qquad \text{right edge of } "
                    r"\frac{\tilde K}m \to \tfrac1{2\pi}(1+\sqrt y)^2 + \tilde\gamma,",
                    r"\frac{\lambda_n(K)}m \to \gamma, \qquad \frac{\lambda_n(\tilde K)}m \to \tilde\gamma \qquad "
                    r"(y > 1)",
                ),
                "El Karoui's linear approximation (Ann. Statist. 38 (2010) 1), in operator norm for $n/d \\to y$, and "
                "the law of Marchenko and Pastur (1967) for $\\alpha XX^\\top/d$, whose R-transform is "
                "$\\alpha/(1-\\alpha yg)$; $\\delta = 0$",
                _edges,
                ingredient(
                    "the edges from the R-transform",
                    by.EL_KAROUI,
                    by.MARCHENKO,
                    why="from the edges of a law to limits of eigenvalues it goes by cited theorems in words",
                ),
            ),
            Step(
                "the spikes",
                lines(
                    r"\frac{\lambda_1(K)}m = \frac n{2\pi}\Bigl(1 + \frac1{2d} + \dots\Bigr) + \frac{1/4}{1 - "
                    r"\pi/(2d)} + \gamma + o(1),",
                    r"\frac{\lambda_1(\tilde K)}m = \frac{n}{4d} + \frac1{2(\pi-2)} + \tilde\gamma + o(1) \quad "
                    r"\text{for } \frac nd > \frac4{(\pi-2)^2} \approx 3.07, \text{ else the right edge of the bulk}",
                    r"\text{(normalised inputs; for Gaussian ones } n \text{ is } \tau \text{ and } \tau_2)",
                ),
                "a rank-one part of strength $\\theta$ puts an eigenvalue at $z(1/\\theta)$ if $1/\\theta$ is below "
                "the $g$ of the edge (Benaych-Georges and Nadakuditi, Adv. Math. 227 (2011) 494; Baik, Ben Arous and "
                "Péché, Ann. Probab. 33 (2005) 1643); $\\theta = n\\,\\mathbb{E}s$ and $\\theta = n\\,\\mathbb{E}\\rho "
                "s = n/(4d)$",
                _spikes,
                ingredient(
                    "the positions and the threshold",
                    by.FINITE_RANK,
                    why="from the equation of a spike to limits of eigenvalues it goes by cited theorems in words",
                ),
            ),
            Step(
                "what gating gains",
                lines(
                    r"\mathrm{cond}(K) \approx \frac{2n}{\pi-2}, \qquad \mathrm{cond}(\tilde K) \approx "
                    r"\frac{\pi}{2(\pi-1)}\cdot\frac nd, \qquad \frac{\mathrm{cond}(K)}{\mathrm{cond}(\tilde K)} "
                    r"\approx \frac{4(\pi-1)}{\pi(\pi-2)}\,d \approx 2.39\,d,",
                    r"\frac{\lambda_2(K)}{\lambda_n(K)} \approx \frac{\pi}{\pi-2}\cdot\frac nd, \qquad \text{bulk of } "
                    r"\tilde K:\ \frac{1}{\pi-1}\cdot\frac nd, \qquad \text{quotient} \approx "
                    r"\frac{\pi(\pi-1)}{\pi-2} \approx 5.89",
                ),
                "quotients of the limits as $y = n/d \\to \\infty$ after $d \\to \\infty$",
                _limits,
                ingredient("the constants", why="the limits that are divided are those of the two steps above"),
            ),
            Step(
                "where the linear approximation stops",
                lines(
                    r"n > N = \tfrac12(d+1)(d+2): \qquad \frac{\lambda_n(K)}m \le \Bigl(\gamma - "
                    r"\frac1{4\pi}\Bigr)\frac{\tau}{n-N},",
                    r"\Bigl\|\frac Km - \alpha XX^\top - \beta rr^\top - \gamma D\Bigr\| \ge \gamma - \Bigl(\gamma - "
                    r"\frac1{4\pi}\Bigr)\frac{n}{n-N} \quad\to\quad \frac1{4\pi} \qquad (n/d^2 \to \infty), \text{ "
                    r"positive for } n > (\pi-2)N",
                ),
                "degrees 0, 1, 2 have rank at most $1 + d + d(d+1)/2$; the approximation has no eigenvalue below "
                "$\\gamma\\min_i r_i^2/d$ for any $\\alpha, \\beta \\ge 0$; second line for normalised inputs, where "
                "this is $\\gamma$; Weyl's inequality",
                _stops,
                every("n d N", by.WEYL(r"\alpha \beta"), by.COURANT),
            ),
        ),
        remarks=(
            (
                "For Gaussian inputs $\\tau/n \\to 1$ and $\\lambda_1(G/d) \\le (1 + \\sqrt{n/d} + t/\\sqrt d)^2$ with "
                "probability at least $1 - e^{-t^2/2}$ (Davidson and Szarek 2001, Theorem II.13): then the bounds read "
                "$\\lambda_1(K)/(mn) \\to \\frac1{2\\pi}$ as $d \\to \\infty$, $n \\to \\infty$, and both bulks are of "
                "exact order $mn/d$."
            ),
            (
                "Gaussian inputs of moderate dimension are far from these limits in $\\lambda_n$, since $\\min_i "
                "r_i^2/d$ is well below 1 and the quadratic degree is of relative size $\\sqrt n/d$. The checks "
                "therefore compare with `glutheory.spectra.equivalent`, which keeps all degrees and the norms."
            ),
        ),
    )
