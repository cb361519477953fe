"""Checkpoints of Monte Carlo runs: interrupted, killed and damaged ones."""

# ruff: noqa: E402  (the package's sampling half can be imported only where torch is)

from __future__ import annotations

import shutil
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="glutheory.sampling needs torch")

from glutheory import DomainError, sampling
from glutheory.ground import store as checkpoints
from glutheory.sampling import estimate
from glutheory.sampling.sampler import Sampler
from tests.sampling.rows import points
from tests.strategies import named

RUN: dict[str, Any] = {"width": 40, "draws": 11, "seed": 3}


def same(one: sampling.Estimate, other: sampling.Estimate) -> bool:
    return (
        one.draws == other.draws
        and np.array_equal(one.mean, other.mean)
        and np.array_equal(one.standard_error, other.standard_error)
    )


@pytest.mark.parametrize("stop", [0, 1, 6])
def test_an_interrupted_run_goes_on_exactly(stop: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    X, file = points(4, 3), tmp_path / "run.npz"
    whole = sampling.monte_carlo("swiglu", X, **RUN)
    draw = Sampler.total

    def interrupted(self: Sampler, seed: int, index: int) -> Any:
        if index == stop:
            raise KeyboardInterrupt
        return draw(self, seed, index)

    with monkeypatch.context() as patch:
        patch.setattr(Sampler, "total", interrupted)
        with pytest.raises(KeyboardInterrupt):
            sampling.monte_carlo("swiglu", X, checkpoint=file, **RUN)
    if stop == 0:
        assert not file.exists()
    else:
        with np.load(file) as saved:
            assert int(saved["count"]) == stop
    assert same(sampling.monte_carlo("swiglu", X, checkpoint=file, **RUN), whole)
    # now it is complete: nothing is drawn any more
    with monkeypatch.context() as patch:
        patch.setattr(Sampler, "total", None)
        assert same(sampling.monte_carlo("swiglu", X, checkpoint=file, **RUN), whole)
    more = {**RUN, "draws": 15}
    assert same(sampling.monte_carlo("swiglu", X, checkpoint=file, **more), sampling.monte_carlo("swiglu", X, **more))
    assert [path.name for path in tmp_path.iterdir()] == ["run.npz"]


def test_a_killed_run_goes_on_from_its_last_checkpoint(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each file that was there at some time is one to go on from."""
    X, file = points(4, 3), tmp_path / "run.npz"
    save = checkpoints.save
    copies: list[Path] = []

    def copying(path: Path, *arguments: Any) -> None:
        save(path, *arguments)
        copies.append(Path(shutil.copy(path, tmp_path / f"copy{len(copies)}.npz")))

    with monkeypatch.context() as patch:
        patch.setattr(estimate, "INTERVAL", 0.0)
        patch.setattr(checkpoints, "save", copying)
        whole = sampling.monte_carlo("relu", X, checkpoint=file, **RUN)
    assert len(copies) == RUN["draws"]
    for copy in copies[::4]:
        assert same(sampling.monte_carlo("relu", X, checkpoint=copy, **RUN), whole)


def test_a_failing_write_leaves_the_old_checkpoint(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    X, file = points(4, 3), tmp_path / "run.npz"
    sampling.monte_carlo("relu", X, checkpoint=file, **RUN)
    before = file.read_bytes()

    def full(file: Any, **arrays: Any) -> None:  # noqa: ARG001
        file.write(b"part")
        raise OSError("no space left on device")

    monkeypatch.setattr(np, "savez", full)
    with pytest.raises(OSError, match="no space"):
        sampling.monte_carlo("relu", X, checkpoint=file, **{**RUN, "draws": 12})
    assert file.read_bytes() == before
    assert len(list(tmp_path.iterdir())) == 1


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"seed": 4}, "seed"),
        ({"width": 41}, "width"),
        ({"kind": "nngp"}, "kind"),
        ({"parametrization": "standard"}, "parametrization"),
        ({"dtype": torch.float32}, "dtype"),
        ({"network": "abs"}, "network"),
        ({"X": points(4, 3, seed=1)}, "X"),
    ],
    ids=named,
)
def test_a_checkpoint_of_other_settings_is_refused(change: dict[str, Any], named: str, tmp_path: Path) -> None:
    base = {"network": "relu", "X": points(4, 3), **RUN, "checkpoint": tmp_path / "run.npz"}
    sampling.monte_carlo(**base)
    with pytest.raises(DomainError, match=rf"was written with another .*\b{named}\b.*: delete it"):
        sampling.monte_carlo(**{**base, **change})


def test_a_checkpoint_of_the_first_layout_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    X, file = points(4, 3), tmp_path / "run.npz"
    whole = sampling.monte_carlo("relu", X, checkpoint=file, **RUN)
    with np.load(file) as saved:
        np.savez(file, settings=saved["key"], count=saved["count"], mean=saved["mean"], m2=saved["m2"])
    monkeypatch.setattr(Sampler, "total", None)
    assert same(sampling.monte_carlo("relu", X, checkpoint=file, **RUN), whole)


def test_other_bad_checkpoints_are_refused(tmp_path: Path) -> None:
    X, file = points(2, 2), tmp_path / "run.npz"
    sampling.monte_carlo("relu", X, checkpoint=file, **RUN)
    with pytest.raises(DomainError, match=r"draws is 5, but checkpoint .* holds 11: give at least as many"):
        sampling.monte_carlo("relu", X, checkpoint=file, **{**RUN, "draws": 5})
    file.write_bytes(file.read_bytes()[:100])
    with pytest.raises(DomainError, match="is not readable as one: delete it or give another"):
        sampling.monte_carlo("relu", X, checkpoint=file, **RUN)
    for path in (tmp_path, tmp_path / "none" / "run.npz"):
        with pytest.raises(DomainError, match="no file in an existing folder"):
            sampling.monte_carlo("relu", X, checkpoint=path, **RUN)


@pytest.mark.parametrize(
    "change", [{"count": None}, {"mean": None}, {"count": np.array("x")}, {"count": np.array([1, 2])}], ids=str
)
def test_a_checkpoint_with_a_damaged_part_is_refused(tmp_path: Path, change: dict[str, Any]) -> None:
    X, file = points(3, 2), tmp_path / "run.npz"
    sampling.monte_carlo("relu", X, checkpoint=file, **RUN)
    with np.load(file) as saved:
        content = {**saved, **change}
    np.savez(file, **{name: value for name, value in content.items() if value is not None})
    with pytest.raises(DomainError, match="is not readable as one: delete it or give another"):
        sampling.monte_carlo("relu", X, checkpoint=file, **RUN)


def test_variances_may_be_fractions_in_words() -> None:
    X = points(2, 2)
    options: dict[str, Any] = {"width": 8, "seed": 1, "draws": 2, "parametrization": "standard"}
    given: list[Any] = ["1/3", Fraction(1, 3)]
    found = [sampling.monte_carlo("swiglu", X, variances={"gate": value}, **options) for value in given]
    assert same(*found)
