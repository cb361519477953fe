"""Theorem A: what gating does to the ends of the spectrum of the full kernel, for every data set and activation."""

from __future__ import annotations

import sympy as sp

from derivations.proofs.ntk_gated import equation_four
from derivations.proofs.ntk_plain import equation_three
from derivations.tools import matrices
from derivations.tools import theorems as by
from derivations.tools.latex import lines
from derivations.tools.limits import tends
from derivations.tools.matrices import i, j, quotient, u, weighted_sum
from derivations.tools.means import reading, spots
from derivations.tools.proof import Outcome, Proof, Step, both, every
from derivations.tools.sums import Tensor, delta, same, total, unit_diagonal
from derivations.tools.zero import positive, zero
from glutheory.networks import GATES, Network, network
from glutheory.symbolic.kernels import d, g, kernels, m

S, T = sp.symbols("S T", real=True)
sv, sp_ = sp.symbols("sigma_v sigma_p", positive=True)
_LECUN = {sv: 1 / sp.sqrt(m), sp_: 1 / sp.sqrt(d)}
#: The ntk parametrisation: the standard one with m = 1 and all variances 1/d, times d.
_NTK = {m: 1, sv: 1 / sp.sqrt(d), sp_: 1 / sp.sqrt(d)}


def engine(name: str | Network, parametrization: str) -> sp.Expr:
    """The NTK that differentiating the network gives, in S, T of its gate or hidden branch."""
    found = kernels(network(name), parametrization)
    known: dict[sp.Expr, sp.Expr] = {found.branches[-1].S: S, found.branches[-1].T: T}
    for value in found.branches[:-1]:
        # the value branch is the identity: its dual is the covariance of its pre-activations, with derivative 1
        known |= {value.S: value.covariance, value.T: sp.S.One}
    return sp.Add(*found.blocks.values()).subs(known, simultaneous=True)


def _identity() -> Outcome:
    """K̃ = σ_p² g (K + r S) from Eqs. 3 and 4, and its special cases; from the engine for every gate of the zoo."""
    K, gated = equation_three(), equation_four()
    lecun, wider = K.subs(_LECUN), K.subs(_LECUN).subs(m, m + d)
    reading({"G": g})
    reading({r"\tilde K_m": gated.subs(_LECUN), "K_m": lecun, "K_{m+d}": wider}, r"\text{LeCun: }")
    reading({r"\tilde K": gated.subs(_NTK), "K": K.subs(_NTK)}, r"\text{ntk: }")
    differences = [
        gated - sp_**2 * g * (K + m * sv**2 / sp_**2 * S),
        gated.subs(_LECUN) - g / d * (K + d * S).subs(_LECUN),
        gated.subs(_LECUN) - g / d * K.subs(_LECUN).subs(m, m + d),
        gated.subs(_NTK) - g / d * (K.subs(_NTK) + S),
    ]
    for gate in spots(GATES):
        alone = GATES[gate]
        K, gated = engine(alone, "standard"), engine(gate, "standard")
        general = sp_**2 * g * (K + m * sv**2 / sp_**2 * S)
        wider = K.subs(_LECUN).subs(m, m + d)
        differences += [gated - general, gated.subs(_LECUN) - g / d * (K.subs(_LECUN) + d * S)]
        differences += [gated.subs(_LECUN) - g / d * wider]
        plain, other = engine(alone, "ntk"), engine(gate, "ntk")
        differences += [other - g / d * (plain + S)]
    return zero(*differences)


_MEAN = r"\mathbb{E}\Bigl[\bigl(\textstyle\sum_i u_i\phi(h_i)\bigr)^2\Bigr]"


def _semidefinite() -> Outcome:
    """(Σ u_i f_i)² as a quadratic form, and K − mS = mσ_v² g T entry by entry."""
    squares = [
        total(u[i] * f[i], i) ** 2 - total(u[i] * f[i] * f[j] * u[j], i, j) for f in (Tensor("f"), Tensor("h"))
    ]  # of φ and of φ'
    y, z = sp.symbols("y z", real=True)
    # uᵀSu and uᵀTu are means of squares; the product of two semidefinite matrices is one
    product = sp.Symbol("p", nonnegative=True)
    reading({r"u^\top Su": y**2, _MEAN: y**2, "T": z**2, r"G\odot T": product})
    rest = [(engine(GATES[gate], "standard"), m * S + m * sv**2 * g * T) for gate in spots(GATES)]
    rest.append((equation_three(), m * S + m * sv**2 * g * T))
    return both(same(*squares), positive(y**2, z**2), zero(*rest))


def _sum() -> Outcome:
    """Rayleigh's quotient of K + rS."""
    dual = Tensor("S", symmetric=True)
    r, low, other = sp.symbols("r a b", real=True)
    # by how much the two forms on the right are above and below the ends, on a unit u of the sum's end
    factor, up, above = sp.symbols("r s t", nonnegative=True)
    for end, sign in (("min", 1), ("max", -1)):
        sum_, first, second = (rf"\lambda_{{\{end}}}({item})" for item in ("K+rS", "K", "S"))
        reading({"r": factor, sum_: low + sign * up + factor * (other + sign * above), first: low, second: other})
    left = total(u[i] * (matrices.K[i, j] + r * dual[i, j]) * u[j], i, j) - (low + r * other) * total(u[i] ** 2, i)
    right = total(u[i] * (matrices.K[i, j] - low * delta(i, j)) * u[j], i, j)
    right += r * total(u[i] * (dual[i, j] - other * delta(i, j)) * u[j], i, j)
    return same(left - right)


def _theorem() -> Outcome:
    """The weighted sum for M = K + rS, and the signs of what min g and max g leave."""
    low, high, excess, weight, r, other = sp.symbols("a A e u r b", nonnegative=True)
    # Rayleigh's quotient of K̃ is σ_p² Σ g_i u_i² times one of K + rS; each is between its least and its largest
    norm, left, rest = sp.symbols("g s t", nonnegative=True)
    least, most = low + r * other, high + r * other
    reading({"r": r, r"\min_i\|x_i\|^2": norm, r"\max_i\|x_i\|^2": norm + left})
    reading(
        {
            r"\lambda_{\min}(K)": low,
            r"\lambda_{\min}(S)": other,
            r"\lambda_{\min}(\tilde K)": sp_**2 * (norm + left) * (least + rest),
        }
    )
    reading(
        {
            r"\lambda_{\max}(K)": high + rest,
            r"\lambda_{\max}(S)": other,
            r"\lambda_{\max}(\tilde K)": sp_**2 * norm * most,
        }
    )
    return both(weighted_sum(), positive(sp_**2 * low * excess * weight, sp_**2 * high * excess * weight, r * other))


def _mediant() -> Outcome:
    """σ_p²‖x_i‖² = 1, so that K̃ = C ⊙ (K + rS) with C_ii = 1; (L + rL')/(l + rl') ≤ L/l where L/l ≥ L'/l'."""
    C, sum_ = Tensor("C", symmetric=True), Tensor("K", symmetric=True)
    size = (sp_**2 * g).subs(_LECUN).subs(g, d)  # σ_p² = 1/d in both parametrisations
    trace = total(C[i, i] * sum_[i, i], i).where(unit_diagonal("C")) - total(sum_[i, i], i)
    low, other, r, ratio = sp.symbols("l l' r kappa", positive=True)
    more = sp.Symbol("delta", nonnegative=True)
    high, second = (ratio + more) * low, ratio * other
    gap = high / low - (high + r * second) / (low + r * other)
    rest = r * other * more / (low + r * other)
    # what majorisation leaves: the top falls, the bottom grows
    down, up = sp.symbols("s t", nonnegative=True)
    least, most = low + r * other, high + r * second
    reading({r"\lambda_{\min}(\tilde K)": least + up, r"\lambda_{\min}(K)": low})
    reading({r"\mathrm{cond}(\tilde K_m)": (most - down) / (least + up), r"\mathrm{cond}(K_{m+d})": most / least})
    reading({r"\max\bigl(\mathrm{cond}\,K_m,\ \mathrm{cond}\,S\bigr)": high / low})
    return both(weighted_sum(), same(trace), zero((size, sp.S.One), gap - rest), positive(rest, r * other))


_QUOTIENT = r"\frac{\max\|x_i\|^2}{\min\|x_i\|^2}"


def _width() -> Outcome:
    """(1 + r/m) K − (K + rS) = (r/m)(K − mS) = r σ_v² g T entry by entry, r/m = σ_v²/σ_p²; then the quotient."""
    ratio, worst = m * sv**2 / sp_**2, 1 + sv**2 / sp_**2
    K, gated = equation_three(), equation_four()
    differences = [
        worst * sp_**2 * g * K - gated - ratio * sp_**2 * g * sv**2 * g * T,
        worst * K - (K + ratio * S) - ratio * sv**2 * g * T,
        worst.subs(_NTK) - 2,
    ]
    for gate in spots(GATES):
        alone = GATES[gate]
        K = engine(alone, "standard")
        differences.append(
            (1 + sv**2 / sp_**2) * sp_**2 * g * K - engine(gate, "standard") - ratio * sp_**2 * g * sv**2 * g * T
        )
        differences.append((1 + ratio / m) * K - (K + ratio * S) - ratio * sv**2 * g * T)
    lecun = (worst.subs(_LECUN), 1 + d / m)
    dual = sp.Symbol("y", real=True) ** 2  # of uᵀSu
    # in the order of forms S and G⊙T are not negative; then the quotient of the ends, with the norms
    product, down, up = sp.symbols("p s t", nonnegative=True)
    least, most, short, long = sp.symbols("l L g M", positive=True)
    reading({"S": dual, r"G\odot T": product})
    hurt = (worst * most * long - down) / (least * short + up)
    reading({r"\mathrm{cond}(\tilde K)": hurt, r"\mathrm{cond}(K)": most / least, _QUOTIENT: long / short})
    for label, values in ((r"\text{LeCun: }", _LECUN), (r"\text{ntk: }", _NTK)):
        reading({r"\sigma_v": sv.subs(values), r"\sigma_p": sp_.subs(values)}, label)
    return both(zero(*differences, lecun), positive(ratio * dual), *quotient())


def _wide() -> Outcome:
    """K/m → S and K̃/m → (g/d) S under LeCun's variances; the engine's kernels of every gate too."""
    pairs = [(equation_three(), equation_four())]
    pairs += [(engine(GATES[gate], "standard"), engine(gate, "standard")) for gate in spots(GATES)]
    first, second = (kernel.subs(_LECUN) for kernel in pairs[0])
    least, most = sp.symbols("l L", positive=True)
    down, up = sp.symbols("s t", nonnegative=True)
    reading({"K_m": first, r"\tilde K_m": second, r"G\odot S": g * S})
    reading({r"\mathrm{cond}(\tfrac1d G\odot S)": (most - down) / (least + up), r"\mathrm{cond}(S)": most / least})
    found = []
    for plain, gated in pairs:
        first, second = plain.subs(_LECUN), gated.subs(_LECUN)
        found += [tends(first / m, m, S), tends(second / m, m, g / d * S)]
    return both(*found)


def proof() -> Proof:
    return Proof(
        title="The ends of the gated spectrum",
        source="this project; from I. Schur 1911 and H. Weyl 1912",
        summary=(
            "For *every* data set, width, choice of variances and activation without jumps the smallest eigenvalue "
            "of the full gated "
            "kernel is at least $\\sigma_p^2\\min\\|x_i\\|^2$ times that of the non-gated one, and more precisely "
            "$\\lambda_{\\min}(\\tilde K) \\ge \\sigma_p^2\\min\\|x_i\\|^2\\,[\\lambda_{\\min}(K) + "
            "r\\lambda_{\\min}(S)]$. On normalised inputs gating never lowers the smallest eigenvalue, and it worsens "
            "the condition number by at most the factor $1 + d/m$ (LeCun) or $2$ (ntk parametrisation); in the wide "
            "limit it never worsens it there."
        ),
        notation=(
            "$K, \\tilde K$: the NTKs of $V\\phi(Wx)$ and $V[(Px)\\odot\\phi(Wx)]$ on $n$ inputs; $G = XX^\\top$ with "
            "entries $g$, $g_i = \\|x_i\\|^2$; $S, T$: the matrices of $\\mathbb{E}[\\phi(u)\\phi(v)]$ and "
            "$\\mathbb{E}[\\phi'(u)\\phi'(v)]$; $r = m\\sigma_v^2/\\sigma_p^2$; $A\\succeq B$: $A-B$ is positive "
            "semidefinite. Normalised inputs: $\\|x_i\\|^2 = d$, and LeCun's or the ntk parametrisation."
        ),
        names={
            "K": r"mS + m\sigma_v^2\,G\odot T",
            r"\tilde K": r"m(\sigma_v^2 + \sigma_p^2)\,G\odot S + m\sigma_v^2\sigma_p^2\,G\odot G\odot T",
            "G": r"(g_{ij}), \ g_{ij} = x_i\cdot x_j",
            "x_i": r"\text{the inputs}",
            "r": r"m\sigma_v^2/\sigma_p^2",
            r"\lambda_{\min}": r"\text{the least eigenvalue}",
            r"\lambda_{\max}": r"\text{the largest eigenvalue}",
            r"\mathrm{cond}": r"\lambda_{\max}/\lambda_{\min}",
        },
        steps=(
            Step(
                "the gated kernel as one Hadamard product",
                lines(
                    r"\tilde K = \sigma_p^2\,G\odot(K + rS), \qquad r = m\sigma_v^2/\sigma_p^2,",
                    r"\text{LeCun: } \tilde K_m = \tfrac1d G\odot(K_m + dS) = \tfrac1d G\odot K_{m+d}; \qquad "
                    r"\text{ntk: } \tilde K = \tfrac1d G\odot(K+S)",
                ),
                (
                    "Eqs. 3 and 4 ([ntk_plain](ntk_plain.md), [ntk_gated](ntk_gated.md)); the engine's kernels "
                    "of every gate that it has, each against that of its gate alone, in all symbols; $K_{m+d}$ "
                    "is the non-gated kernel of width $m+d$"
                ),
                _identity,
                every("m d g S T sigma_v sigma_p"),
            ),
            Step(
                "the parts are positive semidefinite",
                r"u^\top Su = \mathbb{E}\Bigl[\bigl(\textstyle\sum_i u_i\phi(h_i)\bigr)^2\Bigr] \ge 0, \qquad "
                r"T\succeq0, \qquad K - mS = m\sigma_v^2\,G\odot T \succeq 0",
                "a Gram matrix of random variables; the Hadamard product of $G\\succeq0$ and $T\\succeq0$ by "
                "[Schur's theorem](majorisation.md). $T$ is finite where $\\phi$ has no jump",
                _semidefinite,
                every("n u m g S T sigma_v", by.SCHUR),
                names={
                    r"\phi": r"\text{any function with the duals } S, T",
                    "h_i": r"w\cdot x_i",
                    "w": r"\text{Gaussian weights}",
                },
            ),
            Step(
                "the sum",
                lines(
                    r"\lambda_{\min}(K+rS) \ge \lambda_{\min}(K) + r\lambda_{\min}(S), \qquad \lambda_{\max}(K+rS) \le "
                    r"\lambda_{\max}(K) + r\lambda_{\max}(S)",
                ),
                "Weyl's inequality: Rayleigh's quotient of a sum; with $a,b$ the extreme eigenvalues both terms on the "
                "right of $u^\\top(K+rS)u - (a+rb)\\|u\\|^2 = u^\\top(K-a)u + r\\,u^\\top(S-b)u$ have one sign",
                _sum,
                every("n K S u r", by.WEYL, by.RAYLEIGH),
            ),
            Step(
                "Theorem A",
                lines(
                    r"\lambda_{\min}(\tilde K) \ge \sigma_p^2\min_i\|x_i\|^2\,\bigl[\lambda_{\min}(K) + "
                    r"r\lambda_{\min}(S)\bigr] \ge \sigma_p^2\min_i\|x_i\|^2\,\lambda_{\min}(K),",
                    r"\lambda_{\max}(\tilde K) \le \sigma_p^2\max_i\|x_i\|^2\,\bigl[\lambda_{\max}(K) + "
                    r"r\lambda_{\max}(S)\bigr]",
                ),
                "the last step of [majorisation](majorisation.md), inputs of any norm, with $K + rS$ for $K$; the "
                "first and the third step",
                _theorem,
                every("n d K u r sigma_p", by.RAYLEIGH),
                names={
                    r"\tilde K": r"\sigma_p^2\,G\odot(K + rS)",
                    "G": r"(x_i\cdot x_j)",
                    "S": r"\text{any symmetric matrix, } S \succeq 0",
                },
            ),
            Step(
                "normalised inputs",
                lines(
                    r"\lambda_{\min}(\tilde K) \ge \lambda_{\min}(K), \qquad "
                    r"\lambda(\tilde K_m) \prec \lambda(K_{m+d}),",
                    r"\mathrm{cond}(\tilde K_m) \le \mathrm{cond}(K_{m+d}) \le "
                    r"\max\bigl(\mathrm{cond}\,K_m,\ \mathrm{cond}\,S\bigr)",
                ),
                "$\\sigma_p^2g_i = 1$, so that $G/d$ is a correlation matrix, and [majorisation](majorisation.md) of "
                "$K_{m+d}\\odot G/d$; Theorem A; $K_{m+d} = K_m + dS$, and the quotient of sums lies between the "
                "quotients. In the ntk parametrisation the same with $K+S$ for $K_{m+d}$",
                _mediant,
                every("n d r K C x u", by.RAYLEIGH, by.MAJORISED.gives("so that $G/d$ is a correlation matrix")),
                names={
                    r"\tilde K": r"\sigma_p^2\,G\odot(K + rS)",
                    "G": r"(x_i\cdot x_j)",
                    "S": r"\text{any symmetric matrix, } S \succeq 0",
                    r"\sigma_p": r"d^{-1/2}",
                    r"\tilde K_m": r"\tilde K/m",
                    r"\lambda": r"\text{the eigenvalues}",
                },
            ),
            Step(
                "how much gating can hurt",
                lines(
                    r"K \preceq K + rS \preceq \bigl(1 + \sigma_v^2/\sigma_p^2\bigr)K, \qquad \text{so}\qquad "
                    r"\mathrm{cond}(\tilde K) \le \Bigl(1 + \frac{\sigma_v^2}{\sigma_p^2}\Bigr)"
                    r"\frac{\max\|x_i\|^2}{\min\|x_i\|^2}\,\mathrm{cond}(K);",
                    r"\text{LeCun: } 1 + \sigma_v^2/\sigma_p^2 = 1 + d/m, \qquad "
                    r"\text{ntk: } 1 + \sigma_v^2/\sigma_p^2 = 2",
                ),
                "$(1+r/m)K - (K+rS) = (r/m)(K-mS)\\succeq0$ with $r/m = \\sigma_v^2/\\sigma_p^2$; larger matrices have "
                "larger eigenvalues; then the bound for inputs of any norm. The ntk parametrisation is the standard "
                "one with $m = 1$ and all variances $1/d$",
                _width,
                every(
                    "m d g S T sigma_v sigma_p",
                    by.WEYL.gives("larger matrices have larger eigenvalues; then"),
                    by.SCHUR,
                ),
            ),
            Step(
                "the wide limit",
                lines(
                    r"m\to\infty: \qquad K_m/m \to S, \qquad \tilde K_m/m \to \tfrac1d G\odot S,",
                    r"\text{and on normalised inputs } \lambda(\tfrac1d G\odot S)\prec\lambda(S), \qquad "
                    r"\mathrm{cond}(\tfrac1d G\odot S)\le\mathrm{cond}(S)",
                ),
                "limits of every entry; [majorisation](majorisation.md) of $S\\odot C$ with $C = G/d$",
                _wide,
                every("m d g S T", by.SCHUR, by.MAJORISED),
                names={
                    "K_m": r"\text{the entries } mS + gT",
                    r"\tilde K_m": r"\text{the entries } (1 + \tfrac md)\,gS + \tfrac1dg^2T",
                    r"\lambda": r"\text{the eigenvalues}",
                },
            ),
        ),
        remarks=(
            (
                "The lower bounds say nothing against the larger $\\lambda_{\\max}(\\tilde K)$: at finite width there "
                "are data sets on which gating does worsen the condition number. The check `not-always` exhibits them "
                "with certified figures, and shows that the factor $1 + d/m$ is sharp for wide networks: for close "
                "pairs and ReLU the ratio tends to $1 + \\frac{d/m}{1 + d/m}$."
            ),
        ),
    )
