// OpenAI's SDK, chat and responses.
import OpenAI from "openai";
import { BrokenOff, CITY, MS_MAX, NAMED, TOKENS_MAX, TOOL, TOOL_TEXT } from "./wanted.js";

const client = ({ gateway, key }) =>
  new OpenAI({ baseURL: `${gateway}/v1`, apiKey: key, maxRetries: 0, timeout: MS_MAX });

export class Chat {
  constructor(told) {
    this.completions = client(told).chat.completions;
    this.stream = told.stream;
    this.messages = [];
    this.asked = { model: told.model, messages: this.messages };
    if (told.wants.includes("tools")) {
      const tool = { name: TOOL, description: TOOL_TEXT, parameters: CITY };
      this.asked.tools = [{ type: "function", function: tool }];
    }
    if (told.wants.includes("schema")) {
      const json_schema = { name: "city", strict: true, schema: NAMED };
      this.asked.response_format = { type: "json_schema", json_schema };
    }
    if (told.wants.includes("thoughts")) this.asked.reasoning_effort = "low";
  }

  say(text) {
    this.messages.push({ role: "user", content: text });
    return this.ask();
  }

  give(results) {
    for (const { id, content } of results) this.messages.push({ role: "tool", tool_call_id: id, content });
    return this.ask();
  }

  async ask() {
    this.text = "";
    const answer = await (this.stream ? this.streamed() : this.completions.create(this.asked));
    const { message, finish_reason } = answer.choices[0];
    this.messages.push(message);
    const calls = (message.tool_calls ?? []).map((call) => ({
      id: call.id,
      name: call.function.name,
      arguments: JSON.parse(call.function.arguments),
    }));
    return {
      text: message.content ?? "",
      thoughts: message.reasoning_content ?? "",
      calls,
      finish: finish_reason === "tool_calls" ? "tools" : finish_reason,
      usage: [answer.usage.prompt_tokens, answer.usage.completion_tokens],
    };
  }

  // By hand: of members that it does not know, such as thoughts, the SDK's helper keeps the last piece alone.
  async streamed() {
    const message = { role: "assistant", content: null };
    const add = (name, piece) => (message[name] = (message[name] ?? "") + piece);
    let finish_reason, usage;
    const stream = await this.completions.create({
      ...this.asked,
      stream: true,
      stream_options: { include_usage: true },
    });
    for await (const chunk of stream) {
      usage = chunk.usage ?? usage;
      for (const { delta, finish_reason: reason } of chunk.choices) {
        finish_reason = reason ?? finish_reason;
        if (delta.content) {
          add("content", delta.content);
          this.text += delta.content;
        }
        if (delta.reasoning_content) add("reasoning_content", delta.reasoning_content);
        if (delta.reasoning_details) (message.reasoning_details ??= []).push(...delta.reasoning_details);
        for (const part of delta.tool_calls ?? []) takeCall((message.tool_calls ??= []), part);
      }
    }
    return { choices: [{ message, finish_reason }], usage };
  }
}

// The id, the name and what else is not the arguments come once.
function takeCall(calls, { index, function: piece, ...rest }) {
  const call = (calls[index] ??= { function: { name: piece.name, arguments: "" } });
  Object.assign(call, rest);
  call.function.arguments += piece.arguments ?? "";
}

export class Responses {
  constructor(told) {
    this.responses = client(told).responses;
    this.stream = told.stream;
    this.items = [];
    // Without a store the client keeps the conversation, and its thoughts are sealed.
    this.asked = { model: told.model, input: this.items, store: false, max_output_tokens: TOKENS_MAX };
    if (told.wants.includes("tools")) {
      const tool = { name: TOOL, description: TOOL_TEXT, parameters: CITY };
      this.asked.tools = [{ type: "function", strict: true, ...tool }];
    }
    if (told.wants.includes("schema")) {
      this.asked.text = { format: { type: "json_schema", name: "city", strict: true, schema: NAMED } };
    }
    if (told.wants.includes("thoughts")) {
      this.asked.reasoning = { effort: "low", summary: "auto" };
      this.asked.include = ["reasoning.encrypted_content"];
    }
  }

  say(text) {
    this.items.push({ role: "user", content: text });
    return this.ask();
  }

  give(results) {
    for (const { id, content } of results) {
      this.items.push({ type: "function_call_output", call_id: id, output: content });
    }
    return this.ask();
  }

  async ask() {
    this.text = "";
    const answer = await (this.stream ? this.streamed() : this.responses.create(this.asked));
    this.items.push(...answer.output);
    const all = (type) => answer.output.filter((item) => item.type === type);
    const calls = all("function_call").map((call) => ({
      id: call.call_id,
      name: call.name,
      arguments: JSON.parse(call.arguments),
    }));
    const finish = calls.length > 0 ? "tools" : "stop";
    return {
      text: answer.output_text,
      thoughts: all("reasoning").flatMap((item) => item.summary.map((part) => part.text)).join(""),
      calls,
      finish: answer.status === "completed" ? finish : answer.status,
      usage: [answer.usage.input_tokens, answer.usage.output_tokens],
    };
  }

  // By hand: the SDK's helper adds members to the items that the API does not take back.
  async streamed() {
    let answer;
    for await (const event of await this.responses.create({ ...this.asked, stream: true })) {
      if (event.type === "response.output_text.delta") this.text += event.delta;
      if (event.type === "response.completed") answer = event.response;
      // The SDK hands these out instead of throwing.
      if (event.type === "response.failed") throw new BrokenOff(event.response.error?.message);
      if (event.type === "error") throw new BrokenOff(event.message);
    }
    if (!answer) throw new BrokenOff("a stream without response.completed");
    answer.output_text ??= this.text;
    return answer;
  }
}
