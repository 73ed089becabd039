"""What the `fedhub register` commands print."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from fedhub.errors import FedhubError
from fedhub.registration.apply import Done
from fedhub.registration.command import Overview, Report
from fedhub.registration.overview import Row
from fedhub.registration.refusal import printable
from fedhub.registration.sync import Item, Plan
from fedhub.registration.targets import Target
from fedhub.registration.tenants.institutions import Shown
from fedhub.registration.tenants.status import TenantStatus

_SIGNS = {"create": "+", "update": "~", "delete": "-", "look": "?"}


def report_json(report: Report, *, dry_run: bool) -> str:
    """Return what a command did, as JSON; a stable interface.

    Args:
        report: what it did.
        dry_run: whether it only would have.
    """
    outcome = report.outcome
    data = {
        "hub": report.hub,
        "provider": report.provider,
        "file": report.file,
        "did": outcome.did,
        "dry_run": dry_run,
        "client_id": outcome.client_id or None,
        "todo": list(outcome.todo),
    }
    return json.dumps(data, indent=2)


def report_line(report: Report) -> str:
    """Return what a command did, in a line."""
    outcome = report.outcome
    words = [f"{report.hub} ({report.provider})", outcome.did, outcome.client_id]
    if outcome.did == "unchanged" and not outcome.client_id:
        words = [words[0], "has no client"]
    return printable(" ".join(word for word in words if word))


def row_text(row: Row) -> Iterator[str]:
    """Yield one registration, in lines."""
    yield f"{row.hub} ({row.provider}) at {row.administrator}: {_state(row)}"
    if row.client_id:
        yield printable(f"  client id     {row.client_id}")
    for one in row.callbacks:
        note = "" if one in row.wanted else "  (the hub does not ask for it)"
        yield printable(f"  callback URL  {one}{note}")
    for one in row.wanted:
        if one not in row.callbacks:
            yield printable(f"  callback URL  {one}  (wanted, not registered)")
    if row.state not in ("not registered", "stored only"):
        for name in ("client_name", "scope", "grant_types", "contacts", "rt_lifetime"):
            if value := _plain(row.registered.get(name)):
                yield printable(f"  {name:<12}  {value}")
    if row.state not in ("not registered", "not stored"):
        yield f"  stored in     {row.file}"
    for one in row.differences:
        yield printable(f"  {one}")
    yield from _notes(row)


def _notes(row: Row) -> Iterator[str]:
    if row.state == "stored only":
        yield f"  `fedhub register delete {row.hub} --force` forgets it; then create it anew"
    if row.overlap:
        yield f"  old callback URLs stay until `fedhub register update {row.hub} --finish`"
    if row.rotation:
        yield printable(f"  rotation      the other client is {row.rotation}")
        yield f"                go on with `fedhub register rotate {row.hub}`"
    if row.lost:
        yield f"  {row.lost} lost: settled by the next `fedhub register create {row.hub}`"


def _plain(value: Any) -> str:
    if isinstance(value, list):
        return " ".join(map(str, value)).strip()  # CILogon has [""] where nothing was given
    return "" if value is None else str(value)


def rows_table(rows: Sequence[Row]) -> Iterator[str]:
    """Yield registrations as a table."""
    if not rows:
        return
    cells = [("HUB", "PROVIDER", "STATE", "CLIENT ID")]
    cells += [(row.hub, row.provider, _state(row), row.client_id or "-") for row in rows]
    widths = [max(len(one[column]) for one in cells) for column in range(3)]
    for line in cells:
        padded = [text.ljust(width) for text, width in zip(line, widths, strict=False)]
        yield printable("  ".join([*padded, line[3]]))


def _state(row: Row) -> str:
    notes = ["being rotated"] * bool(row.rotation) + ["old callbacks kept"] * row.overlap
    return ", ".join([row.state, *notes])


def item_text(item: Item) -> Iterator[str]:
    """Yield one thing in a plan, in lines."""
    head = [_SIGNS[item.step], item.step, f"{item.hub} ({item.provider})", item.client_id]
    yield printable(" ".join(word for word in head if word))
    for why in item.why:
        yield printable(f"    {why}")


def usage_lines(plan: Plan) -> Iterator[str]:
    """Yield how many clients each administrator has, and how many are not ours."""
    for administrator, number in plan.used:
        quota = f" of {administrator.quota}" if administrator.quota else ""
        yield f"{administrator.label}: clients used: {number}{quota}"
    if plan.unknown:
        yield f"clients that are not ours, and stay as they are: {len(plan.unknown)}"


def plan_json(plan: Plan, problems: Iterable[FedhubError], done: Iterable[Done] | None) -> str:
    """Return a plan, and what came of it, as JSON; a stable interface."""
    ended = {id(one.item): one for one in done or ()}
    data = {
        "items": [_item_json(item, ended.get(id(item))) for item in plan.items],
        "good": plan.good,
        "administrators": _administrators(plan),
        "unknown": [
            {"client_id": one.client_id, "client_name": one.attributes.get("client_name")}
            for one in plan.unknown
        ],
        "problems": [str(problem) for problem in problems],
    }
    return json.dumps(data, indent=2)


def _item_json(item: Item, done: Done | None) -> dict[str, Any]:
    data: dict[str, Any] = {
        "step": item.step,
        "hub": item.hub,
        "provider": item.provider,
        "client_id": (done.client_id if done else item.client_id) or None,
        "why": list(item.why),
    }
    if done is not None:
        data["error"] = str(done.error) if done.error else None
    return data


def _administrators(plan: Plan) -> list[dict[str, Any]]:
    return [{"at": one.label, "used": number, "quota": one.quota} for one, number in plan.used]


def overview_json(found: Overview) -> str:
    """Return all registrations as JSON; a stable interface."""
    data = {
        "registrations": [row.as_json() for row in found.rows],
        "administrators": _administrators(found.plan),
        "problems": [str(problem) for problem in found.problems],
    }
    return json.dumps(data, indent=2)


def tenant_text(found: TenantStatus) -> Iterator[str]:
    """Yield where a tenant stands, in lines."""
    says = f" ({found.says})" if found.says else ""
    yield f"{found.hub} ({found.provider}) at {found.custos}: {found.state}{says}"
    if found.client_id:
        yield printable(f"  client id     {found.client_id}")
    if found.state == "active":
        yield f"  stored in     {found.file}" if found.stored else "  not stored yet"


def institutions_text(shown: Shown) -> Iterator[str]:
    """Yield which institutions people are shown, one a line."""
    for words, listed in (("only", shown.only), ("never", shown.never)):
        for one in listed:
            yield printable(f"{words:<6} {one.entity_id}  {one.name}")


def show_json(found: Sequence[tuple[Target, Row]], *, reveal: bool) -> str:
    """Return a hub's registrations as JSON; a stable interface.

    Args:
        found: the registrations.
        reveal: whether their secrets are in it.
    """
    rows = []
    for target, row in found:
        data = row.as_json()
        if reveal and target.stored is not None:
            data["client_secret"] = target.stored.client_secret.get_secret_value()
        rows.append(data)
    return json.dumps(rows, indent=2)
