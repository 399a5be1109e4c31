//! `logprobsResult` ⇄ OpenAI's list of tokens.

use serde_json::{Map, Value, json};

use super::member::camel;

/// Reads a `logprobsResult`: one entry for each token that was chosen.
pub(super) fn read(result: &Value) -> Option<Value> {
    let result = camel(result.clone());
    let chosen = result.get("chosenCandidates")?.as_array()?;
    let tops = result.get("topCandidates").and_then(Value::as_array);
    let tokens = chosen.iter().enumerate().map(|(at, candidate)| {
        let top = tops.and_then(|tops| tops.get(at)?.get("candidates")?.as_array());
        let top: Vec<Value> = top.into_iter().flatten().map(|candidate| Value::Object(token(candidate))).collect();
        let mut entry = token(candidate);
        entry.insert("top_logprobs".into(), Value::Array(top));
        Value::Object(entry)
    });
    Some(tokens.collect())
}

fn token(candidate: &Value) -> Map<String, Value> {
    let candidate = camel(candidate.clone());
    let text = candidate.get("token").and_then(Value::as_str).unwrap_or_default();
    let mut entry = Map::new();
    entry.insert("token".into(), text.into());
    entry.insert("logprob".into(), candidate.get("logProbability").cloned().unwrap_or_else(|| json!(0.0)));
    entry.insert("bytes".into(), text.as_bytes().into());
    entry
}

/// Writes a `logprobsResult`.
pub(super) fn write(tokens: &Value) -> Value {
    let tokens = tokens.as_array().map(Vec::as_slice).unwrap_or_default();
    let chosen: Vec<Value> = tokens.iter().map(candidate).collect();
    let top = |token: &Value| {
        let candidates: Vec<Value> = token["top_logprobs"].as_array().into_iter().flatten().map(candidate).collect();
        json!({ "candidates": candidates })
    };
    let tops: Vec<Value> = tokens.iter().map(top).collect();
    json!({ "topCandidates": tops, "chosenCandidates": chosen })
}

fn candidate(token: &Value) -> Value {
    json!({ "token": token["token"], "logProbability": token["logprob"] })
}
