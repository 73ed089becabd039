"""An application played against a preview of its hub: what becomes of each persona."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import urljoin

from fedhub.errors import FedhubError
from fedhub.hub.values import Hub
from fedhub.services.handover import Handover, handover_of
from fedhub.services.redirects import check_redirect

if TYPE_CHECKING:
    import httpx

    from fedhub.access.persona import Persona
    from fedhub.preview.preview import Running
    from fedhub.services.application import Application, Issuer

Fate = Literal["gets in", "is refused", "is not let into the hub"]
_HOPS = 20


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
    """Log every persona of a hub in to a service, as its application does.

    Where the hub is an OpenID Connect issuer for it, they log in that way as well. The address of
    the application is never called: the code is taken from where the hub sends people.

    Args:
        hub: the hub.
        service: the name of one of its services.

    Raises:
        UsageError: there is no such service.
        FedhubError: it has no token or no callback URL; the hub can't be started, has no personas,
            or answers the application wrongly.
    """
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
        from fedhub.services.application import discovered

        found = handover_of(hub, service, hub_url=running.url)
        issuer = discovered(found.issuer) if found.issuer else None
        for persona in running.personas:
            yield _Person(running, persona).at(found, issuer)


class _Person:
    """A persona with a browser."""

    def __init__(self, running: Running, persona: Persona) -> None:
        import httpx

        self._running = running
        self._persona = persona
        self._browser = httpx.Client(timeout=30, trust_env=False)

    def at(self, found: Handover, issuer: Issuer | None) -> Seen:
        """Log in to an application, and by OpenID Connect as well where there is an issuer."""
        from fedhub.services.application import Application

        with self._browser:
            if not self._logged_in():
                return Seen(self._persona.name, "is not let into the hub")
            application = Application(found)
            answer, confirmed = self._sent_back(application)
            if not answer:
                return Seen(self._persona.name, "is refused", confirmed=confirmed)
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
        return Seen(
            self._persona.name, "gets in", told.user, told.groups, told.roles, confirmed, claims
        )

    def _logged_in(self) -> bool:
        several = len(self._running.providers) > 1
        path = f"{self._persona.provider}/oauth_login" if several else "oauth_login"
        page = self._follow(f"{self._running.url}hub/{path}")
        done = self._onward(self._browser.post(page.url, data={"persona": self._persona.name}))
        return not done.is_client_error

    def _sent_back(self, application: Application) -> tuple[str, bool]:
        """Return where the hub sends the browser back to, "" for nowhere, and whether it asked."""
        page = self._follow(application.address, application)
        confirmed = page.is_success
        if confirmed:
            agreed = self._browser.post(page.url, data=_hidden_fields(page.text))
            page = self._onward(agreed, application)
        return page.headers["location"] if page.is_redirect else "", confirmed

    def _follow(self, address: str, application: Application | None = None) -> httpx.Response:
        return self._onward(self._browser.get(address), application)

    def _onward(self, reply: httpx.Response, until: Application | None = None) -> httpx.Response:
        """Go where an answer leads, but not to the application."""
        for _ in range(_HOPS):
            if not reply.is_redirect:
                return reply
            there = urljoin(str(reply.url), reply.headers["location"])
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
    parser.feed(page)
    return parser.found
