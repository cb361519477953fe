"""What subtracting the mean of an activation does to the kernels, and how much of the gain of gating it is."""

from __future__ import annotations

import sympy as sp

from derivations.proofs.relu_expansion import coefficient, d, n
from derivations.proofs.spectral_orders import GAIN, edge, outlier, y
from derivations.tools import theorems as by
from derivations.tools.latex import lines
from derivations.tools.limits import tends
from derivations.tools.means import spots
from derivations.tools.numbers import larger
from derivations.tools.proof import Outcome, Proof, Step, both, every, ingredient
from derivations.tools.sums import Index, Tensor, form, same, total
from derivations.tools.zero import positive, strictly, zero
from glutheory.activations import Activation, activation
from glutheory.networks import product
from glutheory.symbolic.derived import derivation
from glutheory.symbolic.gaussian import a, b, c

mu, rho = sp.Symbol("mu", real=True), sp.Symbol("rho", real=True)
_S, _T, _M, _N = sp.symbols("S T m_1 m_2", real=True)
pi = sp.pi
_k = sp.Symbol("k", integer=True, nonnegative=True)

#: ReLU and ReGLU for d ≪ n ≪ d²: what centring gains, over d, and what gating gains beyond it; wide limit, ntk.
MEAN, SHIFT = 2 / pi, 2 * (pi - 1) / (pi - 2)
NTK_MEAN, NTK_SHIFT = 1 / pi, 2 * (3 * pi - 2) / (3 * (pi - 1))
#: Two ReLU inputs at an angle of 180°: the condition number of the centred kernel, that of the others being 1.
ANTIPODAL = pi / (pi - 2)


def _centred(S: sp.Expr, first: sp.Expr, second: sp.Expr, amount: sp.Expr = mu) -> sp.Expr:
    return S - amount * (first + second) + amount**2


def _duals() -> Outcome:
    """Linearity of the mean, and the derivative of a constant; trials of the engine with relu − μ and z² − μ."""
    u, v, z = sp.symbols("u v z", real=True)
    product_ = sp.expand((u - mu) * (v - mu))
    means = product_.coeff(u, 1).coeff(v, 1) * _S + product_.coeff(u, 1).coeff(v, 0) * _M
    means += product_.coeff(u, 0).coeff(v, 1) * _N + product_.coeff(u, 0).coeff(v, 0)
    phi = sp.Function("phi")(z)
    checks = [zero((means, _centred(_S, _M, _N)), (sp.diff(phi - mu, z), sp.diff(phi, z)))]
    for name, mean in spots((("relu", sp.sqrt(a / (2 * pi))), ("monomial2", a))):
        plain = derivation(product(name)).dual
        other = derivation(product(Activation(f"{name} - mu", activation(name).expr - mu))).dual
        pair = (mean, mean.subs(a, b))
        checks.append(zero(other.S - _centred(plain.S, *pair), (other.T, plain.T)))
    return both(*checks)


def _doubled() -> Outcome:
    """For any constants, one for each row: what is lost is m m' − (μ − m)(μ' − m'), which is 0 at twice the means."""
    first, second = sp.symbols("mu_1 mu_2", real=True)
    found = _S - first * _N - second * _M + first * second
    return zero(
        (found, _S - _M * _N + (first - _M) * (second - _N)),
        (found.subs({first: _M, second: _N}), _S - _M * _N),
        found.subs({first: 2 * _M, second: 2 * _N}) - _S,
    )


def _kernels() -> Outcome:
    left = _S - _M * _N
    return zero(
        (left + c * _T, (_S + c * _T) - _M * _N),
        (2 * c * left + c**2 * _T, (2 * c * _S + c**2 * _T) - 2 * c * _M * _N),
        (c * left, c * _S - c * _M * _N),
    )


def _coefficients() -> Outcome:
    """The general term, and what the kernels lose with the constant one."""
    kappa, first, term = sp.Function("kappa")(rho), sp.Symbol("c_0"), sp.Symbol("c_k") * rho**_k
    left = kappa - first
    return zero(
        (sp.diff(rho * term, rho), (_k + 1) * term),
        (sp.diff(rho**2 * term, rho), (_k + 2) * rho * term),
        (sp.diff(rho * left, rho), sp.diff(rho * kappa, rho) - first),
        (sp.diff(rho**2 * left, rho), sp.diff(rho**2 * kappa, rho) - 2 * first * rho),
    )


def _gated_mean() -> Outcome:
    """E[p·x] = Σ_j x_j E[p_j] with E[p_j] = 0, in any dimension; and K̃, which has the factor c."""
    j, p, x = Index("j", "d"), Tensor("p"), Tensor("x")
    mean = (x[j] * p[j]).where(lambda parts: form(0) if any(key[0] == "p" for key in parts) else None)
    gated = 2 * c * _S + c**2 * _T
    return both(same(total(mean, j) * _M), zero((gated, c * (2 * _S + c * _T)), gated.subs(c, 0), (c * _S).subs(c, 0)))


def _orders() -> Outcome:
    plain, centred, gated, other = sp.symbols("L L_c G G_c", real=True)
    rest = (plain - gated) - (centred - other)
    return zero(
        (plain - centred, (plain - gated) - (centred - gated)),
        (rest, (plain - gated) - (centred - other)),
        (plain - centred - (gated - other), rest),
    )


def _rank_one() -> Outcome:
    """xᵀK_c x = xᵀKx − (v·x)² for any n, and (v·x)² ≥ 0; the gain is at most λ_1/λ_2."""
    i, j, K, v, x = Index("i"), Index("j"), Tensor("K"), Tensor("v"), Tensor("x")
    first, second, last = sp.symbols("lambda_1 lambda_2 lambda_n", positive=True)
    lost = total((K[i, j] - v[i] * v[j]) * x[i] * x[j], i, j) - total(K[i, j] * x[i] * x[j], i, j)
    # λ_1(K_c) = λ_2 + s and λ_n(K_c) = λ_n/(1 + t): what λ_1/λ_2 exceeds the gain by
    above, below = sp.symbols("s t", nonnegative=True)
    gain = (first / last) / ((second + above) * (1 + below) / last)
    rest = first * (above + below * (second + above)) / (second * (second + above) * (1 + below))
    return both(
        same(lost + total(v[i] * x[i], i) ** 2),
        positive(sp.Symbol("y", real=True) ** 2, rest),
        zero(first / second - gain - rest),
    )


def _hadamard() -> Outcome:
    return zero((c * _S - c * _M * _N, c * (_S - _M * _N)))


def _antipodal() -> Outcome:
    """S(1,1,−1) = 0 for ReLU, so K = I/2 and K̃ = I/2; K_c by its eigenvectors (1, ±1)."""
    diagonal, off = sp.Rational(1, 2) - 1 / (2 * pi), -1 / (2 * pi)
    relu = derivation(product("relu")).dual.S
    ends = relu.subs({a: 1, b: 1, c: -1}), relu.subs({a: 1, b: 1, c: 1})
    return both(
        zero(ends[0], ends[1] - sp.Rational(1, 2), (diagonal - off) / (diagonal + off) - ANTIPODAL),
        larger((ANTIPODAL, sp.S.One)),
    )


def _floors(ntk: bool) -> tuple[sp.Expr, ...]:
    """f_0, f_1, f_2, F_2; g_1, g_2, G_1 of ReLU and ReGLU: coefficients, and what those beyond them add up to."""
    plain = [(k + 1 if ntk else 1) * coefficient(k) for k in range(3)]
    gated = [(k + 2 if ntk else 1) * coefficient(k) for k in range(2)]
    S, T = sp.Rational(1, 2), sp.Rational(1, 2)
    total, other = (S + T, 2 * S + T) if ntk else (S, S)
    return *plain, total - plain[0] - plain[1], *gated, other - gated[0]


def _limits() -> Outcome:
    """The tops over y = n/d → ∞ for symbolic coefficients, the floors, and the two factors of ReLU."""
    f1, g1, more = sp.symbols("f_1 g_1 h", positive=True)
    g2 = g1 + more  # else the spike stays in the bulk
    checks = [tends(edge(f1, 1) / y, y, f1, root=2), tends(outlier(g1, y * g2) / y, y, g2)]
    for ntk, mean, shift in ((False, MEAN, SHIFT), (True, NTK_MEAN, NTK_SHIFT)):
        first, second, third, floor, linear, square, other = _floors(ntk)
        plain, centred, gated = n * first / floor, n / d * second / floor, n / d * square / other
        checks += [
            zero(plain / centred - mean * d, (centred / gated, shift)),
            larger((second, third), (square, linear)),
        ]
    return both(*checks, zero(MEAN * SHIFT - GAIN))


def _proportional() -> Outcome:
    """K̃_c at n = yd: a floor with one spike; the share M/(M + s) tends to 1 as M grows, s not depending on d."""
    g2, other, mean, shift = sp.symbols("g_2 G_1 M s", positive=True)
    return both(
        zero(((other + y * g2) / other, 1 + y * g2 / other), (outlier(sp.S.Zero, y * g2), y * g2)),
        strictly(y * g2 / other),
        tends(mean / (mean + shift), mean, sp.S.One),
    )


def proof() -> Proof:
    return Proof(
        title="Centring: how much of the gain is the removal of the mean",
        source="this project",
        summary=(
            "A plain network with the centred activation $\\phi - E[\\phi(u)]$ is the control for a gated one: it, "
            "too, loses the rank-one part of its kernel, and nothing else. "
            "$\\ln(\\mathrm{cond}\\,K/\\mathrm{cond}\\,\\tilde K)$ is the sum of what centring gains and of what "
            "gating gains beyond it. For $d \\ll n \\ll d^2$ the first factor is $2d/\\pi$ and the second "
            "$2(\\pi-1)/(\\pi-2) \\approx 3.75$ for ReLU: the mean's share tends to 1, about like $1 - 1.32/\\ln d$."
        ),
        notation=(
            "As in [degree_shift](degree_shift.md): $S, T$ duals of $\\phi$, $K = S + cT$, $\\tilde K = 2cS + c^2T$ "
            "(ntk) or $S$ and $cS$ (wide limit of LeCun's kernels over $m$). $m = E[\\phi(u)]$, $m' = E[\\phi(v)]$; "
            "index c: with the centred activation. On the sphere $S = \\sum c_k\\rho^k$; $f_k$, $g_k$ are the "
            "coefficients of $K$ and $\\tilde K$, $F_2 = \\sum_{k\\ge2}f_k$, $G_1 = \\sum_{k\\ge2}g_k$; $y = n/d$."
        ),
        names={
            r"\rho": r"\frac{c}{\sqrt{ab}}",
            "m": r"\mathbb{E}[\phi(u)]",
            "K": "S + cT",
            r"\tilde K": "2cS + c^2T",
            "S_c": r"S - m\,m'",
            "T_c": "T",
            "K_c": r"K - m\,m'",
            r"\tilde K_c": r"\tilde K - 2c\,m\,m'",
            r"\mathrm{cond}": r"\lambda_1/\lambda_n",
            "u": r"\text{Gaussian with variance } a",
            "v": r"\text{Gaussian with variance } b\text{ and covariance } c",
        },
        steps=(
            Step(
                "only S changes",
                lines(
                    r"\mathbb{E}[(\phi(u)-\mu)(\phi(v)-\mu)] = S - \mu(m+m') + \mu^2, \qquad T_c = T;",
                    r"\mu = m = m':\quad S_c = S - m^2; \qquad \text{a mean for each row}:\quad S_c = S - m\,m'",
                ),
                "linearity of the expectation; a constant has the derivative 0",
                _duals,
                every("mu S m_1 m_2 phi"),
            ),
            Step(
                "twice the mean is no centre",
                r"\mu = 2m: \quad S_c = S",
                (
                    r"the mean of $\phi - 2m$ is $-m$; with constants $\mu, \mu'$ of the rows $S$ loses $mm' - "
                    r"(\mu-m)(\mu'-m')$"
                ),
                _doubled,
                every("S m_1 m_2 mu_1 mu_2"),
            ),
            Step(
                "the kernels",
                r"K_c = K - m\,m', \qquad \tilde K_c = \tilde K - 2c\,m\,m' \quad (\text{wide: } \tilde K - c\,m\,m')",
                "$T_c = T$",
                _kernels,
                every("S T m_1 m_2 c"),
            ),
            Step(
                "coefficients",
                lines(
                    r"c_0 = m^2 \mapsto 0: \qquad K_c = \sum_{k\ge1}(k+1)c_k\rho^k, \qquad \tilde K_c = "
                    r"\sum_{k\ge1}(k+2)c_k\rho^{k+1}",
                ),
                "[degree_shift](degree_shift.md); $S(1,1,0) = m^2$ because $u$ and $v$ are independent there",
                _coefficients,
                every(
                    "k c_k c_0 rho kappa", by.POWER_SERIES, by.INDEPENDENCE.gives("because $u$ and $v$ are independent")
                ),
                names={"m": r"\sqrt{c_0}", "K_c": r"(\rho\kappa)' - c_0", r"\tilde K_c": r"(\rho^2\kappa)' - 2c_0\rho"},
            ),
            Step(
                "gating centres by itself",
                r"\mathbb{E}[(p\cdot x)\,\phi(w\cdot x)] = 0: \qquad \tilde K \text{ has no degree } 0",
                "$p$ is independent of $w$ and has mean 0; $c_0$ becomes the coefficient of $\\rho$",
                _gated_mean,
                every("d p x c S T", by.INDEPENDENCE),
                names={"w": r"\text{independent of } p", r"\phi": r"\text{any function with the duals } S, T"},
            ),
            Step(
                "two orders",
                lines(
                    r"\ln\frac{\mathrm{cond}\,K}{\mathrm{cond}\,\tilde K} = \ln\frac{\mathrm{cond}\,K}"
                    r"{\mathrm{cond}\,K_c} + \ln\frac{\mathrm{cond}\,K_c}{\mathrm{cond}\,\tilde K}",
                    r"= \Bigl(\ln\frac{\mathrm{cond}\,K}{\mathrm{cond}\,K_c} - I\Bigr) + "
                    r"\ln\frac{\mathrm{cond}\,K_c}{\mathrm{cond}\,\tilde K_c}, \qquad I = "
                    r"\ln\frac{\mathrm{cond}\,\tilde K}{\mathrm{cond}\,\tilde K_c}",
                ),
                "the shift is measured against $\\tilde K$, or among centred kernels; the orders differ by what "
                "centring the gate gains",
                _orders,
                every("L L_c G G_c"),
                names={
                    r"\mathrm{cond}": r"\text{a positive number, } L, L_c, G, G_c \text{ for the four kernels}",
                    "K": r"\text{the kernel with } L",
                    "K_c": r"\text{the kernel with } L_c",
                    r"\tilde K": r"\text{the kernel with } G",
                    r"\tilde K_c": r"\text{the kernel with } G_c",
                    "I": r"\ln(G/G_c)",
                },
            ),
            Step(
                "centring gains at most λ₁/λ₂",
                r"n \ge 2,\ K_c \succ 0: \qquad \lambda_2(K) \le \lambda_1(K_c), \quad \lambda_n(K_c) \le "
                r"\lambda_n(K), \qquad "
                r"\frac{\mathrm{cond}\,K}{\mathrm{cond}\,K_c} \le \frac{\lambda_1(K)}{\lambda_2(K)}",
                "$K = K_c + vv^\\top$, $v_i = m_i$: eigenvalues interlace (Weyl; Horn & Johnson, Matrix Analysis, Cor. "
                "4.3.9); every data set, with the exact mean of each row",
                _rank_one,
                every("K v x n lambda_1 lambda_2 s t", by.WEYL, by.COURANT),
                names={r"\mathrm{cond}": r"\lambda_1/\lambda_n"},
            ),
            Step(
                "among centred kernels gating never hurts",
                r"\text{rows of norm } \sqrt d, \text{ wide limit}: \qquad \tilde K_c = \tfrac{XX^\top}d \odot K_c, "
                r"\qquad \mathrm{cond}\,\tilde K_c \le \mathrm{cond}\,K_c",
                "Schur's theorem for a correlation matrix, [majorisation](majorisation.md)",
                _hadamard,
                every("c S m_1 m_2", by.SCHUR, by.MAJORISED(r"\mathrm{cond}")),
                names={
                    "X": r"\text{the inputs, } \tfrac{XX^\top}{d} \text{ with entries } c",
                    "d": r"\text{their dimension}",
                },
            ),
            Step(
                "centring alone can hurt",
                r"\text{ReLU, wide, } x_2 = -x_1: \qquad \mathrm{cond}\,K = \mathrm{cond}\,\tilde K = 1, \qquad "
                r"\mathrm{cond}\,K_c = \frac{\pi}{\pi-2} \approx 2.75",
                "$S(1,1,-1) = 0$; the off-diagonal entry of $K_c$ is $-1/(2\\pi)$",
                _antipodal,
                every(),
                names={
                    "x_1": r"\text{any input}",
                    "x_2": "-x_1",
                    "K": r"\text{of } x_1, x_2",
                    r"\tilde K": r"\text{of } x_1, x_2",
                    "K_c": r"\text{of } x_1, x_2",
                    r"\mathrm{cond}": r"\text{the largest over the least eigenvalue}",
                },
            ),
            Step(
                "the limits for d ≪ n ≪ d²",
                lines(
                    r"\frac{\mathrm{cond}\,K}{\mathrm{cond}\,K_c} \simeq \frac{f_0\,d}{\max(f_1,f_2)} \quad (f_0 > 0), "
                    r"\qquad \frac{\mathrm{cond}\,K_c}{\mathrm{cond}\,\tilde K} \simeq "
                    r"\frac{\max(f_1,f_2)}{\max(g_1,g_2)}\cdot\frac{G_1}{F_2};",
                    r"\text{ReLU, wide}: \ \frac{2d}\pi, \ \frac{2(\pi-1)}{\pi-2} \approx 3.75; \qquad \text{ntk}: \ "
                    r"\frac d\pi, \ \frac{2(3\pi-2)}{3(\pi-1)} \approx 2.31",
                ),
                "independent inputs, uniform on the sphere; level 0 has the eigenvalue $f_0 + f_2/d + \\dots$ and "
                "level 1 $f_1/d + \\dots$, "
                "the levels beyond are a floor (El Karoui 2010; Ghorbani, Mei, Misiakiewicz & Montanari 2021); the "
                "edges and outliers of [spectral_orders](spectral_orders.md)",
                _limits,
                ingredient(
                    "the limits of edges and outliers for symbolic coefficients, and the factors of ReLU, whose "
                    "product is that of spectral_orders",
                    by.EL_KAROUI,
                    by.MARCHENKO,
                    by.FINITE_RANK,
                    why="the law of the spectrum is cited and its constants are put together in words",
                ),
            ),
            Step(
                "n = yd",
                lines(
                    r"\mathrm{cond}\,\tilde K_c \to 1 + y\,\frac{g_2}{G_1}, \qquad \frac{\mathrm{cond}\,K}"
                    r"{\mathrm{cond}\,K_c} \simeq \frac{f_0\,y\,d}{F_2 + f_1(1+\sqrt y)^2} \quad (f_0 > 0),",
                    r"\frac{\text{mean}}{\text{mean}+\text{shift}} \to 1 \quad (d \to \infty)",
                ),
                "independent inputs, uniform on the sphere; $\\tilde K_c$ has no degree 1, so that its bulk is one "
                "point; the spike of $K_c$, of strength $yf_2$, "
                "is left out (it may stand apart from the bulk where $y$ is large and $f_2 > f_1$); the factor of the "
                "shift does not contain $d$",
                _proportional,
                ingredient(
                    "the spike of a kernel without bulk, and the share where the mean grows",
                    by.EL_KAROUI,
                    by.FINITE_RANK,
                    why="the law of the spectrum is cited and its constants are put together in words",
                ),
            ),
        ),
        remarks=(
            (
                "On inputs of different norms one constant centres approximately: what is left is of rank one, of "
                "strength $\\sum(m_i-\\mu)^2 \\approx n/(4\\pi d)$ for ReLU on Gaussian inputs, below the bulk's edge "
                "$n/(4d)$ for $n \\gg d$."
            ),
            (
                "Neighbours: large outlier eigenvalues of wide networks and their removal by subtracting a mean in the "
                "last layer are known (Karakida, Akaho & Amari, arXiv 1906.02926), as is the slow mode of inputs that "
                "are not centred (LeCun, Kanter & Solla 1991). Kernels of products of branches: arXiv 2202.13473, "
                "2209.07736; modulation lowers the variance of the eigenvalues: 2512.15169; the spectrum where $n$ is "
                "of the order of $d$ times the width: 2508.20036."
            ),
        ),
    )
