"""What the hub calls the groups that a provider names: `groups_mapping`.

Keys are names as the provider has them, or patterns with one `*`; values are groups of the hub,
where `*` stands for what the pattern's `*` stood for, and "" drops the group. Names that nothing
matches are dropped, too.

The order in which they are written does not count, since Helm sorts keys: a whole name comes
before any pattern, then the pattern with the longest beginning, then the longest end. Two
patterns that fit the same name can't be equal in both. Nor is null a way to drop a group: Helm
takes it for "not set", and a rule that gets lost must not let anybody in.
"""

from __future__ import annotations

from collections.abc import Mapping

LONGEST = 255
"""Characters of a group's name that JupyterHub's database holds (`jupyterhub.orm.Group`)."""

STAR = "*"


def check_mapping(mapping: Mapping[str, str]) -> None:
    """Make sure that a mapping can be one.

    Raises:
        ValueError: it can't; the sentence says which key, and what to do.
    """
    for claimed, group in mapping.items():
        if claimed.count(STAR) > 1 or group.count(STAR) > claimed.count(STAR):
            raise ValueError(
                f"groups_mapping: {claimed!r}: {group!r} has too many *; one may stand in the "
                "claimed name, and then one in the group"
            )
        if group and not fits(group):
            raise ValueError(
                f"groups_mapping: {group!r} can't be a group of the hub; take up to {LONGEST} "
                "signs that can be shown"
            )


def hub_group(claimed: str, mapping: Mapping[str, str]) -> str:
    """Return the hub's name of a group, "" where it has none.

    Args:
        claimed: the provider's name.
        mapping: one that `check_mapping` took; an empty one leaves names as they are.
    """
    if not mapping:
        return claimed
    if claimed in mapping and STAR not in claimed:
        return mapping[claimed]
    patterns = (key.split(STAR) for key in mapping if STAR in key)
    fitting = [(start, end) for start, end in patterns if _matches(claimed, start, end)]
    if not fitting:
        return ""
    start, end = max(fitting, key=lambda pattern: (len(pattern[0]), len(pattern[1])))
    between = claimed[len(start) : len(claimed) - len(end)]
    return mapping[f"{start}{STAR}{end}"].replace(STAR, between)


def _matches(name: str, start: str, end: str) -> bool:
    long_enough = len(name) >= len(start) + len(end)
    return long_enough and name.startswith(start) and name.endswith(end)


def fits(name: str) -> bool:
    """Return whether JupyterHub can have a group of that name, and an operator can read it."""
    return bool(name.strip()) and len(name) <= LONGEST and name.isprintable()
