"""How fast gating decorrelates: K̃(ρ)/K̃(1) against K(ρ)/K(1) on the sphere, exactly, for every activation."""

from __future__ import annotations

from derivations.tools import decorrelation_bounds as bounds
from derivations.tools import decorrelation_cases as cases
from derivations.tools import theorems as by
from derivations.tools.latex import lines
from derivations.tools.proof import Proof, Step, every, ingredient


def proof() -> Proof:
    return Proof(
        title="Decorrelation by gating",
        source="this project",
        summary=(
            "On the sphere, does the gated kernel fall off faster than the non-gated one, $\\tilde K(\\rho)/\\tilde "
            "K(1) \\le K(\\rho)/K(1)$ on $[0, 1]$? Always for polynomials up to a sharp degree, which is 7 for $d = "
            "m$, larger for wider networks and smaller for narrower ones; never for an activation with a kink, where "
            "inputs closer than an exact angle come closer; and for smooth gates up to a variance that one condition "
            "on the diagonal decides."
        ),
        notation=(
            "Inputs of norm $\\sqrt{qd}$, so that every pre-activation has variance $q$; $\\rho = \\cos\\theta$ is "
            "the correlation of a pair, $c = q\\rho$; $r = d/m$ ($r = 1$: NTK parametrisation); $\\kappa(\\rho) = "
            "S(q,q,q\\rho) = \\sum_k c_k\\rho^k$ with $c_k = h_k(q)^2 \\ge 0$; $\\mu, V$ are mean and variance of the "
            "degree under the weights $c_k\\rho^k$ ([degree_shift](degree_shift.md)). $A = \\kappa = S$, $B = "
            "\\rho\\kappa' = c\\,\\mathbb{E}[\\phi'(u)\\phi'(v)]$, $C = \\rho^2\\kappa'' = "
            "c^2\\,\\mathbb{E}[\\phi''(u)\\phi''(v)]$ (Price); without an argument they are taken at $\\rho = 1$. $M "
            "= B/A = q\\mathbb{E}[\\phi'^2]/\\mathbb{E}[\\phi^2]$, $W = C/A = "
            "q^2\\mathbb{E}[\\phi''^2]/\\mathbb{E}[\\phi^2]$ on the diagonal. $R = \\tilde K/K$."
        ),
        names={
            "K": r"\kappa + r\rho\kappa'",
            r"\tilde K": r"\rho\bigl((1+r)\kappa + r\rho\kappa'\bigr)",
            r"\mu": r"\frac{\rho\kappa'}{\kappa}",
            "V": r"\rho\mu'",
            "A": r"\kappa",
            "B": r"\rho\kappa'",
            "C": r"\rho^2\kappa''",
            "M": r"\frac{B}{A}",
            "W": r"\frac{C}{A}",
            "R": r"\frac{\tilde K}{K}",
            "P": "(1+r)A^2 + 2rAB + 2r^2B^2 - r^2AC",
            r"g(\theta)": r"t\left(\frac{1+r}{1+2r} - \frac{1}{(1+r)\cos\theta}\right) - (1-t\theta)\tan\frac\theta2",
            r"\omega_\tau(k)": r"1 + r - 2r^2\tau^2 + (2r+r^2+4r^2\tau)\,k - r^2k^2",
            r"Q_\tau": r"\sum_k\omega_\tau(k)\,c_k\rho^k",
        },
        steps=(
            Step(
                "the two kernels",
                r"K \propto S + r\,c\,T, \qquad \tilde K \propto c\,\bigl((1+r)\,S + r\,c\,T\bigr), \qquad r = "
                r"\frac dm",
                "[ntk_plain](ntk_plain.md) and [ntk_gated](ntk_gated.md) with LeCun variances, and in the NTK "
                "parametrisation, where $r = 1$; here compared with the engine",
                bounds.two_kernels,
                every("m d c S T"),
                names={
                    "r": r"\tfrac dm \text{ (LeCun) or } 1 \text{ (ntk)}",
                    "K": r"\text{the non-gated kernel, with the duals } S, T",
                    r"\tilde K": r"\text{the gated kernel, with the duals } S, T",
                },
            ),
            Step(
                "the ratio and its slope",
                lines(
                    r"R = \rho\left(1 + \frac{r}{1+r\mu}\right), \qquad \frac{d\ln R}{d\ln\rho} = 1 - "
                    r"\frac{r^2V}{(1+r\mu)(1+r+r\mu)},",
                    r"\mu = \frac{\rho\kappa'}{\kappa}, \qquad V = \rho\mu' = "
                    r"\frac{\rho(\rho\kappa')'}{\kappa} - \mu^2",
                ),
                "differentiation, with an abstract function $\\kappa(\\rho)$",
                bounds.ratio,
                every("r rho kappa"),
                beyond="as $r \\to 0$ (wide networks) $R \\to \\rho$, which increases",
            ),
            Step(
                "an increasing ratio is enough",
                r"\frac{\tilde K(\rho)}{\tilde K(1)} - \frac{K(\rho)}{K(1)} = \frac{K(\rho)}{\tilde "
                r"K(1)}\,\bigl(R(\rho) - R(1)\bigr)",
                "algebra; $K(\\rho) > 0$ for $\\rho > 0$, and at $\\rho = 0$ the gated kernel vanishes. So the "
                "inequality says $R(\\rho) \\le R(1)$, and $r^2V \\le (1+r\\mu)(1+r+r\\mu)$ on $(0, 1]$ implies it",
                bounds.comparison,
                every("K R K_1 R_1", by.MONOTONE_FUNCTION.gives("on $(0, 1]$ implies it")),
                names={r"\tilde K": r"R\,K", r"\rho": r"\text{the first of the points } \rho \text{ and } 1"},
            ),
            Step(
                "the margin",
                lines(
                    r"(1+r\mu)(1+r+r\mu) - r^2V = \frac{P}{A^2}, \qquad P = (1+r)A^2 + 2r\,AB + 2r^2B^2 - r^2AC;",
                    r"\text{at } \rho = 1:\quad P \ge 0 \iff W \le \frac{1+r}{r^2} + \frac{2M}{r} + 2M^2",
                ),
                "substitution of $\\mu$ and $V$. If $P(1) < 0$ then $R$ decreases next to 1 and the inequality "
                "fails: the condition on the diagonal is **necessary**",
                bounds.diagonal_margin,
                every("r rho kappa A M W", by.MONOTONE_FUNCTION.gives("then $R$ decreases next to 1")),
            ),
            Step(
                "polynomials up to a degree",
                lines(
                    r"0 \le \mathbb{E}[k(n-k)] = \mu(n-\mu) - V \quad\Longrightarrow\quad V \le \mu(n-\mu),",
                    r"(1+r\mu)(1+r+r\mu) - r^2\mu(n_r-\mu) = 2\Bigl(r\mu - \sqrt{\tfrac{1+r}2}\Bigr)^2 \ge 0, \qquad "
                    r"n_r = 1 + \frac{2+\sqrt{8(1+r)}}{r}",
                ),
                "if no degree above $n \\le n_r$ occurs, $V$ is bounded by Bhatia and Davis' inequality (2000), and "
                "the ratio increases at every variance. $n_1 = 7$, and $n_r$ falls with $r$: degree 7 is certain for "
                "$d \\le m$ only",
                bounds.degrees,
                every("r mu n V", by.BHATIA_DAVIS),
                names={"k": r"\text{the degree, with mean } \mu \text{ and variance } V"},
            ),
            Step(
                "no higher degree",
                lines(
                    r"\phi = 1 + \varepsilon\,\mathrm{He}_n,\ n > n_r,\ q = 1:\qquad V(1) = \mu(n-\mu), \qquad r\mu = "
                    r"\sqrt{\tfrac{1+r}2} \text{ for some } \varepsilon, \text{ and then}",
                    r"(1+r\mu)(1+r+r\mu) - r^2V = -r^2\mu\,(n-n_r) < 0; \qquad r = 2:\ n_2 = 2+\sqrt6 < 5 \le 7",
                ),
                "two degrees, 0 and $n$: equality in Bhatia and Davis' inequality; $\\mu < n_r < n$ makes the weights "
                "$n-\\mu$ and $\\mu$ positive. The condition on the diagonal is necessary",
                bounds.sharp_degree,
                every("r mu n e", by.INTERMEDIATE),
                names={
                    "V": r"n^2\tfrac\mu n - \mu^2",
                    r"\phi": r"1 + \varepsilon\,\mathrm{He}_n",
                    r"\varepsilon": r"\text{any number: degree } n \text{ has the share } \mu/n",
                    "q": "1",
                },
            ),
            Step(
                "degree 8 fails",
                lines(
                    r"\phi = 1 + \varepsilon\,\mathrm{He}_8,\ \ w = 8!\,\varepsilon^2,\ q = r = 1:\quad P(1) = 2 - 36w "
                    r"+ 90w^2 < 0 \iff \tfrac1{15} < w < \tfrac13;",
                    r"w = \tfrac15,\ \rho = \tfrac{19}{20}:\quad \frac{\tilde K(\rho)}{\tilde K(1)} - "
                    r"\frac{K(\rho)}{K(1)} = \frac{46572537073}{7168000000000} > 0",
                ),
                "$\\kappa = 1 + w\\rho^8$ by orthogonality; exact rational arithmetic",
                cases.degree_eight,
                every("w rho"),
                names={
                    r"\phi": r"1 + \varepsilon\,\mathrm{He}_8",
                    r"\varepsilon": r"\sqrt{w/8!}",
                    "q": "1",
                    "r": "1",
                    r"\kappa": r"1 + w\rho^8",
                    "K": r"(\rho\kappa)'",
                    r"\tilde K": r"(\rho^2\kappa)'",
                },
            ),
            Step(
                "kinks",
                lines(
                    r"R' = 1 + \frac{r}{1+r\mu} - \frac{r^2\rho\mu'}{(1+r\mu)^2}, \qquad \sum_k k^2c_k = \infty "
                    r"\quad\Longrightarrow\quad R' \to -\infty \quad (\rho \to 1);",
                    r"\phi = \alpha z + \beta|z|,\ \beta \ne 0,\ t = \frac{2\beta^2}{\pi(\alpha^2+\beta^2)} > 0:\quad "
                    r"\kappa'' = \frac{t\,\kappa'(1)}{\sin\theta} \to \infty",
                ),
                "a jump of $\\phi'$ has no square integrable derivative, so $\\sum k(k-1)c_k = "
                "q^2\\mathbb{E}[\\phi''^2] = \\infty$, while $\\sum kc_k < \\infty$; then $\\rho\\mu' = V \\to "
                "\\infty$ by monotone convergence and $\\mu$ stays bounded. $R$ is continuous at 1 (Abel), hence "
                "$R(\\rho) > R(1)$ to the left of it: **no activation with a kink obeys the inequality**",
                bounds.kinks,
                every(
                    "r rho mu M t theta alpha beta",
                    by.WEAK_DERIVATIVE.gives("a jump of $\\phi'$ has no square integrable derivative, so"),
                    by.MONOTONE,
                    by.ABEL.gives("$R$ is continuous at 1 (Abel), hence"),
                    by.MONOTONE_FUNCTION.gives("hence $R(\\rho) > R(1)$"),
                ),
                names={
                    r"\phi": r"\alpha z+\beta|z|",
                    "z": r"\text{the argument}",
                    r"\kappa": r"\cos\theta\,(1-t\theta) + t\sin\theta \text{ at } \rho = \cos\theta",
                    "R": r"\rho\Bigl(1+\frac{r}{1+r\mu}\Bigr)",
                    "c_k": r"\text{the coefficients of } \kappa",
                },
            ),
            Step(
                "a minorant that is linear in the weights",
                lines(
                    r"P = A\,Q_\tau + 2r^2(B-\tau A)^2, \qquad Q_\tau(\rho) = \sum_k \omega_\tau(k)\,c_k\rho^k,",
                    r"\omega_\tau(k) = 1 + r - 2r^2\tau^2 + (2r + r^2 + 4r^2\tau)\,k - r^2k^2; \qquad A\,Q_M(1) = P(1)",
                ),
                "completing the square, for any $\\tau$; it is sharp at $\\rho = 1$ for $\\tau = M$",
                bounds.minorant,
                every("r A B C tau k M"),
                names={"c_k": r"\text{any weights}", r"\rho": r"\text{any point}"},
            ),
            Step(
                "one condition decides",
                lines(
                    r"M \le \frac1r\sqrt{\frac{1+r}2} \quad\text{or}\quad c_0 = 0,\ M \le 1 + "
                    r"\sqrt{1 + \frac{1+3r}{2r^2}}:",
                    r"\frac{\tilde K(\rho)}{\tilde K(1)} \le \frac{K(\rho)}{K(1)} \text{ on } [0,1] \iff W \le "
                    r"\frac{1+r}{r^2} + \frac{2M}{r} + 2M^2",
                ),
                "$\\omega_M$ is concave in $k$ and not negative at 0 (at 1 if $c_0 = 0$): its signs change once, "
                "from $+$ to $-$, say after $k_0$. Then $Q_M(\\rho) \\ge \\rho^{k_0}Q_M(1)$, term by term, "
                "which is $\\rho^{k_0}P(1)/A$, and $P \\ge 0$ on $(0, 1]$ follows from $P(1) \\ge 0$. In particular "
                "$W \\le (1+r)/r^2 + 2M/r$ "
                "suffices whatever $M$ is ($\\tau = 0$)",
                bounds.sign_pattern,
                every("r tau k K w"),
                names={
                    "M": r"\tau",
                    "c_k": r"\text{weights that are not negative}",
                    "A": r"\sum_kc_k",
                    "C": r"\sum_kk(k-1)c_k",
                    r"\rho": "(1+y)^{-1}",
                    r"\kappa": r"\sum_kc_k\rho^k",
                },
            ),
            Step(
                "ramps",
                lines(
                    r"r = 1,\ M \le \tfrac52,\ (1+2M)^2\gamma^2 \ge 2(M^2-1)W,\ \gamma = \frac{c_1}{A}:\quad "
                    r"\text{the same equivalence},",
                    r"Q_M(\rho_1) \ge \frac{(1+2M)^2c_1^2}{C} - 2(M^2-1)A \ge 0, \quad Q_1(\rho_1) \ge "
                    r"\rho_1c_1(5-2M) \ge 0, \qquad \rho_1 = \frac{(1+2M)c_1}{C}",
                ),
                "let $M > 1$. $A(\\rho) \\le A$, $B(\\rho) \\ge \\rho c_1$, $C(\\rho) \\le \\rho^2C$. $Q_1$ has one "
                "change of sign ($\\omega_1(0) = 0$), so $Q_1(\\rho_1) \\ge 0$ gives $P \\ge 0$ on $(0, \\rho_1]$. "
                "$Q_M$ is $\\omega_M(0)c_0 < 0$ plus a series whose coefficients, and those of its derivative, "
                "change sign once: it rises and then falls, so that $Q_M \\ge 0$ at $\\rho_1$ and at 1 gives $P \\ge "
                "0$ on $[\\rho_1, 1]$. If $\\rho_1 \\ge 1$ then $C \\le 6c_1$ and $Q_1(1) \\ge 0$. For $\\phi = z/2 + "
                "$ even, such as GELU, SiLU and softplus, $c_1 = q/4$",
                bounds.ramps,
                ingredient(
                    "the two lower bounds, the condition, $\\omega_1(0)$ and $\\omega_M(1)$",
                    why="where the series of both minorants change sign is argued in words",
                ),
            ),
            Step(
                "at every variance",
                lines(
                    r"e^z:\ \ \tfrac{P}{A^2} = 1 + r + 2rx + r^2x^2; \qquad \sin:\ \ P = (1+r)\sinh^2x + "
                    r"rx\sinh2x + r^2x^2(\cosh^2x + 1);",
                    r"\cos\ (r \le 1):\ \ P \ge (1-r)(1+2r)(1+x^2) + 2r^2 + rx\sinh 2x + r^2x^2\cosh^2x;",
                    r"z_+^2\ (r = 1):\ \ M = W = \tfrac43 \le 6M",
                ),
                "$x = q\\rho$; the engine's duals up to a factor that depends on $q$ alone. For the cosine $\\cosh^2x "
                "\\ge 1 + x^2$; for the squared ReLU the minorant with $\\tau = 1$, $\\omega_1(0) = 0$",
                cases.always,
                every("r x"),
                names={
                    r"\kappa": r"\text{the dual as a function of } x, \text{ up to a factor}",
                    r"\rho": "x",
                    "z": r"\text{the argument}",
                },
            ),
            Step(
                "the Gaussian",
                r"e^{-z^2/2}:\quad V = 2\mu(1+\mu), \qquad (1+\mu)(2+\mu) - V = (1+\mu)(2-\mu), \qquad M = "
                r"\frac{q^2}{1+2q} \le 2 \iff q \le 2+\sqrt6",
                "the engine's dual; $\\mu$ increases with $\\rho$, so $M \\le 2$ decides ($r = 1$)",
                cases.gaussian,
                every("q rho", by.MONOTONE_FUNCTION.gives("so $M \\le 2$ decides")),
                names={r"\kappa": r"\bigl((1+q)^2 - q^2\rho^2\bigr)^{-1/2}", "z": r"\text{the argument}"},
            ),
            Step(
                "piecewise linear activations",
                lines(
                    r"\phi = \alpha z + \beta|z|,\ t = \frac{2\beta^2}{\pi(\alpha^2+\beta^2)}:\quad \frac{S}{S(1)} = "
                    r"\cos\theta\,(1-t\theta) + t\sin\theta, \quad \frac{T}{T(1)} = 1 - t\theta,",
                    r"\frac{\tilde K(\rho)}{\tilde K(1)} - \frac{K(\rho)}{K(1)} = \sin\theta\cos\theta\;g(\theta), "
                    r"\qquad g = t\left(\frac{1+r}{1+2r} - \frac{1}{(1+r)\cos\theta}\right) - "
                    r"(1-t\theta)\tan\frac\theta2",
                ),
                "the arc-cosine kernel ([arc_cosine](arc_cosine.md)), here from the engine for $|z|$ and ReLU and by "
                "superposition; $(1-\\cos\\theta)/\\sin\\theta = \\tan(\\theta/2)$. ReLU: $t = 1/\\pi$",
                cases.family,
                every("alpha beta q r t theta"),
                names={
                    r"\phi(z)": r"\alpha z+\beta|z|",
                    "z": r"\text{the argument}",
                    "S": r"\mathbb{E}[\phi(u)\,\phi(v)]",
                    "T": r"\mathbb{E}[\phi'(u)\,\phi'(v)]",
                    "u": r"\text{Gaussian with variance } q",
                    "v": r"\text{Gaussian with variance } q \text{ and } \mathbb{E}[uv] = q\cos\theta",
                    "K": r"S + r\,q\cos\theta\,T",
                    r"\tilde K": r"q\cos\theta\,\bigl((1+r)\,S + r\,q\cos\theta\,T\bigr)",
                    r"\rho": r"\cos\theta",
                },
            ),
            Step(
                "the exact angle",
                lines(
                    (
                        r"0 < t \le \tfrac1\pi: \qquad g(0) = \frac{t\,r^2}{(1+r)(1+2r)} > 0, \qquad g' = "
                        r"-\frac{t\sin\theta}{(1+r)\cos^2\theta} "
                        r"- \frac{1 - t(\theta+\sin\theta)}{2\cos^2(\theta/2)} < 0, \qquad g\cos\theta \to "
                        r"-\frac{t}{1+r} < 0 \quad (\theta \to \tfrac\pi2)"
                    ),
                    (
                        r"\Longrightarrow\quad g(\theta) = 0 \text{ for exactly one } \theta = \theta^* \in (0, "
                        r"\tfrac\pi2)"
                    ),
                ),
                (
                    r"for $0 < t \le 1/\pi$ (ReLU; leaky ReLU with slope $\ge 0$, $\ne 1$) $t(\theta + "
                    r"\sin\theta) \le \frac12 + \frac1\pi < 1$ on $[0, \pi/2]$, so that $g$ decreases from "
                    r"$g(0)$ to $-\infty$ and has one zero: pairs closer than $\theta^*$ come closer by gating, those "
                    r"from $\theta^*$ to a right angle move apart"
                ),
                cases.angle,
                every(
                    "r t theta",
                    by.MONOTONE_FUNCTION.gives("so that $g$ decreases"),
                    by.INTERMEDIATE.gives("and has one zero"),
                    by.CONTINUOUS,
                ),
                beyond="nothing is said beyond a right angle, where some pairs come closer again: ReLU, $r = 1$, at "
                "135° 0.019 gated and $-0.064$ plain",
            ),
            Step(
                "its size",
                r"\theta^* = \ell + \frac{r\,t}{1+r}\,\ell^2 + O(\ell^3), \qquad \ell = \frac{2t\,r^2}{(1+r)(1+2r)}; "
                r"\qquad \text{ReLU},\ r = 1:\ \ \ell = \frac1{3\pi}",
                "Taylor series of $g$; implicit function theorem",
                cases.first_order,
                every("r t", by.TAYLOR, by.IMPLICIT),
                names={r"\ell": r"\frac{2t\,r^2}{(1+r)(1+2r)}", r"\theta": r"\text{the root of } g"},
            ),
        ),
        remarks=(
            (
                "The condition on the diagonal needs three one-dimensional Gaussian integrals. Where it ceases to "
                "hold for GELU, SiLU, the logistic function and others, as the variance grows, is enclosed in balls "
                "by the check `decorrelation`."
            ),
            (
                "Activations that jump (step, sign) have $T(1) = \\infty$ and no normalised NTK; they are outside the "
                "statement."
            ),
        ),
    )
