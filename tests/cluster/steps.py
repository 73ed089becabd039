"""The steps of a long test: how long each took, and what there was to see where one failed."""

from __future__ import annotations

import re
import shutil
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from playwright.sync_api import Browser, Page

from tests.cluster.hubs import Hub


@dataclass
class Steps:
    """Times each step of a test, and saves what there is to see where one fails.

    Attributes:
        place: the folder that it is saved in, in one of the step's name; emptied at the start.
        namespaces: whose events and pods are saved.
        browser: whose pages.
        lines: what took how long.
    """

    place: Path
    namespaces: Sequence[Hub]
    browser: Browser
    lines: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        shutil.rmtree(self.place, ignore_errors=True)

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        """Be in a step until the block ends."""
        begun = time.monotonic()
        try:
            yield
        except BaseException as failure:
            self._took(begun, f"FAILED: {name}")
            folder = self.place / re.sub(r"\W+", "-", name)
            failure.add_note(f"in the step “{name}”; logs, events and screenshots are in {folder}")
            self._save(folder)
            raise
        self._took(begun, name)

    def _took(self, begun: float, what: str) -> None:
        self.lines.append(f"{time.monotonic() - begun:6.1f} s  {what}")

    def _save(self, folder: Path) -> None:
        pages = [page for context in self.browser.contexts for page in context.pages]
        for number, page in enumerate(pages, 1):
            _save_page(folder / f"page-{number}", page)
        for space in self.namespaces:
            _save_namespace(folder / space.namespace, space)


def _save_page(file: Path, page: Page) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    _write(file.with_suffix(".png"), partial(page.screenshot, full_page=True, timeout=10_000))
    _write(file.with_suffix(".html"), lambda: f"<!-- {page.url} -->\n{page.content()}")


def _save_namespace(folder: Path, space: Hub) -> None:
    folder.mkdir(parents=True)
    by_time = ("get", "events", "--sort-by", ".metadata.creationTimestamp")
    _write(folder / "events.txt", partial(space.kubectl, *by_time))
    _write(folder / "pods.txt", partial(space.kubectl, "describe", "pods"))
    names = _write(folder / "names.txt", partial(space.kubectl, "get", "pods", "-o", "name"))
    for pod in names.split():
        _write(folder / f"{pod.removeprefix('pod/')}.log", partial(logs, space, pod))


def logs(space: Hub, pod: str) -> str:
    """All that a pod's containers said, and those before them that ended."""
    said = space.kubectl("logs", pod, "--all-containers", "--prefix", "--timestamps")
    for container in space.get(pod)["status"].get("containerStatuses", []):
        if container["restartCount"]:
            said += f"--- {container['name']}, before it was restarted\n"
            said += space.kubectl("logs", pod, "-c", container["name"], "--previous")
    return said


def _write(file: Path, evidence: Callable[[], str | bytes]) -> str:
    """Write down what can be had; what can't be is no reason to lose the rest.

    Returns: the text, "" where there is none.
    """
    try:
        found = evidence()
    except Exception as error:  # noqa: BLE001  # a page that crashed, a pod that is gone
        file.with_suffix(".error").write_text(str(error))
        return ""
    file.write_bytes(found.encode() if isinstance(found, str) else found)
    return found if isinstance(found, str) else ""
