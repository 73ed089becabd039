"""Which list answers: the one kept here while it is young, CILogon's own, or the bundled one.

A list is asked for once a day. Where CILogon does not answer, the one kept here does, however old,
and what is bundled where there is none. Nothing but a good list takes the place of a kept one.
"""

from __future__ import annotations

import json
import os
import re
import time
from pathlib import Path
from typing import Any, Literal, NamedTuple
from urllib.parse import urlsplit

from fedhub.errors import FedhubError, Position, UsageError
from fedhub.idplist.entries import Entry, parse, restored

YOUNG = 24 * 3600.0
"""Seconds for which a kept list answers without asking."""
MAX_BYTES = 32 * 2**20
"""Of a list; CILogon's has some thousand institutions in one or two MiB."""
_CONNECT, _READ, _WHOLE = 3.0, 5.0, 15.0
"""Seconds that CILogon may take: to connect, between two packets, and in all."""
_HOST = re.compile(r"[A-Za-z0-9.-]+(:[0-9]+)?")
_LOOPBACK = ("127.0.0.1", "::1", "localhost")
_FORMAT = 1
"""Of what is kept: another fedhub's is as good as none."""


class Answer(NamedTuple):
    """The institutions, and where they are from.

    Attributes:
        entries: the institutions.
        source: `live`, `cache`, `bundled` or `file`.
        place: the list's address, or the file.
        age: seconds since it was fetched; None where that means nothing.
        note: why it is not a fresh one, "" where that is as it should be.
    """

    entries: list[Entry]
    source: Literal["live", "cache", "bundled", "file"]
    place: str
    age: float | None = None
    note: str = ""


def institutions(host: str, *, refresh: bool = False, offline: bool = False) -> Answer:
    """Return the institutions of a CILogon.

    Args:
        host: a host name, or an address that starts with `https://`.
        refresh: whether to ask although the kept list is young.
        offline: whether never to ask.

    Raises:
        UsageError: the host is none, or both are wanted.
    """
    if refresh and offline:
        raise UsageError("--refresh asks, and --offline never does", fix="give one of them")
    address = _address(host)
    kept = _kept(address)
    if kept and not refresh and (offline or 0 <= (kept.age or 0.0) < YOUNG):
        return kept
    why = "not asked (--offline)"
    if not offline:
        try:
            return _fetched(address)
        except FedhubError as error:
            why = error.message
    if kept:
        return kept._replace(note=why)
    from fedhub.idplist.bundled import bundled

    return Answer(bundled(), "bundled", address, note=why)


def from_file(path: Path) -> Answer:
    """Return the institutions of a list that somebody saved.

    Raises:
        UsageError: there is no such file.
        FedhubError: it is no list in CILogon's format.
    """
    try:
        with path.open("rb") as file:
            content = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise UsageError(
            f"{path} can't be read: {error.strerror}", fix="correct the path given with --file"
        ) from None
    if len(content) > MAX_BYTES:
        raise FedhubError(f"{path} is over {MAX_BYTES // 2**20} MiB", fix=_SAVE)
    try:
        return Answer(parse(content), "file", str(path))
    except ValueError as error:
        raise FedhubError(
            f"no list of institutions: {error}", fix=_SAVE, position=Position(str(path), 1, 1)
        ) from None


_SAVE = "save what https://cilogon.org/idplist/ answers"


def _address(host: str) -> str:
    """Return where a CILogon's list is.

    Raises:
        UsageError: it can't be told, or others could change the list on its way.
    """
    if _HOST.fullmatch(host):
        return f"https://{host}/idplist/"
    try:
        parts = urlsplit(host)
        named = parts.scheme in ("http", "https") and parts.hostname and parts.port is not False
    except ValueError:
        named = False
    if not named or parts.username is not None or parts.query or parts.fragment:
        raise UsageError(f"{host} is no host", fix="write a name, such as test.cilogon.org")
    if parts.scheme == "http" and parts.hostname not in _LOOPBACK:
        raise UsageError(
            f"{host} is not HTTPS: others could put their institution in the list",
            fix="use an https:// address",
        )
    return f"{host.rstrip('/').removesuffix('/idplist')}/idplist/"


# --- CILogon's own ---------------------------------------------------------------------------


def _fetched(address: str) -> Answer:
    """Return CILogon's list, and keep it.

    Raises:
        FedhubError: there is no answer, or none that is a list.
    """
    content = _get(address)
    try:
        entries = parse(content)
    except ValueError as error:
        raise FedhubError(f"{address} answered, but {error}") from None
    return Answer(entries, "live", address, 0.0, _keep(address, entries))


def _get(address: str) -> bytes:
    import httpx

    until = time.monotonic() + _WHOLE
    content = b""
    try:
        with (
            httpx.Client(
                timeout=httpx.Timeout(_READ, connect=_CONNECT),
                # A proxy is for what is elsewhere.
                trust_env=urlsplit(address).hostname not in _LOOPBACK,
            ) as client,
            client.stream("GET", address, headers={"Accept": "application/json"}) as reply,
        ):
            if reply.status_code != httpx.codes.OK:
                raise FedhubError(f"{address} answered with HTTP {reply.status_code}")
            for part in reply.iter_bytes():
                content += part
                if len(content) > MAX_BYTES:
                    raise FedhubError(f"{address} sends more than {MAX_BYTES // 2**20} MiB")
                if time.monotonic() > until:
                    raise FedhubError(f"{address} takes more than {_WHOLE:.0f} seconds")
    except (httpx.HTTPError, httpx.InvalidURL, OSError) as error:
        raise FedhubError(f"{address} does not answer ({type(error).__name__})") from None
    return content


# --- The one kept here -----------------------------------------------------------------------


def cache_file(address: str) -> Path:
    """Return where a list is kept: under the user's cache folder (XDG Base Directory 0.8)."""
    given = os.environ.get("XDG_CACHE_HOME", "")
    # The specification has a relative path ignored.
    folder = Path(given) if given.startswith("/") else Path("~/.cache").expanduser()
    plain = re.sub(r"[^A-Za-z0-9.-]+", "-", address.partition("://")[2]).strip("-")
    return folder / "fedhub" / f"{plain}.json"


def _keep(address: str, entries: list[Entry]) -> str:
    """Keep a list, ready to be searched; return why that can't be done, "" where it is."""
    from fedhub.hub.write import beside

    path = cache_file(address)
    kept = {"format": _FORMAT, "address": address, "fetched": time.time(), "entries": entries}
    content = json.dumps(kept, ensure_ascii=False, separators=(",", ":")).encode()
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with beside(path, content, mode=0o644) as draft:
            draft.replace(path)
    except (OSError, FedhubError) as error:
        return f"it can't be kept in {path.parent}: {getattr(error, 'strerror', None) or error}"
    return ""


def _kept(address: str) -> Answer | None:
    """Return the list that is kept; None where there is none that makes sense."""
    try:
        with cache_file(address).open("rb") as file:
            content = file.read(MAX_BYTES * 2)
        kept: Any = json.loads(content)
        if kept["format"] != _FORMAT or kept["address"] != address:
            return None
        entries = restored(kept["entries"])
        age = time.time() - kept["fetched"]
    except (OSError, ValueError, LookupError, TypeError, RecursionError):
        return None
    return Answer(entries, "cache", address, age)
