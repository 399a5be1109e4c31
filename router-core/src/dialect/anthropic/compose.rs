//! A provider's request, as it is written.

use serde_json::{Value, json};

use super::model::Model;
use super::shape::{members, merge};
use super::thinking::{self, Plan};
use super::turns::{self, Turns, is_note};
use super::{limits, schema, tools};
use crate::chat::{ChatRequest, Extra, Format, Losses};
use crate::dialect::{Invalid, Target, Written};
use crate::domain::Dialect;

/// Members of other dialects that change nothing about the answer.
const HARMLESS: [&str; 3] = ["stream_options", "store", "include"];

/// Writes a request, and names what the API cannot say.
///
/// # Errors
/// When no request can be made of it: nothing is said, or a call's arguments are not an object.
pub fn write_request(request: &ChatRequest, target: &Target<'_>, losses: &mut Losses) -> Result<Written, Invalid> {
    let own = request.dialect == Dialect::Anthropic;
    let model = Model::named(target.model);
    let mut turns = turns::write(request, losses)?;
    if turns.is_empty() && !own {
        return Err(Invalid::at("messages", "must have at least one message that is not a system message"));
    }
    let mut plan = thinking::plan(request, model, target.quirks, losses);
    if !own && plan.wants_thoughts_back() && turns.lack_thoughts() {
        losses.add("reasoning");
        plan.thinking = None;
    }
    let mut body = members(json!({"model": target.model, "max_tokens": plan.max_tokens}));
    let output = write_output(request, target, model, &plan, &mut turns, losses);
    write_turns(&mut body, turns);
    let written = tools::write(request, model, losses);
    let choice = tools::write_choice(request, &written, plan.thinks(), target.quirks, losses);
    if !written.is_empty() {
        body.insert("tools".to_owned(), Value::Array(written));
    }
    body.extend(choice.map(|choice| ("tool_choice".to_owned(), choice)));
    write_sampling(&mut body, request, model, plan.thinks(), losses);
    body.extend(plan.thinking.map(|thinking| ("thinking".to_owned(), thinking)));
    if !output.is_empty() {
        body.insert("output_config".to_owned(), Value::Object(output));
    }
    write_rest(&mut body, request, losses);
    if own {
        merge(&mut body, &request.extra);
    } else {
        let lost = request.extra.keys().filter(|key| !HARMLESS.contains(&key.as_str()) && !is_note(key));
        lost.for_each(|key| losses.add(key.clone()));
    }
    Ok(Written::plain(Value::Object(body)))
}

fn write_turns(body: &mut Extra, mut turns: Turns) {
    let system = std::mem::take(&mut turns.system);
    if !system.is_empty() {
        body.insert("system".to_owned(), turns::content(system));
    }
    body.insert("messages".to_owned(), Value::Array(turns.into_messages()));
}

/// `output_config`: the effort, and the form of the answer. A model that cannot be held to a schema is asked to follow
/// it.
fn write_output(
    request: &ChatRequest,
    target: &Target<'_>,
    model: Model,
    plan: &Plan,
    turns: &mut Turns,
    losses: &mut Losses,
) -> Extra {
    let mut output = Extra::new();
    output.extend(plan.effort.map(|effort| ("effort".to_owned(), effort.into())));
    let own = request.dialect == Dialect::Anthropic;
    let schema = match &request.format {
        None | Some(Format::Text) => return output,
        Some(Format::Json) if own && !target.quirks.no_json_schema => json!({"type": "object"}),
        Some(Format::Json) => {
            // A schema that the API compiles names every member, so none of them means any object.
            losses.add("response_format");
            // Google's is any value, OpenAI's an object.
            let what = if request.dialect == Dialect::Gemini { "JSON" } else { "a JSON object" };
            turns.system.push(json!({"type": "text", "text": format!("Answer with nothing but {what}.")}));
            return output;
        }
        Some(Format::Schema { schema, .. }) if own => schema.clone(),
        Some(Format::Schema { schema, description, .. }) => {
            let mut schema = schema.clone();
            schema::adapt(&mut schema, "response_format.schema", losses);
            if let (Value::Object(schema), Some(description)) = (&mut schema, description) {
                schema.entry("description").or_insert_with(|| description.as_str().into());
            }
            schema
        }
    };
    if target.quirks.no_json_schema || !own && !model.takes_schemas() {
        losses.add("response_format");
        let wish = format!("Answer with nothing but a JSON value that follows this JSON Schema:\n{schema}");
        turns.system.push(json!({"type": "text", "text": wish}));
    } else {
        output.insert("format".to_owned(), json!({"type": "json_schema", "schema": schema}));
    }
    output
}

/// How words are drawn. Newer models draw by themselves, and so do all that think.
fn write_sampling(body: &mut Extra, request: &ChatRequest, model: Model, thinks: bool, losses: &mut Losses) {
    let sampling = &request.sampling;
    let own = request.dialect == Dialect::Anthropic;
    let mut put = |key: &str, number: serde_json::Number| drop(body.insert(key.to_owned(), Value::Number(number)));
    let free = own || model.takes_sampling();
    let one = |number: &serde_json::Number| number.as_f64() == Some(1.0);
    if let Some(temperature) = &sampling.temperature {
        let temperature = if own { temperature.clone() } else { limits::unit(temperature, "temperature", losses) };
        if free && (own || !thinks || one(&temperature)) {
            put("temperature", temperature);
        } else {
            // 1 is what such models do anyway.
            losses.add_if(!one(&temperature), "temperature");
        }
    }
    if let Some(top_p) = &sampling.top_p {
        let top_p = if own { top_p.clone() } else { limits::unit(top_p, "top_p", losses) };
        let beside = own || sampling.temperature.is_none() || model.takes_both_temperature_and_top_p();
        let wide = own || !thinks || top_p.as_f64().is_some_and(|share| share >= 0.95);
        if free && beside && wide {
            put("top_p", top_p);
        } else {
            losses.add_if(!one(&top_p), "top_p");
        }
    }
    if let Some(top_k) = &sampling.top_k {
        let whole = serde_json::Number::from_f64(top_k.as_f64().unwrap_or_default().round());
        match whole.as_ref().and_then(serde_json::Number::as_f64) {
            _ if own => put("top_k", top_k.clone()),
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "it is whole and small")]
            Some(count) if free && !thinks && (1.0..1e6).contains(&count) => put("top_k", (count as u64).into()),
            _ => losses.add("top_k"),
        }
    }
    losses.add_if(sampling.seed.is_some(), "seed");
    losses.add_if(sampling.frequency_penalty.as_ref().is_some_and(is_not_zero), "frequency_penalty");
    losses.add_if(sampling.presence_penalty.as_ref().is_some_and(is_not_zero), "presence_penalty");
    losses.add_if(sampling.n.is_some_and(|n| n > 1), "n");
    losses.add_if(sampling.logprobs == Some(true), "logprobs");
    losses.add_if(sampling.top_logprobs.is_some_and(|count| count > 0), "top_logprobs");
}

fn is_not_zero(number: &serde_json::Number) -> bool {
    number.as_f64() != Some(0.0)
}

/// What is left: when to stop, how, for whom.
fn write_rest(body: &mut Extra, request: &ChatRequest, losses: &mut Losses) {
    let own = request.dialect == Dialect::Anthropic;
    let stop: Vec<_> = request.stop.iter().filter(|stop| own || !stop.trim().is_empty()).cloned().collect();
    losses.add_if(stop.len() < request.stop.len(), "stop");
    if !stop.is_empty() {
        body.insert("stop_sequences".to_owned(), stop.into());
    }
    if request.stream {
        body.insert("stream".to_owned(), true.into());
    }
    if let Some(tier) = &request.service_tier {
        let tier = match tier.as_str() {
            tier if own => Some(tier),
            "auto" | "priority" => Some("auto"),
            "default" | "standard" | "standard_only" => Some("standard_only"),
            _ => None,
        };
        losses.add_if(tier.is_none(), "service_tier");
        body.extend(tier.map(|tier| ("service_tier".to_owned(), tier.into())));
    }
    if let Some(user) = &request.user {
        body.insert("metadata".to_owned(), json!({"user_id": user}));
    }
    losses.add_if(!request.metadata.is_empty(), "metadata");
    losses.add_if(request.cache_key.is_some(), "prompt_cache_key");
    losses.add_if(request.verbosity.is_some(), "verbosity");
}
