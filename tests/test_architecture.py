"""The three roads stay apart, the core needs no torch, and layers import downward only."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parent.parent / "glutheory"
ROADS = ("symbolic", "quadrature", "sampling", "numeric")
#: What works on finished matrices, and the modules of it that may use derived duals: they predict spectra.
ANALYSIS = ("spectra", "bounds", "dynamics")
PREDICTIONS = (PACKAGE / "spectra" / "equivalents.py", PACKAGE / "spectra" / "zonal.py")


def _imports(path: Path) -> set[str]:
    """The modules of this package that a file imports, also inside functions."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            found.add(node.module or "")
        elif isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
    return found


def _inside(module: str, package: str) -> bool:
    return module == package or module.startswith(package + ".")


@pytest.mark.parametrize("road", ROADS)
def test_no_road_imports_another(road: str) -> None:
    others = [f"glutheory.{other}" for other in ROADS if other != road]
    for path in (PACKAGE / road).rglob("*.py"):
        crossing = {module for module in _imports(path) for other in others if _inside(module, other)}
        assert not crossing, f"{path} imports {crossing}"


def test_the_foundation_imports_no_road() -> None:
    for name in ("errors", "activations", "networks", "terms", "reading", "balls", "exact", "pieces", "growth"):
        modules = _imports(PACKAGE / f"{name}.py")
        assert not {m for m in modules for road in ROADS if _inside(m, f"glutheory.{road}")}, name


@pytest.mark.parametrize(
    "part", ["arguments", "files", "energy", "relabellings", "two_sample", "equivalence", "datasets"]
)
def test_data_and_statistics_know_nothing_of_networks(part: str) -> None:
    files = [*(PACKAGE / part).rglob("*.py"), *PACKAGE.glob(f"{part}.py")]
    assert files
    known = ("errors", "arguments", "files", "energy", "relabellings", "two_sample", "equivalence", "datasets")
    for path in files:
        own = {module for module in _imports(path) if _inside(module, "glutheory")}
        assert {module for module in own if module.split(".")[1] not in known} == set(), path


@pytest.mark.parametrize("part", ANALYSIS)
def test_the_analysis_imports_no_more_than_it_needs(part: str) -> None:
    """What is said of a matrix holds for every road's; only predicted spectra need the derived duals."""
    files = [*(PACKAGE / part).rglob("*.py"), *PACKAGE.glob(f"{part}.py")]
    assert files
    for path in files:
        others = [f"glutheory.{road}" for road in ROADS if road != "symbolic" or path not in PREDICTIONS]
        crossing = {module for module in _imports(path) for other in others if _inside(module, other)}
        assert not crossing, f"{path} imports {crossing}"


@pytest.mark.parametrize("road", ROADS)
def test_no_road_imports_the_analysis(road: str) -> None:
    for path in (PACKAGE / road).rglob("*.py"):
        found = {m for m in _imports(path) for part in ANALYSIS if _inside(m, f"glutheory.{part}")}
        assert not found, f"{path} imports {found}"


def test_importing_the_package_imports_nothing_heavy() -> None:
    code = "import glutheory, sys; print([m for m in ('torch', 'matplotlib', 'rich', 'numpy') if m in sys.modules])"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "[]"


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
