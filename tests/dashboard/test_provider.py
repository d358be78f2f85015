"""Who an identity provider has signed in, and what it takes to come in by one."""

import json
import logging
import secrets
from urllib.parse import parse_qs, urlsplit

import pytest
from streamlit import config
from streamlit.auth_util import set_cookie_with_chunks
from streamlit.runtime.secrets import secrets_singleton
from streamlit.web.server.starlette.starlette_app_utils import create_signed_value

from dashboard.sign_in import provider
from dashboard.sign_in.gate import SignIn
from dashboard.sign_in.pages import LEAVE, LOGIN, LOGOUT, PATH
from dashboard.sign_in.session import needs_sign_in, signed_in
from tests.dashboard.test_sign_in import PAGE, Behind, ask

SECRET = "0123456789abcdef0123456789abcdef"
FILE = f"""
[auth]
redirect_uri = "https://bert.example.org/oauth2callback"
cookie_secret = "{SECRET}"
client_id = "a"
client_secret = "b"
server_metadata_url = "https://id.example/.well-known/openid-configuration"
"""
ANA = {
    "iss": "https://id.example",
    "sub": "a-1",
    "name": "Ana",
    "email": "Ana@Ward.example",
    "email_verified": True,
    "origin": "https://bert.example.org",
    "is_logged_in": True,
}


@pytest.fixture
def write(tmp_path, monkeypatch):
    """Write the file with the provider."""
    before = config.get_option("secrets.files")

    monkeypatch.setattr(provider, "_was_set", False)

    def now(content):
        path = tmp_path / "secrets.toml"
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        config.set_option("secrets.files", [str(path)])
        secrets_singleton._reset()

    yield now
    config.set_option("secrets.files", before)
    secrets_singleton._reset()


def cookies(claims, secret=SECRET):
    """Return the cookies that Streamlit keeps what a provider said in."""
    found = {}

    def signed(name, value):
        return create_signed_value(secret, name, value)

    def put(name, value):
        found[name] = signed(name, value).decode()

    set_cookie_with_chunks(put, signed, provider.USER_COOKIE_NAME, claims, cookie_attr_size=60)
    return "; ".join(f"{name}={value}" for name, value in found.items())


def test_it_is_the_person_that_the_provider_named(write):
    write(FILE)
    assert needs_sign_in()
    person = signed_in(cookies(ANA))
    assert person == ("provider https://id.example a-1", "Ana", False)
    # Who has another name or address now is the same; the same name elsewhere is another.
    assert signed_in(cookies(ANA | {"name": "Anna", "email": "b@c.example"})).id == person.id
    assert signed_in(cookies(ANA | {"iss": "https://other.example"})).id != person.id
    # What is too long for one cookie is in several.
    long = cookies(ANA | {"groups": [secrets.token_hex(45) for _ in range(90)]})
    assert long.count(";") > 1
    assert signed_in(long) == person


@pytest.mark.parametrize(
    "change",
    [
        {"is_logged_in": False},
        {"is_logged_in": "yes"},
        {"origin": "https://other.example"},
        {"origin": None},
        {"sub": ""},
        {"sub": None},
    ],
)
def test_what_is_not_signed_in_here_is_nobody(write, change):
    write(FILE)
    assert signed_in(cookies(ANA | change)) is None


def test_a_cookie_that_was_not_made_here_is_nobodys(write):
    write(FILE)
    good = cookies(ANA)
    name, _, value = good.partition("=")
    for other in (
        cookies(ANA, "another secret, as long as that one"),
        good[:-2],
        f"{name}={value[:5]}",
        f"{name}=",
        f"{name}=é\x80",
        f"{name}={json.dumps(ANA)}",
        f"{name}_1={value}",
        "",
    ):
        assert signed_in(other) is None
        behind = Behind()
        assert ask(SignIn(behind), "/", cookie=other).status == 401
        closed = ask(SignIn(behind), "/_stcore/stream", kind="websocket", cookie=other).sent
        assert closed == [{"type": "websocket.close", "code": 1008, "reason": ""}]
        assert behind.reached == []


@pytest.mark.parametrize(
    "people, claims, comes_in, owns",
    [
        ("", {}, True, False),
        ("@ward.example", {}, True, False),
        (" ana@WARD.example , x", {}, True, False),
        ("a-1", {}, True, False),
        ("A-1", {}, False, False),
        ("ward.example", {}, False, False),
        ("@example", {}, False, False),
        ("@ward.example", {"email_verified": False}, False, False),
        ("@ward.example", {"email_verified": None}, False, False),
        ("@ward.example", {"email_verified": "true"}, True, False),
        ("@ward.example", {"email": "ana@evil.example"}, False, False),
        ("@ward.example", {"email": "ana@ward.example@evil.example"}, False, False),
        ("@ward.example", {"email": None}, False, False),
        ("@ward.example", {"name": "ana@ward.example", "email": None}, False, False),
        ("@other.example", {"sub": "boss"}, True, True),
        ("", {"sub": "boss"}, True, True),
        ("", {"sub": "x", "email": "chief@ward.example"}, True, True),
        ("", {"sub": "x", "email": "chief@ward.example", "email_verified": False}, True, False),
        # An ID that is an address is one that nobody has made sure of.
        ("", {"sub": "chief@ward.example", "email": None}, True, False),
        ("@ward.example", {"sub": "ana@ward.example", "email": None}, False, False),
    ],
)
def test_who_is_on_the_list_comes_in(write, monkeypatch, people, claims, comes_in, owns):
    write(FILE)
    monkeypatch.setenv("BERTOSCOPE_PEOPLE", people)
    monkeypatch.setenv("BERTOSCOPE_OWNERS", "boss,chief@ward.example")
    person = signed_in(cookies(ANA | claims))
    assert (person is not None, person is not None and person.owns_server) == (comes_in, owns)
    found = ask(SignIn(Behind()), "/", cookie=cookies(ANA | claims), **PAGE)
    assert found.status == (200 if comes_in else 403)
    if not comes_in:
        # Who should be let in can say by what they are known.
        assert str((ANA | claims)["sub"]) in found.text


@pytest.mark.parametrize(
    "content, why",
    [
        ("[auth", "cannot be read"),
        (b"[auth]\n\xff\xfe = 1", "cannot be read"),
        ("[auth]\n", "cookie_secret"),
        ('auth = "yes"', "cookie_secret"),
        (FILE.replace(SECRET, "short"), "cookie_secret"),
        (FILE.replace("client_secret", "other"), "client_secret"),
        (FILE.replace("redirect_uri", "other"), "redirect_uri"),
        (FILE.replace("client_id", "other"), "names no provider"),
    ],
)
def test_where_it_is_set_up_wrong_nobody_comes_in_and_the_log_says_why(write, caplog, content, why):
    write(content)
    behind = Behind()
    app = SignIn(behind)
    with caplog.at_level(logging.ERROR, "bertoscope"):
        found = ask(app, "/", **PAGE)
    assert found.status == 503
    assert "href" not in found.text
    assert why in caplog.text
    assert SECRET not in caplog.text + found.text
    # Nor who signs a cookie themselves, with what they can guess.
    for secret in ("short", "yes"):
        forged = cookies(ANA, secret)
        assert ask(app, "/", cookie=forged).status == 401
        assert ask(app, "/_stcore/stream", kind="websocket", cookie=forged).sent[0]["type"] == "websocket.close"
    assert ask(app, "/_stcore/stream", kind="websocket").sent[0]["type"] == "websocket.close"
    assert ask(app, PATH, query=b"provider=default").headers["location"] == "/"
    assert behind.reached == []


def test_it_leads_to_the_provider_and_to_the_page_that_was_opened(write):
    write(FILE)
    behind = Behind()
    app = SignIn(behind)
    asked = ask(app, "/attention", query=b"text=a%20bank", **PAGE)
    assert "id.example" not in asked.text.replace("Sign in", "")
    sent = ask(app, PATH, query=b"provider=default&next=/attention%3Ftext%3Da%2520bank")
    where = urlsplit(sent.headers["location"])
    assert (sent.status, where.path) == (303, LOGIN)
    assert parse_qs(where.query)["provider"]
    kept = sent.headers["set-cookie"].partition(";")[0]
    back = ask(app, "/", cookie=f"{cookies(ANA)}; {kept}", **PAGE)
    assert (back.status, back.headers["location"]) == (303, "/attention?text=a%20bank")
    assert "Max-Age=0" in back.headers["set-cookie"]
    # Nowhere else, and once.
    for page in ("https%3A//evil.example", "//evil.example", "%2F%5Cevil.example", "/sign-in", "/auth/logout"):
        sent = ask(app, PATH, query=f"provider=default&next={page}".encode())
        kept = sent.headers["set-cookie"].partition(";")[0]
        assert ask(app, "/", cookie=f"{cookies(ANA)}; {kept}", **PAGE).text == "behind"
    for query in (b"provider=other", b"", b"a=1&" * 20):
        assert ask(app, PATH, query=query).headers["location"] == "/"


def test_the_pass_phrase_is_no_way_in_where_there_is_a_provider(write, monkeypatch):
    write(FILE)
    monkeypatch.setenv("BERTOSCOPE_PASSWORD", "a")
    behind = Behind()
    found = ask(SignIn(behind), PATH, "POST", b"name=Ana&phrase=a&next=/")
    assert "set-cookie" not in found.headers or "bertoscope_person" not in found.headers["set-cookie"]
    assert found.headers.get("location") == "/"
    assert behind.reached == []


def test_a_link_alone_signs_nobody_out(write):
    write(FILE)
    app = SignIn(Behind())
    assert "Ana" in ask(app, LEAVE, cookie=cookies(ANA), **PAGE).text
    assert ask(app, LEAVE, "POST", origin="https://evil.example").status == 403
    assert ask(app, LEAVE, "POST").headers["location"] == LOGOUT
    assert ask(app, LOGOUT, sec_fetch_site="cross-site", cookie=cookies(ANA)).status == 403
    assert ask(app, LOGOUT, sec_fetch_site="same-origin", cookie=cookies(ANA)).text == "behind"


@pytest.mark.parametrize("content", ["", "other = 1\n", "[auth"])
def test_a_file_that_is_being_written_lets_nobody_in(write, content):
    write(FILE)
    assert needs_sign_in()
    write(content)
    behind = Behind()
    for path in ("/", "/runs", "/media/a"):
        assert ask(SignIn(behind), path).status == 401
    assert ask(SignIn(behind), "/", **PAGE).status == 503
    assert behind.reached == []
    write(FILE)
    assert ask(SignIn(behind), "/", cookie=cookies(ANA)).text == "behind"


def test_an_id_of_one_provider_is_nobodys_of_another(write, monkeypatch):
    more = '[auth.other]\nclient_id = "a"\nclient_secret = "b"\nserver_metadata_url = "https://other.example/"'
    write(FILE + more)
    monkeypatch.setenv("BERTOSCOPE_OWNERS", "default:boss")
    for one, owns in (("default", True), ("other", False)):
        assert signed_in(cookies(ANA | {"sub": "boss", "provider": one})).owns_server == owns


def test_several_providers_are_named(write):
    more = "\n".join(
        f'[auth.{name}]\nclient_id = "a"\nclient_secret = "b"\nserver_metadata_url = "https://{name}.example/"'
        for name in ("hospital", "university")
    )
    write(FILE + more)
    assert provider.providers() == {"default": "id.example", "hospital": "Hospital", "university": "University"}
    found = ask(SignIn(Behind()), "/", **PAGE).text
    for name in ("id.example", "Hospital", "University"):
        assert f"Sign in with {name}" in found
