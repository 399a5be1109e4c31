// What the conversations ask for, in words that every client understands. The same as in ../python/wanted.py.
const named = (name) => ({
  type: "object",
  properties: { [name]: { type: "string" } },
  required: [name],
  additionalProperties: false,
});
export const CITY = named("city");
export const NAMED = named("name");
export const TOOL = "get_weather";
export const TOOL_TEXT = "The weather in a city.";
export const THOUGHT_TOKENS_MAX = 2048;
export const TOKENS_MAX = 4096;
export const MS_MAX = 20_000;

export class BrokenOff extends Error {}
