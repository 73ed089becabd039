"""The build fails, with a plain sentence, where it would change or break the base image."""

from __future__ import annotations

import shutil
import zipfile
from pathlib import Path

import pytest

from tests.image.conftest import build, run


def base_with(base: str, folder: Path, name: str, version: str, *requires: str) -> str:
    """Return an image in which pip finds this package, in place of what the base has."""
    stem = f"{name.replace('-', '_')}-{version}"
    with zipfile.ZipFile(folder / f"{stem}-py3-none-any.whl", "w") as wheel:
        lines = ["Metadata-Version: 2.1", f"Name: {name}", f"Version: {version}"]
        lines += [f"Requires-Dist: {needed}" for needed in requires]
        wheel.writestr(f"{stem}.dist-info/METADATA", "\n".join(lines) + "\n")
        wheel.writestr(
            f"{stem}.dist-info/WHEEL",
            "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        )
        wheel.writestr(f"{stem}.dist-info/RECORD", "")
    (folder / "Dockerfile").write_text(
        f"FROM {base}\nUSER root\nCOPY *.whl /tmp/\n"
        "RUN python -m pip install --no-index --no-deps /tmp/*.whl && rm /tmp/*.whl\nUSER 1000\n"
    )
    tag = f"fedhub-test/base-with-{name}"
    run("docker", "build", "--tag", tag, folder, env={"DOCKER_BUILDKIT": "0"})
    return tag


def refusal(build_context: Path, base: str) -> str:
    with pytest.raises(AssertionError) as refused:
        build(build_context, "fedhub-test/refused", base)
    return str(refused.value)


def test_a_package_that_would_move(base_image: str, build_context: Path, tmp_path: Path) -> None:
    base = base_with(base_image, tmp_path, "custos-jupyterhub-authenticator", "1.0.4")
    said = refusal(build_context, base)
    assert "Packages of the base image would change:" in said
    assert "  custos-jupyterhub-authenticator==1.0.4" in said
    assert "build on a base that does not bring these" in said


def test_a_base_that_is_too_old(base_image: str, build_context: Path, tmp_path: Path) -> None:
    base = base_with(base_image, tmp_path, "oauthenticator", "16.3.1")
    said = refusal(build_context, base)
    assert "The base image does not bring what fedhub needs:" in said
    assert "fedhub-authenticators 0.1.0 has requirement oauthenticator~=17.4.0" in said
    assert "Packages of the base image would change" not in said


def test_what_was_broken_before_is_not_held_against_us(
    base_image: str, build_context: Path, tmp_path: Path
) -> None:
    base = base_with(base_image, tmp_path, "wants-what-is-not-there", "1.0", "no-such-package>=2")
    build(build_context, "fedhub-test/was-broken", base)


def test_a_download_that_was_tampered_with(
    base_image: str, build_context: Path, tmp_path: Path
) -> None:
    tampered = Path(shutil.copytree(build_context, tmp_path / "hub"))
    (archive,) = tampered.glob("wheels/custos_jupyterhub_authenticator-*.whl")
    with zipfile.ZipFile(archive, "a") as wheel:
        wheel.writestr("custosauthenticator/more.py", "")
    assert "DO NOT MATCH THE HASHES" in refusal(tampered, base_image)
