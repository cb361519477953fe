"""The degree shift: on the sphere K = (ρκ)′ and K̃ = (ρ²κ)′, so gating moves every coefficient one degree up."""

from __future__ import annotations

import sympy as sp

from derivations.tools import theorems as by
from derivations.tools.arcsine import d_dc, read, vanish
from derivations.tools.gauss import moment
from derivations.tools.latex import lines
from derivations.tools.means import reading, spots
from derivations.tools.proof import Outcome, Proof, Step, both, every
from derivations.tools.zero import zero
from glutheory.activations import activation
from glutheory.networks import network, product
from glutheory.symbolic.derived import derivation
from glutheory.symbolic.gaussian import a, b, c
from glutheory.symbolic.kernels import kernels

rho = sp.Symbol("rho", positive=True)
k = sp.Symbol("k", integer=True, nonnegative=True)
n = sp.Symbol("n", integer=True, nonnegative=True)
_S = sp.Function("S")(a, b, c)
_KAPPA = sp.Function("kappa", positive=True)(rho)
_G, _D = sp.Symbol("g", real=True), sp.Symbol("d", positive=True)


def _engine_kernels() -> Outcome:
    """S + cT and 2cS + c²T, from the engine's differentiation of the networks (abstract S, T)."""
    plain, gate = kernels(network("gelu")), kernels(network("geglu"))
    S, T = sp.symbols("S T", real=True)
    value = gate.branches[0]
    first = sp.Add(*plain.blocks.values()).subs(_G, c * _D)
    second = sp.Add(*gate.blocks.values()).subs({value.S: value.covariance, value.T: 1}).subs(_G, c * _D)
    reading({"K": first, r"\tilde K": second, "S": S, "T": T, "c": c})
    return zero((first, S + c * T), (second, 2 * c * S + c**2 * T))


def _derivatives() -> Outcome:
    T = sp.diff(_S, c)
    reading({"K": _S + c * T, r"\tilde K": 2 * c * _S + c**2 * T, "S": _S, "c": c})
    return zero((_S + c * T, sp.diff(c * _S, c)), (2 * c * _S + c**2 * T, sp.diff(c**2 * _S, c)))


def _closed_forms() -> Outcome:
    """The engine's closed forms at free variances."""
    checks = []
    for plain, gate, square in (("relu", "reglu", 0), ("gelu", "geglu", 1)):
        S = read(derivation(plain).dual.S, sp.Integer(square), sp.Integer(square))
        K, gated = (read(derivation(name).ntk, sp.Integer(square), sp.Integer(square)) for name in (plain, gate))
        checks.append(vanish(K - d_dc(c * S), gated - d_dc(c**2 * S)))
    return both(*checks)


def _coefficients() -> Outcome:
    coefficient = sp.Symbol("c_k", positive=True)
    term = coefficient * rho**k
    plain, gated = sp.diff(rho * term, rho), sp.diff(rho**2 * term, rho)
    return zero(plain - (k + 1) * term, gated - (k + 2) * rho * term, gated / plain - (k + 2) / (k + 1) * rho)


def _polynomial() -> Outcome:
    """κ of z³ is 9ρ + 6ρ³; its kernels by the coefficients and by the engine."""
    sphere = {a: 1, b: 1, c: rho}
    kappa = moment(3, 3).subs(sphere)
    plain = sum((i + 1) * value * rho**i for (i,), value in sp.Poly(kappa, rho).terms())
    gated = sum((i + 2) * value * rho ** (i + 1) for (i,), value in sp.Poly(kappa, rho).terms())
    engine = [derivation(product(*names)).ntk.subs(sphere) for names in (("monomial3",), ("identity", "monomial3"))]
    reading({r"\kappa": kappa, "K": engine[0], r"\tilde K": engine[1]})
    return zero(kappa - 9 * rho - 6 * rho**3, plain - engine[0], gated - engine[1])


def _several_gates() -> Outcome:
    """With n identity branches K = (ρ^{n+1} κ)′: for all n by the product rule; ReLU, n = 2, 3, by the engine too."""
    T = sp.diff(_KAPPA, rho)
    general = rho**n * _KAPPA + rho * (n * rho ** (n - 1) * _KAPPA + rho**n * T)
    reading({"K": general, r"\kappa": _KAPPA}, prime=rho)
    differences = [general - sp.diff(rho ** (n + 1) * _KAPPA, rho)]
    S = read(derivation("relu").dual.S)
    checks = []
    for count in spots((2, 3)):
        names = [activation("identity")] * count + [activation("relu")]
        checks.append(vanish(read(derivation(product(*names)).ntk) - d_dc(c ** (count + 1) * S)))
    return both(zero(*differences), *checks)


def _decorrelation() -> Outcome:
    """With μ = ρκ′/κ and V = ρμ′: K = κ(1+μ), K̃ = ρκ(2+μ)."""
    mu = rho * sp.diff(_KAPPA, rho) / _KAPPA
    variance = rho * sp.diff(mu, rho)
    plain, gated = sp.diff(rho * _KAPPA, rho), sp.diff(rho**2 * _KAPPA, rho)
    slope = rho * (sp.diff(gated, rho) / gated - sp.diff(plain, rho) / plain)
    reading({"K": plain, r"\tilde K": gated, r"\kappa": _KAPPA, r"\mu": mu, "V": variance}, prime=rho)
    reading({r"\frac{d \ln(\tilde K/K)}{d\ln\rho}": slope})
    return zero(
        plain - _KAPPA * (1 + mu), gated - rho * _KAPPA * (2 + mu), slope - (1 - variance / ((1 + mu) * (2 + mu)))
    )


def _weights() -> Outcome:
    """E[k] = Σ k c_k ρ^k/κ is μ and E[k²] − E[k]² is V, for any series: ρ d/dρ multiplies the term of degree k by k."""
    coefficient = sp.Symbol("c_k", positive=True)
    term = coefficient * rho**k
    shift = [(rho * sp.diff(k**power * term, rho), k ** (power + 1) * term) for power in (sp.S.Zero, sp.S.One)]
    # the sums of k^j c_k ρ^k, j = 0, 1, 2, of which by that each is ρ times the derivative of the last
    first = sp.Function("A")(rho)
    second, third = rho * sp.diff(first, rho), rho * sp.diff(rho * sp.diff(first, rho), rho)
    mean = rho * sp.diff(first, rho) / first
    sums = (first, second, third)
    reading({rf"\sum {name}c_k\rho^k": value for name, value in zip(("", r"k\,", "k^2"), sums, strict=True)})
    reading({r"\kappa": first, r"\mu": mean, "V": rho * sp.diff(mean, rho)}, prime=rho)
    return zero(*shift, (mean, second / first), rho * sp.diff(mean, rho) - (third / first - (second / first) ** 2))


def _printed() -> Outcome:
    kappa = 9 * rho + 6 * rho**3
    return zero(
        sp.diff(rho * kappa, rho) - 18 * rho - 24 * rho**3, sp.diff(rho**2 * kappa, rho) - 27 * rho**2 - 30 * rho**4
    )


def proof() -> Proof:
    return Proof(
        title="The degree shift",
        source="this project; the series is Hermite's, the sphere as in Funk–Hecke",
        summary=(
            "In the NTK parametrisation $K = \\partial(cS)/\\partial c$ and $\\tilde K = \\partial(c^2S)/\\partial "
            "c$. On the unit sphere, with $\\kappa(\\rho) = S(1,1,\\rho) = \\sum_k c_k\\rho^k$, gating multiplies the "
            "coefficient by $(k+2)/(k+1)$ and moves it one degree up."
        ),
        notation=(
            "NTK parametrisation; $a = \\|x\\|^2/d$, $b = \\|x'\\|^2/d$, $c = x\\cdot x'/d$; $S, T$ are the duals of "
            "$\\phi$, $T = \\partial S/\\partial c$ (Price). On the sphere $a = b = 1$ and $c = \\rho$. $K$ is the "
            "NTK of the non-gated, $\\tilde K$ of the gated network; $c_k = h_k(1)^2 \\ge 0$."
        ),
        names={
            "K": "S + cT",
            r"\tilde K": "2cS + c^2T",
            r"\kappa": r"\sum_kc_k\rho^k",
            r"\mu": r"\frac{\rho\kappa'}{\kappa}",
            "V": r"\rho\mu'",
            "T": r"\frac{\partial S}{\partial c}",
            "c": r"\rho",
            "S": r"\kappa",
        },
        steps=(
            Step(
                "the two kernels",
                r"K = S + c\,T, \qquad \tilde K = 2c\,S + c^2\,T",
                "[ntk_plain](ntk_plain.md) and [ntk_gated](ntk_gated.md) in the NTK parametrisation; here compared "
                "with the engine",
                _engine_kernels,
                every("c S T"),
            ),
            Step(
                "as derivatives, for any norms",
                r"K = \frac{\partial}{\partial c}\left(c\,S\right), \qquad \tilde K = \frac{\partial}{\partial "
                r"c}\left(c^2 S\right)",
                "Price's theorem $T = \\partial S/\\partial c$ at fixed $a, b$; product rule, with an abstract "
                "function $S(a,b,c)$",
                _derivatives,
                every("a b c S", by.PRICE),
            ),
            Step(
                "ReLU and GELU",
                (
                    r"K_1 = \frac{\partial}{\partial c}(cS_1), \quad \tilde K_1 = \frac{\partial}{\partial "
                    r"c}(c^2S_1), \qquad K_2 = \frac{\partial}{\partial c}(cS_2), \quad \tilde K_2 = "
                    r"\frac{\partial}{\partial c}(c^2S_2)"
                ),
                (
                    "the engine's closed forms of the four kernels of ReLU and ReGLU, GELU and GEGLU, compared "
                    "with the derivatives of $cS$ and $c^2S$ for its $S$ of ReLU and GELU"
                ),
                _closed_forms,
                every("a b c"),
                names={
                    "S_1": r"\mathbb{E}[u_+v_+]",
                    "S_2": r"\mathbb{E}[u\,\Phi(u)\,v\,\Phi(v)]",
                    "u": r"\text{Gaussian with variance } a",
                    "v": r"\text{Gaussian with variance } b \text{ and } \mathbb{E}[uv] = c",
                    r"\Phi": r"\text{the normal distribution function}",
                    "K_1": r"\text{of ReLU at } a, b, c",
                    r"\tilde K_1": r"\text{of ReGLU at } a, b, c",
                    "K_2": r"\text{of GELU at } a, b, c",
                    r"\tilde K_2": r"\text{of GEGLU at } a, b, c",
                },
            ),
            Step(
                "coefficients on the sphere",
                lines(
                    r"\kappa = \sum_k c_k\rho^k \quad\Longrightarrow\quad K = (\rho\kappa)' = \sum_k "
                    r"(k+1)\,c_k\,\rho^k, \qquad \tilde K = (\rho^2\kappa)' = \sum_k (k+2)\,c_k\,\rho^{k+1}",
                ),
                "term by term; a power series may be differentiated inside its disc of convergence",
                _coefficients,
                every("k c_k rho", by.POWER_SERIES),
            ),
            Step(
                "an example",
                r"\phi(z) = z^3:\quad \kappa = 9\rho + 6\rho^3, \qquad K = 18\rho + 24\rho^3, \qquad \tilde K = "
                r"27\rho^2 + 30\rho^4",
                "Isserlis' moments; the engine's kernels on the sphere",
                lambda: both(_polynomial(), _printed()),
                every("rho"),
                names={
                    r"\kappa": r"\mathbb{E}[\phi(u)\,\phi(v)]",
                    "u": r"\text{standard normal}",
                    "v": r"\text{standard normal with } \mathbb{E}[uv] = \rho",
                    r"\phi(z)": "z^3",
                    "z": r"\text{the argument}",
                },
            ),
            Step(
                "several value branches",
                r"\text{hidden unit } (p_1\cdot x)\cdots(p_n\cdot x)\,\phi(w\cdot x):\quad K = (\rho^{n+1}\kappa)'",
                "product rule ([products](products.md))",
                _several_gates,
                every("n rho kappa", by.PRICE),
                names={
                    "K": r"\frac{\partial}{\partial c}(c\,\rho^n\kappa)",
                    "p_i": r"\text{independent Gaussian weights}",
                    "w": r"\text{independent Gaussian weights}",
                    "x": r"\text{an input with } a = 1",
                    r"\phi": r"\text{any function with the dual } \kappa",
                },
            ),
            Step(
                "mean and variance of the degree",
                r"\mu = \frac{\rho\kappa'}{\kappa} = \frac{\sum k\,c_k\rho^k}{\sum c_k\rho^k}, \qquad V = \rho\mu' = "
                r"\frac{\sum k^2c_k\rho^k}{\sum c_k\rho^k} - \mu^2",
                "differentiation under the weights $c_k\\rho^k$",
                _weights,
                every("k c_k rho A", by.POWER_SERIES),
            ),
            Step(
                "how fast gating decorrelates",
                r"K = \kappa\,(1+\mu), \quad \tilde K = \rho\,\kappa\,(2+\mu), \qquad \frac{d \ln(\tilde "
                r"K/K)}{d\ln\rho} = 1 - \frac{V}{(1+\mu)(2+\mu)}",
                "differentiation, with an abstract function $\\kappa(\\rho)$",
                _decorrelation,
                every("rho kappa"),
            ),
        ),
        remarks=(
            (
                "Where $V \\le (1+\\mu)(2+\\mu)$ on $(0, 1]$ the last step says that $\\tilde K(\\rho)/K(\\rho)$ "
                "increases, hence $\\tilde K(\\rho)/\\tilde K(1) \\le K(\\rho)/K(1)$. Whether it holds depends on the "
                "activation and is not proved here."
            ),
        ),
    )
