"""Keycloak's client registration, and what of its admin REST API goes with it.

A service account with roles of `realm-management` registers, shows, updates and deletes clients at
`/realms/<realm>/clients-registrations/default`, and lists them at `/admin/realms/<realm>/clients`.
What is registered here can log in at once, and what is deleted can't any more. Status codes, bodies
and roles are those measured at a Keycloak 26.7, and held against one in `tests/peers`.

`grant` gives a service account its token → `endpoint` answers → `body` reads what is asked →
`registry` keeps it, as `representation` has it.

Not played: registration access tokens, initial access tokens and anonymous registration, the
`openid-connect` variant, protocol mappers' own rules, wildcards in callback URLs.
"""
