"""What becomes of each person, and the rule that decided: the report behind every format."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from fedhub.access.persona import Persona
from fedhub.access.places import RulePath, code_place, provider_place, rule_place
from fedhub.access.provider import Provider
from fedhub.errors import FedhubError, Position
from fedhub.hub.providers import SINGLE, extra_config_position

if TYPE_CHECKING:
    from fedhub.hub import Hub
    from fedhub.preview.alone import Verdicts

_NAMED = 5
"""How many people a note names."""


@dataclass(frozen=True)
class Rule:
    """A rule that decided.

    Attributes:
        effect: it lets in, makes an admin, or keeps out.
        path: the trait, and the keys and the entry inside it.
        place: where it stands.
    """

    effect: Literal["in", "admin", "out"]
    path: RulePath
    place: Position

    @property
    def text(self) -> str:
        """What people read: the trait and the entry; an institution's own rule without its name."""
        trait, *inside = map(str, self.path)
        if trait == "idps":
            if not inside:
                return "institution not in idps"
            trait, inside = f"idps {inside[1]}", inside[2:]
        return f"{trait}: {' '.join(inside)}" if inside else trait


@dataclass(frozen=True)
class Answer:
    """What becomes of one person.

    Attributes:
        person: who it is.
        allowed: whether the hub lets them in.
        username: the hub's name of them; "" for who is not let in.
        groups: the hub's groups they are in.
        admin: whether they are an admin.
        decided: rules did; nothing did, as no rule lets them in; or code did, of the class or
            of a hook.
        rules: the rules that decided, each of them enough by itself.
        place: where to look when no rule decided.
        reason: what a person reads who is not let in.
        notes: what explains it to the operator.
    """

    person: Persona
    allowed: bool
    username: str
    groups: tuple[str, ...]
    admin: bool
    decided: Literal["rules", "nothing", "code"]
    rules: tuple[Rule, ...]
    place: Position
    reason: str
    notes: tuple[str, ...] = ()

    @property
    def why(self) -> list[tuple[str, Position]]:
        """What decided, in words, and where it stands: each rule once."""
        if self.decided == "nothing":
            return [("no rule lets in", self.place)]
        if self.decided == "code":
            return [("code of its own" if self.allowed else "the login failed", self.place)]
        makes_admin = {rule.path for rule in self.rules if rule.effect == "admin"}
        found = {rule.path: rule for rule in self.rules}
        return [
            (f"{rule.text} (admin)" if path in makes_admin else rule.text, rule.place)
            for path, rule in found.items()
        ]


@dataclass(frozen=True)
class Report:
    """Who may log in to a hub.

    Attributes:
        hub: its name.
        domain: its host name, "" where the values don't say.
        authenticator: the class that logs people in.
        answers: what becomes of each person.
        notes: what the answers can't show.
    """

    hub: str
    domain: str
    authenticator: str
    answers: tuple[Answer, ...]
    notes: tuple[str, ...] = field(default=())

    @property
    def institutions(self) -> list[str]:
        """The institutions of which somebody gets in."""
        return list(dict.fromkeys(one.person.idp_name for one in self.answers if one.allowed))


def report_of(hub: Hub, verdicts: Verdicts) -> Report:
    """Return the report on people, with the place of each rule and without any secret."""
    from fedhub.hub.addresses import hosts
    from fedhub.hub.credentials import masked, secret_strings

    secrets = secret_strings(hub)
    providers = {provider.name: provider for provider in verdicts.providers}
    answers = []
    for person in verdicts.people:
        verdict = dict(verdicts.found[person.name])
        for key in ("reason", "note"):
            verdict[key] = masked(verdict.get(key, ""), secrets)
        answers.append(_answer(hub, person, providers[person.provider], verdict))
    names = [name for place in hosts(hub) for name in place.names]
    notes = (*_notes(hub, verdicts), *_shared_names(answers))
    return Report(hub.name, next(iter(names), ""), verdicts.authenticator, tuple(answers), notes)


def _answer(hub: Hub, person: Persona, provider: Provider, verdict: Mapping[str, Any]) -> Answer:
    rules = tuple(
        Rule(rule["effect"], path, rule_place(hub, person.provider, path))
        for rule in verdict["rules"]
        for path in [tuple(rule["path"])]
    )
    notes = [verdict["note"], _kept_back(provider, person) if verdict.get("at") else ""]
    return Answer(
        person,
        verdict["allowed"],
        verdict["username"] or "",
        tuple(verdict["groups"]),
        verdict["admin"],
        verdict["decided"],
        rules,
        _place(hub, person, verdict),
        verdict["reason"],
        tuple(filter(None, notes)),
    )


def _place(hub: Hub, person: Persona, verdict: Mapping[str, Any]) -> Position:
    """Return where to look when no rule decided."""
    if verdict["decided"] != "code":
        return provider_place(hub, person.provider, person.idp)
    if block := verdict.get("block"):
        return extra_config_position(hub, *block)
    if at := verdict.get("at"):
        return rule_place(hub, person.provider, tuple(at))
    return code_place(hub, person.provider)


def _kept_back(provider: Provider, person: Persona) -> str:
    """Return why the claim that a user name is made of did not come, as far as a scope is why."""
    from fedhub.idp.claims import scope_for

    claim = provider.username_claim(person.idp)
    scope = scope_for(provider.face, claim)
    if claim not in person.claims or not scope or scope in provider.names("scope"):
        return ""
    return f"{claim} is not sent: scope lacks {scope}"


def _notes(hub: Hub, verdicts: Verdicts) -> Iterator[str]:
    if not verdicts.providers:
        yield f"{verdicts.authenticator} is no OAuth provider: nobody can be tried"
    for provider in verdicts.providers:
        if provider.lists_nobody:
            yield str(lists_nobody(hub, provider))
        if provider.traits.get("allow_existing_users"):
            yield (
                f"{provider.label} ({provider.name}) has allow_existing_users on: whoever the "
                "hub's database knows gets in too"
            )


def lists_nobody(hub: Hub, provider: Provider) -> FedhubError:
    """Return what to say of a provider that lists no institution, and where it stands."""
    only = provider.name == SINGLE
    called = provider.label if only else f"{provider.label} ({provider.name})"
    return FedhubError(
        f"{called} lists no institution, so nobody can get in there",
        fix="list one below idps, by its entity ID",
        position=provider_place(hub, provider.name, ""),
    )


def _shared_names(answers: Iterable[Answer]) -> Iterator[str]:
    """Yield a note on each user name that two people get: it belongs to whoever comes first."""
    by_name: dict[str, dict[tuple[Any, ...], str]] = {}
    for answer in answers:
        if answer.allowed:
            person = answer.person
            identity = (person.provider, person.idp, str(person.claims.get("sub")))
            by_name.setdefault(answer.username, {}).setdefault(identity, person.name)
    for username, people in by_name.items():
        if len(people) > 1:
            both = "both" if len(people) == 2 else "all"  # noqa: PLR2004 - a pair
            yield (
                f"{_some(list(people.values()))} would {both} be {username}: the name belongs to "
                "whoever logs in first, and the others are refused, unless bindings are off"
            )


def _some(names: list[str]) -> str:
    """Return names in a sentence, which stays one when there are hundreds."""
    *first, last = (
        [*names[:_NAMED], f"{len(names) - _NAMED} more"] if len(names) > _NAMED else names
    )
    return f"{', '.join(first)} and {last}"
