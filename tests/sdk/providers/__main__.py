"""Scripted providers of every dialect on one server, each under a path of its own. Prints its port.

They take what the official SDKs' own types allow and nothing else, so that a wrong translation is refused. Keys are in
UPSTREAM_KEY_OPENAI, _ANTHROPIC and _GEMINI. Why something was refused goes to standard error.
"""

import json
import os
import re
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import anthropic_messages
import gemini
import misbehaving
import openai_chat
import openai_responses
import script
from shape import Refused

KEYS = {
    openai_chat: os.environ["UPSTREAM_KEY_OPENAI"],
    openai_responses: os.environ["UPSTREAM_KEY_OPENAI"],
    anthropic_messages: os.environ["UPSTREAM_KEY_ANTHROPIC"],
    gemini: os.environ["UPSTREAM_KEY_GEMINI"],
}
DIALECTS = tuple(KEYS)
SECRET_HEADERS = ("authorization", "x-api-key", "x-goog-api-key", "api-key", "cookie")
GATEWAY_KEY = re.compile(r"\btg-")


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        # Every connection serves one request, so that a stream may end by closing it.
        self.close_connection = True
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        if self.path == "/bad/v1/chat/completions":
            misbehaving.MODELS[body["model"]](self)
        elif self.path == "/openai/v1/chat/completions":
            self.serve(openai_chat, lambda: (openai_chat.read(body), ()))
        elif self.path == "/openai/v1/responses":
            self.serve(openai_responses, lambda: with_extras(openai_responses.read(body)))
        elif self.path.split("?")[0] == "/anthropic/v1/messages":
            self.serve(anthropic_messages, lambda: (anthropic_messages.read(body, self.headers), ()))
        elif self.path.split("?")[0] == "/anthropic/v1/messages/count_tokens":
            self.count(anthropic_messages, body)
        elif found := re.fullmatch(r"/gemini/v1(?:beta)?/models/([^/:]+):(\w+)(\?alt=sse)?", self.path):
            model, verb, streamed = found.groups()
            if verb == "countTokens":
                self.count(gemini, body)
            elif (verb, streamed) in (("generateContent", None), ("streamGenerateContent", "?alt=sse")):
                self.serve(gemini, lambda: (gemini.read(model, bool(streamed), body), ()))
            else:
                self.answer(404, b"{}")
        else:
            self.answer(404, b"{}")

    def count(self, dialect, body):
        try:
            self.check_headers(dialect)
            self.answer(200, json.dumps(dialect.count(body)).encode())
        except Refused as refused:
            self.refuse(dialect, "refused", str(refused))

    def serve(self, dialect, read):
        try:
            self.check_headers(dialect)
            turn, extras = read()
            if turn.scenario in script.ERRORS:
                return self.refuse(dialect, turn.scenario, f"The script says {turn.scenario}.")
            if turn.scenario == "cut":
                return self.cut(dialect, turn, extras)
            reply = script.reply(turn, dialect.SEAL)
        except Refused as refused:
            return self.refuse(dialect, "refused", str(refused))
        if turn.stream:
            self.begin_stream()
            for name, data in dialect.pieces(reply, turn, *extras):
                self.wfile.write(event(name, data))
        else:
            self.answer(200, json.dumps(dialect.whole(reply, turn, *extras)).encode())

    def cut(self, dialect, turn, extras):
        """The beginning of an answer, and then nothing, in the middle of an event or of the document."""
        reply = script.Reply("Once upon a time")
        seen = script.split(reply.text)[1].encode()
        if turn.stream:
            self.begin_stream()
            events = [event(*each) for each in dialect.pieces(reply, turn, *extras)]
            last = next(index for index, each in enumerate(events) if seen in each)
            self.wfile.write(b"".join(events[: last + 1]) + events[last + 1][:20])
        else:
            document = json.dumps(dialect.whole(reply, turn, *extras)).encode()
            self.answer(200, document[: len(document) // 2])

    def check_headers(self, dialect):
        """The provider's own key in its own header, and nothing that is the gateway's or another dialect's."""
        secrets = {name: self.headers[name] for name in SECRET_HEADERS if name in self.headers}
        allowed = [{name: form.format(KEYS[dialect])} for name, form in dialect.KEY_HEADERS.items()]
        if secrets not in allowed:
            raise Refused(f"headers: the key is wrong: {secrets}")
        foreign = {prefix for other in DIALECTS for prefix in other.OWN_HEADERS} - set(dialect.OWN_HEADERS)
        for name, value in self.headers.items():
            if name.lower().startswith((*foreign, "x-tollgate-")) or GATEWAY_KEY.search(value):
                raise Refused(f"headers: {name} is not for this provider")

    def refuse(self, dialect, name, message):
        if name == "refused":
            print(f"{self.path} refused: {message}", file=sys.stderr, flush=True)
        status, document = dialect.error(name, message)
        self.answer(status, json.dumps(document).encode())

    def begin_stream(self):
        self.send_response(200)
        self.send_header("content-type", "text/event-stream")
        self.send_header("connection", "close")
        self.end_headers()

    def answer(self, status, body, **headers):
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.send_header("connection", "close")
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


def with_extras(read):
    turn, shown = read
    return turn, (shown,)


def event(name, data):
    text = data if isinstance(data, str) else json.dumps(data)
    return ((f"event: {name}\n" if name else "") + f"data: {text}\n\n").encode()


server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
print(server.server_port, flush=True)
server.serve_forever()
