//! Tools and the choice of them: written.

use serde_json::{Map, Value, json};

use super::format::put;
use super::media;
use super::merge::{object, overlay, said};
use crate::chat::{ChatRequest, Hosted, Losses, Tool, ToolBody, ToolChoice};
use crate::dialect::{Quirks, Target, strict};
use crate::domain::Dialect;

/// Writes `tools`, `web_search_options`, `tool_choice` and `parallel_tool_calls`.
pub(super) fn write(body: &mut Map<String, Value>, request: &ChatRequest, target: &Target<'_>, losses: &mut Losses) {
    let quirks = target.quirks;
    let own = request.dialect == Dialect::Openai;
    let mut tools = Vec::new();
    for (at, tool) in request.tools.iter().enumerate() {
        if let ToolBody::Hosted { hosted: Hosted::WebSearch, dialect, value } = &tool.body
            && (own || searches(target.model))
        {
            let options = search(value, *dialect, at, losses);
            if body.insert("web_search_options".to_owned(), options).is_some() {
                losses.add(format!("tools[{at}]"));
            }
            continue;
        }
        match write_one(tool, request.dialect, at, losses) {
            Some(written) => tools.push(Value::Object(written)),
            None => losses.add(format!("tools[{at}]")),
        }
        if !own {
            losses.add_if(tool.cache.is_some(), format!("tools[{at}].cache_control"));
            said(&tool.extra).for_each(|key| losses.add(format!("tools[{at}].{key}")));
        }
    }
    // Without tools, the API refuses to hear how to choose them.
    let choosable = own || !tools.is_empty();
    if !tools.is_empty() {
        body.insert("tools".to_owned(), tools.into());
    }
    choose(body, request, quirks, losses, choosable);
    match request.parallel_tools {
        Some(parallel) if quirks.no_parallel_tool_calls => losses.add_if(!parallel, "parallel_tool_calls"),
        parallel if choosable => put(body, "parallel_tool_calls", parallel),
        _ => {}
    }
}

fn write_one(tool: &Tool, dialect: Dialect, at: usize, losses: &mut Losses) -> Option<Map<String, Value>> {
    let own = dialect == Dialect::Openai;
    let mut written = match &tool.body {
        ToolBody::Function { name, description, schema, strict } => {
            let mut inner = object([("name", name.as_str().into())]);
            put(&mut inner, "description", description.as_deref());
            put(&mut inner, "parameters", schema.clone());
            let asked = strict::is_tool(dialect, *strict, schema.as_ref());
            let held = own || schema.as_ref().is_some_and(strict::holds);
            losses.add_if(asked && !held, format!("tools[{at}].strict"));
            put(&mut inner, "strict", if asked { held.then_some(true) } else { *strict });
            object([("type", "function".into()), ("function", inner.into())])
        }
        ToolBody::Custom { name, description, format } => {
            let mut inner = object([("name", name.as_str().into())]);
            put(&mut inner, "description", description.as_deref());
            put(&mut inner, "format", format.clone().map(nested));
            object([("type", "custom".into()), ("custom", inner.into())])
        }
        ToolBody::Foreign { dialect: Dialect::Openai, value: Value::Object(members) } => members.clone(),
        ToolBody::Foreign { .. } | ToolBody::Hosted { .. } => return None,
    };
    if own {
        if let Some(mark) = tool.cache.as_ref().filter(|_| !tool.extra.contains_key(media::BREAKPOINT)) {
            written.insert("cache_control".to_owned(), media::write_cache(mark));
        }
        overlay(&mut written, &tool.extra);
    }
    Some(written)
}

/// A grammar in an object of its own.
fn nested(format: Value) -> Value {
    match format {
        Value::Object(mut grammar)
            if grammar.get("type").is_some_and(|kind| kind == "grammar") && grammar.len() > 2 =>
        {
            grammar.shift_remove("type");
            json!({"type": "grammar", "grammar": grammar})
        }
        other => other,
    }
}

/// Whether a model may be able to search. OpenAI's own search in this API only if they are made for it, and refuse to
/// be asked otherwise.
fn searches(model: &str) -> bool {
    let name = model.rsplit('/').next().unwrap_or(model);
    let plain = ["gpt-", "chatgpt-", "o1", "o3", "o4"].iter().any(|family| name.starts_with(family));
    !plain || name.contains("search") || name.starts_with("gpt-oss")
}

/// `web_search_options` for a search tool of any dialect.
fn search(value: &Value, dialect: Dialect, at: usize, losses: &mut Losses) -> Value {
    if dialect == Dialect::Openai {
        return value.clone();
    }
    let mut options = Map::new();
    for (key, value) in value.as_object().into_iter().flatten() {
        match key.as_str() {
            "search_context_size" => drop(options.insert(key.clone(), value.clone())),
            "user_location" => drop(options.insert(key.clone(), location(value))),
            // What makes it a search tool, and Gemini's empty `googleSearch`.
            "type" | "name" => {}
            _ if value.is_null() || value.as_object().is_some_and(Map::is_empty) => {}
            _ => losses.add(format!("tools[{at}].{key}")),
        }
    }
    Value::Object(options)
}

/// Others say the place beside the type, not in an object of its own.
fn location(flat: &Value) -> Value {
    let mut approximate = flat.as_object().cloned().unwrap_or_default();
    approximate.retain(|key, value| key != "type" && !value.is_null());
    json!({"type": "approximate", "approximate": approximate})
}

fn choose(body: &mut Map<String, Value>, request: &ChatRequest, quirks: &Quirks, losses: &mut Losses, choosable: bool) {
    let Some(choice) = &request.tool_choice else { return };
    let forced =
        matches!(choice, ToolChoice::Required | ToolChoice::Tool(_) | ToolChoice::Allowed { required: true, .. });
    if !choosable {
        losses.add_if(forced, "tool_choice");
        return;
    }
    if forced && quirks.no_forced_tools {
        losses.add("tool_choice");
        body.insert("tool_choice".to_owned(), "auto".into());
        return;
    }
    let named = |name: &str| {
        let custom = |tool: &Tool| matches!(&tool.body, ToolBody::Custom { name: other, .. } if other == name);
        let kind = if request.tools.iter().any(custom) { "custom" } else { "function" };
        let mut choice = object([("type", kind.into())]);
        choice.insert(kind.to_owned(), json!({"name": name}));
        Value::Object(choice)
    };
    let value = match choice {
        ToolChoice::Auto => "auto".into(),
        ToolChoice::None => "none".into(),
        ToolChoice::Required => "required".into(),
        ToolChoice::Tool(name) => named(name),
        ToolChoice::Allowed { names, required } => {
            let tools: Vec<_> = names.iter().map(|name| named(name)).collect();
            let mode = if *required { "required" } else { "auto" };
            json!({"type": "allowed_tools", "allowed_tools": {"mode": mode, "tools": tools}})
        }
    };
    body.insert("tool_choice".to_owned(), value);
}
