// Chat: whole, streamed, with tools, structured, broken off.
import assert from "node:assert/strict";
import { test } from "node:test";
import { HELLO, MODEL, WEATHER, allLogged, client, logged, named, newId } from "./shared.js";

const { completions } = client.chat;
const ASK = [{ role: "user", content: "What is the weather in Paris?" }];

test("a chat is answered, counted and priced in its headers", async () => {
  const id = newId();
  const { data, response, request_id } = await completions
    .create({ model: MODEL, messages: HELLO }, named(id))
    .withResponse();
  assert.equal(data.choices[0].finish_reason, "stop");
  assert.match(data.choices[0].message.content, /"Hello!"/);
  assert.equal(request_id, id);
  assert.equal(response.headers.get("x-tollgate-model"), `demo/${MODEL}`);
  assert.equal(response.headers.get("x-tollgate-tokens-output"), String(data.usage.completion_tokens));
  // The demo provider's tokens cost 1 and 2 credits per million.
  const cost = (data.usage.prompt_tokens + 2 * data.usage.completion_tokens) / 1e6;
  assert.equal(response.headers.get("x-tollgate-cost-usd"), cost.toFixed(9));
});

test("a stream is the same answer in pieces, without usage", async () => {
  const request = { model: MODEL, messages: HELLO, max_completion_tokens: 12 };
  const whole = await completions.create(request);
  let text = "";
  for await (const chunk of await completions.create({ ...request, stream: true })) {
    assert.equal(chunk.choices.length, 1);
    assert.ok(chunk.usage == null);
    text += chunk.choices[0].delta.content ?? "";
  }
  assert.equal(text, whole.choices[0].message.content);
});

test("usage that was asked for is the last chunk, and the log has it either way", async () => {
  for (const stream_options of [undefined, { include_usage: true }]) {
    const id = newId();
    const request = { model: MODEL, messages: HELLO, max_completion_tokens: 5, stream: true, stream_options };
    const chunks = [];
    for await (const chunk of await completions.create(request, named(id))) chunks.push(chunk);
    const counted = chunks.filter((chunk) => chunk.usage);
    assert.equal(counted.length, stream_options ? 1 : 0);
    if (stream_options) assert.deepEqual(chunks.at(-1).choices, []);
    const [line] = await allLogged(id);
    assert.equal(line["tollgate.tokens.output"], 5);
  }
});

test("the SDK's own loop calls a tool and gets the final answer", async () => {
  const asked = [];
  const runner = completions.runTools({
    model: MODEL,
    messages: ASK,
    tools: [
      {
        type: "function",
        function: {
          ...WEATHER.function,
          parse: JSON.parse,
          function: (given) => {
            asked.push(given);
            return "18 degrees";
          },
        },
      },
    ],
  });
  assert.match(await runner.finalContent(), /"18 degrees"/);
  assert.equal(asked.length, 1);
  assert.deepEqual(Object.keys(asked[0]).sort(), ["city", "days"]);
});

test("fragments of a streamed call are the call", async () => {
  const whole = await completions.create({ model: MODEL, messages: ASK, tools: [WEATHER] });
  const streamed = await completions.stream({ model: MODEL, messages: ASK, tools: [WEATHER] }).finalChatCompletion();
  const [expected] = whole.choices[0].message.tool_calls;
  const [call] = streamed.choices[0].message.tool_calls;
  assert.equal(streamed.choices[0].finish_reason, "tool_calls");
  assert.equal(call.function.name, "get_weather");
  assert.deepEqual(JSON.parse(call.function.arguments), JSON.parse(expected.function.arguments));
});

test("a structured answer is parsed", async () => {
  const schema = {
    type: "object",
    properties: { name: { type: "string" }, age: { type: "integer" } },
    required: ["name", "age"],
    additionalProperties: false,
  };
  const answer = await completions.parse({
    model: MODEL,
    messages: [{ role: "user", content: "a person, please" }],
    response_format: { type: "json_schema", json_schema: { name: "person", strict: true, schema } },
  });
  const person = JSON.parse(answer.choices[0].message.content);
  assert.deepEqual([typeof person.name, Number.isInteger(person.age)], ["string", true]);
});

test("many requests at once each get their own answer", async () => {
  const numbers = Array.from({ length: 20 }, (_, number) => number);
  const ask = (number) =>
    completions.create({ model: MODEL, messages: [{ role: "user", content: `number ${number}` }] });
  for (const [number, answer] of (await Promise.all(numbers.map(ask))).entries()) {
    assert.match(answer.choices[0].message.content, new RegExp(`You said: "number ${number}"`));
  }
});

for (const [how, leave] of [
  ["leaves the loop", () => true],
  ["aborts", (stream) => stream.controller.abort()],
]) {
  test(`a stream whose client ${how} ends at the gateway too`, async () => {
    const id = newId();
    const stream = await completions.create({ model: MODEL, messages: HELLO, stream: true }, named(id));
    for await (const _ of stream) {
      if (leave(stream)) break;
    }
    const [line] = await logged(id);
    assert.equal(line["http.response.status_code"], 499);
    assert.equal(line["tollgate.outcome"], "client_gone");
  });
}
