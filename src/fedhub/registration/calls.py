"""One request to a provider's management, and what its answer is worth.

GET and DELETE may be sent again: a second one does no harm. A POST never is, since providers make
a client for each, nor a PUT. When the answer to one of these is lost, nobody knows whether it was
done: `UncertainError`.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, Literal
from urllib.parse import urlsplit

import httpx

from fedhub.errors import UsageError
from fedhub.registration.errors import (
    RateLimitedError,
    RegistrationError,
    UncertainError,
    UnreachableError,
)
from fedhub.registration.refusal import Refusal

Method = Literal["GET", "POST", "PUT", "DELETE"]
Query = Mapping[str, str | Sequence[str]]

TIMEOUT = httpx.Timeout(30.0, connect=5.0)
ATTEMPTS = 3
PAUSE = 0.5
"""Seconds before the second attempt; twice as many before the third."""
LONGEST_WAIT = 30.0
"""Seconds that a server's `Retry-After` may have us wait for."""
LOOPBACK = ("127.0.0.1", "::1", "localhost")
AT_ONCE = 8
"""Requests at a time, of one command to all its providers."""
SAFE = frozenset({"GET", "DELETE"})


@dataclass(frozen=True)
class Server:
    """How a kind of server says no.

    Attributes:
        name: of the software.
        read: the refusal in an answer; None when it is not one of this software's.
        error: the error a person is shown, from the refusal and what was asked.
        refused_before_acting: what a 500 says when nothing was done; after other words, one can't
            know.
    """

    name: str
    read: Callable[[httpx.Response], Refusal | None]
    error: Callable[[Refusal, str], RegistrationError]
    refused_before_acting: tuple[str, ...] = ()


class Calls:
    """Sends requests to one server.

    Args:
        address: of the endpoint; HTTPS, except on this machine.
        auth: adds who asks; None for nobody.
        server: how it says no.
        timeout: seconds per request.
        wait: sleeps for these seconds; tests hand in their own.
        within: whether its requests are a part of others', which wait for them meanwhile.

    Raises:
        UsageError: the address is not HTTPS, and the secret would be sent in the open.
    """

    def __init__(
        self,
        address: str,
        auth: httpx.Auth | None,
        server: Server,
        *,
        timeout: httpx.Timeout | float = TIMEOUT,
        wait: Callable[[float], None] = time.sleep,
        within: bool = False,
    ) -> None:
        try:
            parts = urlsplit(address)
        except ValueError as error:
            raise UsageError(f"{address} is no address: {error}", fix="correct it") from None
        if parts.scheme != "https" and parts.hostname not in LOOPBACK:
            raise UsageError(
                f"{address} is not HTTPS: the secret would be sent in the open",
                fix="use an https:// address",
            )
        self._address = address
        self._where = parts.hostname or address
        self._server = server
        self._wait = wait
        # One that waited for a turn of its own would wait for itself.
        self._turns: AbstractContextManager[object] = nullcontext() if within else _turns
        # Redirects are not followed: they would carry the secret elsewhere.
        try:
            self._http = httpx.Client(auth=auth, timeout=timeout)
        except (OSError, ValueError) as error:
            raise UsageError(
                f"no request can be made: {error}",
                fix="mend the variables that name a proxy or certificates, such as HTTPS_PROXY",
            ) from None

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def send(
        self,
        method: Method,
        what: str,
        *,
        path: str = "",
        query: Query | None = None,
        body: Mapping[str, Any] | None = None,
        form: Mapping[str, str] | None = None,
    ) -> dict[str, Any]:
        """Send a request, again where that is safe, and return the JSON object it brought.

        Args:
            method: of HTTP.
            what: it does, for errors, such as "create the client".
            path: below the address.
            query: the parameters.
            body: sent as JSON.
            form: sent as a form.

        Raises:
            RegistrationError: it was refused, or there is no answer.
        """
        sent = {"params": query, "json": body, "data": form}
        said: dict[str, Any] = self._send(dict, method, what, path, sent)
        return said

    def send_for_list(self, method: Literal["GET"], what: str, *, path: str = "") -> list[Any]:
        """The same, for a JSON array."""
        said: list[Any] = self._send(list, method, what, path, {})
        return said

    def _send(
        self,
        kind: type[dict[str, Any]] | type[list[Any]],
        method: Method,
        what: str,
        path: str,
        sent: Mapping[str, Any],
    ) -> Any:
        attempts = ATTEMPTS if method in SAFE else 1
        lost: UncertainError | None = None
        for attempt in range(1, attempts + 1):
            failure: RegistrationError
            try:
                return self._once(kind, method, what, self._address + path, sent)
            except _LimitedError as limit:
                pause, failure = limit.seconds, self._limited(what, limit.seconds)
            except UncertainError as error:
                pause, failure = PAUSE * 2 ** (attempt - 1), error
                lost = error
            except UnreachableError as error:
                pause, failure = PAUSE * 2 ** (attempt - 1), error
            if attempt == attempts or pause > LONGEST_WAIT:
                # What one attempt may have done, a later one that failed did not undo.
                raise lost or failure from None
            self._wait(pause)
        raise AssertionError("the last attempt returns or raises")

    def _once(
        self,
        kind: type[dict[str, Any]] | type[list[Any]],
        method: Method,
        what: str,
        address: str,
        sent: Mapping[str, Any],
    ) -> Any:
        try:
            with self._turns:
                reply = self._http.request(method, address, **sent)
        except (httpx.ConnectError, httpx.ConnectTimeout) as error:
            if "CERTIFICATE_VERIFY_FAILED" in str(error):
                raise self._untrusted(what) from None
            raise self._unreachable(what, _name(error)) from None
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise self._no_answer(method, what, _name(error)) from None
        if reply.status_code == httpx.codes.TOO_MANY_REQUESTS:
            raise _LimitedError(retry_after(reply))
        if reply.status_code == httpx.codes.NO_CONTENT and method == "DELETE":
            return {}
        # The charset is what the server says: OA4MP 5.5 writes Latin-1.
        if reply.is_success and isinstance(said := _json(reply), kind):
            return said
        refusal = self._server.read(reply)
        if refusal and self._is_final(method, refusal):
            raise self._server.error(refusal, what)
        if not refusal and reply.is_client_error:
            words = f"HTTP {reply.status_code}, not from {self._server.name}"
            raise self._unreachable(what, words)
        words = refusal.words if refusal else "unreadable"
        raise self._no_answer(method, what, f"HTTP {reply.status_code}, {words}")

    def _is_final(self, method: Method, refusal: Refusal) -> bool:
        """Whether the server surely did nothing, or a repetition is of no use."""
        if refusal.status < httpx.codes.INTERNAL_SERVER_ERROR or method in SAFE:
            return True
        return refusal.says(*self._server.refused_before_acting)

    def _no_answer(self, method: Method, what: str, why: str) -> RegistrationError:
        if method == "GET":
            return self._unreachable(what, why)
        return UncertainError(
            f"{self._where} may or may not have done it, to {what}: the answer was lost ({why})",
            fix="look at what is registered before trying again",
        )

    def _limited(self, what: str, seconds: float) -> RateLimitedError:
        return RateLimitedError(
            f"{self._where} has had too many requests; it did not {what}",
            fix=f"try again in {seconds:.0f} seconds",
        )

    def _untrusted(self, what: str) -> UnreachableError:
        return UnreachableError(
            f"{self._where} can't be asked to {what}: its certificate is not trusted",
            fix="check the address; for an authority of your own, name its certificate in "
            "SSL_CERT_FILE",
        )

    def _unreachable(self, what: str, why: str) -> UnreachableError:
        return UnreachableError(
            f"{self._where} can't be asked to {what}: {why}",
            fix="check the address and the network, and try again",
        )


_turns = threading.BoundedSemaphore(AT_ONCE)


class _LimitedError(Exception):
    def __init__(self, seconds: float) -> None:
        super().__init__()
        self.seconds = seconds


def retry_after(reply: httpx.Response) -> float:
    """Seconds to wait, from a number or a date (RFC 9110 section 10.2.3); `PAUSE` without one."""
    given = reply.headers.get("Retry-After", "").strip()
    if given.isascii() and given.isdigit():
        return float(given)
    try:
        until = parsedate_to_datetime(given)
    except (ValueError, OverflowError):
        return PAUSE
    if until.tzinfo is None:
        return PAUSE
    return max(0.0, (until - datetime.now(UTC)).total_seconds())


def _json(reply: httpx.Response) -> Any:
    try:
        return json.loads(reply.text)
    except (ValueError, RecursionError):
        return None


def _name(error: Exception) -> str:
    """What happened, without the request, which carries the secret."""
    return type(error).__name__
