"""Who does not know the pass-phrase gets a page that asks for it, and nothing else."""

import asyncio
import hashlib
import hmac
import re
from urllib.parse import urlencode

import pytest

from dashboard.sign_in import gate, pass_phrase
from dashboard.sign_in.gate import SignIn
from dashboard.sign_in.pages import LEAVE, PATH
from dashboard.sign_in.pass_phrase import Tries, cookie_for, name_in
from dashboard.sign_in.people import by_name
from dashboard.sign_in.session import signed_in

PHRASE = "a long pass-phrase, 长口令"
PAGE = {"accept": "text/html,*/*"}


@pytest.fixture(autouse=True)
def phrase(monkeypatch):
    monkeypatch.setenv("BERTOSCOPE_PASSWORD", PHRASE)


class Behind:
    """The server behind it: writes down what reaches it."""

    def __init__(self):
        self.reached = []

    async def __call__(self, scope, _receive, send):
        self.reached.append(scope["path"])
        if scope["type"] == "http":
            await send({"type": "http.response.start", "status": 200, "headers": []})
            await send({"type": "http.response.body", "body": b"behind"})
        else:
            await send({"type": "websocket.accept"})


class Answer:
    """What a request gets."""

    def __init__(self, sent):
        self.sent = sent
        start = sent[0]
        self.status = start.get("status")
        self.headers = {name.decode().lower(): value.decode() for name, value in start.get("headers", [])}
        self.text = b"".join(one.get("body", b"") for one in sent[1:]).decode()


def ask(app, path, method="GET", body=b"", kind="http", address="10.0.0.1", query=b"", scheme="http", **headers):
    """Send a request, and return what comes of it."""
    sent = []

    async def receive():
        return {"type": "http.request", "body": body} if kind == "http" else {"type": "websocket.connect"}

    async def send(message):
        sent.append(message)

    named = {"host": "bert.example.org"} | {name.replace("_", "-"): value for name, value in headers.items()}
    scope = {
        "type": kind,
        "method": method,
        "path": path,
        "query_string": query,
        "scheme": scheme,
        "client": (address, 1),
        "headers": [(name.encode(), value.encode("latin-1")) for name, value in named.items()],
    }
    loop = asyncio.new_event_loop()
    try:
        # Another test of this thread may have left a loop running in it.
        asyncio._set_running_loop(None)
        loop.run_until_complete(app(scope, receive, send))
    finally:
        loop.close()
    return Answer(sent)


def give(app, name="Ana", phrase=PHRASE, page="/", **more):
    """Send the form."""
    return ask(app, PATH, "POST", urlencode({"name": name, "phrase": phrase, "next": page}).encode(), **more)


def cookie_of(answer):
    return answer.headers["set-cookie"].partition(";")[0]


@pytest.mark.parametrize(
    "path",
    ["/", "/attention", "/static/js/index.js", "/media/0123.csv", "/_stcore/upload_file/a/b", "/component/x/y.js"],
)
def test_nothing_is_reached_without_it(path):
    behind = Behind()
    app = SignIn(behind)
    for method in ("GET", "HEAD", "PUT", "DELETE", "OPTIONS", "POST"):
        assert ask(app, path, method).status == 401
    assert ask(app, path, **PAGE).status == 401
    name = pass_phrase.cookie_name(PHRASE)
    for value in ("a.99999999999.b", "..", f"QW5h.{'9' * 500}.{'0' * 64}", "é.1.2", "\x80"):
        assert ask(app, path, cookie=f"{name}={value}").status == 401
    assert ask(app, path, kind="websocket").sent == [{"type": "websocket.close", "code": 1008, "reason": ""}]
    assert behind.reached == []


def test_who_gives_it_reaches_what_they_asked_for_and_stays_signed_in():
    behind = Behind()
    app = SignIn(behind)
    asked = ask(app, "/attention", query=b"text=a%20bank&lang=en", **PAGE)
    page = re.search(r'name="next" value="([^"]*)"', asked.text)[1].replace("&amp;", "&")
    assert page == "/attention?text=a%20bank&lang=en"
    found = give(app, " 李  雷 ", page=page)
    assert (found.status, found.headers["location"]) == (303, page)
    assert re.search(r"; Path=/; Max-Age=2592000; HttpOnly; SameSite=Lax$", found.headers["set-cookie"])
    assert ask(app, "/attention", cookie=f"a=b; {cookie_of(found)}; c=d").text == "behind"
    assert ask(app, "/_stcore/stream", kind="websocket", cookie=cookie_of(found)).sent == [{"type": "websocket.accept"}]
    assert behind.reached == ["/attention", "/_stcore/stream"]
    assert signed_in(cookie_of(found)).name == "李 雷"
    # Beside one of the same name that another path or name of the host has, in either order.
    other = f"{pass_phrase.cookie_name(PHRASE)}=a.9.b"
    for both in (f"{other}; {cookie_of(found)}", f"{cookie_of(found)}; {other}"):
        assert ask(app, "/", cookie=both).text == "behind"
        assert signed_in(both).name == "李 雷"
    # By a proxy that has the certificate, or by the server's own.
    for more in ({"scheme": "https"}, {"x_forwarded_proto": "https"}):
        assert give(app, **more).headers["set-cookie"].endswith("; Secure")


def test_without_a_pass_phrase_everybody_is_let_in(monkeypatch):
    for value in ("", None):
        monkeypatch.setenv("BERTOSCOPE_PASSWORD", value) if value is not None else monkeypatch.delenv(
            "BERTOSCOPE_PASSWORD"
        )
        behind = Behind()
        assert ask(SignIn(behind), "/attention").text == "behind"
        ask(SignIn(behind), "/_stcore/stream", kind="websocket")
        assert behind.reached == ["/attention", "/_stcore/stream"]


def test_a_server_that_is_watched_answers():
    assert ask(SignIn(Behind()), "/_stcore/health").text == "behind"


@pytest.mark.parametrize("wrong", ["", PHRASE[:-1], PHRASE + " ", PHRASE.upper(), "é", "\x00", "x" * 5000])
def test_what_is_wrong_is_refused_and_what_was_typed_stays(wrong):
    found = give(SignIn(Behind()), "Ana <b>", wrong, "/runs")
    assert found.status == 401
    assert "set-cookie" not in found.headers
    assert "This is not the pass-phrase." in found.text
    assert 'value="Ana &lt;b&gt;"' in found.text
    assert 'value="/runs"' in found.text
    assert not wrong or wrong not in found.text or wrong == "é"


@pytest.mark.parametrize("name", ["", "   ", "\u200b" * 0, "x" * 61])
def test_a_name_is_asked_for(name):
    found = give(SignIn(Behind()), name)
    assert found.status == 400
    assert "Give a name of 1 to 60 characters." in found.text


@pytest.mark.parametrize(
    "page",
    [
        "//evil.example",
        "https://evil.example/",
        "/\\evil.example",
        "\\/evil.example",
        "javascript:alert(1)",
        "",
        "/a\r\nX: y",
    ],
)
def test_nobody_is_sent_elsewhere(page):
    found = give(SignIn(Behind()), page=page)
    assert found.headers["location"] == "/"


def test_a_form_of_another_site_signs_nobody_in():
    app = SignIn(Behind())
    for origin in ("https://evil.example", "null", "http://bert.example.org.evil.example"):
        found = give(app, origin=origin)
        left = ask(app, LEAVE, "POST", origin=origin)
        assert (found.status, left.status) == (403, 403)
        assert "set-cookie" not in found.headers | left.headers
    assert give(app, origin="https://bert.example.org").status == 303


def test_whoever_has_an_address_of_ipv6_has_no_more_tries_for_it():
    app = SignIn(Behind(), Tries(2, 10.0))
    found = [give(app, phrase="no", address=f"2001:db8::{i}%eth0").status for i in range(1, 4)]
    assert found == [401, 401, 429]
    assert give(app, phrase="no", address="2001:db8:0:1::1").status == 401
    # Over a socket file there is none.
    assert give(app, phrase="no", address="").status == 401


def test_where_one_signs_in_is_nowhere_to_come_back_to():
    for path in (PATH, LEAVE, PATH + "?a=b"):
        assert give(SignIn(Behind()), page=path).headers["location"] == "/"


def test_nobody_guesses_for_long(monkeypatch):
    now = [1000.0]
    monkeypatch.setattr(gate.time, "monotonic", lambda: now[0])
    app = SignIn(Behind(), Tries(3, 10.0), Tries(5, 1.0))
    assert [give(app, phrase="no").status for _ in range(3)] == [401, 401, 401]
    found = give(app)
    # Not even the right one, or how it is refused would tell.
    assert (found.status, found.headers["retry-after"]) == (429, "10")
    assert "Wait 10 s." in found.text
    # Others are not kept out by it.
    assert give(app, address="10.0.0.2").status == 303
    now[0] += 10.0
    assert give(app, phrase="no").status == 401
    assert give(app).status == 429
    # With many addresses there are no more tries than all have together.
    found = [give(app, phrase="no", address=f"10.1.0.{i}").status for i in range(20)]
    assert found == [401] * 4 + [429] * 16
    now[0] += 1000.0
    assert give(app).status == 303


def test_addresses_are_not_remembered_for_ever():
    tries = Tries(1, 10.0)
    for i in range(3 * Tries.MOST):
        tries.failed(str(i), 0.0)
    assert len(tries._free_at) == Tries.MOST
    assert tries.left("0", 0.0) == 0
    assert tries.left(str(3 * Tries.MOST - 1), 0.0) == 10.0


def test_a_cookie_is_signed_by_a_key_made_of_the_phrase():
    made = cookie_for("Ana", PHRASE, 1000.0)
    said, _, signature = made.rpartition(".")
    # RFC 7914 and RFC 2104, by Python's own functions.
    key = hashlib.scrypt(PHRASE.encode(), salt=b"bertoscope cookie", n=16384, r=8, p=1)
    assert signature == hmac.new(key, said.encode(), "sha256").hexdigest()
    assert name_in(made, PHRASE, 1000.0 + 30 * 86400 - 1) == "Ana"
    assert name_in(made, PHRASE, 1000.0 + 30 * 86400) is None
    # Another pass-phrase ends what was signed in.
    assert name_in(made, PHRASE + "!", 1000.0) is None
    name, until, _ = made.split(".")
    for other in (
        f"QW5l.{until}.{signature}",
        f"{name}.{int(until) + 1}.{signature}",
        f"{said}.{signature[:-1]}",
        said,
        ".",
        "",
    ):
        assert name_in(other, PHRASE, 1000.0) is None


def test_what_is_no_form_is_refused():
    assert ask(SignIn(Behind()), PATH, "POST", b"phrase=" + b"x" * 9000).status == 413
    assert ask(SignIn(Behind()), PATH, "POST", b"a=1&" * 10).status == 400
    assert ask(SignIn(Behind()), PATH, "POST", b"\xff\x00=%ff&phrase=%00").status == 401


def test_a_link_alone_signs_nobody_out():
    app = SignIn(Behind())
    asked = ask(app, LEAVE, **PAGE)
    assert "set-cookie" not in asked.headers
    assert 'method="post"' in asked.text
    left = ask(app, LEAVE, "POST")
    assert left.headers["set-cookie"].startswith(f"{pass_phrase.cookie_name(PHRASE)}=; Path=/; Max-Age=0")


@pytest.mark.parametrize(
    ("wanted", "word"), [("zh-CN,zh;q=0.9", "口令"), ("fr, en;q=0.5", "Pass-phrase"), ("", "Pass-phrase")]
)
def test_it_asks_in_the_readers_language(wanted, word):
    assert word in ask(SignIn(Behind()), "/", accept_language=wanted, **PAGE).text


def test_the_page_that_asks_can_do_nothing_else():
    found = ask(SignIn(Behind()), "/", **PAGE)
    policy = found.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "script" not in policy
    assert found.headers["cache-control"] == "no-store"


def test_a_tab_is_given_back_to_who_has_opened_it_alone():
    """Streamlit hands on what was typed in it to whoever knows its name."""
    ana, bo = (by_name(name, False).id for name in ("Ana", "Bo"))
    tabs = {"of-ana": ana, "of-bo": bo}
    reached = []

    async def behind(scope, _receive, send):
        reached.append((dict(scope["headers"])[b"sec-websocket-protocol"], scope["subprotocols"]))
        await send({"type": "websocket.accept"})

    cookie = cookie_of(give(SignIn(Behind())))
    for tab, passes in (("of-ana", True), ("of-bo", False), ("of-nobody", False)):
        given = f"streamlit, x, {tab}"
        ask(
            SignIn(behind, whose=tabs.get),
            "/_stcore/stream",
            kind="websocket",
            cookie=cookie,
            sec_websocket_protocol=given,
        )
        kept = given if passes else "streamlit, x"
        assert reached.pop() == (kept.encode(), kept.split(", "))


def test_below_an_address_of_its_own_the_cookie_is_sent_there_too(monkeypatch):
    option = gate.below_base.__globals__["config"].get_option
    monkeypatch.setattr(
        "dashboard.sign_in.pages.config.get_option",
        lambda name: "bert" if name == "server.baseUrlPath" else option(name),
    )
    app = SignIn(Behind())
    assert ask(app, "/bert/_stcore/health").text == "behind"
    assert ask(app, "/_stcore/health").status == 401
    assert 'action="/bert/sign-in"' in ask(app, "/bert", **PAGE).text
    body = urlencode({"name": "Ana", "phrase": PHRASE, "next": "/bert"}).encode()
    found = ask(app, "/bert/sign-in", "POST", body)
    assert found.headers["location"] == "/bert"
    # Of "/bert/" it would not be sent to "/bert".
    assert "; Path=/bert;" in found.headers["set-cookie"]


def test_a_pass_phrase_that_everybody_knows_makes_nobody_an_owner(monkeypatch):
    monkeypatch.setenv("BERTOSCOPE_OWNER_PASSWORD", PHRASE)
    assert not signed_in(cookie_of(give(SignIn(Behind())))).owns_server
    monkeypatch.setenv("BERTOSCOPE_OWNER_PASSWORD", "another")
    assert signed_in(cookie_of(give(SignIn(Behind()), phrase="another"))).owns_server
    assert not signed_in(cookie_of(give(SignIn(Behind())))).owns_server
