//! What an answer must look like, both ways.

use serde_json::{Map, Value, json};

use super::merge::{keep, object};
use crate::chat::{Extra, Format, Losses};
use crate::dialect::fields::Fields;
use crate::dialect::{Invalid, Quirks, strict};
use crate::domain::Dialect;

/// The name of a schema that came without one: the API wants one.
const NAMELESS: &str = "answer";

/// Takes `response_format`. What only we know of it goes into `extra`.
pub(super) fn read(fields: &mut Fields, extra: &mut Extra) -> Result<Option<Format>, Invalid> {
    let Some(mut outer) = fields.object("response_format")? else { return Ok(None) };
    let mut rest = Extra::new();
    let format = match outer.need_text("type")?.as_str() {
        "text" => Format::Text,
        "json_object" => Format::Json,
        "json_schema" => {
            let mut inner = outer.object("json_schema")?.ok_or_else(|| outer.invalid("json_schema", "is missing"))?;
            let format = Format::Schema {
                name: inner.text("name")?,
                description: inner.text("description")?,
                schema: inner.take("schema").unwrap_or_else(|| json!({})),
                strict: inner.flag("strict")?,
            };
            keep(&mut rest, "json_schema", inner.rest());
            format
        }
        other => {
            outer.put_back("type", other.into());
            extra.insert("response_format".to_owned(), outer.into_value());
            return Ok(None);
        }
    };
    rest.extend(outer.rest());
    keep(extra, "response_format", rest);
    Ok(Some(format))
}

/// A format as it is asked for, and what must be said in words besides.
pub(super) struct Asked {
    /// `response_format`.
    pub(super) member: Value,
    /// What the instructions must say.
    pub(super) words: Option<String>,
}

/// Writes `response_format`.
pub(super) fn write(format: &Format, dialect: Dialect, quirks: &Quirks, losses: &mut Losses) -> Asked {
    let (name, description, schema, strict) = match format {
        Format::Text => return Asked { member: json!({"type": "text"}), words: None },
        Format::Json => return Asked { member: json!({"type": "json_object"}), words: None },
        Format::Schema { name, description, schema, strict } => (name, description, schema, strict),
    };
    if quirks.no_json_schema {
        losses.add("response_format.json_schema");
        let words = format!("Answer with nothing but a JSON object that follows this JSON Schema:\n{schema}");
        return Asked { member: json!({"type": "json_object"}), words: Some(words) };
    }
    let mut inner = object([("name", name.as_deref().unwrap_or(NAMELESS).into()), ("schema", schema.clone())]);
    put(&mut inner, "description", description.as_deref());
    let asked = strict::is_format(dialect, *strict);
    let held = dialect == Dialect::Openai || strict::holds(schema);
    losses.add_if(asked && !held, "response_format.strict");
    put(&mut inner, "strict", if asked { held.then_some(true) } else { *strict });
    Asked { member: json!({"type": "json_schema", "json_schema": inner}), words: None }
}

/// Writes a member if there is something to say.
pub(super) fn put(members: &mut Map<String, Value>, key: &str, value: Option<impl Into<Value>>) {
    if let Some(value) = value {
        members.insert(key.to_owned(), value.into());
    }
}
