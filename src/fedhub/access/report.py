"""What becomes of each person, and the rule that decided: the report behind every format."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from fedhub.access.persona import Persona
from fedhub.access.places import RulePath, code_place, provider_place, rule_place
from fedhub.access.provider import Provider
from fedhub.errors import FedhubError, Position
from fedhub.hub.providers import SINGLE

if TYPE_CHECKING:
    from fedhub.hub import Hub
    from fedhub.preview.alone import Verdicts


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
    from fedhub.checks.facts import hosts
    from fedhub.hub.credentials import masked, secret_strings

    secrets = secret_strings(hub)
    answers = []
    for person in verdicts.people:
        verdict = dict(verdicts.found[person.name])
        verdict["reason"] = masked(verdict.get("reason", ""), secrets)
        answers.append(_answer(hub, person, verdict))
    names = [name for place in hosts(hub) for name in place.names]
    notes = (*_notes(hub, verdicts), *_shared_names(answers))
    return Report(hub.name, next(iter(names), ""), verdicts.authenticator, tuple(answers), notes)


def _answer(hub: Hub, person: Persona, verdict: Mapping[str, Any]) -> Answer:
    rules = tuple(
        Rule(rule["effect"], path, rule_place(hub, person.provider, path))
        for rule in verdict["rules"]
        for path in [tuple(rule["path"])]
    )
    where = code_place if verdict["decided"] == "code" else _where_nothing_decided(person)
    return Answer(
        person,
        verdict["allowed"],
        verdict["username"] or "",
        tuple(verdict["groups"]),
        verdict["admin"],
        verdict["decided"],
        rules,
        where(hub, person.provider),
        verdict["reason"],
    )


def _where_nothing_decided(person: Persona) -> Any:
    return lambda hub, provider: provider_place(hub, provider, person.idp)


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
            yield (
                f"{' and '.join(people.values())} would both be {username}: the name belongs to "
                "whoever logs in first, and the others are refused, unless bindings are off"
            )
