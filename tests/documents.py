"""Runs a page of the documentation: `python tests/documents.py PAGE`, in a copy of the repository that may be spoiled.

The blocks of a page are taken in their order. What the first words after the fence mean:

* `python`: executed; all of a page share one namespace.
* `python file=PATH`: the new content of that file.
* `bash`: every line is a command that must end with status 0, or with N where the block says `bash exit=N`. A block
  `bash needs=PROGRAM` is left out where there is no such program. What installs is left to `test_documents`, and the
  two lines of the README to the script that takes them from there.
* `diff`: a change of the files that it names; every hunk must fit exactly one place.
* `text`: what the Python or the last command before it printed, compared by `same`; excerpts may follow each other.
* `json`: must be JSON. Other blocks are for the eye only.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from markdown_it import MarkdownIt
from markdown_it.token import Token

ROOT = Path(__file__).resolve().parent.parent
#: The comments before the README's two lines.
MARKS = ("derive-line", "test-line")
LONGEST = 3600  #: seconds after which a command counts as hung
_NUMBER = re.compile(r"[-+]?\d+(?:\.\d+)?(?:e[-+]?\d+)?")
_TOKEN = re.compile(rf"…|{_NUMBER.pattern}|[^\W\d]+|[^\s\w]")


@dataclass(frozen=True)
class Block:
    """A fenced block.

    Attributes:
        kind: the first word after the fence.
        options: the other words, `name=value`.
        text: what is in it.
        line: of its first line, from 1.
        marked: whether it is one of the README's two lines.
    """

    kind: str
    options: dict[str, str]
    text: str
    line: int
    marked: bool = False

    @property
    def commands(self) -> list[str]:
        """Of a bash block: one for each line, without comments; a backslash at its end continues a line."""
        lines = self.text.replace("\\\n", " ").splitlines()
        bare = (re.sub(r"(^|\s+)#\s.*", "", line).strip() for line in lines)
        return [line for line in bare if line]


def installs(command: str) -> bool:
    """Whether it installs something."""
    return re.search(r"\bpip install\b", command) is not None


def pages() -> list[Path]:
    """Every page, found by a glob."""
    return [ROOT / "README.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").rglob("*.md"))]


def tokens(page: Path) -> list[Token]:
    """The page as markdown-it reads it."""
    return MarkdownIt("commonmark").enable("table").parse(page.read_text(encoding="utf-8"))


def blocks(page: Path) -> list[Block]:
    """The fenced blocks of the page, in their order."""
    found, marked = [], False
    for token in tokens(page):
        if token.type == "html_block":
            marked = any(f"<!-- {mark} -->" in token.content for mark in MARKS)
        elif token.type == "fence":
            kind, *words = token.info.split() or [""]
            options = dict(word.partition("=")[::2] for word in words)
            assert token.map is not None
            found.append(Block(kind, options, token.content, token.map[0] + 2, marked))
            marked = False
    return found


def same(shown: str, printed: str) -> bool:
    """Whether a page shows what was printed.

    Numbers of up to eight digits agree within 1 % or one unit of their last digit, since other machines round
    otherwise; longer ones, integers below 100 and all words agree exactly. `…` stands for anything; where lines end,
    gaps and the lengths of rules do not count.
    """
    wanted, given = (_TOKEN.findall(_even(text)) for text in (shown, printed))
    i = j = 0
    star: tuple[int, int] | None = None
    while j < len(given):
        if i < len(wanted) and wanted[i] == "…":
            star, i = (i + 1, j), i + 1
        elif i < len(wanted) and _alike(wanted[i], given[j]):
            i, j = i + 1, j + 1
        elif star is not None:
            star = star[0], star[1] + 1
            i, j = star
        else:
            return False
    return all(token == "…" for token in wanted[i:])


def _even(text: str) -> str:
    return re.sub(r"[─━═-]{3,}", "---", text.replace("−", "-"))


def _alike(wanted: str, given: str) -> bool:
    if wanted == given:
        return True
    if not (_NUMBER.fullmatch(wanted) and _NUMBER.fullmatch(given)):
        return False
    mantissa, _, exponent = wanted.partition("e")
    digits, decimals = re.sub(r"\D", "", mantissa), mantissa.partition(".")[2]
    if len(digits) > 8 or (abs(float(wanted)) < 100 and not (decimals or exponent)):
        return False
    unit = 10.0 ** (int(exponent or 0) - len(decimals))
    return abs(float(wanted) - float(given)) <= max(0.01 * abs(float(wanted)), 1.01 * unit)


def working_copy(folder: Path) -> Path:
    """The repository without its caches in a new folder, for a page to spoil."""
    # a cache of compiled files stays valid, since times are kept
    ignored = shutil.ignore_patterns(".*", "build", "dist", "htmlcov", "*.egg-info", "*.pyc.*")
    return Path(shutil.copytree(ROOT, folder / "repository", ignore=ignored))


def environment(folder: Path) -> dict[str, str]:
    """Of the commands: this Python's programs first, the sources in the folder, one thread, no colours, no warnings."""
    threads = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
    path = os.pathsep.join((str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)))
    return {
        **{name: value for name, value in os.environ.items() if not name.startswith(("PYTEST_", "COV_"))},
        **threads,
        "PATH": path,
        "PYTHONPATH": str(folder),
        "PYTHONUTF8": "1",
        # what other packages will remove is not the page's business
        "PYTHONWARNINGS": "error,ignore::DeprecationWarning,ignore::PendingDeprecationWarning",
        "COLUMNS": "100",
        "NO_COLOR": "1",
    }


def run(page: Path, folder: Path) -> subprocess.CompletedProcess[str]:
    """The page, in a process of its own; its sources and its files are in the folder."""
    command = [sys.executable, str(Path(__file__).resolve()), str(page)]
    return subprocess.run(command, cwd=folder, env=environment(folder), capture_output=True, text=True, check=False)


@dataclass
class Reader:
    """Goes through a page.

    Attributes:
        page: its path, for messages.
        names: the namespace of its Python.
        printed: by the block before.
        left_out: whether the block before was.
    """

    page: str
    names: dict[str, Any] = field(default_factory=lambda: {"__name__": "__page__"})
    printed: str | None = None
    left_out: bool = False

    def read(self, block: Block) -> None:
        """Do what the block says.

        Raises:
            AssertionError: something is not as the page has it.
        """
        where = f"{self.page}:{block.line}"
        if block.kind == "text" and self.left_out:
            return
        before, self.printed = self.printed, None
        self.left_out = "needs" in block.options and shutil.which(block.options["needs"]) is None
        if self.left_out:
            return
        if "file" in block.options:
            write(Path(block.options["file"]), block.text)
        elif block.kind == "python":
            self.printed = self.python(block, where)
        elif block.kind == "bash" and not block.marked:
            for command in block.commands:
                if not installs(command):
                    self.printed = bash(command, int(block.options.get("exit", 0)), where)
        elif block.kind == "diff":
            apply(block.text, where)
        elif block.kind == "json":
            json.loads(block.text)
        elif block.kind == "text":
            assert before is not None, f"{where}: output of nothing"
            assert same(block.text, before), f"{where}: the page shows\n{block.text}\nbut this was printed:\n{before}"
            self.printed = before  # for the next excerpt

    def python(self, block: Block, where: str) -> str:
        """What the block prints."""
        out = io.StringIO()
        # as many empty lines before it as there are in the page: a traceback names the line
        code = compile("\n" * (block.line - 1) + block.text, where.rpartition(":")[0], "exec")
        with contextlib.redirect_stdout(out):
            exec(code, self.names)  # noqa: S102 (the page's own code)
        return out.getvalue()


def bash(command: str, status: int, where: str) -> str:
    """What the command prints, after it ended with this status."""
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", command],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=LONGEST,
    )
    told = f"{where}: {command}\nended with status {done.returncode}, not {status}:\n{done.stdout}\n{done.stderr}"
    assert done.returncode == status, told
    return done.stdout if status == 0 else done.stdout + done.stderr


def write(path: Path, text: str) -> None:
    """Make the file, in a folder that there is."""
    assert path.parent.is_dir(), f"{path}: no such folder"
    path.write_text(text, encoding="utf-8")


def apply(text: str, where: str) -> None:
    """Change the files that a diff names."""
    for path, old, new in hunks(text):
        content = path.read_text(encoding="utf-8")
        assert content.count(old) == 1, f"{where}: this is {content.count(old)} times in {path}:\n{old}"
        write(path, content.replace(old, new))


def hunks(text: str) -> Iterator[tuple[Path, str, str]]:
    """File, old text and new text of each hunk."""
    for part in re.split(r"^(?=--- )", text, flags=re.MULTILINE)[1:]:
        header, *changes = re.split(r"^@@.*\n", part, flags=re.MULTILINE)
        path = Path(header.splitlines()[1].removeprefix("+++ ").removeprefix("b/").split("\t")[0])
        for change in changes:
            lines = change.splitlines(keepends=True)
            old, new = ("".join(line[1:] for line in lines if line[0] in sides) for sides in (" -", " +"))
            yield path, old, new


def read(page: Path) -> None:
    """Run the page in the current folder."""
    reader = Reader(page.name)
    for block in blocks(page):
        reader.read(block)


if __name__ == "__main__":
    read(Path(sys.argv[1]))
