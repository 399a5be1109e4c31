"""Has conversations with the SDKs of one Python environment, as told in lines of JSON on standard input.

A line is {"client", "model", "stream", "wants", "say"} for a new conversation, or {"give": results} to go on with the
results of the calls, or {"say"} alone for another question. The answer is one line, the same for every client:
{"text", "thoughts", "calls", "finish", "usage"}, or {"error": {"status", "kind", "message"}, "text"} with the text that
had arrived.
"""

import importlib
import json
import os
import sys


def status_of(error):
    """The status of the answer that an exception is about, or of the exception that it wraps."""
    while error is not None:
        for name in ("status_code", "code", "status"):
            if isinstance(value := getattr(error, name, None), int):
                return value
        error = error.__cause__
    return None


def main():
    # What a library prints would be taken for an answer.
    answers, sys.stdout = sys.stdout, sys.stderr
    where = {"gateway": os.environ["TOLLGATE_URL"], "key": os.environ["TOLLGATE_KEY"]}
    conversation = None
    for line in sys.stdin:
        told = json.loads(line)
        try:
            if "client" in told:
                module, kind = told["client"].split(".")
                conversation = getattr(importlib.import_module(module), kind)(
                    **where, model=told["model"], stream=told["stream"], wants=told["wants"]
                )
            answer = conversation.say(told["say"]) if "say" in told else conversation.give(told["give"])
        except Exception as error:
            seen = {"status": status_of(error), "kind": type(error).__name__, "message": str(error)[:2000]}
            answer = {"error": seen, "text": getattr(conversation, "text", "")}
        print(json.dumps(answer), file=answers, flush=True)


main()
