"""Networks of finite width without norms, drawn: the law of ln q_L, by the package's sampler and by its factors.

Where q_L > 0, ln q_L = b^L ln q_0 + Σ_l b^(L−1−l) ln ξ_l with b = 2 for gates and 1 for plain networks; ξ_l is the mean
of m squared units at variance 1, times that of m squared Gaussians, the dense layer behind. The factors are drawn by
numpy, without any network.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt
from scipy.stats import binomtest, chi2, ks_2samp

from checks.claims.signal.law import Law
from checks.settings import FALSE_ALARM, Settings
from glutheory.claims import Assumption, Evidence, Figure, Finding, Grade
from glutheory.layers import stack

Array = npt.NDArray[np.float64]
#: Gated and plain; q_0 = ‖x‖²/d is at the fixed point of the gated one, and a plain block halves q.
PAIR, START = ("reglu", "relu"), 2.0
DEPTHS = (1, 2, 3, 4)
#: The width at which closed networks are counted, and after how many blocks: one in 16 gates is closed as a whole.
NARROW, BLOCKS = 4, (1, 2)
#: Draws of the factors that moments are taken of, in blocks.
_BLOCK = 4096


@dataclass(frozen=True)
class Task:
    """What is drawn: networks of this width, so many, and factors."""

    width: int
    draws: int
    factors: int


QUICK, FULL = Task(32, 6000, 2**16), Task(64, 12000, 2**18)


def task(settings: Settings) -> Task:
    return FULL if settings.profile.thorough else QUICK


@lru_cache(maxsize=32)
def logarithms(net: str, blocks: int, settings: Settings) -> Array:
    """Ln q_L of each drawn network; at these widths none is closed."""
    own = task(settings)
    return np.log(_drawn(net, blocks, own.width, own.draws, settings, settings.stream(f"signal/{net}/{blocks}")))


@lru_cache(maxsize=8)
def _drawn(net: str, blocks: int, width: int, draws: int, settings: Settings, seed: int) -> Array:
    """q_L of each drawn network."""
    import torch

    from glutheory.sampling.deep.sampler import deep_sampler

    sampler = deep_sampler(
        stack(net, blocks, norm=None, residual=False),
        np.array([[np.sqrt(START)]]),
        width=width,
        device=settings.device,
        dtype=torch.float64,
        parametrization="ntk",
        kind="nngp",
        variances=None,
        trained=None,
        workspace=2**28,
    )
    return np.array([float(kernel[0, 0]) for kernel in sampler.totals(seed, range(draws))])


@lru_cache(maxsize=8)
def factors(net: str, value: bool, settings: Settings) -> tuple[Array, Array]:
    """Ln of draws of the mean square of a product at variance 1, and of m squared Gaussians."""
    own = task(settings)
    rng = np.random.default_rng(settings.stream(f"signal/factors/{net}/{value}"))
    products = []
    for _ in range(own.factors // _BLOCK):
        squares = np.maximum(rng.standard_normal((_BLOCK, own.width)), 0) ** 2
        if net == PAIR[0] and value:
            squares *= rng.standard_normal((_BLOCK, own.width)) ** 2
        products.append(np.log(squares.mean(axis=1)))
    return np.concatenate(products), np.log(rng.chisquare(own.width, own.factors) / own.width)


def claimed(net: str, blocks: int, law: Law, settings: Settings) -> Array:
    """Ln q_L by its factors, as many draws as are there without using one twice."""
    product, dense = factors(net, law.value, settings)
    base = law.doubling if net == PAIR[0] else 1.0
    count = len(product) // (blocks + 1)
    terms = [product[k * count : (k + 1) * count] + dense[k * count : (k + 1) * count] for k in range(blocks)]
    start = np.log(START) + dense[blocks * count : (blocks + 1) * count]
    # what the law keeps of the size at width infinity stays, whatever it says of the fluctuations
    total = base**blocks * start
    for k, term in enumerate(terms):
        total = total + base ** (blocks - 1 - k) * term
    return np.asarray(total)


def distributions(law: Law, settings: Settings) -> Evidence:
    """The drawn networks against the claimed law: Kolmogorov and Smirnov's two-sample test, every depth."""
    level = FALSE_ALARM / (len(PAIR) * len(DEPTHS))
    least = 1.0
    rows: dict[str, Figure] = {}
    for net in PAIR:
        for blocks in DEPTHS:
            drawn, expected = logarithms(net, blocks, settings), claimed(net, blocks, law, settings)
            p = float(ks_2samp(drawn, expected, method="asymp").pvalue)
            least = min(least, p)
            q = np.exp(drawn)
            rows[f"{net}, {blocks}"] = {
                "variance of ln q": [float(np.var(drawn)), float(np.var(expected))],
                "median and mean of q/q_infinite": [
                    float(np.median(q) / _wide(net, blocks)),
                    float(np.mean(q) / _wide(net, blocks)),
                ],
                "kurtosis of a unit": float(3 * np.mean(q**2) / np.mean(q) ** 2),
                "p": p,
            }
    figures: dict[str, Figure] = {
        "draws": task(settings).draws,
        "width": task(settings).width,
        "false_alarm": FALSE_ALARM,
    }
    figures |= {"least p": least, "level": level, "drawn, claimed": rows}
    what = "ln q_L of networks without norms against the law of its factors, which double with every gated block"
    return Evidence(Grade.STATISTICAL, what, Finding.of(least >= level), part="width", figures=figures)


def _wide(net: str, blocks: int) -> float:
    return START if net == PAIR[0] else START / 2**blocks


def spreads(law: Law, settings: Settings) -> Evidence:
    """E[x²]/E[x]² of the drawn means of squared units, without any network, against 1 + spread/width."""
    wrong: list[str] = []
    rows: dict[str, Figure] = {}
    own = task(settings)
    # a false alarm of FALSE_ALARM for both; the moments of the ratio by the factors' own draws
    score = float(np.sqrt(chi2.isf(FALSE_ALARM / len(PAIR), 1)))
    for net, spread in zip(PAIR, law.spreads, strict=False):
        product, _ = factors(net, True, settings)
        xi = np.exp(product) / np.mean(np.exp(product))
        parts = (xi - 1) ** 2
        found, error = float(np.mean(parts)) * own.width, float(np.std(parts) / np.sqrt(len(parts))) * own.width
        if abs(found - spread) > score * error:
            wrong.append(net)
        rows[net] = {"measured": found, "standard error": error, "claimed": spread}
    figures: dict[str, Figure] = {"times the width": rows, "not as claimed": list(wrong), "false_alarm": FALSE_ALARM}
    what = "the relative variance of the mean of m squared units, times m, without networks: 17 (ReGLU), 5 (ReLU)"
    return Evidence(Grade.STATISTICAL, what, Finding.of(not wrong), part="width", figures=figures)


def closing(law: Law, settings: Settings) -> Evidence:
    """How many narrow networks are 0, against the probability that some block's gates are all closed."""
    wrong: list[str] = []
    rows: dict[str, Figure] = {}
    count, level = task(settings).draws, FALSE_ALARM / (len(PAIR) * len(BLOCKS))
    for net in PAIR:
        for blocks in BLOCKS:
            seed = settings.stream(f"signal/narrow/{net}/{blocks}")
            closed = int(np.sum(_drawn(net, blocks, NARROW, count, settings, seed) == 0))
            claimed_ = law.closed(NARROW, blocks)
            p = float(binomtest(closed, count, claimed_).pvalue)
            if p < level:
                wrong.append(f"{net}, {blocks}")
            rows[f"{net}, {blocks}"] = {"closed": closed / count, "claimed": claimed_, "p": p}
    figures: dict[str, Figure] = {"width": NARROW, "draws": count, "closed": rows, "not as claimed": list(wrong)}
    what = f"the share of networks of width {NARROW} of which q_L is 0: all gates of a block are closed"
    return Evidence(Grade.STATISTICAL, what, Finding.of(not wrong), part="width", figures=figures)


def resolved(settings: Settings) -> Assumption:
    """That the test sees an error of a half in the variance of ln q_L at the largest depth."""
    drawn = claimed(PAIR[0], DEPTHS[-1], Law(), settings)
    count = task(settings).draws
    rng = np.random.default_rng(settings.stream("signal/power"))
    middle = drawn.mean()
    wrong = middle + np.sqrt(1.5) * (rng.permutation(drawn)[:count] - middle)
    p = float(ks_2samp(wrong, drawn, method="asymp").pvalue)
    level = FALSE_ALARM / (len(PAIR) * len(DEPTHS))
    return Assumption(
        "power", "a variance of ln q_L that is too large by a half is rejected", p < level, f"p = {p:.1e}"
    )
