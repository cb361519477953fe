"""Matplotlib's SVG made fit for an HTML page: small, its ids unlike all others, its colours from the style sheet.

The drawing is parsed, rewritten as a tree and written again; nothing is replaced in the text of markup.
"""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from dataclasses import dataclass

from glutheory.figures.chart import Role
from glutheory.figures.strokes import COLOURS

#: Our colours by the names that the style sheet gives them, which has a light and a dark value for each.
NAMES = {
    "#000000": "ink",
    "#ffffff": "paper",
    "#444444": "note",
    "#888888": "zero",
    "#dddddd": "grid",
    "#eeeeee": "empty",
    "#999999": "hatch",
    **{
        colour.lower(): f"{role}{rank or ''}"
        for role in (Role.PLAIN, Role.GATED, Role.OTHER)
        for rank, colour in enumerate(COLOURS[role])
    },
}
_STEP = re.compile(r"(\w+)\(([^)]*)\)")
#: What browsers assume anyway, or what our style sheet says for all figures.
_DEFAULTS = {"stroke-linejoin": "round", "stroke-linecap": "butt"}


@dataclass(frozen=True)
class Drawing:
    """An SVG element for a page.

    Attributes:
        text: the markup; letters are references to the glyphs.
        glyphs: the outlines of the letters by id, which the page must define once.
        width, height: of the drawing in points, which are the units of its coordinates.
    """

    text: str
    glyphs: dict[str, str]
    width: float
    height: float


def page_svg(source: str, *, prefix: str, title: str, description: str) -> Drawing:
    """The drawing for a page.

    Args:
        source: an SVG file as `glutheory.figures.draw.vector` writes it.
        prefix: begins every id; unique in the page.
        title: the name of the figure for those who cannot see it.
        description: a longer alternative text.
    """
    root = ET.fromstring(source)
    width, height = (float(part) for part in root.attrib["viewBox"].split()[2:])
    glyphs: dict[str, str] = {}
    names: dict[str, str] = {}
    for element in root.iter():
        if _is_glyph(element):
            glyphs[f"glyph-{element.attrib['id']}"] = _path(element.get("d", ""), 0)  # a space has none
            names[element.attrib["id"]] = f"glyph-{element.attrib['id']}"
    for number, name in enumerate(sorted(_targets(root) - set(names))):
        names[name] = f"{prefix}-{number}"
    svg = ET.Element("svg", {"class": "chart", "viewBox": f"0 0 {_number(width)} {_number(height)}", "role": "img"})
    svg.attrib |= {"aria-labelledby": f"{prefix}-title", "aria-describedby": f"{prefix}-text"}
    ET.SubElement(svg, "title", id=f"{prefix}-title").text = title
    ET.SubElement(svg, "desc", id=f"{prefix}-text").text = description
    svg.extend(part for child in root for part in _rewritten(child, names))
    _say_once(svg)
    return Drawing(ET.tostring(svg, encoding="unicode"), glyphs, width, height)


def _local(name: str) -> str:
    return name.rpartition("}")[2]


def _is_glyph(element: ET.Element) -> bool:
    """Whether it is the outline of a letter; only these are scaled where they are defined."""
    return _local(element.tag) == "path" and "id" in element.attrib and "transform" in element.attrib


def _targets(root: ET.Element) -> set[str]:
    """The ids that something refers to."""
    found = set()
    for element in root.iter():
        for name, value in element.attrib.items():
            if _local(name) == "href" and value.startswith("#"):
                found.add(value[1:])
            found.update(part.partition(")")[0] for part in value.split("url(#")[1:])
    return found


def _rewritten(element: ET.Element, names: dict[str, str]) -> Iterator[ET.Element]:
    """What takes this element's place: nothing, itself or, where it only encloses others, these."""
    tag = _local(element.tag)
    if tag in ("metadata", "style") or _is_glyph(element):
        return
    children = [part for child in element for part in _rewritten(child, names)]
    attributes = dict(_attributes(element, names))
    if tag == "g":
        attributes |= _common_style(children, attributes)
    if tag == "g" and not attributes:
        yield from children
    elif children or tag not in ("g", "defs"):
        new = ET.Element(tag, attributes)
        new.extend(children)
        yield new


def _common_style(children: list[ET.Element], attributes: dict[str, str]) -> dict[str, str]:
    """The style that all markers of a series have, taken from them to be given to their group."""
    styles = {child.get("style", "") for child in children}
    if len(children) < 2 or len(styles) > 1 or styles & {""} or "style" in attributes or "opacity" in "".join(styles):
        return {}
    for child in children:
        del child.attrib["style"]
    return {"style": styles.pop()}


def _say_once(svg: ET.Element) -> None:
    """Leave out the style of what is used where it is that of its definition, as of the ticks of an axis."""
    styles = {f"#{part.attrib['id']}": part.get("style") for part in svg.iter() if "id" in part.attrib}
    for part in svg.iter("use"):
        if "style" in part.attrib and styles.get(part.get("href", "")) == part.attrib["style"]:
            del part.attrib["style"]


def _attributes(element: ET.Element, names: dict[str, str]) -> Iterator[tuple[str, str]]:
    """The attributes that are needed, with short numbers, new ids and the page's colours."""
    for name, value in element.attrib.items():
        key = _local(name)
        if key == "id" and value in names:
            yield key, names[value]
        elif key == "href":
            yield key, f"#{names[value[1:]]}" if value.startswith("#") else value
        elif key == "d":
            yield key, _path(value, 2)
        elif key in ("fill", "stroke", "clip-path"):
            yield key, _value(value, names)
        elif key == "style" and (style := _style(value, names)):
            yield key, style
        elif key == "transform":
            yield from _transform(value, letter=_local(element.tag) == "use")
        elif key in ("x", "y", "width", "height"):
            yield key, _number(float(value))
        elif key not in ("id", "style"):
            yield key, value


def _style(text: str, names: dict[str, str]) -> str:
    """The declarations that say anything new."""
    kept = []
    for declaration in text.split(";"):
        key, _, value = (part.strip() for part in declaration.partition(":"))
        if key and _DEFAULTS.get(key) != value:
            kept.append(f"{key}:{_value(value, names)}")
    return ";".join(kept)


def _value(value: str, names: dict[str, str]) -> str:
    """A variable in place of our colour, or the value with the new name of what it refers to."""
    if value.lower() in NAMES:
        return f"var(--chart-{NAMES[value.lower()]})"
    before, mark, after = value.partition("url(#")
    name, _, rest = after.partition(")")
    return f"{before}{mark}{names[name]}){rest}" if mark else value


def _transform(text: str, *, letter: bool) -> Iterator[tuple[str, str]]:
    """The transformation, rounded; a letter that is only moved gets its place as x and y, which is shorter."""
    steps = [(name, [float(part) for part in found.replace(",", " ").split()]) for name, found in _STEP.findall(text)]
    if letter and [name for name, _ in steps] == ["translate"]:
        for axis, value in zip("xy", steps[0][1], strict=False):
            if _number(value, 1) != "0":
                yield axis, _number(value, 1)
        return
    yield (
        "transform",
        "".join(
            f"{name}({' '.join(_number(part, 5 if name in ('scale', 'matrix') else 2) for part in parts)})"
            for name, parts in steps
        ),
    )


def _path(text: str, digits: int) -> str:
    """The data of a path; matplotlib writes commands and numbers apart."""
    short = ""
    for part in text.split():
        if part.isalpha():
            short += part
        else:
            number = _number(float(part), digits)
            short += number if not short or short[-1].isalpha() or number.startswith("-") else f" {number}"
    return short


def _number(value: float, digits: int = 2) -> str:
    """The number rounded to so many decimals, without zeros at the end."""
    text = f"{value:.{digits}f}"
    text = text.rstrip("0").rstrip(".") if "." in text else text
    return "0" if text == "-0" else text
