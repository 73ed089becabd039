"""Services as a person or a script reads them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from fedhub.errors import for_terminal
from fedhub.release.report import as_json
from fedhub.services.declared import Service

if TYPE_CHECKING:
    from datetime import datetime

    from fedhub.findings import Finding
    from fedhub.services.add import Added
    from fedhub.services.remove import Removal
    from fedhub.services.rotate import Rotation
    from fedhub.services.trial import Seen

_HEAD = ("service", "client id", "callback URL", "who may use it", "token", "declared at")
_OF_LOGIN = {"iss", "aud", "iat", "exp", "nonce"}
LastUses = Mapping[str, "datetime | None"]


def table(found: Sequence[Service], last_uses: LastUses | None = None) -> list[str]:
    """Return the lines of a table; none for no services.

    Args:
        found: the services.
        last_uses: when each was last used; None leaves the column out.
    """
    if not found:
        return []
    rows = [_HEAD, *(_row(one) for one in found)]
    if last_uses is not None:
        last = ["last use", *(_at(last_uses.get(one.name)) for one in found)]
        rows = [(*row, cell) for row, cell in zip(rows, last, strict=True)]
    return _aligned(rows)


def _at(time: datetime | None) -> str:
    return f"{time.astimezone():%Y-%m-%d %H:%M}" if time else "none known"


def _aligned(rows: Sequence[Sequence[str]]) -> list[str]:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = (
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        for row in rows
    )
    return [line.rstrip() for line in lines]


def _row(one: Service) -> tuple[str, ...]:
    who = ", ".join([*one.users, *(f"@{group}" for group in one.groups)]) or "admins alone"
    token = "yes" if one.token else "missing"
    where = f"{one.position.file}:{one.position.line}"
    return (one.name, one.client_id, one.redirect_uri or "the hub's default", who, token, where)


def list_json(found: Iterable[Service], last_uses: LastUses | None = None) -> str:
    """Return services as JSON, without their tokens.

    Args:
        found: the services.
        last_uses: when each was last used, null for no use known; None leaves the field out.
    """
    data = [
        {
            "name": one.name,
            "client_id": one.client_id,
            "redirect_uri": one.redirect_uri or None,
            "users": one.users,
            "groups": one.groups,
            "scopes": one.scopes,
            "has_token": bool(one.token),
            "file": one.position.file,
            "line": one.position.line,
            **({} if last_uses is None else {"last_use": _iso(last_uses.get(one.name))}),
        }
        for one in found
    ]
    return json.dumps(data, indent=2, ensure_ascii=False)


def _iso(time: datetime | None) -> str | None:
    return time.isoformat(timespec="seconds") if time else None


def added_json(found: Added, *, done: bool) -> str:
    """Return what `fedhub service add` did, or would do, as JSON."""
    data = {
        "name": found.name,
        "client_id": found.client_id,
        "values": str(found.values),
        "secrets": str(found.secrets),
        "token": ".".join(found.token_path),
        "diff": found.diff,
        "notes": found.notes,
        "done": done,
    }
    return json.dumps(data, indent=2, ensure_ascii=False)


def rotated_json(found: Rotation, *, done: bool) -> str:
    """Return what `fedhub service rotate` did, or would do, as JSON."""
    data = {
        "name": found.service.name,
        "secrets": str(found.secrets),
        "consequences": list(found.consequences()),
        "done": done,
    }
    return json.dumps(data, indent=2, ensure_ascii=False)


def removed_json(found: Removal, *, done: bool) -> str:
    """Return what `fedhub service remove` did, or would do, as JSON."""
    data = {"name": found.name, "diff": found.shown(), "done": done}
    return json.dumps(data, indent=2, ensure_ascii=False)


def seen_table(seen: Sequence[Seen]) -> list[str]:
    """Return the lines of a table of what became of personas, whose names others may have given."""
    head = ("persona", "", "as", "groups", "roles", "")
    rows = [
        (
            one.persona,
            one.fate,
            one.user,
            ", ".join(one.groups),
            ", ".join(one.roles),
            "asked to confirm" if one.confirmed else "",
        )
        for one in seen
    ]
    lines = (*_aligned([head, *rows]), *_claims(seen))
    return [for_terminal(line.replace("\n", " ")) for line in lines]


def _claims(seen: Sequence[Seen]) -> list[str]:
    """Return what ID tokens claim of people, one a line; none without OpenID Connect."""
    rows = [
        (one.persona, json.dumps(_of_person(one.claims), ensure_ascii=False))
        for one in seen
        if one.claims
    ]
    return ["", *_aligned([("persona", "claims of the ID token"), *rows])] if rows else []


def _of_person(claims: Mapping[str, Any]) -> dict[str, Any]:
    """Return claims without those that are of the login (OpenID Connect Core 1.0 section 2)."""
    return {name: value for name, value in claims.items() if name not in _OF_LOGIN}


def live_json(hub: str, findings: Sequence[Finding], seen: Sequence[Seen]) -> str:
    """Return what was found at a hub that runs, and of a preview's personas, as JSON."""
    personas = {"personas": _seen_data(seen)} if seen else {}
    return json.dumps(as_json(hub, findings) | personas, indent=2)


def seen_json(seen: Iterable[Seen]) -> str:
    """Return what became of personas as JSON."""
    # In ASCII: what others wrote may move a terminal's cursor, or be no text at all.
    return json.dumps(_seen_data(seen), indent=2)


def _seen_data(seen: Iterable[Seen]) -> list[dict[str, Any]]:
    return [
        {
            "persona": one.persona,
            "fate": one.fate,
            "user": one.user or None,
            "groups": one.groups,
            "roles": one.roles,
            "confirmed": one.confirmed,
            "claims": dict(one.claims) or None,
        }
        for one in seen
    ]
