"""Registrations at Keycloak: the OpenID Connect clients of one realm.

A service account of the realm registers them, with the role `manage-clients` of the client
`realm-management`; no other role does it all, and none more is needed. Clients go through the
realm's client registration (`clients-registrations/default`), whose policies so hold for fedhub as
for anybody; the list and the realm's scopes are had from the admin REST API.

| module | knows |
|---|---|
| `client` | create, show, list, update, delete |
| `attributes` | Keycloak's fields and RFC 7591's names for them |
| `service_account` | the token: got, renewed, put into each request |
| `refusals` | Keycloak's errors, and which error of ours each becomes |

What is said of Keycloak here was measured on 26.7; `tests/peers` holds it against a real one.
"""
