// Embeddings, the older completions, the models, and refusals.
import assert from "node:assert/strict";
import { test } from "node:test";
import OpenAI from "openai";
import { EMBEDDING_MODEL, HELLO, MODEL, allLogged, client, named, newId } from "./shared.js";

test("embeddings are the same numbers in every encoding", async () => {
  const request = { model: EMBEDDING_MODEL, input: ["a cat", "a dog"], dimensions: 8 };
  // Without a word about it the SDK asks for base64 and decodes.
  const decoded = await client.embeddings.create(request);
  const floats = await client.embeddings.create({ ...request, encoding_format: "float" });
  for (const [at, { embedding }] of decoded.data.entries()) {
    assert.equal(embedding.length, 8);
    embedding.forEach((number, i) => assert.ok(Math.abs(number - floats.data[at].embedding[i]) < 1e-6));
  }
});

test("the older completions, whole and streamed", async () => {
  const request = { model: MODEL, prompt: "one", max_tokens: 6 };
  const whole = await client.completions.create(request);
  let text = "";
  for await (const chunk of await client.completions.create({ ...request, stream: true })) {
    text += chunk.choices[0].text;
  }
  assert.equal(text, whole.choices[0].text);
});

test("models are listed, and retrieved by both names", async () => {
  const names = [];
  for await (const model of client.models.list()) names.push(model.id);
  assert.ok(names.includes(MODEL) && names.includes(EMBEDDING_MODEL));
  for (const name of [MODEL, `demo/${MODEL}`]) assert.equal((await client.models.retrieve(name)).id, name);
  await assert.rejects(client.models.retrieve("no-such-model"), OpenAI.NotFoundError);
});

const stranger = new OpenAI({ apiKey: "tg-wrong" });
const limited = new OpenAI({ apiKey: process.env.LIMITED_KEY });
const patient = new OpenAI({ maxRetries: 1 });
const REFUSALS = [
  ["a key that is not known", OpenAI.AuthenticationError, 401, "invalid_api_key", {}, stranger],
  ["a model that does not exist", OpenAI.NotFoundError, 404, "model_not_found", { model: "no-such-model" }],
  ["a model that the key may not use", OpenAI.PermissionDeniedError, 403, "model_not_allowed", {}, limited],
  ["a body that the gateway refuses", OpenAI.BadRequestError, 400, "invalid_value", { n: -1 }],
  ["a body that the provider refuses", OpenAI.BadRequestError, 400, "invalid_value", { messages: [] }],
  ["a stream that the provider refuses", OpenAI.BadRequestError, 400, "invalid_value", { messages: [], stream: true }],
  [
    "a body over the bound",
    OpenAI.APIError,
    413,
    "request_too_large",
    { messages: [{ role: "user", content: "x".repeat(1 << 20) }] },
  ],
  [
    "a provider that cannot be reached, asked twice by the SDK",
    OpenAI.InternalServerError,
    502,
    "provider_unavailable",
    { model: "dead/any" },
    patient,
    2,
  ],
  [
    "a provider that is busy, asked twice by the SDK",
    OpenAI.RateLimitError,
    429,
    "rate_limit_exceeded",
    { model: "bad/busy" },
    patient,
    2,
  ],
  ["half an answer", OpenAI.InternalServerError, 502, "provider_unavailable", { model: "bad/half" }, patient, 2],
];
for (const [name, expected, status, code, body, using = client, times = 1] of REFUSALS) {
  test(`${name} is a ${expected.name}`, async () => {
    const id = newId();
    const asking = using.chat.completions.create({ model: MODEL, messages: HELLO, ...body }, named(id));
    await assert.rejects(asking, (error) => {
      assert.ok(error instanceof expected, `${error}`);
      assert.deepEqual([error.status, error.code, error.requestID], [status, code, id]);
      return true;
    });
    assert.equal((await allLogged(id)).length, times);
  });
}

test("a stream that breaks is an error after what had arrived", async () => {
  let text = "";
  const read = async () => {
    const stream = await client.chat.completions.create({ model: "bad/cut", messages: HELLO, stream: true });
    for await (const chunk of stream) text += chunk.choices[0].delta.content;
  };
  await assert.rejects(read(), (error) => error instanceof OpenAI.APIError && error.code === "provider_unavailable");
  assert.equal(text, "Once upon");
});
