//! Tools and the choice of them: read, in today's form and in the one before it (`functions`).

use serde_json::Value;

use super::media;
use super::merge::keep;
use crate::chat::{Extra, Hosted, Tool, ToolBody, ToolChoice};
use crate::dialect::Invalid;
use crate::dialect::fields::Fields;
use crate::domain::Dialect;

/// Takes `tools`, `functions` and `web_search_options`.
pub(super) fn tools(fields: &mut Fields) -> Result<Vec<Tool>, Invalid> {
    let mut tools = Vec::new();
    for (at, item) in fields.list("tools")?.unwrap_or_default().into_iter().enumerate() {
        let path = fields.path(&format!("tools[{at}]"));
        tools.push(tool(item, path.clone())?.at(path));
    }
    for (at, item) in fields.list("functions")?.unwrap_or_default().into_iter().enumerate() {
        let path = fields.path(&format!("functions[{at}]"));
        let mut inner = Fields::of(item, path.clone())?;
        let body = function(&mut inner)?;
        let mut extra = Extra::new();
        keep(&mut extra, "function", inner.rest());
        tools.push(Tool { extra, ..Tool::new(body) }.at(path));
    }
    if let Some(options) = fields.object("web_search_options")? {
        let (hosted, value) = (Hosted::WebSearch, Value::Object(options.rest()));
        let body = ToolBody::Hosted { hosted, dialect: Dialect::Openai, value };
        tools.push(Tool::new(body).at("web_search_options"));
    }
    Ok(tools)
}

fn tool(value: Value, path: String) -> Result<Tool, Invalid> {
    let mut fields = Fields::of(value, path)?;
    let kind = fields.need_text("type")?;
    let need = |fields: &mut Fields, key: &str| -> Result<Fields, Invalid> {
        fields.object(key)?.ok_or_else(|| fields.invalid(key, "is missing: it must be an object"))
    };
    let (key, body, rest) = match kind.as_str() {
        "function" => {
            let mut inner = need(&mut fields, "function")?;
            ("function", function(&mut inner)?, inner.rest())
        }
        "custom" => {
            let mut inner = need(&mut fields, "custom")?;
            let (name, description) = (inner.need_text("name")?, inner.text("description")?);
            let body = ToolBody::Custom { name, description, format: inner.take("format").map(flat) };
            ("custom", body, inner.rest())
        }
        _ => {
            fields.put_back("type", kind.into());
            let body = ToolBody::Foreign { dialect: Dialect::Openai, value: fields.into_value() };
            return Ok(Tool::new(body));
        }
    };
    let cache = media::read_cache(&mut fields);
    let mut extra = Extra::new();
    keep(&mut extra, key, rest);
    extra.extend(fields.rest());
    Ok(Tool { cache, extra, ..Tool::new(body) })
}

/// A grammar stands in an object of its own here; the common model has it as Responses does, beside the type.
fn flat(format: Value) -> Value {
    match format {
        Value::Object(mut members) if members.len() == 2 && members.get("grammar").is_some_and(Value::is_object) => {
            if let Some(Value::Object(grammar)) = members.shift_remove("grammar") {
                members.extend(grammar);
            }
            Value::Object(members)
        }
        other => other,
    }
}

fn function(fields: &mut Fields) -> Result<ToolBody, Invalid> {
    let schema = fields.take("parameters");
    if schema.as_ref().is_some_and(|schema| !schema.is_object()) {
        return Err(fields.invalid("parameters", "must be an object: a JSON Schema"));
    }
    Ok(ToolBody::Function {
        name: fields.need_text("name")?,
        description: fields.text("description")?,
        schema,
        strict: fields.flag("strict")?,
    })
}

/// Takes `tool_choice`, else `function_call`. A choice of tools that we do not know stays in `extra`.
pub(super) fn choice(fields: &mut Fields, extra: &mut Extra) -> Result<Option<ToolChoice>, Invalid> {
    let legacy = fields.take("function_call");
    let Some(value) = fields.take("tool_choice") else {
        return match legacy {
            None => Ok(None),
            Some(Value::String(word)) => by_word(&word, || fields.invalid("function_call", "must be none or auto")),
            Some(value) => {
                let mut named = Fields::of(value, "function_call")?;
                named.need_text("name").map(ToolChoice::Tool).map(Some)
            }
        };
    };
    if let Value::String(word) = &value {
        return by_word(word, || fields.invalid("tool_choice", format!("unknown choice {word:?}")));
    }
    let mut named = Fields::of(value.clone(), "tool_choice")?;
    let kind = named.need_text("type")?;
    let found = match kind.as_str() {
        "function" | "custom" => {
            let mut inner = named.object(&kind)?.ok_or_else(|| named.invalid(&kind, "is missing"))?;
            Some(ToolChoice::Tool(inner.need_text("name")?))
        }
        "allowed_tools" => allowed(&mut named)?,
        _ => None,
    };
    if found.is_none() {
        extra.insert("tool_choice".to_owned(), value);
    }
    Ok(found)
}

fn by_word(word: &str, fault: impl FnOnce() -> Invalid) -> Result<Option<ToolChoice>, Invalid> {
    match word {
        "none" => Ok(Some(ToolChoice::None)),
        "auto" => Ok(Some(ToolChoice::Auto)),
        // Mistral's word for it is "any".
        "required" | "any" => Ok(Some(ToolChoice::Required)),
        _ => Err(fault()),
    }
}

/// `None` if one of the tools has no name.
fn allowed(named: &mut Fields) -> Result<Option<ToolChoice>, Invalid> {
    let mut inner = named
        .object("allowed_tools")?
        .ok_or_else(|| named.invalid("allowed_tools", "is missing: it must be an object"))?;
    let required = match inner.need_text("mode")?.as_str() {
        "auto" => false,
        "required" => true,
        _ => return Err(inner.invalid("mode", "must be auto or required")),
    };
    let items = inner.list("tools")?.ok_or_else(|| inner.invalid("tools", "is missing: it must be an array"))?;
    let name = |item: &Value| {
        let kind = item.get("type").and_then(Value::as_str).filter(|kind| matches!(*kind, "function" | "custom"))?;
        item.get(kind)?.get("name")?.as_str().map(str::to_owned)
    };
    let names: Option<Vec<_>> = items.iter().map(name).collect();
    Ok(names.map(|names| ToolChoice::Allowed { names, required }))
}
