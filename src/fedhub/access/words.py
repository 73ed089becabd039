"""What decided about somebody, in words for people who never saw a hub's values."""

from __future__ import annotations

from fedhub.access.report import Answer, Rule
from fedhub.errors import Position

_OF_AN_INSTITUTION = {
    "allow_all": "everybody of this institution gets in",
    "allowed_domains": "everybody with an address at {} gets in",
}

_RULES = {
    "in": {
        "allow_all": "everybody who can sign in gets in",
        "allowed_users": "{} gets in by name",
        "admin_users": "{} is an admin by name",
        "allowed_groups": "members of the group {} get in",
        "admin_groups": "members of the group {} get in, as admins",
        "allowed_organizations": "members of {} get in",
    },
    "out": {
        "idps": "the hub takes no accounts of this institution",
        "blocked_users": "{} is blocked by name",
        "hosted_domain": "the hub takes accounts of other domains only",
        "identity_provider": "the hub takes accounts of another kind only",
        "username_pattern": "the hub takes user names of another form only",
        "post_auth_hook": "a rule of the hub's own keeps this person out",
    },
}
_RULES["admin"] = _RULES["in"] | {"admin_groups": "members of the group {} are admins"}


def in_words(answer: Answer) -> list[tuple[str, Position]]:
    """Return what decided, and where it stands: each rule once."""
    if answer.decided == "nothing":
        return [("nothing lets this person in", answer.place)]
    if answer.decided == "code":
        words = "a rule of the hub's own lets in" if answer.allowed else "the login failed"
        return [(words, answer.place)]
    found: dict[tuple[str, Position], None] = {}
    for rule in answer.rules:
        found[_words(rule), rule.place] = None
    return list(found)


def _words(rule: Rule) -> str:
    """Return a rule in words; as the values have it where there are none for it."""
    trait, *inside = map(str, rule.path)
    words = _RULES[rule.effect].get(trait)
    if trait == "idps" and len(inside) > 1:
        _, trait, *inside = inside
        words = _OF_AN_INSTITUTION.get(trait)
    return words.format(" ".join(inside)) if words else rule.text
