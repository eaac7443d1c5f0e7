"""Who comes in over HTTP: callers with a token of the settings, and those whom an OAuth issuer vouches for."""

import hashlib
import hmac
import logging
import math
import time
from dataclasses import replace
from typing import Any

import anyio
import httpx2
import jwt
from mcp.server.auth.provider import AccessToken
from mcp.server.auth.settings import AuthSettings
from mcp.server.context import CallNext, HandlerResult, ServerMiddleware, ServerRequestContext
from mcp.server.request_state import RequestStateSecurity

from callsheet.errors import RequestError
from callsheet.settings.callers import OAUTH, TOKEN
from callsheet.settings.settings import Settings
from callsheet_server import secret
from callsheet_server.desk import Desk, Pass
from callsheet_server.web.links import Links

ADMIN = "callsheet:admin"
"""The scope that makes an admin."""
ALGORITHMS = (
    *("RS256", "RS384", "RS512", "PS256", "PS384", "PS512"),
    *("ES256", "ES384", "ES512", "EdDSA"),
)
"""Only those with a private and a public half: we know no secret of the issuer's."""
LEEWAY_S = 30
"""So far apart may the issuer's clock be and ours."""
REFRESH_S = 60.0
"""A key we do not know is asked for at most so often."""
KEYS_S = 3600.0
"""So long the issuer's keys are believed without asking again."""
ANSWER_S = 5.0

log = logging.getLogger(__name__)


def links(settings: Settings) -> Links:
    """The links to stored files that we give and take."""
    return Links(secret.key(settings, "links"), settings.public_url)


def guards(settings: Settings, desk: Desk) -> dict[str, Any]:
    """What the MCP server needs to know who asks over HTTP, and to trust what it once told a client.

    Raises:
        RequestError: OAuth is half set up.
    """
    questions = RequestStateSecurity(keys=[secret.key(settings, "questions")])
    found: dict[str, Any] = {"request_state_security": questions, "middleware": [fitting(desk)]}
    if not settings.guarded:
        return found
    resource = None
    if settings.oauth_issuer:
        if settings.public_url is None:
            raise RequestError("CALLSHEET_OAUTH_ISSUER needs CALLSHEET_PUBLIC_URL: clients ask the issuer for it.")
        resource = f"{settings.public_url.rstrip('/')}/mcp"
    issuer = settings.oauth_issuer or "http://localhost"  # the SDK wants one; without OAuth it tells nobody
    said = {"issuer_url": issuer, "resource_server_url": resource, "validate_token_resource": False}
    auth = AuthSettings.model_validate(said)  # as text: a slash more at its end would be another issuer
    return found | {"auth": auth, "token_verifier": Gate(settings)}


def fitting(desk: Desk) -> ServerMiddleware[Any]:
    """Middleware: what we gave a caller a link to, they may name by it."""

    async def fit(ctx: ServerRequestContext[Any, Any], call_next: CallNext) -> HandlerResult:
        params = dict(ctx.params or {})
        if ctx.method == "tools/call" and "arguments" in params:
            ctx = replace(ctx, params=params | {"arguments": await desk.meant(params["arguments"])})
        return await call_next(ctx)

    return fit


class Gate:
    """Says whose a bearer token is."""

    def __init__(self, settings: Settings) -> None:
        self.known = {name: digest(token.get_secret_value()) for name, token in settings.http_tokens.items()}
        audience = settings.oauth_audience or f"{(settings.public_url or '').rstrip('/')}/mcp"
        self.issuer = Issuer(settings.oauth_issuer, audience) if settings.oauth_issuer else None

    async def verify_token(self, token: str) -> AccessToken | None:
        """Who this is; None for nobody."""
        said, name = digest(token), None
        for one, known in self.known.items():
            if hmac.compare_digest(said, known):
                name = one  # and on through all of them: how long it takes tells nothing
        if name is not None:
            return Pass(token="", client_id=f"{TOKEN}{name}", scopes=[], caller=f"{TOKEN}{name}")
        return await self.issuer.verify(token) if self.issuer else None


def digest(token: str) -> bytes:
    """A token as it is compared: always as long as any other."""
    return hashlib.sha256(token.encode()).digest()


class Issuer:
    """An OAuth issuer, and the keys with which it signs access tokens."""

    def __init__(self, url: str, audience: str) -> None:
        self.url = url.rstrip("/")
        self.audience = audience
        self.keys: dict[str | None, jwt.PyJWK] = {}
        self.asked = -math.inf
        self.asking = anyio.Lock()

    async def verify(self, token: str) -> Pass | None:
        """Whom an access token lets in; None where it is not genuine, not for us, or over."""
        try:
            key = await self.key(jwt.get_unverified_header(token).get("kid"))
            if key is None:
                return None
            claims = jwt.decode(
                token,
                key.key,
                algorithms=list(ALGORITHMS),
                audience=self.audience,
                issuer=[self.url, f"{self.url}/"],
                leeway=LEEWAY_S,
                options={"require": ["exp", "iss", "aud", "sub"]},
            )
        except (jwt.PyJWTError, TypeError, ValueError) as error:
            log.info("an access token was refused: %s", type(error).__name__)
            return None
        said = claims.get("scope", claims.get("scp"))
        scopes = said.split() if isinstance(said, str) else [str(one) for one in said or ()]
        name = f"{OAUTH}{claims['sub']}"
        return Pass(
            token="",
            client_id=str(claims.get("client_id") or claims.get("azp") or name),
            subject=str(claims["sub"]),
            claims={"iss": self.url},
            scopes=scopes,
            expires_at=int(claims["exp"]) + LEEWAY_S,
            caller=name,
            admin=ADMIN in scopes,
        )

    async def key(self, kid: str | None) -> jwt.PyJWK | None:
        """The issuer's key of that name, asked for where it is not known or long known."""
        async with self.asking:
            if time.monotonic() - self.asked > (KEYS_S if kid in self.keys else REFRESH_S):
                self.asked = time.monotonic()
                try:
                    self.keys = await self.fetched()
                except (httpx2.HTTPError, jwt.PyJWTError, ValueError, KeyError, TypeError, AttributeError) as error:
                    log.warning("%s: its keys cannot be read (%s)", self.url, type(error).__name__)
        return self.keys.get(kid)

    async def fetched(self) -> dict[str | None, jwt.PyJWK]:
        """The issuer's signing keys, from where its metadata says that they are."""
        async with httpx2.AsyncClient(timeout=ANSWER_S) as web:
            for place in self.places():
                answer = await web.get(place)
                if answer.status_code != 200:
                    continue
                about = answer.json()
                uri = str(about["jwks_uri"])
                if str(about["issuer"]).rstrip("/") != self.url or not uri.startswith(("https://", f"{self.url}/")):
                    raise ValueError("these are not the issuer's metadata")
                found = jwt.PyJWKSet.from_dict((await web.get(uri)).raise_for_status().json())
                return {one.key_id: one for one in found.keys if one.public_key_use in (None, "sig")}
        raise ValueError("the issuer has no metadata")

    def places(self) -> list[str]:
        """Where an issuer may have its metadata: OAuth puts the well-known part first, OpenID last."""
        url = httpx2.URL(self.url)
        path = url.path.rstrip("/")
        first = url.copy_with(path=f"/.well-known/oauth-authorization-server{path}")
        return [str(first), f"{self.url}/.well-known/openid-configuration"]
