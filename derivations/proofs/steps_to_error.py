"""How many steps gradient descent needs to a relative error ε: bounds with constants, and for every target."""

from __future__ import annotations

import sympy as sp

from derivations.tools import theorems as by
from derivations.tools.latex import lines
from derivations.tools.means import ORDER, concluded, reading
from derivations.tools.proof import Outcome, Proof, Step, both, every, follows
from derivations.tools.sums import Index, Tensor, same, total
from derivations.tools.zero import positive, strictly, zero

#: Steps, ln(1/ε), the smallest eigenvalue, and how far another one is from it and from the largest.
k, log, least = sp.symbols("k l lambda_n", positive=True)
above, below = sp.symbols("u v", nonnegative=True)
most = least + above + below
#: y = 1/(κ − 1).
y = sp.Symbol("y", positive=True)
kappa = 1 + 1 / y
#: −ln of the factor by which the slowest mode shrinks, over what it is compared with; and something not negative.
rest, more = sp.symbols("h s", nonnegative=True)
w, t, mu = Tensor("w"), Tensor("t"), Tensor("mu")
slow, fast = Index("e", "p"), Index("f", "q")

#: The constants: k ≤ κ ln(1/ε) at 1/λ_1 and κ/2 ln(1/ε) at 2/(λ_1 + λ_n).
LARGEST, OPTIMAL = sp.Integer(1), sp.Rational(1, 2)


def _increasing(function: sp.Expr, slope: sp.Expr) -> Outcome:
    """A function of y that is 0 at 0 and has this slope, which is not negative, is not negative for y > 0."""
    concluded(function)
    return both(zero(function.subs(y, 0), (sp.diff(function, y), slope)), positive(slope))


def _logarithm() -> Outcome:
    """In y = x/(1 − x), x = 1/κ: −ln(1 − x) = ln(1 + y), (1 + x)/(1 − x) = 1 + 2y."""
    x = 1 / kappa
    reading({r"\ln\Bigl(1-\frac1\kappa\Bigr)": -sp.log(1 + y), r"\ln\frac{\kappa+1}{\kappa-1}": sp.log(1 + 2 * y)})
    return both(
        zero((1 / (1 - x), 1 + y), ((1 + x) / (1 - x), 1 + 2 * y), (x / (1 - x), y), (kappa - 1, 1 / y)),
        _increasing(sp.log(1 + y) - y / (1 + y), y / (1 + y) ** 2),
        _increasing(y - sp.log(1 + y), y / (1 + y)),
        _increasing(sp.log(1 + 2 * y) - 2 * y / (1 + y), 2 * y**2 / ((1 + 2 * y) * (1 + y) ** 2)),
        _increasing(2 * y - sp.log(1 + 2 * y), 4 * y / (1 + 2 * y)),
    )


def _largest() -> Outcome:
    """0 ≤ 1 − λ/λ_1 ≤ 1 − 1/κ."""
    factor = 1 - (least + above) / most
    return both(zero(factor - below / most, 1 - least / most - factor - above / most), positive(below / most, above))


def _optimal() -> Outcome:
    """ρ² − (1 − ηλ)² = 4uv/(λ_1 + λ_n)²."""
    rho, factor = (most - least) / (most + least), 1 - 2 * (least + above) / (most + least)
    gap = 4 * above * below / (most + least) ** 2
    # ρ − |1 − ηλ| is the difference of squares over ρ + |1 − ηλ| (where that is 0 both are)
    reading({r"|1-\eta\lambda_i|": rho - gap / sp.Symbol("f", positive=True), r"\rho": rho}, ORDER)
    return both(zero(rho**2 - factor**2 - gap), positive(gap, rho))


def _power() -> Outcome:
    """(1 + s)^{2k} ≥ 1: so for s = 0, and the slope in s is not negative."""
    function = (1 + more) ** (2 * k)
    slope = 2 * k * (1 + more) ** (2 * k - 1)
    return both(zero(function.subs(more, 0) - 1, (sp.diff(function, more), slope)), positive(slope))


def _targets() -> Outcome:
    """With factors ρ/t_e, t_e ≥ 1, of any number of modes."""
    rho = sp.Symbol("rho", positive=True)
    loss = total(w[slow] * rho ** (2 * k) * t[slow] ** (-2 * k), slow)
    gap = total(w[slow] * rho ** (2 * k) * t[slow] ** (-2 * k) * (t[slow] ** (2 * k) - 1), slow)
    lost = sp.Symbol("s", nonnegative=True)  # what the gap is: its terms are not negative
    whole = sp.Symbol("L_0", positive=True)
    reading({"L_k": rho ** (2 * k) * whole - lost, r"\rho": rho, "L_0": whole, "k": k})
    return both(same(total(w[slow] * rho ** (2 * k), slow) - loss - gap), _power())


def _enough() -> Outcome:
    """κ a = 1 + h at 1/λ_1, 2 + h at the best rate; k κ⁻¹ = c l + s: k a − l is not negative, e^{−(ka−l)} ≤ 1."""
    parts = []
    for constant, rate in ((LARGEST, 1), (OPTIMAL, 2)):
        left = (constant * log + more) * (rate + rest) - log
        parts.append(both(zero(left - (constant * rest * log + more * (rate + rest))), positive(constant * rest * log)))
    function = 1 - sp.exp(-y)
    return both(*parts, _increasing(function, sp.exp(-y)))


def _attained() -> Outcome:
    """Of the bottom mode alone; from a ≤ y at 1/λ_1 and a ≤ 2y at the best rate: l/a ≥ (κ − 1) l, (κ − 1)/2 l."""
    parts = []
    for constant, rate in ((LARGEST, 1), (OPTIMAL, 2)):
        share = 1 / (1 + rest)  # a = rate·y/(1 + h)
        gap = log / (rate * y * share) - constant * (kappa - 1) * log
        # κ y = κ/(κ − 1), and a ≥ rate/κ: l/a is at most κ l and κ l/2
        above_ = constant * kappa * log - log / ((rate + rest) / kappa)
        most_ = constant * kappa * log * rest / (rate + rest)
        parts.append(
            both(
                zero(gap - rest * log / (rate * y), above_ - most_),
                positive(rest * log / (rate * y), most_),
            )
        )
    best = 2 / (most + least)
    rho = (most - least) / (most + least)
    return both(*parts, zero((1 - least / most, 1 - 1 / (most / least)), 1 - best * least - rho, 1 - best * most + rho))


def _best() -> Outcome:
    """M bounds both factors, 1 − ηλ_n = M − s and ηλ_1 − 1 = M − h: M ≥ (λ_1 − λ_n)/(λ_1 + λ_n)."""
    eta, bound = sp.symbols("eta M", positive=True)
    left = most * (1 - eta * least) + least * (eta * most - 1)
    weighted = most * (bound - more) + least * (bound - rest)
    gap = bound * (most + least) - weighted - (most * more + least * rest)
    return both(zero(left - (most - least), gap), positive(most * more + least * rest))


def _from_below() -> Outcome:
    """Modes: p with factors r t_e, t_e ≥ 1, and any number q of others."""
    r = sp.Symbol("r", positive=True)
    loss = total(w[slow] * r ** (2 * k) * t[slow] ** (2 * k), slow) + total(w[fast] * mu[fast] ** (2 * k), fast)
    gap = total(w[slow] * r ** (2 * k) * (t[slow] ** (2 * k) - 1), slow) + total(w[fast] * mu[fast] ** (2 * k), fast)
    # r = e^{−a}, τ = e^{−2b}, ε = e^{−l}: τ r^{2k} ≤ ε² says ka + b − l = s ≥ 0
    a, b = sp.Symbol("a", positive=True), sp.Symbol("b", nonnegative=True)
    reached = (log - b + more) / a
    steps = follows(
        "what $\\tau r^{2k} \\le \\varepsilon^2$ says of $k$",
        zero((sp.exp(-2 * b) * sp.exp(-a) ** (2 * k) / sp.exp(-2 * log), sp.exp(-2 * (k * a + b - log)))),
        zero(reached * a + b - log - more, reached - (log - b) / a - more / a),
        positive(more / a),
    )
    return both(same(loss - total(w[slow], slow) * r ** (2 * k) - gap), _power(), steps)


def _from_above() -> Outcome:
    """Modes: p of any factor 1/t_e, t_e ≥ 1; of the q others the factor is r/(…), at most r."""
    r, share, error = sp.symbols("r tau epsilon", positive=True)
    loss = total(w[slow] * t[slow] ** (-2 * k), slow) + total(w[fast] * r ** (2 * k) * t[fast] ** (-2 * k), fast)
    bound = total(w[slow], slow) + total(w[fast], fast) * r ** (2 * k)
    gap = total(w[slow] * t[slow] ** (-2 * k) * (t[slow] ** (2 * k) - 1), slow)
    gap += total(w[fast] * r ** (2 * k) * t[fast] ** (-2 * k) * (t[fast] ** (2 * k) - 1), fast)
    # where r^{2k} (1 − τ) = ε² − τ − s the bound is ε² − s
    power = (error**2 - share - more) / (1 - share)
    return both(same(bound - loss - gap), _power(), zero((share + power - share * power, error**2 - more)))


def _spike() -> Outcome:
    """At 1/λ_1 the factor of the first mode is 0; of the others 1/(1 + h) ≤ 1, once."""
    after = total(w[fast] * t[fast] ** (-2), fast)
    gap = total(w[fast] * t[fast] ** (-2) * (t[fast] ** 2 - 1), fast)
    # L_1 = L_0 − w_1 − s and ε² = 1 − w_1/L_0 + h
    start, first = sp.symbols("L_0 w_1", positive=True)
    error = sp.Symbol("epsilon", positive=True)
    room = (1 - first / start + rest) * start - (start - first - more)
    written = error**2 * start - (start - first - more) - (error**2 - (1 - first / start)) * start - more
    enough = follows("one step is enough", zero(room - rest * start - more, written), positive(rest * start + more))
    return both(same(total(w[fast], fast) - after - gap), positive(sp.expand((1 + rest) ** 2 - 1)), enough)


def _shared() -> Outcome:
    """The logarithms are x (1 + h) ≤ x/(1 − x) for both: quotients of such numbers, x = ηλ_n and z = ηλ̃_n below 1."""
    x, z = (1 / (1 + sp.Symbol(name, positive=True)) for name in ("p", "q"))
    low = z * (1 + more) / (x / (1 - x) / (1 + rest)) - z * (1 - x) / x
    high = z / ((1 - z) * x) - (z / (1 - z) / (1 + more)) / (x * (1 + rest))
    first = z * (1 - x) / x * ((1 + more) * (1 + rest) - 1)
    second = z / ((1 - z) * x) * ((1 + more) * (1 + rest) - 1) / ((1 + more) * (1 + rest))
    return both(
        zero(low - first, high - second),
        positive(sp.expand((1 + more) * (1 + rest) - 1)),
        strictly(*(sp.cancel(value) for value in (z * (1 - x) / x, z / ((1 - z) * x)))),
    )


def proof() -> Proof:
    return Proof(
        title="Steps to an error: what the condition number says, and what it does not",
        source="§1 and §4 of arXiv 2605.20749 (the order); the classical rate of gradient descent with constants, and "
        "two-sided bounds for a given target by this project",
        summary=(
            "Gradient descent on a quadratic, with error $\\|e_k\\|/\\|e_0\\|$: at $\\eta = 1/\\lambda_1$ at most "
            "$\\lceil\\kappa\\ln(1/\\varepsilon)\\rceil$ steps for *every* target, at the best constant rate at most "
            "$\\lceil\\tfrac\\kappa2\\ln(1/\\varepsilon)\\rceil$. The bottom eigenvector, the worst target, takes at "
            "least $(\\kappa-1)\\ln(1/\\varepsilon)$ and $\\tfrac{\\kappa-1}2\\ln(1/\\varepsilon)$: nearly as many "
            "where $\\kappa$ is large, fewer else. For a given target the weight of its slow modes decides, from below "
            "and from above; a spike is learned in one step, and at a rate that two networks share it does not enter "
            "for the two worst targets."
        ),
        notation=(
            "$\\lambda_1 \\ge \\dots \\ge \\lambda_n > 0$ the eigenvalues, $\\kappa = \\lambda_1/\\lambda_n$; "
            "$w_i$ the initial loss in mode $i$, $L_k = \\sum_i w_i\\,r_i^{2k}$, $r_i = |1-\\eta\\lambda_i|$ "
            "([expected_loss](expected_loss.md)); $k_\\varepsilon$ the first $k$ with $L_k \\le \\varepsilon^2 L_0$, "
            "$\\ell = \\ln(1/\\varepsilon)$, $\\rho = (\\kappa-1)/(\\kappa+1)$; $y = 1/(\\kappa-1)$, "
            "$\\lambda = \\lambda_n + u = \\lambda_1 - v$; $h, s \\ge 0$."
        ),
        names={
            r"\kappa": r"1 + \frac1y",
            r"\rho": r"\frac{\kappa-1}{\kappa+1}",
            "L_k": r"\sum_iw_i\,r_i^{2k}",
            r"\varepsilon": r"e^{-\ell}",
            r"k_\varepsilon": r"\text{the first } k \text{ with } L_k \le \varepsilon^2L_0",
        },
        steps=(
            Step(
                "the logarithm",
                lines(
                    r"\frac1\kappa \le -\ln\Bigl(1-\frac1\kappa\Bigr) \le \frac1{\kappa-1}, \qquad "
                    r"\frac2\kappa \le \ln\frac{\kappa+1}{\kappa-1} \le \frac2{\kappa-1} \qquad (\kappa > 1)"
                ),
                "each difference is $0$ at $y = 0$ and has a slope that is not negative",
                _logarithm,
                every("y", by.CALCULUS),
            ),
            Step(
                "the factors at the inverse largest eigenvalue",
                r"\eta = 1/\lambda_1: \qquad 0 \le 1-\eta\lambda_i \le 1-1/\kappa",
                "the differences are $v/\\lambda_1$ and $u/\\lambda_1$",
                _largest,
                every("u v lambda_n"),
                names={
                    r"\lambda_1": r"\lambda_n + u + v",
                    r"\lambda_i": r"\lambda_n + u",
                    r"\kappa": r"\lambda_1/\lambda_n",
                    r"\eta": r"1/\lambda_1",
                },
            ),
            Step(
                "the factors at the best rate",
                r"\eta = \frac2{\lambda_1+\lambda_n}: \qquad |1-\eta\lambda_i| \le \rho = \frac{\kappa-1}{\kappa+1}",
                "$\\rho^2 - (1-\\eta\\lambda)^2 = 4uv/(\\lambda_1+\\lambda_n)^2$",
                _optimal,
                every("u v lambda_n"),
                names={
                    r"\lambda_1": r"\lambda_n + u + v",
                    r"\lambda_i": r"\lambda_n + u",
                    r"\kappa": r"\lambda_1/\lambda_n",
                    r"\eta": r"2/(\lambda_1 + \lambda_n)",
                },
            ),
            Step(
                "every target",
                r"r_i \le \rho \text{ for all } i \quad\Longrightarrow\quad L_k \le \rho^{2k} L_0",
                "mode by mode, $r_i = \\rho/t_i$ with $t_i \\ge 1$; the weights are not negative (a mode with "
                "$r_i = 0$ adds nothing)",
                _targets,
                every("k p w t rho", by.CALCULUS),
                names={"r_i": r"\rho/t_i", "i": r"\text{a mode}"},
            ),
            Step(
                "so many steps are enough",
                r"k_\varepsilon \le \lceil\kappa\,\ell\rceil \ \ (\eta = 1/\lambda_1), \qquad "
                r"k_\varepsilon \le \lceil\tfrac\kappa2\,\ell\rceil \ \ (\eta = 2/(\lambda_1+\lambda_n))",
                "with $a = -\\ln\\rho$, $\\kappa a = 1 + h$ or $2 + h$ by the first step, and "
                "$k = \\kappa(c\\,\\ell + s)$: $ka \\ge \\ell$, hence $\\rho^k \\le \\varepsilon$",
                _enough,
                every("l h s y", by.CALCULUS, by.EXPONENTIAL.gives("hence $\\rho^k \\le \\varepsilon$")),
                names={
                    r"\eta": r"\text{either rate}",
                    r"\lambda_1": r"\kappa\lambda_n",
                    r"\lambda_n": r"\text{the least eigenvalue}",
                    "L_k": r"\text{at most } e^{-2ka}L_0, \ \kappa a = 1 + h \text{ or } 2 + h",
                    "a": r"-\ln\rho",
                },
            ),
            Step(
                "the bottom eigenvector",
                lines(
                    r"e_0 \propto q_n: \quad (\kappa-1)\,\ell \le k_\varepsilon = "
                    r"\Bigl\lceil\frac{\ell}{-\ln(1-1/\kappa)}\Bigr\rceil \le \lceil\kappa\,\ell\rceil \ \ "
                    r"(\eta = 1/\lambda_1),",
                    r"e_0 \in \mathrm{span}(q_1, q_n): \quad \tfrac{\kappa-1}2\,\ell \le k_\varepsilon = "
                    r"\Bigl\lceil\frac{\ell}{-\ln\rho}\Bigr\rceil \le \lceil\tfrac\kappa2\,\ell\rceil \ \ "
                    r"(\eta = 2/(\lambda_1+\lambda_n))",
                ),
                "one factor only: $L_k = r^{2k}L_0$; the first step bounds it from above. The bounds on the right, of "
                "the step before, are not attained in general",
                _attained,
                every("u v lambda_n l h y"),
                names={
                    r"\lambda_1": r"\lambda_n + u + v",
                    r"\lambda_i": r"\lambda_n + u",
                    r"\kappa": r"\lambda_1/\lambda_n",
                    r"\eta": r"\text{either rate}",
                    "e_0": r"\text{the first error}",
                    "q_i": r"\text{the eigenvectors}",
                    "L_k": "r^{2k}L_0",
                    "r": r"1-\eta\lambda_n",
                },
            ),
            Step(
                "no constant rate does better",
                r"\max(|1-\eta\lambda_1|, |1-\eta\lambda_n|) \ge \rho \quad\text{for every } \eta",
                "the mean of $1-\\eta\\lambda_n$ and $\\eta\\lambda_1-1$ with weights $\\lambda_1$ and $\\lambda_n$ is "
                "$\\rho$",
                _best,
                every("u v lambda_n eta M h s"),
                names={
                    r"\lambda_1": r"\lambda_n + u + v",
                    r"\lambda_i": r"\lambda_n + u",
                    r"\kappa": r"\lambda_1/\lambda_n",
                },
            ),
            Step(
                "a given target, from below",
                r"0 < r < 1,\ r_i \ge r \text{ for modes of the share } \tau > 0 \text{ of } L_0 "
                r"\quad\Longrightarrow\quad "
                r"k_\varepsilon \ge \frac{\ell - \frac12\ln(1/\tau)}{-\ln r}",
                "$L_k \\ge \\tau r^{2k} L_0$; all other terms are not negative",
                _from_below,
                every("k p q w t mu r l", by.CALCULUS),
                names={
                    r"\tau": r"\sum_ew_e/L_0, \ e \text{ over these modes}",
                    "L_k": r"\sum_ew_er^{2k}t_e^{2k} + \sum_fw_f\mu_f^{2k}",
                    "e": r"\text{a mode}",
                    "f": r"\text{another mode}",
                },
            ),
            Step(
                "a given target, from above",
                r"0 < r < 1,\ r_i \le r \text{ but for modes of the share } \tau < \varepsilon^2,\ r_i \le 1 "
                r"\quad\Longrightarrow"
                r"\quad k_\varepsilon \le "
                r"\Bigl\lceil\frac{\frac12\ln\frac{1-\tau}{\varepsilon^2-\tau}}{-\ln r}\Bigr\rceil",
                "$L_k \\le (\\tau + (1-\\tau)\\,r^{2k})\\,L_0$",
                _from_above,
                every("k p q w t r tau epsilon s", by.CALCULUS),
            ),
            Step(
                "a spike is learned at once",
                r"\eta = 1/\lambda_1: \qquad L_1 \le L_0 - w_1, \quad\text{so } k_\varepsilon \le 1 \text{ for } "
                r"\varepsilon^2 \ge 1 - w_1/L_0",
                "its factor is $1 - \\lambda_1/\\lambda_1 = 0$; the others are $1/t_i$, $t_i = 1 + h$",
                _spike,
                every("q w t h epsilon"),
                names={
                    "L_1": r"\sum_fw_ft_f^{-2}",
                    "L_0": r"w_1 + \sum_fw_f",
                    r"\lambda_1": r"\text{the largest eigenvalue}",
                    r"\eta": r"1/\lambda_1",
                    "r_i": "1/t_i",
                },
            ),
            Step(
                "at a rate that two networks share",
                r"\frac{\tilde\lambda_n}{\lambda_n}(1-\eta\lambda_n) \le "
                r"\frac{-\ln(1-\eta\tilde\lambda_n)}{-\ln(1-\eta\lambda_n)} \le "
                r"\frac{\tilde\lambda_n}{\lambda_n}\,\frac1{1-\eta\tilde\lambda_n}",
                "$\\eta \\le 1/\\lambda_1, 1/\\tilde\\lambda_1$ and $\\eta\\lambda_n, \\eta\\tilde\\lambda_n < 1$; "
                "the quotient of the steps of the two worst targets, "
                "before rounding to whole ones; from the first step. No largest eigenvalue occurs",
                _shared,
                every("h s p q"),
                names={
                    r"\eta": r"\text{any rate}",
                    r"\lambda_n": r"\frac{1}{\eta(1+p)}",
                    r"\tilde\lambda_n": r"\frac{1}{\eta(1+q)}",
                },
            ),
        ),
        remarks=(
            (
                "Steps 8 and 9 say that the *effective* condition number of a target is $\\lambda_1/\\lambda_j$ with "
                "$j$ the last mode that has to be learned: modes of a total share below $\\varepsilon^2$ need not be."
            ),
            (
                "At $\\eta = 2/(\\lambda_1+\\lambda_n)$, the best rate for the worst target, the spike shrinks as "
                "slowly as the bottom mode: for targets that lie in it $1/\\lambda_1$ needs one step, and this rate as "
                "many as the worst target does."
            ),
        ),
    )
