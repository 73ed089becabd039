"""Which callback URLs a service may have.

JupyterHub compares them letter by letter (jupyterhub/oauth/provider.py, validate_redirect_uri), and
a browser tidies an address up before it goes there: so only those are taken that stay as they are.
"""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from fedhub.errors import UsageError
from fedhub.hub.addresses import is_loopback

_ALLOWED = re.compile(r"[A-Za-z0-9._~:/?\[\]@!$&'()*+,;=%#-]+")
"""RFC 3986, section 2: reserved and unreserved characters, and the percent sign."""
_DISGUISED = re.compile(r"%(?:2[ef]|5c|[01][0-9a-f]|7f)|%(?![0-9a-f]{2})", re.IGNORECASE)
"""Dots, slashes, backslashes and control characters as percent escapes, and what is no escape."""


def check_redirect(address: str) -> None:
    """Make sure that an address can be a service's callback URL.

    Args:
        address: as the application sends it.

    Raises:
        UsageError: it can't be; nor is http taken, but for this machine (RFC 8252, section 7.3).
    """
    if problem := problem_of(address):
        raise UsageError(
            f"{address!r} can't be a callback URL: {problem[0]}",
            fix=problem[1],
        )


def problem_of(address: str) -> tuple[str, str] | None:
    """Return what is wrong with an address, and what to do; None where nothing is."""
    exact = "give the one address that the application sends, letter by letter"
    try:
        parts = urlsplit(address)
        host, _ = parts.hostname or "", parts.port
    except ValueError:
        return "it is not an address", exact
    rules = (
        (not _ALLOWED.fullmatch(address), "a character in it has to be escaped", "write %20 for a "
         "space, and a host name in its xn-- form"),
        (parts.scheme not in ("https", "http") or not host, "it is no https:// address", exact),
        ("#" in address, "it has a fragment, which never reaches the application", "leave out #…"),
        ("*" in address, "the hub knows no wildcards", exact),
        ("@" in parts.netloc, "it names a user before the host", "leave out what ends in @"),
        (_moves(parts.path), "a browser makes another address of its path", exact),
        (parts.scheme == "http" and not is_loopback(host), "over http, others can read the code "
         "that logs people in", "use https; http is for localhost and 127.0.0.1 alone"),
    )  # fmt: skip
    return next(((why, fix) for wrong, why, fix in rules if wrong), None)


def _moves(path: str) -> bool:
    return bool(_DISGUISED.search(path)) or bool({".", ".."} & set(path.split("/")))
