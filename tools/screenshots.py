"""Makes the pictures of the README from a running preview: `make screenshots`.

What the terminal shows is drawn by rich from the command's own output; pages are photographed in
Chromium.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

from playwright.sync_api import FloatRect, sync_playwright
from rich.console import Console
from rich.text import Text

ROOT = Path(__file__).resolve().parent.parent
IMAGES = ROOT / "docs" / "images"
COLUMNS = 132


def terminal(process: subprocess.Popen[str]) -> str:
    """Return what the command shows until it has said where the hub is."""
    assert process.stdout is not None
    lines = []
    for line in process.stdout:
        if "Starting" not in line:  # the progress display, which a terminal overwrites
            lines.append(line.rstrip("\n"))
        if " is at " in line:
            break
    return "\n".join(lines)


def draw(shown: str) -> None:
    """Draw terminal output as an SVG."""
    console = Console(record=True, width=COLUMNS, file=Path(os.devnull).open("w"))  # noqa: SIM115
    console.print(Text("$ fedhub run campus", style="bold"))
    console.print(Text.from_ansi(shown))
    svg = console.export_svg(title="fedhub run campus")
    # The default font comes from elsewhere; a picture of ours asks nobody for anything.
    svg = "\n".join(line for line in svg.splitlines() if "url(" not in line or "clip" in line)
    (IMAGES / "run.svg").write_text(svg)


def clip(height: int) -> FloatRect:
    """Return the upper part of the page."""
    return {"x": 0, "y": 0, "width": 1100, "height": height}


def photograph(url: str) -> None:
    """Photograph the login page, the identity provider's page, and a refusal."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=shutil.which("chromium"), args=["--no-sandbox"]
        )
        page = browser.new_page(viewport={"width": 1100, "height": 720})
        page.goto(url)
        page.locator(".fedhub-choice").first.wait_for()
        page.screenshot(path=IMAGES / "login.png", clip=clip(420))
        page.get_by_role("link", name="Google").click()
        page.locator('button[name="persona"]').first.wait_for()
        page.screenshot(path=IMAGES / "signin.png")
        page.locator('button[value="google-outsider"]').click()
        page.get_by_role("heading", name="You are not signed in").wait_for()
        page.screenshot(path=IMAGES / "refused.png", clip=clip(480))
        browser.close()


def main() -> None:
    """Run the campus example and take its pictures."""
    IMAGES.mkdir(parents=True, exist_ok=True)
    process = subprocess.Popen(
        [str(Path(sys.executable).parent / "fedhub"), "run", "campus"],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env=os.environ | {"FORCE_COLOR": "1", "COLUMNS": str(COLUMNS)},
    )
    try:
        shown = terminal(process)
        draw(shown)
        photograph(Text.from_ansi(shown).plain.split()[-1])
    finally:
        process.terminate()
        process.wait()


if __name__ == "__main__":
    main()
