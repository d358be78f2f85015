"""A package that puts another module into its own place is there whole for whoever waits for it."""

import sys
import threading

from dashboard import imports

PACKAGE = """
import sys, types, threading
begun.set()
assert go_on.wait(20)
there = types.ModuleType(__name__)
there.name = "found"
there.__spec__, there.__path__ = __spec__, __path__
sys.modules[__name__] = there
"""


def test_who_waits_while_it_is_loaded_finds_what_is_in_it(tmp_path, monkeypatch):
    name = "selfish_package"
    (tmp_path / name).mkdir()
    begun, go_on = threading.Event(), threading.Event()
    (tmp_path / name / "__init__.py").write_text(f"from {__name__}_events import begun, go_on\n{PACKAGE}")
    events = type(sys)(f"{__name__}_events")
    events.begun, events.go_on = begun, go_on
    monkeypatch.setitem(sys.modules, f"{__name__}_events", events)
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setattr(imports, "_NAME", name)
    found = []

    def load():
        try:
            from selfish_package import name
        except ImportError as error:
            found.append(str(error))
        else:
            found.append(name)

    threads = [threading.Thread(target=load) for _ in range(2)]
    threads[0].start()
    assert begun.wait(20)
    threads[1].start()
    # It waits for the first one, as far as anybody can tell; were it late, it would find all in any case.
    threads[1].join(0.3)
    go_on.set()
    for one in threads:
        one.join(20)
    sys.modules.pop(name)
    assert found == ["found", "found"]
