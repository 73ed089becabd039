"""One hub, several providers: each with its own callback, its own rules, its own refresh.

Names that stand under `Authenticator` or `OAuthenticator` (`admin_users`, `allowed_users`) are
the hub's names, prefix included, as everywhere in JupyterHub: an `olga` that was written for one
provider must not make an admin of every provider's olga. In a provider's own `config`, and in
the section of its class, they are the names that the provider gives. `blocked_users` counts
either way. Every other trait of those sections goes to all providers.
"""

from __future__ import annotations

import copy
from collections.abc import Iterable, Mapping
from typing import Any

from jupyterhub.auth import Authenticator
from jupyterhub.handlers import BaseHandler
from jupyterhub.utils import maybe_future, url_path_join
from oauthenticator.oauth2 import OAuthenticator
from traitlets import Dict
from traitlets.config import Config
from traitlets.config.loader import LazyConfigValue

from fedhub_authenticators.binding_pages import binding_pages
from fedhub_authenticators.exchange_page import exchange_pages
from fedhub_authenticators.hub_sessions import EndsCodes
from fedhub_authenticators.member import Member, member_class
from fedhub_authenticators.notebook_tokens import token_pages
from fedhub_authenticators.pages import hub_pages
from fedhub_authenticators.providers import find_class, ours
from fedhub_authenticators.services import define_gone_roles

KEYS = frozenset({"authenticator_class", "label", "prefix", "config"})
"""What an entry of `providers` may hold."""

TAKEN = frozenset(
    {"api", "error", "health", "login", "logo", "logout", "metrics", "oauth_callback"}
    | {"oauth_login", "security", "spawn", "spawn-pending", "static", "token", "user", "users"}
)
"""Names below the hub's prefix that are JupyterHub's own."""

_PERMITTING = ("admin_users", "allowed_users")

_OLD_NAME = {"allowed_users": "whitelist"}
"""What JupyterHub called a trait before 1.2, and still reads."""


class FederatedAuthenticator(Authenticator):
    """Lets people choose among several OAuth providers.

    Attributes:
        authenticators: the configured authenticator of each provider, by name.
    """

    providers = Dict(
        config=True,
        help="""The providers, by a name that is also part of their callback URLs,
        `https://<hub>/hub/<name>/oauth_callback`. Each is a dictionary:

        - `authenticator_class`: as `JupyterHub.authenticator_class` takes it; an OAuth class;
        - `label`: what the button says, after "Sign in with"; default: `login_service`;
        - `prefix`: what the hub's names of its users start with; default: `<name>:`;
        - `config`: traits of that class.
        """,
    )

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        if not self.providers:
            raise ValueError("FederatedAuthenticator.providers is empty; name a provider")
        self.authenticators: dict[str, Member] = {
            name: self._member(name, entry) for name, entry in self.providers.items()
        }
        _check_prefixes(self.authenticators)
        self._share_names()
        self._share_switches()

    # --- set-up -------------------------------------------------------------------------

    def _member(self, name: str, entry: Mapping[str, Any]) -> Member:
        where = f"provider {name}"
        if name in TAKEN or not name.replace("-", "").isalnum() or name != name.lower():
            raise ValueError(f"{name!r} can't be a provider's name; choose another, such as staff")
        if unknown := set(entry) - KEYS:
            raise ValueError(f"{where} has unknown keys: {', '.join(sorted(unknown))}; remove them")
        cls = ours(find_class(entry.get("authenticator_class") or ""))
        if not issubclass(cls, OAuthenticator):
            raise ValueError(f"{where} is no OAuth provider, so it can't be one of several")
        config = copy.deepcopy(self.config)
        # Rules of a parent class were written for the parent's users, as those of Custos for a
        # Keycloak without it.
        parents = {base.__name__ for base in cls.__mro__} - {cls.__name__}
        for section in parents & set(config):
            for trait in (*_PERMITTING, *_OLD_NAME.values()):
                config[section].pop(trait, None)
        config[cls.__name__].merge(Config(entry.get("config") or {}))
        prefix = entry.get("prefix")
        member = member_class(cls)(
            config=config,
            parent=self,
            _deprecated_db_session=self._deprecated_db_session,
            provider_name=name,
            prefix=f"{name}:" if prefix is None else prefix,
            path=f"/{name}" if len(self.providers) > 1 else "",
        )
        if entry.get("label"):
            member.login_service = entry["label"]
        return member

    def _share_names(self) -> None:
        """Give each provider its part of the hub's names, and the hub all of them."""
        own = self.config.get("OAuthenticator") or {}
        for trait in (*_PERMITTING, "blocked_users"):
            hubs = getattr(self, trait) | _names(own.get(trait))
            hubs |= _names(own.get(_OLD_NAME.get(trait, "")))
            for name in hubs:
                self._hand_over(trait, name)
            everybody = set()
            for member in self.authenticators.values():
                names = {member.normalize_username(name) for name in getattr(member, trait)}
                setattr(member, trait, names)
                everybody |= {member.hub_name(name) for name in names}
            setattr(self, trait, everybody)

    def _hand_over(self, trait: str, name: str) -> None:
        member = self.member_of(name.lower())
        if member is not None:
            names = getattr(member, trait) | {member.own_name(name.lower())}
            setattr(member, trait, names)
        elif trait in _PERMITTING:
            self.log.warning(
                "%s names %s, as no user of any provider is called; write it with a prefix, "
                "such as %s",
                trait,
                name,
                next(iter(self.authenticators.values())).hub_name(name),
            )

    def _share_switches(self) -> None:
        """Set JupyterHub's switches so that each provider's own can work."""
        members = list(self.authenticators.values())
        for switch in (
            "enable_auth_state",
            "manage_groups",
            "manage_roles",
            "reset_managed_roles_on_startup",
            "refresh_pre_spawn",
            "refresh_pre_stop",
        ):
            self.set_trait(switch, any(getattr(member, switch) for member in members))
        ages = [member.auth_refresh_age for member in members if member.auth_refresh_age]
        self.auth_refresh_age = min(ages, default=0)
        if len(members) > 1:
            # Nobody but the person knows which provider it is to be.
            self.auto_login = False
            for member in members:
                member.auto_login = False
        else:
            self.auto_login = members[0].auto_login
            self.login_service = members[0].login_service

    def check_allow_config(self) -> None:
        """Let each provider look at its own rules."""
        for member in self.authenticators.values():
            member.check_allow_config()

    # --- names --------------------------------------------------------------------------

    def member_of(self, hub_name: str) -> Member | None:
        """Return the provider whose users may have a name; None when there is none."""
        rest = None
        for member in self.authenticators.values():
            if not member.prefix:
                rest = member
            elif hub_name.startswith(member.prefix):
                return member
        return rest

    def normalize_username(self, username: str) -> str:
        """Normalize a hub's name as its provider does."""
        member = self.member_of(username.lower())
        if member is None:
            return str(super().normalize_username(username))
        return member.hub_name(member.normalize_username(member.own_name(username.lower())))

    def validate_username(self, username: str) -> bool:
        """Hold a hub's name against its provider's pattern."""
        member = self.member_of(username)
        if member is None:
            return bool(super().validate_username(username))
        return bool(member.validate_username(member.own_name(username)))

    # --- what JupyterHub asks, passed on to the right provider ----------------------------

    async def authenticate(self, handler: BaseHandler, data: Any = None) -> None:
        """Refuse: there is no password form; logins come through the providers' callbacks."""

    async def refresh_user(
        self, user: Any, handler: BaseHandler | None = None
    ) -> bool | dict[str, Any]:
        """Refresh somebody through their provider; without one they must log in again."""
        member = self.member_of(user.name)
        if member is None:
            self.log.info("No provider has users called %s", user.name)
            return False
        if not member.auth_refresh_age:
            return True
        model = await member.refresh_user(user, handler)
        if isinstance(model, dict) and not member.manage_groups:
            model["groups"] = None  # JupyterHub then leaves them as they are
        return model

    def pre_spawn_start(self, user: Any, spawner: Any) -> Any:
        """Pass on to the user's provider."""
        member = self.member_of(user.name)
        return member.pre_spawn_start(user, spawner) if member else None

    def post_spawn_stop(self, user: Any, spawner: Any) -> Any:
        """Pass on to the user's provider."""
        member = self.member_of(user.name)
        return member.post_spawn_stop(user, spawner) if member else None

    def add_user(self, user: Any) -> Any:
        """Pass on to the user's provider.

        Raises:
            ValueError: the name is not valid.
        """
        member = self.member_of(user.name)
        return member.add_user(user) if member else super().add_user(user)

    def delete_user(self, user: Any) -> Any:
        """Pass on to the user's provider."""
        self.allowed_users.discard(user.name)
        member = self.member_of(user.name)
        return member.delete_user(user) if member else None

    async def load_managed_roles(self) -> list[Any]:
        """Return the roles of all providers that manage roles."""
        roles: list[Any] = []
        for member in self.authenticators.values():
            if member.manage_roles:
                roles += await maybe_future(member.load_managed_roles())
        return roles

    # --- pages --------------------------------------------------------------------------

    def login_url(self, base_url: str) -> str:
        """Return where a login starts: at the choice, or at the only provider."""
        if len(self.authenticators) > 1:
            return str(super().login_url(base_url))
        (member,) = self.authenticators.values()
        return str(member.login_url(base_url))

    def get_handlers(self, app: Any) -> list[tuple[str, type[BaseHandler]]]:
        """Return the login page, the logout, and every provider's pages."""
        pages = [
            page for member in self.authenticators.values() for page in member.get_handlers(app)
        ]
        if len(self.authenticators) > 1:
            pages.append((r"/logout", OwnLogout))
            members = list(self.authenticators.values())
            pages += [*token_pages(members), *exchange_pages(members), *binding_pages()]
        define_gone_roles(app.db)
        return [*pages, *hub_pages()]


class OwnLogout(EndsCodes):
    """Sends people to the logout of the provider they came from."""

    async def get(self) -> None:
        """Redirect, or log out here where no provider is concerned."""
        user = self.current_user
        member = self.authenticator.member_of(user.name) if user else None
        if member is None:
            await super().get()
            return
        address = url_path_join(self.hub.base_url, member.path, "logout")
        query = self.request.query
        self.redirect(f"{address}?{query}" if query else address)


def _names(value: Any) -> set[str]:
    """Return a set trait as it stands in a configuration."""
    if isinstance(value, LazyConfigValue):
        value = value.get_value(set())
    return set(value or ())


def _check_prefixes(members: Mapping[str, Member]) -> None:
    """Make sure that a name's prefix tells the provider.

    Raises:
        ValueError: two are equal, one starts with another, or one can't start a user name.
    """
    prefixes: Iterable[tuple[str, str]] = [(name, m.prefix) for name, m in members.items()]
    for name, prefix in prefixes:
        if prefix != prefix.lower().strip() or "/" in prefix:
            raise ValueError(
                f"the prefix {prefix!r} of provider {name} can't start a user name; take "
                "lower-case letters and a sign such as :"
            )
        for other, longer in prefixes:
            clash = longer == prefix or (prefix and longer.startswith(prefix))
            if other != name and clash:
                raise ValueError(
                    f"the prefixes of providers {name} and {other} ({prefix!r}, {longer!r}) don't "
                    "tell their users apart; give each its own"
                )
