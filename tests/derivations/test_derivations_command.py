"""`python -m derivations`: pages written and checked, what fails or is unknown in one sentence."""

import subprocess
import sys
from dataclasses import replace

import pytest
import sympy as sp
from click.testing import CliRunner

from derivations import __main__ as cli
from derivations import catalog
from derivations.tools import render
from derivations.tools.proof import Step, every
from derivations.tools.runs import run as run_proof
from derivations.tools.zero import zero
from glutheory.errors import UnknownNameError
from tests.derivations.committed_pages import NAMES, texts


def broken(name="gelu", check=lambda: zero(sp.S.One)):
    """A loader that appends a wrong step to one proof and keeps two proofs only, for speed."""

    def load(wanted):
        proof = catalog.load(wanted)
        wrong = Step("a deliberately wrong step", "1 = 0", "none", check, every())
        return replace(proof, steps=(*proof.steps[:2], wrong)) if wanted == name else proof

    return load


@pytest.fixture
def two_proofs(monkeypatch):
    monkeypatch.setattr(cli, "names", lambda: ("gelu", "hadamard"))


@pytest.mark.slow
@pytest.mark.usefixtures("two_proofs")
def test_all_pages_are_written_and_current_and_a_changed_one_is_noticed(tmp_path):
    runner, options = CliRunner(), ["--output", str(tmp_path / "new")]
    assert runner.invoke(cli.main, options).exit_code == 0
    assert sorted(path.name for path in (tmp_path / "new").iterdir()) == ["README.md", "gelu.md", "hadamard.md"]
    assert (tmp_path / "new" / "gelu.md").read_text(encoding="utf-8") == texts()["gelu.md"]
    assert runner.invoke(cli.main, [*options, "--check"]).exit_code == 0
    page = tmp_path / "new" / "gelu.md"
    page.write_text(page.read_text(encoding="utf-8") + "x", encoding="utf-8")
    (tmp_path / "new" / "old.md").write_text("", encoding="utf-8")
    (tmp_path / "new" / "hadamard.md").unlink()
    result = runner.invoke(cli.main, [*options, "--check"])
    assert result.exit_code == 1
    assert "gelu.md is not current" in result.stderr
    assert "hadamard.md is missing" in result.stderr
    assert "old.md belongs to no proof" in result.stderr
    assert page.read_text(encoding="utf-8").endswith("x")


@pytest.mark.parametrize("check", [lambda: zero(sp.S.One), lambda: 1 / 0], ids=["refuted", "broken off"])
@pytest.mark.usefixtures("two_proofs")
def test_a_failing_step_is_named_and_nothing_of_that_proof_is_overwritten(check, tmp_path, monkeypatch):
    (tmp_path / "gelu.md").write_text("before", encoding="utf-8")
    monkeypatch.setattr(cli, "load", broken(check=check))
    result = CliRunner().invoke(cli.main, ["--output", str(tmp_path)])
    assert result.exit_code == 1
    assert "gelu: step 'a deliberately wrong step'" in result.stderr
    assert (tmp_path / "gelu.md").read_text(encoding="utf-8") == "before"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["gelu.md", "hadamard.md"]
    assert CliRunner().invoke(cli.main, ["--check", "--output", str(tmp_path)]).exit_code == 1
    alone = CliRunner().invoke(cli.main, ["gelu"])
    assert (alone.exit_code, alone.stdout) == (1, "")
    assert "a deliberately wrong step" in alone.stderr
    with pytest.raises(ValueError, match="only a confirmed proof"):
        render.markdown("gelu", run_proof(broken(check=check)("gelu")))


def test_one_proof_is_printed():
    result = CliRunner().invoke(cli.main, ["hadamard"])
    assert result.exit_code == 0
    assert result.stdout == texts()["hadamard.md"]


def test_one_proof_is_checked():
    assert CliRunner().invoke(cli.main, ["hadamard", "--check"]).exit_code == 0


@pytest.mark.parametrize(
    ("name", "hint"), [("gleu", "did you mean 'gelu'?"), ("GELU", "'gelu'"), ("zzz", "the proofs are"), ("proof", "")]
)
@pytest.mark.parametrize("options", [[], ["--check"]])
def test_an_unknown_name_is_one_sentence_and_exit_2(name, hint, options):
    result = CliRunner().invoke(cli.main, [name, *options])
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.startswith(f"Error: unknown proof {name!r}: ")
    assert hint in result.stderr
    assert result.stderr.count("\n") == 1


def test_a_long_unknown_name_is_shortened():
    with pytest.raises(UnknownNameError) as caught:
        catalog.load("x" * 10**5)
    assert len(str(caught.value)) < 500


@pytest.mark.long
@pytest.mark.usefixtures("two_proofs")
def test_a_folder_that_cannot_be_used_is_one_sentence_and_exit_2(tmp_path):
    (tmp_path / "file").write_text("", encoding="utf-8")
    result = CliRunner().invoke(cli.main, ["--output", str(tmp_path / "file" / "below")])
    assert result.exit_code == 2
    assert "cannot use the folder" in result.stderr


@pytest.mark.slow
def test_the_module_runs_as_a_command_and_finds_its_pages_current():
    command = [sys.executable, "-m", "derivations", "--check"]
    done = subprocess.run(command, capture_output=True, encoding="utf-8", check=False)
    assert (done.returncode, done.stdout) == (0, "")
    assert all(name in done.stderr for name in NAMES)
