"""Faults on demand: how a client meets a provider that is slow, broken or lying.

| fault | what the client sees |
|---|---|
| `slow` | the answer comes `seconds` late |
| `server-error` | HTTP 500, plain text |
| `rate-limited` | HTTP 429 with `Retry-After: seconds` |
| `connection-reset` | the connection breaks before the server does anything |
| `answer-lost` | the connection breaks after the server has done what it was asked |
| `malformed-json` | a JSON answer cut in half |
| `html` | an HTML page where JSON was due |
| `wrong-nonce`, `wrong-issuer`, `wrong-audience` | an ID token with that claim false |
| `wrong-azp` | an ID token whose authorized party is another client |
| `extra-audience` | an ID token for this client and another, without `azp` |
| `bad-signature` | an ID token signed with another key under the published key's id |
| `unknown-kid` | an ID token signed with a key that is not published |
| `alg-none` | an ID token without a signature |
| `hs256` | an ID token whose HMAC is made with the public key, in PEM, as the secret |
| `no-id-token` | a token reply without an ID token |
| `expired-id-token` | an ID token that expired an hour ago |
| `missing-claim` | `claim` is absent from userinfo and the ID token |
| `different-sub` | userinfo about somebody else |
| `userinfo-jwt` | userinfo as a signed JWT (OpenID Connect Core 1.0 section 5.3.2) |
| `no-groups` | `groups` is absent from tokens, userinfo, memberships; lists of groups are empty |
| `groups-of-wrong-type` | `groups` is `value`, by default the number 7; so are lists of groups |
| `rotated-keys` | tokens signed with, and only, a new key from now on |
"""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from typing import Any, Literal, get_args

FaultName = Literal[
    "slow",
    "server-error",
    "rate-limited",
    "connection-reset",
    "answer-lost",
    "malformed-json",
    "html",
    "wrong-nonce",
    "wrong-issuer",
    "wrong-audience",
    "wrong-azp",
    "extra-audience",
    "bad-signature",
    "unknown-kid",
    "alg-none",
    "hs256",
    "no-id-token",
    "expired-id-token",
    "missing-claim",
    "different-sub",
    "userinfo-jwt",
    "no-groups",
    "groups-of-wrong-type",
    "rotated-keys",
]
FAULTS: tuple[str, ...] = get_args(FaultName)


@dataclass
class Fault:
    """One fault in force.

    Attributes:
        name: one of `FAULTS`.
        endpoint: where it strikes (`authorize`, `token`, `userinfo`, `certs`, `discovery`, …);
            None for everywhere.
        seconds: how long `slow` waits, and when `rate-limited` says to come back.
        times: how often it still strikes; None for until cleared.
        claim: what `missing-claim` leaves out.
        value: what `groups-of-wrong-type` says; any JSON.
        struck: how often it has struck.
    """

    name: str
    endpoint: str | None = None
    seconds: float = 5.0
    times: int | None = None
    claim: str = "sub"
    value: Any = 7
    struck: int = field(default=0, init=False)

    def __post_init__(self) -> None:
        """Check the types, which come from outside.

        Raises:
            ValueError: one is wrong.
        """
        wrong = (
            self.name not in FAULTS
            or not isinstance(self.endpoint, str | None)
            or not isinstance(self.seconds, int | float)
            or not isinstance(self.times, int | None)
            or not isinstance(self.claim, str)
        )
        if wrong:
            raise ValueError(
                f"a fault has name, endpoint, seconds, times, claim, value; names: {FAULTS}"
            )


class Faults:
    """The faults in force."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._faults: list[Fault] = []

    def add(self, fault: Fault) -> None:
        """Put a fault in force."""
        with self._lock:
            self._faults.append(fault)

    def clear(self) -> None:
        """Put everything right again, except that rotated keys stay rotated."""
        with self._lock:
            self._faults.clear()

    def spoil_groups(self, said: dict[str, Any], endpoint: str) -> None:
        """Take the groups out of an answer, or say nonsense of them, where a fault has it so."""
        if self.strike("no-groups", endpoint):
            said.pop("groups", None)
        if wrong := self.strike("groups-of-wrong-type", endpoint):
            said["groups"] = wrong.value

    def strike(self, name: FaultName, endpoint: str) -> Fault | None:
        """The fault, if it is in force at this endpoint; counts as one time."""
        with self._lock:
            for fault in self._faults:
                if fault.name == name and fault.endpoint in (None, endpoint):
                    fault.struck += 1
                    if fault.times is not None and fault.struck >= fault.times:
                        self._faults.remove(fault)
                    return fault
        return None
