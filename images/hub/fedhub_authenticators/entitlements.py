"""Groups that stand in `eduPersonEntitlement` as URNs (AARC-G069, before it AARC-G002).

    urn:<NID>:<NAMESPACE>[:<NAMESPACE>]*:group:<GROUP>[:<SUBGROUP>]*[:role=<ROLE>][#<AUTHORITY>]

The authority is from AARC-G002; AARC-G069 does without. A URN is RFC 8141's: `urn` and the
namespace are the same in upper and lower case, groups and roles are not. Each value speaks for
itself: who is in a subgroup, or has a role, is not by that in the group above. Values that are no
such URN, as most of eduPersonEntitlement's are, mean no group.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import quote, unquote

_PLAIN = r"A-Za-z0-9._~!$&'()*+,;=@:-"
_SIGN = rf"(?:[{_PLAIN}]|%[0-9A-Fa-f]{{2}})"
_SPACE = r"(?i:urn):(?P<nid>[A-Za-z0-9][A-Za-z0-9-]{0,30}[A-Za-z0-9])"
_URN = re.compile(rf"{_SPACE}:(?P<nss>{_SIGN}(?:{_SIGN}|/)*)(?:#(?P<authority>(?:{_SIGN}|[/?])+))?")
_NAMESPACE = re.compile(rf"{_SPACE}:(?P<nss>{_SIGN}(?:{_SIGN}|/)*)")
_ENCODED = re.compile("%[0-9a-fA-F]{2}")

_ROLE = "role="


@dataclass(frozen=True)
class Entitlement:
    """Somebody's membership of a group, or a role in it.

    Attributes:
        namespace: who names the groups, in lower case, such as `urn:mace:egi.eu`.
        group: the group and its subgroups, from the top, decoded.
        role: the role, decoded; "" where there is none.
        authority: who says so, such as `aai.egi.eu`; "" where nobody is named.
    """

    namespace: str
    group: tuple[str, ...]
    role: str
    authority: str

    def __str__(self) -> str:
        """Return it as a URN."""
        parts = [self.namespace, "group", *(quote(part, safe="") for part in self.group)]
        if self.role:
            parts.append(_ROLE + quote(self.role, safe=""))
        return ":".join(parts) + (f"#{self.authority}" if self.authority else "")

    def name(self, *, with_role: bool) -> str:
        """Return what the group is called: `group`, `group/subgroup`, `group/subgroup:role`.

        Two groups, or roles, never have one name: `%`, `/` and `:` inside a part stay encoded.
        """
        name = "/".join(map(_part, self.group))
        return f"{name}:{_part(self.role)}" if with_role and self.role else name


def parse_entitlement(text: str) -> Entitlement | None:
    """Return what an entitlement says of a group; None where it says nothing of one.

    Args:
        text: one value of the claim.
    """
    urn = _URN.fullmatch(text)
    if urn is None:
        return None
    parts = urn["nss"].split(":")
    if "" in parts or "group" not in parts[1:]:
        return None
    at = parts.index("group", 1)
    path = parts[at + 1 :]
    role = path.pop().removeprefix(_ROLE) if path and path[-1].startswith(_ROLE) else None
    if not path or role == "" or any(part.startswith(_ROLE) for part in path):
        return None
    try:
        decoded = [unquote(part, errors="strict") for part in [*path, role or ""]]
    except UnicodeDecodeError:
        return None
    if not all(part.isprintable() for part in decoded):
        return None
    namespace = ":".join(["urn", urn["nid"], *parts[:at]]).lower()
    return Entitlement(namespace, tuple(decoded[:-1]), decoded[-1], _normal(urn["authority"] or ""))


def parse_namespace(text: str) -> str:
    """Return a namespace as `Entitlement` has it.

    Raises:
        ValueError: it is not the beginning of an entitlement.
    """
    urn = _NAMESPACE.fullmatch(text)
    if urn is None or "" in urn["nss"].split(":"):
        raise ValueError(
            f"entitlement_namespaces: {text!r} is none; a namespace is such as urn:mace:egi.eu"
        )
    return text.lower()


def parse_authority(text: str) -> str:
    """Return an authority as `Entitlement` has it."""
    return _normal(text.removeprefix("#"))


def _normal(text: str) -> str:
    """Write percent-encodings in upper case, as RFC 8141 section 3.1 compares them."""
    return _ENCODED.sub(lambda encoded: encoded[0].upper(), text)


def _part(text: str) -> str:
    return text.replace("%", "%25").replace("/", "%2F").replace(":", "%3A")
