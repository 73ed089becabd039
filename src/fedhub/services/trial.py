"""An application played against a preview of its hub: what becomes of each persona."""

from __future__ import annotations

import base64
import hashlib
import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import parse_qs, urljoin, urlsplit

from fedhub.errors import FedhubError
from fedhub.hub.values import Hub
from fedhub.services.declared import Service
from fedhub.services.redirects import check_redirect

if TYPE_CHECKING:
    import httpx

    from fedhub.access.persona import Persona
    from fedhub.preview.preview import Running

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
        confirmed: whether the hub asked the person first.
    """

    persona: str
    fate: Fate
    user: str = ""
    groups: tuple[str, ...] = ()
    confirmed: bool = False


def trial(hub: Hub, service: Service) -> Iterator[Seen]:
    """Log every persona of a hub in to a service, as its application does (RFC 6749, RFC 7636).

    The application's own address is never called: the code is taken from where the hub sends
    people.

    Args:
        hub: the hub.
        service: one of its services, with a token and a callback URL.

    Raises:
        FedhubError: the hub can't be started, has no personas, or answers the application wrongly.
    """
    from fedhub.preview.preview import Preview

    if not service.token or not service.redirect_uri:
        raise FedhubError(
            f"{service.name} has no token or no callback URL",
            fix=f"`fedhub secrets generate {hub.name}` makes the token",
            position=service.position,
        )
    check_redirect(service.redirect_uri)
    with Preview(hub) as preview:
        running = preview.start()
        if not running.personas:
            raise FedhubError(
                f"{running.authenticator} has no personas to try it with",
                fix="choose an OAuth provider",
            )
        for persona in running.personas:
            yield _Application(running, service).seen_by(persona)


class _Application:
    """The application of one person, and that person's browser."""

    def __init__(self, running: Running, service: Service) -> None:
        import httpx

        self._running = running
        self._service = service
        self._home = f"{running.url}hub"
        self._browser = httpx.Client(timeout=30, trust_env=False)

    def seen_by(self, persona: Persona) -> Seen:
        """Log a persona in."""
        with self._browser:
            if not self._logged_in(persona):
                return Seen(persona.name, "is not let into the hub")
            state, verifier = secrets.token_hex(16), secrets.token_urlsafe(48)
            page = self._follow(self._browser.get(self._address(state, verifier)))
            confirmed = page.is_success
            if confirmed:
                xsrf = self._browser.cookies.get("_xsrf", path=urlsplit(self._home).path + "/")
                page = self._follow(self._browser.post(page.url, data={"_xsrf": xsrf or ""}))
            if not page.is_redirect:
                return Seen(persona.name, "is refused", confirmed=confirmed)
            user = self._user(page.headers["location"], state, verifier)
        return Seen(
            persona.name, "gets in", str(user["name"]), tuple(user.get("groups", ())), confirmed
        )

    def _logged_in(self, persona: Persona) -> bool:
        several = len(self._running.providers) > 1
        path = f"{persona.provider}/oauth_login" if several else "oauth_login"
        page = self._follow(self._browser.get(f"{self._home}/{path}"))
        done = self._follow(self._browser.post(page.url, data={"persona": persona.name}))
        return not done.is_client_error

    def _address(self, state: str, verifier: str) -> str:
        import httpx

        digest = hashlib.sha256(verifier.encode()).digest()
        query = httpx.QueryParams(
            response_type="code",
            client_id=self._service.client_id,
            redirect_uri=self._service.redirect_uri,
            state=state,
            code_challenge=base64.urlsafe_b64encode(digest).rstrip(b"=").decode(),
            code_challenge_method="S256",
        )
        return f"{self._home}/api/oauth2/authorize?{query}"

    def _follow(self, reply: httpx.Response) -> httpx.Response:
        """Go where an answer leads, but not to the application."""
        for _ in range(_HOPS):
            if not reply.is_redirect:
                return reply
            there = urljoin(str(reply.url), reply.headers["location"])
            if _is_at(there, self._service.redirect_uri):
                return reply
            reply = self._browser.get(there)
        raise self._wrong("sends people in circles")

    def _user(self, answer: str, state: str, verifier: str) -> dict[str, Any]:
        """Return whom the hub names, in exchange for the code."""
        told = {name: values[0] for name, values in parse_qs(urlsplit(answer).query).items()}
        if told.get("state") != state or "code" not in told:
            raise self._wrong(f"answers {told.get('error', 'without a code')}")
        grant = {
            "grant_type": "authorization_code",
            "code": told["code"],
            "redirect_uri": self._service.redirect_uri,
            "client_id": self._service.client_id,
            "client_secret": self._service.token,
            "code_verifier": verifier,
        }
        import httpx

        with httpx.Client(timeout=30, trust_env=False) as machine:  # which has no cookies
            token = machine.post(f"{self._home}/api/oauth2/token", data=grant)
            if not token.is_success:
                raise self._wrong(f"answers {token.status_code} to the client secret")
            bearer = {"Authorization": f"Bearer {token.json()['access_token']}"}
            found: dict[str, Any] = machine.get(f"{self._home}/api/user", headers=bearer).json()
        return found

    def _wrong(self, what: str) -> FedhubError:
        return FedhubError(
            f"the hub {what} when {self._service.name} logs somebody in",
            fix="look at its log: `fedhub run --verbose`",
            position=self._service.position,
        )


def _is_at(address: str, callback: str) -> bool:
    return address.partition("?")[0] == callback.partition("?")[0]
