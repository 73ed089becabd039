"""Login for federated hubs, inside the hub pod: start at `configure`.

The order of calls, so that nobody has to learn it from the base classes:

    hub starts    configure(c) → the provider's class, or FederatedAuthenticator around several
    a login       /hub/login → /hub/…oauth_login → the provider → /hub/…oauth_callback →
                  get_token_info → token_to_user → user_info_to_username → build_auth_state_dict
                  → get_user_groups → check_blocked_users → check_allowed → is_admin →
                  run_post_auth_hook → the hub's database
    every request older than auth_refresh_age
                  refresh_user → token_to_user … get_user_groups, once more
    a logout      /hub/logout → the provider's own logout, where it has one

| module | holds |
|---|---|
| `configuration` | from `global.fedhub` to JupyterHub's configuration |
| `services` | external services and who may use them |
| `credentials` | client ids and secrets from a mounted Secret |
| `providers` | which class a provider's name stands for |
| `provider` | what every provider's class of ours has |
| `plain_words` | what a person who is not let in reads |
| `federated`, `member` | several providers on one hub |
| `custos`, `custos_settings` | Custos v1.0.0, or the Keycloak behind it |
| `groups`, `groups_mapping`, `entitlements` | groups from any claim, under the hub's names |
| `github_groups` | GitHub's organisations and teams as groups |
| `profiles` | server profiles for some groups |
| `logout`, `revocation` | out of the provider, too |
| `backchannel`, `hub_sessions` | out of the hub when the provider says so |
| `notebook_tokens`, `server_hooks`, `access_tokens` | fresh access tokens for people's servers |
| `token_exchange`, `exchange_page`, `subject_tokens` | scripts that come with a token |
| `another_account` | for somebody who was refused |
| `inside` | addresses inside the hub |
| `failures` | who fails too often |
| `short_memory` | what is remembered for a few minutes |
| `keycloak` | a Keycloak realm without Custos |
| `custos_tutorial` | the import that the Custos tutorial asks for |
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
