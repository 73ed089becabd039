"""What `helm test` asks a hub: is it up, and do its logins lead where the values say.

Runs in the cluster, in the hub's image, with Python's standard library alone. It asks as a browser
behind the route does, follows no redirect, and knows no secret. Every check is made, whatever the
one before found.

    hub_test.py FACTS CREDENTIALS [--hub URL] [--proxy URL] [--wait SECONDS]

FACTS is JSON, from the chart's values. CREDENTIALS is a folder with a folder for each Secret, in
the order in which the hub reads them, with files `<provider>.client_id`. Exits with 1 if a check
failed.
"""

from __future__ import annotations

import argparse
import http.client
import json
import ssl
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

PATIENCE = 10.0
"""Seconds that an answer may take."""

READ = 200_000
"""Bytes of a page that are looked at."""

Check = tuple[str, Callable[[], None]]


class CheckError(Exception):
    """A check failed: what is wrong, and what to do about it."""

    def __init__(self, what: str, to_do: str) -> None:
        super().__init__(f"{what}; {to_do}")


@dataclass(frozen=True)
class Reply:
    """What came back.

    Attributes:
        status: of HTTP.
        location: where a redirect leads, else "".
        text: the page.
    """

    status: int
    location: str
    text: str

    @property
    def query(self) -> dict[str, str]:
        """The parameters of the address that a redirect leads to."""
        return {name: values[0] for name, values in parse_qs(urlsplit(self.location).query).items()}


@dataclass(frozen=True)
class Door:
    """A Service through which the hub is reached.

    Attributes:
        address: scheme, host and port.
        domain: the host that a browser asks for.
        path: of the hub, with a slash at both ends.
    """

    address: str
    domain: str
    path: str

    def get(self, page: str) -> Reply:
        """Ask for a page below the hub's path.

        Raises:
            CheckError: nothing answers, or what answers is not HTTP.
        """
        headers = {"Host": self.domain, "X-Forwarded-Proto": "https", "Accept": "text/html"}
        connection = self._connection()
        try:
            connection.request("GET", self.path + page, headers=headers)
            reply = connection.getresponse()
            text = reply.read(READ).decode("utf-8", "replace")
            return Reply(reply.status, reply.getheader("Location") or "", text)
        except (OSError, http.client.HTTPException) as error:
            raise CheckError(
                f"{self.address} does not answer ({error})",
                "look at the pods (kubectl get pods) and at the log of the one that is not ready",
            ) from None
        finally:
            connection.close()

    def _connection(self) -> http.client.HTTPConnection:
        url = urlsplit(self.address)
        if url.scheme != "https":
            return http.client.HTTPConnection(url.netloc, timeout=PATIENCE)
        # The certificate is the domain's, and this the name of a Service. Nothing secret is sent.
        trusting = ssl.create_default_context()
        trusting.check_hostname = False
        trusting.verify_mode = ssl.CERT_NONE
        return http.client.HTTPSConnection(url.netloc, timeout=PATIENCE, context=trusting)


def healthy(door: Door) -> None:
    """Check that the hub says it is well.

    Raises:
        CheckError: it does not.
    """
    reply = door.get("hub/health")
    if reply.status != http.HTTPStatus.OK:
        raise CheckError(
            f"{door.address}{door.path}hub/health answers {reply.status}",
            "look at the log of the hub (kubectl logs deploy/hub)",
        )


def leads_to_provider(door: Door, provider: dict[str, Any], client_id: str) -> None:
    """Check that a login leads to the provider, for our client, and back to our callback.

    Args:
        door: of the proxy.
        provider: its `page` and its `callback`.
        client_id: the one that is right, or "" where the chart can't know it.

    Raises:
        CheckError: it does not.
    """
    reply = door.get(provider["page"])
    if reply.status == http.HTTPStatus.NOT_FOUND and _asks_for_a_password(door):
        return
    if reply.status == http.HTTPStatus.SERVICE_UNAVAILABLE and "not registered" in reply.text:
        raise CheckError(
            "the hub is not registered there yet, so nobody can log in",
            f"register it with the callback URL {provider['callback']}, and give the hub client id "
            "and secret (credentials in the values, or the Secret fedhub-credentials)",
        )
    _begins_a_login(door, provider["page"], reply)
    found = reply.query
    if found["redirect_uri"] != provider["callback"]:
        raise CheckError(
            f"redirect_uri is {found['redirect_uri']}, where the values say {provider['callback']}",
            "see whether the hub runs with these values, and whether jupyterhub.hub.extraConfig "
            "sets oauth_callback_url",
        )
    if client_id and found["client_id"] != client_id:
        raise CheckError(
            f"client_id is {found['client_id']}, where the credentials say {client_id}",
            "a changed Secret takes about a minute to reach the hub: test again, then see whether "
            "jupyterhub.hub.config or extraConfig sets another client_id",
        )


def leads_somewhere(door: Door) -> None:
    """Check a login that is z2jh's own: the chart knows only that it must work on this domain.

    Raises:
        CheckError: there is no login page, or the callback URL is of another domain.
    """
    page = door.get("hub/login")
    if page.status not in {http.HTTPStatus.OK, http.HTTPStatus.FOUND}:
        raise CheckError(
            f"the login page answers {page.status}",
            "look at the log of the hub (kubectl logs deploy/hub)",
        )
    reply = door.get("hub/oauth_login")
    if reply.status == http.HTTPStatus.NOT_FOUND:
        return  # it asks for no OAuth provider
    _begins_a_login(door, "hub/oauth_login", reply)
    back = reply.query["redirect_uri"]
    if not back.startswith(f"https://{door.domain}{door.path}hub/"):
        raise CheckError(
            f"redirect_uri is {back}, which is not on https://{door.domain}{door.path}",
            "correct oauth_callback_url, or global.fedhub.domain",
        )


def _asks_for_a_password(door: Door) -> bool:
    return 'type="password"' in door.get("hub/login").text


def _begins_a_login(door: Door, page: str, reply: Reply) -> None:
    """Check that a reply sends a browser to an OAuth provider (RFC 6749 section 4.1.1).

    Raises:
        CheckError: it does not, or in plain text.
    """
    if reply.status != http.HTTPStatus.FOUND:
        raise CheckError(
            f"{door.path}{page} answers {reply.status} where it should lead to the provider",
            "look at the log of the hub (kubectl logs deploy/hub)",
        )
    if urlsplit(reply.location).scheme != "https":
        raise CheckError(
            f"{door.path}{page} leads to {reply.location.partition('?')[0]}, which is no https:// "
            "address",
            "correct the provider's address in its config",
        )
    for name in ("client_id", "redirect_uri", "state"):
        if not reply.query.get(name):
            raise CheckError(
                f"{door.path}{page} leads to the provider without {name}",
                "see that the provider has its client id and that its authenticator is the right "
                "one",
            )


def logs_in_for_service(door: Door, service: dict[str, str]) -> None:
    """Check that a service's user who is not logged in is sent to log in, and comes back.

    JupyterHub judges client id and redirect URI only of people who are logged in, which nobody
    is here.

    Raises:
        CheckError: the user is sent elsewhere, or nowhere.
    """
    asked = {
        "client_id": service["client_id"],
        "redirect_uri": service["redirect_uri"],
        "response_type": "code",
        "state": "helm-test",
    }
    page = f"hub/api/oauth2/authorize?{urlencode(asked)}"
    reply = door.get(page)
    if reply.status != http.HTTPStatus.FOUND:
        raise CheckError(
            f"its authorize address answers {reply.status} where it should lead to the login",
            "look at the log of the hub (kubectl logs deploy/hub)",
        )
    back = urlsplit(reply.query.get("next", ""))
    returns = {name: values[0] for name, values in parse_qs(back.query).items()} == asked
    if not (reply.location.startswith(f"{door.path}hub/") and returns):
        raise CheckError(
            f"its authorize address leads to {reply.location.partition('?')[0]}, from where nobody "
            "comes back to the service",
            "see which authenticator or proxy changes login addresses",
        )


def client_id_of(name: str, provider: dict[str, Any], credentials: Path) -> str:
    """Return the client id that a provider should be shown; "" where that is not known.

    Of several Secrets the last one counts, as in the hub's volume.
    """
    if provider.get("fixed"):
        return str(provider["client_id"])
    folders = [folder for folder in credentials.glob("*") if folder.name.isdecimal()]
    for folder in sorted(folders, key=lambda one: int(one.name), reverse=True):
        file = folder / f"{name}.client_id"
        if file.is_file():
            return file.read_text(encoding="utf-8").strip()
    return str(provider.get("client_id") or "")


def checks(facts: dict[str, Any], credentials: Path, hub: Door, proxy: Door) -> Iterator[Check]:
    """Return all checks, each with what it is about."""
    yield "hub", partial(healthy, hub)
    yield "hub, through the proxy", partial(healthy, proxy)
    for name, provider in facts["providers"].items():
        client_id = client_id_of(name, provider, credentials)
        yield f"login {name}", partial(leads_to_provider, proxy, provider, client_id)
    if not facts["providers"]:
        yield "login of jupyterhub.hub", partial(leads_somewhere, proxy)
    for name, service in facts["services"].items():
        yield f"service {name}", partial(logs_in_for_service, proxy, service)


def wait_for(door: Door, seconds: float) -> None:
    """Wait for a hub that is just starting; what it is then, the checks say."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        try:
            healthy(door)
            break
        except CheckError:
            time.sleep(1)


def main() -> int:
    """Make all checks, and print a line for each."""
    parser = argparse.ArgumentParser(description="Ask a hub whether its logins work.")
    parser.add_argument("facts", type=Path)
    parser.add_argument("credentials", type=Path)
    parser.add_argument("--hub", help="instead of the Service of the hub")
    parser.add_argument("--proxy", help="instead of the Service of the proxy")
    parser.add_argument("--wait", type=float, default=0, help="seconds that the hub may be down")
    given = parser.parse_args()
    facts = json.loads(given.facts.read_text(encoding="utf-8"))
    hub, proxy = (
        Door(address, facts["domain"], facts["path"])
        for address in (given.hub or facts["hub"], given.proxy or facts["proxy"])
    )
    wait_for(proxy, given.wait)
    failed = False
    for about, check in checks(facts, given.credentials, hub, proxy):
        try:
            check()
            print(f"ok: {about}", flush=True)
        except CheckError as error:
            failed = True
            print(f"FAILED: {about}: {error}", flush=True)
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
