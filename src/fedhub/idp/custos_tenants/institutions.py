"""The institutions that a tenant's people are shown: all, those of a list, or all but a list.

It filters what is shown, no more: whoever knows an address signs in anywhere.
"""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, jsonify

from fedhub.idp.custos_tenants.callers import authenticated
from fedhub.idp.custos_tenants.messages import INSTITUTIONS, asked
from fedhub.idp.custos_tenants.refusals import INTERNAL, RefusedError, invalid, unauthorized
from fedhub.idp.state import State


class Filter:
    """A tenant's lists of institutions.

    Args:
        state: the provider's memory.
    """

    def __init__(self, state: State) -> None:
        self._state = state

    def add(self) -> Response:
        """Put institutions on one of the lists."""
        said, realm = self._asked("addToCache")
        entities = self._entities(said, "addToCache")
        twice = self._state.tenants.add_institutions(realm, entities, said["type"])
        if twice:
            words = f"reason :ALREADY_EXISTS:  Duplicate entry with Id  {twice}"
            text = f"Error occurred calling addToCache method for tenant  {realm} {words}"
            raise RefusedError(INTERNAL, text)
        return jsonify(status=True)

    def remove(self) -> Response:
        """Take institutions off them; one that is on none is fine."""
        said, realm = self._asked("removeFromCache")
        self._state.tenants.remove_institutions(realm, self._entities(said, "removeFromCache"))
        return jsonify(status=True)

    def kept(self) -> Response:
        """One of the lists, as far as CILogon knows the institutions."""
        said, realm = self._asked("getFromCache")
        known = self._known()
        on = self._state.tenants.institutions(realm, said["type"])
        return jsonify(institutions=[known[entity] for entity in on if entity in known])

    def offered(self) -> Response:
        """What people may choose from."""
        _, realm = self._asked("getInstitutions")
        known = self._known()
        only = self._state.tenants.institutions(realm, "WHITELIST")
        never = self._state.tenants.institutions(realm, "BACKLIST")
        chosen = set(only) if only else known.keys() - set(never)
        return jsonify(institutions=[one for entity, one in known.items() if entity in chosen])

    def _asked(self, call: str) -> tuple[dict[str, Any], str]:
        said = asked(INSTITUTIONS)
        try:
            client = authenticated(self._state)
        except RefusedError as error:
            raise unauthorized(call, error.message) from None
        return {"type": "WHITELIST", **said}, client.realm

    @staticmethod
    def _entities(said: dict[str, Any], call: str) -> list[str]:
        entities: list[str] = said.get("institution_ids", [])
        if not entities:
            raise invalid(call, "Institutional id list is empty")
        return entities

    def _known(self) -> dict[str, dict[str, Any]]:
        """The message `Institution` of each that has a persona, by entity id."""
        return {
            one.idp: {
                "entity_id": one.idp,
                "organization_name": one.idp_name or one.idp,
                "display_name": one.idp_name or one.idp,
                "rand_s": False,
            }
            for one in self._state.personas()
            if one.idp
        }


def add_routes(routes: Blueprint, state: State, path: str) -> None:
    """Serve the lists below a path."""
    lists = Filter(state)
    cache = f"{path}/cache/institutions/CILogon"
    for view, endpoint, method, address in (
        (lists.add, "institutions-add", "POST", cache),
        (lists.kept, "institutions-kept", "GET", cache),
        (lists.remove, "institutions-remove", "DELETE", cache),
        (lists.offered, "institutions", "GET", f"{path}/institutions/CILogon"),
    ):
        routes.add_url_rule(address, endpoint, view, methods=[method])
