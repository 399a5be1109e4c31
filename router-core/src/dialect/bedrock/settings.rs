//! How words are drawn, bounds, service, labels.

use serde_json::{Map, Number, Value, json};

use super::conversation::Writer;
use super::model::Model;
use super::reasoning::Plan;
use crate::chat::Sampling;

/// Stop sequences that the API takes.
const STOP_MAX: usize = 2500;
/// Labels of a request, and the longest key and value of one.
const LABELS_MAX: usize = 16;
const LABEL_CHARS_MAX: usize = 256;
/// With thoughts, Claude draws from at least this share of likelihood.
const THINKING_TOP_P_MIN: f64 = 0.95;

/// `inferenceConfig`, and what is asked of the model beside it.
pub(super) fn inference(writer: &mut Writer<'_, '_>, plan: &Plan) -> (Map<String, Value>, Map<String, Value>) {
    let request = writer.request;
    let (mut config, mut fields) = (Map::new(), plan.fields.clone());
    if let Some(most) = request.max_tokens.or(plan.max_tokens) {
        writer.losses.add_if(most == 0, "max_tokens");
        config.insert("maxTokens".into(), most.max(1).into());
    }
    let (temperature, top_p) = drawn(writer, plan);
    config.extend(temperature.map(|temperature| ("temperature".to_owned(), Value::Number(temperature))));
    config.extend(top_p.map(|top_p| ("topP".to_owned(), Value::Number(top_p))));
    let stop = stop_sequences(writer);
    if !stop.is_empty() {
        config.insert("stopSequences".into(), stop.into());
    }
    if let Some(top_k) = &request.sampling.top_k {
        let said = match writer.model {
            _ if plan.thinks || refuses_sampling(writer.model) => None,
            Model::Claude(..) | Model::Mistral => Some(("top_k", top_k.clone().into())),
            Model::Nova(_) => Some(("inferenceConfig", json!({"topK": top_k}))),
            Model::GptOss | Model::Other => None,
        };
        writer.losses.add_if(said.is_none(), "top_k");
        fields.extend(said.map(|(key, value)| (key.to_owned(), value)));
    }
    unknown(writer);
    (config, fields)
}

/// From Claude 4.7 on, the model draws words as it likes.
fn refuses_sampling(model: Model) -> bool {
    model.is_claude_since((4, 7))
}

/// `temperature` and `topP`, as far as the model takes them.
fn drawn(writer: &mut Writer<'_, '_>, plan: &Plan) -> (Option<Number>, Option<Number>) {
    let Sampling { temperature, top_p, .. } = &writer.request.sampling;
    let model = writer.model;
    let refused = |number: &Number| {
        let thinking = plan.thinks && !(model.is_claude() && number.as_f64() == Some(1.0));
        thinking || refuses_sampling(model)
    };
    let mut temperature = temperature.clone();
    if temperature.as_ref().is_some_and(refused) {
        writer.losses.add("temperature");
        temperature = None;
    }
    let mut top_p = top_p.clone();
    let enough =
        |number: &Number| model.is_claude() && number.as_f64().is_some_and(|share| share >= THINKING_TOP_P_MIN);
    // Since 4.5, and 4.1 before it, Claude takes only one of the two.
    let either = model.is_claude_since((4, 1)) && temperature.is_some();
    let too_much = |number: &Number| (plan.thinks && !enough(number)) || refuses_sampling(model) || either;
    if top_p.as_ref().is_some_and(too_much) {
        writer.losses.add("top_p");
        top_p = None;
    }
    (within_one(writer, temperature, "temperature"), within_one(writer, top_p, "top_p"))
}

/// Converse takes what lies between 0 and 1.
fn within_one(writer: &mut Writer<'_, '_>, number: Option<Number>, name: &'static str) -> Option<Number> {
    let value = number.as_ref().and_then(Number::as_f64)?;
    if (0.0..=1.0).contains(&value) {
        return number;
    }
    writer.losses.add(name);
    Some(Number::from(u8::from(value > 1.0)))
}

fn stop_sequences(writer: &mut Writer<'_, '_>) -> Vec<Value> {
    let claude = writer.model.is_claude();
    let fits = |stop: &&String| !(stop.is_empty() || claude && stop.trim().is_empty());
    let all = &writer.request.stop;
    let stop: Vec<Value> = all.iter().filter(fits).take(STOP_MAX).map(|stop| stop.as_str().into()).collect();
    writer.losses.add_if(stop.len() < all.len(), "stop");
    stop
}

/// What Converse has no words for.
fn unknown(writer: &mut Writer<'_, '_>) {
    let request = writer.request;
    let Sampling { seed, frequency_penalty, presence_penalty, n, logprobs, top_logprobs, .. } = &request.sampling;
    let asks = |number: &Option<Number>| number.as_ref().is_some_and(|number| number.as_f64() != Some(0.0));
    let losses = &mut *writer.losses;
    losses.add_if(seed.is_some(), "seed");
    losses.add_if(asks(frequency_penalty), "frequency_penalty");
    losses.add_if(asks(presence_penalty), "presence_penalty");
    losses.add_if(n.is_some_and(|n| n > 1), "n");
    losses.add_if(*logprobs == Some(true), "logprobs");
    losses.add_if(top_logprobs.is_some_and(|top| top > 0), "top_logprobs");
    losses.add_if(request.verbosity.is_some(), "verbosity");
    losses.add_if(request.user.is_some(), "user");
    losses.add_if(request.cache_key.is_some(), "prompt_cache_key");
}

/// The class of service, by its member and value; nothing for what is given anyway.
pub(super) fn service(writer: &mut Writer<'_, '_>) -> Option<(&'static str, Value)> {
    let tier = match writer.request.service_tier.as_deref()? {
        "auto" => return None,
        "default" | "standard" | "standard_only" => "default",
        "priority" => "priority",
        "flex" => "flex",
        "reserved" => "reserved",
        "optimized" => return Some(("performanceConfig", json!({"latency": "optimized"}))),
        _ => {
            writer.losses.add("service_tier");
            return None;
        }
    };
    Some(("serviceTier", json!({"type": tier})))
}

/// Labels that the API takes.
pub(super) fn labels(writer: &mut Writer<'_, '_>) -> Map<String, Value> {
    let fits = |text: &str| {
        let plain = |c: char| c.is_ascii_alphanumeric() || c.is_ascii_whitespace() || ":_@$#=/+,-.".contains(c);
        text.len() <= LABEL_CHARS_MAX && text.chars().all(plain)
    };
    let mut labels = Map::new();
    for (key, value) in &writer.request.metadata {
        let value = value.as_str().filter(|value| fits(value) && fits(key) && !key.is_empty());
        if let Some(value) = value.filter(|_| labels.len() < LABELS_MAX) {
            labels.insert(key.clone(), value.into());
        } else {
            writer.losses.add(format!("metadata.{key}"));
        }
    }
    labels
}
