"""Login for federated hubs, inside the hub pod: start at `configure`.

The order of calls, so that nobody has to learn it from the base classes:

    hub starts    configure(c) → the provider's class, or FederatedAuthenticator around several
    a login       /hub/login → /hub/…oauth_login → the provider → /hub/…oauth_callback →
                  get_token_info (the ID token is verified) → token_to_user (about the same person)
                  → user_info_to_username → build_auth_state_dict → get_user_groups →
                  check_blocked_users → check_allowed → is_admin → run_post_auth_hook (whose name
                  it is) → the hub's database
    every request older than auth_refresh_age
                  refresh_user → token_to_user … get_user_groups, once more → check_allowed
    a logout      /hub/logout → tokens withdrawn → the provider's own logout, where it has one

A class of ours is `Provider` before an oauthenticator class, under that class's name; this module
has all of them, so that code can build on one (`from fedhub_authenticators import
CILogonOAuthenticator`), and JupyterHub finds them by their dotted names. `Provider` is made of
mixins, one for each concern; each overrides oauthenticator's template methods and calls
`super()`.

| module | holds |
|---|---|
| `configuration`, `services`, `profiles` | from the values to JupyterHub's configuration |
| `providers`, `provider` | how a class becomes one of ours, and what it then has |
| `federated`, `member` | several providers on one hub |
| **beginning** | |
| `pages`, `templates/`, `static/` | what people see who are not in |
| `institutions`, `institution_choice` | the institutions that people choose among |
| `login` | the nonce, and which client a login was begun with |
| `credentials`, `client_credentials` | client ids and secrets, from files that may change |
| **who it is** | |
| `id_token`, `issuer` | ID tokens, held against the issuer's keys |
| `identity`, `bindings`, `binding_pages` | whose user name it is |
| `answers`, `verified_email` | answers that make no sense, addresses that prove nothing |
| `groups`, `groups_mapping`, `entitlements`, `github_groups` | groups, under the hub's names |
| `cilogon` | the institution decides |
| `custos`, `custos_…`, `keycloak` | Custos in its flavours, or a Keycloak without it |
| `refusals`, `plain_words`, `who_tried` | why somebody is not let in |
| **staying** | |
| `auth_state`, `staying_in`, `renewal`, `locks` | what is kept of a login, and who stays in |
| `notebook_tokens`, `server_hooks`, `access_tokens` | fresh access tokens for people's servers |
| `token_exchange`, `exchange_page`, `subject_tokens`, `failures` | scripts that come with a token |
| **leaving** | |
| `logout`, `revocation`, `another_account` | out of the provider, too |
| `backchannel`, `hub_sessions` | out of the hub, in every browser |
| **going on to applications** | |
| `authorization` | who may use an application, and plain words for who may not |
| `oauth_provider`, `pkce` | a code is good for the application alone that began the login |
| `oidc_issuer`, `oidc_grants`, `oidc_pages`, `oidc_keys` | the hub as their OpenID Connect issuer |
| **seeing** | |
| `events`, `fetching` | the operator's log and metrics; requests to the provider |
| `inside`, `short_memory` | addresses inside the hub; what is remembered for minutes |
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

__all__ = ["configure"]


def configure(
    c: Any,
    settings: Mapping[str, Any] | None = None,
    *,
    credentials_dir: str | Path | None = None,
) -> None:
    """Configure a hub from what stands at `global.fedhub`.

    A file in `jupyterhub_config.d` calls it, before `hub.extraConfig` runs; so does a preview.
    Calling it again changes nothing.

    Args:
        c: JupyterHub's configuration object.
        settings: the mapping at `global.fedhub`; None asks `z2jh.get_config` for it.
        credentials_dir: where `hub.existingSecret` is mounted; None takes
            `$FEDHUB_CREDENTIALS_DIR`, else z2jh's place.

    Raises:
        ValueError: a setting is wrong; the sentence says which, and what to do.
    """
    from fedhub_authenticators.configuration import configure_hub

    configure_hub(c, settings, credentials_dir)


def __getattr__(name: str) -> Any:
    """Return our class of a name; it is made, and oauthenticator loaded, when asked for."""
    if name.endswith("Authenticator"):
        from fedhub_authenticators.providers import class_called

        return class_called(name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
