// Vercel's AI SDK over its own clients of the dialects.
import { createAnthropic } from "@ai-sdk/anthropic";
import { createGoogleGenerativeAI } from "@ai-sdk/google";
import { createOpenAI } from "@ai-sdk/openai";
import { Output, generateText, jsonSchema, streamText, tool } from "ai";
import { BrokenOff, CITY, MS_MAX, NAMED, THOUGHT_TOKENS_MAX, TOKENS_MAX, TOOL, TOOL_TEXT } from "./wanted.js";

globalThis.AI_SDK_LOG_WARNINGS = false;

class Conversation {
  constructor({ gateway, key, model, stream, wants }) {
    this.stream = stream;
    this.messages = [];
    this.asked = {
      model: this.make(gateway, key, model),
      messages: this.messages,
      maxRetries: 0,
      maxOutputTokens: TOKENS_MAX,
    };
    if (wants.includes("tools")) {
      this.asked.tools = { [TOOL]: tool({ description: TOOL_TEXT, inputSchema: jsonSchema(CITY) }) };
    }
    if (wants.includes("schema")) this.asked.output = Output.object({ schema: jsonSchema(NAMED), name: "city" });
    if (wants.includes("thoughts")) this.asked.providerOptions = this.thoughts();
  }

  say(text) {
    this.messages.push({ role: "user", content: text });
    return this.ask();
  }

  give(results) {
    const content = results.map(({ id, name, content: value }) => ({
      type: "tool-result",
      toolCallId: id,
      toolName: name,
      output: { type: "text", value },
    }));
    this.messages.push({ role: "tool", content });
    return this.ask();
  }

  async ask() {
    this.text = "";
    const asked = { ...this.asked, abortSignal: AbortSignal.timeout(MS_MAX) };
    const answer = this.stream ? await this.streamed(asked) : await generateText(asked);
    const [text, reasoningText, toolCalls, finishReason, usage, response] = await Promise.all([
      answer.text,
      answer.reasoningText,
      answer.toolCalls,
      answer.finishReason,
      answer.usage,
      answer.response,
    ]);
    // It ends broken streams as if all were well.
    if (!["stop", "tool-calls"].includes(finishReason)) throw new BrokenOff(`finished by ${finishReason}`);
    this.messages.push(...response.messages);
    return {
      text,
      thoughts: reasoningText ?? "",
      calls: toolCalls.map((call) => ({ id: call.toolCallId, name: call.toolName, arguments: call.input })),
      finish: finishReason === "tool-calls" ? "tools" : finishReason,
      usage: [usage.inputTokens, usage.outputTokens],
    };
  }

  async streamed(asked) {
    let failure;
    const answer = streamText({ ...asked, onError: ({ error }) => (failure ??= error) });
    for await (const part of answer.fullStream) if (part.type === "text-delta") this.text += part.text;
    // Errors are parts of the stream, which then ends as if all were well.
    if (failure) throw failure;
    return answer;
  }
}

export class OpenAIResponses extends Conversation {
  make(gateway, key, model) {
    return createOpenAI({ baseURL: `${gateway}/v1`, apiKey: key }).responses(model);
  }

  thoughts() {
    // It knows by their names which models think.
    return { openai: { forceReasoning: true, reasoningEffort: "low", reasoningSummary: "auto", store: false } };
  }
}

export class OpenAIChat extends Conversation {
  make(gateway, key, model) {
    return createOpenAI({ baseURL: `${gateway}/v1`, apiKey: key }).chat(model);
  }

  thoughts() {
    return { openai: { forceReasoning: true, reasoningEffort: "low" } };
  }
}

export class Anthropic extends Conversation {
  make(gateway, key, model) {
    return createAnthropic({ baseURL: `${gateway}/v1`, apiKey: key })(model);
  }

  thoughts() {
    return { anthropic: { thinking: { type: "enabled", budgetTokens: THOUGHT_TOKENS_MAX } } };
  }
}

export class Google extends Conversation {
  make(gateway, key, model) {
    return createGoogleGenerativeAI({ baseURL: `${gateway}/v1beta`, apiKey: key })(model);
  }

  thoughts() {
    return { google: { thinkingConfig: { includeThoughts: true, thinkingBudget: THOUGHT_TOKENS_MAX } } };
  }
}
