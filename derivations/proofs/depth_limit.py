"""Where correlations go in a deep normed network: a block's map is a generating function, and depth iterates it."""

from __future__ import annotations

import sympy as sp

from derivations.tools import theorems as by
from derivations.tools.half_line import ANGLE, half_moment, quadrant_mean
from derivations.tools.latex import lines
from derivations.tools.limits import tends
from derivations.tools.proof import Outcome, Proof, Step, both, every, follows
from derivations.tools.sums import Form, Index, Tensor, delta, same, total
from derivations.tools.zero import positive, strictly, zero

#: A degree, a power below it, and half of an even degree.
j, i = sp.symbols("j i", integer=True, nonnegative=True)
half = sp.Symbol("n", integer=True, nonnegative=True)
#: A correlation strictly between 0 and 1 as 1/(1 + t), and what is left to 1.
t = sp.Symbol("t", positive=True)
r, gap = 1 / (1 + t), t / (1 + t)
rho, weight = sp.Symbol("rho", real=True), sp.Symbol("p", positive=True)
f = sp.Function("f")
#: The share of the mean, E[φ]²/E[φ²], and f'(1).
share, mu = sp.Symbol("p_0", positive=True), sp.Symbol("mu", positive=True)
L = sp.Symbol("L", positive=True)
blocks = sp.Symbol("L", integer=True, nonnegative=True)
#: ReLU: L² times 1 − ρ_L, and the limit of the NTK's correlations.
RELU_RATE, RELU_NTK = 9 * sp.pi**2 / 2, sp.Rational(1, 4)
p, q, v, w = Tensor("p"), Tensor("q"), Tensor("v"), Tensor("w")
K, k, u, y = Tensor("K"), Tensor("k"), Tensor("u"), Tensor("y")
first, second, row, other = Index("j", "J"), Index("k", "K"), Index("a"), Index("b")


def grown(blocks: sp.Expr, start: sp.Expr) -> sp.Expr:
    """Θ at ρ = 1 after so many blocks, for f'(1) = μ ≠ 1."""
    rest = (mu + 1) / (mu - 1)
    return mu**blocks * (start + rest) - rest


def shared(slope: sp.Expr, at: sp.Expr) -> sp.Expr:
    """Θ where ρ stays at a fixed point at which f has this slope."""
    return (1 + slope) * at / (1 - slope)


def _weights() -> Outcome:
    """Squares over their sum; of a product of branches the weights are convolved, and their total is 1 again."""
    h, norm = sp.Symbol("h_j", real=True), sp.Symbol("E", positive=True)
    product = total(p[first], first) * total(q[second], second) - total(p[first] * q[second], first, second)
    k = sp.Symbol("k", integer=True, nonnegative=True)
    return both(
        positive(h**2 / norm), zero((rho**j * rho**k, rho ** (j + k)), (rho * rho**j, rho ** (j + 1))), same(product)
    )


def _kernels() -> Outcome:
    """Norm, two branches behind dense layers, product, dense, norm: by the rules of every layer."""
    theta = sp.Symbol("Theta", real=True)
    one, two = (sp.Function(name)(rho) for name in ("S_1", "S_2"))
    top = sp.Symbol("S", positive=True)
    fed = theta + rho  # a dense layer adds its input's covariance
    after = fed * (sp.diff(one, rho) * two + one * sp.diff(two, rho)) + one * two
    return zero((after / top, fed * sp.diff(one * two / top, rho) + one * two / top))


def _quotient() -> Outcome:
    """1 − ρ^j = (1 − ρ)(1 + … + ρ^(j−1)), term by term; each power increases strictly but the first."""
    power = sp.Symbol("i", integer=True, positive=True)
    x = sp.Symbol("rho", positive=True)
    return both(
        zero((x**i - x ** (i + 1), (1 - x) * x**i), (1 - r, gap)),
        strictly(sp.diff(x**power, x), weight * gap * r**i),
        zero((sp.diff(x**power, x), power * x ** (power - 1))),
    )


def _attracting() -> Outcome:
    """Σ_{i<j} (ρ^i − ρ^(j−1)): each difference is a sum of the terms (1 − ρ)ρ^l ≥ 0; and d/dρ ρ^j = jρ^(j−1).

    Below degree 2 there is no such term; at ρ = 0 the one of i = 0 is p_j, at j ≥ 2.
    """
    x, degree = sp.Symbol("rho", positive=True), sp.Symbol("j", integer=True, positive=True)
    return both(
        zero((sp.diff(x**degree, x), degree * x ** (degree - 1)), (r**i - r ** (i + 1), gap * r**i)),
        zero((x**0 - x ** (degree + 1)).subs(x, 0) - 1),
        strictly(weight * gap * r**i, weight),
    )


def _negative() -> Outcome:
    """f(−r) + r = Σ p_j (r + (−r)^j), the total of the weights being 1: every term by itself."""
    x, powers = sp.Symbol("r", positive=True), Tensor("y")
    together = total(p[first] * (powers[first] + x), first)
    apart = total(p[first] * powers[first], first) + total(p[first], first) * x
    return both(
        zero((x + _turned(x, 2 * half), x + x ** (2 * half)), (x + _turned(x, 2 * half + 1), x - x ** (2 * half + 1))),
        zero((r**i - r ** (i + 1), gap * r**i)),
        strictly(weight * (x + x ** (2 * half)), weight * gap * r**i),
        same(together - apart),
    )


def _turned(x: sp.Expr, power: sp.Expr) -> sp.Expr:
    """(−x) to an integer power."""
    return (-1) ** power * x**power


def _gated() -> Outcome:
    """F = ρf, with f(1) = 1."""
    F = rho * f(rho)
    slope = sp.diff(F, rho)
    return zero(
        F.subs(rho, 0),
        (F - rho, rho * (f(rho) - 1)),
        (slope, f(rho) + rho * sp.diff(f(rho), rho)),
        (slope.subs(rho, 0).doit(), f(0)),
        (F.subs(rho, -1), -f(-1)),
        (slope.subs(rho, -1).doit(), f(-1) - sp.Subs(sp.diff(f(rho), rho), rho, -1)),
    )


def _rates() -> Outcome:
    """|f(±r)| ≤ f(r), and |f(±r) − p_0| ≤ Σ_{j≥1} p_j r^j ≤ r (1 − p_0), term by term."""
    degree = sp.Symbol("j", integer=True, positive=True)
    start, most, less = sp.symbols("rho_0 f e", nonnegative=True)  # f(r), and what |f(ρ_L)| is less than it
    rest, above = sp.Symbol("s", positive=True), sp.Symbol("y", nonnegative=True)  # 1 − p_0, and Q(r) less that
    bound = start * most**blocks
    return both(
        zero((r**i - r ** (i + 1), gap * r**i), (r - r**degree, r * (1 - r ** (degree - 1)))),
        zero(
            (r ** (2 * half) - _turned(r, 2 * half), 0),
            (r ** (2 * half + 1) + _turned(r, 2 * half + 1), 0),
        ),
        strictly(weight * r**j, weight * gap * r**i),
        zero((rho * f(rho) / rho - share, f(rho) - share)),
        follows(
            "the induction on $L$, its start and its step",
            zero((bound.subs(blocks, 0), start), (bound * most, bound.subs(blocks, blocks + 1))),
            zero(bound * most - bound * (most - less) - bound * less),
            positive(bound * less),
        ),
        follows("$f(r) < 1$", zero((1 - (1 - gap * (rest + above)), gap * (rest + above))), strictly(gap * rest)),
    )


def _residual() -> Outcome:
    stream, start, s = sp.symbols("q q_0 s", positive=True)
    first_ = start + blocks * s
    after = (stream * rho + s * f(rho)) / (stream + s)
    gated = (stream * rho + s * rho * f(rho)) / (stream + s)
    return both(
        zero(after - rho - s * (f(rho) - rho) / (stream + s), gated / rho - (1 - s * (1 - f(rho)) / (stream + s))),
        # q_L = q_0 + Ls: its start and its step
        zero((first_.subs(blocks, 0), start), (first_ + s, first_.subs(blocks, blocks + 1))),
        strictly(s / (stream + s)),
    )


def _relu() -> Outcome:
    """F − ρ is 0 at θ = 0 with the slope θ sin θ/π in θ; of αz + β|z| both second moments are α² + β²."""
    above = 2 * quadrant_mean(1) - sp.cos(ANGLE)
    alpha, beta = sp.symbols("alpha beta", real=True)
    square = sum(((alpha + sign * beta) ** 2 for sign in (1, -1)), sp.S.Zero)
    return zero(
        above.subs(ANGLE, 0),
        (sp.diff(above, ANGLE), ANGLE * sp.sin(ANGLE) / sp.pi),
        (square * half_moment(2), square * half_moment(0)),
        (square * half_moment(2), alpha**2 + beta**2),
    )


def relu_rate() -> Outcome:
    """Cos θ' = cos θ + θ³/(3π) + … of θ' = θ − θ²/(3π) + cθ³; then 1/θ' − 1/θ → 1/(3π) as θ → 0."""
    above = 2 * quadrant_mean(1) - sp.cos(ANGLE)
    moved = sp.cos(ANGLE - ANGLE**2 / (3 * sp.pi)) - sp.cos(ANGLE)
    taylor = [[sp.diff(expr, ANGLE, order).subs(ANGLE, 0) for order in range(4)] for expr in (above, moved)]
    theta, slack, x = sp.Symbol("theta", positive=True), sp.Symbol("c", real=True), sp.Symbol("x", positive=True)
    after = theta - theta**2 / (3 * sp.pi) + slack * theta**3
    gained = (1 / (3 * sp.pi) - slack * theta) / (1 - theta / (3 * sp.pi) + slack * theta**2)
    angle = 3 * sp.pi / L
    return both(
        zero(*(value for row in taylor for value in row[:3]), *(row[3] / 6 - 1 / (3 * sp.pi) for row in taylor)),
        follows("what one layer adds to $1/\\theta$", zero((1 / after - 1 / theta, gained))),
        tends(gained.subs(theta, 1 / x), x, 1 / (3 * sp.pi)),
        zero((angle**2 / 2, RELU_RATE / L**2)),
    )


def _ntk() -> Outcome:
    """The solution at ρ = 1; off it Θ − Θ* is multiplied by f'(ρ_L) → λ, and what is added tends to 0."""
    start, slope, at = sp.symbols("Theta lambda rho", real=True)
    fixed = shared(slope, at)
    factor, image, near = sp.symbols("a b r", real=True)  # f'(ρ_L), f(ρ_L) and ρ_L, which tend to λ, ρ* and ρ*
    added = factor * (start + near) + image - fixed - factor * (start - fixed)
    return both(
        zero(
            grown(sp.S.Zero, start) - start,
            grown(L + 1, start) - (mu * (grown(L, start) + 1) + 1),
            slope * (fixed + at) + at - fixed,
        ),
        follows(
            "what is added to $\\Theta - \\Theta^*$ tends to 0",
            zero((sp.expand(added), factor * (fixed + near) + image - fixed)),
            zero(sp.expand(added).subs({factor: slope, image: at, near: at}, simultaneous=True)),
        ),
    )


def relu_ntk() -> Outcome:
    """Off the diagonal f' = 1 − 3/L + …: z = Θ/L² obeys z' = (1 − 5/L + o(1/L)) z + (2 + o(1))/L²; on it Θ is 2L."""
    size, old = sp.Symbol("n", positive=True), sp.Symbol("Theta", real=True)
    after = ((1 - 3 / L) * (old + 1) + 1) / (L + 1) ** 2
    factor, added = L**2 * (1 - 3 / L) / (L + 1) ** 2, L**2 * (2 - 3 / L) / (L + 1) ** 2
    limit = sp.Integer(2) / (5 - 1)  # of L z, by Chung's lemma with c = 5 and p = 1
    rows = size + 1  # at least 2: of one row alone the condition number is 1
    condition = (1 + (rows - 1) * RELU_NTK) / (1 - RELU_NTK)
    return both(
        zero((after, factor * old / L**2 + added / L**2)),
        tends((factor - 1) * L, L, sp.Integer(-5)),
        tends(added, L, sp.Integer(2)),
        zero(limit / 2 - RELU_NTK, 2 * L + 1 + 1 - 2 * (L + 1), (condition, (rows + 3) / 3)),
        strictly(size * RELU_NTK, 1 - RELU_NTK),
    )


def _regression() -> Outcome:
    """Both bounds, with w_a = |v_a|, s = 1 − (n − 1)ε > 0 and u = K⁻¹y; Cauchy and Schwarz by Lagrange's identity."""
    epsilon, s = sp.symbols("epsilon s", positive=True)
    size = total(sp.S.One, row)
    squares = total(v[row] ** 2, row)
    apart = total((K[row, other] - delta(row, other)) * v[row] * v[other], row, other)
    whole = total(w[row] * w[other], row, other)  # of the w_a² in it Σ v_a² is taken away
    spread = total((w[row] - w[other]) ** 2, row, other)
    form = total(K[row, other] * v[row] * v[other], row, other)
    least = form - (squares - (size * squares - squares) * epsilon)
    terms = apart + (whole - squares) * epsilon + (size * squares - whole) * epsilon
    # one term: |K_ab| = ε − b at most, and its sign
    room, factor, one = sp.symbols("b x e", nonnegative=True)
    entry = sp.Symbol("K", nonnegative=True)
    signed = [sign * entry * factor + (entry + room) * factor for sign in (1, -1)]
    return both(
        same(least - terms, size * total(w[row] ** 2, row) * 2 - whole * 2 - spread),
        zero((signed[0], factor * (2 * entry + room)), (signed[1], factor * room)),
        positive(epsilon / 2 * one**2, factor * room, factor * (2 * entry + room)),
        same(_lagrange(u, y), _lagrange(k, u)),
        follows("$\\|K^{-1}y\\| \\le \\|y\\|/s$ and the second bound", _solved(s)),
    )


def _lagrange(first: Tensor, second: Tensor) -> Form:
    """Σx²Σy² − (Σxy)² less half of Σ(x_a y_b − x_b y_a)²: 0."""
    squares = total(first[row] ** 2, row) * total(second[row] ** 2, row)
    inner = total(first[row] * second[row], row)
    crossed = total((first[row] * second[other] - first[other] * second[row]) ** 2, row, other)
    left: Form = squares - inner * inner - crossed * sp.Rational(1, 2)
    return left


def _solved(s: sp.Expr) -> Outcome:
    """From u·y ≥ s‖u‖²: ‖y‖²/s² − ‖u‖² ≥ 0, and with ‖k‖² ≤ nε² that (k·u)² is at most nε²‖y‖²/s²."""
    U = sp.Symbol("u", positive=True)  # ‖u‖²
    above, left, square, less, lost = sp.symbols("a g k b h", nonnegative=True)
    # u·y = sU + a; ‖u‖²‖y‖² = (u·y)² + g and ‖k‖²‖u‖² = (k·u)² + h (Lagrange); nε² = ‖k‖² + b
    targets = ((s * U + above) ** 2 + left) / U
    excess = (2 * s * above * U + above**2 + left) / (s**2 * U)
    bound = (square + less) * targets / s**2
    slack = square * excess + less * (U + excess) + lost
    return both(
        zero((targets / s**2 - U, excess), (bound - (square * U - lost), slack)),
        positive(excess, slack),
    )


def proof() -> Proof:
    return Proof(
        title="Where correlations go with depth",
        source="this project; the map of correlations as a power series: A. Daniely, R. Frostig, Y. Singer, NIPS 2016",
        summary=(
            "Between norms a block takes the correlation of two inputs to $f(\\rho) = \\sum_j p_j\\rho^j$ with $p_j "
            "\\ge 0$ of total 1: the generating function of a random degree. Depth iterates it, as generations of a "
            "branching process do, and the limit of correlations is the probability of extinction. A gate adds 1 to "
            "every degree: nobody is without offspring, and correlations die instead."
        ),
        notation=(
            "$\\phi$ with $0 < \\mathbb{E}[\\phi^2] < \\infty$ at the variance of a unit behind a norm and a dense "
            "layer; $p_j = h_j^2/\\mathbb{E}[\\phi^2]$ with its Hermite coefficients "
            "([hermite_series](hermite_series.md)), $p_0 = \\mathbb{E}[\\phi]^2/\\mathbb{E}[\\phi^2]$; $\\mu = f'(1) "
            "= \\sum_j jp_j \\le \\infty$. In plain blocks $\\phi$ is not affine, $\\alpha z + \\beta$: some degree "
            "of 2 or more has weight (a linear block keeps every $\\rho$). In gated ones it is not constant, $p_0 < "
            "1$. $F = \\rho f$ is the map of the gated block. $\\rho_L$ and $\\Theta_L$: correlation and NTK after "
            "$L$ blocks without residuals, the latter over the variance. $0 < r < 1$."
        ),
        names={
            "f": r"\sum_jp_j\rho^j",
            "F": r"\rho f",
            r"\mu": "f'(1)",
            "p_0": "f(0)",
            "Q": r"\frac{1-f(\rho)}{1-\rho}",
            r"\phi": r"\text{any activation with the map } f",
            r"\mathrm{cond}": r"\lambda_1/\lambda_n",
            "L": r"\text{the number of blocks}",
            r"\theta": r"\arccos\rho",
            "z": r"\text{the argument}",
        },
        steps=(
            Step(
                "a generating function",
                lines(
                    r"f(\rho) = \sum_j p_j\rho^j, \quad p_j \ge 0, \quad \sum_j p_j = 1; \qquad "
                    r"\text{product of branches}: \ p * q, \qquad \text{value branch}: \ \rho^j \mapsto \rho^{j+1}",
                ),
                "Hermite series and Parseval; a product of power series; $\\mathbb{E}[uv] = \\rho$",
                _weights,
                every("h_j E p q j k rho", by.PARSEVAL, by.CAUCHY),
            ),
            Step(
                "both kernels",
                r"\rho' = f(\rho), \qquad \Theta' = f'(\rho)\,(\Theta + \rho) + f(\rho)",
                "norm, dense layers of the branches, product, dense layer, norm; two branches with abstract duals "
                "(one branch: the other is constant). All branches have the same NTK, so that $\\sum_i T_i\\prod_{j "
                "\\ne i} S_j$ is the derivative of the product (Price)",
                _kernels,
                every(
                    "rho Theta S S_1 S_2",
                    by.PRICE.gives("so that $\\sum_i T_i\\prod_{j \\ne i} S_j$ is the derivative"),
                ),
                names={"f": "S_1S_2/S"},
            ),
            Step(
                "what is left to 1",
                r"1 - f(\rho) = (1-\rho)\,Q(\rho), \qquad Q = \sum_j p_j\,(1 + \rho + \dots + \rho^{j-1}), \qquad "
                r"Q(0) = 1 - p_0, \quad Q(1) = \mu",
                "telescoping sums; $Q$ increases strictly on $[0, 1]$ if a degree of at least 2 has weight. So "
                "$f(\\rho) = \\rho < 1$ if and only if $Q(\\rho) = 1$: **in $[0, 1)$ there is one fixed point "
                "$\\rho^*$ if $\\mu > 1$, and none if $\\mu \\le 1$**; $\\rho^* = 0$ if and only if "
                "$\\mathbb{E}[\\phi] = 0$",
                _quotient,
                every(
                    "rho i t p",
                    by.MONOTONE,
                    by.POWER_SERIES,
                    by.INTERMEDIATE.gives("**in $[0, 1)$ there is one fixed point $\\rho^*$ if $\\mu > 1$"),
                    by.MONOTONE_FUNCTION.gives("So $f(\\rho) = \\rho < 1$ if and only if $Q(\\rho) = 1$"),
                ),
            ),
            Step(
                "it attracts",
                r"Q(\rho) - f'(\rho) = \sum_j p_j \sum_{i<j} (\rho^i - \rho^{j-1}) > 0 \quad (0 \le \rho < 1) "
                r"\quad\Longrightarrow\quad f'(\rho^*) < Q(\rho^*) = 1",
                "term by term; a degree of at least 2 has weight. $f$ increases on $[0, 1)$, so that from there "
                "every orbit is monotone and tends to $\\rho^*$, or to 1 where $\\mu \\le 1$",
                _attracting,
                every(
                    "rho i j t p",
                    by.POWER_SERIES,
                    by.BOUNDED_MONOTONE.gives("so that from there every orbit is monotone and tends to"),
                    by.CONTINUOUS.gives("tends to $\\rho^*$, or to 1"),
                ),
            ),
            Step(
                "negative correlations",
                r"f(-r) + r = \sum_j p_j\,\bigl(r + (-r)^j\bigr) \ge 0, \qquad = 0 \iff \phi \text{ is odd and } r = 1",
                "term by term, with $\\sum p_j = 1$: an even degree gives $r + r^j > 0$, an odd one $r - r^j$, "
                "positive for $0 < r < 1$ and $j > 1$. So there is **no fixed point in $(-1, 0)$**, $-1$ is one only "
                "for odd $\\phi$, and orbits rise until they are not negative or tend to 0, a fixed point: every "
                "$|\\rho| < 1$ goes to $\\rho^*$ (to 1 if $\\mu \\le 1$)",
                _negative,
                every(
                    "n r i t p J",
                    by.MONOTONE,
                    by.POWER_SERIES,
                    by.BOUNDED_MONOTONE.gives("orbits rise until they are not negative or tend to 0"),
                    by.CONTINUOUS.gives("tend to 0, a fixed point"),
                ),
                names={"f": r"\sum_jp_j\rho^j", r"\rho": "-r", r"\phi": r"\text{odd where all } p_{2j} \text{ are } 0"},
            ),
            Step(
                "gated blocks",
                r"F(0) = 0, \quad F'(0) = p_0 = \frac{\mathbb{E}[\phi]^2}{\mathbb{E}[\phi^2]}, \quad F'(1) = 1 + \mu, "
                r"\qquad F(\rho) - \rho = \rho\,(f(\rho) - 1), \qquad F(-1) = -f(-1), \quad F'(-1) = f(-1) - f'(-1)",
                (
                    r"product rule, $f(1) = 1$. $p_0 < 1$ unless $\phi$ is constant, and $|f| < 1$ within: **0 "
                    r"attracts, 1 repels, and there is no other fixed point but $-1$ if $\phi$ is even**, where it "
                    r"repels as 1 does. If $\phi$ is odd $-1$ goes to 1: rows must be neither parallel nor opposite"
                ),
                _gated,
                every(
                    "rho f",
                    by.CONTINUOUS,
                    by.SCHOENBERG.gives("$|f| < 1$ within"),
                    by.SLOPE.gives("**0 attracts, 1 repels"),
                ),
            ),
            Step(
                "rates",
                lines(
                    r"|\rho_L| \le |\rho_0|\,f(r)^L \ \text{ for } |\rho_0| \le r \text{ and every } L, \qquad "
                    r"\Bigl|\frac{\rho_{L+1}}{\rho_L} - p_0\Bigr| \le (1-p_0)\,|\rho_L|",
                    r"\text{(gated)}; \qquad f(r) = 1 - (1-r)\,Q(r) < 1",
                ),
                "$|f(\\pm r)| \\le f(r)$ and $|f(\\pm r) - p_0| \\le \\sum_{j\\ge1} p_jr^j$, term by term; "
                "$|\\rho_L|$ stays "
                "below $r$, and $Q(r) \\ge Q(0) = 1 - p_0 > 0$. Elsewhere "
                "the rate is $f'(\\rho^*)$ by the definition of a derivative",
                _rates,
                every("rho f j i t p p_0 L rho_0"),
                names={"r": r"\frac{1}{1+t}"},
            ),
            Step(
                "with residuals",
                r"\rho' - \rho = \frac{s\,(f(\rho) - \rho)}{q + s}; \qquad \text{gated: } \frac{\rho'}{\rho} = 1 - "
                r"\frac{s\,(1 - f(\rho))}{q + s}, \qquad q_L = q_0 + Ls",
                "the stream has variance $q$, the block adds $s = \\mathbb{E}[\\phi^2]$ times the square of its "
                "scale: the same fixed points, approached like a power of $L$",
                _residual,
                every("q q_0 s rho f L"),
            ),
            Step(
                "the marginal case",
                r"\phi = \alpha z + \beta|z|: \ \mu = 1; \qquad \text{ReLU}: \ \frac{d}{d\theta}\bigl(f - "
                r"\cos\theta\bigr) = \frac{\theta\sin\theta}{\pi} > 0 \quad (0 < \theta < \pi)",
                (
                    r"half moments; the quadrant integral in polar coordinates. So $f(\rho) > \rho$ below "
                    r"$\rho = 1$ for ReLU and, the even part's weight changed, for every piecewise linear activation "
                    "with its kink at 0"
                ),
                _relu,
                every("phi alpha beta", by.MONOTONE_FUNCTION.gives("So $f(\\rho) > \\rho$ below $\\rho = 1$")),
                names={
                    "f": r"\text{the map of } \phi",
                    r"\mu": "f'(1)",
                    r"\theta": r"\text{the angle, } \cos\theta = \rho",
                    r"\rho": r"\text{the correlation}",
                },
            ),
            Step(
                "ReLU's rate",
                r"\theta' = \theta - \frac{\theta^2}{3\pi} + O(\theta^3),\ \theta_0 > 0 \quad\Longrightarrow\quad "
                r"L\,\theta_L \to "
                r"3\pi, "
                r"\qquad L^2\,(1 - \rho_L) \to \frac{9\pi^2}2",
                (
                    r"Taylor; what a layer adds to $1/\theta$ tends to $1/(3\pi)$, as $\theta \to 0$ by the "
                    "step before, and so does its mean over $L$ layers"
                ),
                relu_rate,
                every("theta c L", by.TAYLOR, by.CESARO.gives("so does its mean over $L$ layers")),
                names={r"\rho": r"\cos\theta"},
            ),
            Step(
                "the NTK",
                lines(
                    (
                        r"\Theta_L = \mu^L\Bigl(\Theta_0 + \frac{\mu+1}{\mu-1}\Bigr) - \frac{\mu+1}{\mu-1} \ \text{ "
                        r"on the diagonal}, \qquad |\rho_0| < 1: \ \Theta_L \to \frac{1+\lambda}{1-\lambda}\,\rho^* \ "
                        r"\text{ off it},"
                    ),
                    (
                        r"\lambda = f'(\rho^*) < 1: \qquad \mu > 1, \text{ no two rows parallel or opposite} \ "
                        r"\Longrightarrow\ \frac{\Theta_{ij}}{\Theta_{ii}} \to 0, \ \mathrm{cond} \to 1; \qquad "
                        r"\text{gated: with } "
                        r"1 + \mu \text{ for } \mu"
                    ),
                ),
                "both recursions are linear in $\\Theta$; off the diagonal their factor tends to $\\lambda < 1$. So "
                "the NTK of every block with $\\mu > 1$ tends to a multiple of the identity (with parallel rows it "
                "stays singular, and with opposite ones where $\\phi$ is odd or even), the NNGP only where $\\rho^* = "
                "0$; plain blocks need many layers ($\\mu$ = 1.067 for SiLU), gated ones few ($1 + \\mu$)",
                _ntk,
                every(
                    "mu L Theta lambda rho",
                    by.TOEPLITZ.gives("off the diagonal their factor tends to"),
                    by.EXPONENTIAL,
                    by.GERSHGORIN.gives(
                        "So the NTK of every block with $\\mu > 1$ tends to a multiple of the identity"
                    ),
                ),
                names={"f": r"\text{the map of the block}"},
            ),
            Step(
                "ReLU's NTK",
                r"\theta_0 > 0 \text{ off the diagonal}: \qquad \Theta_{ij} \sim \tfrac L2, \quad \Theta_{ii} \sim "
                r"2L, \qquad \frac{\Theta_{ij}}{\Theta_{ii}} \to "
                r"\frac14, \qquad n \ge 2, \text{ no two rows parallel}: \ \mathrm{cond} \to \frac{n+3}3",
                (
                    r"$f'(\rho_L) = 1 - \theta_L/\pi = 1 - 3/L + \dots$; Chung's lemma for $\Theta_{ij}/L^2$, "
                    r"which tends to $\frac12L^{-1}$; $\Theta_{ii}$ grows by 2"
                ),
                relu_ntk,
                every("L Theta n", by.CHUNG, by.WEYL),
                names={
                    r"\mathrm{cond}": r"\text{the largest over the least eigenvalue}",
                    r"\theta_0": r"\text{the angle of two rows}",
                },
            ),
            Step(
                "what is learned",
                r"K_{ii} = 1, \ |K_{ij}|, |k_i| \le \varepsilon, \ s = 1-(n-1)\varepsilon > 0: \qquad v^\top K v \ge "
                r"s\,\|v\|^2, \qquad |k^\top K^{-1}y| \le \frac{\sqrt n\,\varepsilon\,\|y\|}s",
                "sums of squares for matrices of every size; $u = K^{-1}y$ has $s\\|u\\|^2 \\le u^\\top y$, and "
                "Cauchy and Schwarz' inequality twice. Where $s \\le 0$ nothing is said",
                _regression,
                every("K k v u y n epsilon s"),
                beyond="without residuals predictions at new inputs, parallel and opposite to no row, tend to 0 as the "
                "condition number tends to 1 ($\\mu > 1$)",
            ),
        ),
        remarks=(
            (
                "What is left of the kernel off the diagonal shrinks as a whole: predictions vanish, while their "
                "direction does not have to. The check `depth-limit` measures both."
            ),
            ("Activations that jump have $\\mu = \\infty$ and no NTK; for their correlations the steps hold."),
        ),
    )
