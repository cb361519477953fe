"""Transformers and mixers: bad input, missing packages."""

# ruff: noqa: E402  (the architectures can be imported only where torch is)

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest

torch = pytest.importorskip("torch", reason="glutheory.architectures needs torch")
for package in ("transformers", "einops"):
    pytest.importorskip(package, reason="the extra 'models' is not installed")

from torch import nn

from glutheory.architectures import build, example_inputs, feed_forward_parameters
from glutheory.errors import DomainError, MissingDependencyError, UnknownNameError, installing
from glutheory.sampling.feed_forward import FeedForward
from tests.architectures.tiny import TINY, make


@pytest.mark.long
@pytest.mark.parametrize(
    ("name", "changes", "error", "match"),
    [
        ("vit-prelm", {}, UnknownNameError, "did you mean 'vit-preln'"),
        (7, {}, UnknownNameError, "unknown architecture 7"),
        ("vit-digits", {"dept": 3}, DomainError, "no field 'dept': did you mean 'depth'"),
        ("vit-digits", {"name": "bert"}, DomainError, "name is 'bert'"),
        ("vit-digits", {"dim": 0}, DomainError, "dim is 0: a vit needs"),
        ("vit-released", {"heads": 0}, DomainError, "heads is 0: a shared-norm-vit needs"),
        ("vit-released", {"free_deviation": 0}, DomainError, "free_deviation is 0: give a positive number"),
        ("vit-released", {"ffn_initialization": "lecum"}, UnknownNameError, "did you mean 'lecun'"),
        ("vit-digits", {"dim": 2.5}, DomainError, "dim is 2.5"),
        ("vit-digits", {"depth": True}, DomainError, "depth is True"),
        ("vit-digits", {"patch": 3}, DomainError, "patch is 3, which does not divide image = 8"),
        ("vit-digits", {"vocabulary": 3}, DomainError, "a vit has no such size"),
        ("mixer-digits", {"heads": 3}, DomainError, "a mixer has no such size"),
        ("gpt2-bytes", {"head_dim": 3}, DomainError, "heads \\* head_dim = dim"),
        ("gpt2-bytes", {"initialization": "gpt3"}, UnknownNameError, "did you mean 'gpt2'"),
    ],
    ids=str,
)
def test_bad_architectures(name: str, changes: dict[str, Any], error: type[Exception], match: str) -> None:
    with pytest.raises(error, match=match):
        build(name, "relu", seed=0, **changes)


@pytest.mark.parametrize(
    ("options", "error", "match"),
    [
        ({"seed": -1}, DomainError, "seed is -1"),
        ({"dtype": torch.float16}, DomainError, "dtype is torch.float16"),
        ({"device": "abacus"}, DomainError, "device is 'abacus'"),
        ({"network": "swigloo"}, UnknownNameError, "did you mean 'swiglu'"),
        ({"network": "step"}, DomainError, "jumps at z = 0"),
    ],
    ids=str,
)
def test_bad_arguments(options: dict[str, Any], error: type[Exception], match: str) -> None:
    with pytest.raises(error, match=match):
        make("mixer-digits", **options)


def test_inputs_that_do_not_fit() -> None:
    shapes: tuple[tuple[str, tuple[int, ...]], ...] = (
        ("vit", (1, 3, 8, 8)),
        ("mixer", (1, 1, 8, 4)),
        ("vit", (1, 8, 8)),
    )
    for family, shape in shapes:
        with pytest.raises(DomainError, match="give \\(n, 1, 8, 8\\)"):
            make(TINY[family])(torch.zeros(shape, dtype=torch.float64))
    for sizes in ([2, 7], [2, 0], [6]):
        with pytest.raises(DomainError, match="1 <= t <= 6"):
            make(TINY["gpt2"])(torch.zeros(sizes, dtype=torch.int64))
    with pytest.raises(DomainError, match="n is 0"):
        example_inputs("vit-digits", 0, 0)
    with pytest.raises(DomainError, match="Linear without FeedForward"):
        feed_forward_parameters(nn.Linear(2, 2))
    assert feed_forward_parameters(FeedForward("relu", inputs=2, width=2, bias=False)) == (
        "branches.0.weight",
        "readout.weight",
    )


@pytest.mark.parametrize(
    ("name", "package", "module"), [("gpt2-bytes", "transformers", "gpt2"), ("mixer-digits", "einops", "mixer")]
)
def test_missing_packages(name: str, package: str, module: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, package, None)
    monkeypatch.delitem(sys.modules, f"glutheory.architectures.{module}", raising=False)
    with pytest.raises(MissingDependencyError, match=f"{package}.*constraints.txt 'glutheory\\[models\\]'"):
        make(name)


def test_a_vit_of_other_parts_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """As in transformers 4, whose layers have no part `mlp` to replace."""
    from glutheory.architectures import vit

    class Older(nn.Module):
        def __init__(self, *_: Any, **__: Any) -> None:
            super().__init__()
            self.layers = nn.ModuleList([nn.Linear(2, 2)])

    monkeypatch.setattr(vit, "ViTModel", Older)
    with pytest.raises(MissingDependencyError, match=r"current transformers.*other parts.*pip install -c"):
        make("vit-digits")


def test_missing_torch() -> None:
    """The catalog is read without it."""
    code = (
        "import sys; sys.modules['torch'] = None; from glutheory import architectures\n"
        "print(architectures.ARCHITECTURES['vit-digits'].depth); architectures.build"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert result.stdout.strip().isdecimal()
    said = f"MissingDependencyError: models of glutheory.architectures need torch: {installing('models')}."
    assert said in result.stderr
