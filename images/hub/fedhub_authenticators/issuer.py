"""An issuer's discovery document and keys, fetched when needed and kept.

OpenID Connect Discovery 1.0 section 4; JSON Web Key sets, RFC 7517 section 5.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from enum import StrEnum
from typing import Any

from jwt import PyJWK
from jwt.exceptions import PyJWKError, PyJWTError

REFETCH_AFTER = 60.0
"""Seconds that must pass before an unknown key makes the keys be fetched again."""

RETRY_AFTER = 10.0
"""Seconds for which an issuer that failed is not asked again: anybody may send a token, and who
logs in would wait behind all of them."""

KEEP_FOR = 3600.0
"""Seconds after which keys are fetched again although all are known: a withdrawn one must go."""


class Document(StrEnum):
    """What an issuer publishes; the texts say in the log what is going on."""

    DISCOVERY = "asking the issuer where its endpoints are"
    KEYS = "fetching the issuer's keys"


Fetch = Callable[[str, Document], Awaitable[Any]]
"""Takes an address and which document is there; returns the answer's JSON."""


class UnknownIssuerError(Exception):
    """The issuer, or a key of it, can't be found out; the text says what is the matter."""


GOOGLE = "https://accounts.google.com"


def names_of(issuer: str) -> list[str]:
    """Return what an issuer calls itself in tokens; Google's documentation names two."""
    return [issuer, "accounts.google.com"] if issuer == GOOGLE else [issuer]


class Issuer:
    """What an issuer says of itself.

    Args:
        address: its identifier, an address.
        fetch: gets JSON.
        jwks_url: where its keys are; "" asks the discovery document.
        clock: seconds that only grow.
    """

    def __init__(
        self,
        address: str,
        fetch: Fetch,
        *,
        jwks_url: str = "",
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.address = address
        self._fetch = fetch
        self._jwks_url = jwks_url
        self._clock = clock
        self._metadata: Mapping[str, Any] = {}
        self._metadata_at = float("-inf")
        self._keys: list[Mapping[str, Any]] = []
        self._keys_at = float("-inf")
        self._ready: dict[tuple[str | None, str], PyJWK] = {}
        self._failed: dict[str, tuple[float, Exception]] = {}
        # One fetch for all who wait, however many log in at once.
        self._lock = asyncio.Lock()

    async def metadata(self) -> Mapping[str, Any]:
        """Return the discovery document.

        Raises:
            UnknownIssuerError: it is not one, or is about another issuer.
            HTTPClientError, OSError, ValueError: the issuer did not answer as it should.
        """
        async with self._lock:
            return await self._current_metadata()

    async def _current_metadata(self) -> Mapping[str, Any]:
        if self._clock() - self._metadata_at < KEEP_FOR:
            return self._metadata
        address = self.address.rstrip("/") + "/.well-known/openid-configuration"
        found = await self._ask(address, Document.DISCOVERY)
        if not isinstance(found, Mapping) or found.get("issuer") != self.address:
            # Discovery 1.0 section 4.3: it must be the very same.
            raise UnknownIssuerError(f"{address} does not describe the issuer {self.address}")
        self._metadata, self._metadata_at = found, self._clock()
        return found

    async def key(self, kid: str | None, algorithm: str) -> PyJWK:
        """Return a public key.

        Args:
            kid: the key's id, as a token's header has it.
            algorithm: what the token says it is signed with.

        Raises:
            UnknownIssuerError: the issuer has no such key.
            HTTPClientError, OSError, ValueError: the issuer did not answer as it should.
        """
        age = self._clock() - self._keys_at
        ready = self._ready.get((kid, algorithm))
        if ready is not None and age < KEEP_FOR:
            return ready
        async with self._lock:
            # Somebody else may have fetched them in the meantime.
            age = self._clock() - self._keys_at
            known = self._find(kid, algorithm)
            if age >= KEEP_FOR or (known is None and age >= REFETCH_AFTER):
                await self._fetch_keys()
                known = self._find(kid, algorithm)
            if known is None:
                raise UnknownIssuerError(f"{self.address} has no {algorithm} key {kid!r}")
            self._ready[kid, algorithm] = known
            return known

    async def _fetch_keys(self) -> None:
        address = self._jwks_url or (await self._current_metadata()).get("jwks_uri")
        if not isinstance(address, str) or not address:
            raise UnknownIssuerError(f"{self.address} does not say where its keys are")
        found = await self._ask(address, Document.KEYS)
        keys = found.get("keys") if isinstance(found, Mapping) else None
        if not isinstance(keys, list):
            raise UnknownIssuerError(f"{address} is no key set")
        self._keys = [key for key in keys if isinstance(key, Mapping)]
        self._keys_at = self._clock()
        self._ready.clear()

    async def _ask(self, address: str, document: Document) -> Any:
        """Fetch from an address that has not just failed.

        Raises:
            HTTPClientError, OSError, ValueError: it fails, or did a moment ago.
        """
        since, why = self._failed.get(address, (float("-inf"), None))
        if why is not None and self._clock() - since < RETRY_AFTER:
            raise ConnectionError(f"{address} failed a moment ago") from why
        try:
            found = await self._fetch(address, document)
        except Exception as error:
            self._failed[address] = self._clock(), error.with_traceback(None)
            raise
        self._failed.pop(address, None)
        return found

    def _find(self, kid: str | None, algorithm: str) -> PyJWK | None:
        """Return the key that a header asks for; without an id, the only one that fits.

        OpenID Connect Core 1.0 section 10.1.
        """
        fitting = [
            key
            for key in self._keys
            if (kid is None or key.get("kid") == kid)
            and key.get("use", "sig") == "sig"
            and key.get("alg", algorithm) == algorithm
        ]
        ready = [found for key in fitting if (found := _load(key, algorithm)) is not None]
        return ready[0] if len(ready) == 1 else None


def _load(key: Mapping[str, Any], algorithm: str) -> PyJWK | None:
    """Return a key made ready, None where it is of another kind than the algorithm needs."""
    try:
        return PyJWK(dict(key), algorithm)
    except (PyJWKError, PyJWTError, ValueError, TypeError, KeyError):
        return None
