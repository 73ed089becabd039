"""What a hub process reads from the values, it reads in a preview too."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.previews import RunningHub, Visitor, running_hub

VALUES = """
global:
  word: from-global
custom:
  word: from-custom
hub:
  baseUrl: /jupyter/
  extraEnv:
    GREETING: hello
  extraFiles:
    login:
      mountPath: /srv/fedhub/templates/login.html
      stringData: "order={{ order }} greeting={{ greeting }} said={{ said }} file={{ file }}"
    note:
      mountPath: /srv/fedhub/note.txt
      stringData: noted
    dropped-in:
      mountPath: /usr/local/etc/jupyterhub/jupyterhub_config.d/50-x.py
      stringData: |
        c.JupyterHub.load_groups = {"teachers": {"users": ["olga"]}}
  templatePaths:
    - /srv/fedhub/templates
  templateVars:
    said: by-values
  config:
    JupyterHub:
      authenticator_class: generic-oauth
    GenericOAuthenticator:
      authorize_url: https://sso.example.org/authorize
      token_url: https://sso.example.org/token
      userdata_url: https://sso.example.org/userinfo
      scope: [openid, profile]
      username_claim: preferred_username
      allow_all: true
      admin_users: [olga]
  services:
    announcer:
      url: https://announcer.example.org
      apiToken: 0123456789abcdef0123456789abcdef
  loadRoles:
    announcer:
      scopes: [list:users]
      services: [announcer]
  extraConfig:
    20-second: |
      order.append("second")
      variables = dict(c.JupyterHub.template_vars)
      variables.update(order="-".join(order), greeting=os.environ["GREETING"])
      variables["file"] = open("/srv/fedhub/note.txt").read()
      c.JupyterHub.template_vars = variables
    10-first: |
      import json
      import os
      from z2jh import get_config
      assert get_config("custom.word") == "from-custom"
      assert get_config("global.word") == "from-global"
      assert get_config("hub.nothing", "default") == "default"
      order = ["first"]

      def write_down(spawner):
          found = {"environment": spawner.environment, "default_url": spawner.default_url}
          with open(get_config("custom.out"), "w") as file:
              json.dump(found, file)

      c.KubeSpawner.pre_spawn_hook = write_down
singleuser:
  defaultUrl: /tree
  extraEnv:
    FOR_USERS: "yes"
cull:
  enabled: true
  every: 600
"""


@pytest.fixture(scope="module")
def out(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("out") / "spawner.json"


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory, out: Path) -> Iterator[RunningHub]:
    values = tmp_path_factory.mktemp("values") / "carried.values.yaml"
    values.write_text(VALUES.replace("custom:\n", f"custom:\n  out: {out}\n"))
    with running_hub(values) as running:
        yield running


def test_extra_config_runs_in_the_order_of_its_keys(hub: RunningHub) -> None:
    with Visitor() as visitor:
        page = visitor.follow(f"{hub.url}hub/login").text
    assert page == "order=first-second greeting=hello said=by-values file=noted"


def test_the_base_url_is_kept(hub: RunningHub) -> None:
    assert hub.url.endswith("/jupyter/")


def test_hooks_and_settings_of_the_spawner_apply(hub: RunningHub, out: Path) -> None:
    member = next(name for name, one in hub.personas.items() if not one["expected"]["admin"])
    with Visitor() as visitor:
        visitor.log_in(hub, member)
        visitor.get(f"{hub.url}hub/spawn", follow_redirects=True)
    found = json.loads(out.read_text())
    assert found == {"environment": {"FOR_USERS": "yes"}, "default_url": "/tree"}


def test_services_and_their_roles_are_there(hub: RunningHub) -> None:
    with Visitor() as service:
        service.headers["Authorization"] = "token 0123456789abcdef0123456789abcdef"
        users = service.get(f"{hub.url}hub/api/users")
    assert users.status_code == 200
    assert "olga" in [user["name"] for user in users.json()]


def test_a_file_mounted_into_the_configuration_folder_is_loaded(hub: RunningHub) -> None:
    olga = next(one for one in hub.personas.values() if one["expected"]["username"] == "olga")
    assert olga["expected"]["groups"] == ["teachers"]
