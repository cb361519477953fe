"""Deep stacks with the mean of the activation removed: a plain kernel that depth treats as it treats gated ones."""

from __future__ import annotations

import sympy as sp

from derivations.proofs.depth import alike
from derivations.tools import theorems as by
from derivations.tools.latex import lines
from derivations.tools.limits import tends
from derivations.tools.proof import Outcome, Proof, Step, both, every, ingredient
from derivations.tools.zero import positive, strictly, zero

rho, v, m = sp.symbols("rho v m", positive=True)
mu, chi, linear, rest = sp.symbols("mu chi p_1 s", positive=True)
kappa = sp.Function("kappa")
_k = sp.Symbol("k", integer=True, positive=True)


def _map() -> Outcome:
    """From S − m² at variance 1: the correlation, its slopes, and those of the gated one."""
    f = sp.Function("f")
    mean = mu * v
    centred = (v * f(rho) - mean) / (v - mean)
    slope = sp.diff(f(rho), rho)
    gated = sp.diff(rho * centred, rho)
    return zero(
        (centred, (f(rho) - mu) / (1 - mu)),
        (sp.diff(centred, rho), slope / (1 - mu)),
        (gated, (f(rho) - mu + rho * slope) / (1 - mu)),
    )


def _exact() -> Outcome:
    """Behind a norm every row has variance 1, so one number is the mean of all of them: S − 2μm + μ² at μ = m."""
    S, one = sp.symbols("S m_1", real=True)
    return zero((S - one * (one + one) + one**2, S - one**2))


def _slopes() -> Outcome:
    """With p_k the coefficients of f, Σ p_k = 1 and p_0 = μ: the slopes at 0 and 1 over a straight line's.

    Not affine: Σ_{k≥2} p_k = s > 0, and then χ − (1 − μ) = Σ (k − 1)p_k ≥ s.
    """
    term = sp.Symbol("p_k", nonnegative=True)
    more = sp.Symbol("k", integer=True, nonnegative=True)
    first, above = sp.symbols("p_1 e", nonnegative=True)
    left = first + rest  # 1 − μ, with something beyond degree 1
    top = left + rest + above
    return both(
        zero(
            (_k * term - term, (_k - 1) * term),
            (1 - first / left, rest / left),
            (top / left - 1, (rest + above) / left),
        ),
        positive(((more + 1) - 1) * term, sp.expand(((more + 2) - 1) * term - term)),
        strictly(rest / left, (rest + above) / left),
    )


def _sufficient() -> Outcome:
    """The centred map at 0 and 1 as a gate's: 0 is fixed with slope p_1/(1 − μ), and the rate of one step."""
    slope, top = linear / (1 - mu), chi / (1 - mu)
    return zero((slope / top, linear / chi), ((slope - 1) - (top - 1), (linear - chi) / (1 - mu)))


def _share() -> Outcome:
    """What centring leaves decays faster than what the plain kernel keeps: the difference of the exponents."""
    excess = (chi - linear) / (1 - mu) - (chi - 1)
    # 1 − μ − p_1 is not negative
    written = (1 - mu - linear + mu * chi) / (1 - mu)
    above, left = sp.symbols("s e", nonnegative=True)
    share, gone = sp.symbols("A b", positive=True)
    return both(
        zero((excess, written)),
        strictly((above + mu * chi) / (left + 1)),
        tends((share - gone) / share, share, sp.S.One),
    )


def _one_block() -> Outcome:
    """k_0 = 2ρ through one block: without residual, and where image and stream have mean square 1."""
    image, slope = kappa(rho) / v, sp.diff(kappa(rho), rho) / v
    two_layers = sp.diff(rho * kappa(rho), rho)
    added = alike(2 * rho, slope, image).subs({sp.Symbol("q", positive=True): 1, sp.Symbol("m", positive=True): 1})
    return zero(
        (2 * rho * slope + 2 * image, 2 * two_layers / v),
        (added, rho + two_layers / v),
    )


def proof() -> Proof:
    return Proof(
        title="Depth and centring: removing the mean is enough for the limit",
        source="this project",
        summary=(
            "Behind a norm one constant centres an activation exactly, at every depth and for every row. The centred "
            "plain stack then has what a gate gives: 0 is a fixed point of its map, with slope $p_1/(1-\\mu) < 1$, "
            "and 1 one with slope $\\chi/(1-\\mu) > 1$. Its kernel of rows no two of which are parallel or opposite "
            "tends to a diagonal matrix whatever $\\chi$ is. So on rows of one norm "
            "the share of the mean in the gain of gating tends to 1 with the depth; what the gate adds is the pace."
        ),
        notation=(
            "As in [depth](depth.md): $f = \\sum p_k\\rho^k$ the map of correlations of a plain block, $p_0 = \\mu$, "
            "$\\sum p_k = 1$, $\\chi = \\sum kp_k$; index c: with the activation less its mean. $\\kappa = vf$ is the "
            "dual activation on inputs of norm $\\sqrt d$; $\\epsilon_c$, $\\epsilon$: off the diagonal over the "
            "diagonal."
        ),
        names={
            "f": r"\sum_kp_k\rho^k",
            r"\mu": "p_0",
            r"\chi": "f'(1)",
            "f_c": r"\frac{f-\mu}{1-\mu}",
            "m": r"v(1-\mu)",
            r"\kappa": "vf",
        },
        steps=(
            Step(
                "the centred map",
                r"f_c = \frac{f-\mu}{1-\mu}, \qquad f_c' = \frac{f'}{1-\mu}, \qquad (\rho f_c)' = \frac{f - \mu + "
                r"\rho f'}{1-\mu}, \qquad m = v\,(1-\mu)",
                "$S_c = S - (E\\phi)^2$ and $T_c = T$, [centring](centring.md)",
                _map,
                every("rho f v mu"),
            ),
            Step(
                "one constant is the mean of every row",
                r"\mathbb{E}[(\phi(u) - \mu_1)(\phi(u') - \mu_1)] = S - \mu_1^2, \qquad \mu_1 = \mathbb{E}\,\phi(z)",
                "behind RMSNorm all pre-activations of all rows have variance 1, at every depth",
                _exact,
                every("S m_1"),
                names={
                    r"\mu_1": "m_1",
                    r"\phi": r"\text{any function with } \mathbb{E}[\phi(u)\,\phi(u')] = S",
                    "u": r"\text{standard normal}",
                    "z": r"\text{standard normal}",
                },
            ),
            Step(
                "a straight line separates the slopes",
                r"f_c'(0) = \frac{p_1}{1-\mu} < 1 < \frac{\chi}{1-\mu} = f_c'(1)",
                "$1 - \\mu = \\sum_{k\\ge1}p_k$ and $\\chi = \\sum kp_k$; the activation is not affine, $\\alpha z + "
                "\\beta$: of those both are 1",
                _slopes,
                every("k p_k p_1 s", by.SCHOENBERG),
                names={r"\mu": r"1 - \sum_{k\ge1}p_k", r"\chi": r"\sum_kkp_k"},
            ),
            Step(
                "centring alone is enough",
                lines(
                    r"|\rho_0| < 1,\ p_1, \mu > 0,\ \text{without residuals: } \epsilon_c \sim "
                    r"C_c\,L\Bigl(\frac{p_1}\chi\Bigr)^L, "
                    r"\quad "
                    r"\tilde\epsilon \sim \tilde C\,L\Bigl(\frac\mu{1+\chi}\Bigr)^L;",
                    r"\text{with residuals: } \epsilon_c \sim C_c\,L^{(p_1-\chi)/(1-\mu)}\ln L, \quad "
                    r"\tilde\epsilon \sim \tilde C\,L^{\mu-1-\chi}\ln L",
                ),
                "the steps of [depth](depth.md) use of a gated map only what the last step says of the centred one. "
                "$C_c, \\tilde C$ depend on $\\phi$ and on the pair. Where $p_1 = 0$ (such as $|z|$), for the gated "
                "one where $\\mu = 0$, the same power stands "
                "without the logarithm, and without residuals the fall is doubly exponential",
                _sufficient,
                ingredient(
                    "the two rates of the centred kernel",
                    by.WENDEL,
                    by.CHUNG,
                    why="how the rates of the two kernels come from the recursions is in words",
                ),
            ),
            Step(
                "the share of the mean tends to 1",
                r"\frac{\chi-p_1}{1-\mu} - (\chi-1) = \frac{1-\mu-p_1+\mu\chi}{1-\mu} > 0, \quad \frac{p_1}\chi < "
                r"\frac1\chi; \qquad \frac{\ln(\mathrm{cond}\,K/\mathrm{cond}\,K_c)}{\ln(\mathrm{cond}\,K/"
                r"\mathrm{cond}\,\tilde K)} \to 1 \quad (\mu > 0)",
                "two rows of one norm or more, no two parallel or opposite; $\\chi < 1$: $\\mathrm{cond}\\,K \\to "
                "\\infty$ and the others tend to 1; $\\chi = 1$: $\\mathrm{cond}\\,K$ stays away from 1; $\\chi > 1$: "
                "$\\ln\\mathrm{cond}\\,K$ decays like $L^{1-\\chi}$ or $\\chi^{-L}$, $\\ln\\mathrm{cond}\\,K_c$ faster",
                _share,
                ingredient(
                    "the exponents, and the share where the rest is smaller",
                    by.CHUNG,
                    why="the limit of the logarithms' quotient rests on rates that are not decided",
                ),
            ),
            Step(
                "one block is the network of two layers",
                r"L = 1: \quad k = \frac2v(\rho\kappa)' \ \text{ without residual}, \qquad k = \rho + "
                r"\frac1v(\rho\kappa)' \ \text{ where } m = q = 1",
                "the settings ntk and block of the claim `mechanism`, up to a factor",
                _one_block,
                every("rho v kappa"),
                names={
                    "L": "1",
                    "m": "v",
                    "q": "v",
                    "k": r"K/\sqrt{qq'}",
                    "K": r"(\rho\kappa)'",
                },
            ),
        ),
        remarks=(
            (
                "The gate's own pace: without residuals the off-diagonal falls by $\\mu/(1+\\chi)$ a block instead of "
                "$p_1/\\chi$: 0.16 for 0.50 (ReLU), 0.06 for 0.66 (SiLU), 0.09 for 0.55 (GELU), 0.74 for 0.95 "
                "(sigmoid)."
            ),
        ),
    )
