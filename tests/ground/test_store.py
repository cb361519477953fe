"""The files of long computations: what was saved is read, under the same key only, and damage costs work only."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from glutheory.errors import DomainError
from glutheory.ground import store

KEY = {"seed": 1, "sizes": (3, 4), "rate": 0.1}
CONTENT: dict[str, tuple[store.Form, dict[str, Any]]] = {
    "arrays": (store.ARRAYS, {"x": np.arange(3.0), "count": np.array(7)}),
    "record": (store.RECORD, {"x": [0, 1, 2], "word": "λ"}),
}


@pytest.fixture(params=CONTENT)
def kept(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[Path, store.Form, dict[str, Any]]:
    """A file that was written twice."""
    form, content = CONTENT[request.param]
    path = tmp_path / "file"
    for _ in range(2):
        store.save(path, KEY, content, form)
    return path, form, content


def test_what_was_saved_is_read(kept: tuple[Path, store.Form, dict[str, Any]]) -> None:
    path, form, content = kept
    for read in (store.load, store.found):
        again = read(path, KEY, form)
        assert again is not None
        assert again.keys() == content.keys()
        assert all(np.array_equal(again[name], content[name]) for name in content)
        # the order of a key's parts says nothing
        assert read(path, dict(reversed(KEY.items())), form) is not None
        assert read(path.with_name("none"), KEY, form) is None
    assert [each.name for each in path.parent.iterdir()] == ["file"]


def test_another_key_is_named_or_counts_as_no_file(kept: tuple[Path, store.Form, dict[str, Any]]) -> None:
    path, form, _ = kept
    other = {**KEY, "seed": 2, "sizes": (3, 5)}
    assert store.found(path, other, form) is None
    with pytest.raises(DomainError, match="was written with another seed, sizes: delete it, give another file, or"):
        store.load(path, other, form)


@pytest.mark.parametrize(
    "spoil",
    [lambda whole: whole[: len(whole) // 2], lambda _: b"", lambda _: b"hello", lambda _: b"[]", lambda _: b"\xff{}"],
)
def test_damage(kept: tuple[Path, store.Form, dict[str, Any]], spoil: Callable[[bytes], bytes]) -> None:
    path, form, _ = kept
    path.write_bytes(spoil(path.read_bytes()))
    assert store.found(path, KEY, form) is None
    with pytest.raises(DomainError, match="is not readable as one: delete it or give another"):
        store.load(path, KEY, form)


def test_no_pickle_is_opened(tmp_path: Path) -> None:
    path = tmp_path / "file"
    with path.open("wb") as file:
        np.savez(file, key=np.array(store.text(KEY)), x=np.array([print], dtype=object))
    assert store.found(path, KEY) is None


def test_a_failing_write_leaves_the_old_file(
    kept: tuple[Path, store.Form, dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    path, form, content = kept
    before = path.read_bytes()

    def full(_: int) -> None:
        raise OSError("no space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="no space"):
        store.save(path, {**KEY, "seed": 2}, content, form)
    assert path.read_bytes() == before
    assert len(list(path.parent.iterdir())) == 1


def test_a_record_is_json_that_people_may_read(tmp_path: Path) -> None:
    path = tmp_path / "file"
    store.save(path, {"seed": 1}, {"word": "λ"}, store.RECORD)
    assert path.read_text(encoding="utf-8") == '{\n "seed": 1,\n "word": "λ"\n}\n'
    assert json.loads(path.read_bytes()) == {"seed": 1, "word": "λ"}


def test_names_are_those_of_the_keys() -> None:
    assert store.name({"a": 1, "b": 2}) == store.name({"b": 2, "a": 1}) != store.name({"a": 2, "b": 2})
    assert len(store.name({})) == 32


def test_removing_takes_what_a_kill_left(tmp_path: Path) -> None:
    for name in ("a", "a.XYZ.part", "b"):
        (tmp_path / name).write_bytes(b"")
    store.remove(tmp_path / "a")
    assert [path.name for path in tmp_path.iterdir()] == ["b"]
