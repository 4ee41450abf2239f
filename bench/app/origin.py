# The original design behind the contract: a FastAPI middleware that creates an httpx client for each request.
import os
import sys
from urllib.parse import parse_qs

import httpx
import uvicorn
from fastapi import FastAPI
from fastapi.responses import JSONResponse, PlainTextResponse

ENDPOINT = os.environ["AUTH_ENDPOINT"]
REFUSED = {"error": {"message": "Authentication failed"}}
app = FastAPI()


@app.get("/v1/models")
async def models():
    return PlainTextResponse("ok")


async def is_allowed(request, token):
    told = {
        "path": request.url.path,
        "headers": dict(request.headers),
        "params": parse_qs(request.url.query),
    }
    async with httpx.AsyncClient() as client:
        response = await client.post(ENDPOINT, json={"api_key": token, "request": told})
    return response.status_code == 200


async def authenticate(request, call_next):
    header = request.headers.get("authorization", "")
    if not header.startswith("Bearer ") or not await is_allowed(request, header[7:]):
        return JSONResponse(REFUSED, status_code=401)
    return await call_next(request)


if os.environ["GATE"] == "origin":
    app.middleware("http")(authenticate)

uvicorn.run(app, host="127.0.0.1", port=int(sys.argv[1]), log_level="error", access_log=False)
