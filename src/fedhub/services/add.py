"""Declaring a service: its lines in the hub's values, the role that lets people in, its token."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fedhub.errors import FedhubError, UsageError
from fedhub.hub.credentials import masked, secret_strings
from fedhub.hub.load import load_hub
from fedhub.hub.providers import login, mapping
from fedhub.hub.values import Hub
from fedhub.services.declared import (
    FEDHUB,
    Service,
    access_scope,
    in_z2jh,
    role_path,
    services,
)
from fedhub.services.redirects import check_redirect
from fedhub.services.tokens import check_encrypted, file_of, new_token
from fedhub.services.values import with_added

_NAME = re.compile(r"[a-z0-9](?:[a-z0-9._-]{0,61}[a-z0-9])?")
_ADDRESS = re.compile(r"https?://[^\s/?#]+[^\s#]*")
_OF_CHART = "jupyterhub-idle-culler"


@dataclass(frozen=True)
class Wanted:
    """A service that is to be.

    Attributes:
        name: its name at the hub.
        redirect_uri: its callback URL.
        url: where the hub's proxy leads from `/services/<name>/`; None for a service elsewhere.
        display: whether the hub's pages list it.
        confirm: whether its users are asked before the hub says who they are.
        users: who may use it.
        groups: whose members may use it.
        scopes: what it may do in its users' name.
    """

    name: str
    redirect_uri: str
    url: str | None = None
    display: bool = True
    confirm: bool = False
    users: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()
    scopes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Added:
    """What was done, or would be.

    Attributes:
        name: the service.
        client_id: its client id.
        values: the file that declares it.
        secrets: the file that holds its token.
        token_path: where in that.
        diff: how the values file changes.
        notes: what a person should know.
    """

    name: str
    client_id: str
    values: Path
    secrets: Path
    token_path: tuple[str, ...]
    diff: str
    notes: tuple[str, ...]


def add(
    name: str, wanted: Wanted, *, folder: Path = Path("values"), dry_run: bool = False
) -> Added:
    """Declare a service in a hub's values, and make its token.

    The values come first: a service without a token is one that `fedhub check` and the chart name,
    and the same command makes its token; a token without a service would be nobody's.

    Args:
        name: the hub's name in the folder, or the path of a values file.
        wanted: the service.
        folder: where hubs are looked for by name.
        dry_run: write nothing.

    Raises:
        UsageError: there is no such hub, or JupyterHub would refuse the service.
        FedhubError: it is there already, or a file can't be written.
    """
    hub = load_hub(name, folder=folder)
    _check(hub, wanted)
    begun = _begun(hub, wanted)
    path, changes = _changes(hub, wanted)
    missing = {at: value for at, value in changes.items() if hub.get(*at) is None or at == path}
    draft = with_added(hub, {} if begun else missing)
    token_path = (*path, "api_token")
    done = Added(
        name=wanted.name,
        client_id=f"service-{wanted.name}",
        values=draft.path,
        secrets=file_of(hub),
        token_path=token_path,
        diff=masked(draft.diff(), secret_strings(hub)),
        notes=tuple(_notes(hub, wanted)),
    )
    if not dry_run:
        check_encrypted(hub, token_path)
        with new_token(hub, token_path) as put:
            draft.write()
            put()
    return done


def _changes(hub: Hub, wanted: Wanted) -> tuple[tuple[str, ...], dict[tuple[str, ...], Any]]:
    """Return where the service is declared, and all that its values need."""
    people = {"users": list(wanted.users), "groups": list(wanted.groups)}
    people = {kind: names for kind, names in people.items() if names}
    if hub.declares_fedhub:
        path: tuple[str, ...] = (*FEDHUB, wanted.name)
        return path, {path: _entry(wanted) | people}
    path = (*in_z2jh(hub), wanted.name)
    entry = {"oauth_client_id": f"service-{wanted.name}"} | _entry(wanted)
    changes: dict[tuple[str, ...], Any] = {path: entry}
    if people:
        role = {"scopes": [access_scope(wanted.name)], **people}
        changes[role_path(hub, wanted.name)] = role
    changes[_auto_login(hub)] = True
    return path, changes


def _entry(wanted: Wanted) -> dict[str, Any]:
    entry: dict[str, Any] = {"url": wanted.url} if wanted.url else {}
    entry["oauth_redirect_uri"] = wanted.redirect_uri
    if not wanted.confirm:
        entry["oauth_no_confirm"] = True
    if wanted.scopes:
        entry["oauth_client_allowed_scopes"] = list(wanted.scopes)
    if not wanted.display:
        entry["display"] = False
    return entry


def _auto_login(hub: Hub) -> tuple[str, ...]:
    """Return the setting without which the service's users get stuck on the hub's own pages."""
    at = (*map(str, hub.z2jh_at), "hub", "config", "Authenticator")
    return (*at, "auto_login_oauth2_authorize")


# --- what can't be -------------------------------------------------------------------------


def _check(hub: Hub, wanted: Wanted) -> None:
    if not _NAME.fullmatch(wanted.name):
        raise UsageError(
            f"{wanted.name!r} can't be a service's name",
            fix="use at most 63 lower-case letters, digits, dots, hyphens and underscores, with a "
            "letter or digit at both ends: JupyterHub takes no other name of a role",
        )
    check_redirect(wanted.redirect_uri)
    if wanted.url is not None and not _ADDRESS.fullmatch(wanted.url):
        raise UsageError(
            f"{wanted.url!r} is no address that the hub's proxy can lead to",
            fix="give one that starts with https:// or http://",
        )
    check_scopes(wanted.scopes)
    managing = next((one for one in login(hub).providers if one.value("manage_roles")), None)
    if managing is not None and (wanted.users or wanted.groups):
        raise FedhubError(
            "the authenticator manages roles, and JupyterHub then takes no users or groups of "
            "roles from the values",
            fix=f"have it give the scope {access_scope(wanted.name)}, and leave out --users and "
            "--groups",
            position=managing.traits["manage_roles"].position,
        )


def check_scopes(scopes: Iterable[str]) -> None:
    """Make sure that JupyterHub knows scopes, where it is installed to be asked.

    Raises:
        UsageError: it does not know one.
    """
    scopes = list(scopes)
    if not scopes:
        return
    try:
        from jupyterhub.scopes import scope_definitions
    except ImportError:  # the hub says so when it starts
        return
    for scope in scopes:
        called = scope.partition("!")[0]
        if called not in scope_definitions and not called.startswith("custom:"):
            close = difflib.get_close_matches(called, scope_definitions, n=1)
            fix = f"did you mean {close[0]}?" if close else "name a scope, not a role"
            raise UsageError(f"JupyterHub has no scope {called}", fix=fix)


def _begun(hub: Hub, wanted: Wanted) -> bool:
    """Return whether an earlier run was stopped before it had made the token.

    Raises:
        FedhubError: another service is in the way.
    """
    path, changes = _changes(hub, wanted)
    for service in services(hub):
        if service.path == path and not service.token and service.entry == changes[path]:
            return True
        if wanted.name in (service.name, service.path[-1]):
            raise _there_already(hub, service)
        if service.client_id == f"service-{wanted.name}":
            raise FedhubError(
                f"{service.name} has the client id {service.client_id} already",
                fix="choose another name",
                position=hub.position(*service.path, "oauth_client_id"),
            )
    for base in (FEDHUB, in_z2jh(hub)):  # one that logs nobody in, such as the idle culler
        entry = hub.get(*base, wanted.name)
        if wanted.name == _OF_CHART or (entry is not None and not _token_alone(entry)):
            raise FedhubError(
                f"there is a service {wanted.name} already",
                fix="choose another name",
                position=hub.position(*base, wanted.name),
            )
    role = role_path(hub, wanted.name)
    if hub.get(*role) not in (None, changes.get(role)):
        raise FedhubError(
            f"there is a role {role[-1]} already, which lets other people in",
            fix="remove it, or choose another name for the service",
            position=hub.position(*role),
        )
    return False


def _there_already(hub: Hub, service: Service) -> FedhubError:
    if service.token:
        fix = f"`fedhub service remove {hub.name} {service.name}` removes it"
    else:
        fix = f"`fedhub secrets generate {hub.name}` makes the token that it lacks"
    return FedhubError(
        f"{hub.name} has a service {service.name} already", fix=fix, position=service.position
    )


def _token_alone(entry: Any) -> bool:
    return isinstance(entry, Mapping) and set(entry) <= {"api_token"}


# --- what a person should know -------------------------------------------------------------


def _notes(hub: Hub, wanted: Wanted) -> Iterable[str]:
    providers = login(hub).providers
    if not wanted.users and not wanted.groups:
        yield (
            f"Nobody but the hub's admins gets into {wanted.name}: the hub answers 403 to "
            "everybody else. Name who may: --users or --groups, or in the values."
        )
    prefixes = [f"{one.name}:" if one.prefix is None else one.prefix for one in providers]
    for user in wanted.users if len(prefixes) > 1 else ():
        if not user.startswith(tuple(prefixes)):
            yield f"No login provider makes the user name {user}: they begin {', '.join(prefixes)}"
    if wanted.groups and not (
        any(one.value("manage_groups") for one in providers)
        or mapping(hub.z2jh_get("hub", "config", "JupyterHub")).get("load_groups")
    ):
        yield (
            "Nothing in the values puts people into groups (manage_groups), so --groups lets in "
            "only whom an admin puts there by hand."
        )
    if not hub.declares_fedhub and hub.get(*_auto_login(hub)) is False:
        where = hub.position(*_auto_login(hub))
        yield f"{where}: with auto_login_oauth2_authorize off, people see the hub's pages first."
