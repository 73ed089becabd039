"""Faults that break an answer, whatever it says: what happens before a face answers, and after."""

from __future__ import annotations

import os
import socket
import struct

from flask import Response, g, jsonify, request

from fedhub.idp.site import Site
from fedhub.idp.state import State

LISTS_OF_GROUPS = frozenset({"groups", "all-groups", "orgs", "teams"})
"""Endpoints that answer with somebody's groups alone."""


def before(state: State, endpoint: str) -> Response | None:
    """Be slow, break off or fail, where a fault says so."""
    faults = state.faults
    if slow := faults.strike("slow", endpoint):
        state.stopping.wait(slow.seconds)
    if faults.strike("connection-reset", endpoint):
        _reset()
        return Response(status=503)  # nobody reads it, and nothing is done
    if limit := faults.strike("rate-limited", endpoint):
        headers = {"Retry-After": str(int(limit.seconds))}
        return Response("Too Many Requests", 429, headers, mimetype="text/plain")
    if faults.strike("server-error", endpoint):
        return Response("Internal Server Error", 500, mimetype="text/plain")
    return None


def after(state: State, endpoint: str, reply: Response) -> Response:
    """Lose an answer or spoil a JSON one, where a fault says so."""
    faults = state.faults
    if faults.strike("answer-lost", endpoint):
        _reset()
    if not reply.is_json:
        return reply
    if endpoint in LISTS_OF_GROUPS:
        _spoil_groups(state, endpoint, reply)
    if faults.strike("malformed-json", endpoint):
        body = reply.get_data()
        reply.set_data(body[: max(1, len(body) // 2)].rstrip(b"}]\n"))
    elif faults.strike("html", endpoint):
        reply.set_data("<!doctype html><title>Bad Gateway</title><h1>502 Bad Gateway</h1>")
        reply.content_type = "text/html; charset=utf-8"
    elif endpoint == "userinfo" and reply.status_code == 200:  # noqa: PLR2004 - OK
        _sign(state, reply)
    return reply


def _spoil_groups(state: State, endpoint: str, reply: Response) -> None:
    said = reply.get_json()
    if isinstance(said, dict):
        state.faults.spoil_groups(said, endpoint)
    elif state.faults.strike("no-groups", endpoint):
        said = []
    elif wrong := state.faults.strike("groups-of-wrong-type", endpoint):
        said = wrong.value
    reply.set_data(jsonify(said).get_data())


def _sign(state: State, reply: Response) -> None:
    """Userinfo as OpenID Connect Core 1.0 section 5.3.2 allows it, for clients that asked so."""
    if state.faults.strike("userinfo-jwt", "userinfo"):
        site: Site = g.site
        reply.set_data(state.keys.sign({**reply.get_json(), "iss": site.issuer}))
        reply.content_type = "application/jwt"


def _reset() -> None:
    """Have the kernel break the connection off (TCP's RST) in place of an answer.

    Raises:
        ConnectionResetError: there is no connection, in a test without a socket.
    """
    connection: socket.socket | None = request.environ.get("werkzeug.socket")
    if connection is None:
        raise ConnectionResetError
    linger = struct.pack("ii", 1, 0)  # socket(7): close without sending what is left
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
    # Others hold the descriptor, so what it stands for is exchanged: the connection is closed,
    # and the server, writing its answer, finds that nobody is there.
    ours, theirs = socket.socketpair()
    with ours, theirs:
        os.dup2(ours.fileno(), connection.fileno())
