"""The sign-in page: a person picks an institution and a persona, edits claims, or refuses.

Served at every face's authorize address. Posting `persona=NAME` to that address, query and all,
signs that persona in; `claims` (a JSON object) replaces the persona's claims, `cancel` refuses.
A browser that has signed in goes on without the page, unless `prompt` says otherwise.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from urllib.parse import urlencode, urlsplit

from authlib.oauth2.rfc6749.errors import OAuth2Error
from flask import Response, render_template, request

from fedhub.access.persona import Persona
from fedhub.idp import sessions
from fedhub.idp.authorization import Server
from fedhub.idp.claims import known_of, parse_claims, split_hint
from fedhub.idp.client import Client
from fedhub.idp.protocol import NOTHING, ProtocolRequest
from fedhub.idp.records import SignIn
from fedhub.idp.refusals import Reason
from fedhub.idp.site import Site, error_page, no_store
from fedhub.idp.state import username_of

OWN_FIELDS = frozenset({"persona", "claims", "cancel"})
"""Form fields of the page itself; all others belong to the authorization request."""
ASK_ANEW = frozenset({"login", "select_account"})
"""Values of `prompt` that show the page to somebody who is signed in."""


@dataclass(frozen=True)
class Institution:
    """One group of personas on the page.

    Attributes:
        entity_id: as in `idphint`.
        name: as people know it.
        personas: who can sign in there.
        hidden: the hub asked for other institutions only.
        preselected: shown open.
    """

    entity_id: str
    name: str
    personas: list[Persona]
    hidden: bool
    preselected: bool


class DeniedError(Exception):
    """The client is told no, by a redirect to its callback (RFC 6749 section 4.1.2.1)."""

    def __init__(self, error: str, words: str) -> None:
        super().__init__(words)
        self.error = error
        self.words = words


@dataclass(frozen=True)
class Draft:
    """Claims a person typed that could not be used, and why."""

    persona: str
    claims: str
    problem: str


def authorize(site: Site, server: Server, *, implied: Mapping[str, str] = NOTHING) -> Response:
    """Answer an authorization request (RFC 6749 section 4.1.1), GET or POST.

    Args:
        site: the face it came to.
        server: issues the code.
        implied: parameters the face does not ask for, such as GitHub's `response_type`.
    """
    values = dict(implied) | _own_values()
    client = site.client(values.get("client_id", ""))
    if client is None:
        return site.refuse_authorize(Reason.UNKNOWN_CLIENT, values.get("redirect_uri", ""))
    callback = values.get("redirect_uri") or _only(client.redirect_uris)
    if callback not in client.redirect_uris:
        return site.refuse_authorize(Reason.WRONG_CALLBACK, callback)
    session = sessions.seen(site, client)
    try:
        _check(site, client, values)
        grant = server.get_consent_grant(_protocol_request(implied), end_user=session)
        chosen = _choose(site, client, values, session)
    except DeniedError as error:
        return site.deny(callback, error.error, error.words, values.get("state", ""))
    except OAuth2Error as error:
        words = str(error.get_error_description() or "The request is not valid")
        return site.deny(callback, error.error, words, values.get("state", ""))
    if isinstance(chosen, Response):
        return chosen
    signin = chosen if chosen is session else sessions.begin(site, chosen)
    reply: Response = server.create_authorization_response(
        grant.request, grant_user=signin, grant=grant
    )
    sessions.remember(site, reply, signin)
    return reply


def institutions(
    personas: list[Persona], *, wanted: list[str], first: str = ""
) -> list[Institution]:
    """Group personas by institution.

    Args:
        personas: those of one login provider.
        wanted: entity IDs from `idphint` or `selected_idp`; unknown ones are dropped, and where
            none is left all are shown, as CILogon does.
        first: the entity ID to preselect (`initialidp`); without one all are open.
    """
    by_idp: dict[str, list[Persona]] = {}
    for persona in personas:
        by_idp.setdefault(persona.idp, []).append(persona)
    known = [idp for idp in wanted if idp in by_idp]
    order = known + [idp for idp in by_idp if idp not in known]
    return [
        Institution(
            entity_id=idp,
            name=by_idp[idp][0].idp_name or idp,
            personas=by_idp[idp],
            hidden=bool(known) and idp not in known,
            preselected=idp == first or first not in by_idp,
        )
        for idp in order
    ]


def _check(site: Site, client: Client, values: dict[str, str]) -> None:
    """Look at what the client must be told of, before Authlib looks.

    Raises:
        DeniedError: something is wrong.
    """
    for name in ("response_type", "client_id", "redirect_uri", "scope", "state"):
        if len(request.values.getlist(name)) > 1:  # RFC 6749 section 3.1
            raise DeniedError("invalid_request", f"The parameter {name} was sent more than once")
    if not values.get("response_type"):
        raise DeniedError("invalid_request", "The parameter response_type is missing")
    if values["response_type"] != "code":
        raise DeniedError("unsupported_response_type", "Only the response type code is supported")
    if words := site.refused_scope(values.get("scope", ""), client):
        raise DeniedError("invalid_scope", words)
    prompts = _prompts(site, values)
    if "none" in prompts and len(prompts) > 1:
        raise DeniedError("invalid_request", "The prompt none can't be combined")


def _choose(
    site: Site, client: Client, values: dict[str, str], session: SignIn | None
) -> SignIn | Response:
    """Who signs in, or the page that asks (OpenID Connect Core 1.0 section 3.1.2.1, `prompt`).

    Raises:
        DeniedError: the person refused, or may not be asked.
    """
    if "cancel" in request.form:
        raise DeniedError("access_denied", site.cancelled_words)
    prompts = _prompts(site, values)
    anew = bool(prompts & ASK_ANEW)
    asked = request.form.get("persona") or ("" if anew else _at_once(site, client))
    kept = session if _outlives(site, prompts) else None
    if kept is not None and asked in {one.name for one in _people_at(site, client, kept.idp)}:
        return kept
    if asked:
        made = _signin(site, client, asked, request.form.get("claims", ""))
        if isinstance(made, Draft):
            return _page(site, client, values, made, kept=kept)
        words = site.refused_person(made.claims)
        return error_page(site.title, words, HTTPStatus.BAD_REQUEST) if words else made
    elsewhere = session is not None and _hinted_elsewhere(site, client, values, session)
    if session is not None and not anew and not elsewhere:
        return session
    if "none" in prompts and elsewhere:
        raise DeniedError("interaction_required", "The user is signed in at another institution")
    if "none" in prompts:
        raise DeniedError("login_required", "The user is not signed in")
    return _page(site, client, values, kept=kept)


def _outlives(site: Site, prompts: set[str]) -> bool:
    """Whether a session stays good for its own institution, whoever is to choose there.

    With `select_account` CILogon shows its list of institutions, no more; with `login` it forgets
    whose session it is (cilogon/service-lib@2da9f06, Content.php).
    """
    return site.institutions_have_sessions and prompts & ASK_ANEW == {"select_account"}


def _people_at(site: Site, client: Client, idp: str) -> list[Persona]:
    return [one for one in site.state.personas(client.provider) if one.idp == idp]


def _hinted_elsewhere(site: Site, client: Client, values: dict[str, str], session: SignIn) -> bool:
    """Whether the hub wants people of institutions that this session is not of."""
    if not site.institutions_have_sessions:
        return False
    known = {persona.idp for persona in site.state.personas(client.provider)}
    wanted = known.intersection(_hints(values))
    return bool(wanted) and session.idp not in wanted


def _at_once(site: Site, client: Client) -> str:
    """The persona that signs in without being asked, if this client can have it."""
    mine = {persona.name for persona in site.state.personas(client.provider)}
    return site.state.sign_in_as if site.state.sign_in_as in mine else ""


def _signin(site: Site, client: Client, name: str, text: str) -> SignIn | Draft:
    mine = site.state.personas(client.provider)
    persona = next((p for p in mine if p.name == name), None)
    if persona is None:
        return Draft(name, text, f"There is no persona “{name[:80]}” for this login.")
    if site.state.is_disabled(name):
        return Draft(name, text, f"The account of {name} is disabled.")
    try:
        claims = known_of(persona, parse_claims(text) if text.strip() else None)
    except ValueError as error:
        return Draft(name, text, str(error))
    signin = SignIn(
        client=client,
        persona=persona.name,
        claims=claims,
        idp=persona.idp,
        idp_name=persona.idp_name,
        auth_time=site.state.clock(),
    )
    site.state.remember(signin, username_of(claims, persona.name))
    return signin


def _page(
    site: Site,
    client: Client,
    values: dict[str, str],
    draft: Draft | None = None,
    *,
    kept: SignIn | None = None,
) -> Response:
    people = site.state.personas(client.provider)
    if kept is not None:
        people = [one for one in people if kept.persona == one.name or kept.idp != one.idp]
    groups = institutions(
        people,
        wanted=_hints(values),
        first=values.get("initialidp", ""),
    )
    page = render_template(
        "signin.html",
        title=site.title,
        client=client,
        callback=urlsplit(client.redirect_uris[0]).netloc if client.redirect_uris else "",
        action=f"{request.path}?{urlencode(values)}",
        shown=[group for group in groups if not group.hidden],
        hidden=[group for group in groups if group.hidden],
        claims_text=_claims_text,
        draft=draft,
        signed_in=kept.persona if kept else "",
    )
    return no_store(Response(page, 400 if draft else 200, mimetype="text/html"))


def _claims_text(persona: Persona) -> str:
    return json.dumps(dict(persona.claims), indent=2, ensure_ascii=False, default=str)


def _only(uris: tuple[str, ...]) -> str:
    """The callback meant by a request that names none (RFC 6749 section 3.1.2.3)."""
    return uris[0] if len(uris) == 1 else ""


def _own_values() -> dict[str, str]:
    return {name: request.values[name] for name in request.values if name not in OWN_FIELDS}


def _protocol_request(implied: Mapping[str, str]) -> ProtocolRequest:
    """The request as Authlib checks it; `prompt` is `_choose`'s business."""
    values = {name: [value] for name, value in implied.items()}
    passed = [n for n in request.values if n not in OWN_FIELDS and n != "prompt"]
    values |= {name: request.values.getlist(name) for name in passed}
    return ProtocolRequest(values, request.headers)


def _hints(values: dict[str, str]) -> list[str]:
    """The institutions the hub wants to offer; `idphint` wins."""
    return split_hint(values.get("idphint") or values.get("selected_idp", ""))


def _prompts(site: Site, values: dict[str, str]) -> set[str]:
    asked = set(values.get("prompt", "").split())
    return site.prompts(asked)
