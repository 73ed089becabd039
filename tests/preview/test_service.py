"""An external service logs its users in through the hub; only those named may use it."""

from __future__ import annotations

from urllib.parse import parse_qs, urlsplit

import httpx

from tests.previews import RunningHub, Visitor, running_hub

CALLBACK = "https://grafana.example.org/login/generic_oauth"


def asked_by_the_service(hub: RunningHub, persona: str) -> httpx.Response:
    """Send a logged-in persona to the hub, as the service does."""
    with Visitor() as visitor:
        visitor.log_in(hub, persona)
        return visitor.get(
            f"{hub.url}hub/api/oauth2/authorize",
            params={
                "client_id": "service-grafana",
                "redirect_uri": CALLBACK,
                "response_type": "code",
                "state": "s",
            },
        )


def test_those_who_may_use_it_are_sent_back_with_a_code() -> None:
    with running_hub("external-service") as hub:
        reply = asked_by_the_service(hub, "campus-group-instructors")
        assert reply.headers["location"].startswith(f"{CALLBACK}?")
        answer = parse_qs(urlsplit(reply.headers["location"]).query)
        assert answer["state"] == ["s"]
        assert answer["code"]
        refused = asked_by_the_service(hub, "campus-group-researchers")
        assert refused.status_code == 403
