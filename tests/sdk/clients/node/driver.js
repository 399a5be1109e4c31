// Has conversations with the SDKs for Node, as told in lines of JSON on standard input. See ../python/driver.py.
import { createInterface } from "node:readline";

const CLIENTS = { openai: "./openai.js", anthropic: "./anthropic.js", google: "./google.js", ai: "./ai.js" };
const where = { gateway: process.env.TOLLGATE_URL, key: process.env.TOLLGATE_KEY };

// What a library prints would be taken for an answer.
const answer = process.stdout.write.bind(process.stdout);
process.stdout.write = process.stderr.write.bind(process.stderr);

let conversation;
for await (const line of createInterface({ input: process.stdin })) {
  const told = JSON.parse(line);
  let said;
  try {
    if (told.client) {
      const [file, kind] = told.client.split(".");
      const { [kind]: Conversation } = await import(CLIENTS[file]);
      conversation = new Conversation({ ...where, ...told });
    }
    said = await (told.say === undefined ? conversation.give(told.give) : conversation.say(told.say));
  } catch (error) {
    const status = error.status ?? error.statusCode ?? null;
    said = {
      error: { status, kind: error.constructor.name, message: String(error.message).slice(0, 2000) },
      text: conversation?.text ?? "",
    };
  }
  answer(`${JSON.stringify(said)}\n`);
}
