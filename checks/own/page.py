"""A claim's measurement on one's own rows, and the same on rows of the recorded run; or why there is none."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from checks.catalog import claims
from checks.own import deep, losses, orders, pairs, spectra
from checks.own.measure import Array, Measure
from glutheory.claims.stored import load
from glutheory.commands.data import DataRows
from glutheory.errors import DomainError
from glutheory.report.read import committed
from glutheory.terminal import Terminal, sentences

MEASURES: Mapping[str, Measure] = {
    **orders.MEASURES,
    **spectra.MEASURES,
    **pairs.MEASURES,
    **losses.MEASURES,
    **deep.MEASURES,
}
_IDENTITY = "it is an identity on every data set; `glutheory derive` has the formula and `glutheory.gram` its values"
_TRAINED = "it trains networks"
#: Claims without a measurement on rows, each with the reason and what there is.
WITHOUT = {
    "ntk-plain": _IDENTITY,
    "ntk-gated": _IDENTITY,
    "products": _IDENTITY,
    "finite-width-mean": "it is about networks drawn at random, and holds on every data set; "
    "`glutheory.sampling` draws them",
    "degree-shift": "it is about the sphere itself, and no rows are drawn; `glutheory.spectra` has the eigenvalues",
    "training": f"{_TRAINED} for minutes; --only training --images FILE does it on your images, and "
    "`glutheory dynamics --train` on your rows",
    "architectures": f"{_TRAINED} for hours; --only architectures --images FILE does it on your images, and "
    "`glutheory audit` measures a model",
    "generalization": f"{_TRAINED} for hours; --only generalization --images FILE does it on your images",
    "prediction": "it draws networks of finite width for a quarter of an hour; `glutheory depth` has the prediction, "
    "and `glutheory.sampling.module_ntk` the kernel of a module on your rows",
}


def check(ids: Sequence[str]) -> None:
    """Refuse claims that measure nothing on rows.

    Raises:
        DomainError: one of these does not.
    """
    for name in ids:
        if name not in MEASURES:
            reason = WITHOUT.get(name, "nothing in checks/own measures it on rows")
            raise DomainError(f"--n, --d and --data are not for {name}: {reason}.")


def page(name: str, rows: DataRows, terminal: Terminal) -> str:
    """What is measured on the rows, the same on rows of the recorded run, and how that differs.

    Args:
        name: of a claim of `MEASURES`.
        rows: the data.
        terminal: where it is shown.

    Raises:
        DomainError: too few or too many rows.
    """
    measure = MEASURES[name]
    beside = measure.beside(*rows.X.shape)
    lines = sentences([f"{name} ({claims()[name].source}): {measure.what}; on {rows.description}"], terminal)
    lines += ["", *measure.table(rows, terminal), "", *sentences([f"The same on {beside.description}"], terminal)]
    lines += ["", *measure.table(beside, terminal), ""]
    remarks = [_twice(rows.X), f"The recorded run: {recorded}." if (recorded := _key(name)) else "", measure.recorded]
    remarks.append("One data set decides no verdict; that of the recorded run stands.")
    return "\n".join([*lines, *sentences([text for text in remarks if text], terminal)])


def _twice(X: Array) -> str:
    """Why there are dashes, where a row is there twice."""
    seen: dict[bytes, int] = {}
    for i, row in enumerate(X + 0.0):  # −0 is 0
        if (first := seen.setdefault(row.tobytes(), i)) != i:
            return (
                f"Rows {first} and {i} (counted from 0) are equal: every kernel is singular, and what its smallest "
                "eigenvalue would tell is unknown (-)."
            )
    return ""


def _key(name: str) -> str:
    """The key figure of the committed run, empty where that is not installed."""
    try:
        return next((found.key_figure for path in committed() if (found := load(path).outcomes.get(name))), "")
    except DomainError:
        return ""
