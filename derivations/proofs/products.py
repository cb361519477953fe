"""NNGP and NTK of any product of branches: Σ = ∏ S_i, K = ∏ S_i + Σ_i c̄ T_i ∏_{j≠i} S_j."""

from __future__ import annotations

from collections.abc import Sequence

import sympy as sp

from derivations.tools import theorems as by
from derivations.tools.abstract import activation_pair
from derivations.tools.any_width import (
    inner,
    output_product,
    pair_mean,
    readout_block,
    readout_mean,
    weight_block,
)
from derivations.tools.finite_width import FRONT, GAMMA, Small, agrees, identity, polynomial
from derivations.tools.latex import lines
from derivations.tools.means import spots
from derivations.tools.proof import Outcome, Proof, Step, both, every, follows
from derivations.tools.sums import Index, Tensor, same, total
from derivations.tools.zero import zero
from glutheory.networks import product
from glutheory.symbolic.gaussian import c
from glutheory.symbolic.kernels import kernels

_G, _D = sp.Symbol("g", real=True), sp.Symbol("d", positive=True)
#: The numbers of branches that are written out.
_COUNTS = (1, 2, 3, 4)


def formula(S: Sequence[sp.Expr], T: Sequence[sp.Expr], inner: sp.Expr) -> list[sp.Expr]:
    """The blocks: readout, then one per branch."""
    whole = sp.Mul(*S)
    return [whole, *(inner * T[i] * sp.Mul(*S[:i], *S[i + 1 :]) for i in range(len(S)))]


def _gradient() -> Outcome:
    """One branch at a time: the others are one factor R."""
    phi, slope = activation_pair("phi")
    weight, value, readout, rest, factor = sp.symbols("w x v h_0 R", real=True)
    h = weight * value + rest
    z = readout * factor * phi(h)
    return zero((sp.diff(z, readout), factor * phi(h)), (sp.diff(z, weight), readout * factor * slope(h) * value))


def _symbols(count: int) -> tuple[tuple[sp.Symbol, ...], tuple[sp.Symbol, ...]]:
    return sp.symbols(f"S1:{count + 1}", real=True), sp.symbols(f"T1:{count + 1}", real=True)


def _induction() -> Outcome:
    """One more branch: Σ → Σ S, and the branches' part Θ → Θ S + Σ c̄ T.

    For any n the sum over i splits into i ≤ n, where S_{n+1} is a factor of every product, and i = n + 1; `formula` is
    compared with that for the first few n.
    """
    one = Index("i", "n")
    others, slope = Tensor("O"), Tensor("T")  # O_i = ∏_{j ≠ i, j ≤ n} S_j
    last, new, whole = sp.symbols("S T Sigma", real=True)
    general = total(c * slope[one] * others[one] * last, one) + c * new * whole
    step = same(general - total(c * slope[one] * others[one], one) * last - c * new * whole)
    differences = []
    for count in spots(_COUNTS):
        S, T = _symbols(count + 1)
        before, after = formula(S[:-1], T[:-1], c), formula(S, T, c)
        theta = sp.Add(*before[1:])
        differences += [after[0] - before[0] * S[-1], sp.Add(*after[1:]) - (theta * S[-1] + before[0] * c * T[-1])]
    # the start: one branch is the non-gated network
    S, T = _symbols(1)
    start = zero((sp.Add(*formula(S, T, c)), S[0] + c * T[0]), *differences)
    return follows("the induction on $n$, its start and its step", step, start)


def _price() -> Outcome:
    """K = Σ + c ∂Σ/∂c with T_i = S_i', by the product rule."""
    differences = []
    for count in spots(_COUNTS):
        S = [sp.Function(f"S{i}")(c) for i in range(count)]
        whole = sp.Mul(*S)
        K = sp.Add(*formula(S, [sp.diff(s, c) for s in S], c))
        differences += [K - (whole + c * sp.diff(whole, c)), K - sp.diff(c * whole, c)]
    # the step from n to n + 1: Θ_n = c Σ_n' gives Θ_{n+1} = Θ_n S + Σ_n c S' = c (Σ_n S)'
    before, last = sp.Function("Sigma")(c), sp.Function("S")(c)
    after = c * sp.diff(before, c) * last + before * c * sp.diff(last, c)
    return zero((after, c * sp.diff(before * last, c)), *differences)


def _engine() -> list[sp.Expr | tuple[sp.Expr, sp.Expr]]:
    """The NTK parametrisation: every block and the NNGP, for networks of one to four branches."""
    differences: list[sp.Expr | tuple[sp.Expr, sp.Expr]] = []
    for names in spots((("relu",), ("relu", "gelu"), ("relu", "gelu", "sin"), ("relu", "gelu", "sin", "erf"))):
        found = kernels(product(*names), "ntk")
        blocks = formula([br.S for br in found.branches], [br.T for br in found.branches], _G / _D)
        differences += list(zip(blocks, found.blocks.values(), strict=True))
        differences.append((found.nngp, blocks[0]))
    return differences


def _any_width() -> Outcome:
    """For any n, m and d: one branch at a time, the others one factor R with E[RR'] = ∏_{j≠i} S_j; all of them, Σ."""
    S, T, sigma, m = (sp.Symbol(name, positive=name == "m") for name in ("S", "T", "sigma_v", "m"))
    whole, scale = sp.Symbol("Sigma"), m * FRONT**2
    branch = pair_mean(pair_mean(readout_mean(weight_block("phi'", "R"), sigma**2), "phi'", T), "R", S)
    return same(
        pair_mean(readout_block("phi"), "phi", whole) - scale * whole,
        branch - scale * GAMMA**2 * sigma**2 * T * S * inner(),
        pair_mean(readout_mean(output_product("phi"), sigma**2), "phi", whole) - scale * sigma**2 * whole,
    )


def _brute_force() -> Outcome:
    """Two general polynomials, and three branches with the identity among them."""
    one, linear, square = sp.S.One, polynomial(1, "b"), polynomial(2, "c")
    networks = [
        Small(branches, (one,) * len(branches), one, 2, 2)
        for branches in spots(((linear, square), (identity, linear, square)))
    ]

    def blocks(small: Small) -> list[sp.Expr]:
        pairs = [small.duals(i) for i in range(len(small.branches))]
        rows = formula([s for s, _ in pairs], [t for _, t in pairs], GAMMA**2 * small.gram[2])
        return [small.width * FRONT**2 * row for row in rows]

    return agrees(networks, blocks, lambda small: blocks(small)[0])


def _special() -> Outcome:
    S, T = sp.symbols("S T", real=True)
    gated = sp.Add(*formula([c, S], [sp.S.One, T], c))
    double = sp.Add(*formula([c, c, S], [sp.S.One, sp.S.One, T], c))
    bilinear = sp.Add(*formula([c, c], [sp.S.One, sp.S.One], c))
    return zero((gated, 2 * c * S + c**2 * T), (double, 3 * c**2 * S + c**3 * T), (bilinear, 3 * c**2))


def _standard() -> Outcome:
    """Standard parametrisation: the readout block lacks σ_v², every other one has it."""
    found = kernels(product("relu", "gelu", "sin"), "standard")
    width, sigma_v = sp.Symbol("m", positive=True), sp.Symbol("sigma_v", positive=True)
    blocks = formula([br.S for br in found.branches], [br.T for br in found.branches], sigma_v**2 * _G)
    standard = ((width * mine, block) for mine, block in zip(blocks, found.blocks.values(), strict=True))
    return zero(*standard, *_engine())


def proof() -> Proof:
    return Proof(
        title="Products of branches",
        source="this project; two branches are Eqs. 3 and 4 of arXiv 2605.20749",
        summary=(
            "A hidden unit that is a product of $n$ branches with independent weights has the NNGP $\\prod_i S_i$ and "
            "the NTK $\\prod_i S_i + \\sum_i \\bar c\\,T_i\\prod_{j\\ne i} S_j$. The non-gated network is $n = 1$, a "
            "gated linear unit is $n = 2$ with one identity branch."
        ),
        notation=(
            "$z(x) = \\frac{1}{\\sqrt m}\\sum_r v_r\\prod_{i=1}^n \\phi_i(w_{i,r}\\cdot x/\\sqrt d)$ with independent "
            "standard normal weights; $\\bar c = x\\cdot x'/d$; $S_i, T_i$ are the duals of $\\phi_i$ at "
            "$(\\|x\\|^2/d, \\|x'\\|^2/d, \\bar c)$; $\\Sigma_n$ is the NNGP, $\\Theta_n$ the part of the NTK that "
            "comes from the branches' weights, $K_n = \\Sigma_n + \\Theta_n$."
        ),
        names={
            "R": r"\prod_{j\ne i}\phi_j(h_j)",
            r"\bar c": "c",
            r"\Theta_n": r"\sum_{i=1}^n\bar c\,T_i\prod_{j\ne i}S_j",
            "K_n": r"\Sigma_n + \Theta_n",
            "h_i": r"w_i\cdot x",
        },
        steps=(
            Step(
                "gradient",
                r"\frac{\partial}{\partial v}\left(v\,R\,\phi_i(h_i)\right) = "
                r"R\,\phi_i(h_i), \qquad \frac{\partial}{\partial w_{i,k}}\left(v\,R\,\phi_i(h_i)\right) = "
                r"v\,R\,\phi_i'(h_i)\,x_k",
                "product and chain rule; the other branches do not contain $w_i$ and are one factor $R$",
                _gradient,
                every("v w x R phi"),
            ),
            Step(
                "the formula, for any number of branches",
                lines(
                    r"\Sigma_n = \prod_{i=1}^n S_i, \qquad \Theta_n = \sum_{i=1}^n \bar c\,T_i\prod_{j\ne i}S_j, "
                    r"\qquad K_n = \Sigma_n + \Theta_n",
                    r"\Sigma_{n+1} = \Sigma_n\,S_{n+1}, \qquad \Theta_{n+1} = \Theta_n\,S_{n+1} + \Sigma_n\,\bar "
                    r"c\,T_{n+1}",
                ),
                "expectation by independence of the branches, $\\mathbb{E}[RR'] = \\prod_{j\\ne i}S_j$; the "
                "induction on $n$, its start and its step: the second line is the step from $n$ to $n+1$, $n = 1$ is "
                "[ntk_plain](ntk_plain.md)",
                _induction,
                every("n c S T", by.INDEPENDENCE),
            ),
            Step(
                "as a derivative",
                r"K_n = \frac{\partial}{\partial c}\left(c\,\Sigma_n\right) \quad\text{at fixed variances}",
                "Price's theorem $T_i = \\partial S_i/\\partial c$ and the product rule",
                _price,
                every("c S Sigma", by.PRICE),
                names={
                    "K_n": r"\Sigma_n + \sum_{i=1}^nc\,T_i\prod_{j\ne i}S_j",
                    "T_i": r"\frac{\partial S_i}{\partial c}",
                },
            ),
            Step(
                "exact at finite width",
                lines(
                    (
                        r"z = f\sum_{r=1}^m v_r\prod_{i=1}^n\phi_i(\gamma\,w_{i,r}\cdot x): \qquad "
                        r"\mathbb{E}\langle\partial_vz, \partial_vz'\rangle = mf^2\prod_{i=1}^nS_i, \qquad "
                        r"\mathbb{E}[zz'] = mf^2\sigma_v^2\prod_{i=1}^nS_i,"
                    ),
                    (
                        r"\mathbb{E}\langle\partial_{w_i}z, \partial_{w_i}z'\rangle = "
                        r"mf^2\gamma^2\sigma_v^2\,(x\cdot x')\,T_i\prod_{j\ne i}S_j"
                    ),
                ),
                (
                    "for any numbers of branches, neurons and coordinates, by independence of the branches as "
                    r"above; $f^2 = 1/m$, $\gamma^2 = 1/d$, $\sigma_v = 1$ is the NTK parametrisation, $f = "
                    r"\gamma = 1$ the standard one, and what `glutheory` derives by differentiating the neuron "
                    r"is the same in both, for $n \le 4$. Whole networks with $m = d = 2$ and $n = 2, 3$ "
                    "general polynomials of degrees 1 and 2 (with the identity) agree by brute force, every "
                    "weight differentiated, the expectation as a polynomial in independent Gaussians"
                ),
                lambda: both(_any_width(), _standard(), _brute_force()),
                every("m d x y f gamma sigma_v S T", by.INDEPENDENCE(r"n \prod_{i}S_i")),
                names={
                    "z": r"f\sum_r v_r\,R\,\phi_i(\gamma\,w_i\cdot x)",
                    "w_i": r"\text{independent Gaussians}",
                    r"\phi_i": r"\text{any functions with the duals } S_i, T_i",
                    "R": r"\text{the other factors, with } \mathbb{E}[RR'] = \prod_{j \ne i}S_j",
                },
            ),
            Step(
                "the networks of the paper",
                r"(\mathrm{id}, \phi):\ K = 2c\,S + c^2T, \qquad (\mathrm{id}, \mathrm{id}, \phi):\ K = 3c^2S + c^3T, "
                r"\qquad (\mathrm{id}, \mathrm{id}):\ K = 3c^2",
                "substitution of $S_{\\mathrm{id}} = c$, $T_{\\mathrm{id}} = 1$ (here $c = \\bar c$)",
                _special,
                every("c S T"),
                names={
                    "K": r"\prod_iS_i + \sum_ic\,T_i\prod_{j\ne i}S_j",
                    r"\phi": r"\text{any function with the duals } S, T",
                },
            ),
        ),
    )
