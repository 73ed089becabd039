"""The hub's API for bindings, where operators list, link and release them.

| to `/hub/api/fedhub/bindings` | does | scope |
|---|---|---|
| `GET ?name=&provider=&clashes=&offset=&limit=` | lists | `list:users` and `read:users` |
| `POST` | links many names, all of them or none | `admin:users` |
| `DELETE /<name>?provider=&subject=` | frees a name, or takes an identity from it | `admin:users` |
| `PUT /<name>` | links a name to one more identity | `admin:users` |

Each scope must be for all users: who may hand over a name may be that user. As in JupyterHub's own
API, only admins may change what is an admin's.

`PUT` takes `{"provider": …, "idp": …, "subject": …}`, `POST` a list of such with a `name` each.
`clashes=true` lists names under which a hub that only watches has seen others than their owner.
Whatever is taken from a name ends the sessions under it: they may be those of the person who loses
it.
"""

from __future__ import annotations

import json
from typing import Any

from jupyterhub.apihandlers.base import APIHandler
from jupyterhub.scopes import needs_scope
from tornado.web import HTTPError

from fedhub_authenticators import bindings, events
from fedhub_authenticators.hub_sessions import end_sessions
from fedhub_authenticators.identity import Identity

PAGE = r"/api/fedhub/bindings"

MOST = 1000
"""Entries of one answer, and of one request."""

_LONGEST_BODY = 8 * 1024
"""Bytes of what says who somebody is."""


def binding_pages() -> list[tuple[str, type[APIHandler]]]:
    """Return the pages; a hub has them once, however many providers."""
    return [(PAGE, Bindings), (PAGE + r"/([^/]+)", Binding)]


class _Changes(APIHandler):
    """What pages share that change bindings."""

    def _check_may_change(self, name: str) -> None:
        # `needs_scope` also lets in whoever has the scope for some users only.
        if not self.has_scope("admin:users"):
            raise HTTPError(403, "changing bindings needs the scope admin:users, for all users")
        user = self.find_user(name)
        if user is not None and user.admin and not self.current_user.admin:
            raise HTTPError(403, "only admins can change the bindings of admins")

    def _identity(self, given: Any, *, named: bool = False) -> Identity:
        keys = {"provider", "idp", "subject"} | ({"name"} if named else set())
        fits = isinstance(given, dict) and keys >= given.keys() >= keys - {"idp"}
        if not fits or not all(isinstance(value, str) for value in given.values()):
            name = '"name": …, ' if named else ""
            raise HTTPError(
                400,
                f'send {{{name}"provider": …, "subject": …}} and, where it has institutions, '
                '"idp": …, all of them texts',
            )
        if not all(given[key] for key in keys - {"idp"}):
            raise HTTPError(400, f"{', '.join(sorted(keys - {'idp'}))} must not be empty")
        return Identity(given["provider"], given.get("idp", ""), given["subject"])

    def _note(self, what: str, name: str) -> None:
        by = getattr(self.current_user, "name", "")
        self.log.info("%s", events.line("binding", what, user=name, by=by))


class Bindings(_Changes):
    """All bindings."""

    @needs_scope("list:users")  # type: ignore[untyped-decorator]  # JupyterHub has no types
    def get(self) -> None:
        """List them by name."""
        if not self.has_scope("read:users"):
            raise HTTPError(403, "listing bindings needs the scope read:users, for all users")
        offset = self._number("offset", 0)
        limit = min(self._number("limit", MOST), MOST)
        if not limit:
            raise HTTPError(400, "limit must be at least 1")
        bindings.ensure_table(self.db)
        found, total = bindings.listed(
            self.db,
            name=self.get_argument("name", None),
            provider=self.get_argument("provider", None),
            clashes=self.get_argument("clashes", "") in {"1", "true"},
            offset=offset,
            limit=limit,
        )
        following = offset + len(found) if offset + len(found) < total else None
        self.set_header("Content-Type", "application/json")
        self.finish(
            json.dumps({"bindings": found, "total": total, "offset": offset, "next": following})
        )

    @needs_scope("admin:users")  # type: ignore[untyped-decorator]  # JupyterHub has no types
    def post(self) -> None:
        """Link names to identities."""
        if len(self.request.body) > MOST * _LONGEST_BODY:
            raise HTTPError(413, f"send no more than {MOST} at once")
        given: Any = self.get_json_body()
        if not isinstance(given, list) or len(given) > MOST:
            raise HTTPError(400, f"send a list of up to {MOST} links")
        identities = [self._identity(one, named=True) for one in given]
        links = [(one["name"], who) for one, who in zip(given, identities, strict=True)]
        for name, _ in links:
            self._check_may_change(name)
        bindings.ensure_table(self.db)
        bindings.link(self.db, links)
        for name, _ in links:
            self._note("linked", name)
        self.set_status(204)

    def _number(self, name: str, otherwise: int) -> int:
        text = self.get_argument(name, str(otherwise))
        if not text.isdecimal() or len(text) > 9:  # noqa: PLR2004 - what fits anything
            raise HTTPError(400, f"{name} must be a number that is not negative")
        return int(text)


class Binding(_Changes):
    """The bindings of one name."""

    @needs_scope("admin:users")  # type: ignore[untyped-decorator]  # JupyterHub has no types
    async def delete(self, name: str) -> None:
        """Release the name, or take one identity from it."""
        self._check_may_change(name)
        given = {key: self.get_argument(key, "") for key in ("provider", "subject")}
        if any(given.values()) and not all(given.values()):
            raise HTTPError(400, "name both provider and subject, or neither to release the name")
        identity = (
            Identity(given["provider"], "", given["subject"]) if all(given.values()) else None
        )
        bindings.ensure_table(self.db)
        released = bindings.release(self.db, name, identity)
        self.db.commit()
        if not released:
            raise HTTPError(404, f"{name} is bound to no such identity")
        if user := self.find_user(name):
            # Also so that the login before, which is kept with them, does not count as the owner's.
            await end_sessions(user, self.db, None)
        self._note("released", name)
        self.set_status(204)

    @needs_scope("admin:users")  # type: ignore[untyped-decorator]  # JupyterHub has no types
    def put(self, name: str) -> None:
        """Link the name to one more identity."""
        self._check_may_change(name)
        if len(self.request.body) > _LONGEST_BODY:
            raise HTTPError(413, "an identity is not that long")
        identity = self._identity(self.get_json_body())
        bindings.ensure_table(self.db)
        bindings.link(self.db, [(name, identity)])
        self._note("linked", name)
        self.set_status(204)
