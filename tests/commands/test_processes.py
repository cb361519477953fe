"""The command line as a process: closed pipes, Ctrl-C, little memory, nothing heavy imported."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from click.testing import CliRunner

from glutheory.commands import main
from tests.commands.command_line import POINT
from tests.processes import PATIENCE, ended, loaded


def _process(*arguments: str, **options: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False, **options)  # type: ignore[call-overload,no-any-return]


@pytest.mark.long
def test_the_modules_run() -> None:
    ascii_only = {**os.environ, "PYTHONIOENCODING": "ascii"}
    done = _process("glutheory.derive", "reglu", env=ascii_only)
    assert done.returncode == 0
    assert done.stdout.isascii()
    assert "D = a*b - c^2,  theta = arccos(c/sqrt(a*b))" in done.stdout
    done = _process("glutheory", "evaluate", "relu", "--a", "1", "--b", "1", "--c", "2", env=ascii_only)
    assert done.returncode == 2
    assert "Traceback" not in done.stderr


def test_a_closed_pipe_is_quiet() -> None:
    command = f"{sys.executable} -m glutheory.derive relu --steps | head -n 1"
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, check=False)
    assert done.stderr == ""
    assert done.stdout.startswith("relu: kernels")


@pytest.mark.parametrize("arguments", [("glutheory", "list"), ("checks", "--list", "--only", "angle")], ids=" ".join)
def test_a_full_disk_is_a_sentence(arguments: tuple[str, ...], tmp_path: Path) -> None:
    """Files of this process may not grow, as if the disk were full."""
    resource = pytest.importorskip("resource")

    def no_growth() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))

    with (tmp_path / "out.txt").open("w") as out:
        done = subprocess.run(
            [sys.executable, "-m", *arguments],
            stdout=out,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
            preexec_fn=no_growth,
        )
    assert done.returncode == 2
    assert done.stderr.startswith("error: what is printed or kept cannot be written (File too large)")
    assert done.stderr.count("\n") == 1


def _computed(number: int) -> float:
    """The processor seconds of a process so far."""
    fields = Path(f"/proc/{number}/stat").read_text().rpartition(")")[2].split()
    return int(fields[11]) / os.sysconf("SC_CLK_TCK")


@pytest.mark.long
def test_ctrl_c_in_a_long_evaluation() -> None:
    # minutes of work; SiLU's is over before it can be interrupted
    command = [sys.executable, "-m", "glutheory", "evaluate", "gelu_tanh", *POINT, "--digits", "300", "--road", "2"]
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
    )
    try:
        # at work: the balls are loaded, and a second of computing later
        while not loaded(process.pid, "flint") and process.poll() is None:
            time.sleep(0.05)
        start = _computed(process.pid)
        while _computed(process.pid) < start + 1 and process.poll() is None:
            time.sleep(0.05)
        process.send_signal(signal.SIGINT)
        process.wait(timeout=PATIENCE)
    finally:
        _, stderr = ended(process)
    assert process.returncode == 130
    assert stderr.strip() == ""


def test_starting_imports_nothing_heavy() -> None:
    code = (
        "import sys; import glutheory.commands.main, glutheory.derive\n"
        "heavy = {'torch', 'matplotlib', 'rich', 'scipy', 'sympy.physics.units'} & set(sys.modules)\n"
        "sys.exit(len(heavy))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("cause", [KeyboardInterrupt(), None])
def test_ctrl_c_inside_an_integral(monkeypatch: pytest.MonkeyPatch, cause: BaseException | None) -> None:
    def integral(*_args: object, **_options: object) -> None:
        raise SystemError("returned a result with an exception set") from cause

    monkeypatch.setattr("glutheory.commands.names.chosen_activation", integral)
    result = CliRunner().invoke(main.main, ["evaluate", "silu", "--a", "1", "--b", "1", "--c", "0"])
    assert (result.exit_code, isinstance(result.exception, SystemError)) == ((130, False) if cause else (1, True))


def test_too_little_memory_is_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    def too_much(*_args: object, **_options: object) -> None:
        raise MemoryError

    monkeypatch.setattr("glutheory.commands.names.chosen_activation", too_much)
    result = CliRunner().invoke(main.main, ["evaluate", "silu", "--a", "1", "--b", "1", "--c", "0"])
    assert result.exit_code == 2
    assert result.stderr == "error: there is not enough memory for this: give fewer rows.\n"
