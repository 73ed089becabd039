"""Faults on demand: how a client meets a provider that is slow, broken or lying.

| fault | what the client sees |
|---|---|
| `slow` | the answer comes `seconds` late |
| `server-error` | HTTP 500, plain text |
| `malformed-json` | a JSON answer cut in half |
| `html` | an HTML page where JSON was due |
| `wrong-nonce`, `wrong-issuer`, `wrong-audience` | an ID token with that claim false |
| `bad-signature` | an ID token signed with another key |
| `expired-id-token` | an ID token that expired an hour ago |
| `missing-claim` | `claim` is absent from userinfo and the ID token |
| `different-sub` | userinfo about somebody else |
| `rotated-keys` | tokens signed with, and only, a new key from now on |
"""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from typing import Literal, get_args

FaultName = Literal[
    "slow",
    "server-error",
    "malformed-json",
    "html",
    "wrong-nonce",
    "wrong-issuer",
    "wrong-audience",
    "bad-signature",
    "expired-id-token",
    "missing-claim",
    "different-sub",
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
        seconds: how long `slow` waits.
        times: how often it still strikes; None for until cleared.
        claim: what `missing-claim` leaves out.
        struck: how often it has struck.
    """

    name: str
    endpoint: str | None = None
    seconds: float = 5.0
    times: int | None = None
    claim: str = "sub"
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
            raise ValueError(f"a fault has name, endpoint, seconds, times, claim; names: {FAULTS}")


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
