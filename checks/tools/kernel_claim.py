"""The check of a formula for an NTK: proof, derivation, balls, sampled networks, and wrong formulas. Three claims."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from checks.settings import Settings
from checks.tools.evidence import (
    agreement,
    branches,
    certificate,
    continuous,
    experiments,
    mutants,
    nonzero,
    powerful,
    proof,
    statistical,
)
from checks.tools.kernel_charts import against
from checks.tools.roads import Formula, Setting, generic, sample
from glutheory.claims import Claim, Outcome, decide
from glutheory.figures.chart import Role
from glutheory.networks import Network

#: Input dimension of the data.
_DIMENSION = 4


def verify(
    claim: Claim,
    settings: Settings,
    formula: Formula,
    networks: Sequence[str | Network],
    wrong: Mapping[str, Formula],
    script: str,
    architecture: tuple[str, Callable[[Setting], bool]],
    role: Role,
) -> Outcome:
    """Run it.

    Args:
        claim: what is checked.
        settings: of the run.
        formula: what is claimed.
        networks: where; variances without any relation are given to each. The first one, of small relative variance,
            is sampled with twice the width: there an error of 1 % must be found.
        wrong: the negative controls.
        script: the proof script.
        architecture: what networks the claim speaks of, in words and as a test.
        role: of these networks in the figure.
    """
    profile = settings.profile
    X = sample(settings.stream("ntk/data"), _DIMENSION)
    chosen = [generic(name, X, (1 + (index == 0)) * profile.width) for index, name in enumerate(networks)]
    sampled = experiments(chosen, settings, claim.id, profile.draws)
    statistics = statistical(formula, sampled)
    evidence = (
        proof(script),
        agreement(formula, [setting.network for setting in chosen]),
        certificate(formula, chosen),
        statistics,
    )
    assumptions = (
        branches(chosen, *architecture),
        continuous(chosen),
        nonzero(chosen),
        powerful(statistics),
    )
    controls = mutants(wrong, chosen, sampled)
    figures = statistics.figures
    key = f"max |z| = {figures['largest z-score']:.1f}; finds errors of {figures['finest relative error found']:.2%}"
    verdict, charts = decide(assumptions, evidence, controls), (against(formula, sampled, role),)
    return Outcome(claim, assumptions, evidence, controls, verdict, key, charts=charts)
