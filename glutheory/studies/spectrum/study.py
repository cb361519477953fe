"""The spectra of several networks' kernels on the same rows: the eigenvalues, what they amount to, and the theory's."""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from glutheory.activations import Activation
from glutheory.errors import DomainError
from glutheory.figures.chart import Chart
from glutheory.layers import Stack
from glutheory.networks import Network, network, partner
from glutheory.numeric import entry_error, gram
from glutheory.numeric.duals import evaluator
from glutheory.shown import Shown
from glutheory.spectra import ConditionNumber, condition_number, outliers, spectrum_and_condition
from glutheory.studies.defaults import gram_options
from glutheory.studies.given import check_held, networks_given, rows_given
from glutheory.studies.json_head import record
from glutheory.studies.spectrum.findings import NetworkSpectrum, Otherwise, Pair, Setting
from glutheory.studies.spectrum.predictions import Prediction, predict

Array = npt.NDArray[np.float64]

#: The most rows: a matrix of this order takes 3 GB, and its eigenvalues the better part of an hour.
MOST = 20_000
#: Bytes of an entry, all copies counted that the eigenvalue solver and its error bound need.
_BYTES = 40
#: Why a stack has no prediction.
_NO_THEORY = "it is of networks with one hidden layer"


@dataclass(frozen=True, repr=False)
class SpectrumStudy(Shown):
    """What `glutheory spectrum` has found.

    Attributes:
        setting: which kernel of which rows.
        networks: one for each network.
        pairs: every gated network among them whose plain one is there as well.
        otherwise: the condition numbers on the rows otherwise scaled, where such rows were given.
    """

    setting: Setting
    networks: tuple[NetworkSpectrum, ...]
    pairs: tuple[Pair, ...]
    otherwise: Otherwise | None = None

    def __repr__(self) -> str:
        names = ", ".join(item.network for item in self.networks)
        return f"<SpectrumStudy of {names}: {self.setting.kind} on {self.setting.data}>"

    def as_json(self, charts: Sequence[Chart] = ()) -> dict[str, Any]:
        """Everything (docs/json.md), with the charts given."""
        networks = [item.as_json() for item in self.networks]
        return record(
            "spectrum",
            gram=gram_options(self.setting.kind, self.setting.parametrization, self.setting.width),
            setting=self.setting,
            networks=networks,
            pairs=self.pairs,
            otherwise=self.otherwise,
            charts=charts,
        )


def check_size(n: int) -> None:
    """Refuses more rows than a dense matrix is made for here; to be asked before anything long is computed.

    Raises:
        DomainError: too many rows for the method or for this machine's memory.
    """
    remedy = "take fewer rows, or both ends alone, by glutheory.integrations.extremes"
    if n > MOST:
        raise DomainError(f"n is {n}: all eigenvalues are computed for at most {MOST:,} rows; {remedy}.")
    if _BYTES * n * n > (memory := _memory()):
        raise DomainError(
            f"n is {n}: the matrix and its copies take {_BYTES * n * n / 1e9:.2g} GB and this machine has "
            f"{memory / 1e9:.2g} GB; {remedy}."
        )


def _memory() -> float:
    """Bytes of memory of this machine, as far as it says."""
    try:
        return float(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"))
    except (AttributeError, ValueError, OSError):  # pragma: no cover (not on POSIX systems)
        return math.inf


def spectrum_study(
    networks: Network | Stack | str | Sequence[Network | Stack | str],
    X: Array,
    *,
    kind: str = "ntk",
    parametrization: str = "standard",
    width: int | None = 4096,
    data: str = "",
    other: tuple[Array, str] | None = None,
    advance: Callable[[int, str], None] | None = None,
) -> SpectrumStudy:
    """All eigenvalues of every network's or stack's kernel matrix on the rows of X.

    Args:
        networks: networks, their names, or stacks, or one alone; one that is named twice counts once. The pair of a
            gated stack is the one with all else alike and no gates.
        X: the rows, shape (n, d), n ≥ 2.
        kind: "ntk" or "nngp".
        parametrization: "standard" with LeCun's variances (of a stack those of its layers, over the fan-in), or "ntk".
        width: of the network, and of all hidden layers of a stack; None in the ntk parametrisation.
        data: where the rows are from, a phrase.
        other: the same rows otherwise scaled, shape (n, d'), and how, a phrase: condition numbers on them as well.
        advance: called with 0 and the name before each network, with 1 and "" after it.

    Raises:
        DomainError: too many rows, two networks of one name, a kernel that is not finite on these rows, or an argument
            of `glutheory.gram`.
    """
    X, networks = rows_given(X), networks_given(networks)
    n, d = X.shape
    check_size(n)
    setting = Setting(data or f"{n} rows of {d} features", n, d, kind, parametrization, width)
    wanted = tuple(dict.fromkeys(net if isinstance(net, Stack) else network(net) for net in networks))
    names = [net.name for net in wanted]
    if twice := next((name for name in names if names.count(name) > 1), None):
        raise DomainError(f"two different networks are called {twice!r}: give them names of their own.")
    alone = {_key(net): net.name for net in wanted if not net.gated}
    # another network may have the name of one that is not here
    here = {net.name: alone[key] for net in wanted if net.gated and (key := _key(net.ungated())) in alone}
    found: dict[str, NetworkSpectrum] = {}
    for net in wanted:
        if advance is not None:
            advance(0, net.name)
        usual = partner(net).name if isinstance(net, Network) and net.gated else ""
        found[net.name] = _one(net, here.get(net.name, usual), X, setting)
        if advance is not None:
            advance(1, "")
    pairs = [Pair.of(found[plain], found[gated]) for gated, plain in here.items()]
    also = None if other is None else _otherwise(wanted, *other, setting, pairs)
    return SpectrumStudy(setting, tuple(found.values()), tuple(pairs), also)


def _otherwise(
    networks: Sequence[Network | Stack], X: Array, data: str, setting: Setting, pairs: Sequence[Pair]
) -> Otherwise | None:
    """The condition numbers on other rows; None where float64 does not hold a kernel there."""
    found: dict[str, ConditionNumber] = {}
    for net in networks:
        K = gram(net, X, kind=setting.kind, parametrization=setting.parametrization, width=setting.width)
        try:
            check_held(net.name, np.diagonal(K), X)
        except DomainError:
            return None
        found[net.name] = condition_number(K, entry_error=entry_error(net))
    known = {
        name: item.value if not item.is_bound and math.isfinite(item.value) else math.nan
        for name, item in found.items()
    }
    ratios = tuple((pair.plain, pair.gated, known[pair.plain] / known[pair.gated]) for pair in pairs)
    return Otherwise(data, found, ratios)


def _key(net: Network | Stack) -> object:
    """What two networks, or two stacks, of different names have in common if they are the same."""
    return net.branches if isinstance(net, Network) else net.changed(lambda own: replace(own, name="")).layers


def _one(net: Network | Stack, plain: str, X: Array, setting: Setting) -> NetworkSpectrum:
    K = gram(net, X, kind=setting.kind, parametrization=setting.parametrization, width=setting.width)
    diagonal, what = np.diagonal(K), f"the {setting.kind.upper()} of {net.name!r}"
    if setting.kind == "ntk" and not np.isfinite(diagonal).all() and any(evaluator(act).jumps for act in _parts(net)):
        raise DomainError(f"{what} is infinite, since an activation jumps: use --kind nngp, or leave it out.")
    check_held(what, diagonal, X)
    values, condition = spectrum_and_condition(K, entry_error=entry_error(net))
    resolved = values.values[values.values > values.error]
    apart = outliers(resolved) if len(resolved) > 1 else 0
    theory: Prediction | str = _NO_THEORY
    if isinstance(net, Network):
        theory = predict(net, X, setting.kind, setting.parametrization, setting.width)
    return NetworkSpectrum(
        net.name,
        net.gated,
        plain,
        values.values,
        values.error,
        condition,
        apart,
        theory if isinstance(theory, Prediction) else None,
        theory if isinstance(theory, str) else "",
        isinstance(net, Stack),
    )


def _parts(net: Network | Stack) -> tuple[Activation, ...]:
    return net.branches if isinstance(net, Network) else net.activations
