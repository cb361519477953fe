"""The page and the picture of the house: both are those of the code, and the picture can be read."""

from __future__ import annotations

import importlib
import re
import sys
from itertools import combinations
from types import ModuleType
from xml.etree import ElementTree as ET

import pytest

from tests.documents import ROOT
from tests.test_architecture import LAYERS

PAGE = ROOT / "docs" / "architecture.md"
SVG = "{http://www.w3.org/2000/svg}"
Box = tuple[float, float, float, float]


@pytest.fixture(scope="module")
def script() -> ModuleType:
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(ROOT / "docs"))
        return importlib.import_module("architecture")


@pytest.fixture(scope="module")
def drawing(script: ModuleType) -> ET.Element:
    return ET.fromstring(script.svg(script.house()))


@pytest.mark.long
def test_the_picture_is_that_of_the_code(script: ModuleType, monkeypatch, capsys) -> None:
    monkeypatch.setattr(sys, "argv", ["architecture.py", "--check"])
    with pytest.raises(SystemExit) as end:
        script.main()
    assert end.value.code == 0
    assert "is current" in capsys.readouterr().out


def test_another_picture_is_not(script: ModuleType, tmp_path, monkeypatch, capsys) -> None:
    picture = tmp_path / "architecture.svg"
    picture.write_text(script.PICTURE.read_text(encoding="utf-8").replace("errors", "error", 1), encoding="utf-8")
    for name, value in (("PICTURE", picture), ("ROOT", tmp_path)):
        monkeypatch.setattr(script, name, value)
    monkeypatch.setattr(sys, "argv", ["architecture.py", "--check"])
    with pytest.raises(SystemExit) as end:
        script.main()
    assert end.value.code == 1
    assert "run python docs/architecture.py" in capsys.readouterr().out
    monkeypatch.setattr(sys, "argv", ["architecture.py"])
    script.main()
    assert picture.read_bytes() == (ROOT / "docs" / "figures" / "architecture.svg").read_bytes()


def test_what_is_left_out_follows_from_what_is_drawn(script: ModuleType) -> None:
    house = script.house()
    drawn: dict[str, set[str]] = {}
    for room, other in house.arrows():
        drawn.setdefault(room, set()).add(other)
    again = script.House(house.layers, {room: frozenset(found) for room, found in drawn.items()}, 0, ())
    for room in house.needs:
        assert again.reach(room) == house.reach(room)
        for other in drawn[room]:
            fewer = {**again.needs, room: again.needs[room] - {other}}
            assert other not in script.House(house.layers, fewer, 0, ()).reach(room), (room, other)


def boxes(drawing: ET.Element) -> list[Box]:
    """Left, top, right and bottom of each room."""
    found = []
    for item in drawing.iter(f"{SVG}rect"):
        if item.get("class") not in ("paper", "package"):
            x, y, width, height = (float(item.attrib[name]) for name in ("x", "y", "width", "height"))
            found.append((x, y, x + width, y + height))
    return found


def test_every_room_is_there_and_rooms_do_not_touch(drawing: ET.Element) -> None:
    names = [item.text for item in drawing.iter(f"{SVG}text") if item.get("class") is None]
    assert sorted(map(str, names)) == sorted(name for layer in LAYERS for name in layer)
    assert len(boxes(drawing)) == len(names)
    width, height = (float(drawing.attrib[name]) for name in ("width", "height"))
    for left, top, right, bottom in boxes(drawing):
        assert 0 < left < right < width
        assert 0 < top < bottom < height
    for one, two in combinations(boxes(drawing), 2):
        assert one[2] < two[0] or two[2] < one[0] or one[3] < two[1] or two[3] < one[1]


def test_every_name_fits_into_its_room(drawing: ET.Element) -> None:
    """A letter of this size takes less than 8 pixels, of the small size less than 7."""
    for item in drawing.iter(f"{SVG}text"):
        wide = (7 if "small" in item.get("class", "") else 7.9) * len(item.text or "")
        x, y = float(item.attrib["x"]), float(item.attrib["y"])
        around = [box for box in boxes(drawing) if box[0] <= x <= box[2] and box[1] <= y <= box[3]]
        if around:
            assert x - wide / 2 >= around[0][0], item.text
            assert x + wide / 2 <= around[0][2], item.text
        else:
            # the name of the package: nothing is beside it
            assert all(box[0] > x + wide or box[3] < y - 12 for box in boxes(drawing))
            assert all(px > x + wide or py < y - 12 for px, py in points(drawing))


def points(drawing: ET.Element) -> list[tuple[float, float]]:
    """Points of all lines, a hundred of each; in a curve y goes down as x changes."""
    found = []
    for item in drawing.iter(f"{SVG}path"):
        if "arrow" in item.attrib["class"].split():
            numbers = [float(word) for word in re.findall(r"-?[\d.]+", item.attrib["d"])]
            x, y = numbers[:2]
            if "v" in item.attrib["d"]:
                found += [(x, y + numbers[2] * k / 99) for k in range(100)]
                continue
            (cx, cy), (dx, dy), (ex, ey) = zip(numbers[2::2], numbers[3::2], strict=True)
            assert y <= cy <= dy <= ey, "a line that leads up"
            for t in (k / 99 for k in range(100)):
                weights = ((1 - t) ** 3, 3 * t * (1 - t) ** 2, 3 * t * t * (1 - t), t**3)
                columns = ((x, cx, dx, ex), (y, cy, dy, ey))
                px, py = (sum(w * v for w, v in zip(weights, column, strict=True)) for column in columns)
                found.append((px, py))
    return found


def test_no_line_crosses_a_room(drawing: ET.Element) -> None:
    for x, y in points(drawing):
        assert not any(left < x < right and top < y < bottom for left, top, right, bottom in boxes(drawing)), (x, y)


def test_the_page_tells_every_room_in_its_layer() -> None:
    section = PAGE.read_text(encoding="utf-8").partition("\n## The rooms\n")[2].partition("\n## ")[0]
    rows = re.findall(r"^\|(?: `(\w+)`)? \|", section, re.MULTILINE)
    layers = " ".join(name or "/" for name in rows).split("/")
    assert [set(layer.split()) for layer in layers] == [set(layer) for layer in LAYERS]


def test_the_files_that_the_page_names_are_there() -> None:
    named = set(re.findall(r"`([\w/]+\.(?:py|json))`", PAGE.read_text(encoding="utf-8")))
    assert len(named) > 10
    assert sorted(name for name in named if "/" in name and not (ROOT / name).exists()) == []
