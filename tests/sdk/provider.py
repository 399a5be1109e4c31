"""A provider that misbehaves, as the model's name says. Prints its port."""

import json
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

CHUNK = {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1, "model": "cut"}
SECRET = {"error": {"message": "Incorrect API key provided: sk-secret", "type": "invalid_request_error"}}
BUSY = {"error": {"message": "Slow down, org-secret", "type": "requests", "code": "rate_limit_exceeded"}}


class Handler(BaseHTTPRequestHandler):
    def do_POST(self):
        model = json.loads(self.rfile.read(int(self.headers["content-length"])))["model"]
        getattr(self, model)()

    def answer(self, status, body, **headers):
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(body)

    def account(self):
        self.answer(401, json.dumps(SECRET).encode())

    def busy(self):
        self.answer(429, json.dumps(BUSY).encode(), retry_after_ms="20")

    def cut(self):
        """A stream whose framing ends without a [DONE]."""
        self.send_response(200)
        self.send_header("content-type", "text/event-stream")
        self.end_headers()
        for word in ("Once", " upon"):
            choice = {"index": 0, "delta": {"content": word}, "finish_reason": None}
            self.wfile.write(b"data: " + json.dumps({**CHUNK, "choices": [choice]}).encode() + b"\n\n")
        self.wfile.write(b'data: {"id": "chatc')

    def half(self):
        """Half of a JSON document."""
        self.answer(200, b'{"id": "chatcmpl-1", "choices": [')

    def log_message(self, *_):
        pass


server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
print(server.server_port, flush=True)
server.serve_forever()
