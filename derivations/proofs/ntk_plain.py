"""The kernel of the non-gated network, Eq. 3 of arXiv 2605.20749: exact at every width."""

from __future__ import annotations

import sympy as sp

from derivations.tools import theorems as by
from derivations.tools.abstract import activation_pair
from derivations.tools.arcsine import read, theta, vanish
from derivations.tools.arcsine import w as root
from derivations.tools.finite_width import FRONT, GAMMA, Small, agrees, polynomial, sigma_v
from derivations.tools.gauss import independent_mean
from derivations.tools.means import cases
from derivations.tools.proof import Outcome, Proof, Step, both, every
from derivations.tools.sums import Form, Index, Tensor, delta, same, total
from derivations.tools.zero import zero
from glutheory.networks import network
from glutheory.symbolic.derived import derivation
from glutheory.symbolic.gaussian import c
from glutheory.symbolic.kernels import kernels

sigma_w = sp.Symbol("sigma_w", positive=True)
m, d = sp.symbols("m d", positive=True)
S, T, g = sp.symbols("S T g", real=True)
#: The widths and the input dimension of the networks that are written out in full.
_WIDTHS, _DIMENSION, _DEGREE = (1, 2, 3), 2, 3


def equation_three() -> sp.Expr:
    """K = m S + m σ_v² (x·x') T."""
    return m * S + m * sigma_v**2 * g * T


def _gradient() -> Outcome:
    """One weight at a time: h = w x + (a part free of w), z = v φ(h) + (a part free of v and w)."""
    phi, slope = activation_pair("phi")
    weight, value, readout, rest, others = sp.symbols("w x v R Z", real=True)
    z = readout * phi(weight * value + rest) + others
    h = weight * value + rest
    return zero((sp.diff(z, readout), phi(h)), (sp.diff(z, weight), readout * slope(h) * value))


NEURON, COORDINATE = Index("r", "m"), Index("j", "d")
X, X_PRIME = Tensor("x"), Tensor("y")


def inner() -> Form:
    """x·x'."""
    return total(X[COORDINATE] * X_PRIME[COORDINATE], COORDINATE)


def _any_size() -> Outcome:
    """The sum of all products of two gradients of the step before, for any m and d."""
    r, j = NEURON, COORDINATE
    v, first, second, slope, other = (Tensor(name) for name in ("v", "phi", "phi_y", "phi'", "phi'_y"))
    readout = total(first[r] * second[r], r)
    hidden = total(v[r] * slope[r] * X[j] * v[r] * other[r] * X_PRIME[j], r, j)
    return same(readout + hidden - total(first[r] * second[r] + v[r] ** 2 * slope[r] * other[r] * inner(), r))


def _inner_product() -> Outcome:
    phi, slope = activation_pair("phi")
    small = Small((phi,), (sigma_w,), sigma_v, 2, 3)
    (x, y), (_, _, inner) = small.inputs, small.gram
    here, there = small.output(x), small.output(y)
    written = sum(sp.diff(here, s) * sp.diff(there, s) for group in small.groups() for s in group)
    written, expected = written.subs({FRONT: 1, GAMMA: 1}), sp.S.Zero
    for r, readout in enumerate(small.readouts):
        h, k = (
            sum(weight * value for weight, value in zip(small.weights[0][r], point, strict=True)) for point in (x, y)
        )
        expected += phi(h) * phi(k) + readout**2 * slope(h) * slope(k) * inner
    return both(_any_size(), zero((sp.expand(written), sp.expand(expected))))


def _covariance() -> Outcome:
    """E[w_j w_k] = σ_w² δ_jk in the double sum, for any d; and for d = 3 by brute force."""
    j, k = COORDINATE, Index("k", "d")
    general = total(X[j] * X_PRIME[k] * sigma_w**2 * delta(j, k), j, k) - sigma_w**2 * inner()
    small = Small((polynomial(1, "c"),), (sigma_w,), sigma_v, 1, 3)
    row, variances = small.weights[0][0], small.variances
    u, v = (sum(weight * value for weight, value in zip(row, x, strict=True)) for x in small.inputs)
    means = (independent_mean(first * second, variances) for first, second in ((u, u), (v, v), (u, v)))
    tried = zero(*(mean - sigma_w**2 * value for mean, value in zip(means, small.gram, strict=True)))
    return both(same(general), tried)


def _expectation() -> Outcome:
    """With m equal neurons; E[φφ'] = S, E[v²φ'φ'] = σ_v² T because v is independent of w; compared with the engine."""
    found = kernels(network("gelu"), "standard")
    (branch,) = found.branches
    known = {branch.S: S, branch.T: T}
    return zero(
        (found.blocks["readout"].subs(known), m * S),
        (found.blocks["hidden"].subs(known), m * sigma_v**2 * g * T),
        (sp.Add(*found.blocks.values()).subs(known), equation_three()),
        (found.nngp.subs(known), m * sigma_v**2 * S),
    )


def _brute_force() -> Outcome:
    cubic = polynomial(_DEGREE, "c")
    networks = [Small((cubic,), (sigma_w,), sigma_v, width, _DIMENSION) for width in cases("m", _WIDTHS)]

    def blocks(small: Small) -> list[sp.Expr]:
        (first, second), size = small.duals(0), small.width * FRONT**2
        return [size * first, size * sigma_v**2 * GAMMA**2 * small.gram[2] * second]

    return agrees(networks, blocks, lambda small: small.width * FRONT**2 * sigma_v**2 * small.duals(0)[0])


def _ntk_parametrisation() -> Outcome:
    scaled = m * FRONT**2 * (S + sigma_v**2 * GAMMA**2 * g * T)
    outside = {FRONT: 1 / sp.sqrt(m), GAMMA: 1 / sp.sqrt(d), sigma_v: 1}
    found = kernels(network("gelu"), "ntk")
    engine = sp.Add(*found.blocks.values()).subs({found.branches[0].S: S, found.branches[0].T: T})
    return zero(
        (scaled.subs({FRONT: 1, GAMMA: 1}), equation_three()),
        (scaled.subs(outside), S + g / d * T),
        (engine, S + g / d * T),
        (found.nngp.subs(found.branches[0].S, S), S),
    )


def _relu() -> Outcome:
    kernel = (root + 2 * c * (sp.pi / 2 + theta)) / (2 * sp.pi)
    return vanish((read(derivation("relu").ntk), kernel))


def proof() -> Proof:
    return Proof(
        title="The NTK of the non-gated network (Eq. 3)",
        source="arXiv 2605.20749, Eq. 3; A. Jacot, F. Gabriel, C. Hongler 2018 for the kernel",
        summary=(
            "$\\mathbb{E}\\langle\\nabla z(x), \\nabla z(x')\\rangle = m\\,\\mathbb{E}[\\phi(u)\\phi(v)] + "
            "m\\sigma_v^2\\,(x\\cdot x')\\,\\mathbb{E}[\\phi'(u)\\phi'(v)]$. The neurons are independent, so this is "
            "an identity at every width $m$ and not a limit: the last steps compute the expectation of small "
            "networks "
            "by brute force."
        ),
        notation=(
            "$z(x) = \\sum_{r=1}^m v_r\\,\\phi(w_r\\cdot x)$, independent $v_r \\sim N(0,\\sigma_v^2)$, $w_{rj} "
            "\\sim "
            "N(0,\\sigma_w^2)$, $x \\in \\mathbb{R}^d$; $h_r = w_r\\cdot x$, $h_r' = w_r\\cdot x'$; $g = x\\cdot "
            "x'$; "
            "$S = \\mathbb{E}[\\phi(u)\\phi(v)]$, $T = \\mathbb{E}[\\phi'(u)\\phi'(v)]$. A prime on $\\phi$ is a "
            "derivative, on $x$ and $h$ it marks the second input."
        ),
        steps=(
            Step(
                "gradient",
                r"\frac{\partial z}{\partial v_r} = \phi(h_r), \qquad \frac{\partial z}{\partial w_{rj}} = "
                r"v_r\,\phi'(h_r)\,x_j",
                "chain rule, with an abstract $\\phi$; what does not contain the weight is one symbol, so $m$ and "
                "$d$ "
                "are arbitrary",
                _gradient,
                every("v w x phi"),
            ),
            Step(
                "gradient inner product",
                r"\langle\nabla z(x), \nabla z(x')\rangle = \sum_{r=1}^m \left[\phi(h_r)\,\phi(h_r') + "
                r"v_r^2\,\phi'(h_r)\,\phi'(h_r')\; x\cdot x'\right]",
                "sum over all weights, $\\sum_j x_jx_j' = x\\cdot x'$",
                _inner_product,
                every("m d v x y"),
            ),
            Step(
                "law of the pre-activations",
                r"(h_r, h_r') \sim N\left(0, \begin{pmatrix} a & c \\ c & b \end{pmatrix}\right), \qquad (a, b, c) = "
                r"\sigma_w^2\left(\|x\|^2, \|x'\|^2, x\cdot x'\right)",
                "linear in Gaussian weights; covariance by independence of the entries",
                _covariance,
                every("d x y sigma_w", by.GAUSSIAN_LINEAR),
            ),
            Step(
                "Eq. 3",
                r"K(x,x') = m\,S + m\,\sigma_v^2\,(x\cdot x')\,T, \qquad \Sigma(x,x') = \mathbb{E}[z(x)z(x')] = "
                r"m\,\sigma_v^2\,S",
                "expectation of the inner product: $m$ identically distributed neurons, $v_r$ independent of $w_r$; "
                "the cross terms of $\\Sigma$ vanish with $\\mathbb{E}[v_rv_s] = 0$",
                _expectation,
                every("m g S T sigma_v", by.INDEPENDENCE),
            ),
            Step(
                "exact at finite width",
                r"z = f\sum_r v_r\,\phi(\gamma\,w_r\cdot x): \qquad \mathbb{E}\langle\nabla z(x), \nabla "
                r"z(x')\rangle "
                r"= m f^2\left(S + \sigma_v^2\gamma^2\,(x\cdot x')\,T\right), \quad \Sigma = m f^2\sigma_v^2\,S,"
                rf"\qquad m = {', '.join(map(str, _WIDTHS))},\quad d = {_DIMENSION},\quad \phi(z) = "
                rf"\sum_{{k\le{_DEGREE}}} c_kz^k",
                "the whole network differentiated with respect to every weight, the expectation as a polynomial in "
                "independent Gaussians; symbolic $x, x', c_k, \\sigma_v, \\sigma_w, f, \\gamma$; $S$ and $T$ by "
                "Isserlis at $\\gamma^2\\sigma_w^2(\\|x\\|^2, \\|x'\\|^2, x\\cdot x')$. Eq. 3 is $f = \\gamma = 1$",
                _brute_force,
                every("x0 y0 sigma_v"),
            ),
            Step(
                "NTK parametrisation",
                r"z(x) = \frac{1}{\sqrt m}\sum_r v_r\,\phi\left(\frac{w_r\cdot x}{\sqrt d}\right),\ \text{unit "
                r"variances}: \qquad K = S + \bar c\,T, \quad \Sigma = S, \quad \bar c = \frac{x\cdot x'}{d}",
                "substitution of $f^2 = 1/m$, $\\gamma^2 = 1/d$, $\\sigma_v = \\sigma_w = 1$ in the previous step; "
                "equal to the engine's",
                _ntk_parametrisation,
                every("m d g S T"),
            ),
            Step(
                "ReLU",
                r"K_{\mathrm{ReLU}} = \frac{1}{2\pi}\left(\sqrt{ab - c^2} + 2c\left(\frac\pi2 + "
                r"\arcsin\frac{c}{\sqrt{ab}}\right)\right)",
                "substitution of the [arc-cosine](arc_cosine.md) duals $S = F_1$, $T = F_0$ in $S + cT$; equal to "
                "the "
                "engine's",
                _relu,
                every("a b c"),
            ),
        ),
    )
