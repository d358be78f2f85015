"""A hub on this machine: the few addresses that huggingface_hub asks for a model, answered from folders."""

import hashlib
import json
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import unquote, urlparse

COMMIT = "0123456789abcdef0123456789abcdef01234567"


class Hub(BaseHTTPRequestHandler):
    """Answers as the Hub does, from folders; what it is asked for is kept."""

    models: dict[str, Path]
    gated: set[str]
    requests: list[str]
    break_off_at: str | None = None

    def do_HEAD(self):
        self.do_GET()

    def do_GET(self):
        path = unquote(urlparse(self.path).path)
        type(self).requests.append(path)
        for name, folder in self.models.items():
            if path in (
                f"/api/models/{name}",
                f"/api/models/{name}/revision/main",
                f"/api/models/{name}/revision/{COMMIT}",
            ):
                if name in self.gated and not name.endswith("-files"):
                    return self.fail(403, "GatedRepo", "Access to this model is restricted")
                return self.info(name, folder)
            if path.startswith(f"/api/models/{name}/revision/"):
                return self.fail(404, "RevisionNotFound", "Invalid rev id")
            if path.startswith(f"/api/models/{name}/tree/"):
                return self.tree(folder)
            prefix = f"/{name}/resolve/{COMMIT}/"
            if path.startswith(prefix) and name in self.gated:
                return self.fail(403, "GatedRepo", "Access to this model is restricted")
            if path.startswith(prefix) and (folder / path.removeprefix(prefix)).is_file():
                return self.file(folder / path.removeprefix(prefix))
            if path.startswith(prefix):
                return self.fail(404, "EntryNotFound", "Entry not found")
        self.fail(404, "RepoNotFound", "Repository not found")

    def info(self, name, folder):
        siblings = [{"rfilename": name, "size": file.stat().st_size} for name, file in files_of(folder)]
        self.send(json.dumps({"id": name, "modelId": name, "sha": COMMIT, "siblings": siblings, "private": False}))

    def tree(self, folder):
        self.send(
            json.dumps(
                [
                    {"type": "file", "path": name, "size": file.stat().st_size, "oid": etag(file)}
                    for name, file in files_of(folder)
                ]
            )
        )

    def file(self, file):
        if file.name == self.break_off_at:
            return self.fail(500, "Internal", "the disk is on fire")
        self.send(file.read_bytes(), {"ETag": f'"{etag(file)}"', "X-Repo-Commit": COMMIT, "Accept-Ranges": "bytes"})

    def send(self, body, headers=()):
        body = body.encode() if isinstance(body, str) else body
        self.send_response(200)
        for name, value in {"Content-Type": "application/json", "Content-Length": len(body), **dict(headers)}.items():
            self.send_header(name, str(value))
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(body)

    def fail(self, code, kind, message):
        self.send_response(code)
        self.send_header("X-Error-Code", kind)
        self.send_header("X-Error-Message", message)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_):
        pass


def files_of(folder):
    return [(one.relative_to(folder).as_posix(), one) for one in sorted(folder.rglob("*")) if one.is_file()]


def etag(file):
    return hashlib.sha1(file.read_bytes(), usedforsecurity=False).hexdigest()


@contextmanager
def serve(**settings):
    """Serve models (name → folder) on a free port; yields the address and the handler's class."""
    handler = type("Handler", (Hub,), {"requests": [], "gated": set(), **settings})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", handler
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
