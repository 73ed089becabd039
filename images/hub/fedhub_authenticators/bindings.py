"""Keeps a hub's user names with their owners: first come, first bound.

A name of the hub is made from a claim, and two providers, or two institutions behind one, can give
the same claim to two people. The first who logs in under a name is noted in the hub's database
with provider, institution and subject; anybody else who would get the name is refused. An
operator can release a name, or link a second identity to it (`binding_pages`).

A hub that watches first (`observe`) notes who else logs in under a name, so that an operator can
see and settle it before it counts.

Everything between reading and committing happens without giving way to another request, so two
first logins at once can't both be the first.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from weakref import WeakSet

from jupyterhub.handlers import BaseHandler
from oauthenticator.oauth2 import OAuthenticator
from sqlalchemy import (
    Boolean,
    Column,
    DateTime,
    MetaData,
    Table,
    Unicode,
    and_,
    bindparam,
    delete,
    func,
    insert,
    select,
)
from sqlalchemy import update as change
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session
from traitlets import Enum

from fedhub_authenticators import events
from fedhub_authenticators.identity import Identity, addresses_of, identity_in
from fedhub_authenticators.refusals import Reason, Refused

_LONGEST = 255
"""Characters; more would need another kind of index on some databases. Subjects have no more
(OpenID Connect Core 1.0 section 2), entity IDs may (SAML core section 8.3.6 says 1024)."""

TABLE = Table(
    "fedhub_bindings",
    MetaData(),
    Column("name", Unicode(_LONGEST), primary_key=True),
    Column("provider", Unicode(_LONGEST), primary_key=True),
    Column("subject", Unicode(_LONGEST), primary_key=True),
    Column("idp", Unicode(1024), nullable=False, default=""),
    Column("observed", Boolean, nullable=False, default=False),
    Column("first_login", DateTime),
    Column("last_login", DateTime),
)
"""Beside JupyterHub's own tables, which its upgrades leave alone. CILogon's subjects are unique
across its institutions, so `idp` need not be part of the key; it is compared all the same. Who was
only `observed` under a name does not own it."""


_OWNERS = (
    select(TABLE.c.provider, TABLE.c.idp, TABLE.c.subject, TABLE.c.last_login)
    .where(TABLE.c.name == bindparam("name"), ~TABLE.c.observed)
    .order_by(TABLE.c.first_login)
)

NOTED_EVERY = timedelta(hours=12)
"""How exactly the last login is known: noting each would cost each a write."""

_ready: WeakSet[Any] = WeakSet()
"""Databases that have the table."""


class Bound(OAuthenticator):
    """Gives a name of the hub to nobody but its owner."""

    bindings = Enum(
        ["enforce", "observe", "off"],
        "enforce",
        config=True,
        help="""What to do when somebody logs in under a user name that belongs to another
        identity (provider, institution, subject): refuse them (`enforce`), only say so in the log
        and the metrics (`observe`), or nothing (`off`).""",
    )

    async def run_post_auth_hook(self, handler: Any, auth_model: dict[str, Any]) -> Any:
        """Check the name that somebody is to have, after the operator's hook.

        Raises:
            Refused: it is somebody else's, or it can't be told whose login this is.
        """
        model = await super().run_post_auth_hook(handler, auth_model)
        if model is not None:
            self.check_name(model["name"])
        db = getattr(handler, "db", None)
        # Without a database nobody logs in: it is a question of what would be.
        if model is not None and self.bindings != "off" and isinstance(db, Session):
            await self._check_owner(handler, db, model)
        return model

    def check_name(self, name: str) -> None:
        """Refuse a name that nobody of this provider may have; here, any will do."""

    async def _check_owner(self, handler: Any, db: Session, model: Mapping[str, Any]) -> None:
        name = model["name"]
        identity = identity_in(self, model.get("auth_state"))
        if identity is None:
            self.log.error("%s does not say what identifies %s", self.called, name)
            self._clash(name, Reason.NO_IDENTITY)
            return
        try:
            owners = await self._owners(handler, db, name, identity)
            if self._is_one_of(owners, db, name, identity):
                return
        except SQLAlchemyError as error:
            db.rollback()
            raise Refused(
                Reason.HUB,
                "The hub can't find out whether your user name is yours. Try again in a few "
                "minutes; if that does not help, tell the hub's operator.",
                status=503,
                username=name,
            ) from error
        owner = next(iter(owners))
        self.log.warning(
            "%s",
            events.line(
                "binding",
                "clash",
                user=name,
                provider=identity.provider,
                idp=identity.idp,
                subject=identity.subject,
                owner_provider=owner.provider,
                owner_idp=owner.idp,
                owner_subject=owner.subject,
            ),
        )
        self._clash(name, Reason.NAME_TAKEN)

    async def _owners(
        self, handler: Any, db: Session, name: str, identity: Identity
    ) -> dict[Identity, datetime | None]:
        """Return whose name it is, with their last login; it is the first one's who comes."""
        ensure_table(db)
        owners = owners_of(db, name)
        user = None if owners else handler.find_user(name)
        kept = None
        if user is not None:
            # A hub from before there were bindings knows its people by their last login.
            kept = identity_in(self, await user.get_auth_state())
            # Somebody else may have come in between; from here on nobody can.
            owners = owners_of(db, name)
        if owners:
            return owners
        if user is not None and kept is None and self.bindings == "observe":
            # Nobody can tell whose name it is, and who comes first need not be its owner.
            bind(db, name, identity, observed=True)
        else:
            bind(db, name, kept or identity)
        return {kept or identity: _now()}

    def _is_one_of(
        self, owners: Mapping[Identity, Any], db: Session, name: str, identity: Identity
    ) -> bool:
        """Return whether somebody owns their name, and note their login now and then."""
        addresses = addresses_of(self)
        known = next((one for one in owners if identity.continues(one, addresses)), None)
        if identity in owners:
            known = identity
        if known is None:
            if self.bindings == "observe":
                bind(db, name, identity, observed=True)
            return False
        if known != identity:
            rebind(db, name, known, identity)
        elif is_due(owners[known]):
            bind(db, name, identity)
        return True

    def _clash(self, name: str, reason: Reason) -> None:
        events.CLASHES.labels(self.called).inc()
        if self.bindings != "enforce":
            return
        raise Refused(
            reason,
            f"The user name {name} belongs to another account on this hub. If you have used "
            "this hub before, sign in the way you did then; if you have not, or if that account "
            "is yours as well, tell the hub's operator.",
            username=name,
        )

    def get_handlers(self, app: Any) -> list[tuple[str, type[BaseHandler]]]:
        """Add the API; where there are several providers, it is not one provider's."""
        # Imported here, since the pages show what this module keeps.
        from fedhub_authenticators.binding_pages import binding_pages

        pages: list[tuple[str, type[BaseHandler]]] = super().get_handlers(app)
        return pages + ([] if getattr(self, "path", "") else binding_pages())

    def delete_user(self, user: Any) -> Any:
        """Let go of the name of a user whom an admin deletes: it may have another owner next."""
        db = Session.object_session(user.orm_user) if hasattr(user, "orm_user") else None
        if db is not None:
            ensure_table(db)
            release(db, user.orm_user.name)  # the hub's name, prefix included
            db.commit()
        return super().delete_user(user)


def ensure_table(db: Session) -> None:
    """Make the table where it is not there yet."""
    engine = db.get_bind()
    if engine not in _ready:
        TABLE.create(db.connection(), checkfirst=True)
        db.commit()  # or a rollback of something else would take it away again
        _ready.add(engine)


def owners_of(db: Session, name: str) -> dict[Identity, datetime | None]:
    """Return the identities that a name is bound to, the first first, with their last login."""
    rows = db.execute(_OWNERS, {"name": name})
    return {Identity(*identity): last_login for *identity, last_login in rows}


def is_due(last_login: datetime | None) -> bool:
    """Return whether another login is worth noting."""
    return last_login is None or _now() - last_login > NOTED_EVERY


def _now() -> datetime:
    """Return the time as the database keeps it, which knows no time zones."""
    return datetime.now(UTC).replace(tzinfo=None)


def bind(
    db: Session, name: str, identity: Identity, *, login: bool = True, observed: bool = False
) -> None:
    """Bind a name to an identity, or note another login of theirs, and commit.

    Args:
        db: the hub's database.
        name: the hub's user name.
        identity: whose it is.
        login: whether they log in at this moment.
        observed: note that they log in under the name, which is not theirs for that.
    """
    _bind(db, name, identity, login=login, observed=observed)
    db.commit()


def link(db: Session, links: Iterable[tuple[str, Identity]]) -> None:
    """Bind names to identities that an operator says they are of: all of them, or none."""
    for name, identity in links:
        _bind(db, name, identity, login=False)
    db.commit()


def _bind(
    db: Session, name: str, identity: Identity, *, login: bool, observed: bool = False
) -> None:
    now = _now()
    seen: dict[str, Any] = {"idp": identity.idp, "observed": observed}
    if login:
        seen["last_login"] = now
    known = db.execute(change(TABLE).where(_is(name, identity)).values(**seen))
    if not known.rowcount:  # type: ignore[attr-defined]  # a CursorResult has it
        key = {"name": name, "provider": identity.provider, "subject": identity.subject}
        db.execute(insert(TABLE).values(**key, first_login=now, **seen))


def rebind(db: Session, name: str, known: Identity, identity: Identity) -> None:
    """Note that more is known of somebody who owns a name: their institution, or the issuer."""
    new = {"provider": identity.provider, "idp": identity.idp, "last_login": _now()}
    if known.provider != identity.provider:
        release(db, name, identity)  # only observed, or it would be the owner
    db.execute(change(TABLE).where(_is(name, known)).values(**new))
    db.commit()


def release(db: Session, name: str, identity: Identity | None = None) -> int:
    """Free a name, or take one identity from it; return how many bindings that were."""
    which = TABLE.c.name == name if identity is None else _is(name, identity)
    return int(db.execute(delete(TABLE).where(which)).rowcount)  # type: ignore[attr-defined]  # of a CursorResult


def _is(name: str, identity: Identity) -> Any:
    return and_(
        TABLE.c.name == name,
        TABLE.c.provider == identity.provider,
        TABLE.c.subject == identity.subject,
    )


def listed(
    db: Session,
    *,
    name: str | None,
    provider: str | None,
    offset: int,
    limit: int,
    clashes: bool = False,
) -> tuple[list[dict[str, Any]], int]:
    """Return bindings in the order of their names, and how many there are in all.

    Args:
        db: the hub's database.
        name: only this user's.
        provider: only this provider's.
        clashes: only those of names under which somebody was observed who does not own them.
        offset: how many to leave out.
        limit: how many to return.
    """
    which = [
        column == wanted
        for column, wanted in ((TABLE.c.name, name), (TABLE.c.provider, provider))
        if wanted is not None
    ]
    if clashes:
        several = select(TABLE.c.name).group_by(TABLE.c.name).having(func.count() > 1)
        observed = select(TABLE.c.name).where(TABLE.c.observed)
        which += [TABLE.c.name.in_(several), TABLE.c.name.in_(observed)]
    total = db.execute(select(func.count()).select_from(TABLE).where(*which)).scalar_one()
    rows = db.execute(
        select(TABLE)
        .where(*which)
        .order_by(TABLE.c.name, TABLE.c.first_login)
        .offset(offset)
        .limit(limit)
    ).mappings()
    return [{key: _readable(value) for key, value in row.items()} for row in rows], total


def _readable(value: Any) -> Any:
    return f"{value.isoformat()}Z" if isinstance(value, datetime) else value
