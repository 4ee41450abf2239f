"""An app behind a proxy. It prints what reaches it, and answers once it has read that the line has been read."""

import asyncio
import base64
import hashlib
import json
import sys

told: asyncio.StreamReader
turn: asyncio.Lock


def say(what):
    print(json.dumps(what), flush=True)


async def report(method, url, fields, length):
    reached = {"line": f"{method} {url}", "fields": fields, "length": length}
    async with turn:
        say({"reached": reached})
        await told.readline()
    return reached


async def read_bytes(reader, count):
    left = count
    while left > 0:
        part = await reader.read(min(left, 65536))
        if not part:
            raise ConnectionError
        say({"bytes": len(part)})
        left -= len(part)
    return count


async def read_chunks(reader):
    length = 0
    while size := int((await reader.readline()).split(b";")[0], 16):
        length += await read_bytes(reader, size)
        await reader.readline()
    while await reader.readline() not in (b"\r\n", b""):
        pass
    return length


def accept(key):
    digest = hashlib.sha1((key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11").encode()).digest()
    return base64.b64encode(digest).decode()


async def echo(reader, writer, key):
    head = ["HTTP/1.1 101 Switching Protocols", "Upgrade: websocket", "Connection: Upgrade"]
    writer.write("\r\n".join([*head, f"Sec-WebSocket-Accept: {accept(key)}", "", ""]).encode())
    while part := await reader.read(65536):
        writer.write(part)
        await writer.drain()


async def respond(reader, writer):
    """Returns whether the connection stays open."""
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    request, *lines = head[:-4].split("\r\n")
    method, url, version = request.split(" ")
    fields = [[name.lower(), value.strip(" \t")] for name, value in (line.split(":", 1) for line in lines)]
    values = dict(fields)
    if "upgrade" in values:
        await report(method, url, fields, 0)
        await echo(reader, writer, values["sec-websocket-key"])
        return False
    if url == "/broken":
        return False
    if url == "/stream":
        # The end never comes.
        writer.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nfirst\r\n")
        await reader.read()
        return False
    if url == "/forbidden":
        challenge = b'WWW-Authenticate: Basic realm="app"\r\nContent-Length: 10\r\n\r\nof the app'
        writer.write(b"HTTP/1.1 401 Unauthorized\r\n" + challenge)
        return False
    if values.get("transfer-encoding") == "chunked":
        length = await read_chunks(reader)
    else:
        length = await read_bytes(reader, int(values.get("content-length", 0)))
    body = json.dumps(await report(method, url, fields, length)).encode()
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
    await writer.drain()
    return version == "HTTP/1.1" and values.get("connection") != "close"


async def serve(reader, writer):
    try:
        while await respond(reader, writer):
            pass
        await writer.drain()
    except (ConnectionError, asyncio.IncompleteReadError):
        pass
    writer.close()


async def main():
    global told, turn
    told, turn = asyncio.StreamReader(), asyncio.Lock()
    loop = asyncio.get_running_loop()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(told), sys.stdin)
    server = await asyncio.start_server(serve, "127.0.0.1", 0, limit=131072)
    say({"port": server.sockets[0].getsockname()[1]})
    await server.serve_forever()


asyncio.run(main())
