// Anthropic's SDK.
import Anthropic from "@anthropic-ai/sdk";
import { CITY, MS_MAX, NAMED, THOUGHT_TOKENS_MAX, TOKENS_MAX, TOOL, TOOL_TEXT } from "./wanted.js";

export class Messages {
  constructor({ gateway, key, model, stream, wants }) {
    this.api = new Anthropic({ baseURL: gateway, apiKey: key, maxRetries: 0, timeout: MS_MAX }).messages;
    this.stream = stream;
    this.messages = [];
    this.asked = { model, messages: this.messages, max_tokens: TOKENS_MAX };
    if (wants.includes("tools")) {
      this.asked.tools = [{ name: TOOL, description: TOOL_TEXT, input_schema: CITY }];
    }
    if (wants.includes("schema")) this.asked.output_config = { format: { type: "json_schema", schema: NAMED } };
    if (wants.includes("thoughts")) {
      this.asked.thinking = { type: "enabled", budget_tokens: THOUGHT_TOKENS_MAX };
    }
  }

  say(text) {
    this.messages.push({ role: "user", content: text });
    return this.ask();
  }

  give(results) {
    const content = results.map(({ id, content }) => ({ type: "tool_result", tool_use_id: id, content }));
    this.messages.push({ role: "user", content });
    return this.ask();
  }

  async ask() {
    this.text = "";
    const answer = await (this.stream ? this.streamed() : this.api.create(this.asked));
    this.messages.push({ role: "assistant", content: answer.content });
    const all = (type) => answer.content.filter((block) => block.type === type);
    const finishes = { end_turn: "stop", tool_use: "tools" };
    return {
      text: all("text").map((block) => block.text).join(""),
      thoughts: all("thinking").map((block) => block.thinking).join(""),
      calls: all("tool_use").map(({ id, name, input }) => ({ id, name, arguments: input })),
      finish: finishes[answer.stop_reason] ?? answer.stop_reason,
      usage: [answer.usage.input_tokens, answer.usage.output_tokens],
    };
  }

  streamed() {
    const stream = this.api.stream(this.asked);
    stream.on("text", (piece) => (this.text += piece));
    return stream.finalMessage();
  }
}
