"""Reads somebody's groups from what a provider says, strictly, and gives them the hub's names.

`auth_state_groups_key` says where they stand, as upstream has it; upstream turns the text "staff"
into the groups a, f, s and t, a mapping into its keys, and says so to nobody. Here:

    what stands there                       what it means
    a list of names                         these groups
    a text, with `groups_delimiter` set     the names in it
    nothing, or null                        no groups
    anything else                           not known: nobody gets in, by whatever rule

Nothing is no doubt: Keycloak (since 22), CILogon and EGI Check-in leave the claim out for people
who are in no group. It lets nobody in through a group and makes nobody an admin, at login and at
each refresh.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from typing import Any

from jupyterhub.utils import maybe_future
from oauthenticator.oauth2 import OAuthenticator
from traitlets import Dict, Enum, Set, TraitError, Unicode, validate

from fedhub_authenticators import events
from fedhub_authenticators.entitlements import (
    parse_authority,
    parse_entitlement,
    parse_namespace,
)
from fedhub_authenticators.fetching import Fetching
from fedhub_authenticators.groups_mapping import check_mapping, fits, hub_group
from fedhub_authenticators.refusals import Reason, Refused


class Groups(Fetching, OAuthenticator):
    """Knows which of the hub's groups somebody is in."""

    groups_format = Enum(
        ["names", "entitlements"],
        "names",
        config=True,
        help="""What stands at `auth_state_groups_key`: `names` of groups, or `entitlements`, URNs
        as AARC-G069 has them, such as
        `urn:mace:egi.eu:group:vo.example.org:role=member#aai.egi.eu`.""",
    )
    groups_delimiter = Unicode(
        "",
        config=True,
        help="""What stands between the names where the claim is one text and no list, such as `;`
        or a space. Without it, a text is refused.""",
    )
    groups_mapping = Dict(
        key_trait=Unicode(),
        value_trait=Unicode(),
        config=True,
        help="""What the hub calls the provider's groups: `{claimed name: group}`. A claimed name
        may have one `*`, and the group one for what it stood for; the group "" drops it, and a
        name that nothing matches is dropped, too. Whole names come before patterns, longer
        beginnings before shorter ones. `"*": "*"` keeps what is not mentioned.""",
    )
    entitlement_namespaces = Set(
        Unicode(),
        config=True,
        help="""The namespaces whose groups count, such as `urn:mace:egi.eu`; needed with
        `groups_format` entitlements.""",
    )
    entitlement_authorities = Set(
        Unicode(),
        config=True,
        help="""The authorities, behind the `#`, whose word counts, such as `aai.egi.eu`; "" stands
        for entitlements that name none, which are the only ones to count where this is empty.""",
    )
    entitlement_names = Enum(
        ["group:role", "group"],
        "group:role",
        config=True,
        help="""What a group with a role is called: `group:role`, so that `vo.example.org` and
        `vo.example.org:member` are two groups; or `group`, where every role counts as being in
        the group. Subgroups are `group/subgroup`.""",
    )

    @validate("groups_mapping")
    def _check_groups_mapping(self, proposal: Any) -> dict[str, str]:
        mapping: dict[str, str] = proposal["value"]
        _or_trait_error(check_mapping, mapping)
        return mapping

    @validate("entitlement_namespaces")
    def _check_entitlement_namespaces(self, proposal: Any) -> set[str]:
        return {_or_trait_error(parse_namespace, text) for text in proposal["value"]}

    @validate("entitlement_authorities")
    def _check_entitlement_authorities(self, proposal: Any) -> set[str]:
        return {parse_authority(text) for text in proposal["value"]}

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        if self.groups_format == "entitlements" and not self.entitlement_namespaces:
            raise ValueError(
                f"{type(self).__name__}.groups_format is entitlements, but entitlement_namespaces "
                "is empty, so that none would count; name those that you trust"
            )

    async def get_user_groups(self, auth_state: dict[str, Any]) -> set[str]:
        """Return the hub's groups of somebody.

        Args:
            auth_state: what is kept of their login.

        Raises:
            Refused: what the provider says is not as it should be.
        """
        names = self._claimed_names(await self._claimed_groups(auth_state))
        if self.groups_format == "entitlements":
            names = set(self._names_in_entitlements(names))
        found = {hub_group(name, self.groups_mapping) for name in names} - {""}
        if strange := sum(not fits(name) for name in found):
            self._note_groups("ignored", why="no names that JupyterHub takes", count=strange)
        return {name for name in found if fits(name)}

    async def _claimed_groups(self, auth_state: dict[str, Any]) -> Any:
        """Return what stands where groups should, None where nothing does."""
        key = self.auth_state_groups_key
        if callable(key):
            try:
                return await maybe_future(key(auth_state))
            except (LookupError, TypeError, AttributeError) as error:
                raise self._groups_not_known(
                    f"the function raised {type(error).__name__}"
                ) from error
        if not key:
            # Some classes know a way of their own.
            return await super().get_user_groups(auth_state)
        try:
            return value_at(auth_state, key)
        except TypeError as error:
            raise self._groups_not_known(str(error)) from error

    def _claimed_names(self, claimed: Any) -> set[str]:
        if claimed is None:
            self._note_groups("missing")
            return set()
        if isinstance(claimed, str):
            if not self.groups_delimiter:
                raise self._groups_not_known("a text, and there is no groups_delimiter")
            parts = claimed.split(self.groups_delimiter.strip() or None)
            return {part.strip() for part in parts} - {""}
        if not isinstance(claimed, Collection | Iterator) or isinstance(claimed, Mapping | bytes):
            raise self._groups_not_known(f"of type {type(claimed).__name__}")
        names = list(claimed)
        if not all(isinstance(name, str) and name.strip() for name in names):
            raise self._groups_not_known("a list with something in it that is no name")
        return set(names)

    def _names_in_entitlements(self, values: set[str]) -> Iterator[str]:
        """Yield the names of the groups in entitlements that are trusted."""
        authorities = self.entitlement_authorities or {""}
        invalid = untrusted = 0
        for value in values:
            found = parse_entitlement(value)
            if found is None:
                invalid += 1
            elif found.namespace in self.entitlement_namespaces and found.authority in authorities:
                yield found.name(with_role=self.entitlement_names == "group:role")
            else:
                untrusted += 1
        if invalid:
            self._note_groups("ignored", why="no group entitlements", count=invalid)
        if untrusted:
            self._note_groups("ignored", why="namespace or authority not trusted", count=untrusted)

    def _groups_not_known(self, why: str) -> Refused:
        self.log.error("%s", self._groups_line("unknown", why=why))
        return Refused(
            Reason.GROUPS,
            f"{self.login_service} did not tell the hub your groups as it should, so the hub can't "
            "let you in. Tell the hub's operator.",
        )

    def _note_groups(self, outcome: str, **about: Any) -> None:
        self.log.info("%s", self._groups_line(outcome, **about))

    def _groups_line(self, outcome: str, **about: Any) -> str:
        key = self.auth_state_groups_key
        place = {
            "trait": "auth_state_groups_key",
            "claim": "(a function)" if callable(key) else key,
        }
        return events.line("groups", outcome, provider=self.called, **place, **about)


def value_at(claims: Any, path: str) -> Any:
    """Return what stands at a path such as `oauth_user.realm_access.roles`, None where nothing.

    A key may have dots itself, as `https://example.org/groups` has: at each step the longest key
    that the path goes on with is taken.

    Raises:
        TypeError: the path leads through something that has no keys.
    """
    parts = path.split(".")
    while parts and claims is not None:
        if not isinstance(claims, Mapping):
            raise TypeError(f"inside something of type {type(claims).__name__}")
        for length in range(len(parts), 0, -1):
            key = ".".join(parts[:length])
            if key in claims:
                claims, parts = claims[key], parts[length:]
                break
        else:
            return None
    return claims


def _or_trait_error(check: Callable[[Any], Any], value: Any) -> Any:
    try:
        return check(value)
    except ValueError as error:
        raise TraitError(str(error)) from error
