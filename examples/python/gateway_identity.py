"""Makes the caller that the gateway of with-auth names the user of Starlette, FastAPI, or an MCP server in Python.

    app = for_starlette(app, os.environ["WITH_AUTH_SIGN_SECRET"])
    app = for_mcp(mcp.streamable_http_app(), os.environ["WITH_AUTH_SIGN_SECRET"])

A request without a good signature of the gateway gets a 403. Start the gateway with the same WITH_AUTH_SIGN_SECRET.
"""

import hashlib
import hmac
import json
import re
import time
from dataclasses import dataclass, field
from urllib.parse import unquote

from starlette.authentication import AuthCredentials, BaseUser
from starlette.responses import PlainTextResponse
from starlette.websockets import WebSocketClose

MAX_AGE_SECONDS = 60
MAX_AHEAD_SECONDS = 5
SIGNATURE = re.compile(rb"t=([1-9][0-9]{0,14}),v([12])=([0-9a-f]{64})")
# In the order in which the gateway signs them.
PARTS = (b"principal", b"tenant", b"attributes", b"scopes", b"client")
NAMES = {b"x-auth-" + part for part in (*PARTS, b"signature")}


@dataclass(frozen=True)
class Caller(BaseUser):
    principal: str
    tenant: str | None = None
    attributes: dict[str, list[str]] = field(default_factory=dict)
    scopes: tuple[str, ...] = ()
    client: str | None = None

    @property
    def is_authenticated(self):
        return True

    @property
    def display_name(self):
        return self.principal

    @property
    def identity(self):
        return self.principal


def for_starlette(app, secret):
    """`request.user` is the Caller, and `@requires("notes:read")` asks for a scope. FastAPI reads both alike."""
    return GatewayIdentity(app, secret, lambda caller: caller)


def for_mcp(app, secret):
    """`get_access_token()` in a tool has the scopes, and a session is of the caller who began it: others get a 404."""
    from mcp.server.auth.middleware.auth_context import AuthContextMiddleware
    from mcp.server.auth.middleware.bearer_auth import AuthenticatedUser
    from mcp.server.auth.provider import AccessToken

    # An older SDK would ignore the subject in silence, and give each session to everybody.
    if "subject" not in AccessToken.model_fields:
        raise ImportError("The package mcp is too old to bind a session to its caller: install 1.27.2 or later")

    def user_of(caller):
        # The SDK compares `iss`, the client and the subject. A principal is unique in its tenant, as a subject is at its issuer.
        claims = {"iss": caller.tenant, "attributes": caller.attributes}
        token = AccessToken(
            token="", client_id=caller.client or "", subject=caller.principal, scopes=list(caller.scopes), claims=claims
        )
        return AuthenticatedUser(token)

    return GatewayIdentity(AuthContextMiddleware(app), secret, user_of)


class GatewayIdentity:
    """ASGI middleware. `secret` may hold several with blanks between them, as WITH_AUTH_SIGN_SECRET does for a rotation."""

    def __init__(self, app, secret, user_of):
        self.app = app
        self.secrets = [one.encode() for one in secret.split()]
        self.user_of = user_of
        if not self.secrets or min(map(len, self.secrets)) < 16:
            raise ValueError("Each secret of WITH_AUTH_SIGN_SECRET must have at least 16 characters")

    async def __call__(self, scope, receive, send):
        if scope["type"] not in ("http", "websocket"):
            return await self.app(scope, receive, send)
        caller = self.read_caller(scope)
        if caller is None:
            is_http = scope["type"] == "http"
            reject = PlainTextResponse("Forbidden", 403) if is_http else WebSocketClose()
            return await reject(scope, receive, send)
        auth = AuthCredentials(["authenticated", *caller.scopes])
        await self.app({**scope, "user": self.user_of(caller), "auth": auth}, receive, send)

    def read_caller(self, scope):
        headers = [(name, value) for name, value in scope["headers"] if name in NAMES]
        sent = dict(headers)
        # Of two headers with one name the last would win here, and the first elsewhere.
        if len(sent) < len(headers) or not sent.get(b"x-auth-principal"):
            return None
        values = [sent.get(b"x-auth-" + part, b"") for part in PARTS]
        version = self.signed_version(scope, values, sent.get(b"x-auth-signature", b""))
        if version is None:
            return None

        def decode(name):
            return unquote(name, errors="strict") if version == b"1" else name

        principal, tenant, attributes, scopes, client = (value.decode() for value in values)
        return Caller(
            principal=decode(principal),
            tenant=decode(tenant) or None,
            attributes=json.loads(attributes or "{}"),
            scopes=tuple(decode(one) for one in scopes.split(" ") if one),
            client=decode(client) or None,
        )

    def signed_version(self, scope, values, signature):
        """1 for names that are percent-encoded, 2 for names in UTF-8, or None if the signature is not good."""
        match = SIGNATURE.fullmatch(signature)
        if match is None:
            return None
        seconds, version, mac = match.groups()
        if not -MAX_AHEAD_SECONDS <= time.time() - int(seconds) < MAX_AGE_SECONDS:
            return None
        # A WebSocket begins with GET. The gateway signs the path as it was sent, and `path` is decoded.
        method = scope.get("method", "GET").encode()
        path = (scope.get("raw_path") or b"").partition(b"?")[0]
        lines = [b"%d:%s" % (len(value), value) for value in (seconds, method, path, *values)]
        text = b"\n".join([version, *lines])
        good = [hmac.new(secret, text, hashlib.sha256).hexdigest().encode() for secret in self.secrets]
        return version if any([hmac.compare_digest(mac, one) for one in good]) else None
