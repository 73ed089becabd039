"""An application played against a preview of its hub: what becomes of each persona."""

from __future__ import annotations

import copy
import secrets
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from html.parser import HTMLParser
from typing import TYPE_CHECKING, Any, Literal

from fedhub.errors import FedhubError
from fedhub.findings import Finding, failed, of_error, ok
from fedhub.hub.addresses import host_of, is_loopback
from fedhub.hub.values import Hub, value_at
from fedhub.services.declared import find, texts
from fedhub.services.handover import Handover, handover_of
from fedhub.services.redirects import check_redirect

if TYPE_CHECKING:
    import httpx

    from fedhub.services.application import Application, Issuer

Fate = Literal["gets in", "is refused", "is not let into the hub"]
_HOPS = 20
_PREVIEW_HOST = "127.0.0.1"
"""Where a preview listens, and where its logins come back to."""
_PERSONAS = "preview/personas"
"""Where a preview's hub says who can sign in (fedhub/preview/hubside/configuration.py)."""


@dataclass(frozen=True)
class Seen:
    """What became of a persona.

    Attributes:
        persona: its name.
        fate: in words.
        user: the user name that the application was told; "" for none.
        groups: the groups that it was told.
        roles: those of the service's own.
        confirmed: whether the hub asked the person first.
        claims: of the ID token, where the hub is an OpenID Connect issuer; else empty.
    """

    persona: str
    fate: Fate
    user: str = ""
    groups: tuple[str, ...] = ()
    roles: tuple[str, ...] = ()
    confirmed: bool = False
    claims: Mapping[str, Any] = field(default_factory=dict)


def trial(hub: Hub, service: str) -> Iterator[Seen]:
    """Start a preview of a hub, and log every persona in to a service there.

    Args:
        hub: the hub.
        service: the name of one of its services.

    Raises:
        UsageError: there is no such service.
        FedhubError: it has no callback URL; the hub can't be started, has no personas, or `tried`
            raises it.
    """
    hub = _with_token(hub, service)
    # Whatever is wrong with the values is said before a hub is started.
    check_redirect(handover_of(hub, service, hub_url="http://127.0.0.1").redirect_uri)
    from fedhub.preview.preview import Preview

    with Preview(hub) as preview:
        running = preview.start()
        if not running.personas:
            raise FedhubError(
                f"{running.authenticator} has no personas to try it with",
                fix="choose an OAuth provider",
            )
        personas: dict[str, list[str]] = {}
        for persona in running.personas:
            personas.setdefault(persona.provider, []).append(persona.name)
        yield from tried(handover_of(hub, service, hub_url=running.url), personas)


def _with_token(hub: Hub, name: str) -> Hub:
    """Return a hub whose service has a token, made up where it has none."""
    service = find(hub, name)
    if service.token:
        return hub
    values = copy.deepcopy(hub.values)
    value_at(values, service.path)[service.token_path[-1]] = secrets.token_hex(32)
    return replace(hub, values=values)


def personas_at(home: str) -> dict[str, list[str]]:
    """Return who can sign in at a hub, by provider, if it is a preview on this machine; else none.

    Args:
        home: the hub's address.
    """
    if not is_loopback(host_of(home)):
        return {}
    from fedhub.services.connection import UNREACHED, ask, said_in

    try:
        said = said_in(ask("GET", f"{home}/{_PERSONAS}")).get("personas")
    except UNREACHED:
        return {}
    found = said if isinstance(said, dict) else {}
    return {provider: list(texts(names)) for provider, names in found.items() if texts(names)}


def tried(found: Handover, personas: Mapping[str, Sequence[str]]) -> Iterator[Seen]:
    """Log personas in to a service of a preview that runs, as its application does.

    Where the hub is an OpenID Connect issuer for it, they log in that way as well. The address of
    the application is never called: the code is taken from where the hub sends people.

    Args:
        found: what the service's owner is handed, with the preview's address.
        personas: names, for each login provider of the hub.

    Raises:
        FedhubError: the hub answers the application wrongly, or lets nobody choose who to be.
    """
    from fedhub.services.application import discovered

    issuer = discovered(found.issuer) if found.issuer else None
    for provider, names in personas.items():
        path = f"{provider}/oauth_login" if len(personas) > 1 else "oauth_login"
        for name in names:
            yield _Person(name, f"{found.home}/{path}").at(found, issuer)


def play(found: Handover, personas: Mapping[str, Sequence[str]]) -> tuple[Finding, list[Seen]]:
    """Do the same for who looks at a service; say what came of it as a finding, too."""
    from fedhub.services.connection import UNREACHED

    # Cookies are of one host, and a preview's login comes back to this one.
    if (host := host_of(found.home)) != _PREVIEW_HOST:
        at = found.home.removesuffix("/hub").replace(host, _PREVIEW_HOST, 1)
        why = f"a preview's login works at {_PREVIEW_HOST} alone"
        return failed("login", found.service, why, f"look there: --hub-url {at}"), []
    try:
        seen = list(tried(found, personas))
    except FedhubError as error:
        return of_error("login", found.service, error), []
    except UNREACHED as error:
        why = f"the preview does not answer ({type(error).__name__})"
        return failed("login", found.service, why, "see that it still runs"), []
    inside = sum(one.fate == "gets in" for one in seen)
    detail = f"{inside} of {len(seen)} personas get in"
    if inside:
        return ok("login", found.service, detail), seen
    fix = "name some of them in users or groups of the service"
    return failed("login", found.service, detail, fix), seen


class _Person:
    """A persona with a browser.

    Args:
        name: the persona's.
        login: the address at which they log in to the hub.
    """

    def __init__(self, name: str, login: str) -> None:
        import httpx

        from fedhub.services.connection import connection

        self._name = name
        self._login = login
        self._browser = httpx.Client(**connection(login))

    def at(self, found: Handover, issuer: Issuer | None) -> Seen:
        """Log in to an application, and by OpenID Connect as well where there is an issuer."""
        from fedhub.services.application import Application

        with self._browser:
            if not self._logged_in(found.home):
                return Seen(self._name, "is not let into the hub")
            application = Application(found)
            answer, confirmed = self._sent_back(application)
            if not answer:
                return Seen(self._name, "is refused", confirmed=confirmed)
            told = application.told(answer)
            claims: Mapping[str, Any] = {}
            if issuer:
                application = Application(found, issuer)
                answer, _ = self._sent_back(application)
                if not answer:
                    raise FedhubError(
                        f"the hub lets {told.user} in by OAuth 2, and not by OpenID Connect",
                        fix="look at its log: `fedhub run --verbose`",
                    )
                claims = application.told(answer).claims
        return Seen(self._name, "gets in", told.user, told.groups, told.roles, confirmed, claims)

    def _logged_in(self, home: str) -> bool:
        page = self._follow(self._login)
        if str(page.url).startswith(f"{home}/"):
            raise FedhubError(
                "this preview asks nobody who they are",
                fix="start it without --as: `fedhub run` asks everybody",
            )
        done = self._onward(self._browser.post(page.url, data={"persona": self._name}))
        return not done.is_client_error

    def _sent_back(self, application: Application) -> tuple[str, bool]:
        """Return where the hub sends the browser back to, "" for nowhere, and whether it asked."""
        from fedhub.services.connection import leads_to

        page = self._follow(application.address, application)
        confirmed = page.is_success
        if confirmed:
            # The hub's pages are UTF-8; another may say that it is anything.
            fields = _hidden_fields(page.content.decode(errors="replace"))
            page = self._onward(self._browser.post(page.url, data=fields), application)
        return leads_to(page), confirmed

    def _follow(self, address: str, application: Application | None = None) -> httpx.Response:
        return self._onward(self._browser.get(address), application)

    def _onward(self, reply: httpx.Response, until: Application | None = None) -> httpx.Response:
        """Go where an answer leads, but not to the application."""
        from fedhub.services.connection import leads_to

        for _ in range(_HOPS):
            if not (there := leads_to(reply)):
                return reply
            if until and until.is_back(there):
                return reply
            reply = self._browser.get(there)
        raise FedhubError(
            "the hub sends people in circles", fix="look at its log: `fedhub run --verbose`"
        )


class _Hidden(HTMLParser):
    """Finds the fields of a form that nobody fills in."""

    def __init__(self) -> None:
        super().__init__()
        self.found: dict[str, list[str]] = {}

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        field_of = dict(attrs)
        if tag == "input" and field_of.get("type") == "hidden":
            self.found.setdefault(field_of.get("name") or "", []).append(
                field_of.get("value") or ""
            )


def _hidden_fields(page: str) -> dict[str, list[str]]:
    parser = _Hidden()
    with suppress(AssertionError):  # of the library, at some of what is no HTML
        parser.feed(page)
    return parser.found
