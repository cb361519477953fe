"""Files are written whole or not at all, and what is no file of its own is written to and never replaced."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from glutheory.ground.files import replacing, writable

pytestmark = pytest.mark.skipif(os.name != "posix", reason="links, FIFOs and permissions as POSIX has them")


def write(path: Path, text: str) -> None:
    with replacing(path) as beside:
        beside.write_text(text, encoding="utf-8")


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_a_link_stays_and_its_file_is_replaced(tmp_path: Path) -> None:
    """Also where the file is in another folder, the link leads to a link, or nothing is there yet."""
    (tmp_path / "far").mkdir()
    for name, target in (("link", "far/file"), ("second", "link"), ("new", "far/other")):
        (tmp_path / name).symlink_to(target)
    (tmp_path / "far" / "file").write_text("old")
    for link, file in (("link", "file"), ("second", "file"), ("new", "other")):
        write(tmp_path / link, link)
        assert (tmp_path / link).is_symlink()
        assert (tmp_path / "far" / file).read_text() == link
    assert (names(tmp_path), names(tmp_path / "far")) == (["far", "link", "new", "second"], ["file", "other"])


def test_a_link_that_leads_to_itself_is_refused(tmp_path: Path) -> None:
    (tmp_path / "loop").symlink_to("loop")
    with pytest.raises(OSError, match="symbolic links"):
        write(tmp_path / "loop", "text")
    assert (tmp_path / "loop").is_symlink()


@pytest.mark.parametrize("by_link", [False, True])
def test_a_fifo_is_written_to(tmp_path: Path, by_link: bool) -> None:
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    path = tmp_path / "link" if by_link else fifo
    if by_link:
        path.symlink_to(fifo)
    assert writable(path)
    found: list[str] = []
    reader = threading.Thread(target=lambda: found.append(fifo.read_text()), daemon=True)
    reader.start()
    write(path, "text")
    reader.join(10)
    assert found == ["text"]
    assert stat.S_ISFIFO(fifo.stat().st_mode)
    assert names(tmp_path) == ["fifo", *["link"] * by_link]


def test_after_an_error_nothing_is_passed_on(tmp_path: Path) -> None:
    """A FIFO is not even opened, which would wait for a reader."""
    os.mkfifo(tmp_path / "fifo")
    (tmp_path / "file").write_text("old")

    def failing(path: Path) -> None:
        with replacing(path) as beside:
            beside.write_text("half")
            raise ValueError("halfway")

    for name in ("fifo", "file"):
        with pytest.raises(ValueError, match="halfway"):
            failing(tmp_path / name)
    assert (tmp_path / "file").read_text() == "old"
    assert names(tmp_path) == ["fifo", "file"]


def test_a_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(IsADirectoryError):
        write(tmp_path, "text")
    assert names(tmp_path) == []


def test_permissions_stay(tmp_path: Path) -> None:
    """A private file stays one; a new one is to be read by others as the mask allows; new text runs as nobody else."""
    for name, mode in (("private", 0o600), ("run as its owner", 0o4755)):
        (tmp_path / name).write_text("old")
        (tmp_path / name).chmod(mode)
    mask = os.umask(0o027)
    try:
        for name in ("private", "new", "run as its owner"):
            write(tmp_path / name, "text")
    finally:
        os.umask(mask)
    modes = [stat.S_IMODE((tmp_path / name).stat().st_mode) for name in ("private", "new", "run as its owner")]
    assert modes == [0o600, 0o640, 0o755]


@pytest.mark.skipif(not Path("/dev/fd").exists(), reason="no descriptors are listed here")
@pytest.mark.parametrize("gone", [False, True])
def test_any_descriptor_is_written_to_in_turn(tmp_path: Path, gone: bool) -> None:
    """As of a shell's exec 3>log; also where the file has been removed since."""
    with (tmp_path / "log").open("w+") as log:
        log.write("before\n")
        log.flush()
        if gone:
            (tmp_path / "log").unlink()
        write(Path(f"/dev/fd/{log.fileno()}"), "text\n")
        log.write("after\n")
        log.seek(0)
        assert log.read() == "before\ntext\nafter\n"
    assert names(tmp_path) == ["log"] * (not gone)


SCRIPT = """
import sys
from pathlib import Path
from glutheory.ground.files import replacing
print("before")
with replacing(Path(sys.argv[1])) as beside:
    beside.write_text("text\\n")
print("after")
"""


@pytest.mark.parametrize("link", ["/proc/self/fd/1", ""], ids=["by the descriptor", "by its name"])
def test_what_is_printed_to_is_written_in_turn(tmp_path: Path, link: str) -> None:
    """As /dev/stdout leads to it; a file that output is appended to keeps what it has."""
    if link and not Path(link).exists():
        pytest.skip("no such descriptors here")
    log = tmp_path / "log"
    log.write_text("kept\n")
    (tmp_path / "script.py").write_text(SCRIPT)
    with log.open("ab") as file:
        subprocess.run(
            [sys.executable, tmp_path / "script.py", link or log],
            stdout=file,
            check=True,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        )
    assert log.read_text() == "kept\nbefore\ntext\nafter\n"
    assert names(tmp_path) == ["log", "script.py"]
