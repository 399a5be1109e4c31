//! generateContent, as server-sent events. A call comes in one piece.

use super::Said;

pub(super) fn stream(said: &Said) -> Vec<String> {
    let mut events = Vec::new();
    events.extend(said.thoughts.iter().map(|text| chunk(&format!("{{\"text\":\"{text}\",\"thought\":true}}"), "")));
    events.extend(said.text.iter().map(|text| chunk(&format!("{{\"text\":\"{text}\"}}"), "")));
    if !said.arguments.is_empty() {
        let arguments = said.arguments.concat().replace("\\\"", "\"");
        events.push(chunk(&format!("{{\"functionCall\":{{\"name\":\"lookup\",\"args\":{arguments}}}}}"), ""));
    }
    events.push(chunk("{\"text\":\"\"}", ",\"finishReason\":\"STOP\""));
    events
}

fn chunk(part: &str, finish: &str) -> String {
    format!(
        "data: {{\"candidates\":[{{\"content\":{{\"parts\":[{part}],\"role\":\"model\"}}{finish},\"index\":0}}],\
         \"usageMetadata\":{{\"promptTokenCount\":212,\"candidatesTokenCount\":160,\"totalTokenCount\":412,\
         \"promptTokensDetails\":[{{\"modality\":\"TEXT\",\"tokenCount\":212}}],\"thoughtsTokenCount\":40}},\
         \"modelVersion\":\"gemini-2.5-flash\",\"responseId\":\"BenchBenchBenchBench\"}}\r\n\r\n"
    )
}
