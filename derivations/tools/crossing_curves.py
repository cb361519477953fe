"""What decides the steps of `crossing` about any two loss curves: their signs at first and at last, and between."""

from __future__ import annotations

import sympy as sp

from derivations.tools.abstract import activation_pair
from derivations.tools.limits import decay
from derivations.tools.matrices import e, i, j, q, spectral, u, values
from derivations.tools.means import ORDER, reading
from derivations.tools.proof import Outcome, both, follows
from derivations.tools.sums import Form, Tensor, orthonormal, same, total
from derivations.tools.zero import positive, strictly, zero

t, rate, s = sp.symbols("t r s", positive=True)
SIGMA, Y = Tensor("Sigma", symmetric=True), Tensor("Y")


def start() -> Outcome:
    """L(0) = Tr M and L'(0) = −2 Tr KM of a flow in its eigenbasis; the part of the targets is the same in both."""
    M = Tensor("M", symmetric=True)
    lam = sp.Symbol("lambda", positive=True)
    mode = sp.exp(-2 * lam * t)

    def weighted(exponent: int) -> Form:
        """Σ_e λ_e^exponent q_eᵀ M q_e."""
        return total(values[e] ** exponent * total(q[i, e] * M[i, j] * q[j, e], i, j), e)

    start = orthonormal(weighted(0), "q", 1) - total(M[i, i], i)
    slope = weighted(1) - total(spectral(q, values, i, j) * M[i, j], i, j)
    other = Tensor("Sigma~", symmetric=True)
    moments = total(SIGMA[i, i] + Y[i] ** 2, i) - total(other[i, i] + Y[i] ** 2, i)
    cancelled = moments - total(SIGMA[i, i], i) + total(other[i, i], i)
    # of both curves: D(0) by the traces, D'(0) by the slope of every mode times its weight
    gated, moment = total(other[i, i], i), total(spectral(q, values, i, j) * M[i, j], i, j)
    reading({"D(0)": moments, r"\mathrm{Tr}\,\Sigma": total(SIGMA[i, i], i), r"\mathrm{Tr}\,\tilde\Sigma": gated})
    late = Tensor("M~", symmetric=True)
    second = total(values[e] * total(q[i, e] * late[i, j] * q[j, e], i, j), e)
    rate_ = sp.diff(mode, t).subs(t, 0) / lam
    reading({"D'(0)": rate_ * (weighted(1) - second), r"\mathrm{Tr}[KM]": moment})
    reading({r"\mathrm{Tr}[\tilde K\tilde M]": total(spectral(q, values, i, j) * late[i, j], i, j)})
    return both(same(start, slope, cancelled), zero((mode.subs(t, 0), 1), (sp.diff(mode, t), -2 * lam * mode)))


def definite() -> Outcome:
    """Along v = x_i − (x_i·x_j/‖x_j‖²) x_j, orthogonal to x_j and not to x_i, φ(w·x) has the slope (v·x) φ'(w·x)."""
    along, inner, rest = sp.symbols("s c R", real=True)  # w = … + s v; c = v·x, R = w·x at s = 0
    weight, before = sp.symbols("u P", real=True)  # u_l, and the product of the factors so far
    phi, slope = activation_pair("phi")  # φ^(k) and φ^(k+1)
    term = weight * before * phi(rest + along * inner)
    chain = (sp.diff(term, along), weight * (before * inner) * slope(rest + along * inner))
    # the start, of no derivative, has the empty product
    first_term = term.subs({before: 1, along: 0}) - weight * phi(rest)
    # z^k/k! is the derivative of the same with k + 1: what has a polynomial as its derivative is a polynomial and a
    # constant; the start is a constant
    z, power = sp.Symbol("z", positive=True), sp.Symbol("k", nonnegative=True)
    integral = z ** (power + 1) / sp.gamma(power + 2)
    first, second = sp.symbols("l_i l_j", positive=True)  # ‖x_i‖, ‖x_j‖
    # the cosine of x_i and x_j, which are not parallel: 1 − cos² is positive
    cosine, room = sp.Symbol("rho", real=True), sp.Symbol("e", positive=True)
    product = first * second * cosine  # x_i·x_j
    left = first**2 - product / second**2 * product  # v·x_i
    return both(
        follows("the induction on the derivatives, its start and its step", zero(chain, first_term)),
        follows(
            "the induction on the degree, its start and its step",
            zero((sp.diff(integral, z), z**power / sp.gamma(power + 1)), (integral.subs(power, 0), z)),
        ),
        zero((product / second**2 * second**2, product), (left, first**2 * (1 - cosine**2))),
        zero(chain[0].subs(inner, 0)),
        strictly(first**2 * room),  # room for 1 − rho²
    )


_WEIGHT = r"q_i^\top(\Sigma + YY^\top)\,q_i"


def weights() -> Outcome:
    """Σ = Σ_f s_f p_f p_fᵀ: qᵀ(Σ + YYᵀ)q − s_1‖q‖² = Σ_f (s_f − s_1)(p_f·q)² + (q·Y)²."""
    p, spectrum, least = Tensor("p"), Tensor("sigma"), sp.Symbol("sigma_1", positive=True)
    form = total(u[i] * (spectral(p, spectrum, i, j) + Y[i] * Y[j]) * u[j], i, j) - least * total(u[i] ** 2, i)
    share = total(p[i, e] * u[i], i) ** 2
    parts = total((spectrum[e] - least) * share, e) + total(u[i] * Y[i], i) ** 2
    gap, square = sp.Symbol("g", nonnegative=True), sp.Symbol("y", real=True) ** 2
    whole = total(u[i] * (spectral(p, spectrum, i, j) + Y[i] * Y[j]) * u[j], i, j)
    reading({"w_i": whole, _WEIGHT: whole}, "=")
    # a unit u: λ_min(Σ) is the least σ_f, and the rest is not negative
    reading({_WEIGHT: least + gap * square + square, r"\lambda_{\min}(\Sigma)": least}, ORDER)
    reading({r"\lambda_{\min}(\Sigma)": least}, ORDER, r"\Sigma \succ 0")
    return both(same(orthonormal(parts, "p", 1) - form), positive(gap * square, square))


def end() -> Outcome:
    """e^{2λ_1t} times the slowest mode is its weight, at a tie the difference of both; times any other it decays.

    Of one curve alone the weight is σ + s: a mode's λ_min(Σ) = σ > 0 at least, by `weights`, and what is beyond that.
    """
    lam, gap, least = sp.symbols("lambda h sigma", positive=True)
    w, tied = sp.symbols("w x", real=True)
    weight = least + sp.Symbol("s", nonnegative=True)
    first, other = sp.exp(-2 * lam * t), sp.exp(-2 * (lam + gap) * t)
    return both(
        strictly(weight),
        zero(
            (sp.exp(2 * lam * t) * (w * first - tied * first), w - tied),
            (sp.exp(2 * lam * t) * weight * first, weight),
            sp.exp(2 * lam * t) * other - sp.exp(-2 * gap * t),
        ),
        follows("every faster exponential is lost against the slowest", decay()),
    )


def abel() -> Outcome:
    """C(r) = Σ_j c_j 1[r ≥ r_j], so that the integral is Σ_j c_j ∫ e^{−rt} dr from r_j on: term by term."""
    start = sp.Symbol("r_j", positive=True)
    primitive = -sp.exp(-rate * t) / t  # it vanishes at infinity
    return both(
        zero((sp.diff(primitive, rate), sp.exp(-rate * t)), (0 - primitive.subs(rate, start), sp.exp(-start * t) / t)),
        decay(),
    )


def once() -> Outcome:
    """The derivative of the integrand of e^{st} D(t)/t; its sign, which is strict where neither r − s nor C is 0."""
    weight = sp.Symbol("C", real=True)
    integrand = weight * sp.exp(-(rate - s) * t)
    above, size = sp.symbols("p q", nonnegative=True)  # (r − s) and C have the same sign
    strict, most = sp.symbols("p_1 q_1", positive=True)
    return both(
        zero((sp.diff(integrand, t), -(rate - s) * integrand)),
        positive(above * size, (-above) * (-size)),
        strictly(strict * most, (-strict) * (-most), sp.exp(-strict * t)),
    )
