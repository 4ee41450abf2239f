# An auth endpoint: pip install fastapi uvicorn, python -m uvicorn endpoint:app --port 9000
import hashlib

from fastapi import FastAPI, HTTPException, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel

# The SHA-256 of each key: printf %s "$KEY" | sha256sum
USERS = {
    "c48a01f49fd0f2cc404bc3cbbc80e91457a3d41bb429a695243de4c61794155c": {"principal": "alice"},
}


class CheckedRequest(BaseModel):
    path: str
    headers: dict[str, str]
    params: dict[str, str | list[str]]


class Question(BaseModel):
    api_key: str
    request: CheckedRequest


app = FastAPI()


# FastAPI's own 422 repeats the question, and the key with it.
@app.exception_handler(RequestValidationError)
def reject(request: Request, error: RequestValidationError) -> JSONResponse:
    return JSONResponse({"detail": "not a valid question"}, 422)


@app.post("/validate")
def validate(question: Question, response: Response) -> dict:
    user = USERS.get(hashlib.sha256(question.api_key.encode()).hexdigest())
    if user is None:
        raise HTTPException(401, "unknown key")
    response.headers["cache-control"] = "max-age=10"
    return user
