"""What `fedhub verify` prints."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from datetime import UTC, datetime

from fedhub.findings import Finding
from fedhub.registration.refusal import printable

_COLOURS = {"ok": "green", "failed": "red", "skipped": "yellow"}


def lines(findings: Sequence[Finding]) -> Iterator[tuple[str, str, str]]:
    """Yield each finding as a line: its state, the rest, and the state's colour."""
    if not findings:
        return
    checks = max(len(one.check) for one in findings)
    subjects = max(len(one.subject) for one in findings)
    for one in findings:
        rest = f"  {one.check:<{checks}}  {one.subject:<{subjects}}  {one.detail}"
        yield f"{one.state:<7}", printable(rest), _COLOURS[one.state]
        if one.fix:
            yield " " * 7, printable(f"  {one.fix}"), ""


def line(findings: Sequence[Finding]) -> str:
    """Return what was found as one line: how much is fine, and what is not."""
    good = sum(one.state == "ok" for one in findings)
    bad = [printable(f"{one.check} {one.subject}") for one in findings if one.state == "failed"]
    return f"{good} of {len(findings)} fine" + (f"; failed: {', '.join(bad)}" if bad else "")


def as_json(hub: str, findings: Sequence[Finding]) -> dict[str, object]:
    """Return what was found as JSON has it; a stable interface."""
    return {
        "hub": hub,
        "time": datetime.now(UTC).isoformat(timespec="seconds"),
        "ok": all(one.state != "failed" for one in findings),
        "checks": [asdict(one) for one in findings],
    }


def json_text(hub: str, findings: Sequence[Finding], *, indent: int | None = 2) -> str:
    """Return it as text; on one line without an indent, as a log has it."""
    return json.dumps(as_json(hub, findings), indent=indent)


def changed(before: Sequence[Finding], after: Sequence[Finding]) -> list[Finding]:
    """Return the findings that are other than before; a number of days left is no change."""
    known = {(one.check, one.subject): one.state for one in before}
    return [one for one in after if known.get((one.check, one.subject)) != one.state]


def checks_json(findings: Sequence[Finding]) -> str:
    """Return findings that are of no hub as JSON; a stable interface."""
    good = all(one.state != "failed" for one in findings)
    return json.dumps({"ok": good, "checks": [asdict(one) for one in findings]}, indent=2)
