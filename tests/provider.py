"""An identity provider for tests: OpenID Connect's code flow, as its specification has it, for whoever is named.

See OpenID Connect Core 1.0, section 3.1 (https://openid.net/specs/openid-connect-core-1_0.html#CodeFlowAuth).
"""

import secrets
import threading
import time

import uvicorn
from joserfc import jwt
from joserfc.jwk import RSAKey
from starlette.applications import Starlette
from starlette.responses import JSONResponse, RedirectResponse
from starlette.routing import Route

from tests.browser.conftest import free_port

CLIENT = "bertoscope-test"


class Provider:
    """A server that signs in whoever `person` says, without asking."""

    def __init__(self):
        self.address = f"http://127.0.0.1:{free_port()}"
        self.person = {"sub": "1"}
        self._key = RSAKey.generate_key(2048, parameters={"kid": "one"})
        self._given = {}
        routes = [
            Route("/.well-known/openid-configuration", self._metadata),
            Route("/authorize", self._authorize),
            Route("/token", self._token, methods=["POST"]),
            Route("/keys", self._keys),
        ]
        config = uvicorn.Config(
            Starlette(routes=routes), port=int(self.address.rpartition(":")[2]), log_level="critical"
        )
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=self._server.run, daemon=True)

    def __enter__(self):
        self._thread.start()
        while not self._server.started:
            time.sleep(0.01)
        return self

    def __exit__(self, *_error):
        self._server.should_exit = True
        self._thread.join(20)

    def secrets(self):
        """Return what `secrets.toml` says of it."""
        return f"""
[auth]
redirect_uri = "http://127.0.0.1:{{port}}/oauth2callback"
cookie_secret = "{secrets.token_hex(16)}"
client_id = "{CLIENT}"
client_secret = "a secret"
server_metadata_url = "{self.address}/.well-known/openid-configuration"
"""

    async def _metadata(self, _request):
        return JSONResponse(
            {
                "issuer": self.address,
                "authorization_endpoint": f"{self.address}/authorize",
                "token_endpoint": f"{self.address}/token",
                "jwks_uri": f"{self.address}/keys",
                "id_token_signing_alg_values_supported": ["RS256"],
                "code_challenge_methods_supported": ["S256"],
            }
        )

    async def _authorize(self, request):
        asked, code = request.query_params, secrets.token_hex(8)
        self._given[code] = asked.get("nonce"), dict(self.person)
        return RedirectResponse(f"{asked['redirect_uri']}?code={code}&state={asked['state']}", 302)

    async def _token(self, request):
        nonce, person = self._given.pop((await request.form())["code"])
        now = int(time.time())
        claims = {"iss": self.address, "aud": CLIENT, "iat": now, "exp": now + 300, "nonce": nonce, **person}
        token = jwt.encode({"alg": "RS256", "kid": "one"}, claims, self._key)
        return JSONResponse({"access_token": "a", "token_type": "Bearer", "id_token": token})

    async def _keys(self, _request):
        return JSONResponse({"keys": [self._key.as_dict(private=False)]})
