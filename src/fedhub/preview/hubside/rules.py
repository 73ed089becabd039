"""Which rule decided: a person's login is run again, each time with other rules in force.

Nothing here knows what a rule means. An allow rule decided when it lets the person in with every
other allow rule taken away; a rule that refuses decided when it keeps the person out of a hub that
would let everybody in. The provider's answers are those of the first login, so each try takes a
millisecond and asks nobody.
"""

from __future__ import annotations

import copy
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from typing import Any

from fedhub_authenticators.refusals import Reason
from jupyterhub.auth import Authenticator
from oauthenticator.oauth2 import OAuthenticator
from tornado.httpclient import HTTPClientError, HTTPRequest, HTTPResponse
from tornado.web import HTTPError

from fedhub.preview.hubside.verdicts import Callback as _Callback
from fedhub.preview.hubside.verdicts import decide, refusal, sign_in

Rule = tuple[str | int, ...]
"""A trait, and the keys and the entry inside it: `("allowed_users", "ada")`."""

_NO_RULES = frozenset({"allow_existing_users", "allow_unverified_email", "allowed_idps"})
"""Named as rules are; but the first is about a database, the second only lifts a condition, and
the third is the old name of `idps`."""

_REFUSING = (
    *("hosted_domain", "identity_provider", "idps", "idps_from_custos"),
    *("username_pattern", "post_auth_hook"),
)
"""What keeps people out beside the traits that are called `blocked…`."""

_TOGETHER = frozenset({"allowed_scopes", "hosted_domain", "idps"})
"""Lists that are one rule: a person must have all of the first, and one of the others."""

_IDP_RULES = ("allow_all", "allowed_domains")
"""What lets people in among the settings of one entry of CILogon's `idps`."""


async def explained(
    hub: Authenticator, provider: str, persona: str, idp: str, groups: Mapping[str, set[str]]
) -> dict[str, Any]:
    """Return the verdict on a persona, and what decided it.

    Args:
        hub: the hub's authenticator as configured.
        provider: the name of the persona's provider.
        persona: the name of a persona at the embedded identity provider.
        idp: the persona's institution.
        groups: what `verdicts.loaded_groups` returned.

    Returns:
        What `verdicts.verdict` returns, with `decided`: "rules"; "nothing" when no rule lets the
        person in; "code" when the authenticator's own code or the provider decided. And `rules`,
        each with its `effect` (in, admin, out) and its `path`. And `at`: the path of the setting
        that made no user name, where that is why; else empty.
    """
    login = _Login(hub, provider, groups)
    with login.answers_kept():
        try:
            login.callback = await sign_in(login.authenticator, persona)
        except HTTPError as error:
            return refusal(error) | {"decided": "code", "rules": [], "at": []}
        verdict = await decide(login.authenticator, login.callback, groups)
    if verdict["allowed"]:
        found = [("in", rule) for rule in await _let_in(login, idp)]
        found += [("admin", rule) for rule in await _made_admin(login, verdict)]
        decided = "rules" if found else "code"
    else:
        decided, refused_by = await _kept_out(login, idp)
        found = [("out", rule) for rule in refused_by]
    rules = [{"effect": effect, "path": list(rule)} for effect, rule in found]
    at = list(_failed_at(login, verdict, idp)) if decided == "code" else []
    return verdict | {"decided": decided, "rules": rules, "at": at}


def _failed_at(login: _Login, verdict: Mapping[str, Any], idp: str) -> Rule:
    """Return the setting that a user name should have come from, where none did."""
    if verdict.get("why") != Reason.NO_NAME:
        return ()
    idps = getattr(login.authenticator, "idps", None)
    if isinstance(idps, Mapping) and idp in idps:
        return ("idps", idp, "username_derivation", "username_claim")
    return ("username_claim",)


async def _let_in(login: _Login, idp: str) -> list[Rule]:
    every = [*_rules(login.authenticator, "allow"), *_rules(login.authenticator, "admin")]
    every += _idp_rules(getattr(login.authenticator, "idps", None), idp)

    async def holds(rules: Iterable[Rule]) -> bool:
        return bool((await login.under(_limited(login.authenticator, every, rules)))["allowed"])

    return await _deciding(every, holds)


async def _made_admin(login: _Login, verdict: Mapping[str, Any]) -> list[Rule]:
    if not verdict["admin"]:
        return []
    every = [*_rules(login.authenticator, "admin"), *_set(login.authenticator, ["post_auth_hook"])]
    everybody = {"allow_all": True}

    async def holds(rules: Iterable[Rule]) -> bool:
        limited = _limited(login.authenticator, every, rules)
        return bool((await login.under(limited | everybody))["admin"])

    return await _deciding(every, holds)


async def _kept_out(login: _Login, idp: str) -> tuple[str, list[Rule]]:
    idps = getattr(login.authenticator, "idps", None)
    listed = idps if isinstance(idps, Mapping) else {}  # CILogon's, which can't do without
    refusing = [trait for trait in _REFUSING if not (listed and trait == "idps")]
    every = [*_rules(login.authenticator, "blocked"), *_set(login.authenticator, refusing)]
    everybody: dict[str, Any] = {"allow_all": True}

    async def refused(rules: Iterable[Rule]) -> bool:
        limited = _limited(login.authenticator, every, rules)
        return not (await login.under(limited | everybody))["allowed"]

    if not await refused([]):
        found = await _deciding(every, refused)
        return ("rules", found) if found else ("nothing", [])
    for rule in listed.values() if idp not in listed else ():
        everybody["idps"] = {**listed, idp: rule}
        if not await refused([]):
            return "rules", [("idps",)]
    return "code", []


async def _deciding(
    rules: Sequence[Rule], holds: Callable[[Iterable[Rule]], Awaitable[bool]]
) -> list[Rule]:
    """Return the rules of which each alone makes something hold.

    Where only several together do, those are returned that it can't do without.
    """
    if await holds([]):
        return []
    if (found := await _sufficient(rules, holds)) or not await holds(rules):
        return found
    return [rule for rule in rules if not await holds([other for other in rules if other != rule])]


async def _sufficient(
    rules: Sequence[Rule], holds: Callable[[Iterable[Rule]], Awaitable[bool]]
) -> list[Rule]:
    """Return the same by halves: a list of a thousand names takes twenty tries."""
    if not rules or not await holds(rules):
        return []
    if len(rules) == 1:
        return list(rules)
    middle = len(rules) // 2
    return [*await _sufficient(rules[:middle], holds), *await _sufficient(rules[middle:], holds)]


# --- One login, again and again ------------------------------------------------------------


class _Login:
    """A person's login at one provider, which can be run again under other rules."""

    def __init__(self, hub: Authenticator, provider: str, groups: Mapping[str, set[str]]) -> None:
        self._hub = hub
        self._provider = provider
        self._groups = groups
        members = getattr(hub, "authenticators", None)
        self.authenticator: OAuthenticator = members[provider] if members else hub
        self._answers = _Answers(self.authenticator.http_client)
        self.callback = _Callback("", "")

    def answers_kept(self) -> _Answers:
        """Keep what the provider answers until the block ends."""
        self._answers.asked_by = self.authenticator
        return self._answers

    async def under(self, traits: Mapping[str, Any]) -> dict[str, Any]:
        """Return the verdict with some traits set otherwise."""
        return await decide(self._copy(traits), self.callback, self._groups)

    def _copy(self, traits: Mapping[str, Any]) -> OAuthenticator:
        changed = copy.copy(self.authenticator)
        if self._hub is not self.authenticator:
            # A provider among several asks the hub's authenticator whose a name is.
            hub = copy.copy(self._hub)
            hub.authenticators = {**self._hub.authenticators, self._provider: changed}
            changed.parent = hub
        changed.http_client = self._answers
        # The values were checked when the hub was configured.
        with changed.cross_validation_lock:
            for trait, value in traits.items():
                changed.set_trait(trait, value)
        return changed


class _Answers:
    """Stands in for the HTTP client: asks the provider each thing once."""

    def __init__(self, client: Any) -> None:
        self._client = client
        self._kept: dict[tuple[Any, ...], HTTPResponse | Exception] = {}
        self.asked_by: Any = None

    def __enter__(self) -> None:
        self.asked_by.http_client = self

    def __exit__(self, *_: object) -> None:
        self.asked_by.http_client = self._client

    async def fetch(
        self, request: HTTPRequest | str, raise_error: bool = True, **kwargs: Any
    ) -> HTTPResponse:
        """Do as `AsyncHTTPClient.fetch` does, once for each request."""
        asked = request if isinstance(request, HTTPRequest) else HTTPRequest(request, **kwargs)
        sent_as = asked.headers.get("Authorization")
        key = (asked.method, asked.url, asked.body, sent_as)
        if key not in self._kept:
            try:
                self._kept[key] = await self._client.fetch(asked, raise_error=False)
            except Exception as error:  # noqa: BLE001 - raised again for each who asks
                self._kept[key] = error
        kept = self._kept[key]
        if isinstance(kept, Exception):
            raise kept
        if raise_error and kept.error:
            raise HTTPClientError(kept.code, kept.reason, kept) from kept.error
        return kept


# --- What counts as a rule -----------------------------------------------------------------


def _rules(authenticator: OAuthenticator, kind: str) -> list[Rule]:
    """Return the rules in force of a kind: allow, admin or blocked.

    They are told by the names of their traits, or by JupyterHub's tag `allow_config`.
    """
    traits = authenticator.traits(config=True)
    named = [
        name
        for name, trait in traits.items()
        if name not in _NO_RULES
        and (name.startswith(kind) or (kind == "allow" and trait.metadata.get("allow_config")))
    ]
    return _set(authenticator, named)


def _set(authenticator: OAuthenticator, traits: Iterable[str]) -> list[Rule]:
    """Return the rules of those traits that are set."""
    return [
        (trait, *inside)
        for trait in traits
        if (value := getattr(authenticator, trait, None))
        for inside in ([()] if trait in _TOGETHER else _entries(value))
    ]


def _entries(value: Any) -> list[Rule]:
    """Return what is inside a value, as far as names reach; the value itself for the rest."""
    if isinstance(value, Mapping):
        return [(key, *inside) for key, below in value.items() for inside in _entries(below)]
    if isinstance(value, set | frozenset | list | tuple) and all(
        isinstance(entry, str | int) for entry in value
    ):
        return [(entry,) for entry in sorted(value, key=str)]
    return [()]


def _idp_rules(idps: Any, idp: str) -> list[Rule]:
    """Return the rules of an institution in `idps`; those of others are about other people."""
    rule = idps.get(idp, {}) if isinstance(idps, Mapping) else {}
    return [
        ("idps", idp, setting, *inside)
        for setting in _IDP_RULES
        if rule.get(setting)
        for inside in _entries(rule[setting])
    ]


def _limited(
    authenticator: OAuthenticator, every: Iterable[Rule], kept: Iterable[Rule]
) -> dict[str, Any]:
    """Return the traits of all these rules, with no rule in them but those kept."""
    keep = set(kept)
    return {
        trait: _without(getattr(authenticator, trait), (trait,), keep)
        for trait in {str(rule[0]) for rule in every}
    }


def _without(value: Any, at: Rule, keep: set[Rule]) -> Any:
    """Return a value that holds nothing but the rules to keep."""
    if at in keep:
        return value
    if at == ("idps",) and isinstance(value, Mapping):
        return {idp: _idp_without(rule, (*at, idp), keep) for idp, rule in value.items()}
    if isinstance(value, Mapping):
        return {key: _without(below, (*at, key), keep) for key, below in value.items()}
    if isinstance(value, set | frozenset | list | tuple):
        return type(value)(entry for entry in value if (*at, entry) in keep)
    return None if callable(value) else type(value)()


def _idp_without(rule: Mapping[str, Any], at: Rule, keep: set[Rule]) -> dict[str, Any]:
    """Return an entry of `idps`, which must go on to say how user names are made."""
    return {
        setting: _without(value, (*at, setting), keep) if setting in _IDP_RULES else value
        for setting, value in rule.items()
    }
