"""The conformance suite: its judge sees mistakes, its table is that of its record, and parts pass again (slow)."""

# ruff: noqa: E402  (the package's sampling half can be imported only where torch is)

from __future__ import annotations

import re
import runpy
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from typing import Any

import pytest

torch = pytest.importorskip("torch")
transformers = pytest.importorskip("transformers")

from torch import nn

from glutheory.audit.configurations import quiet
from glutheory.errors import DomainError
from glutheory.sampling import module_ntk
from glutheory.sampling.modules import assembly, plan
from glutheory.sampling.modules.verify import Probe
from tests.documents import ROOT
from tests.sampling.conformance import judge as bench
from tests.sampling.conformance import suite
from tests.sampling.conformance.cases import Case, NotBuiltError, Subject
from tests.sampling.conformance.judge import Outcome, difference, judge, without_folders
from tests.sampling.conformance.reference import TOLERANCE, mixed, reference
from tests.sampling.conformance.suite import cases, judged
from tests.sampling.conformance.torch_layers import LEFT_OUT
from tests.sampling.kinds import KINDS

SCRIPT = runpy.run_path(str(ROOT / "docs" / "module_ntk.py"))
RECORD = SCRIPT["stored"]()
OUTCOMES = {(row["family"], row["name"]): row for row in RECORD["outcomes"]}
#: Types that many people use: they must be right, whatever is said of others.
KNOWN = [
    "albert",
    "bart",
    "bert",
    "bloom",
    "clip",
    "convnext",
    "deberta-v2",
    "deepseek_v3",
    "diffllama",
    "distilbert",
    "falcon",
    "falcon_mamba",
    "gemma2",
    "gemma3_text",
    "gpt2",
    "gpt_neox",
    "gpt_oss",
    "lfm2",
    "llama",
    "mamba",
    "mamba2",
    "mistral",
    "mixtral",
    "olmoe",
    "opt",
    "phi3",
    "qwen2",
    "qwen2_moe",
    "qwen3",
    "qwen3_moe",
    "qwen3_next",
    "recurrent_gemma",
    "resnet",
    "roberta",
    "switch_transformers",
    "t5",
    "vit",
    "wav2vec2",
    "whisper",
    "xlm-roberta",
    "xlnet",
]
#: Every so many of the other types are judged here again; `docs/module_ntk.py --run` judges them all.
EVERY, SHARES = 12, 8


class TestRecord:
    def test_the_page_has_its_tables(self) -> None:
        page = SCRIPT["PAGE"].read_text(encoding="utf-8")
        assert SCRIPT["shown"](page) == SCRIPT["tables"](RECORD), "run python docs/module_ntk.py --write"
        # the negative control: of another record there are others
        first = next(row for row in RECORD["outcomes"] if row["verdict"] == "right")
        others = [row for row in RECORD["outcomes"] if row is not first]
        changed = {**RECORD, "outcomes": [*others, {**first, "verdict": "wrong"}]}
        assert SCRIPT["shown"](page) != SCRIPT["tables"](changed)
        assert SCRIPT["shown"](page) != SCRIPT["tables"]({**RECORD, "whole": not RECORD["whole"]})

    def test_it_has_no_mistakes(self) -> None:
        assert [row["name"] for row in RECORD["outcomes"] if not Outcome(**row).fine] == []
        for row in RECORD["outcomes"]:
            if row["verdict"] == "right":
                assert row["error"] <= TOLERANCE[row["single"]], row
                assert row["ways"], row
            else:
                assert row["words"] or row["reason"], row

    def test_known_types_are_right(self) -> None:
        assert {name: OUTCOMES["transformers", name]["verdict"] for name in KNOWN} == dict.fromkeys(KNOWN, "right")

    def test_it_has_every_case(self) -> None:
        """Of the types those that were judged; the page says how many were not."""
        ours = {key for key in cases() if key[0] != "transformers"}
        assert {key for key in OUTCOMES if key[0] != "transformers"} == ours
        if RECORD["transformers"] == transformers.__version__:
            assert set(OUTCOMES) <= set(cases())
            assert RECORD["types"] == len(cases()) - len(ours)

    def test_what_is_refused_has_a_reason(self) -> None:
        """Plain passes see for themselves that samples mix, or that chance is at work."""
        for row in RECORD["outcomes"]:
            if row["verdict"] == "refused" and re.search("changes by|depends on the other", row["words"]):
                assert row["mixed"], row


def test_every_layer_of_torch_is_a_case_or_left_out_with_a_reason() -> None:
    layers = {name for name, value in vars(nn).items() if isinstance(value, type) and issubclass(value, nn.Module)}
    judged = {name.partition(",")[0] for family, name in cases() if family == "torch"}
    assert layers - judged - set(LEFT_OUT) == set()
    assert judged & set(LEFT_OUT) == set()


class TestJudge:
    """Mistakes of every sort, planted."""

    def subject(self) -> Subject:
        torch.manual_seed(0)
        model = nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 2)).double()
        return Subject(model, torch.randn((3, 3), generator=torch.Generator().manual_seed(1), dtype=torch.float64))

    def verdict(self, make: Callable[[], Subject] | None = None) -> Outcome:
        return judge(Case("planted", "case", make or self.subject))

    def test_right(self) -> None:
        found = self.verdict()
        assert (found.verdict, found.single, found.ways) == ("right", False, {"layer": 4})
        assert found.error is not None
        assert found.error < 1e-14

    @pytest.mark.parametrize("size", [1e-10, 1.0])
    def test_a_corrupted_reference_is_seen(self, size: float, monkeypatch: pytest.MonkeyPatch) -> None:
        true = reference(self.subject())
        corrupted = true.clone()
        corrupted[0, 2] += size * true.diagonal().max()
        monkeypatch.setattr(bench, "reference", lambda _: corrupted)
        assert self.verdict().verdict == "wrong"

    def test_what_the_package_does_not_verify_is_seen_here(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Without its tests `module_ntk` takes the rows of a sorted batch for those of the samples."""
        monkeypatch.setattr(assembly, "independent", lambda *_: None)
        monkeypatch.setattr(Probe, "wrong", lambda *_: set())
        monkeypatch.setattr(plan, "_agree", lambda *_: True)
        assert judged(("kinds", "sorted inside")).verdict == "wrong"
        assert judged(("kinds", "centred on a closed curve")).verdict == "wrong"

    def test_rows_in_another_order_are_wrong(self) -> None:
        true = reference(self.subject())
        assert difference(true, true) == 0
        assert difference(true[[1, 0, 2]][:, [1, 0, 2]], true) > 1e-2
        assert difference(torch.full_like(true, torch.nan), true) == float("inf")

    @pytest.mark.parametrize(
        ("error", "verdict"),
        [
            (DomainError("model mixes its samples: call model.eval() first."), "refused"),
            (DomainError("two\nlines."), "raw error"),
            (DomainError("no end"), "raw error"),
            (RuntimeError("vmap: …"), "raw error"),
            (ZeroDivisionError("x"), "raw error"),
        ],
    )
    def test_errors(self, error: Exception, verdict: str, monkeypatch: pytest.MonkeyPatch) -> None:
        def raising(*_: Any, **__: Any) -> None:
            raise error

        monkeypatch.setattr(bench, "module_ntk", raising)
        found = self.verdict()
        assert found.verdict == verdict
        assert found.fine == (verdict == "refused")
        assert (
            found.mixed is (False if verdict == "refused" else None) or "\n" in found.words or found.words == "no end"
        )

    def test_another_refusal_than_the_one_that_is_due_is_wrong(self) -> None:
        assert self.verdict(lambda: replace(self.subject(), refused="statistics")).verdict == "wrong"

    def test_whether_samples_mix_is_seen_without_the_package(self) -> None:
        class Centred(nn.Linear):
            def forward(self, x: Any) -> Any:
                return super().forward(x - x.mean(0))

        class Noisy(nn.Linear):
            def forward(self, x: Any) -> Any:
                return super().forward(x + torch.randn_like(x))

        x = self.subject().inputs
        assert mixed(Subject(Centred(3, 2).double(), x), single=False)
        assert mixed(Subject(Noisy(3, 2).double(), x), single=False)
        assert mixed(self.subject(), single=False) is False

    def test_time_is_limited(self, monkeypatch: pytest.MonkeyPatch) -> None:
        def endless(*_: Any, **__: Any) -> None:
            while True:
                with suppress(Exception):  # who catches every error must not catch this
                    sum(range(1000))

        monkeypatch.setattr(bench, "PATIENCE", (10.0, 0.2))
        monkeypatch.setattr(bench, "module_ntk", endless)
        assert self.verdict().verdict == "too slow"

    def test_what_cannot_be_built(self) -> None:
        def absent() -> Subject:
            raise NotBuiltError("a library that is not installed", "timm")

        found = self.verdict(absent)
        assert (found.verdict, found.reason, found.words) == ("not built", "a library that is not installed", "timm")


def again(keys: list[tuple[str, str]]) -> None:
    for key in keys:
        found = judged(key)
        assert found.fine, found
        if RECORD["transformers"] == transformers.__version__ and RECORD["torch"] == torch.__version__:
            assert found.verdict == OUTCOMES[key]["verdict"], found


@pytest.mark.slow
@pytest.mark.parametrize("share", range(SHARES))
def test_layers_and_kinds_pass_again(share: int) -> None:
    again([key for key in cases() if key[0] != "transformers"][share::SHARES])


@pytest.mark.slow
@pytest.mark.parametrize("share", range(SHARES))
def test_a_part_of_the_types_passes_again(share: int) -> None:
    types = [key for key in cases() if key[0] == "transformers" and key in OUTCOMES]
    some = [key for place, key in enumerate(types) if key[1] in KNOWN or place % EVERY == 0]
    again(some[share::SHARES])


@pytest.mark.slow
@pytest.mark.parametrize("share", range(SHARES))
def test_known_types_in_float32(share: int) -> None:
    """With grouped products where experts have them: within a thousand units of roundoff, 6e-8 each."""
    for name in KNOWN[share::SHARES]:
        with quiet():
            subject = cases()["transformers", name].make()
            true = reference(subject)
            model: Any = subject.model.float()
            with suppress(AttributeError, ValueError):
                model.set_experts_implementation("grouped_mm")
            inputs = {key: x.float() if x.is_floating_point() else x for key, x in subject.inputs.items()}
            found = module_ntk(model, inputs, output=subject.output)
        assert found.dtype == torch.float32
        assert difference(found.double(), true) <= 6e-5, name


@pytest.mark.slow
def test_a_run_goes_on_when_its_processes_are_replaced(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(suite, "PER_PROCESS", 1)
    keys = [("torch", name) for name in ("Linear", "LazyLinear", "Conv2d", "Tanh", "Dropout, training")]
    found = list(suite.run(keys, jobs=2))
    assert [(row.family, row.name) for row in found] == keys
    assert [row.verdict for row in found] == ["right", "refused", "right", "right", "refused"]


@pytest.mark.parametrize("name", ["gpt2", "mixtral"])
def test_a_type_passes(name: str) -> None:
    again([("transformers", name)])


def test_all_kinds_are_cases() -> None:
    assert {name for family, name in cases() if family == "kinds"} == set(KINDS)


def test_messages_are_kept_without_the_folders_of_a_machine() -> None:
    said = "ValueError: no X in <module 'a' from '/home/me/venv/lib/a/__init__.py'> or 1/2 of https://a.org/b/c"
    assert without_folders(said) == "ValueError: no X in <module 'a' from '…/__init__.py'> or 1/2 of https://a.org/b/c"
    assert Outcome("a", "b", "not built", "no /home/me/a").record()["words"] == "no …/a"
    assert [row["name"] for row in RECORD["outcomes"] if row["words"] != without_folders(row["words"])] == []
