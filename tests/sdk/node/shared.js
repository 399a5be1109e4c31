// What the tests share: a client as anybody would make it, and the gateway's access log.
import { randomUUID } from "node:crypto";
import { readFile } from "node:fs/promises";
import { setTimeout as pause } from "node:timers/promises";
import OpenAI from "openai";

export const MODEL = process.env.TOLLGATE_SDK_MODEL || "demo";
export const EMBEDDING_MODEL = "demo-embedding";
export const HELLO = [{ role: "user", content: "Hello!" }];
export const WEATHER = {
  type: "function",
  function: {
    name: "get_weather",
    description: "The weather in a city.",
    parameters: {
      type: "object",
      properties: { city: { type: "string" }, days: { type: "integer" } },
      required: ["city", "days"],
    },
  },
};

// Address and key come from OPENAI_BASE_URL and OPENAI_API_KEY.
export const client = new OpenAI();

export const newId = () => `sdk-${randomUUID()}`;
export const named = (id) => ({ headers: { "x-request-id": id } });

const WAIT_MS_MAX = 10_000;

async function lines(id) {
  const text = await readFile(process.env.TOLLGATE_ACCESS_LOG, "utf8");
  const whole = text.slice(0, text.lastIndexOf("\n") + 1).split("\n").filter(Boolean);
  return whole.map((line) => JSON.parse(line)).filter((line) => line["http.request.id"] === id);
}

// All lines of a request, once there is one.
export async function logged(id) {
  for (const end = Date.now() + WAIT_MS_MAX; Date.now() < end; await pause(20)) {
    const found = await lines(id);
    if (found.length > 0) return found;
  }
  throw new Error(`${id} is not in the access log after ${WAIT_MS_MAX} ms`);
}

// All lines of requests that have ended, retries among them: a later request is in the log already.
export async function allLogged(id) {
  const marker = newId();
  await client.models.list(named(marker));
  await logged(marker);
  return lines(id);
}
