"""The exact Hadamard identity K̃ = K⊙(G/d) + S⊙G under LeCun initialisation, and the size of what Eq. 5 drops."""

from __future__ import annotations

import sympy as sp

from derivations.tools.latex import lines
from derivations.tools.limits import tends
from derivations.tools.matrices import i, j
from derivations.tools.means import reading
from derivations.tools.proof import Outcome, Proof, Step, both, every, follows
from derivations.tools.sums import Form, Tensor, form, same
from derivations.tools.zero import positive, strictly, zero
from glutheory.networks import network
from glutheory.symbolic.derived import derivation
from glutheory.symbolic.gaussian import a, b, c
from glutheory.symbolic.kernels import kernels

m, d = sp.symbols("m d", positive=True)
S, T, g = sp.symbols("S T g", real=True)
sv, sp_ = sp.symbols("sigma_v sigma_p", positive=True)
_LECUN = {sv: 1 / sp.sqrt(m), sp_: 1 / sp.sqrt(d)}


def plain(readout: sp.Expr = sv) -> sp.Expr:
    """Eq. 3."""
    return m * S + m * readout**2 * T * g


def gated(readout: sp.Expr = sv, value: sp.Expr = sp_) -> sp.Expr:
    """Eq. 4."""
    return m * (readout**2 + value**2) * S * g + m * readout**2 * value**2 * T * g**2


def ratio() -> sp.Expr:
    """The dropped term over the kept one, S g / (K g/d)."""
    return S * g / (plain().subs(_LECUN) * g / d)


def _entrywise() -> Outcome:
    K, gated_kernel = plain().subs(_LECUN), gated().subs(_LECUN)
    return zero(K - (m * S + T * g), gated_kernel - (K * g / d + S * g))


def _matrix() -> Outcome:
    """The entries i, j of symmetric matrices of any size n: no sums occur, so that the identity is one of entries."""
    first, second, gram = (Tensor(name, symmetric=True)[i, j] for name in "STG")

    def entry(expr: sp.Expr) -> Form:
        """A polynomial in S, T, g with these entries put in."""
        terms = sp.Poly(sp.expand(expr), S, T, g).terms()
        return sum((value * first**x * second**y * gram**z for (x, y, z), value in terms), form(0))

    K, gated_kernel = entry(plain().subs(_LECUN)), entry(gated().subs(_LECUN))
    reading({"K": K, r"\tilde K": gated_kernel, r"\frac Gd": gram * (1 / d), "S": first, "G": gram})
    return same(gated_kernel - K * (gram * (1 / d)) - first * gram)


def _engine() -> Outcome:
    """Eqs. 3 and 4 under LeCun from the engine's own differentiation of the networks."""
    plain_engine, gated_engine = (kernels(network(name), "standard") for name in ("gelu", "geglu"))
    (hidden,), (value, gate) = plain_engine.branches, gated_engine.branches
    symbol = sp.Symbol("g", real=True)
    known = {hidden.S: S, hidden.T: T, symbol: g}
    first = sp.Add(*plain_engine.blocks.values()).subs(known)
    # the value branch is the identity: its dual is the covariance σ_p² x·x', with derivative 1
    known = {value.S: value.covariance, value.T: 1, gate.S: S, gate.T: T}
    second = sp.Add(*gated_engine.blocks.values()).subs(known).subs(symbol, g)
    reading({"K": first, r"\tilde K": second, "g": g, r"\sigma_v": sv, r"\sigma_p": sp_})
    return zero((first, plain()), (second, gated()))


def _ratio() -> Outcome:
    x = sp.Symbol("x", real=True)  # x = gT/S
    exact = (d / m) / (1 + x / m)
    reading({"x": g * T / S, "K": plain().subs(_LECUN), r"\frac{g\,S}{(g/d)\,K}": ratio()})
    return both(
        zero(ratio() - exact.subs(x, g * T / S)), tends(m / d * exact, m, 1), tends((exact - d / m) * m**2 / d, m, -x)
    )


def _bound() -> Outcome:
    """d/m − r = (d/m)·x/(m + x) ≥ 0 for x = gT/S ≥ 0."""
    x = sp.Symbol("x", nonnegative=True)
    rest = (d / m) * x / (m + x)
    left = (d / m) * m / (m + x)
    reading({"r": sp.cancel(ratio().subs(g, x * S / T)), "x": x})
    return both(
        follows("the sign of $\\frac dm - r$", zero(ratio().subs(g, x * S / T) - d / m + rest), positive(rest)),
        follows("$r > 0$", zero(d / m - rest - left), strictly(left)),
    )


def _diagonal() -> Outcome:
    found = derivation("relu").dual
    variance = sp.Symbol("r", positive=True) ** 2  # a = ‖x‖²/d
    # on the diagonal arcsin(c/√(ab)) = π/2
    value = found.S.subs({b: a, c: a}).subs(a, variance)
    slope = found.T.subs({b: a, c: a}).subs(a, variance)
    exact = ratio().subs({S: value, T: slope, g: d * variance})
    measured = exact.subs({d: 40, m: 5000})
    reading({"r": exact})
    known = zero(value - variance / 2, slope - sp.Rational(1, 2), measured - sp.Rational(1, 126))
    return both(known, follows("the quotient with these values", zero(exact - d / (m + d))))


def proof() -> Proof:
    return Proof(
        title="The exact Hadamard identity",
        source="Eq. 5 of arXiv 2605.20749, made exact",
        summary=(
            "With LeCun variances the gated kernel is *exactly* $\\tilde K = K \\odot (G/d) + S \\odot G$. Eq. 5 of "
            "the paper keeps the first term. The second one is smaller by a factor of about $d/m$, and the exact "
            "ratio is given."
        ),
        notation=(
            "$G = XX^\\top$ with entries $g = x_i\\cdot x_j$; $S, T$ are the matrices of "
            "$\\mathbb{E}[\\phi(u)\\phi(v)]$, $\\mathbb{E}[\\phi'(u)\\phi'(v)]$; $\\odot$ is the entrywise product; "
            "LeCun: $\\sigma_w^2 = \\sigma_p^2 = 1/d$, $\\sigma_v^2 = 1/m$."
        ),
        names={
            "K": r"mS + m\sigma_v^2\,g\,T",
            r"\tilde K": r"m(\sigma_v^2 + \sigma_p^2)\,g\,S + m\sigma_v^2\sigma_p^2\,g^2\,T",
            r"\sigma_v": "m^{-1/2}",
            r"\sigma_p": "d^{-1/2}",
            "r": r"\frac{g\,S}{(g/d)\,K}",
            "x": r"\frac{g\,T}{S}",
        },
        steps=(
            Step(
                "the two kernels",
                r"K = mS + m\sigma_v^2\,g\,T, \qquad \tilde K = m(\sigma_v^2 + \sigma_p^2)\,g\,S + "
                r"m\sigma_v^2\sigma_p^2\,g^2\,T",
                "Eqs. 3 and 4, proved in [ntk_plain](ntk_plain.md) and [ntk_gated](ntk_gated.md); here compared with "
                "the engine",
                _engine,
                every("m g S T sigma_v sigma_p"),
            ),
            Step(
                "entry by entry",
                r"K = mS + gT, \qquad \tilde K = g S + \frac md\, g S + \frac1d\, g^2 T = \frac gd\,K + g\,S",
                "substitution of the LeCun variances",
                _entrywise,
                every("m d g S T"),
            ),
            Step(
                "as matrices",
                r"\tilde K = K \odot \frac Gd + S \odot G",
                "the same for all entries at once",
                _matrix,
                every("n m d S T G"),
                names={"K": r"mS + G\odot T", r"\tilde K": r"G\odot S + \tfrac mdG\odot S + \tfrac1dG\odot G\odot T"},
            ),
            Step(
                "the size of the dropped term",
                lines(
                    r"r = \frac{g\,S}{(g/d)\,K} = \frac dm \cdot \frac{1}{1 + x/m}, \qquad x = \frac{g\,T}{S},",
                    r"r = \frac dm - \frac{d\,x}{m^2} + O(m^{-3}) \qquad (m \to \infty,\ d \text{ and the data "
                    r"fixed})",
                ),
                "substitution, where $g, S, K \\ne 0$; limits of $mr/d$ and of $(r - d/m)\\,m^2/d$",
                _ratio,
                every("m d x"),
            ),
            Step(
                "never larger than d/m",
                r"x \ge 0 \quad\Longrightarrow\quad \frac dm - r = \frac dm\cdot\frac{x}{m + x} \ge 0, "
                r"\quad\text{so}\quad 0 < r \le \frac dm",
                "algebra; $x \\ge 0$ on the diagonal, where $g, S, T \\ge 0$, and wherever $gT/S \\ge 0$",
                _bound,
                every("m d x"),
                names={"r": r"\frac dm\cdot\frac{1}{1+x/m}"},
            ),
            Step(
                "ReLU on the diagonal",
                r"S = \tfrac a2,\quad T = \tfrac12,\quad g = d\,a \quad\Longrightarrow\quad r = \frac{d}{m + d}; "
                r"\qquad d = 40,\ m = 5000:\quad r = \tfrac{1}{126} \approx 0.0079",
                "the arc-cosine kernel at $\\rho = 1$, as derived by the engine; $a = \\|x\\|^2/d$",
                _diagonal,
                every("m d"),
                names={"S": r"\tfrac a2", "T": r"\tfrac12", "g": r"d\,a", "a": r"\|x\|^2/d", "x": r"\text{any input}"},
            ),
        ),
        remarks=(
            (
                "Since $r$ is not constant over the entries, dropping the term is an entrywise approximation of "
                "relative size $d/m$, not a rescaling. Both terms vanish together where $g = 0$."
            ),
        ),
    )
