//! Responses: every item is announced, told piece by piece, and repeated whole.

use std::fmt::Write;

use super::Said;

const RESPONSE: &str = "\"id\":\"resp_BenchBenchBenchBenchBench\",\"object\":\"response\",\"created_at\":1763974800,\
    \"error\":null,\"incomplete_details\":null,\"instructions\":null,\"max_output_tokens\":null,\
    \"model\":\"gpt-5-mini-2025-08-07\",\"parallel_tool_calls\":true,\"previous_response_id\":null,\"store\":false,\
    \"temperature\":1.0,\"tool_choice\":\"auto\",\"tools\":[],\"top_p\":1.0,\"truncation\":\"disabled\",\"metadata\":{}";
const USAGE: &str = "{\"input_tokens\":212,\"input_tokens_details\":{\"cached_tokens\":0},\"output_tokens\":200,\
    \"output_tokens_details\":{\"reasoning_tokens\":40},\"total_tokens\":412}";

pub(super) fn stream(said: &Said) -> Vec<String> {
    let mut told = Told::default();
    for name in ["response.created", "response.in_progress"] {
        told.event(
            name,
            &format!("\"response\":{{{RESPONSE},\"status\":\"in_progress\",\"output\":[],\"usage\":null}}"),
        );
    }
    told.reasoning(&said.thoughts);
    told.message(&said.text);
    told.call(&said.arguments);
    let output = told.items.join(",");
    let last = format!("\"response\":{{{RESPONSE},\"status\":\"completed\",\"output\":[{output}],\"usage\":{USAGE}}}");
    told.event("response.completed", &last);
    told.events
}

/// What was told so far.
#[derive(Default)]
struct Told {
    events: Vec<String>,
    /// Complete items.
    items: Vec<String>,
}

impl Told {
    fn event(&mut self, name: &str, members: &str) {
        let number = self.events.len();
        let mut event = String::new();
        let written =
            write!(event, "event: {name}\ndata: {{\"type\":\"{name}\",\"sequence_number\":{number},{members}}}\n\n");
        written.expect("a String takes every write");
        self.events.push(event);
    }

    fn item(&mut self, begun: &str, complete: String, tell: impl FnOnce(&mut Self, usize)) {
        let at = self.items.len();
        self.event("response.output_item.added", &format!("\"output_index\":{at},\"item\":{begun}"));
        tell(self, at);
        self.event("response.output_item.done", &format!("\"output_index\":{at},\"item\":{complete}"));
        self.items.push(complete);
    }

    fn reasoning(&mut self, pieces: &[&str]) {
        if pieces.is_empty() {
            return;
        }
        let id = "\"id\":\"rs_BenchBenchBenchBench\",\"type\":\"reasoning\"";
        let part = format!("{{\"type\":\"summary_text\",\"text\":\"{}\"}}", pieces.concat());
        let complete = format!("{{{id},\"summary\":[{part}]}}");
        self.item(&format!("{{{id},\"summary\":[]}}"), complete, |told, at| {
            let place = format!("\"item_id\":\"rs_BenchBenchBenchBench\",\"output_index\":{at},\"summary_index\":0");
            let empty = "\"part\":{\"type\":\"summary_text\",\"text\":\"\"}";
            told.event("response.reasoning_summary_part.added", &format!("{place},{empty}"));
            for piece in pieces {
                told.event("response.reasoning_summary_text.delta", &format!("{place},\"delta\":\"{piece}\""));
            }
            let text = format!("{place},\"text\":\"{}\"", pieces.concat());
            told.event("response.reasoning_summary_text.done", &text);
            told.event("response.reasoning_summary_part.done", &format!("{place},\"part\":{part}"));
        });
    }

    fn message(&mut self, pieces: &[&str]) {
        if pieces.is_empty() {
            return;
        }
        let id = "\"id\":\"msg_BenchBenchBenchBench\",\"type\":\"message\",\"role\":\"assistant\"";
        let part =
            |text: &str| format!("{{\"type\":\"output_text\",\"annotations\":[],\"logprobs\":[],\"text\":\"{text}\"}}");
        let whole = part(&pieces.concat());
        let complete = format!("{{{id},\"status\":\"completed\",\"content\":[{whole}]}}");
        self.item(&format!("{{{id},\"status\":\"in_progress\",\"content\":[]}}"), complete, |told, at| {
            let place = format!("\"item_id\":\"msg_BenchBenchBenchBench\",\"output_index\":{at},\"content_index\":0");
            told.event("response.content_part.added", &format!("{place},\"part\":{}", part("")));
            for piece in pieces {
                let delta = format!("{place},\"delta\":\"{piece}\",\"logprobs\":[],\"obfuscation\":\"K2v9qT1xW\"");
                told.event("response.output_text.delta", &delta);
            }
            let text = format!("{place},\"text\":\"{}\",\"logprobs\":[]", pieces.concat());
            told.event("response.output_text.done", &text);
            told.event("response.content_part.done", &format!("{place},\"part\":{whole}"));
        });
    }

    fn call(&mut self, pieces: &[&str]) {
        if pieces.is_empty() {
            return;
        }
        let id = "\"id\":\"fc_BenchBenchBenchBench\",\"type\":\"function_call\",\"call_id\":\"call_BenchBenchBench\",\
            \"name\":\"lookup\"";
        let arguments = pieces.concat();
        let complete = format!("{{{id},\"status\":\"completed\",\"arguments\":\"{arguments}\"}}");
        self.item(&format!("{{{id},\"status\":\"in_progress\",\"arguments\":\"\"}}"), complete, |told, at| {
            let place = format!("\"item_id\":\"fc_BenchBenchBenchBench\",\"output_index\":{at}");
            for piece in pieces {
                let delta = format!("{place},\"delta\":\"{piece}\",\"obfuscation\":\"K2v9qT1xW\"");
                told.event("response.function_call_arguments.delta", &delta);
            }
            let done = format!("{place},\"arguments\":\"{arguments}\"");
            told.event("response.function_call_arguments.done", &done);
        });
    }
}
