"""The kernel of the gated network, Eq. 4 of arXiv 2605.20749: exact at every width."""

from __future__ import annotations

import sympy as sp

from derivations.proofs.ntk_plain import S, T, d, g, m, sigma_w
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
from derivations.tools.finite_width import FRONT, GAMMA, Small, agrees, identity, polynomial, sigma_v
from derivations.tools.latex import lines
from derivations.tools.means import reading, spots
from derivations.tools.proof import Outcome, Proof, Step, both, every
from derivations.tools.sums import Form, Tensor, same, total
from derivations.tools.zero import zero
from glutheory.networks import network
from glutheory.symbolic.kernels import Kernels, kernels

sigma_p = sp.Symbol("sigma_p", positive=True)
_WIDTHS, _DIMENSION, _DEGREE = (1, 2, 3), 2, 3


def equation_four() -> sp.Expr:
    """K̃ = m(σ_v² + σ_p²)(x·x') S + m σ_v² σ_p² (x·x')² T."""
    return m * (sigma_v**2 + sigma_p**2) * g * S + m * sigma_v**2 * sigma_p**2 * g**2 * T


def _gradient() -> Outcome:
    phi, slope = activation_pair("phi")
    weight, gate, value, readout, first, second, others = sp.symbols("p w x v R1 R2 Z", real=True)
    q, h = weight * value + first, gate * value + second
    z = readout * q * phi(h) + others
    return zero(
        (sp.diff(z, readout), q * phi(h)),
        (sp.diff(z, weight), readout * phi(h) * value),
        (sp.diff(z, gate), readout * q * slope(h) * value),
    )


def _any_size() -> Outcome:
    """The sum of all products of two gradients of the step before, for any m and d."""
    r, j = NEURON, COORDINATE
    v, q, p, first, second, slope, other = (
        Tensor(name) for name in ("v", "q", "q_y", "phi", "phi_y", "phi'", "phi'_y")
    )
    readout = total(q[r] * first[r] * p[r] * second[r], r)
    value = total(v[r] * first[r] * X[j] * v[r] * second[r] * X_PRIME[j], r, j)
    gate = total(v[r] * q[r] * slope[r] * X[j] * v[r] * p[r] * other[r] * X_PRIME[j], r, j)
    bracket = first[r] * second[r] + q[r] * p[r] * slope[r] * other[r]
    claimed = total(q[r] * p[r] * first[r] * second[r] + v[r] ** 2 * inner() * bracket, r)
    return same(readout + value + gate - claimed)


def _inner_product() -> Outcome:
    phi, slope = activation_pair("phi")
    small = Small((identity, phi), (sigma_p, sigma_w), sigma_v, 2, 2)
    (x, y), (_, _, product) = small.inputs, small.gram
    here, there = small.output(x), small.output(y)
    written = sum(sp.diff(here, s) * sp.diff(there, s) for group in small.groups() for s in group)
    written, expected = written.subs({FRONT: 1, GAMMA: 1}), sp.S.Zero
    for r, readout in enumerate(small.readouts):
        (q, h), (qp, hp) = (
            [sum(weight * value for weight, value in zip(rows[r], point, strict=True)) for rows in small.weights]
            for point in (x, y)
        )
        expected += q * qp * phi(h) * phi(hp)
        expected += readout**2 * product * (phi(h) * phi(hp) + q * qp * slope(h) * slope(hp))
    return both(_any_size(), zero((sp.expand(written), sp.expand(expected))))


def _resolved(found: Kernels) -> dict[str, sp.Expr]:
    """The engine's blocks with the value branch (the identity: dual = covariance, derivative 1) put in."""
    value, gate = found.branches
    known = {value.S: value.covariance, value.T: 1, gate.S: S, gate.T: T}
    return {**{role: block.subs(known) for role, block in found.blocks.items()}, "nngp": found.nngp.subs(known)}


def _any_width(front: sp.Expr, inside: sp.Expr) -> Outcome:
    """The means of the three blocks and of z(x) z(x'), for any m, d and φ; E[q_r q_r'] = γ²σ_p² x·x'."""
    outside = {FRONT: front, GAMMA: inside}
    gate = inside**2 * sigma_p**2 * inner()

    def mean(value: Form, dual: str, symbol: sp.Symbol) -> Form:
        return pair_mean(pair_mean(readout_mean(value.subs(outside), sigma_v**2), dual, symbol), "q", gate)

    scale, product = m * front**2, inside**2 * inner()
    blocks = (
        mean(readout_block("q", "phi"), "phi", S),
        mean(weight_block("phi"), "phi", S),
        mean(weight_block("q", "phi'"), "phi'", T),
    )
    outputs = mean(output_product("q", "phi"), "phi", S)
    known = {"(x\\cdot x')": inner(), "f": front, r"\gamma": inside, "m": m, "S": S, "T": T}
    reading({**known, r"\sigma_v": sigma_v, r"\sigma_p": sigma_p})
    reading({"K_V": blocks[0], "K_P": blocks[1], "K_W": blocks[2], r"\tilde K": blocks[0] + blocks[1] + blocks[2]})
    reading({r"\tilde\Sigma": outputs, r"\mathbb{E}[z(x)z(x')]": outputs})
    return same(
        blocks[0] - scale * sigma_p**2 * product * S,
        blocks[1] - scale * sigma_v**2 * product * S,
        blocks[2] - scale * sigma_v**2 * sigma_p**2 * product * product * T,
        outputs - scale * sigma_v**2 * sigma_p**2 * product * S,
    )


def _expectation() -> Outcome:
    table = _resolved(kernels(network("geglu"), "standard"))
    engine = zero(
        (table["readout"], m * sigma_p**2 * g * S),
        (table["value"], m * sigma_v**2 * g * S),
        (table["gate"], m * sigma_v**2 * sigma_p**2 * g**2 * T),
        (table["readout"] + table["value"] + table["gate"], equation_four()),
        (table["nngp"], m * sigma_v**2 * sigma_p**2 * g * S),
    )
    return both(_any_width(sp.S.One, sp.S.One), engine)


def _scaled() -> Outcome:
    """For any m and d; and small networks with a general cubic by brute force, without the independence of neurons."""
    branches = (identity, polynomial(_DEGREE, "c"))
    networks = [Small(branches, (sigma_p, sigma_w), sigma_v, width, _DIMENSION) for width in spots(_WIDTHS)]

    def blocks(small: Small) -> list[sp.Expr]:
        (first, second), size, product = small.duals(1), small.width * FRONT**2, GAMMA**2 * small.gram[2]
        return [
            size * sigma_p**2 * product * first,
            size * sigma_v**2 * product * first,
            size * sigma_v**2 * sigma_p**2 * product**2 * second,
        ]

    def nngp(small: Small) -> sp.Expr:
        return small.width * FRONT**2 * sigma_v**2 * sigma_p**2 * GAMMA**2 * small.gram[2] * small.duals(1)[0]

    return both(_any_width(FRONT, GAMMA), agrees(networks, blocks, nngp))


def _ntk_parametrisation() -> Outcome:
    product = GAMMA**2 * g
    scaled = m * FRONT**2 * ((sigma_v**2 + sigma_p**2) * product * S + sigma_v**2 * sigma_p**2 * product**2 * T)
    outside = {FRONT: 1 / sp.sqrt(m), GAMMA: 1 / sp.sqrt(d), sigma_v: 1, sigma_p: 1}
    expected = 2 * g / d * S + (g / d) ** 2 * T
    covariance = (m * FRONT**2 * sigma_v**2 * sigma_p**2 * product * S).subs(outside)
    reading({r"\tilde K": scaled.subs(outside), r"\tilde\Sigma": covariance, r"\bar c": g / d, "x\\cdot x'": g, "d": d})
    table = _resolved(kernels(network("geglu"), "ntk"))
    return zero(
        (scaled.subs({FRONT: 1, GAMMA: 1}), equation_four()),
        (scaled.subs(outside), expected),
        (table["readout"] + table["value"] + table["gate"], expected),
        (table["nngp"], g / d * S),
    )


def _bilinear() -> Outcome:
    """φ = identity: S = σ_w² g, T = 1."""
    value = equation_four().subs({S: sigma_w**2 * g, T: 1})
    expected = m * g**2 * (sigma_w**2 * sigma_v**2 + sigma_w**2 * sigma_p**2 + sigma_v**2 * sigma_p**2)
    reading({r"\tilde K": value, "(x\\cdot x')": g})
    found = kernels(network("bilinear"), "standard")
    first, second = found.branches
    known = {first.S: first.covariance, first.T: 1, second.S: second.covariance, second.T: 1}
    return zero((value, expected), (sp.Add(*found.blocks.values()).subs(known), expected))


def proof() -> Proof:
    return Proof(
        title="The NTK of the gated network (Eq. 4)",
        source="arXiv 2605.20749, Eq. 4; N. Shazeer 2020 for gated linear units",
        summary=(
            "$\\tilde K = m(\\sigma_v^2 + \\sigma_p^2)(x\\cdot x')\\,S + m\\sigma_v^2\\sigma_p^2\\,(x\\cdot "
            "x')^2\\,T$ for $z(x) = V[(Px)\\odot\\phi(Wx)]$: one block for each of $V, P, W$. As for [Eq. "
            "3](ntk_plain.md) this is exact at every width."
        ),
        notation=(
            "$z(x) = \\sum_{r=1}^m v_r\\,(p_r\\cdot x)\\,\\phi(w_r\\cdot x)$ with independent $v_r \\sim "
            "N(0,\\sigma_v^2)$, $p_{rj} \\sim N(0,\\sigma_p^2)$, $w_{rj} \\sim N(0,\\sigma_w^2)$; $q_r = p_r\\cdot "
            "x$, $h_r = w_r\\cdot x$, with a prime for the second input $x'$; $S = \\mathbb{E}[\\phi(u)\\phi(v)]$ and "
            "$T = \\mathbb{E}[\\phi'(u)\\phi'(v)]$ at $(a,b,c) = \\sigma_w^2(\\|x\\|^2, \\|x'\\|^2, x\\cdot x')$."
        ),
        names={
            "z(x)": r"\sum_{r=1}^m v_r\,(p_r\cdot x)\,\phi(w_r\cdot x)",
            "h_r": r"w_r\cdot x",
            "q_r": r"p_r\cdot x",
            r"\tilde K(x, x')": r"\mathbb{E}\langle\nabla z(x), \nabla z(x')\rangle",
            r"\tilde\Sigma(x, x')": r"\mathbb{E}[z(x)\,z(x')]",
            "v_r": r"\mathcal{N}(0, \sigma_v^2)",
            "p_r": r"\mathcal{N}(0, \sigma_p^2)",
            "w_r": r"\mathcal{N}(0, \sigma_w^2)",
            r"\bar c": r"\frac{x\cdot x'}{d}",
        },
        steps=(
            Step(
                "gradient",
                r"\frac{\partial z}{\partial v_r} = q_r\,\phi(h_r), \qquad \frac{\partial z}{\partial p_{rj}} = "
                r"v_r\,\phi(h_r)\,x_j, \qquad \frac{\partial z}{\partial w_{rj}} = v_r\,q_r\,\phi'(h_r)\,x_j",
                (
                    r"product and chain rule, with an abstract $\phi$; what does not contain the weight is one "
                    "symbol: $m$ and $d$ are arbitrary"
                ),
                _gradient,
                every("v p w x phi"),
                names={"z": r"v_r\,q_r\,\phi(h_r) + \text{what contains none of } v_r, p_r, w_r"},
            ),
            Step(
                "gradient inner product",
                r"\langle\nabla z(x), \nabla z(x')\rangle = \sum_{r=1}^m \left[q_rq_r'\,\phi(h_r)\phi(h_r') + "
                r"v_r^2\,(x\cdot x')\left(\phi(h_r)\phi(h_r') + q_rq_r'\,\phi'(h_r)\phi'(h_r')\right)\right]",
                "sum over all weights, $\\sum_j x_jx_j' = x\\cdot x'$",
                _inner_product,
                every("m d v q x y"),
                names={"w_r": r"\text{any weights}", "p_r": r"\text{any weights}"},
            ),
            Step(
                "Eq. 4, block by block",
                lines(
                    r"K_V = m\,\sigma_p^2\,(x\cdot x')\,S, \qquad K_P = m\,\sigma_v^2\,(x\cdot x')\,S, \qquad K_W = "
                    r"m\,\sigma_v^2\sigma_p^2\,(x\cdot x')^2\,T",
                    r"\tilde K = K_V + K_P + K_W, \qquad \tilde\Sigma = \mathbb{E}[z(x)z(x')] = "
                    r"m\,\sigma_v^2\sigma_p^2\,(x\cdot x')\,S",
                ),
                "expectation by independence of $v_r, p_r, w_r$: $\\mathbb{E}[v_r^2] = \\sigma_v^2$, "
                "$\\mathbb{E}[q_rq_r'] = \\sigma_p^2\\,x\\cdot x'$; $m$ identically distributed neurons",
                _expectation,
                every("m d x y S T sigma_v sigma_p", by.INDEPENDENCE),
                names={
                    "w_r": r"\text{independent of } v_r, p_r",
                    "K_V": r"\mathbb{E}\langle\partial_vz(x), \partial_vz(x')\rangle",
                    "K_P": r"\mathbb{E}\langle\partial_pz(x), \partial_pz(x')\rangle",
                    "K_W": r"\mathbb{E}\langle\partial_wz(x), \partial_wz(x')\rangle",
                },
            ),
            Step(
                "exact at finite width",
                (
                    r"z = f\sum_r v_r\,(\gamma\,p_r\cdot x)\,\phi(\gamma\,w_r\cdot x): \quad \tilde K = m "
                    r"f^2\left((\sigma_v^2 + \sigma_p^2)\,\gamma^2(x\cdot x')\,S + "
                    r"\sigma_v^2\sigma_p^2\,\gamma^4(x\cdot x')^2\,T\right), \quad \tilde\Sigma = m "
                    r"f^2\sigma_v^2\sigma_p^2\,\gamma^2(x\cdot x')\,S"
                ),
                (
                    r"for every $m$, $d$ and $\phi$, block by block, as Eq. 4, which is $f = \gamma = 1$; and, "
                    r"presupposing nothing of it, whole networks with $m = 1, 2, 3$, $d = 2$ and $\phi(z) = "
                    r"\sum_{k\le3} c_kz^k$ differentiated with respect to every weight, the expectation as a "
                    r"polynomial in independent Gaussians; symbolic $x, x', c_k, \sigma_v, \sigma_p, \sigma_w, "
                    r"f, \gamma$; $S$ and $T$ by Isserlis at $\gamma^2\sigma_w^2(\|x\|^2, \|x'\|^2, x\cdot x')$"
                ),
                _scaled,
                every("m d x y f gamma S T sigma_v sigma_p", by.INDEPENDENCE),
                names={
                    "w_r": r"\text{independent of } v_r, p_r",
                    "z(x)": r"f\sum_{r=1}^m v_r\,(\gamma\,p_r\cdot x)\,\phi(\gamma\,w_r\cdot x)",
                },
            ),
            Step(
                "NTK parametrisation",
                (
                    r"f^2 = \tfrac1m,\ \gamma^2 = \tfrac1d,\ \sigma_v = \sigma_p = 1: \qquad \tilde K = 2\bar "
                    r"c\,S + \bar c^2\,T, \quad \tilde\Sigma = \bar c\,S, \quad \bar c = \frac{x\cdot x'}{d}"
                ),
                "substitution of $f^2 = 1/m$, $\\gamma^2 = 1/d$ and unit variances in the previous step; equal to "
                "the engine's",
                _ntk_parametrisation,
                every("m d g S T"),
                names={
                    r"\tilde K": (
                        r"mf^2\left((\sigma_v^2 + \sigma_p^2)\,\gamma^2g\,S + "
                        r"\sigma_v^2\sigma_p^2\gamma^4g^2\,T\right)"
                    ),
                    r"\tilde\Sigma": r"mf^2\sigma_v^2\sigma_p^2\gamma^2g\,S",
                    "x": r"\text{inputs with } x\cdot x' = g",
                    "f": "m^{-1/2}",
                    r"\gamma": "d^{-1/2}",
                },
            ),
            Step(
                "the bilinear network",
                r"\phi(z) = z: \qquad \tilde K = m\,(x\cdot x')^2\left(\sigma_w^2\sigma_v^2 + \sigma_w^2\sigma_p^2 + "
                r"\sigma_v^2\sigma_p^2\right)",
                "$S = \\sigma_w^2\\,x\\cdot x'$, $T = 1$: symmetric in the three variances, as it must be; equal to "
                "the engine's",
                _bilinear,
                every("m g sigma_v sigma_p sigma_w"),
                names={
                    r"\tilde K": r"m(\sigma_v^2 + \sigma_p^2)\,g\,S + m\sigma_v^2\sigma_p^2\,g^2\,T",
                    "S": r"\sigma_w^2\,g",
                    "T": "1",
                    "x": r"\text{inputs with } x\cdot x' = g",
                    r"\phi(z)": "z",
                    "z": r"\text{the argument}",
                },
            ),
        ),
    )
