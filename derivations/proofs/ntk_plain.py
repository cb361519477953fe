"""The kernel of the non-gated network, Eq. 3 of arXiv 2605.20749: exact at every width."""

from __future__ import annotations

import sympy as sp

from derivations.tools import theorems as by
from derivations.tools.abstract import activation_pair
from derivations.tools.any_width import (
    COORDINATE,
    NEURON,
    X_PRIME,
    X,
    inner,
    output_product,
    pair_mean,
    readout_block,
    readout_mean,
    weight_block,
)
from derivations.tools.arcsine import read, theta, vanish
from derivations.tools.arcsine import w as root
from derivations.tools.finite_width import FRONT, GAMMA, Small, agrees, polynomial, sigma_v
from derivations.tools.gauss import independent_mean
from derivations.tools.means import reading, spots
from derivations.tools.proof import Outcome, Proof, Step, both, every
from derivations.tools.sums import Index, Tensor, delta, same, total
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


_KERNEL = r"\mathbb{E}\langle\nabla z(x), \nabla z(x')\rangle"
_PRODUCT = r"\mathbb{E}[z(x)z(x')]"


def _any_width(front: sp.Expr, inside: sp.Expr) -> Outcome:
    """The means of both blocks and of z(x) z(x'), for any m, d and φ."""
    outside = {FRONT: front, GAMMA: inside}
    readout = pair_mean(readout_block("phi"), "phi", S)
    hidden = pair_mean(readout_mean(weight_block("phi'"), sigma_v**2), "phi'", T)
    product = pair_mean(readout_mean(output_product("phi"), sigma_v**2), "phi", S)
    scale = m * front**2
    reading({"(x\\cdot x')": inner(), "f": front, r"\gamma": inside, "m": m, "S": S, "T": T, r"\sigma_v": sigma_v})
    reading({_KERNEL: (readout + hidden).subs(outside), "K(x,x')": (readout + hidden).subs(outside)})
    reading({"\\Sigma(x,x')": product.subs(outside), r"\Sigma": product.subs(outside), _PRODUCT: product.subs(outside)})
    return same(
        readout.subs(outside) - scale * S,
        hidden.subs(outside) - scale * inside**2 * sigma_v**2 * T * inner(),
        product.subs(outside) - scale * sigma_v**2 * S,
    )


def _expectation() -> Outcome:
    """With m equal neurons; E[φφ'] = S, E[v²φ'φ'] = σ_v² T because v is independent of w; compared with the engine."""
    found = kernels(network("gelu"), "standard")
    (branch,) = found.branches
    known = {branch.S: S, branch.T: T}
    engine = zero(
        (found.blocks["readout"].subs(known), m * S),
        (found.blocks["hidden"].subs(known), m * sigma_v**2 * g * T),
        (sp.Add(*found.blocks.values()).subs(known), equation_three()),
        (found.nngp.subs(known), m * sigma_v**2 * S),
    )
    return both(_any_width(sp.S.One, sp.S.One), engine)


def _scaled() -> Outcome:
    """For any m and d; and small networks with a general cubic by brute force, without the independence of neurons."""
    cubic = polynomial(_DEGREE, "c")
    networks = [Small((cubic,), (sigma_w,), sigma_v, width, _DIMENSION) for width in spots(_WIDTHS)]

    def blocks(small: Small) -> list[sp.Expr]:
        (first, second), size = small.duals(0), small.width * FRONT**2
        return [size * first, size * sigma_v**2 * GAMMA**2 * small.gram[2] * second]

    tried = agrees(networks, blocks, lambda small: small.width * FRONT**2 * sigma_v**2 * small.duals(0)[0])
    return both(_any_width(FRONT, GAMMA), tried)


def _ntk_parametrisation() -> Outcome:
    scaled = m * FRONT**2 * (S + sigma_v**2 * GAMMA**2 * g * T)
    outside = {FRONT: 1 / sp.sqrt(m), GAMMA: 1 / sp.sqrt(d), sigma_v: 1}
    reading(
        {"K": scaled.subs(outside), r"\Sigma": (m * FRONT**2 * sigma_v**2 * S).subs(outside), "x\\cdot x'": g, "d": d}
    )
    found = kernels(network("gelu"), "ntk")
    engine = sp.Add(*found.blocks.values()).subs({found.branches[0].S: S, found.branches[0].T: T})
    return zero(
        (scaled.subs({FRONT: 1, GAMMA: 1}), equation_three()),
        (scaled.subs(outside), S + g / d * T),
        (engine, S + g / d * T),
        (found.nngp.subs(found.branches[0].S, S), S),
    )


def _relu() -> Outcome:
    dual = derivation("relu").dual
    reading({"S": read(dual.S), "T": read(dual.T), r"\sqrt{ab - c^2}": root, r"\arcsin\frac{c}{\sqrt{ab}}": theta})
    kernel = (root + 2 * c * (sp.pi / 2 + theta)) / (2 * sp.pi)
    return vanish((read(derivation("relu").ntk), kernel))


def proof() -> Proof:
    return Proof(
        title="The NTK of the non-gated network (Eq. 3)",
        source="arXiv 2605.20749, Eq. 3; A. Jacot, F. Gabriel, C. Hongler 2018 for the kernel",
        summary=(
            "$\\mathbb{E}\\langle\\nabla z(x), \\nabla z(x')\\rangle = m\\,\\mathbb{E}[\\phi(u)\\phi(v)] + "
            "m\\sigma_v^2\\,(x\\cdot x')\\,\\mathbb{E}[\\phi'(u)\\phi'(v)]$. The neurons are independent, so this is "
            "an identity at every width $m$ and not a limit: the last steps compute the expectation of small networks "
            "by brute force."
        ),
        notation=(
            "$z(x) = \\sum_{r=1}^m v_r\\,\\phi(w_r\\cdot x)$, independent $v_r \\sim N(0,\\sigma_v^2)$, $w_{rj} \\sim "
            "N(0,\\sigma_w^2)$, $x \\in \\mathbb{R}^d$; $h_r = w_r\\cdot x$, $h_r' = w_r\\cdot x'$; $g = x\\cdot x'$; "
            "$S = \\mathbb{E}[\\phi(u)\\phi(v)]$, $T = \\mathbb{E}[\\phi'(u)\\phi'(v)]$. A prime on $\\phi$ is a "
            "derivative, on $x$ and $h$ it marks the second input."
        ),
        names={
            "z(x)": r"\sum_{r=1}^m v_r\,\phi(w_r\cdot x)",
            "h_r": r"w_r\cdot x",
            "K(x, x')": r"\mathbb{E}\langle\nabla z(x), \nabla z(x')\rangle",
            r"\Sigma(x, x')": r"\mathbb{E}[z(x)\,z(x')]",
            "v_r": r"\mathcal{N}(0, \sigma_v^2)",
            "w_r": r"\mathcal{N}(0, \sigma_w^2)",
            r"\bar c": r"\frac{x\cdot x'}{d}",
        },
        steps=(
            Step(
                "gradient",
                r"\frac{\partial z}{\partial v_r} = \phi(h_r), \qquad \frac{\partial z}{\partial w_{rj}} = "
                r"v_r\,\phi'(h_r)\,x_j",
                (
                    r"chain rule, with an abstract $\phi$; what does not contain the weight is one symbol: $m$ "
                    "and $d$ are arbitrary"
                ),
                _gradient,
                every("v w x phi"),
                names={"z": r"v_r\,\phi(h_r) + \text{what contains neither } v_r \text{ nor } w_r"},
            ),
            Step(
                "gradient inner product",
                r"\langle\nabla z(x), \nabla z(x')\rangle = \sum_{r=1}^m \left[\phi(h_r)\,\phi(h_r') + "
                r"v_r^2\,\phi'(h_r)\,\phi'(h_r')\; x\cdot x'\right]",
                "sum over all weights, $\\sum_j x_jx_j' = x\\cdot x'$",
                _inner_product,
                every("m d v x y"),
                names={"w_r": r"\text{any weights}"},
            ),
            Step(
                "law of the pre-activations",
                (
                    r"(h_r, h_r') \sim \mathcal{N}\left(0, \begin{pmatrix} a & c \\ c & b \end{pmatrix}\right), "
                    r"\qquad (a, b, c) = \sigma_w^2\left(\|x\|^2, \|x'\|^2, x\cdot x'\right)"
                ),
                "linear in Gaussian weights; covariance by independence of the entries",
                _covariance,
                every("d x y sigma_w", by.GAUSSIAN_LINEAR),
                names={
                    "a": r"\sigma_w^2\|x\|^2",
                    "b": r"\sigma_w^2\|x'\|^2",
                    "c": r"\sigma_w^2\,x\cdot x'",
                    "w_r": r"\mathcal{N}(0, \sigma_w^2)",
                },
            ),
            Step(
                "Eq. 3",
                r"K(x,x') = m\,S + m\,\sigma_v^2\,(x\cdot x')\,T, \qquad \Sigma(x,x') = \mathbb{E}[z(x)z(x')] = "
                r"m\,\sigma_v^2\,S",
                "expectation of the inner product: $m$ identically distributed neurons, $v_r$ independent of $w_r$; "
                "the cross terms of $\\Sigma$ vanish with $\\mathbb{E}[v_rv_s] = 0$",
                _expectation,
                every("m d x y S T sigma_v", by.INDEPENDENCE),
                names={"w_r": r"\text{independent of } v_r"},
            ),
            Step(
                "exact at finite width",
                (
                    r"z = f\sum_r v_r\,\phi(\gamma\,w_r\cdot x): \qquad \mathbb{E}\langle\nabla z(x), \nabla "
                    r"z(x')\rangle = m f^2\left(S + \sigma_v^2\gamma^2\,(x\cdot x')\,T\right), \quad \Sigma = m "
                    r"f^2\sigma_v^2\,S"
                ),
                (
                    r"for every $m$, $d$ and $\phi$ as Eq. 3, which is $f = \gamma = 1$; and, presupposing "
                    r"nothing of it, whole networks with $m = 1, 2, 3$, $d = 2$ and $\phi(z) = \sum_{k\le3} "
                    "c_kz^k$ differentiated with respect to every weight, the expectation as a polynomial in "
                    r"independent Gaussians; symbolic $x, x', c_k, \sigma_v, \sigma_w, f, \gamma$; $S$ and $T$ "
                    r"by Isserlis at $\gamma^2\sigma_w^2(\|x\|^2, \|x'\|^2, x\cdot x')$"
                ),
                _scaled,
                every("m d x y f gamma S T sigma_v", by.INDEPENDENCE),
                names={"w_r": r"\text{independent of } v_r", "z(x)": r"f\sum_{r=1}^m v_r\,\phi(\gamma\,w_r\cdot x)"},
            ),
            Step(
                "NTK parametrisation",
                (
                    r"f^2 = \tfrac1m,\ \gamma^2 = \tfrac1d,\ \sigma_v = \sigma_w = 1: \qquad K = S + \bar c\,T, "
                    r"\quad \Sigma = S, \quad \bar c = \frac{x\cdot x'}{d}"
                ),
                (
                    r"substitution in the previous step: $z = m^{-1/2}\sum_r v_r\,\phi(w_r\cdot x/\sqrt d)$ "
                    "with unit variances; equal to the engine's"
                ),
                _ntk_parametrisation,
                every("m d g S T"),
                names={
                    "K": r"mf^2\left(S + \sigma_v^2\gamma^2g\,T\right)",
                    r"\Sigma": r"mf^2\sigma_v^2S",
                    "x": r"\text{inputs with } x\cdot x' = g",
                    "f": "m^{-1/2}",
                    r"\gamma": "d^{-1/2}",
                    r"\sigma_v": "1",
                    r"\sigma_w": "1",
                },
            ),
            Step(
                "ReLU",
                (
                    r"\phi(z) = z_+: \qquad S + cT = \frac{1}{2\pi}\left(\sqrt{ab - c^2} + 2c\left(\frac\pi2 + "
                    r"\arcsin\frac{c}{\sqrt{ab}}\right)\right)"
                ),
                "substitution of the [arc-cosine](arc_cosine.md) duals $S = F_1$, $T = F_0$ in $S + cT$; equal to the "
                "engine's",
                _relu,
                every("a b c"),
                names={
                    "S": r"\mathbb{E}[u_+v_+]",
                    "T": r"\partial S/\partial c",
                    "u": r"\text{Gaussian with variance } a",
                    "v": r"\text{Gaussian with variance } b\text{ and } \mathbb{E}[uv] = c",
                    r"\phi(z)": "z_+",
                    "z": r"\text{the argument}",
                },
            ),
        ),
    )
