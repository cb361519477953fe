"""Ours: what depth does to the condition numbers of plain and gated stacks, and to the gain of gating."""

from __future__ import annotations

from checks.claims.depth.certificate import entries
from checks.claims.depth.evidence import gain, rows_of, spectra
from checks.claims.depth.figure import charts
from checks.claims.depth.law import LAW, MUTANTS, Law
from checks.claims.depth.limits import limits
from checks.claims.depth.plan import deep, other, sizes, sphere
from checks.claims.depth.plan import unnormed as without_norms
from checks.claims.depth.unnormed import unnormed
from checks.settings import Settings
from checks.tools.deep_kernels import numbers
from checks.tools.deep_pairs import distinct, partners
from checks.tools.deep_spectra import measured
from checks.tools.evidence import proof
from checks.tools.mutants import refuted
from glutheory.claims import Assumption, Claim, Evidence, Outcome, decide
from glutheory.networks import GATES

__all__ = ["CLAIM", "MUTANTS", "run"]

#: Imported, beyond the core.
NEEDS = ("sklearn",)

CLAIM = Claim(
    id="depth",
    source="this project",
    statement=(
        r"q_+ = q + m, \quad \rho_+ = \frac{q\rho + mf(\rho)}{q_+}, \quad k_+ = \frac{qk + m\,(kf'(\rho) + "
        r"2f(\rho))}{q_+}, \quad K_L = k_L(\rho); \qquad \tilde f = \rho f: \ \frac{\tilde k_L(\rho)}{\tilde k_L(1)} "
        r"\to 0 \ \text{ like } L^{\mu-1-\chi}\ln L \ (\mu > 0), \ L^{-1-\chi} \ (\mu = 0); \qquad "
        r"\frac{\mathrm{cond}\,K_L}{\mathrm{cond}\,\tilde K_L} \to "
        r"\infty \ (\chi < 1), \quad \frac{n+3}3 \ (\chi = 1,\ \text{ReLU},\ n \ge 2), \quad 1 \ (\chi > 1); \qquad "
        r"\mu = "
        r"\frac{(E\phi)^2}{E\phi^2}, \ \chi = \frac{E\phi'^2}{E\phi^2}"
    ),
    words=(
        "In a stack of blocks behind RMSNorm every pair of inputs is two numbers, a correlation and a kernel, and a "
        "block is one step of a recursion; a gate multiplies its map of correlations by the correlation. So every "
        "gated kernel tends to a diagonal matrix as blocks are added. What gating gains does not grow for ever, "
        "except for the sigmoid: on inputs of one norm it has a maximum and tends to (n+3)/3 for ReLU, and to 1 for "
        "GELU, SiLU and tanh, whose plain kernels become diagonal as well, only later. The limiting spectra of the "
        "recursion give the largest, second and smallest eigenvalue at finite n, d and L. On rows of different norms "
        "the recursion holds pair by pair. Without norms and residuals the condition number of rows of different norms "
        "is at least (max q/min q)^(p^L), p = 1 for ReLU, GELU and SiLU, 0 for sigmoid and tanh, and one more with a "
        "gate: on Gaussian and real rows gating loses by three blocks, except for sigmoid, which is not 0 at 0."
    ),
    assumptions=(
        "RMSNorm before every block and the readout, ntk parametrisation, infinite width",
        "two rows or more, no two parallel or opposite",
        "random directions for the spectra, inputs of one norm for the limits",
        "phases: χ is below, at or above 1",
    ),
    meaning=(
        "Depth decides what a gate is worth. With residuals the number of blocks counts by its logarithm: at n = 400, "
        "d = 40 gating gains 11 (ReLU) and 15 (SiLU) at one block, about 240 and 165 at 64, and less beyond some "
        "hundred. What is left to gain is the plain network's shared part, the spike: with residuals "
        "and up to 64 blocks λ_1 of plain kernels is of the order of n (for ever where χ ≤ 1; where χ > 1 the spike "
        "falls in the end, without residuals before 256 blocks of SiLU), while all eigenvalues of gated ones close in "
        "on the diagonal. A condition number of 1 is no "
        "success by itself: nothing is shared between inputs then. Without residuals this happens within 4 to 8 "
        "blocks for ReGLU, GEGLU and SwiGLU. On real data close pairs delay it: two inputs with 1 - ρ = ε are told "
        "apart after about ε^(-1/χ) blocks. And it hangs on the norms: without them and without residuals gated stacks "
        "do worse than plain ones after one to three blocks, unless all inputs have one norm or the gate is a sigmoid."
    ),
)


def _phases(gates: tuple[str, ...]) -> Assumption:
    known = {gate: numbers(GATES[gate]).slope for gate in gates}
    apart = all(abs(slope - 1) > 0.05 for gate, slope in known.items() if gate != "reglu")
    figure = ", ".join(f"{GATES[gate]} {slope:.4g}" for gate, slope in known.items())
    return Assumption(
        "phases", "χ is 1 for ReLU and clearly not for the others", apart and abs(known["reglu"] - 1) < 1e-12, figure
    )


def run(settings: Settings, law: Law = LAW) -> Outcome:
    """The check; `law` is what is claimed."""
    chosen = sizes(settings)
    random, far, rows = sphere(settings), deep(settings), other(settings)
    long = (*far, *(cell for cell in random if cell.norm and not cell.residual))
    bare = without_norms(settings)

    def judged(law: Law) -> tuple[Evidence, ...]:
        return (
            entries(law, settings),
            limits(law, chosen.gates, chosen.single),
            spectra(law, random),
            gain(law, long),
            rows_of(law, rows),
            unnormed(law, bare),
        )

    evidence = (proof("depth", part="recursion"), *judged(law))
    controls = refuted(MUTANTS, judged)
    n, d = chosen.sphere[-1]
    assumed = (
        _phases(chosen.gates),
        Assumption("sizes", "d < n < d²", d < n < d * d, f"n = {n}, d = {d} at the largest"),
        distinct((*random, *rows)),
    )
    verdict = decide(assumed, evidence, controls)
    return Outcome(CLAIM, assumed, evidence, controls, verdict, _key(settings), charts(random, far, rows))


def _key(settings: Settings) -> str:
    """The gain of ReLU and SiLU against depth."""
    words = []
    for plain, gated in partners(deep(settings)):
        if plain.block.gate in ("reglu", "swiglu"):
            found = zip(plain.depths, measured(plain), measured(gated), strict=True)
            gains = {depth: a.condition / b.condition for depth, a, b in found}
            top = max(gains, key=lambda depth: gains[depth])
            words.append(f"{plain.block.plain} {gains[top]:.0f} (L={top}) to {gains[max(gains)]:.0f} (L={max(gains)})")
    return f"gain {', '.join(words)}"
