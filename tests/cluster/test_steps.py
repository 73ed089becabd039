"""What a failed step of the smoke test leaves behind for whoever wants to know why."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from playwright.sync_api import Browser
from playwright.sync_api import Error as PlaywrightError

from tests.cluster.hubs import Hub, until
from tests.cluster.steps import Steps

pytestmark = pytest.mark.browser

PNG = b"\x89PNG"


def test_a_failed_step_saves_logs_events_and_screenshots(
    hub: Hub, browser: Browser, tmp_path: Path
) -> None:
    image = "--image=localhost/fedhub-base/hub:test"
    command = ("--restart=Never", "--command", "--", "sh", "-c", "echo one line of a log")
    hub.kubectl("run", "talker", image, *command)
    until(lambda: "one line" in hub.kubectl("logs", "talker", "--ignore-errors"), "no log")
    (tmp_path / "artifacts").mkdir()
    (tmp_path / "artifacts" / "of-before").touch()
    steps = Steps(tmp_path / "artifacts", [hub], browser)

    with steps.step("all is well"):
        pass
    with browser.new_context() as context:
        context.new_page().set_content("<p>what a person saw")
        with pytest.raises(ZeroDivisionError) as failed, steps.step("to divide, by zero"):
            _ = 1 / 0

    folder = tmp_path / "artifacts" / "to-divide-by-zero"
    assert [str(folder) in note for note in failed.value.__notes__] == [True]
    assert [line.partition(" s  ")[2] for line in steps.lines] == [
        "all is well",
        "FAILED: to divide, by zero",
    ]
    assert list((tmp_path / "artifacts").iterdir()) == [folder]
    assert "one line of a log" in (folder / hub.namespace / "talker.log").read_text()
    assert "talker" in (folder / hub.namespace / "events.txt").read_text()
    assert "Image:" in (folder / hub.namespace / "pods.txt").read_text()
    assert (folder / "page-1.png").read_bytes().startswith(PNG)
    assert "what a person saw" in (folder / "page-1.html").read_text()


def test_what_can_not_be_saved_does_not_hide_the_failure(
    hub: Hub, browser: Browser, tmp_path: Path
) -> None:
    gone = Hub(replace(hub.cluster, folder=tmp_path / "no-cluster"), "gone")
    steps = Steps(tmp_path / "artifacts", [gone, hub], browser)
    with browser.new_context() as context:
        page = context.new_page()
        with pytest.raises(PlaywrightError), page.expect_event("crash"):
            page.goto("chrome://crash")
        with pytest.raises(ZeroDivisionError), steps.step("to divide"):
            _ = 1 / 0

    folder = tmp_path / "artifacts" / "to-divide"
    assert "no cluster is up" in (folder / "gone" / "events.error").read_text()
    assert (folder / "page-1.error").exists()
    assert (folder / hub.namespace / "events.txt").exists()
