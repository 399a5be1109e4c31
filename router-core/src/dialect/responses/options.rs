//! `text`, `reasoning` and `include` ⇄ the common model.

use serde_json::{Map, Value, json};

use super::super::fields::Fields;
use super::super::openai::chat::effort::{nearest, thinks};
use super::super::{Invalid, Quirks, Target, strict};
use super::note;
use crate::chat::{ChatRequest, Effort, Extra, Format, Losses, Reasoning};
use crate::domain::Dialect;

const LOGPROBS: &str = "message.output_text.logprobs";
const ENCRYPTED: &str = "reasoning.encrypted_content";
/// A schema must have a name here.
const FORMAT_NAME: &str = "answer";

/// Reads `text`. What it does not know of it stays in `extra`.
pub(super) fn read_text(fields: &mut Fields, request: &mut ChatRequest) -> Result<(), Invalid> {
    let Some(mut text) = fields.object("text")? else { return Ok(()) };
    request.verbosity = text.text("verbosity")?;
    if let Some(format) = text.object("format")? {
        match read_format(format)? {
            Ok(format) => request.format = Some(format),
            Err(unknown) => text.put_back("format", unknown),
        }
    }
    keep("text", text.rest(), &mut request.extra);
    Ok(())
}

fn read_format(mut format: Fields) -> Result<Result<Format, Value>, Invalid> {
    Ok(Ok(match format.peek_text("type") {
        Some("text") => Format::Text,
        Some("json_object") => Format::Json,
        Some("json_schema") => Format::Schema {
            name: format.text("name")?,
            description: format.text("description")?,
            schema: format.object("schema")?.ok_or_else(|| format.invalid("schema", "must be an object"))?.into_value(),
            strict: format.flag("strict")?,
        },
        Some(_) => return Ok(Err(format.into_value())),
        None => return Err(format.invalid("type", "is missing: it must be a string such as \"json_schema\"")),
    }))
}

/// Reads `reasoning`. What it does not know of it stays in `extra`.
pub(super) fn read_reasoning(fields: &mut Fields, request: &mut ChatRequest) -> Result<(), Invalid> {
    let Some(mut reasoning) = fields.object("reasoning")? else { return Ok(()) };
    let word = reasoning.text("effort")?;
    let effort = word.as_deref().and_then(Effort::named);
    if let (None, Some(word)) = (effort, word) {
        reasoning.put_back("effort", word.into());
    }
    let summary = reasoning.text("summary")?;
    let shown = summary.is_some().then_some(true);
    request.reasoning = Some(Reasoning { effort, summary, shown, ..Reasoning::default() });
    keep("reasoning", reasoning.rest(), &mut request.extra);
    Ok(())
}

fn keep(key: &str, rest: Extra, extra: &mut Extra) {
    if !rest.is_empty() {
        extra.insert(key.to_owned(), Value::Object(rest));
    }
}

/// Reads `include`: what others have another word for, or give without being asked, is not foreign to them.
pub(super) fn read_include(fields: &mut Fields, request: &mut ChatRequest) -> Result<(), Invalid> {
    let Some(include) = fields.texts("include")? else { return Ok(()) };
    if include.iter().any(|entry| entry == LOGPROBS) {
        request.sampling.logprobs = Some(true);
    }
    let foreign: Vec<_> = include.iter().filter(|entry| *entry != LOGPROBS && *entry != ENCRYPTED).cloned().collect();
    if !foreign.is_empty() {
        request.extra.insert("include".to_owned(), foreign.into());
    }
    request.extra.insert(note::INCLUDE.to_owned(), include.into());
    Ok(())
}

/// Writes `include` for a request that came in this dialect.
pub(super) fn own_include(request: &ChatRequest) -> Option<Value> {
    request.extra.get(note::INCLUDE).cloned()
}

/// Writes `include` for a request of another dialect.
pub(super) fn foreign_include(request: &ChatRequest, model: &str) -> Option<Value> {
    let mut include = Vec::new();
    if thinks(model) {
        include.push(ENCRYPTED);
    }
    if request.sampling.logprobs == Some(true) {
        include.push(LOGPROBS);
    }
    (!include.is_empty()).then(|| include.into())
}

/// Writes `text`. Answers what must be said in words because the provider knows no schemas.
pub(super) fn write_text(
    request: &ChatRequest,
    own: bool,
    quirks: &Quirks,
    losses: &mut Losses,
) -> (Option<Value>, Option<String>) {
    let mut text = Map::new();
    let mut words = None;
    let format = match &request.format {
        None => None,
        Some(Format::Text) => Some(json!({"type": "text"})),
        Some(Format::Json) => Some(json!({"type": "json_object"})),
        Some(Format::Schema { schema, .. }) if quirks.no_json_schema => {
            losses.add("response_format.json_schema");
            words = Some(format!("Answer with JSON that follows this JSON Schema and with nothing else:\n{schema}"));
            Some(json!({"type": "json_object"}))
        }
        Some(format) => schema_format(format, request.dialect, losses),
    };
    text.extend(format.map(|format| ("format".to_owned(), format)));
    text.extend(request.verbosity.as_deref().map(|verbosity| ("verbosity".to_owned(), verbosity.into())));
    if own {
        add_kept("text", &request.extra, &mut text);
    }
    ((!text.is_empty()).then_some(Value::Object(text)), words)
}

fn schema_format(format: &Format, dialect: Dialect, losses: &mut Losses) -> Option<Value> {
    let Format::Schema { name, description, schema, strict } = format else { return None };
    let mut format = json!({"type": "json_schema", "name": name.as_deref().unwrap_or(FORMAT_NAME), "schema": schema});
    if let Some(description) = description {
        format["description"] = description.as_str().into();
    }
    let asked = strict::is_format(dialect, *strict);
    let held = dialect == Dialect::Responses || strict::holds(schema);
    losses.add_if(asked && !held, "response_format.strict");
    if let Some(strict) = if asked { held.then_some(true) } else { *strict } {
        format["strict"] = strict.into();
    }
    Some(format)
}

/// Writes `reasoning`.
pub(super) fn write_reasoning(
    request: &ChatRequest,
    own: bool,
    target: &Target<'_>,
    losses: &mut Losses,
) -> Option<Value> {
    let mut members = Map::new();
    if let Some(reasoning) = &request.reasoning {
        let effort = reasoning.effort.or_else(|| reasoning.budget.map(Effort::of_budget));
        // Newer models do not think at all unless asked.
        let automatic = reasoning.adaptive && !own && thinks(target.model);
        let effort = effort.or(automatic.then_some(Effort::Medium));
        match effort {
            Some(_) if target.quirks.no_reasoning_effort => losses.add("reasoning"),
            Some(effort) => {
                let known = if own { effort } else { nearest(target.model, effort) };
                losses.add_if(known != effort, "reasoning");
                members.insert("effort".to_owned(), known.name().into());
            }
            None => {}
        }
        // Anthropic shows thoughts unless told otherwise; the others must be asked.
        let thinking = effort.is_some_and(|effort| effort != Effort::None) || reasoning.adaptive;
        let shown = reasoning.shown.unwrap_or(thinking && request.dialect == Dialect::Anthropic);
        let asked = shown && !own && !target.quirks.no_reasoning_effort;
        let summary = reasoning.summary.as_deref().or(asked.then_some("auto"));
        members.extend(summary.map(|summary| ("summary".to_owned(), summary.into())));
    }
    if own {
        add_kept("reasoning", &request.extra, &mut members);
    }
    (!members.is_empty()).then_some(Value::Object(members))
}

fn add_kept(key: &str, extra: &Extra, members: &mut Map<String, Value>) {
    if let Some(Value::Object(kept)) = extra.get(key) {
        members.extend(kept.clone());
    }
}
