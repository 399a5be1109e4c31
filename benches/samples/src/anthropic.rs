//! Messages.

use super::Said;

const START: &str = "{\"type\":\"message_start\",\"message\":{\"id\":\"msg_01BenchBenchBenchBench\",\"type\":\"message\",\
    \"role\":\"assistant\",\"model\":\"claude-sonnet-4-5\",\"content\":[],\"stop_reason\":null,\"stop_sequence\":null,\
    \"usage\":{\"input_tokens\":212,\"cache_creation_input_tokens\":0,\"cache_read_input_tokens\":0,\
    \"output_tokens\":1,\"service_tier\":\"standard\"}}}";

pub(super) fn stream(said: &Said) -> Vec<String> {
    let mut blocks = Blocks { events: vec![event("message_start", START)], next: 0 };
    blocks.push("{\"type\":\"thinking\",\"thinking\":\"\",\"signature\":\"\"}", &said.thoughts, |text| {
        format!("{{\"type\":\"thinking_delta\",\"thinking\":\"{text}\"}}")
    });
    blocks.push("{\"type\":\"text\",\"text\":\"\"}", &said.text, |text| {
        format!("{{\"type\":\"text_delta\",\"text\":\"{text}\"}}")
    });
    let call = "{\"type\":\"tool_use\",\"id\":\"toolu_01BenchBenchBench\",\"name\":\"lookup\",\"input\":{}}";
    blocks.push(call, &said.arguments, |part| format!("{{\"type\":\"input_json_delta\",\"partial_json\":\"{part}\"}}"));
    let mut events = blocks.events;
    let reason = if said.arguments.is_empty() { "end_turn" } else { "tool_use" };
    let delta = format!(
        "{{\"type\":\"message_delta\",\"delta\":{{\"stop_reason\":\"{reason}\",\"stop_sequence\":null}},\
         \"usage\":{{\"output_tokens\":200}}}}"
    );
    events.push(event("message_delta", &delta));
    events.push(event("message_stop", "{\"type\":\"message_stop\"}"));
    events
}

struct Blocks {
    events: Vec<String>,
    next: usize,
}

impl Blocks {
    /// A block with these pieces; none without any.
    fn push(&mut self, start: &str, pieces: &[&str], delta: impl Fn(&str) -> String) {
        if pieces.is_empty() {
            return;
        }
        let index = self.next;
        self.next += 1;
        let start = format!("{{\"type\":\"content_block_start\",\"index\":{index},\"content_block\":{start}}}");
        self.events.push(event("content_block_start", &start));
        for piece in pieces {
            let data = format!("{{\"type\":\"content_block_delta\",\"index\":{index},\"delta\":{}}}", delta(piece));
            self.events.push(event("content_block_delta", &data));
        }
        self.events
            .push(event("content_block_stop", &format!("{{\"type\":\"content_block_stop\",\"index\":{index}}}")));
    }
}

fn event(name: &str, data: &str) -> String {
    format!("event: {name}\ndata: {data}\n\n")
}
