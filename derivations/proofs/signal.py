"""Variance in stacks without norms: gated ones have no stable scale, exactly at every width for homogeneous gates."""

from __future__ import annotations

import sympy as sp

from derivations.tools import theorems as by
from derivations.tools.any_width import inner, output_product, pair_mean, readout_mean
from derivations.tools.arcsine import read
from derivations.tools.finite_width import GAMMA
from derivations.tools.half_line import half_moment
from derivations.tools.latex import lines
from derivations.tools.limits import tends
from derivations.tools.proof import Outcome, Proof, Step, both, every, follows
from derivations.tools.sums import Index, Tensor, same, total
from derivations.tools.zero import positive, strictly, zero
from glutheory.symbolic.derived import derivation
from glutheory.symbolic.gaussian import a, b, c

q, kappa, sigma = sp.symbols("q kappa sigma", positive=True)
start, L = sp.Symbol("q_0", positive=True), sp.Symbol("L", integer=True, nonnegative=True)
V = sp.Function("V")
#: V is proportional to q to this power.
degree = sp.Symbol("p", positive=True)
#: E[x²]/E[x]² − 1 of the square of a product of two Gaussians, one rectified; of one rectified; of a Gaussian.
GATED_SPREAD, PLAIN_SPREAD, DENSE_SPREAD = sp.Integer(17), sp.Integer(5), sp.Integer(2)


def homogeneous(blocks: sp.Expr, power: sp.Expr = degree) -> sp.Expr:
    """Variance after so many gated blocks with E[φ(√q z)²] = κq^p, without residuals, scale σ²."""
    fixed = (sigma**2 * kappa) ** (-1 / power)
    return fixed * (start / fixed) ** ((power + 1) ** blocks)


def _maps() -> Outcome:
    """The engine's S of gated networks is the covariance times that of the gate; at equal inputs q S."""
    found = []
    for gated, plain, square in (("reglu", "relu", 0), ("geglu", "gelu", 1)):
        one, two = (read(derivation(name).nngp, sp.Integer(square), sp.Integer(square)) for name in (gated, plain))
        found.append((one, c * two))
    # any gate: E z z' of the gated network is (γ²σ_p² x·x') times that of the plain one, for every width
    value, dual = sp.Symbol("sigma_p", positive=True) ** 2 * GAMMA**2 * inner(), sp.Symbol("S", real=True)
    readout = sp.Symbol("sigma_v", positive=True) ** 2
    alone, product = (readout_mean(output_product(*names), readout) for names in (("phi",), ("q", "phi")))
    product = pair_mean(pair_mean(product, "phi", dual), "q", value)
    return both(same(product - value * pair_mean(alone, "phi", dual)), zero(*found))


def _slopes() -> Outcome:
    """At q V(q) = q: dq'/dq is 1 + qV'/V for the gated map, qV'/V for the plain one at V = q."""
    elasticity = q * sp.diff(V(q), q) / V(q)
    gated = sp.diff(q * V(q), q) - V(q) * (1 + elasticity)
    plain = sp.diff(V(q), q) - V(q) / q * elasticity
    return zero(gated, plain)


def _gates() -> Outcome:
    """(zG)² + (zH)² with G + H = 1, and for G increasing with G ≥ 1/2 on z > 0; softplus; odd functions."""
    z, above, slope = sp.symbols("z h g", nonnegative=True)  # G = 1/2 + h, G' = g
    G = sp.Rational(1, 2) + above
    square = z**2 * (G**2 + (1 - G) ** 2)
    derivative = 2 * z * (G**2 + (1 - G) ** 2) + z**2 * (2 * G - 2 * (1 - G)) * slope
    x = sp.Symbol("z", positive=True)
    plus = x / 2 + sp.log(2 * sp.cosh(x / 2))
    minus = -x / 2 + sp.log(2 * sp.cosh(x / 2))
    both_sides = x**2 / 2 + 2 * sp.log(2 * sp.cosh(x / 2)) ** 2
    return both(
        zero((square, z**2 / 2 + 2 * z**2 * above**2), (derivative, z + 4 * z * above**2 + 4 * z**2 * above * slope)),
        zero(plus**2 + minus**2 - both_sides, (G**2 + (1 - G) ** 2, sp.Rational(1, 2) + 2 * above**2)),
        positive(z + 4 * z * above**2 + 4 * z**2 * above * slope),
    )


def _homogeneous() -> Outcome:
    after = sigma**2 * kappa * homogeneous(L) ** (degree + 1)
    off = sp.log(sigma**2 * kappa * start)
    first = homogeneous(L, sp.S.One)
    grown = sp.exp((2**L - 1) * off) * start
    return both(
        follows(
            "the induction on $L$, its start and its step",
            zero((_powers(after), _powers(homogeneous(L + 1))), (homogeneous(sp.S.Zero), start)),
        ),
        zero((_powers(first), _powers(sp.powsimp(sp.expand(grown))))),
    )


def _powers(expr: sp.Expr) -> sp.Expr:
    """Logarithm of a product of powers of positive symbols, expanded."""
    return sp.expand(sp.expand_log(sp.log(expr), force=False))


def _gaussian() -> Outcome:
    """E[e^{−u²}] = 1/√(1 + 2q), from the engine; its elasticity."""
    square = derivation("gaussian").dual.S.subs({a: q, b: q, c: q})
    elasticity = q * sp.diff(square, q) / square
    slope, half = 1 + elasticity, sp.Rational(1, 2)
    above, below = half / (1 + 2 * q), q / (1 + 2 * q)  # slope − 1/2 and 1 − slope
    value = sp.Symbol("sigma_p", positive=True) ** 2  # the value branch's factor of V
    scaled = ((value * square) ** 2, value**2 / (1 + 2 * q))
    return both(zero(scaled, slope - half - above, 1 - slope - below), strictly(above, below))


def _residual() -> Outcome:
    """1/q' = 1/q − s²κ/(1 + s²κq): at most s²κ is lost; and if q stays below Q, at least s²κ/(1 + s²κQ)."""
    s, most, room = sp.symbols("s Q r", positive=True)
    after = q * (1 + s**2 * kappa * q)
    lost = s**2 * kappa / (1 + s**2 * kappa * q)
    slack = s**2 * kappa - lost
    block, left, saved = Index("l", "L"), sp.Symbol("y", positive=True), sp.Symbol("e", nonnegative=True)
    summed = total(s**2 * kappa - Tensor("e")[block], block) - (
        sp.Symbol("L", positive=True) * s**2 * kappa - total(Tensor("e")[block], block)
    )
    below = (lost - s**2 * kappa / (1 + s**2 * kappa * most)).subs(most, q + room)
    return both(
        zero(1 / q - 1 / after - lost, slack - s**4 * kappa**2 * q / (1 + s**2 * kappa * q)),
        zero(below - s**4 * kappa**2 * room / ((1 + s**2 * kappa * q) * (1 + s**2 * kappa * (q + room)))),
        follows(
            "the sum over $L$ blocks, and a smaller reciprocal",
            same(summed),
            zero(1 / left - 1 / (left + saved) - saved / (left * (left + saved))),
            positive(s**4 * kappa**2 * q / (1 + s**2 * kappa * q), saved / (left * (left + saved))),
        ),
        positive(s**4 * kappa**2 * room / ((1 + s**2 * kappa * q) * (1 + s**2 * kappa * (q + room)))),
    )


def _bounded() -> Outcome:
    """1 + x ≤ e^x: the difference and its slope vanish at 0, the second derivative is positive."""
    x = sp.Symbol("x", real=True)
    above = sp.exp(x) - 1 - x
    # q' = q + s²qV with V = B − e, over L blocks
    bound, scale, depth = sp.symbols("B s L", positive=True)
    slack = sp.Symbol("e", nonnegative=True)
    grown = (1 + scale**2 * bound) ** depth
    step = q * (1 + scale**2 * bound) - (q + scale**2 * q * (bound - slack)) - scale**2 * q * slack
    return both(
        zero(above.subs(x, 0), sp.diff(above, x).subs(x, 0)),
        strictly(sp.diff(above, x, 2)),
        follows(
            "the induction on $L$",
            zero(step, (grown * (1 + scale**2 * bound), grown.subs(depth, depth + 1)), grown.subs(depth, 0) - 1),
            zero((sp.exp(scale**2 * bound) ** depth, sp.exp(depth * scale**2 * bound))),
            positive(scale**2 * q * slack),
        ),
    )


def _width() -> Outcome:
    """One block more doubles every weight and adds a new term; the variance of the sum of independent terms.

    Given that no factor vanishes they are independent still: P(A ∩ {ξ > 0}) P(B ∩ {ξ' > 0}) over g² is the product of
    both over g.
    """
    v, last = sp.symbols("v l", real=True)
    variance = v * (4**L - 1) / 3
    width = sp.Symbol("m", integer=True, positive=True)
    closed = sp.Rational(1, 2) ** width  # all m gates, each with probability 1/2
    first, second, opened = sp.symbols("A B g", positive=True)
    return zero(
        (closed.subs(width, width + 1), closed / 2),
        ((1 - closed) ** (L + 1), (1 - closed) ** L * (1 - closed)),
        (first * second / opened**2, first / opened * (second / opened)),
        (2 * (2 ** (L - 1 - last) * v), 2 ** (L + 1 - 1 - last) * v),
        (2 ** (L + 1 - 1 - last).subs(last, L), sp.S.One),
        (4 * variance + v, variance.subs(L, L + 1)),
        variance.subs(L, 0),
        ((L + 1) * v, L * v + v),
    )


def _spread() -> Outcome:
    """E[x²]/E[x]² − 1 of u²φ(v)², φ(v)² and u² for standard normals, φ = ReLU; of a mean of m of them it is 1/m."""
    width, first, second = sp.symbols("m f s", positive=True)
    fourth, square = half_moment(4), half_moment(2)
    mean = (width * first + width * (width - 1) * second**2) / width**2
    return zero(
        3 * fourth / square**2 - 1 - GATED_SPREAD,
        fourth / square**2 - 1 - PLAIN_SPREAD,
        sp.Integer(3) - 1 - DENSE_SPREAD,
        mean / second**2 - 1 - (first / second**2 - 1) / width,
    )


def _degrees() -> Outcome:
    """Products double the degree in the weights: D' = 2(D + 1) + 1; plain: D' = D + 2, dense layers counted."""
    gated, plain = 2 ** (L + 2) - 3, 2 * L + 1
    return zero(
        (gated.subs(L, L + 1), sp.expand(2 * (gated + 1) + 1)),
        gated.subs(L, 0) - 1,
        (plain.subs(L, L + 1), plain + 2),
        plain.subs(L, 0) - 1,
    )


def _scale() -> Outcome:
    """s² = x/L: L times what is lost each time tends to x κ."""
    depth, share = sp.symbols("L c", positive=True)
    lost = kappa / (1 + share / depth * kappa * q)
    return both(
        tends(share * lost - share * kappa, depth),
        zero((start / (1 - share * kappa * start), 1 / (1 / start - share * kappa))),
    )


def proof() -> Proof:
    return Proof(
        title="Variance without norms",
        source="this project; the plain case: B. Poole et al., NIPS 2016; S. Schoenholz et al., ICLR 2017",
        summary=(
            "Without norms a gated block takes the variance $q$ of the stream to $q\\,V(q)$, $V(q) = \\sigma_p^2\\, "
            "\\mathbb{E}[\\phi(\\sigma_w\\sqrt q z)^2]$: at a fixed point its slope is 1 more than the elasticity of "
            "$V$. With every usual gate $V$ increases, so that the only positive fixed point repels. A residual branch "
            "needs a scale below a threshold that depends on the input. At finite width the logarithm of $q$ doubles "
            "its fluctuations with every block."
        ),
        notation=(
            "$q$: variance of a unit of the stream at one input; $\\sigma_w^2, \\sigma_p^2$: variances of gate and "
            "value branch, the latter times that of the dense layer behind; $z$ standard normal; $s$: scale of a "
            "residual branch; $m$: width. Homogeneous: $V = \\sigma^2\\kappa q^p$; for ReLU $p = 1$, $\\kappa = "
            "\\frac12$, $\\sigma^2 = \\sigma_p^2\\sigma_w^2$."
        ),
        names={
            "V(q)": r"\sigma_p^2\,\mathbb{E}[\phi(\sigma_w\sqrt q\,z)^2]",
            "e": r"\frac{q\,V'(q)}{V(q)}",
            "z": r"\text{standard normal}",
        },
        steps=(
            Step(
                "the maps",
                r"\text{plain: } q' = V(q), \qquad \text{gated: } q' = q\,V(q)",
                "the engine's covariance of a gated product is that of the gate times the covariance of the stream "
                "(ReGLU, GEGLU), here at equal inputs",
                _maps,
                every("a b c S sigma_p m d", by.INDEPENDENCE),
                names={"q": r"\gamma^2\sigma_p^2\|x\|^2", "V": r"S \text{ at } x = x'"},
            ),
            Step(
                "slopes at a fixed point",
                r"\text{gated: } \frac{dq'}{dq} = 1 + e, \qquad \text{plain: } \frac{dq'}{dq} = e, \qquad e = "
                r"\frac{q\,V'(q)}{V(q)}",
                "product rule; $V = 1$ at a gated fixed point, $V = q$ at a plain one. A gate that makes $V$ "
                "increase has $e > 0$: **every positive fixed point repels**, and as $V = 1$ has one solution at most "
                "there is at most one: below it $q \\to 0$, above it $q \\to \\infty$, a finite limit "
                "being a fixed point",
                _slopes,
                every(
                    "q V",
                    by.SLOPE.gives("**every positive fixed point repels**"),
                    by.MONOTONE_FUNCTION.gives("there is at most one"),
                    by.BOUNDED_MONOTONE.gives("below it $q \\to 0$, above it $q \\to \\infty$"),
                    by.CONTINUOUS.gives("a finite limit being a fixed point"),
                ),
                names={"e": r"\frac{q\,V'(q)}{V(q)}"},
            ),
            Step(
                "which gates",
                lines(
                    r"\phi = zG(z),\ G(z) + G(-z) = 1: \quad \phi(z)^2 + \phi(-z)^2 = \tfrac12z^2 + "
                    r"2z^2\bigl(G(z) - \tfrac12\bigr)^2;",
                    r"\phi = G: \ \tfrac12 + 2\bigl(G - \tfrac12\bigr)^2; \qquad \text{softplus}: \ \tfrac12z^2 + "
                    r"2\ln^2\bigl(2\cosh\tfrac z2\bigr)",
                ),
                "for increasing $G$ all increase with $z > 0$, as do the squares of increasing odd functions: then "
                "$V(q)$, a mean of $\\phi(\\sqrt q z)^2 + \\phi(-\\sqrt q z)^2$ over $z > 0$, increases, so for "
                "ReLU, GELU, SiLU, sigmoid, $\\Phi$, tanh, erf, softplus",
                _gates,
                every("z h g", by.MONOTONE_FUNCTION.gives("then $V(q)$")),
                names={"G": r"\tfrac12 + h", r"\phi": r"z\,G"},
            ),
            Step(
                "homogeneous gates",
                lines(
                    r"V = \sigma^2\kappa q^p: \qquad q_L = q^*\Bigl(\frac{q_0}{q^*}\Bigr)^{(p+1)^L}, \qquad q^* = "
                    r"(\sigma^2\kappa)^{-1/p};",
                    r"p = 1: \quad \ln\frac{q_L}{q_0} = (2^L - 1)\,\ln(\sigma^2\kappa q_0)",
                ),
                "the induction on $L$, its start and its step. To stay within a factor $e$ of the start over $L$ "
                "blocks, $\\ln\\sigma^2$ must be right to $1/(2^L - 1)$",
                _homogeneous,
                every("q_0 kappa sigma p L"),
                names={"V(q)": r"\sigma^2\kappa q^p"},
            ),
            Step(
                "a gate that is stable",
                r"\phi = e^{-z^2/2}: \quad V = \frac{\sigma_p^2}{\sqrt{1+2q}}, \qquad 1 + e = 1 - \frac q{1+2q} \in "
                r"\bigl(\tfrac12, 1\bigr)",
                (
                    r"the engine's dual ($\sigma_w = 1$). It is not gating as such that loses the scale: a gate "
                    "that closes for large arguments keeps it"
                ),
                _gaussian,
                every("q"),
                names={
                    r"\phi(z)": "e^{-z^2/2}",
                    "z": r"\text{standard normal}",
                    "V(q)": r"\sigma_p^2\,\mathbb{E}[\phi(\sqrt q\,z)^2]",
                },
            ),
            Step(
                "with residuals",
                lines(
                    r"q' = q\,(1 + s^2\kappa q): \qquad \frac1q - \frac1{q'} = \frac{s^2\kappa}{1 + s^2\kappa q},",
                    r"L\,s^2\kappa q_0 < 1 \ \Longrightarrow\ q_L \le \frac{q_0}{1 - L\,s^2\kappa q_0}",
                ),
                "ReGLU; at most $s^2\\kappa$ is lost from $1/q$ at each block, and at least $s^2\\kappa/(1 + "
                "s^2\\kappa Q)$ "
                "while $q \\le Q = q + r$",
                _residual,
                every("q s kappa r"),
            ),
            Step(
                "which scale",
                r"s^2 = \frac cL: \qquad q_L \to \frac{q_0}{1 - c\kappa q_0} \ \text{ if } c\kappa q_0 < 1, \qquad q_L "
                r"\to \infty \ \text{ if } c\kappa q_0 > 1",
                "the loss of $L$ blocks, $c\\kappa/(1 + c\\kappa q/L)$ on average, tends to $c\\kappa$ while $q$ is "
                "bounded: $1/q_L$ tends to "
                "$1/q_0 - c\\kappa$, and where that is negative $q$ cannot have been bounded. The threshold depends on "
                "the input's norm",
                _scale,
                every("c kappa q q_0 L", by.SUMS_OF_LIMITS),
                names={"s": r"\sqrt{c/L}"},
            ),
            Step(
                "plain branches and bounded gates",
                r"V \le B: \qquad q_L \le q_0\,(1 + s^2B)^L \le q_0\,e^{L s^2 B}",
                "$1 + x \\le e^x$. A plain ReLU branch ($B = \\kappa$) and a gate with $|\\phi| \\le 1$ such as GLU's "
                "($B = 1$) need $s^2 = O(1/L)$ and nothing else",
                _bounded,
                every("x"),
                names={"V": "B - e", "q_L": r"q_0\prod_{l<L}(1 + s^2V_l)", "q_0": "q"},
            ),
            Step(
                "finite width",
                lines(
                    r"q_L = q_0^{2^L}\prod_{l<L} \xi_l^{2^{L-1-l}}, \quad \xi_l \text{ independent and of one law, } "
                    r"v = "
                    r"\mathrm{Var}[\ln \xi_l \mid \xi_l > 0]:",
                    r"\mathrm{Var}[\ln q_L \mid q_L > 0] = 4^L\,\mathrm{Var}\ln q_0 + \frac{4^L-1}3\,v; \qquad "
                    r"\text{plain}: \ \mathrm{Var}\ln q_0 + L\,v; \qquad \text{ReGLU, ReLU}: \ \mathbb{P}(q_L > 0) = "
                    r"(1 - 2^{-m})^L",
                ),
                "given the stream, both branches' units are independent Gaussians of variance $q_l$, and a gate of "
                "degree 1 is $\\sqrt{q_l}$ times what it is at variance 1: exact at every width. A layer of ReLUs is "
                "closed as a whole with probability $2^{-m}$: $q_L = 0$, without a logarithm. Given $q_L > 0$ every "
                "$\\xi_l$ is positive, and they are independent still",
                _width,
                every("v l L m A B g", by.INDEPENDENCE),
                names={
                    "q_L": r"q_0^{2^L}\prod_{l<L}\xi_l^{2^{L-1-l}}",
                    r"\xi_l": r"\text{independent, with } \mathrm{Var}[\ln\xi_l \mid \xi_l > 0] = v",
                    "q_0": r"\text{the variance at the input}",
                },
            ),
            Step(
                "its size",
                r"\frac{\mathbb{E}[\xi^2]}{\mathbb{E}[\xi]^2} = \Bigl(1 + \frac{17}m\Bigr)\Bigl(1 + \frac2m\Bigr) \ "
                r"\text{ (ReGLU)}, \qquad \Bigl(1 + \frac5m\Bigr)\Bigl(1 + \frac2m\Bigr) \ \text{ (ReLU)}",
                "fourth moments; the product and the dense layer behind it",
                _spread,
                every("m f s", by.INDEPENDENCE),
                names={
                    r"\xi": (
                        r"\text{a mean of } m \text{ squares, times a mean of } m \text{ squares behind the dense "
                        "layer}"
                    )
                },
                beyond="$v \\approx 19/m$, and $L$ gated blocks want $m \\gg 4^L\\cdot 19/3$, plain ones $m \\gg 7L$",
            ),
            Step(
                "tails",
                r"\text{degree in the weights}: \quad D_L = 2^{L+2} - 3 \ \text{ (gated)}, \qquad 2L + 1 \ "
                r"\text{ (plain)}",
                "with $D$ that of a unit, a product has $2(D + 1)$, the dense layer 1 more (bilinear and linear "
                "networks). A polynomial of degree $D$ in Gaussians has tails like $e^{-c\\,x^{2/D}}$ (Janson)",
                _degrees,
                every("L", by.GAUSSIAN_POLYNOMIALS),
                names={"D_L": r"\text{the degree after } L \text{ blocks, } D_0 = 1"},
            ),
        ),
        remarks=(
            (
                "Plain SiLU and GELU have $e > 1$ as well: their variance is unstable too, by a factor of $e$ a block "
                "(1.17 for SiLU at $q = 1$), not $1 + e$. Between norms $q$ is set anew, and none of this occurs."
            ),
        ),
    )
