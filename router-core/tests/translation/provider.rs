//! A provider that streams whatever it is told to, in any of the dialects, in any pieces.

use proptest::collection::{btree_map, vec};
use proptest::prelude::*;
use proptest::sample::Index;
use router_core::domain::Dialect;
use serde_json::{Value, json};

use super::relay::frame;

/// What it says, piece by piece.
#[derive(Clone, Debug)]
pub struct Answer {
    pub thoughts: Vec<String>,
    pub text: Vec<String>,
    pub calls: Vec<Call>,
    /// Pieces of calls come in turns, where the dialect can do that, and not call after call.
    pub in_turns: bool,
    /// Letters beyond ASCII are escaped.
    pub ascii: bool,
}

#[derive(Clone, Debug)]
pub struct Call {
    pub arguments: Value,
    /// The arguments' JSON text.
    pub pieces: Vec<String>,
}

/// Any JSON that is not too deep. Numbers are such as come back digit by digit.
fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<i16>().prop_map(|number| (f64::from(number) / 8.0).into()),
        text().prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 12, 4, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..4).prop_map(Value::from),
            btree_map(text(), inner, 0..4).prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

pub fn object() -> impl Strategy<Value = Value> {
    btree_map(text(), value(), 0..4).prop_map(|members| Value::Object(members.into_iter().collect()))
}

/// Text that is hard on whoever escapes or splits it.
pub fn text() -> impl Strategy<Value = String> {
    prop_oneof![any::<String>(), "[\\\\\"\n\r\t\u{0}\u{2028}é😀/{}a]{0,12}".prop_map(String::from)]
}

/// A text in pieces, cut between characters.
pub fn pieces(text: &str, cuts: &[Index]) -> Vec<String> {
    let ends: Vec<_> = text.char_indices().map(|(at, _)| at).chain([text.len()]).collect();
    let mut cuts: Vec<_> = cuts.iter().map(|cut| ends[cut.index(ends.len())]).chain([0, text.len()]).collect();
    cuts.sort_unstable();
    cuts.windows(2).map(|pair| text[pair[0]..pair[1]].to_owned()).collect()
}

fn call() -> impl Strategy<Value = Call> {
    (object(), vec(any::<Index>(), 0..6), 0..3_u8).prop_map(|(arguments, cuts, style)| {
        let text = match style {
            0 => arguments.to_string(),
            1 => format!("{arguments:#}"),
            _ => ascii(&arguments.to_string()),
        };
        Call { pieces: pieces(&text, &cuts), arguments }
    })
}

pub fn answer() -> impl Strategy<Value = Answer> {
    let said = || {
        (text(), vec(any::<Index>(), 0..4)).prop_map(|(text, cuts)| match text.is_empty() {
            true => Vec::new(),
            false => pieces(&text, &cuts),
        })
    };
    (said(), said(), vec(call(), 0..4), any::<bool>(), any::<bool>())
        .prop_map(|(thoughts, text, calls, in_turns, ascii)| Answer { thoughts, text, calls, in_turns, ascii })
}

/// JSON with everything beyond ASCII escaped.
pub fn ascii(json: &str) -> String {
    let (mut escaped, mut units) = (String::new(), [0; 2]);
    for letter in json.chars() {
        if letter.is_ascii() {
            escaped.push(letter);
        } else {
            letter.encode_utf16(&mut units).iter().for_each(|unit| escaped += &format!("\\u{unit:04x}"));
        }
    }
    escaped
}

impl Answer {
    /// Calls of which the pieces come, and which piece.
    fn order(&self, in_turns: bool) -> Vec<(usize, usize)> {
        let pieces =
            |(at, call): (usize, &Call)| (0..call.pieces.len()).map(move |piece| (at, piece)).collect::<Vec<_>>();
        let mut order: Vec<_> = self.calls.iter().enumerate().flat_map(pieces).collect();
        if in_turns {
            order.sort_by_key(|(at, piece)| (*piece, *at));
        }
        order
    }

    /// The stream of a provider.
    pub fn stream(&self, provider: Dialect) -> Vec<u8> {
        let events = match provider {
            Dialect::Openai => self.openai(),
            Dialect::Responses => self.responses(),
            Dialect::Anthropic => self.anthropic(),
            Dialect::Gemini => self.gemini(),
            Dialect::Bedrock => self.bedrock(),
        };
        let mut stream = Vec::new();
        for (name, event) in events {
            let event = if self.ascii { ascii(&event.to_string()) } else { event.to_string() };
            match provider {
                Dialect::Bedrock => frame(&mut stream, name, &event),
                _ => stream.extend_from_slice(format!("data: {event}\n\n").as_bytes()),
            }
        }
        if provider == Dialect::Openai {
            stream.extend_from_slice(b"data: [DONE]\n\n");
        }
        stream
    }

    fn openai(&self) -> Vec<(&'static str, Value)> {
        let chunk = |delta: Value| ("", json!({"id": "chatcmpl-1", "choices": [{"index": 0, "delta": delta}]}));
        let mut events = vec![chunk(json!({"role": "assistant", "content": null}))];
        events.extend(self.thoughts.iter().map(|piece| chunk(json!({"reasoning_content": piece}))));
        events.extend(self.text.iter().map(|piece| chunk(json!({"content": piece}))));
        for (at, piece) in self.order(self.in_turns) {
            let mut call = json!({"index": at, "function": {"arguments": self.calls[at].pieces[piece]}});
            if piece == 0 {
                call["id"] = format!("call_{at}").into();
                call["type"] = "function".into();
                call["function"]["name"] = format!("tool_{at}").into();
            }
            events.push(chunk(json!({"tool_calls": [call]})));
        }
        let reason = if self.calls.is_empty() { "stop" } else { "tool_calls" };
        events.push(("", json!({"choices": [{"index": 0, "delta": {}, "finish_reason": reason}]})));
        events.push((
            "",
            json!({"choices": [], "usage": {"prompt_tokens": 21, "completion_tokens": 12, "total_tokens": 33}}),
        ));
        events
    }

    fn responses(&self) -> Vec<(&'static str, Value)> {
        let response = |status: &str| {
            json!({"id": "resp_1", "model": "m", "status": status, "output": [],
            "usage": {"input_tokens": 21, "output_tokens": 12, "total_tokens": 33}})
        };
        let mut events = vec![json!({"type": "response.created", "response": response("in_progress")})];
        let mut index = 0;
        let whole = |pieces: &[String]| pieces.concat();
        if !self.thoughts.is_empty() {
            let item = |summary: Value| json!({"type": "reasoning", "id": "rs_1", "summary": summary});
            let part = |text: &str| json!({"type": "summary_text", "text": text});
            let of = |kind: &str, key: &str, value: Value| {
                json!({"type": format!("response.reasoning_summary_{kind}"), "item_id": "rs_1", "output_index": 0,
                    "summary_index": 0, key: value})
            };
            events.push(json!({"type": "response.output_item.added", "output_index": 0, "item": item(json!([]))}));
            events.push(of("part.added", "part", part("")));
            events.extend(self.thoughts.iter().map(|piece| of("text.delta", "delta", piece.as_str().into())));
            events.push(of("text.done", "text", whole(&self.thoughts).into()));
            events.push(of("part.done", "part", part(&whole(&self.thoughts))));
            let done = item(json!([part(&whole(&self.thoughts))]));
            events.push(json!({"type": "response.output_item.done", "output_index": 0, "item": done}));
            index += 1;
        }
        if !self.text.is_empty() {
            let item =
                |content: Value| json!({"type": "message", "id": "msg_1", "role": "assistant", "content": content});
            let part = |text: &str| json!({"type": "output_text", "text": text, "annotations": []});
            let of = |kind: &str, key: &str, value: Value| {
                json!({"type": format!("response.{kind}"), "item_id": "msg_1", "output_index": index,
                    "content_index": 0, key: value})
            };
            events.push(json!({"type": "response.output_item.added", "output_index": index, "item": item(json!([]))}));
            events.push(of("content_part.added", "part", part("")));
            events.extend(self.text.iter().map(|piece| of("output_text.delta", "delta", piece.as_str().into())));
            events.push(of("output_text.done", "text", whole(&self.text).into()));
            events.push(of("content_part.done", "part", part(&whole(&self.text))));
            let done = item(json!([part(&whole(&self.text))]));
            events.push(json!({"type": "response.output_item.done", "output_index": index, "item": done}));
            index += 1;
        }
        events.extend(self.responses_calls(index));
        events.push(json!({"type": "response.completed", "response": response("completed")}));
        events.into_iter().map(|event| ("", event)).collect()
    }

    fn responses_calls(&self, first: usize) -> Vec<Value> {
        let mut events = Vec::new();
        for (at, piece) in self.order(self.in_turns) {
            let (call, id, index) = (&self.calls[at], format!("fc_{at}"), first + at);
            let item = |arguments: String| {
                json!({"type": "function_call", "id": id, "call_id": format!("call_{at}"),
                "name": format!("tool_{at}"), "arguments": arguments})
            };
            if piece == 0 {
                let item = item(String::new());
                events.push(json!({"type": "response.output_item.added", "output_index": index, "item": item}));
            }
            events.push(json!({"type": "response.function_call_arguments.delta", "item_id": id, "output_index": index,
                "delta": call.pieces[piece]}));
            if piece + 1 == call.pieces.len() {
                let all = call.pieces.concat();
                events.push(json!({"type": "response.function_call_arguments.done", "item_id": id,
                    "output_index": index, "arguments": all}));
                events.push(json!({"type": "response.output_item.done", "output_index": index, "item": item(all)}));
            }
        }
        events
    }

    fn anthropic(&self) -> Vec<(&'static str, Value)> {
        let usage = json!({"input_tokens": 21, "output_tokens": 1});
        let mut events = vec![json!({"type": "message_start", "message": {"id": "msg_1", "role": "assistant",
            "model": "m", "content": [], "usage": usage}})];
        let mut index = 0;
        let mut block = |start: Value, deltas: Vec<Value>| {
            events.push(json!({"type": "content_block_start", "index": index, "content_block": start}));
            events.extend(
                deltas.into_iter().map(|delta| json!({"type": "content_block_delta", "index": index, "delta": delta})),
            );
            events.push(json!({"type": "content_block_stop", "index": index}));
            index += 1;
        };
        if !self.thoughts.is_empty() {
            let mut deltas: Vec<_> =
                self.thoughts.iter().map(|piece| json!({"type": "thinking_delta", "thinking": piece})).collect();
            deltas.push(json!({"type": "signature_delta", "signature": "EqQB"}));
            block(json!({"type": "thinking", "thinking": "", "signature": ""}), deltas);
        }
        if !self.text.is_empty() {
            let deltas = self.text.iter().map(|piece| json!({"type": "text_delta", "text": piece})).collect();
            block(json!({"type": "text", "text": ""}), deltas);
        }
        for (at, call) in self.calls.iter().enumerate() {
            let deltas =
                call.pieces.iter().map(|piece| json!({"type": "input_json_delta", "partial_json": piece})).collect();
            let (id, name) = (format!("toolu_{at}"), format!("tool_{at}"));
            block(json!({"type": "tool_use", "id": id, "name": name, "input": {}}), deltas);
        }
        let reason = if self.calls.is_empty() { "end_turn" } else { "tool_use" };
        events.push(json!({"type": "message_delta", "delta": {"stop_reason": reason}, "usage": {"output_tokens": 12}}));
        events.push(json!({"type": "message_stop"}));
        events.into_iter().map(|event| ("", event)).collect()
    }

    fn gemini(&self) -> Vec<(&'static str, Value)> {
        let chunk = |parts: Vec<Value>| {
            json!({"candidates": [{"index": 0, "content": {"role": "model", "parts": parts}}],
            "responseId": "r1"})
        };
        let mut events = Vec::new();
        events.extend(self.thoughts.iter().map(|piece| chunk(vec![json!({"text": piece, "thought": true})])));
        events.extend(self.text.iter().map(|piece| chunk(vec![json!({"text": piece})])));
        let call = |(at, call): (usize, &Call)| json!({"functionCall": {"name": format!("tool_{at}"), "args": call.arguments}});
        let calls: Vec<_> = self.calls.iter().enumerate().map(call).collect();
        match self.in_turns {
            true => events.push(chunk(calls)),
            false => events.extend(calls.into_iter().map(|call| chunk(vec![call]))),
        }
        events.push(json!({"candidates": [{"index": 0, "finishReason": "STOP"}], "usageMetadata":
            {"promptTokenCount": 21, "candidatesTokenCount": 12, "totalTokenCount": 33}}));
        events.into_iter().map(|event| ("", event)).collect()
    }

    fn bedrock(&self) -> Vec<(&'static str, Value)> {
        let mut events = vec![("messageStart", json!({"role": "assistant"}))];
        let mut index = 0;
        let mut block = |start: Option<Value>, deltas: Vec<Value>| {
            let start = start.map(|start| json!({"contentBlockIndex": index, "start": start}));
            events.extend(start.map(|start| ("contentBlockStart", start)));
            let delta = |delta| ("contentBlockDelta", json!({"contentBlockIndex": index, "delta": delta}));
            events.extend(deltas.into_iter().map(delta));
            events.push(("contentBlockStop", json!({"contentBlockIndex": index})));
            index += 1;
        };
        if !self.thoughts.is_empty() {
            block(None, self.thoughts.iter().map(|piece| json!({"reasoningContent": {"text": piece}})).collect());
        }
        if !self.text.is_empty() {
            block(None, self.text.iter().map(|piece| json!({"text": piece})).collect());
        }
        for (at, call) in self.calls.iter().enumerate() {
            let start = json!({"toolUse": {"toolUseId": format!("tooluse_{at}"), "name": format!("tool_{at}")}});
            block(Some(start), call.pieces.iter().map(|piece| json!({"toolUse": {"input": piece}})).collect());
        }
        let reason = if self.calls.is_empty() { "end_turn" } else { "tool_use" };
        events.push(("messageStop", json!({"stopReason": reason})));
        let usage = json!({"inputTokens": 21, "outputTokens": 12, "totalTokens": 33});
        events.push(("metadata", json!({"usage": usage})));
        events
    }
}
