"""`glutheory audit` as a command, on models in memory, in files and by name; what it says and what it refuses."""

from __future__ import annotations

import json
import math
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from glutheory.audit import Audit, audit, configurations, models
from glutheory.audit.text import report
from glutheory.commands.audit import parse_changes, parse_layers
from glutheory.errors import GlutheoryError, UnknownNameError, installing
from glutheory.terminal import Terminal
from tests.audit.audit_models import GEMMA, GROUPED, SMALL, WILD, Gated, rows, wild
from tests.commands.command_line import bad, good


@pytest.fixture(autouse=True)
def seeded() -> None:
    torch.manual_seed(0)


def saved(folder: Path) -> Path:
    """A trained model on disk: one whose weights are not what its initialization gives."""
    model = models.build("llama", GROUPED, seed=5).model
    with torch.no_grad():
        model.get_parameter("layers.0.mlp.gate_proj.weight").mul_(10)
    with configurations.quiet():
        model.save_pretrained(folder)  # type: ignore[operator]
    return folder


def test_trained_weights_are_read_from_a_folder(tmp_path: Path) -> None:
    folder = saved(tmp_path)
    found = audit(str(folder), **SMALL)
    assert found.trained
    model = models.build(str(folder)).model
    assert float(model.get_parameter("layers.0.mlp.gate_proj.weight").detach().std()) == pytest.approx(0.2, rel=0.1)
    assert good("audit", str(folder), "--samples", "12", "--draws", "2").count("The model's weights are trained") == 1
    assert "does not go with trained weights" in bad("audit", str(folder), "--set", "hidden_size=3")
    fields = json.loads((folder / "config.json").read_text())
    file = folder / "model.safetensors"
    content = file.read_bytes()
    file.write_bytes(content[: len(content) // 2])
    assert "cannot be read: transformers says" in bad("audit", str(folder))
    file.write_bytes(content)
    (folder / "config.json").write_text(json.dumps({**fields, "num_hidden_layers": 3, "layer_types": None}))
    lacking = bad("audit", str(folder), "--samples", "5")
    assert "the files lack layers.2.mlp.down_proj.weight, which would be random: give all files" in lacking
    lacking = " ".join(good("audit", str(folder), "--samples", "5", "--draws", "1", "--layers", "0").split())
    assert "the files lack 9 parameters, e.g. layers.2.input_layernorm.weight: they are random" in lacking
    file.rename(folder / "pytorch_model.bin")
    assert "no safetensors" in bad("audit", str(folder))
    (folder / "pytorch_model.bin").unlink()
    assert "comes without weights" in good("audit", str(folder), "--samples", "5", "--draws", "1")
    changed = good("audit", str(folder / "config.json"), "--set", "num_hidden_layers=1", "--samples", "5")
    assert "layers.1" not in changed


def test_a_weight_that_is_no_number_is_named() -> None:
    model = models.build("llama", GROUPED, seed=5).model
    with torch.no_grad():
        model.get_parameter("layers.1.mlp.up_proj.weight")[3, 2] = math.inf
    with pytest.raises(GlutheoryError, match=r"parameter layers\.1\.mlp\.up_proj\.weight has inf at \[3, 2\]"):
        audit(model, **SMALL)


def test_columns_of_a_table_are_the_inputs(tmp_path: Path) -> None:
    folder, file = saved(tmp_path), tmp_path / "rows.csv"
    X, width = rows(9, 32), 32
    lines = [",".join([*map(str, row.tolist()), "cat"]) for row in X]
    file.write_text("\n".join([",".join([*(f"f{i}" for i in range(width)), "kind"]), *lines]))
    few = ("--draws", "2", "--layers", "0")
    assert "name columns of numbers by --columns" in bad("audit", str(folder), "--data", str(file), *few)
    columns = ",".join(f"f{i}" for i in range(width))
    assert "9 given rows" in good("audit", str(folder), "--data", str(file), "--columns", columns, *few)
    assert "give --data as well" in bad("audit", str(folder), "--columns", "f0", *few)


TINY = (
    "audit",
    "llama",
    *(f"--set={key}={value}" for key, value in GROUPED.items()),
    "--samples",
    "12",
    "--draws",
    "3",
)


def test_a_tiny_llama_from_the_command_line() -> None:
    text = good(*TINY)
    assert "SwiGLU, 32 → 86 → 32, 8,256 parameters; twin: plain silu, 32 → 129 → 32, 8,256 parameters" in text
    for name in ("layers.0.mlp", "layers.1.mlp"):
        assert any(line.startswith(name) for line in text.splitlines())
    assert "The gated network is better conditioned in 2 of 2 blocks" in text
    assert "Expected: " in text
    assert max(map(len, text.splitlines())) <= 100
    assert good(*TINY, "--ascii").isascii()


def test_the_gated_network_of_a_tiny_llama_is_better_conditioned() -> None:
    """The figures behind the table: what is there, and as the derived formulas say."""
    found = audit("llama", changes=GROUPED, samples=32, draws=8)
    assert found.ratio is not None
    assert found.ratio.low > 1
    for block in found.blocks:
        assert block.ratio is not None
        assert block.expected_ratio is not None
        assert 0.4 < block.ratio.mean / block.expected_ratio < 2
        figures = [draw.value for draw in block.own.draws]
        assert min(figures) / 2 < block.as_it_is.value < 2 * max(figures)


def test_the_json_holds_everything_and_repeats(tmp_path: Path) -> None:
    file = tmp_path / "audit.json"
    assert good(*TINY, "--json", "--out", str(file)) == ""
    assert [path.name for path in tmp_path.iterdir()] == ["audit.json"]
    content = json.loads(file.read_text())
    assert (content["schema"], content["schema_version"]) == ("glutheory.audit", 1)
    assert set(content) == {
        "schema", "schema_version", "model", "trained", "inputs", "samples", "seed", "biases", "level", "ratio",
        "unbiased_ratio", "blocks", "skipped", "notes", "charts",
    }  # fmt: skip
    block = content["blocks"][0]
    assert set(block) == {
        "name", "index", "inputs", "outputs", "as_it_is", "own", "twin", "ratio", "unbiased_ratio",
        "expected_ratio", "verified", "biased", "experts",
    }  # fmt: skip
    logs = [
        math.log(t["value"] / o["value"]) for t, o in zip(block["twin"]["draws"], block["own"]["draws"], strict=True)
    ]
    assert block["ratio"]["mean"] == pytest.approx(math.exp(np.mean(logs)))
    assert good(*TINY, "--json") == file.read_text()
    assert json.loads(good(*TINY, "--json", "--seed", "1"))["ratio"] != content["ratio"]


def test_one_layer_of_several_is_what_it_is_among_all() -> None:
    both, one = (json.loads(good(*TINY, "--json", "--layers", which))["blocks"] for which in ("0-1", "1"))
    assert both[1:] == one


def shown(found: Audit, **options: Any) -> str:
    return " ".join(report(found, Terminal(**options)).split())


def test_the_report_says_what_is_not_there() -> None:
    X = rows(6, 6)
    equal = audit(Gated(), inputs=torch.cat((X, X)), draws=2)
    text = shown(equal)
    assert "No ratio is resolved in double precision" in text
    assert "not resolved" in text
    some = replace(equal, blocks=(*audit(Gated(), inputs=X, draws=2).blocks, *equal.blocks))
    assert "(1 more not resolved in double precision)" in shown(some)
    skipped = audit(nn.Sequential(Gated(), Gated(twist=1.0)), inputs=(X,), draws=1)
    assert "Skipped: 1: it computes something else" in shown(skipped)
    assert "of 1 blocks, by the factor" in shown(skipped)
    assert "one draw has no interval (--draws)" in shown(skipped)


def test_blocks_of_different_sizes_have_tables_of_their_own() -> None:
    model = nn.Sequential(Gated(), Gated(m=20), Gated(m=20))
    text = report(audit(model, inputs=(rows(6, 6),), draws=2), Terminal(colour=True))
    assert text.count("as it is") == 2
    assert text.count("\x1b[1m") == 2


def test_a_lower_bound_is_shown_as_one() -> None:
    X = rows(9, 6).double()
    X[1:] = X[:1] + 1e-9 * X[1:]
    found = audit(Gated(), inputs=X, draws=2)
    assert found.blocks[0].as_it_is.is_bound
    assert shown(found).count("≥") == 3
    assert shown(found, unicode=False).count(">=") == 3


def test_progress_is_told_to_a_caller() -> None:
    calls: list[tuple[int, int, str]] = []
    audit(wild("llama"), progress=lambda *args: calls.append(args), **SMALL)
    assert calls == [(0, 2, "layers.0.mlp"), (1, 2, "layers.1.mlp")]


def test_data_from_a_file(tmp_path: Path) -> None:
    file = tmp_path / "rows.npy"
    arguments = ("audit", "gpt2", "--set", "n_embd=32", "--set", "n_head=2", "--set", "n_layer=1", "--draws", "1")
    np.save(file, np.random.default_rng(0).standard_normal((9, 32)))
    text = good(*arguments, "--data", str(file))
    assert "at 9 given rows" in text
    assert "--weights-only" in text
    assert "expected" in good(*arguments, "--data", str(file), "--weights-only")
    assert "leave out --inputs and --samples" in bad(*arguments, "--data", str(file), "--samples", "5")
    np.savez(tmp_path / "rows.npz", X=np.load(file))
    again = good(*arguments, "--data", str(tmp_path / "rows.npz"))
    assert again.replace("rows.npz", "rows.npy") == text
    np.save(file, np.array([{}], dtype=object))
    assert "Python objects" in bad(*arguments, "--data", str(file))
    assert "none.npy" in bad(*arguments, "--data", str(tmp_path / "none.npy"))


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("lama",), "unknown model 'lama': did you mean 'llama'"),
        (("0 0 0 0",), "it is no model type"),
        (("meta-llama/Llama-3",), "is no local file or folder, and nothing is downloaded"),
        (("none.json",), "is no local file or folder"),
        (("x" * 5000,), "unknown model"),
        (("llama", "--set", "hiden_size=3"), "llama has no field 'hiden_size': did you mean 'hidden_size'"),
        (("llama", "--set", "hidden_size=abc"), "the configuration of llama cannot be made: transformers says"),
        (("llama", "--set", "vocab_size.a=3"), "'vocab_size' of llama has no fields"),
        (("clip", "--set", "patch_size=3"), "did you mean 'vision_config.patch_size'?"),
        (("clip", "--set", "vision_config.patch=3"), "clip.vision_config has no field 'patch': did you mean"),
        (("llama", "--set", "hidden_size"), "give FIELD=VALUE"),
        (("llama", "--set", "hidden_size=1", "--set", "hidden_size=2"), "twice"),
        (("llama", "--layers", "1-"), "--layers is '1-'"),
        (("llama", "--gate", "fc1"), "--gate is given alone: name the linear maps by --gate and --readout"),
        (("llama", "--layers", "3-1"), "give the smaller number first"),
        (("llama", "--out", "/no/such/folder/file"), "there is no such folder"),
        (("llama", "--inputs", "uniform"), "'--inputs'"),
        (("llama", "--device", "abacus", "--set", "num_hidden_layers=1"), "device is 'abacus'"),
        ((), "Missing argument 'SOURCE'"),
    ],
    ids=str,
)
def test_mistakes_are_one_sentence(arguments: tuple[str, ...], said: str) -> None:
    assert said in bad("audit", *arguments)


def test_a_sequence_too_long_is_one_sentence() -> None:
    tiny = [f"--set={key}={value}" for key, value in WILD["gpt2"][0].items()]
    assert "cannot read the last position" in bad("audit", "gpt2", *tiny, "--set=n_positions=8", "--length", "9")


@pytest.mark.parametrize(
    ("content", "said"),
    [("[", "cannot be read as a configuration"), ("[]", "has no field 'model_type'"),
     ('{"model_type": "lama"}', "which transformers"), ('{"model_type": "llama", "hidden_size": 65}', "multiple of")],
    ids=["torn", "list", "unknown", "bad"],
)  # fmt: skip
def test_bad_configuration_files(tmp_path: Path, content: str, said: str) -> None:
    (tmp_path / "config.json").write_text(content)
    assert said in bad("audit", str(tmp_path / "config.json"))
    assert said in bad("audit", str(tmp_path))


def test_a_folder_named_like_a_type_is_no_model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "llama").mkdir()
    assert "layers.0.mlp" in good(*TINY)


def test_values_and_lists_of_the_command_line() -> None:
    assert parse_layers("3, 0-1,1") == [0, 1, 3]
    assert parse_layers("all") is None
    given = ("a=1", "b=2.5", "c=true", "d=True", "e=None", "f=gelu", "g=[1, 2]", "h=1e-5", "i=__import__('os')")
    values = [1, 2.5, True, True, None, "gelu", [1, 2], 1e-5, "__import__('os')"]
    assert parse_changes(given) == dict(zip("abcdefghi", values, strict=True))


def test_nested_fields_and_aliases_are_set() -> None:
    config = configurations.configure("clip", {}, {"text_config.hidden_size": 24, "vision_config.patch_size": 4})
    assert (config.text_config.hidden_size, config.vision_config.patch_size) == (24, 4)
    for name in ("n_embd", "hidden_size"):
        assert configurations.configure("gpt2", {"n_embd": 64, "n_head": 2}, {name: 32}).n_embd == 32


def test_transformers_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "transformers", None)
    with pytest.raises(
        GlutheoryError, match=r"needs transformers: \S+ -m pip install -c constraints.txt 'glutheory\[models\]'"
    ):
        audit("llama")


@pytest.mark.parametrize(
    ("name", "kind"),
    [("LlamaForCausalLM", "LlamaForCausalLM"), ("LlamaConfig", "LlamaModel"), ("Llama", "LlamaModel")],
)
def test_a_class_is_built_as_such(name: str, kind: str) -> None:
    model = models.build(name, GROUPED, seed=3).model
    assert type(model).__name__ == kind
    assert not model.training
    own, other = (models.build(name, GROUPED, seed=seed).model.state_dict() for seed in (3, 4))
    assert all(torch.equal(tensor, own[key]) for key, tensor in model.state_dict().items())
    assert not all(torch.equal(tensor, own[key]) for key, tensor in other.items())


def test_of_a_model_that_reads_more_than_text_the_text_model_is_taken() -> None:
    built = models.build("gemma3", GEMMA)
    assert built.notes == ("gemma3 reads text and more: its text model, gemma3_text, is audited.",)


def test_no_such_class() -> None:
    with pytest.raises(UnknownNameError, match="unknown model 'PreTrainedModel'"):
        models.build("PreTrainedModel")


def test_the_help_needs_no_torch() -> None:
    code = (
        "import sys, glutheory.commands.audit as c; from click.testing import CliRunner\n"
        "import glutheory.commands.main as m\n"
        "assert CliRunner().invoke(m.main, ['audit', '--help']).exit_code == 0\n"
        "assert 'audit' in CliRunner().invoke(m.main, ['--help']).output\n"
        "print([n for n in ('torch', 'transformers', 'numpy') if n in sys.modules])"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "[]"


def test_torch_missing() -> None:
    code = (
        "import sys; sys.modules['torch'] = None\n"
        "from click.testing import CliRunner; import glutheory.commands.main as m\n"
        "result = CliRunner().invoke(m.main, ['audit', 'llama']); print(result.exit_code, result.stderr)"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == f"2 error: audit needs torch: {installing('models')}."
