"""The embedded identity provider: real OAuth 2.0 and OpenID Connect, in memory, in one process.

A preview needs somebody to log in at. One origin serves every face at its real addresses:

| face | addresses |
|---|---|
| `cilogon` | `/authorize`, `/oauth2/…`, `/idplist/`, `/logout/`, `/.well-known/…` |
| `keycloak` | `/realms/<realm>/…` and, as before Keycloak 17, `/auth/realms/<realm>/…` |
| `custos` | `/apiserver/…` (v1.0.0) and `/api/v1/…`; its users sign in at the Keycloak face |
| `github` | `/login/oauth/…` and `/api/v3/…` |
| `oidc` | `/oidc/<provider>/…`: Google, Globus, Auth0, Okta, Azure and any other issuer |

How a login travels: `faces.*` knows one server's addresses and manners (`site.Site`) →
`signin` shows the page and takes the choice → `authorization` (Authlib) says who may ask, and
`grants` check and issue codes and tokens → `state` remembers them → `tokens` and `claims` say what
they contain.

Registrations can be made, too: `oa4mp` is CILogon's client management, `keycloak_clients` and
`custos_tenants` are Keycloak's and Custos'.

Beside that way: `sessions` lets a browser go on without the page until `logout` ends its session
and `backchannel` tells the hubs of it; `faults` are what a test asks for, and `breaking` does
those that spoil an answer as a whole.

    with IdentityProvider() as provider:
        provider.add_client(Client(...))
        provider.set_personas([...])
        ... provider.url ...

Import `fedhub.idp.server.IdentityProvider` where it is used: it brings Flask and Authlib.
"""
