"""Somebody who reads the dashboard, without a browser: what a browser sends and gets, over the same socket.

A browser takes more memory than all that it asks for. Thirty of these fit beside the server that they ask.
"""

import hashlib
import re
import time
import urllib.request
from typing import Any
from urllib.parse import urlencode

from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from streamlit.proto.WidgetStates_pb2 import WidgetState, WidgetStates
from websockets.sync.client import connect

# What says how far work is, or that there is some: nothing of it stays.
_PASSING = ("progress", "spinner", "empty", "skeleton")
# What is another in each session, or at each moment, and no result: names of files that are made when they are asked
# for, keys of components, the memory that is free, how long something took.
_OTHER = re.compile(r"(?<![0-9.])(?=[0-9]*[a-f])[0-9a-f]{16,64}|[0-9.]+ of (?:at most )?[0-9.]+ GB|[0-9.]+ (?:s|min)\b")
_FINISHED = (ForwardMsg.FINISHED_SUCCESSFULLY, ForwardMsg.FINISHED_FRAGMENT_RUN_SUCCESSFULLY)


class Reader:
    """A session of its own, with the name of a browser of its own.

    Parameters
    ----------
    address
        The server's, such as ``http://127.0.0.1:8501``.
    patience
        Seconds after which an answer counts as missing.
    cookie
        What it was given before, as by signing in.
    """

    def __init__(self, address: str, patience: float = 120.0, cookie: str = "") -> None:
        self.address, self.patience = address, patience
        page = urllib.request.Request(address, headers={"Accept": "text/html", "Cookie": cookie})
        with urllib.request.urlopen(page, timeout=patience) as answer:
            cookies = answer.headers.get_all("Set-Cookie") or []
        self.cookie = "; ".join(filter(None, [cookie, *(one.partition(";")[0] for one in cookies)]))
        self._socket: Any = connect(
            address.replace("http", "ws", 1) + "/_stcore/stream",
            subprotocols=["streamlit"],  # type: ignore[list-item]
            origin=address,  # type: ignore[arg-type]
            additional_headers={"Cookie": self.cookie},
            max_size=None,
            open_timeout=patience,
        )
        self._known: dict[str, ForwardMsg] = {}
        self._widgets: dict[str, WidgetState] = {}
        self._page, self._query = "", ""
        self.elements: dict[tuple[int, ...], Any] = {}

    def __enter__(self) -> "Reader":
        """Return itself."""
        return self

    def __exit__(self, *_error: object) -> None:
        """Close the tab."""
        self._socket.close()

    def open(self, page: str, **query: object) -> float:
        """Open a page by its address; returns the seconds until all of it was there."""
        self._page, self._query = page, urlencode(query)
        self._widgets = {}
        return self._run()

    def set(self, key: str, **value: Any) -> float:
        """Change a widget, by its key, and wait for the page; see Streamlit's ``WidgetState`` for kinds of values."""
        name = self.widget(key)
        self._widgets[name] = WidgetState(id=name, **value)
        return self._run()

    def press(self, key: str) -> float:
        """Press a button and wait for the page."""
        name = self.widget(key)
        return self._run(WidgetState(id=name, trigger_value=True))

    def begin_set(self, key: str, **value: Any) -> None:
        """Change a widget and do not wait."""
        name = self.widget(key)
        self._widgets[name] = WidgetState(id=name, **value)
        self._send()

    def begin(self, key: str) -> None:
        """Press a button and do not wait."""
        self._send(WidgetState(id=self.widget(key), trigger_value=True))

    def widget(self, key: str) -> str:
        """Return what Streamlit calls the widget of a key.

        Raises
        ------
        LookupError
            If the page has none.
        """
        for one in self.elements.values():
            name = getattr(getattr(one, one.WhichOneof("type"), None), "id", "")
            if re.fullmatch(rf"\$\$ID-[0-9a-f]+-{re.escape(key)}", name):
                return str(name)
        raise LookupError(f"no widget {key!r} among {len(self.elements)} elements")

    @property
    def words(self) -> str:
        """What stands on the page."""
        found = [str(getattr(getattr(one, one.WhichOneof("type")), "body", "")) for one in self.elements.values()]
        return "\n".join(filter(None, found))

    @property
    def errors(self) -> list[str]:
        """What went wrong on the page, as it says."""
        found = []
        for one in self.elements.values():
            kind = one.WhichOneof("type")
            if kind == "exception":
                found.append(one.exception.message)
            elif kind == "alert" and one.alert.format == one.alert.ERROR:
                found.append(one.alert.body)
        return found

    @property
    def digest(self) -> str:
        """Tells what stands on the page from anything else: every number and picture of it, to the last bit."""
        found = hashlib.sha256()
        for path, one in sorted(self.elements.items()):
            if one.WhichOneof("type") not in _PASSING:
                # As text: among bytes stand lengths, which tell how many digits a time has that is taken out.
                found.update(f"{path}{_OTHER.sub('', str(one))}".encode())
        return found.hexdigest()

    def _run(self, *triggers: WidgetState) -> float:
        begin = time.perf_counter()
        self._send(*triggers)
        while not self.take(begin + self.patience - time.perf_counter()):
            pass
        return time.perf_counter() - begin

    def _send(self, *triggers: WidgetState) -> None:
        message = BackMsg()
        message.rerun_script.query_string = self._query
        message.rerun_script.page_name = self._page
        states = WidgetStates(widgets=[*self._widgets.values(), *triggers])
        message.rerun_script.widget_states.CopyFrom(states)
        self._socket.send(message.SerializeToString())

    def take(self, seconds: float) -> bool:
        """Take one message from the server; returns whether the page is there with it.

        Raises
        ------
        TimeoutError
            If none comes for so long.
        """
        message = ForwardMsg.FromString(self._socket.recv(timeout=max(0.0, seconds)))
        if message.WhichOneof("type") == "ref_hash":
            kept = self._known[message.ref_hash]
            whole = ForwardMsg()
            whole.CopyFrom(kept)
            whole.metadata.CopyFrom(message.metadata)
            message = whole
        elif message.hash:
            self._known[message.hash] = message
        kind = message.WhichOneof("type")
        if kind == "new_session":
            self.elements = {}
        elif kind == "delta":
            path = tuple(message.metadata.delta_path)
            # What stood there goes with all that was in it.
            self.elements = {other: one for other, one in self.elements.items() if other[: len(path)] != path}
            if message.delta.WhichOneof("type") == "new_element":
                self.elements[path] = message.delta.new_element
        elif kind == "page_info_changed":
            self._query = message.page_info_changed.query_string
        return kind == "script_finished" and message.script_finished in _FINISHED
