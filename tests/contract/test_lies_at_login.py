"""A provider that lies, or leaves out what counts, lets nobody in, and the operator learns why."""

from __future__ import annotations

from typing import Any

import pytest
from fedhub_authenticators import issuer

from fedhub.idp.faults import FAULTS
from fedhub.idp.server import IdentityProvider
from tests.asynchronous import run_async
from tests.contract.overheard import BROKEN, PROVIDERS, Secrets, a_hub, log_in, name_of

OPENID = ("cilogon", "keycloak", "custos", "custos-v1", "oidc")

LIES = {
    "wrong-nonce": "id-token",
    "wrong-issuer": "id-token",
    "wrong-audience": "id-token",
    "bad-signature": "id-token",
    "expired-id-token": "id-token",
    "wrong-azp": "id-token",
    "extra-audience": "id-token",
    "unknown-kid": "id-token",
    "alg-none": "id-token",
    "hs256": "id-token",
    "no-id-token": "id-token",
    "different-sub": "subject",
    "userinfo-jwt": "provider-failed",
}
"""Faults after which nobody may get in, with the reason."""

NOT_AT = {"custos": {"different-sub", "userinfo-jwt"}}
"""Custos' legacy user has no `sub`, and is never a JSON Web Token."""

MISSING = [
    *((face, "sub", "id-token") for face in OPENID),
    ("cilogon", "email", "no-user-name"),
    *((face, "preferred_username", "no-user-name") for face in ("keycloak", "custos-v1", "oidc")),
]
"""Claims that a login can't do without."""

GROUP = {"oidc": "team-a", "custos": "group-1", "custos-v1": "group-1", "github": "astro"}
"""The group that lets people in."""

NO_GROUPS = {
    "oidc": "not-allowed",
    "github": "not-allowed",
    "custos-v1": "not-allowed",
    "custos": "groups",  # an answer about groups that holds none, not one that may leave them out
}

OTHERS = {
    "missing-claim": "test_a_claim_that_is_missing_lets_nobody_in",
    "no-groups": "test_nobody_gets_in_by_groups_that_are_not_told",
    "groups-of-wrong-type": "test_nobody_gets_in_by_groups_that_make_no_sense",
    "rotated-keys": "test_new_keys_lock_nobody_out",
}
"""Faults with a test of their own."""


def test_no_fault_is_left_out() -> None:
    """Those that spoil any answer are no lies; `test_faults_at_login` has them everywhere."""
    assert sorted([*LIES, *OTHERS, *BROKEN]) == sorted(FAULTS)
    assert all(test in globals() for test in OTHERS.values())


def outcome(provider: IdentityProvider, face: str, **more: Any) -> Any:
    """Log in at a hub of its own; return the answer's status and the line in the log."""
    secrets = Secrets(provider)

    async def go() -> tuple[int, str]:
        async with a_hub(face, provider, secrets, **more) as (hub, visitor):
            reply = await log_in(visitor, face, secrets)
            (line,) = [line for line in secrets.said if line.startswith("login ")]
            known = [user.name for user in hub.users.values()]
            assert known == ([name_of(face)] if reply.status_code == 302 else [])
            return reply.status_code, line

    found = run_async(go())
    secrets.check()
    return found


@pytest.mark.parametrize("face", OPENID)
def test_a_lie_lets_nobody_in(provider: IdentityProvider, face: str) -> None:
    secrets = Secrets(provider)

    async def go() -> None:
        async with a_hub(face, provider, secrets) as (hub, visitor):
            for lie, reason in LIES.items():
                if lie in NOT_AT.get(face, ()):
                    continue
                secrets.said.clear()
                fault = provider.inject(lie)
                visitor.cookies.clear()
                reply = await log_in(visitor, face, secrets)
                provider.clear_faults()
                assert fault.struck, lie
                assert reply.status_code == (502 if reason == "provider-failed" else 403), lie
                assert not list(hub.users), lie
                said = [line for line in secrets.said if line.startswith("login ")]
                assert said == [f"login refused provider={face} reason={reason}"], lie

    run_async(go())


@pytest.mark.parametrize(("face", "claim", "reason"), MISSING)
def test_a_claim_that_is_missing_lets_nobody_in(
    provider: IdentityProvider, face: str, claim: str, reason: str
) -> None:
    provider.inject("missing-claim", claim=claim)
    line = f"login refused provider={face} reason={reason}"
    assert outcome(provider, face) == (403, line)


def by_group(face: str) -> dict[str, Any]:
    return {"allow_all": False, "allowed_groups": [GROUP[face]]}


@pytest.mark.parametrize("face", GROUP)
def test_nobody_gets_in_by_groups_that_are_not_told(provider: IdentityProvider, face: str) -> None:
    assert outcome(provider, face, **by_group(face))[0] == 302
    provider.inject("no-groups")
    status, line = outcome(provider, face, **by_group(face))
    assert line.startswith(f"login refused provider={face} reason={NO_GROUPS[face]}")
    assert status == (502 if face == "custos" else 403)


@pytest.mark.parametrize("face", GROUP)
@pytest.mark.parametrize("wrong", ["a number", "a text", "numbers", "a table"])
def test_nobody_gets_in_by_groups_that_make_no_sense(
    provider: IdentityProvider, face: str, wrong: str
) -> None:
    group = GROUP[face]
    value = {"a number": 7, "a text": group, "numbers": [7], "a table": {group: True}}[wrong]
    provider.inject("groups-of-wrong-type", value=value)
    line = f"login refused provider={face} reason=groups user=ada"
    expected = (502 if face == "custos" else 403, line)
    assert outcome(provider, face, **by_group(face)) == expected
    # Not even where a group is not what lets them in: the hub would not know what they may do.
    assert outcome(provider, face) == expected


@pytest.mark.parametrize("face", PROVIDERS)
def test_new_keys_lock_nobody_out(
    provider: IdentityProvider, face: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    # A real issuer publishes a key before it uses it; this one has not got the minute.
    monkeypatch.setattr(issuer, "REFETCH_AFTER", 0)
    secrets = Secrets(provider)

    async def go() -> None:
        async with a_hub(face, provider, secrets) as (_, visitor):
            assert (await log_in(visitor, face, secrets)).status_code == 302
            provider.inject("rotated-keys")
            visitor.cookies.clear()
            assert (await log_in(visitor, face, secrets)).status_code == 302

    run_async(go())
