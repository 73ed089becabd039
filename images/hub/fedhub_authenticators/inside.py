"""Tells an address inside the hub from one that leads anywhere else.

Browsers read `\\` as `/`, skip tabs and newlines, and resolve `..` and `%2e%2e` (WHATWG URL
Standard section 4.4), so what looks like a path may be another host. Nothing is mended here:
whatever is not plainly inside is refused, and the caller goes where it goes by default.
"""

from __future__ import annotations

from urllib.parse import quote, unquote

_KEPT = "/%:@!$&'()*+,;=-._~?#[]|^`{}\"<>"
"""Signs that stay as they are; all others that can be shown are percent-encoded."""

_LONGEST = 2000
"""Characters of an address that a redirect can carry anywhere."""


def inside(address: str | None, base_url: str) -> str:
    """Return an address that leads into the hub, as a path; "" where it leads elsewhere.

    Args:
        address: what a request asked for.
        base_url: JupyterHub's, such as `/` or `/jupyter/`.
    """
    if not address or len(address) > _LONGEST or not address.startswith(base_url):
        return ""
    if "\\" in address or not all(sign.isprintable() for sign in address):
        return ""
    path = address.partition("?")[0].partition("#")[0]
    if path.startswith("//"):
        return ""
    if any(_climbs(segment) for segment in path.split("/")):
        return ""
    return quote(address, safe=_KEPT, errors="replace")


def _climbs(segment: str) -> bool:
    """Return whether a part of a path leads up, or could once a proxy has decoded it."""
    plain = unquote(unquote(segment)).replace("\\", "/")
    return any(part in {".", ".."} for part in plain.split("/"))
