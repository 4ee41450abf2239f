"""An app behind the gateway, which says whom it takes the caller for."""

from gateway_identity import for_starlette
from starlette.applications import Starlette
from starlette.authentication import requires
from starlette.responses import JSONResponse
from starlette.routing import Route, WebSocketRoute

SECRETS = "0123456789abcdef0123456789abcdef fedcba9876543210fedcba9876543210"


@requires("notes:read")
async def notes(request):
    user = request.user
    caller = {"principal": user.identity, "tenant": user.tenant, "attributes": user.attributes}
    return JSONResponse({**caller, "scopes": user.scopes, "clientId": user.client})


@requires("notes:delete")
async def delete(request):
    return JSONResponse({})


async def greet(socket):
    await socket.accept()
    await socket.send_text(socket.user.display_name)
    await socket.close()


routes = [Route("/notes/{name:path}", notes), Route("/delete", delete), WebSocketRoute("/greet", greet)]
app = for_starlette(Starlette(routes=routes), SECRETS)
