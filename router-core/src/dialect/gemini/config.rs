//! `generationConfig` → sampling, format, thinking.

use serde_json::{Number, Value};

use super::super::Invalid;
use super::super::fields::Fields;
use super::member::{inner, keep, word};
use super::schema::json_schema;
use crate::chat::{ChatRequest, Effort, Format, Reasoning};

/// Where the schema is kept that the caller wrote in Google's form.
pub(super) const SCHEMA_NOTE: &str = "\0responseSchema";

/// Reads the members of `generationConfig`.
pub(super) fn read(mut config: Fields, request: &mut ChatRequest) -> Result<(), Invalid> {
    let sampling = &mut request.sampling;
    sampling.temperature = config.number("temperature")?;
    sampling.top_p = config.number("topP")?;
    sampling.top_k = config.number("topK")?.map(whole);
    sampling.seed = config.number("seed")?;
    sampling.frequency_penalty = config.number("frequencyPenalty")?;
    sampling.presence_penalty = config.number("presencePenalty")?;
    sampling.n = config.whole("candidateCount")?;
    sampling.logprobs = config.flag("responseLogprobs")?;
    sampling.top_logprobs = config.whole("logprobs")?;
    request.max_tokens = config.whole("maxOutputTokens")?;
    request.stop = config.texts("stopSequences")?.unwrap_or_default();
    format(&mut config, request)?;
    if let Some(thinking) = inner(&mut config, "thinkingConfig")? {
        request.reasoning = Some(reasoning(thinking, request)?);
    }
    keep(&mut request.extra, "generationConfig", config.rest());
    Ok(())
}

/// Google's clients write `40.0`, which others do not take for a whole number.
fn whole(number: Number) -> Number {
    let integer = number.as_f64().filter(|value| value.fract() == 0.0 && value.abs() <= f64::from(u32::MAX));
    integer.and_then(|value| format!("{value:.0}").parse().ok()).unwrap_or(number)
}

fn format(config: &mut Fields, request: &mut ChatRequest) -> Result<(), Invalid> {
    let media_type = config.text("responseMimeType")?;
    if !matches!(media_type.as_deref(), None | Some("text/plain" | "application/json")) {
        // One of several words (`text/x.enum`) and the like: nobody else has that.
        config.put_back("responseMimeType", media_type.into());
        return Ok(());
    }
    let schema = |schema| Format::Schema { name: None, description: None, schema, strict: None };
    request.format = if let Some(written) = config.take("responseJsonSchema") {
        Some(schema(written))
    } else if let Some(written) = config.take("responseSchema") {
        let format = schema(json_schema(&written));
        request.extra.insert(SCHEMA_NOTE.into(), written);
        Some(format)
    } else {
        media_type.map(|media_type| if media_type == "text/plain" { Format::Text } else { Format::Json })
    };
    Ok(())
}

fn reasoning(mut thinking: Fields, request: &mut ChatRequest) -> Result<Reasoning, Invalid> {
    let mut reasoning = Reasoning { shown: thinking.flag("includeThoughts")?, ..Reasoning::default() };
    if let Some(budget) = thinking.number("thinkingBudget")? {
        match (budget.as_u64(), budget.as_i64()) {
            (Some(tokens), _) => reasoning.budget = Some(tokens),
            (None, Some(-1)) => reasoning.adaptive = true,
            _ => return Err(thinking.invalid("thinkingBudget", "must be -1 or a whole number that is not negative")),
        }
    }
    if let Some(level) = word(&mut thinking, "thinkingLevel")? {
        reasoning.effort = Effort::named(&level.to_ascii_lowercase());
        if reasoning.effort.is_none() && level != "THINKING_LEVEL_UNSPECIFIED" {
            return Err(thinking.invalid("thinkingLevel", format!("unknown level {level:?}")));
        }
    }
    keep(&mut request.extra, "generationConfig.thinkingConfig", thinking.rest());
    Ok(reasoning)
}

/// Whether the schema in Google's form that was kept still says what the request asks for; then it is written as it was.
pub(super) fn kept_schema<'r>(request: &'r ChatRequest, schema: &Value) -> Option<&'r Value> {
    request.extra.get(SCHEMA_NOTE).filter(|kept| json_schema(kept) == *schema)
}
