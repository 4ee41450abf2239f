"""A server that knows nothing of keys and streams: it sends a word only after the client has said that it got the last."""

import json
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Semaphore

WORDS = ["one", "two", "three"]
received = Semaphore(0)


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        received.release()
        self.send_response(204)
        self.end_headers()

    def do_POST(self):
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        for word in WORDS:
            choices = [{"index": 0, "delta": {"content": word}}]
            self.send_event(json.dumps({"id": "c", "object": "chat.completion.chunk", "choices": choices}))
            received.acquire(timeout=20)
        self.send_event("[DONE]")
        self.wfile.write(b"0\r\n\r\n")

    def send_event(self, data):
        event = f"data: {data}\n\n".encode()
        self.wfile.write(b"%x\r\n%s\r\n" % (len(event), event))
        self.wfile.flush()

    def log_message(self, *_):
        pass


server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
print(f"http://127.0.0.1:{server.server_port}", flush=True)
server.serve_forever()
