"""Models whose folder comes in parts: put together, checked, and nothing but a model's files taken out."""

import hashlib
import io
import zipfile
from dataclasses import replace

import pytest

from bertoscope_cli import models


@pytest.fixture
def whole():
    """A model's folder as a ZIP file, with what has no place in one."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for name in ("small/config.json", "small/1_Pooling/config.json", "small/model.safetensors"):
            archive.writestr(name, name)
        for name in (
            "small/model.bin",
            "small/desktop.ini",
            "small/modeling.py",
            "small/../../out.json",
            "other/a.json",
        ):
            archive.writestr(name, "not of a model")
    return file.getvalue()


@pytest.fixture
def packages(whole, tmp_path, monkeypatch):
    """What pip would download: a package for each half, in whose place it is copied."""
    half = len(whole) // 2
    made = []
    for number, part in enumerate((whole[:half], whole[half:]), 1):
        wheel = tmp_path / f"part_{number:03}-1-py3-none-any.whl"
        with zipfile.ZipFile(wheel, "w") as archive:
            archive.writestr(f"part_{number:03}/__init__.py", "raise SystemExit")
            archive.writestr(f"part_{number:03}/input/small.zip.{number:03}", part)
        made.append(wheel)

    def download(command):
        assert command[-2:] == ["part-001==1", "part-002==1"]
        into = command[command.index("--dest") + 1]
        models.Path(into).mkdir()
        for wheel in made:
            (models.Path(into) / wheel.name).write_bytes(wheel.read_bytes())
        return models.subprocess.CompletedProcess(command, 0)

    monkeypatch.setattr(models.subprocess, "run", download)
    model = models.Parts(
        "small", ("part-001==1", "part-002==1"), "*/input/small.zip.*", hashlib.sha256(whole).hexdigest()
    )
    monkeypatch.setattr(models, "MPNET", model)
    return model


def files(folder):
    return sorted(one.relative_to(folder).as_posix() for one in folder.rglob("*") if one.is_file())


def test_only_a_models_files_are_taken_out(packages, tmp_path, capsys):
    folder = tmp_path / "models"
    assert models.main(folder) == 0
    assert files(folder) == ["small/1_Pooling/config.json", "small/config.json", "small/model.safetensors"]
    assert (folder / "small/1_Pooling/config.json").read_text() == "small/1_Pooling/config.json"
    assert not (tmp_path / "out.json").exists()
    assert "is complete" in capsys.readouterr().out
    # What is there is not brought again.
    assert models.main(folder) == 0
    assert "is there already" in capsys.readouterr().out


def test_other_parts_leave_nothing(packages, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(models, "MPNET", replace(packages, sha256="0" * 64))
    assert models.main(tmp_path / "models") == 2
    assert "damaged" in capsys.readouterr().err
    assert files(tmp_path / "models") == []


def test_without_the_packages_pip_says_why_and_nothing_is_left(packages, tmp_path, monkeypatch):
    monkeypatch.setattr(models.subprocess, "run", lambda command: models.subprocess.CompletedProcess(command, 1))
    assert models.main(tmp_path / "models") == 1
    assert files(tmp_path / "models") == []
