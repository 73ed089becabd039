"""Where a hub keeps its client's id and secret, and changing them there.

A provider under `global.fedhub.login` has them under `credentials`, any other in its section of
`hub.config`; both in the hub's encrypted file, whose other keys and comments stay.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import yaml
from pydantic import SecretStr

from fedhub.errors import FedhubError
from fedhub.hub.document import parse
from fedhub.hub.encrypted import decrypted_text
from fedhub.hub.files import read_text, secrets_file
from fedhub.hub.merge import KeyPath, plain
from fedhub.hub.providers import Provider
from fedhub.hub.values import Hub, value_at
from fedhub.hub.write import ChangedMeanwhileError, beside, create, replace
from fedhub.registration.clients import Credentials
from fedhub.secrets.encrypt import encrypted, remove_value, set_value
from fedhub.secrets.generate import PRIVATE

_TRIES = 5


@dataclass(frozen=True)
class Place:
    """Where the two are.

    Attributes:
        file: the hub's encrypted file, which need not be there yet.
        client_id: the path of the id in it.
        client_secret: the path of the secret in it.
        problem: why fedhub can't keep them there; None when it can.
    """

    file: Path
    client_id: KeyPath
    client_secret: KeyPath
    problem: FedhubError | None = None

    def check(self) -> None:
        """Raise the problem, if there is one."""
        if self.problem is not None:
            raise self.problem


def place_of(hub: Hub, provider: Provider) -> Place:
    """Return where a provider's credentials are kept."""
    main = next(file for file in hub.files if file.kind == "hub")
    file = secrets_file(hub.name, main.path.parent)
    found = provider.traits.get("client_id") or provider.traits.get("client_secret")
    if found is None and provider.path[:3] == ("global", "fedhub", "login"):
        at: KeyPath = ("credentials", provider.name)
    elif found is None or "extraConfig" in found.path:
        at = (*hub.z2jh_at, "hub", "config", provider.authenticator)
    else:
        at = found.path[:-1]
    problem = _problem(hub, provider) or _misplaced(hub, at, file)
    return Place(file, (*at, "client_id"), (*at, "client_secret"), problem)


def _misplaced(hub: Hub, at: KeyPath, file: Path) -> FedhubError | None:
    """Return why what is kept can't be told, or would not be what counts once it is changed."""
    for length in range(1, len(at) + 1):
        if not isinstance(hub.get(*at[:length], default={}), Mapping):
            return FedhubError(
                f"{'.'.join(map(str, at[:length]))} is a map of keys to values",
                fix="write `key: value` lines there",
                position=hub.position(*at[:length]),
            )
    for name in ("client_id", "client_secret"):
        value = hub.get(*at, name)
        if value is not None and not isinstance(value, str):
            return FedhubError(
                f"{name} is not text", fix="put quotes round it", position=hub.position(*at, name)
            )
        if value and hub.source(*at, name).kind != "secrets":
            return FedhubError(
                f"{name} is not in the hub's encrypted file",
                fix=f"move the line to {file}, with `sops edit {file}`",
                position=hub.position(*at, name),
            )
    return None


def _problem(hub: Hub, provider: Provider) -> FedhubError | None:
    declared = hub.get(*provider.path, "credentials") if provider.name in provider.path else None
    if declared:
        return FedhubError(
            f"the credentials of {provider.name} come from a Secret that fedhub does not write",
            fix="remove `credentials` from the provider, so that they come from the encrypted file",
            position=hub.position(*provider.path, "credentials"),
        )
    for trait in ("client_id", "client_secret"):
        setting = provider.traits.get(trait)
        if setting is not None and "extraConfig" in setting.path:
            return FedhubError(
                f"{trait} is set in hub.extraConfig, over what is in the encrypted file",
                fix="remove the line",
                position=setting.position,
            )
    for file in hub.files:
        if file.kind == "secrets" and not file.encrypted:
            return FedhubError(
                f"{file.path} is not encrypted, and credentials don't belong in plaintext",
                fix=f"`sops encrypt --in-place {file.path}`, then try again",
            )
    return None


def stored(hub: Hub, place: Place) -> Credentials | None:
    """Return what is kept; None where there is no id, or it is not text."""
    client_id, secret = hub.get(*place.client_id), hub.get(*place.client_secret)
    if not isinstance(client_id, str) or not client_id:
        return None
    return Credentials(client_id, SecretStr(secret if isinstance(secret, str) else ""))


def store(
    place: Place,
    credentials: Credentials,
    *,
    instead_of: str | None,
    beside: Mapping[KeyPath, str] | None = None,
) -> None:
    """Keep a client's id and secret, whatever else somebody writes into the file meanwhile.

    Args:
        place: where.
        credentials: the two.
        instead_of: the id that is there now; None for none.
        beside: what else to keep with them, by its path.

    Raises:
        FedhubError: another id is there by now, or the file can't be written.
    """
    values = {
        place.client_id: credentials.client_id,
        place.client_secret: credentials.client_secret.get_secret_value(),
        **(beside or {}),
    }
    _change(place, values, instead_of)


def remove(place: Place, client_id: str) -> None:
    """Forget a client's id and secret, if the id is still this one.

    Raises:
        FedhubError: another id is there by now, or the file can't be written.
    """
    both = (place.client_id, place.client_secret)
    # The chart takes no provider under `credentials` that has neither.
    gone = both if place.client_id[0] != "credentials" else (place.client_id[:-1],)
    _change(place, dict.fromkeys(gone), client_id)


def _change(place: Place, values: Mapping[KeyPath, str | None], instead_of: str | None) -> None:
    place.check()
    for _ in range(_TRIES):
        try:
            _change_once(place, values, instead_of)
        except ChangedMeanwhileError as error:
            again = error
        else:
            return
    raise again


def _change_once(
    place: Place, values: Mapping[KeyPath, str | None], instead_of: str | None
) -> None:
    file = place.file.resolve()  # a link stays one
    try:
        seen = file.read_bytes()
    except FileNotFoundError:
        if instead_of is not None:
            raise _other(place, None) from None
        create(file, encrypted(_as_yaml(values), place.file), mode=PRIVATE)
        return
    with beside(file, seen, mode=file.stat().st_mode & 0o777) as draft:
        now = _value(draft, place.client_id)
        if (now or None) != instead_of:
            raise _other(place, now)
        for path, value in values.items():
            if value is None:
                remove_value(draft, path)
            else:
                set_value(draft, path, value)
        replace(file, draft, seen=seen)


def _value(file: Path, path: KeyPath) -> str | None:
    root = parse(read_text(file), str(file))
    values = plain(parse(decrypted_text(file, root), str(file)))
    found = value_at(values, path)
    return found if isinstance(found, str) else None


def _other(place: Place, now: str | None) -> FedhubError:
    dotted = ".".join(map(str, place.client_id))
    what = f"has {now} by now" if now else "is empty by now"
    return FedhubError(
        f"somebody else changed {place.file} meanwhile: {dotted} {what}",
        fix="look at it, then try again",
    )


def _as_yaml(values: Mapping[KeyPath, str | None]) -> str:
    tree: dict[str, object] = {}
    for path, value in values.items():
        node = tree
        for part in path[:-1]:
            node = node.setdefault(str(part), {})  # type: ignore[assignment]  # a map, made here
        node[str(path[-1])] = value
    text: str = yaml.safe_dump(tree, sort_keys=False)
    return text
