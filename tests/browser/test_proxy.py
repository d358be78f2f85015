"""The dashboard behind the proxy of `docs/nginx.conf`, as the file has it but for ports and the certificate."""

import datetime
import http.client
import ipaddress
import json
import os
import shutil
import ssl
import subprocess
import time
from urllib.parse import urlencode

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from dashboard import ROOT
from tests.browser.conftest import free_port, start_server
from tests.sockets import Reader

NGINX = shutil.which("nginx", path=f"{os.environ.get('PATH', '')}:/usr/sbin")
NAME, PHRASE = "bert.example.org", "river bank"
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(NGINX is None, reason="no nginx: install Debian's package `nginx-light`"),
]


def certificate(folder):
    """Write a certificate that it signs itself, and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, NAME)])
    now = datetime.datetime.now(datetime.UTC)
    names = [x509.DNSName(NAME), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .sign(key, hashes.SHA256())
    )
    pem, plain = serialization.Encoding.PEM, serialization.NoEncryption()
    (folder / "crt").write_bytes(made.public_bytes(pem))
    (folder / "key").write_bytes(key.private_bytes(pem, serialization.PrivateFormat.PKCS8, plain))


@pytest.fixture(scope="module")
def proxied(tmp_path_factory):
    """The ports of the proxy, without and with a certificate, the certificate, and the folder of runs."""
    folder = tmp_path_factory.mktemp("proxied")
    certificate(folder)
    process, address = start_server(
        BERTOSCOPE_PASSWORD=PHRASE,
        BERTOSCOPE_HOSTS=NAME,
        FORWARDED_ALLOW_IPS="127.0.0.1",
        BERTOSCOPE_RUNS=str(folder / "runs"),
        BERTOSCOPE_CACHE=str(folder / "cache"),
    )
    plain, safe = free_port(), free_port()
    site = (ROOT / "docs" / "nginx.conf").read_text("utf-8")
    for before, now in (
        ("listen 80;", f"listen 127.0.0.1:{plain};"),
        ("listen 443 ssl;", f"listen 127.0.0.1:{safe} ssl;"),
        ("/etc/ssl/bert.example.org.crt", str(folder / "crt")),
        ("/etc/ssl/private/bert.example.org.key", str(folder / "key")),
        ("http://127.0.0.1:8501", address),
    ):
        assert before in site
        site = site.replace(before, now)
    temporary = "".join(
        f"{kind}_temp_path {folder}/{kind};\n" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    (folder / "nginx.conf").write_text(
        f"daemon off;\npid {folder}/pid;\nerror_log {folder}/error.log;\nevents {{}}\n"
        f"http {{\naccess_log off;\n{temporary}\n{site}\n}}\n"
    )
    nginx = subprocess.Popen([NGINX, "-p", str(folder), "-c", str(folder / "nginx.conf")], stderr=subprocess.DEVNULL)
    for _ in range(300):
        try:
            if ask(plain, "/").status == 301:
                break
        except OSError:
            time.sleep(0.1)
    yield plain, safe, folder / "crt", folder / "runs"
    nginx.terminate()
    nginx.wait(30)
    process.terminate()
    process.wait(30)


def ask(port, path, certificate=None, method="GET", body=None, host=NAME, address="127.0.0.2", **headers):
    """Ask the proxy, from an address of one's own."""
    where = {"host": "127.0.0.1", "port": port, "timeout": 60, "source_address": (address, 0)}
    if certificate is None:
        line = http.client.HTTPConnection(**where)
    else:
        line = http.client.HTTPSConnection(**where, context=ssl.create_default_context(cafile=str(certificate)))
    named = {"Host": host} | {name.replace("_", "-"): value for name, value in headers.items()}
    line.request(method, path, body, named)
    return line.getresponse()


def test_whoever_comes_without_a_certificate_is_led_to_it(proxied):
    plain, _safe, _certificate, _runs = proxied
    found = ask(plain, "/attention?text=a")
    assert (found.status, found.headers["Location"]) == (301, f"https://{NAME}/attention?text=a")


def test_pages_come_through_it_with_all_that_a_browser_is_told(proxied, monkeypatch):
    _plain, safe, certificate, runs = proxied
    asked = ask(safe, "/", certificate, Accept="text/html")
    assert asked.status == 401
    assert asked.headers["Strict-Transport-Security"] == "max-age=31536000"
    assert "frame-ancestors" in asked.headers["Content-Security-Policy"]
    assert asked.headers["X-Request-ID"]
    # By no other name than its own, whoever points it here.
    assert ask(safe, "/", certificate, host="evil.example").status == 403
    form = urlencode({"name": "Ana", "phrase": PHRASE, "next": "/runs"})
    kind = "application/x-www-form-urlencoded"
    entered = ask(safe, "/sign-in", certificate, "POST", form, Content_Type=kind, X_Forwarded_For="203.0.113.9")
    assert (entered.status, entered.headers["Location"]) == (303, "/runs")
    assert entered.headers["Set-Cookie"].endswith("; Secure")
    # By its address and by none that it gives itself.
    (written,) = [json.loads(line) for path in runs.glob("audit-2*.jsonl") for line in path.read_text().splitlines()]
    assert (written["who"], written["address"]) == ("Ana", "127.0.0.2")
    # A page is drawn over a socket, through the proxy too.
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    cookie = entered.headers["Set-Cookie"].partition(";")[0]
    with Reader(f"https://127.0.0.1:{safe}", cookie=cookie) as reader:
        reader.open("runs")
        assert reader.elements
        assert reader.errors == []


def test_what_is_too_large_does_not_reach_the_dashboard(proxied):
    _plain, safe, certificate, _runs = proxied
    found = ask(safe, "/_stcore/upload_file/a/b", certificate, "PUT", b"", Content_Length=str(60_000_000))
    assert found.status == 413


def test_nobody_guesses_faster_than_the_proxy_lets_them(proxied):
    _plain, safe, certificate, _runs = proxied
    found = [ask(safe, "/sign-in", certificate, address="127.0.0.3").status for _ in range(40)]
    assert found.count(429) > 0
    # Others are not kept out by it.
    assert ask(safe, "/sign-in", certificate, address="127.0.0.4", Accept="text/html").status == 401
