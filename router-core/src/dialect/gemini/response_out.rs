//! The common answer → a client's answer.

use serde_json::{Map, Value, json};

use super::super::{Frame, search};
use super::grounding::{self, Grounding};
use super::part_out::{self, Part, part};
use super::response::BLOCKED_NOTE;
use super::{finish, logprobs, seal, usage};
use crate::chat::{Block, Body, ChatResponse, Choice, Finish, Thinking};
use crate::domain::Dialect;

/// Writes an answer of `generateContent`.
pub fn write_response(response: &ChatResponse, frame: &Frame) -> Value {
    let own = response.dialect == Dialect::Gemini;
    let mut body = Map::new();
    let candidates = response.choices.iter().enumerate().filter(|(_, choice)| !choice.extra.contains_key(BLOCKED_NOTE));
    let candidates: Vec<Value> = candidates.map(|(at, choice)| candidate(at, choice, own)).collect();
    if !candidates.is_empty() {
        body.insert("candidates".into(), Value::Array(candidates));
    }
    if let Some(usage) = usage_of(response, own) {
        body.insert("usageMetadata".into(), usage);
    }
    let or = |given: &str, other: &str| Value::from(if given.is_empty() { other } else { given });
    body.insert("modelVersion".into(), or(&response.model, &frame.model));
    body.insert("responseId".into(), or(&response.id, &frame.unique));
    if own {
        let others = response.extra.iter().filter(|(key, _)| *key != "usageMetadata");
        body.extend(others.map(|(key, value)| (key.clone(), value.clone())));
    }
    Value::Object(body)
}

/// The usage as Google reported it, if it still says the same; else as we write it.
fn usage_of(response: &ChatResponse, own: bool) -> Option<Value> {
    let kept = response.extra.get("usageMetadata").filter(|_| own);
    let same = |kept: &&Value| {
        let mut read = usage::read_usage((*kept).clone());
        if let (Some(read), Some(now)) = (&mut read, &response.usage) {
            read.web_searches = now.web_searches;
        }
        read == response.usage
    };
    let written = || response.usage.as_ref().map(usage::write);
    kept.filter(same).cloned().or_else(written)
}

fn candidate(at: usize, choice: &Choice, own: bool) -> Value {
    let mut out = Map::new();
    let (parts, grounding) = parts(&choice.blocks, own);
    if !parts.is_empty() {
        out.insert("content".into(), json!({"parts": parts, "role": "model"}));
    } else if !own && !matches!(choice.finish, Some(Finish::Filtered | Finish::Refused)) {
        out.insert("content".into(), json!({"role": "model"}));
    }
    let refused = choice.blocks.iter().any(|block| matches!(block.body, Body::Refusal(_)));
    if let Some(finish) = choice.finish {
        out.insert("finishReason".into(), finish::write(finish, refused).into());
    }
    out.insert("index".into(), at.into());
    if let Some(grounding) = grounding.into_value() {
        out.insert("groundingMetadata".into(), grounding);
    }
    if let Some(tokens) = &choice.logprobs {
        out.insert("logprobsResult".into(), logprobs::write(tokens));
    }
    if own {
        let still_so = |key: &str, kept: &Value| match key {
            "finishReason" => {
                let read = kept.as_str().map(finish::read);
                let calls = choice.finish == Some(Finish::ToolCalls);
                read.map(|read| finish::with_calls(read, calls)) == choice.finish
            }
            "logprobsResult" => logprobs::read(kept) == choice.logprobs,
            _ => true,
        };
        let kept = choice.extra.iter().filter(|(key, kept)| still_so(key, kept));
        out.extend(kept.map(|(key, value)| (key.clone(), value.clone())));
    }
    Value::Object(out)
}

/// Texts of others that follow one another are one part: Google's clients count positions from the beginning of all text.
fn parts(blocks: &[Block], own: bool) -> (Vec<Value>, Grounding) {
    let (mut parts, mut grounding, mut joins) = (Vec::new(), Grounding::default(), false);
    for block in blocks {
        if let Body::Foreign { dialect, value } = &block.body {
            search::queries(*dialect, value).into_iter().for_each(|query| grounding.search(query));
        }
        let Some(mut part) = block_part(block, own) else { continue };
        let plain = !own && block.signature.is_none() && block.as_text().is_some();
        let before = if joins && plain { prepend(parts.pop(), &mut part) } else { 0 };
        joins = plain;
        if let (Body::Text { text, citations }, Some(whole)) = (&block.body, part.get("text").and_then(Value::as_str)) {
            // Google's own citations are in the metadata that was kept.
            for citation in citations.iter().filter(|citation| !own || citation.dialect != Dialect::Gemini) {
                let (start, end) = grounding::bytes(citation, text);
                grounding.add(citation, parts.len(), whole, (before + start, before + end));
            }
        }
        if let Some(signature) = &block.signature {
            part.insert("thoughtSignature".into(), seal::carried(signature).into());
        }
        if own {
            part_out::extra_members(&block.extra, &mut part);
        }
        parts.push(Value::Object(part));
    }
    (parts, grounding)
}

/// Puts the text of the part before in front of a part's. Gives how many bytes that is.
fn prepend(before: Option<Value>, part: &mut Part) -> usize {
    let (Some(Value::String(text)), Some(Value::String(more))) =
        (before.and_then(|mut before| before.get_mut("text").map(Value::take)), part.get_mut("text"))
    else {
        return 0;
    };
    let bytes = text.len();
    *more = text + more;
    bytes
}

fn block_part(block: &Block, own: bool) -> Option<Part> {
    match &block.body {
        Body::Text { text, .. } | Body::Refusal(text) => {
            let silent = text.is_empty() && !own && block.signature.is_none();
            (!silent).then(|| part("text", text.as_str().into()))
        }
        Body::Thinking(thinking) => {
            let silent = !own && block.signature.is_none() && thinking.shown().is_empty();
            (!silent).then(|| part_out::thought(&shown(thinking)))
        }
        Body::Image(media) => part_out::media(media, &block.extra, own, Some("image/png").filter(|_| !own)),
        Body::Audio(media) => part_out::media(media, &block.extra, own, Some("audio/wav").filter(|_| !own)),
        Body::Video(media) => part_out::media(media, &block.extra, own, Some("video/mp4").filter(|_| !own)),
        Body::Document(media) => part_out::media(media, &block.extra, own, Some("application/pdf").filter(|_| !own)),
        Body::ToolCall(call) => {
            let args = Some(&call.arguments).filter(|_| !call.custom).and_then(|text| part_out::arguments(text));
            let args = args.unwrap_or_else(|| part_out::free_text(&call.arguments));
            Some(part_out::function_call(&call.id, &call.name, args, Some(&block.extra).filter(|_| own)))
        }
        Body::Foreign { dialect: Dialect::Gemini, value: Value::Object(value) } => Some(value.clone()),
        Body::Foreign { .. } | Body::ToolResult(_) => None,
    }
}

/// Thoughts that have a text are not hidden, whatever their flag says.
fn shown(thinking: &Thinking) -> Thinking {
    Thinking { redacted: thinking.redacted && thinking.shown().is_empty(), ..thinking.clone() }
}
