"""What a report says alike in its formats, in plain words: sentences, and what x and a, b, c stand for."""

from __future__ import annotations

from dataclasses import dataclass

from glutheory.printing.contents import SHOWN_DIGITS, Report
from glutheory.symbolic.duals import HERMITE, MIXTURE

#: The density of the Kolmogorov distribution.
DENSITY = "k(κ) = 8κ Σ_{n≥1} (−1)^(n−1) n² exp(−2n²κ²)"
MIXTURE_NOTE = (
    "κ and κ' are independent and Kolmogorov distributed: 2κ times a standard normal variable is logistic "
    "(Andrews & Mallows 1974; Stefanski 1991), so the logistic function is E_κ[Φ(z/(2κ))]."
)
NO_CLOSED_FORM = "The average over κ, κ' is exact; no elementary closed form of it is known."
_BLOCK_ROLES = {"readout": "V", "hidden": "W", "value": "P", "gate": "W"}


@dataclass(frozen=True)
class Setting:
    """What S and T are taken at; formulas are written with ‖·‖² and ⟨·,·⟩, which each format has its own signs for.

    Attributes:
        fed: what the weights before the activations are multiplied with.
        meanings: a, b and c (variance at x, at x', covariance) by parametrisation.
    """

    fed: str
    meanings: dict[str, tuple[str, str, str]]

    def equations(self, parametrization: str) -> list[str]:
        """What a, b and c are, e.g. a = ‖x‖²/d."""
        return [f"{name} = {value}" for name, value in zip("abc", self.meanings[parametrization], strict=True)]


def setting(found: Report) -> Setting:  # noqa: ARG001 (every network of today has the same)
    """What feeds the branches of this network: x itself."""
    return Setting(
        "x",
        {
            "ntk": ("‖x‖²/d", "‖x'‖²/d", "⟨x,x'⟩/d"),
            "standard": ("σ_w²‖x‖²", "σ_w²‖x'‖²", "σ_w²⟨x,x'⟩"),
        },
    )


def neuron(found: Report) -> str:
    """z(x) as a formula."""
    fed = setting(found).fed
    if found.network.gated:
        return f"z(x) = V [(P {fed}) ⊙ φ(W {fed})]"
    if len(found.network.branches) == 1:
        return f"z(x) = V φ(W {fed})"
    factors = " ⊙ ".join(f"φ_{i}(W_{i} {fed})" for i in range(1, len(found.network.branches) + 1))
    return f"z(x) = V [{factors}]"


def weights(found: Report) -> str:
    """The names of the weight matrices before V."""
    if found.network.gated:
        return "W, P"
    count = len(found.network.branches)
    return "W" if count == 1 else ", ".join(f"W_{i}" for i in range(1, count + 1))


def weight_names(found: Report) -> dict[str, str]:
    """The matrix of each block, by role."""
    return {role: _BLOCK_ROLES.get(role, role.replace("branch", "W_")) for role in found.ntk.kernels.blocks}


def method(found: Report) -> str:
    """How S was found."""
    dual = found.ntk.dual
    if found.method == HERMITE:
        return (
            "Price's theorem does not end in elementary expectations here: S is the Hermite series (Mehler's formula), "
            "with rigorous coefficients and Parseval's bound of its tail; T is the same series of φ'."
        )
    if any(part.stable is not None for part in dual.s.parts):
        return (
            "Stein's lemma takes the powers away, down to the bivariate normal distribution function Φ₂, whose third "
            "argument is the correlation; its derivative in c is the density (Plackett 1954). T was derived in the "
            "same way from φ', independently of S."
        )
    count = dual.order
    start = "S is a Gaussian integral, done by completing the square; no derivative was needed"
    if count:
        times = {1: "once", 2: "twice"}.get(count, f"{count} times")
        steps = f"{count} integration{'s' if count > 1 else ''} in c back up"
        end = f"{steps} (Hermite/Ostrogradsky reduction, values at c = 0)"
        rules = dict.fromkeys(part.rule for part in dual.s.parts)
        family = " and ".join(rule for rule in rules if rule != "elementary")
        start = f"Price's theorem {times}, an elementary Gaussian expectation, {end}: the {family} family"
    mixed = ", averaged over the scale mixture" if found.method == MIXTURE else ""
    return f"{start}{mixed}. T was derived in the same way from φ', independently of S."


def verification(found: Report) -> str:
    """What was checked and how."""
    checks = found.verification.checks
    counts = {name: sum(check.method == name for check in checks) for name in found.verification.methods}
    failed = sum(not check.passed for check in checks)
    ways = ", ".join(f"{count} {name}" for name, count in counts.items())
    everything = f"all {len(checks)} checks" if len(checks) > 1 else "the one check"
    outcome = f"{failed} of {len(checks)} checks FAILED" if failed else f"{everything} passed"
    series = " (of the kernels' composition: a series has no closed form to check)" if found.method == HERMITE else ""
    return f"{outcome}{series}: {ways}."


def coefficients(found: Report) -> str:
    """The first Hermite coefficients at variance 1."""
    values = ",  ".join(f"h_{k} = {value}" for k, value in enumerate(found.hermite) if value != "0")
    small = [f"h_{k}" for k, value in enumerate(found.hermite) if value == "0"]
    rest = f"; {', '.join(small)} are below 10^−{SHOWN_DIGITS + 2}" if small else ""
    return f"At variance 1, to {SHOWN_DIGITS} digits: {values}{rest}."


def hermite_facts(found: Report) -> str:
    """The exact statements about the Hermite coefficients; empty if there are none."""
    if not found.half_linear:
        return ""
    return "φ(z) − z/2 is even, so h_1(a) = √a/2 exactly and every other odd coefficient vanishes."
