// Google's SDK, with its own chats, which keep the history.
import { GoogleGenAI } from "@google/genai";
import { BrokenOff, CITY, MS_MAX, NAMED, THOUGHT_TOKENS_MAX, TOKENS_MAX, TOOL, TOOL_TEXT } from "./wanted.js";

export class Chats {
  constructor({ gateway, key, model, stream, wants }) {
    const client = new GoogleGenAI({ apiKey: key, httpOptions: { baseUrl: gateway, timeout: MS_MAX } });
    this.stream = stream;
    const config = { maxOutputTokens: TOKENS_MAX };
    if (wants.includes("tools")) {
      const tool = { name: TOOL, description: TOOL_TEXT, parametersJsonSchema: CITY };
      config.tools = [{ functionDeclarations: [tool] }];
    }
    if (wants.includes("schema")) {
      config.responseMimeType = "application/json";
      config.responseJsonSchema = NAMED;
    }
    if (wants.includes("thoughts")) {
      config.thinkingConfig = { includeThoughts: true, thinkingBudget: THOUGHT_TOKENS_MAX };
    }
    this.chat = client.chats.create({ model, config });
  }

  say(text) {
    return this.ask(text);
  }

  give(results) {
    const parts = results.map(({ id, name, content }) => ({
      functionResponse: { id: id ?? undefined, name, response: { result: content } },
    }));
    return this.ask(parts);
  }

  async ask(message) {
    this.text = "";
    const seen = { thoughts: "", calls: [], finish: undefined, usage: undefined };
    if (this.stream) {
      for await (const piece of await this.chat.sendMessageStream({ message })) this.take(piece, seen);
    } else {
      this.take(await this.chat.sendMessage({ message }), seen);
    }
    const { thoughts, calls, finish, usage } = seen;
    // The SDK ends such a stream without a word.
    if (!finish) throw new BrokenOff("a stream without a finish reason");
    const output = (usage.candidatesTokenCount ?? 0) + (usage.thoughtsTokenCount ?? 0);
    // The dialect has one word for both.
    const stopped = calls.length > 0 ? "tools" : "stop";
    return {
      text: this.text,
      thoughts,
      calls,
      finish: finish === "STOP" ? stopped : finish,
      usage: [usage.promptTokenCount, output],
    };
  }

  take(piece, seen) {
    seen.usage = piece.usageMetadata ?? seen.usage;
    for (const candidate of piece.candidates ?? []) {
      seen.finish = candidate.finishReason ?? seen.finish;
      for (const part of candidate.content?.parts ?? []) {
        if (part.thought) seen.thoughts += part.text ?? "";
        else if (part.functionCall) {
          const { id, name, args } = part.functionCall;
          seen.calls.push({ id: id ?? null, name, arguments: args });
        } else this.text += part.text ?? "";
      }
    }
  }
}
