"""Every module has its layer, the roads stay apart, no arrow leads back up, and the core needs no torch."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator, Mapping
from functools import lru_cache
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "glutheory"
#: The house from the ground up: a room imports from rooms of lower lines only, a module from its own room as it likes
#: as long as no circle arises. A room is a folder or a module at the root of the package, or a folder beside it.
LAYERS: tuple[tuple[str, ...], ...] = (
    ("errors", "faces", "shown"),
    ("activations",),
    ("ground",),
    ("networks",),
    ("layers",),
    ("symbolic", "quadrature", "sampling", "numeric"),
    ("datasets", "figures", "terminal", "spectra", "dynamics", "integrations", "architectures"),
    ("claims", "printing", "studies", "audit", "symbols"),
    ("report", "notebook"),
    ("commands",),
    ("__main__", "derive"),
    ("derivations",),
    ("checks",),
)
#: The package's face, which imports lazily what others ask it for: anybody may import it, nothing heavy comes with it.
FACE = "__init__"
ROADS = LAYERS[5]
#: What works on finished matrices, and the modules of it that may use derived duals: they predict spectra.
ANALYSIS = ("spectra", "dynamics")
PREDICTIONS = ("glutheory.spectra.equivalents", "glutheory.spectra.sphere")
#: Rooms whose records must not know how they are printed or drawn.
STUDIES = ("kernel", "spectrum", "dynamics", "phase", "depth")


def room(module: str) -> str:
    """The room that a module belongs to, by its folder."""
    top, *rest = module.split(".")
    if top != "glutheory":
        return top
    return rest[0] if rest else FACE


@lru_cache(maxsize=1)
def imports() -> Mapping[str, frozenset[str]]:
    """The modules of this repository that each module imports, also inside functions."""
    files = {name: path for top in ("glutheory", "derivations", "checks") for name, path in _modules(ROOT / top)}
    return {name: frozenset(_imported(path, files)) for name, path in files.items()}


def _modules(folder: Path) -> Iterator[tuple[str, Path]]:
    for path in sorted(folder.rglob("*.py")):
        parts = path.relative_to(ROOT).with_suffix("").parts
        yield ".".join(parts[:-1] if parts[-1] == "__init__" else parts), path


def _imported(path: Path, files: Mapping[str, Path]) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            for alias in node.names:
                full = f"{node.module}.{alias.name}"
                if full in files:
                    yield full
                elif (node.module or "") in files:
                    yield str(node.module)
        elif isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name in files)


def arrows() -> Iterator[tuple[str, str]]:
    """(module, imported module) between different rooms."""
    for module, found in imports().items():
        for other in found:
            if room(module) != room(other):
                yield module, other


def circles(graph: Mapping[str, frozenset[str]]) -> list[str]:
    """A circle of the graph, or nothing."""
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        return list(error.args[1])
    return []


def test_every_module_has_one_layer() -> None:
    rooms = [name for layer in LAYERS for name in layer]
    assert len(rooms) == len(set(rooms))
    assert {room(module) for module in imports()} == {*rooms, FACE}


def test_no_arrow_leads_back() -> None:
    level = {name: height for height, layer in enumerate(LAYERS) for name in layer}
    back = [
        (module, other)
        for module, other in arrows()
        if FACE not in (room(module), room(other)) and level[room(other)] >= level[room(module)]
    ]
    assert back == []


def test_there_are_no_circles() -> None:
    """Neither between rooms nor between modules; the face is none of them."""
    between: dict[str, set[str]] = {}
    for module, other in arrows():
        if FACE not in (room(module), room(other)):
            between.setdefault(room(module), set()).add(room(other))
    assert circles({name: frozenset(found) for name, found in between.items()}) == []
    faces = {module for module in imports() if _is_face(module)}
    inside = {name: frozenset(found - faces) for name, found in imports().items() if name not in faces}
    assert circles(inside) == []


def _is_face(module: str) -> bool:
    """Whether it is a package's `__init__`, which hands on what its own modules have."""
    return (ROOT / module.replace(".", "/") / "__init__.py").exists()


def test_a_circle_is_seen() -> None:
    assert circles({"a": frozenset("b"), "b": frozenset("c"), "c": frozenset("a")})


@pytest.mark.parametrize("road", ROADS)
def test_no_road_imports_another(road: str) -> None:
    others = {other for other in ROADS if other != road}
    assert [(m, o) for m, o in arrows() if room(m) == road and room(o) in others] == []


@pytest.mark.parametrize("study", STUDIES)
def test_a_record_knows_neither_its_text_nor_its_figure(study: str) -> None:
    here = f"glutheory.studies.{study}"
    for part in ("study", *(("cells", "maps", "boundary") if study == "phase" else ())):
        assert not {f"{here}.text", f"{here}.figure", here, "glutheory.figures.draw"} & imports()[f"{here}.{part}"]


@pytest.mark.parametrize("part", ANALYSIS)
def test_the_analysis_imports_no_more_than_it_needs(part: str) -> None:
    """What is said of a matrix holds for every road's; only predicted spectra need the derived duals."""
    for module, other in arrows():
        if room(module) == part and room(other) in ROADS:
            assert room(other) == "symbolic", (module, other)
            assert module in PREDICTIONS, (module, other)


def test_data_and_statistics_know_nothing_of_networks() -> None:
    own = {name for name in imports() if room(name) == "datasets"}
    tools = ("energy", "two_sample", "equivalence", "statistics", "exponents", "bounds")
    own |= {f"checks.tools.{name}" for name in tools if f"checks.tools.{name}" in imports()}
    known = ("errors", "ground", "claims", "datasets", "checks")
    for module in own:
        assert {room(other) for other in imports()[module]} <= set(known), module


def test_a_claim_keeps_to_its_room() -> None:
    """No claim imports another one: what two of them use is a tool; and no tool imports a claim.

    `checks.own` measures claims on the user's rows as they do themselves: it imports them, and no claim imports it.
    """
    for module, found in imports().items():
        if module.startswith("checks.own."):
            continue
        if module.startswith(("checks.claims.", "checks.tools.")):
            assert not any(other.startswith("checks.own") for other in found), module
        if module.startswith("checks."):
            mine = module.split(".")[2] if module.startswith("checks.claims.") else ""
            others = {o for o in found if o.startswith("checks.claims.") and o.split(".")[2] != mine}
            assert not others, module


def test_the_root_holds_what_is_everybodys() -> None:
    loose = {path.stem for path in PACKAGE.glob("*.py")}
    assert loose == {"__init__", "__main__", "derive", "errors", "faces", "shown", "networks", "symbols", "terminal"}


def test_importing_the_package_imports_nothing_heavy() -> None:
    code = "import glutheory, sys; print([m for m in ('torch', 'matplotlib', 'rich', 'numpy') if m in sys.modules])"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "[]"


@pytest.mark.long
def test_no_user_text_is_ever_evaluated() -> None:
    """`eval`, `exec`, `compile` and `parse_expr` occur nowhere in the package."""
    for path in PACKAGE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call):
                builtin = node.func.id if isinstance(node.func, ast.Name) else ""
                assert builtin not in {"eval", "exec", "compile", "__import__"}, path
                assert getattr(node.func, "attr", builtin) != "parse_expr", path


def test_the_public_names_are_there() -> None:
    import glutheory

    assert all(getattr(glutheory, name) is not None for name in glutheory.__all__)
    with pytest.raises(AttributeError, match="no attribute 'gramm'"):
        _ = glutheory.gramm
