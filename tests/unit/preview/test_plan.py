"""What a preview carries over from the values."""

from __future__ import annotations

from pathlib import Path

import pytest

from fedhub.errors import FedhubError
from fedhub.hub import load_hub
from fedhub.preview import plan


def test_keys_that_need_a_cluster_are_named_once() -> None:
    values = {
        "hub": {"config": {}, "image": {"tag": "x"}, "db": {"type": "postgres"}},
        "singleuser": {"image": {}, "defaultUrl": "/lab"},
        "proxy": {"https": {}},
        "cull": {"enabled": True},
        "global": {},
        "ingress": None,
    }
    assert plan.not_simulated(values) == ["hub.db", "hub.image", "proxy", "singleuser.image"]


def test_a_mounted_file_is_replaced_wherever_its_path_stands() -> None:
    places = {"/srv/pages/login.html": "/t/srv/pages/login.html"}
    values = {
        "templatePaths": ["/srv/pages"],
        "code": "open('/srv/pages/login.html'); x = \"/srv/pages\"; y = '/srv/pages/other'",
        "longer": "/srv/pages/login.html5",
        "number": 1,
    }
    assert plan.relocate(values, places) == {
        "templatePaths": ["/t/srv/pages"],
        "code": "open('/t/srv/pages/login.html'); x = \"/t/srv/pages\"; y = '/srv/pages/other'",
        "longer": "/srv/pages/login.html5",
        "number": 1,
    }


def test_a_mounted_file_cannot_leave_the_folder(tmp_path: Path) -> None:
    file = plan.MountedFile("/a/../../../escape", b"x", None)
    places = plan.write_files([file], tmp_path / "files").places
    assert Path(places[file.mount]).resolve().is_relative_to(tmp_path / "files")


def test_files_are_written_as_the_pod_has_them(tmp_path: Path) -> None:
    values = tmp_path / "x.values.yaml"
    values.write_text(
        """
hub:
  extraFiles:
    text: {mountPath: /srv/a.txt, stringData: hello, mode: 0o644}
    binary: {mountPath: /srv/b.bin, binaryData: aGk=}
    data: {mountPath: /srv/c.json, data: {a: [1]}}
    config: {mountPath: /usr/local/etc/jupyterhub/jupyterhub_config.d/x.py, stringData: "y = 1"}
"""
    )
    files = plan.mounted_files(load_hub(str(values)))
    written = plan.write_files(files, tmp_path / "files")
    places = written.places
    assert Path(places["/srv/a.txt"]).read_text() == "hello"
    assert Path(places["/srv/b.bin"]).read_bytes() == b"hi"
    assert Path(places["/srv/c.json"]).read_text() == '{\n  "a": [\n    1\n  ]\n}\n'
    assert [Path(file).name for file in written.config_files] == ["x.py"]


def test_a_file_without_a_mount_path_is_named_with_its_place(tmp_path: Path) -> None:
    values = tmp_path / "x.values.yaml"
    values.write_text("hub:\n  extraFiles:\n    broken: {stringData: a}\n")
    with pytest.raises(FedhubError, match=r"x\.values\.yaml:3:5: .*broken.*mountPath"):
        plan.mounted_files(load_hub(str(values)))


def test_variables_that_only_a_cluster_knows_are_named() -> None:
    values = {
        "hub": {"extraEnv": {"A": "1", "B": {"valueFrom": {}}}},
        "singleuser": {"extraEnv": [{"name": "C", "valueFrom": {}}, {"name": "D", "value": "1"}]},
    }
    assert list(plan.environment_notes(values)) == ["hub.extraEnv.B", "singleuser.extraEnv.C"]
