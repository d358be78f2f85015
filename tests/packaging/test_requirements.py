"""What `pip install` takes, beside what `requirements.txt` pins for the dashboard itself."""

import re
import tomllib
from importlib.metadata import distribution, packages_distributions

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from bertoscope_cli.dashboard import EXTRA
from dashboard import ROOT
from interpret.core.extras import EXTRAS

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
OPTIONAL = PROJECT["optional-dependencies"]


def read(lines):
    """Requirements by name; those on the project's own extras apart."""
    found = [Requirement(line) for line in lines]
    own = {extra for one in found if one.name == "bertoscope" for extra in one.extras}
    return {canonicalize_name(one.name): one for one in found if one.name != "bertoscope"}, own


def everything(extra):
    """All that an extra brings, with the extras that it stands on."""
    found, own = read(OPTIONAL[extra])
    for other in own:
        found |= everything(other)
    return found


def pins(file):
    lines = (line.partition("#")[0].partition(";")[0].strip() for line in (ROOT / file).read_text("utf-8").splitlines())
    return {canonicalize_name(name): version for name, version in (line.split("==") for line in lines if line)}


@pytest.mark.parametrize(
    ("file", "ranges"),
    [
        ("requirements.txt", read(PROJECT["dependencies"])[0] | everything("all")),
        ("tests/requirements.txt", read(OPTIONAL["dev"])[0]),
    ],
)
def test_what_is_pinned_is_what_pip_takes(file, ranges):
    pinned = pins(file)
    assert len(pinned) > 10
    assert set(pinned) == set(ranges)
    outside = [
        f"{name}: {pinned[name]} is not {one.specifier}"
        for name, one in ranges.items()
        if pinned[name] not in one.specifier
    ]
    assert outside == []


def test_every_range_is_open_above_only_where_nothing_depends_on_it():
    open_above = {
        canonicalize_name(one.name)
        for lines in (PROJECT["dependencies"], *OPTIONAL.values())
        for one in map(Requirement, lines)
        if one.name != "bertoscope" and not any(part.operator in ("<", "==") for part in one.specifier)
    }
    # Named after the drivers' releases; it is left unused where it does not fit.
    assert open_above == {"nvidia-ml-py"}


def test_the_backend_that_builds_is_the_one_that_is_pinned():
    system = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["build-system"]
    (backend,) = map(Requirement, system["requires"])
    assert pins("tests/requirements.txt")[backend.name] in backend.specifier


def test_every_part_of_an_extra_is_told_from_other_packages_when_it_is_missing():
    distributions = packages_distributions()
    for extra, packages in EXTRAS.items():
        named = {canonicalize_name(name) for package in packages for name in distributions[package]}
        assert named & set(everything(extra)) == set(everything(extra)), extra
    own = set(read(OPTIONAL["dashboard"])[0])
    assert {
        canonicalize_name(name) for package in EXTRA for name in distributions.get(package, ["XStatic-jQuery"])
    } == own


def test_an_extra_that_is_missing_is_asked_for_by_its_name():
    with_extras = [
        one
        for one in (ROOT / "README.md", ROOT / "README.zh-CN.md")
        for one in re.findall(r"bertoscope\[(\w+)\]", one.read_text("utf-8"))
    ]
    assert set(with_extras) <= set(OPTIONAL)


# ---- the lock


def locked():
    """What the lock has: the requirement of each package, and its hashes."""
    text = re.sub(r" \\\n +", " ", (ROOT / "requirements.lock").read_text("utf-8"))
    found = {}
    for line in text.splitlines():
        if line.strip() and not line.strip().startswith("#"):
            given, *hashes = line.split(" --hash=")
            one = Requirement(given)
            found[canonicalize_name(one.name)] = one, hashes
    return found


def test_the_lock_has_every_package_at_its_version_with_hashes():
    found = locked()
    pinned = pins("requirements.txt")
    for name, version in pinned.items():
        assert str(found[name][0].specifier) == f"=={version}", f"{name}: run `make lock`"
    for name, (one, hashes) in found.items():
        assert [part.operator for part in one.specifier] == ["=="], name
        assert one.url is None
        assert hashes
        assert all(re.fullmatch("sha256:[0-9a-f]{64}", each) for each in hashes)
    # What a pinned package asks for is there too: its version, and so its words, stay as they are.
    for name in pinned:
        for line in distribution(name).requires or ():
            asked = Requirement(line)
            if asked.marker is None or asked.marker.evaluate({"extra": ""}):
                version = str(found[canonicalize_name(asked.name)][0].specifier).removeprefix("==")
                assert version in asked.specifier, f"{name} asks for {asked}"
