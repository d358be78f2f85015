"""Pages are run without a server, each in an app of its own."""

from functools import lru_cache

import pytest
from streamlit.components.v2 import manifest_scanner


@pytest.fixture(scope="session", autouse=True)
def _packages_are_looked_at_once():
    """Every app looks through all installed packages for components when it starts, which a server does once."""
    patch = pytest.MonkeyPatch()
    patch.setattr(manifest_scanner, "scan_component_manifests", lru_cache(manifest_scanner.scan_component_manifests))
    yield
    patch.undo()
