//! Chat Completions, with thoughts as DeepSeek, vLLM and others have them.

use super::Said;

const FIELDS: &str = "\"id\":\"chatcmpl-BenchBenchBenchBenchBench001\",\"object\":\"chat.completion.chunk\",\
    \"created\":1763974800,\"model\":\"gpt-4o-mini-2024-07-18\",\"system_fingerprint\":\"fp_50cad350e4\"";
const USAGE: &str = "\"usage\":{\"prompt_tokens\":212,\"completion_tokens\":200,\"total_tokens\":412,\
    \"prompt_tokens_details\":{\"cached_tokens\":0},\"completion_tokens_details\":{\"reasoning_tokens\":40}}";

pub(super) fn stream(said: &Said) -> Vec<String> {
    let mut events = vec![chunk("{\"role\":\"assistant\",\"content\":\"\",\"refusal\":null}", "null")];
    events.extend(said.thoughts.iter().map(|text| chunk(&format!("{{\"reasoning_content\":\"{text}\"}}"), "null")));
    events.extend(said.text.iter().map(|text| chunk(&format!("{{\"content\":\"{text}\"}}"), "null")));
    if !said.arguments.is_empty() {
        let call = "{\"tool_calls\":[{\"index\":0,\"id\":\"call_BenchBenchBenchBench\",\"type\":\"function\",\
            \"function\":{\"name\":\"lookup\",\"arguments\":\"\"}}]}";
        events.push(chunk(call, "null"));
    }
    for part in &said.arguments {
        let call = format!("{{\"tool_calls\":[{{\"index\":0,\"function\":{{\"arguments\":\"{part}\"}}}}]}}");
        events.push(chunk(&call, "null"));
    }
    let finish = if said.arguments.is_empty() { "\"stop\"" } else { "\"tool_calls\"" };
    events.push(chunk("{}", finish));
    events.push(format!("data: {{{FIELDS},\"choices\":[],{USAGE}}}\n\n"));
    events.push("data: [DONE]\n\n".to_owned());
    events
}

fn chunk(delta: &str, finish_reason: &str) -> String {
    format!(
        "data: {{{FIELDS},\"choices\":[{{\"index\":0,\"delta\":{delta},\"logprobs\":null,\
         \"finish_reason\":{finish_reason}}}]}}\n\n"
    )
}
