"""Ours: how variances pass through gated stacks without norms."""

from __future__ import annotations

from checks.claims.signal.figure import charts
from checks.claims.signal.law import LAW, MUTANTS, NEEDED, Law
from checks.claims.signal.networks import DEPTHS, PAIR, closing, distributions, logarithms, resolved, spreads
from checks.claims.signal.residuals import branches
from checks.claims.signal.scales import monotone, orbits, planes, slopes
from checks.settings import Settings
from checks.tools.evidence import proof
from checks.tools.mutants import refuted
from glutheory.activations import activation
from glutheory.claims import Assumption, Claim, Evidence, Outcome, decide
from glutheory.ground.pieces import pieces

__all__ = ["CLAIM", "MUTANTS", "run"]

#: Imported, beyond the core.
NEEDS = ("torch",)

CLAIM = Claim(
    id="signal",
    source="this project",
    statement=(
        r"q' = q\,V(q),\ V(q) = \sigma_p^2\,E[\phi(\sigma_w\sqrt q z)^2]: \quad \frac{dq'}{dq}\Big|_{V=1} = 1 + "
        r"\frac{qV'}{V} > 1 \text{ for rising } V; \quad \text{ReGLU: } q_L = q^*\Bigl(\frac{q_0}{q^*}\Bigr)^{2^L}; "
        r"\quad q' = q + s^2qV,\ s^2 = \frac cL: \ \frac{q_L}{q_0} \to \frac1{1-c\kappa q_0},\ \infty \text{ if } "
        r"c\kappa q_0 > 1; \quad \mathrm{Var}[\ln q_L \mid q_L > 0] = 4^L\,\mathrm{Var}\ln q_0 + \frac{4^L-1}3\,v,"
        r"\ v \approx \frac{19}m,\ \mathbb{P}(q_L > 0) = (1 - 2^{-m})^L"
    ),
    words=(
        "Without norms a gated block multiplies the variance q of the stream by V(q), plain ones replace it. With "
        "ReLU, GELU, SiLU, sigmoid, tanh and the like V rises: the only positive fixed point repels with a slope of 1 "
        "more than the plain one, below it q collapses and above it q diverges, for ReGLU doubly exponentially. In "
        "the plane of (σ_w, σ_p) there is one critical curve and no edge of chaos: nearby inputs part everywhere. A "
        "residual ReGLU branch needs s² < 1/(κ q_0 L), a threshold that depends on the input; plain ReLU branches and "
        "bounded gates need s² = O(1/L). At finite width the logarithm of q doubles its fluctuations with every block, "
        "where q is not 0: all m ReLUs of a block are closed with probability 2^-m, and then it has no logarithm. "
        "A gate that closes for large arguments (Gaussian, cosine) keeps the scale."
    ),
    assumptions=("no norms, no biases", "continuous gates", "independent weights", "power"),
    meaning=(
        "No σ makes a deep gated network without norms stable: to keep q within a factor e over L ReGLU blocks σ² has "
        "to be right to 1/(2^L - 1), for every input separately, and even then the width has to be well above 6·4^L. "
        "At width 64, tuned to the fixed point, the variance of ln q is 0.4 after one block and 32 after four; then "
        "the median network has a tenth of the q of infinite width and the mean over 12,000 some ten thousand times "
        "it, and a unit's kurtosis, 3 at infinite width, is thousands. The plain ReLU network has 0.14 and 0.5 there, "
        "a median of 0.81 and a kurtosis below 5. This is why gated blocks come "
        "with a norm in front: it sets q anew, and then only correlations have a limit (claim depth-limit). A residual "
        "branch of scale c/√L helps only while c² E[φ²] q_0 < 1."
    ),
)
#: Gates of which V is certified to rise, and with which it falls.
_QUICK = ("relu", "silu", "tanh", "gaussian", "cos")
_GATES = (*_QUICK, "sigmoid", "gelu", "softplus", "mish", "erf", "elu")


def _assumed(names: tuple[str, ...], settings: Settings) -> tuple[Assumption, ...]:
    jumps = [name for name in names if any(jump != 0 for jump in pieces(activation(name).expr).jumps)]
    return (
        Assumption("continuous", "no gate jumps", not jumps, f"{len(names)} gates"),
        resolved(settings),
    )


def run(settings: Settings, law: Law = LAW) -> Outcome:
    """The check; `law` is what is claimed."""
    names = _GATES if settings.profile.thorough else _QUICK

    def judged(law: Law) -> tuple[Evidence, ...]:
        return (
            monotone(law, names),
            slopes(law, names),
            orbits(law),
            planes(law),
            branches(law),
            distributions(law, settings),
            spreads(law, settings),
            closing(law, settings),
        )

    evidence = (*(proof("signal", part=part) for part in ("scale", "residuals", "width")), *judged(law))
    controls = refuted(MUTANTS, judged, lambda wrong: NEEDED.get(_name(wrong), ""))
    assumed = _assumed(names, settings)
    verdict = decide(assumed, evidence, controls)
    return Outcome(CLAIM, assumed, evidence, controls, verdict, _key(settings), charts(settings))


def _name(law: Law) -> str:
    return next((name for name, wrong in MUTANTS.items() if wrong == law), "")


def _key(settings: Settings) -> str:
    """The variance of ln q of drawn networks, gated and plain."""
    words = []
    for net, title in zip(PAIR, ("ReGLU", "ReLU"), strict=True):
        found = [float(logarithms(net, blocks, settings).var()) for blocks in (DEPTHS[0], DEPTHS[-1])]
        words.append(f"{title} {found[0]:.2f} -> {found[1]:.2g}")
    return f"Var ln q, {DEPTHS[0]} to {DEPTHS[-1]} blocks: {', '.join(words)}"
