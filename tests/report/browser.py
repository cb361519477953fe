"""Pages in headless Chromium.

A test module asks for the fixtures by ``pytest_plugins = ("tests.report.browser",)`` and imports nothing from here:
pytest must be the first to import what it is to rewrite.
"""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

#: Nothing but the page: no sandbox (there is none in containers), no traffic of the browser's own.
FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
#: Milliseconds after which a page counts as stuck: on a busy machine the largest takes more than playwright's 30 s.
PATIENCE = 600_000
#: Opens HTML as a file: `opened(html, width=360, dark=True, touch=True, script=False)` is playwright's page.
Opened = Callable[..., Any]


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    """One Chromium for a worker's session; skips where there is none."""
    playwright = pytest.importorskip("playwright.sync_api", reason="pages are tested with playwright, of the extra dev")
    found = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if found is None:
        pytest.skip("pages are tested in Chromium, which is not installed")
    with playwright.sync_playwright() as driver:
        chromium = driver.chromium.launch(executable_path=found, args=list(FLAGS))
        yield chromium
        chromium.close()


@pytest.fixture
def opened(browser: Any, tmp_path: Path) -> Iterator[Opened]:
    """Opens pages; at the end the test fails if one had anything to say to the console, broke or asked for a file."""
    contexts: list[Any] = []
    problems: list[str] = []

    def show(
        html: str, *, width: int = 1200, dark: bool = False, touch: bool = False, script: bool = True, scale: float = 1
    ) -> Any:
        file = tmp_path / f"page{len(contexts)}.html"
        file.write_text(html, encoding="utf-8")
        context = browser.new_context(
            viewport={"width": width, "height": 800},
            color_scheme="dark" if dark else "light",
            has_touch=touch,
            java_script_enabled=script,
            device_scale_factor=scale,
        )
        context.set_default_timeout(PATIENCE)
        contexts.append(context)
        page = context.new_page()
        page.on("console", lambda message: problems.append(f"console: {message.text}"))
        page.on("pageerror", lambda error: problems.append(f"error: {error}"))
        page.on("request", lambda request: _note_request(request.url, file, problems))
        page.goto(file.as_uri())
        return page

    yield show
    for context in contexts:
        context.close()
    assert problems == []


def _note_request(url: str, file: Path, problems: list[str]) -> None:
    if url != file.as_uri() and not url.startswith("data:"):
        problems.append(f"request: {url}")
