"""What helm prints after an installation says exactly what is left to do."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
import yaml

from tests.chart.conftest import CHART, helm

SHOW = """\
apiVersion: v1
kind: ConfigMap
metadata: {name: notes}
data:
  notes: {{ include (print .Template.BasePath "/NOTES.txt") . | toJson }}
"""


@pytest.fixture
def notes_of(chart: Path, tmp_path: Path) -> object:
    """The notes of a scenario. Without a cluster, helm itself prints them nowhere."""
    copy = tmp_path / "fedhub"
    shutil.copytree(chart, copy)
    (copy / "templates" / "show-notes.yaml").write_text(SHOW)

    def notes(number: str) -> str:
        (scenario,) = (CHART / "ci").glob(f"{number}-*-values.yaml")
        done = helm(
            *("template", "myhub", str(copy), "--namespace", "hubs", "--values", str(scenario)),
            *("--show-only", "templates/show-notes.yaml"),
        )
        assert done.returncode == 0, done.stderr
        text = yaml.safe_load(done.stdout)["data"]["notes"]
        assert isinstance(text, str)
        return text

    return notes


def test_callback_urls_and_where_to_register_them(notes_of) -> None:
    said = notes_of("01")
    assert "The hub will be at https://hub.example.org/" in said
    assert "https://hub.example.org/hub/oauth_callback" in said
    assert "https://cilogon.org/oauth2/register" in said
    assert "from the values, credentials.campus" in said
    assert "MISSING" not in said


def test_each_of_several_providers_has_its_own(notes_of) -> None:
    said = notes_of("02")
    assert "https://hub.example.org/hub/campus/oauth_callback" in said
    assert "https://hub.example.org/hub/staff/oauth_callback" in said
    assert "https://github.com/settings/developers" in said


def test_missing_credentials_are_missing_loudly(notes_of) -> None:
    said = notes_of("03")
    assert "MISSING: nobody can log in yet" in said
    assert "Secret fedhub-credentials, key campus.client_id" in said
    assert "get httproute fedhub" in said


def test_a_hub_below_a_path_and_its_service(notes_of) -> None:
    said = notes_of("04")
    assert "https://hub.example.org/jupyter/hub/oauth_callback" in said
    assert "https://hub.example.org/jupyter/hub/api/oauth2/authorize" in said
    assert "client_id service-grafana" in said
    assert "from the values, global.fedhub.login.main.config" in said
    assert "create secret tls wildcard" in said


def test_services_of_the_cluster_and_where_they_are(notes_of) -> None:
    said = notes_of("07")
    assert "and runs here, at https://hub.example.org/services/notes/" in said
    assert "and runs here, at https://grafana.example.org/" in said
    assert "grafana.example.org must lead to your ingress controller too" in said
    assert "fedhub-service-grafana-tls" not in said  # an Issuer fills it


def test_the_next_step_is_to_see_that_it_works(notes_of) -> None:
    assert notes_of("01").rstrip().endswith("helm test myhub --namespace hubs --logs")


def test_a_login_of_z2jhs_own_is_named_as_that(notes_of) -> None:
    assert "The login is z2jh's own" in notes_of("06")


@pytest.mark.parametrize("number", ["01", "02", "03", "04", "05", "06", "07"])
def test_no_secret_is_printed(notes_of, number: str) -> None:
    said = notes_of(number)
    for secret in ("made-up-for-", "00112233445566", "ffeeddccbbaa"):
        assert secret not in said
