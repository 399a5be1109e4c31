//! Sampling, format, thinking → `generationConfig`.

use serde_json::{Map, Number, Value};

use super::config::kept_schema;
use super::member::restore;
use super::model::Model;
use crate::chat::{ChatRequest, Effort, Format, Losses, Reasoning, ToolBody};
use crate::domain::Dialect;

/// The most stop sequences.
const STOPS_MAX: usize = 5;
/// The most answers at once.
const CANDIDATES_MAX: u64 = 8;
/// The most alternatives to a token.
const LOGPROBS_MAX: u64 = 20;

/// Writes the members of `generationConfig`. What comes from Google's own clients goes back unjudged.
pub(super) fn write(request: &ChatRequest, model: Model, losses: &mut Losses) -> Map<String, Value> {
    let own = request.dialect == Dialect::Gemini;
    let mut out = Map::new();
    let sampling = &request.sampling;
    let clamped = |number: &Option<Number>, low: f64, high: f64, name: &'static str, losses: &mut Losses| {
        number.clone().map(|number| if own { number } else { clamp(number, low, high, name, losses) })
    };
    put(&mut out, "temperature", clamped(&sampling.temperature, 0.0, 2.0, "temperature", losses));
    put(&mut out, "topP", clamped(&sampling.top_p, 0.0, 1.0, "top_p", losses));
    put(&mut out, "topK", sampling.top_k.clone());
    put(&mut out, "seed", seed(request, losses));
    // Google's range ends just below 2.
    put(&mut out, "frequencyPenalty", clamped(&sampling.frequency_penalty, -2.0, 1.99, "frequency_penalty", losses));
    put(&mut out, "presencePenalty", clamped(&sampling.presence_penalty, -2.0, 1.99, "presence_penalty", losses));
    put(&mut out, "candidateCount", at_most(sampling.n, CANDIDATES_MAX, own, "n", losses));
    put(&mut out, "responseLogprobs", sampling.logprobs.or(sampling.top_logprobs.filter(|_| !own).map(|_| true)));
    put(&mut out, "logprobs", at_most(sampling.top_logprobs, LOGPROBS_MAX, own, "top_logprobs", losses));
    put(&mut out, "maxOutputTokens", request.max_tokens);
    let stops = if own { request.stop.len() } else { request.stop.len().min(STOPS_MAX) };
    losses.add_if(stops < request.stop.len(), "stop");
    put(&mut out, "stopSequences", Some(&request.stop[..stops]).filter(|stop| !stop.is_empty()));
    format(request, model, &mut out, losses);
    if let Some(reasoning) = &request.reasoning {
        let mut thinking = if own { as_asked(reasoning) } else { thinking(request, reasoning, model, losses) };
        if own {
            restore(&request.extra, "generationConfig.thinkingConfig", &mut thinking);
        }
        if own || !thinking.is_empty() {
            out.insert("thinkingConfig".into(), Value::Object(thinking));
        }
    }
    if own {
        restore(&request.extra, "generationConfig", &mut out);
    }
    out
}

fn put(out: &mut Map<String, Value>, key: &str, value: Option<impl Into<Value>>) {
    if let Some(value) = value {
        out.insert(key.to_owned(), value.into());
    }
}

fn clamp(number: Number, low: f64, high: f64, name: &'static str, losses: &mut Losses) -> Number {
    let value = number.as_f64().unwrap_or_default();
    if (low..=high).contains(&value) {
        return number;
    }
    losses.add(name);
    Number::from_f64(value.clamp(low, high)).unwrap_or(number)
}

fn at_most(number: Option<u64>, most: u64, own: bool, name: &'static str, losses: &mut Losses) -> Option<u64> {
    let number = number?;
    losses.add_if(!own && number > most, name);
    Some(if own { number } else { number.min(most) })
}

/// Google's seed has 32 bits.
fn seed(request: &ChatRequest, losses: &mut Losses) -> Option<Number> {
    let seed = request.sampling.seed.clone()?;
    let fits = seed.as_i64().is_some_and(|seed| i32::try_from(seed).is_ok());
    if fits || request.dialect == Dialect::Gemini {
        return Some(seed);
    }
    losses.add("seed");
    None
}

fn format(request: &ChatRequest, model: Model, out: &mut Map<String, Value>, losses: &mut Losses) {
    let own = request.dialect == Dialect::Gemini;
    let Some(format) = &request.format else { return };
    if !own && !model.is_third() && *format != Format::Text && has_functions(request) {
        // Before Gemini 3, functions and JSON are refused together. Without functions nothing works; without the format
        // most does.
        losses.add("response_format");
        return;
    }
    match format {
        Format::Text if !own => {}
        Format::Text => put(out, "responseMimeType", Some("text/plain")),
        Format::Json => put(out, "responseMimeType", Some("application/json")),
        Format::Schema { description, schema, .. } => {
            put(out, "responseMimeType", Some("application/json"));
            match kept_schema(request, schema).filter(|_| own) {
                Some(kept) => put(out, "responseSchema", Some(kept.clone())),
                None => put(out, "responseJsonSchema", Some(described(schema, description.as_deref()))),
            }
        }
    }
}

fn has_functions(request: &ChatRequest) -> bool {
    request.tools.iter().any(|tool| matches!(tool.body, ToolBody::Function { .. }))
}

/// Google has no place for a description beside the schema, but in it.
fn described(schema: &Value, description: Option<&str>) -> Value {
    let mut schema = schema.clone();
    if let (Value::Object(members), Some(description)) = (&mut schema, description) {
        members.entry("description").or_insert_with(|| description.into());
    }
    schema
}

/// Thinking in Google's own words.
fn as_asked(reasoning: &Reasoning) -> Map<String, Value> {
    let mut out = Map::new();
    put(&mut out, "includeThoughts", reasoning.shown);
    put(&mut out, "thinkingBudget", reasoning.budget.map(Value::from).or(reasoning.adaptive.then(|| (-1).into())));
    put(&mut out, "thinkingLevel", reasoning.effort.map(|effort| effort.name().to_ascii_uppercase()));
    out
}

/// Thinking in the words of the model that is asked.
fn thinking(request: &ChatRequest, reasoning: &Reasoning, model: Model, losses: &mut Losses) -> Map<String, Value> {
    let mut out = Map::new();
    let off = reasoning.budget == Some(0) || (reasoning.budget.is_none() && reasoning.effort == Some(Effort::None));
    if !model.thinks() {
        losses.add_if(!off, "reasoning");
        return out;
    }
    if model.is_third() {
        let level = reasoning.effort.or(reasoning.budget.map(Effort::of_budget));
        put(&mut out, "thinkingLevel", level.map(|effort| nearest_level(effort, model, losses)));
    } else {
        let budget = reasoning.budget.or(reasoning.effort.map(Effort::budget));
        let budget = budget.map(|budget| Value::from(nearest_budget(budget, model, losses)));
        put(&mut out, "thinkingBudget", budget.or(reasoning.adaptive.then(|| (-1).into())));
    }
    // Anthropic shows thoughts unless told otherwise; the others must be asked.
    let asked = request.dialect == Dialect::Anthropic || reasoning.summary.is_some();
    put(&mut out, "includeThoughts", reasoning.shown.or(asked.then_some(true)).filter(|_| !off));
    out
}

fn nearest_level(effort: Effort, model: Model, losses: &mut Losses) -> &'static str {
    let (level, exact) = match effort {
        Effort::None | Effort::Minimal if model.pro => ("LOW", false),
        Effort::None => ("MINIMAL", false),
        Effort::Minimal => ("MINIMAL", true),
        Effort::Low => ("LOW", true),
        Effort::Medium if model.has_two_levels() => ("HIGH", false),
        Effort::Medium => ("MEDIUM", true),
        Effort::High => ("HIGH", true),
        Effort::Xhigh | Effort::Max => ("HIGH", false),
    };
    losses.add_if(!exact, "reasoning");
    level
}

fn nearest_budget(budget: u64, model: Model, losses: &mut Losses) -> u64 {
    let nearest = match (model.pro, model.lite) {
        (true, _) => budget.clamp(128, 32_768),
        (false, _) if budget == 0 => 0,
        (false, true) => budget.clamp(512, 24_576),
        (false, false) => budget.min(24_576),
    };
    losses.add_if(nearest != budget, "reasoning");
    nearest
}
