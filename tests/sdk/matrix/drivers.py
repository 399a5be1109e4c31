"""The processes that the clients live in, one per environment, and what a conversation with one of them is."""

import json
import os
import select
import subprocess

ANSWER_SECONDS_MAX = 40


class Driver:
    """A process that answers one line of JSON with another: see clients/python/driver.py."""

    def __init__(self, command):
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def tell(self, **told):
        self.process.stdin.write(json.dumps(told).encode() + b"\n")
        self.process.stdin.flush()
        ready, _, _ = select.select([self.process.stdout], [], [], ANSWER_SECONDS_MAX)
        line = self.process.stdout.readline() if ready else b""
        if not line:
            self.close()
            raise AssertionError(f"the driver says nothing within {ANSWER_SECONDS_MAX} s: {told}")
        return json.loads(line)

    def close(self):
        self.process.stdin.close()
        try:
            self.process.wait(timeout=5)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


class Drivers:
    """Starts a driver when it is first needed, and again if it died."""

    def __init__(self):
        self.running = {}

    def get(self, name):
        driver = self.running.get(name)
        if driver is None or driver.process.poll() is not None:
            driver = self.running[name] = Driver(os.environ[f"TOLLGATE_DRIVER_{name.upper()}"].split("\n"))
        return driver

    def close(self):
        for driver in self.running.values():
            if driver.process.poll() is None:
                driver.close()


class Refusals:
    """Why the scripted providers refused something: what the gateway tells its client may be less."""

    def __init__(self):
        self.file = open(os.environ["TOLLGATE_PROVIDERS_LOG"], encoding="utf-8")

    def new(self):
        return self.file.read()


class Conversation:
    """One client's conversation with one model. What fails is told with the provider's reason."""

    def __init__(self, driver, refusals, client, model, stream):
        self.driver = driver
        self.refusals = refusals
        self.told = {"client": client.kind, "model": model, "stream": stream}
        self.refusals.new()

    def start(self, text, *wants):
        return self.checked(self.driver.tell(**self.told, wants=wants, say=text))

    def say(self, text):
        return self.checked(self.driver.tell(say=text))

    def give(self, results):
        return self.checked(self.driver.tell(give=results))

    def start_failing(self, text):
        answer = self.driver.tell(**self.told, wants=[], say=text)
        assert "error" in answer, f"the client saw no error: {answer}"
        return answer

    def checked(self, answer):
        reasons = self.refusals.new()
        assert "error" not in answer, f"{answer['error']}\n{reasons}"
        return answer
