"""Ours: at every depth, what of the gain of gating is the removal of the mean, and what the shift of degrees."""

from __future__ import annotations

from checks.claims.depth_centred.evidence import parts, rows_of, shares
from checks.claims.depth_centred.figure import charts
from checks.claims.depth_centred.four import other, seen, sizes, sphere
from checks.claims.depth_centred.law import LAW, MUTANTS, Law
from checks.claims.depth_centred.limits import entries, limits, one_block
from checks.settings import Settings
from checks.tools.deep_kernels import numbers
from checks.tools.deep_pairs import distinct
from checks.tools.evidence import proof
from checks.tools.mutants import refuted
from glutheory.claims import Assumption, Claim, Evidence, Outcome, decide
from glutheory.networks import GATES

__all__ = ["CLAIM", "MUTANTS", "run"]

#: Imported, beyond the core.
NEEDS = ("sklearn",)

CLAIM = Claim(
    id="depth-centred",
    source="this project",
    statement=(
        r"f_c = \frac{f-\mu}{1-\mu}: \quad f_c(0) = 0, \quad f_c'(0) = \frac{p_1}{1-\mu} < 1 < \frac{\chi}{1-\mu} = "
        r"f_c'(1) \quad (\phi \text{ not affine}); \qquad \frac{\mathrm{cond}\,K_L}{\mathrm{cond}\,\tilde K_L} = "
        r"\frac{\mathrm{cond}\,K_L}"
        r"{\mathrm{cond}\,K_{c,L}}\cdot\frac{\mathrm{cond}\,K_{c,L}}{\mathrm{cond}\,\tilde K_L}, \qquad "
        r"\frac{\ln(\mathrm{cond}\,K_L/\mathrm{cond}\,K_{c,L})}{\ln(\mathrm{cond}\,K_L/\mathrm{cond}\,\tilde K_L)} "
        r"\to 1 \quad (L \to \infty)"
    ),
    words=(
        "The plain stack whose activation has its mean subtracted, one constant, is the control for a gated one at "
        "every depth: behind RMSNorm the constant is the mean of every row in every layer, whatever the norms of the "
        "inputs. Depth treats it as it treats a gated stack: uncorrelated inputs stay so and correlated ones come "
        "apart, so that its kernel tends to a diagonal matrix where no two rows are parallel or opposite. So on inputs "
        "of one norm the mean's share in what "
        "gating gains tends to 1 as blocks are added, and the shift of degrees is a matter of pace: the gated kernel "
        "gets there with fewer blocks. The limiting spectra of the recursion give both parts at finite n, d and L. "
        "One block without residuals is the network of two layers, and one whose image has mean square 1 its residual "
        "block: the settings of `mechanism`."
    ),
    assumptions=(
        "activations with a mean, not affine",
        "two rows or more, no two parallel or opposite",
        "RMSNorm before every block and the readout, ntk parametrisation, infinite width",
        "random directions for the parts, inputs of one norm for the limit of the share",
    ),
    meaning=(
        "That deep gated kernels are well conditioned is no merit of the product: removing the mean does it as well, "
        "only later. Without residuals little is left to the gate after 8 blocks (ReLU: the mean has 96 % of the "
        "gain) to 32 (SiLU). With residuals, where depth counts by its logarithm, the gate's pace matters at all "
        "depths in use: at n = 332, d = 48 the mean's share goes from 44 % at one block to 77 % at 64 for ReLU, from "
        "2 % to a half for SiLU, and on real data for SiLU it is 12 to 30 % at 64. Where the gain is largest, at "
        "some tens of blocks, a constant cannot replace the gate; in very deep stacks or without residuals it can. "
        "Centring can cost: up to a tenth of cond on real rows at one block, where it gains nothing."
    ),
)


def run(settings: Settings, law: Law = LAW) -> Outcome:
    """The check; `law` is what is claimed."""
    chosen = sizes(settings)
    random, rows = sphere(settings), other(settings)

    def judged(law: Law) -> tuple[Evidence, ...]:
        return (
            entries(law, settings),
            limits(law, chosen.gates, chosen.single, chosen.sphere[-1]),
            one_block(law, rows),
            parts(law, random),
            shares(law, random),
            rows_of(law, rows),
        )

    evidence = (proof("depth_centring", part="recursion"), *judged(law))
    controls = refuted(MUTANTS, judged)
    n, d = chosen.sphere[-1]
    means = {GATES[gate]: numbers(GATES[gate]).mean for gate in chosen.gates}
    seen_ = [len(seen(cell, LAW)) for cell in random]
    assumed = (
        Assumption(
            "means",
            "every activation has a mean to remove",
            min(means.values()) > 0.05,
            ", ".join(f"{name} {value:.3f}" for name, value in means.items()) + " of E φ²",
        ),
        Assumption("sizes", "d < n < d²", d < n < d * d, f"n = {n}, d = {d} at the largest"),
        distinct((*random, *rows)),
        Assumption(
            "resolved", "condition numbers known at two depths at least", min(seen_) > 1, f"{min(seen_)} depths"
        ),
    )
    verdict = decide(assumed, evidence, controls)
    return Outcome(CLAIM, assumed, evidence, controls, verdict, _key(settings), charts(random, rows))


def _key(settings: Settings) -> str:
    """The share of the mean at the first and the last depth, with residuals, at the largest size."""
    words = []
    for gate, title in (("reglu", "ReLU"), ("swiglu", "SiLU")):
        cell = next(cell for cell in reversed(sphere(settings)) if cell.block.gate == gate and cell.residual)
        found = seen(cell, LAW)
        words.append(f"{title} {100 * found[0][1].share:.0f} to {100 * found[-1][1].share:.0f} %")
    return f"mean's share, L = {found[0][0]} to {found[-1][0]}: {', '.join(words)}"
