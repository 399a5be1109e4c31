//! `tools` and `tool_choice` ⇄ the common model. A function's members lie flat in its tool here.

use serde_json::{Map, Value, json};

use super::super::fields::Fields;
use super::super::{Invalid, Quirks, strict};
use super::note;
use crate::chat::{ChatRequest, Hosted, Losses, Tool, ToolBody, ToolChoice};
use crate::domain::Dialect;

/// Reads a tool that stands at `path`.
pub(super) fn read(value: Value, path: String) -> Result<Tool, Invalid> {
    let mut fields = Fields::of(value, path)?;
    let body = match fields.peek_text("type") {
        Some("function") => ToolBody::Function {
            name: fields.need_text("name")?,
            description: fields.text("description")?,
            schema: fields.object("parameters")?.map(Fields::into_value),
            strict: fields.flag("strict")?,
        },
        Some("custom") => ToolBody::Custom {
            name: fields.need_text("name")?,
            description: fields.text("description")?,
            format: fields.take("format"),
        },
        Some(kind) => {
            let body = provided(hosted(kind), fields.into_value());
            return Ok(Tool::new(body));
        }
        None => return Err(fields.invalid("type", "is missing: it must be a string such as \"function\"")),
    };
    fields.take("type");
    Ok(Tool { extra: fields.rest(), ..Tool::new(body) })
}

fn hosted(kind: &str) -> Option<Hosted> {
    match kind {
        "web_search" | "web_search_2025_08_26" | "web_search_preview" | "web_search_preview_2025_03_11" => {
            Some(Hosted::WebSearch)
        }
        "code_interpreter" => Some(Hosted::CodeExecution),
        _ => None,
    }
}

const fn provided(hosted: Option<Hosted>, value: Value) -> ToolBody {
    let dialect = Dialect::Responses;
    match hosted {
        Some(hosted) => ToolBody::Hosted { hosted, dialect, value },
        None => ToolBody::Foreign { dialect, value },
    }
}

/// Writes the tools; `own` if the request came in this dialect.
pub(super) fn write(request: &ChatRequest, own: bool, losses: &mut Losses) -> Vec<Value> {
    let tools = request.tools.iter().enumerate();
    let bounded = max_calls(request).is_some();
    let write = |(at, tool)| {
        let written = write_one(tool, &format!("tools[{at}]"), own, losses);
        // A bound that all calls share is said in another place.
        losses.add_if(!own && !bounded && uses(tool).is_some(), format!("tools[{at}].max_uses"));
        written
    };
    tools.filter_map(write).collect()
}

/// Anthropic bounds the uses of each search, this API those of all tools that the provider runs: the same, if there is
/// one.
pub(super) fn max_calls(request: &ChatRequest) -> Option<u64> {
    let mut run = request.tools.iter().filter(|tool| matches!(tool.body, ToolBody::Hosted { .. }));
    let only = run.next().filter(|_| run.next().is_none())?;
    uses(only)
}

fn uses(tool: &Tool) -> Option<u64> {
    match &tool.body {
        ToolBody::Hosted { hosted: Hosted::WebSearch, value, .. } => value.get("max_uses")?.as_u64(),
        _ => None,
    }
}

fn write_one(tool: &Tool, place: &str, own: bool, losses: &mut Losses) -> Option<Value> {
    losses.add_if(tool.cache.is_some(), format!("{place}.cache_control"));
    let mut members = Map::new();
    let mut put = |key: &str, value: Option<Value>| {
        if let Some(value) = value {
            members.insert(key.to_owned(), value);
        }
    };
    match &tool.body {
        ToolBody::Function { name, description, schema, strict } => {
            put("type", Some("function".into()));
            put("name", Some(name.as_str().into()));
            put("description", description.as_deref().map(Value::from));
            // Silence means strict here, and not strict everywhere else.
            let held = *strict == Some(true) && schema.as_ref().is_some_and(strict::holds);
            losses.add_if(!own && *strict == Some(true) && !held, format!("{place}.strict"));
            let schema = schema.clone();
            put("parameters", if own { schema } else { schema.or_else(|| Some(no_arguments())) });
            put("strict", if own { strict.map(Value::from) } else { Some(held.into()) });
        }
        ToolBody::Custom { name, description, format } => {
            put("type", Some("custom".into()));
            put("name", Some(name.as_str().into()));
            put("description", description.as_deref().map(Value::from));
            put("format", format.clone());
        }
        ToolBody::Hosted { dialect: Dialect::Responses, value, .. }
        | ToolBody::Foreign { dialect: Dialect::Responses, value } => return Some(value.clone()),
        ToolBody::Hosted { hosted, value, .. } => return translate(*hosted, value, place, losses),
        ToolBody::Foreign { .. } => {
            losses.add(place.to_owned());
            return None;
        }
    }
    if own {
        members.extend(note::members(&tool.extra).map(|(key, value)| (key.clone(), value.clone())));
    } else {
        note::lose(&tool.extra, &format!("{place}."), losses);
    }
    Some(Value::Object(members))
}

fn no_arguments() -> Value {
    json!({"type": "object", "properties": {}})
}

/// A tool that another provider runs, as this one has it.
fn translate(hosted: Hosted, value: &Value, place: &str, losses: &mut Losses) -> Option<Value> {
    match hosted {
        Hosted::WebSearch => Some(web_search(value, place, losses)),
        Hosted::CodeExecution => Some(json!({"type": "code_interpreter", "container": {"type": "auto"}})),
        Hosted::WebFetch => {
            losses.add(place.to_owned());
            None
        }
    }
}

/// Takes over the domains to search and the place to search from, under the names that Anthropic has for them.
fn web_search(value: &Value, place: &str, losses: &mut Losses) -> Value {
    let mut tool = json!({"type": "web_search"});
    let blocked = value.get("blocked_domains").is_some_and(|domains| !domains.is_null());
    losses.add_if(blocked, format!("{place}.blocked_domains"));
    if let Some(domains) = value.get("allowed_domains").filter(|domains| domains.is_array()) {
        tool["filters"] = json!({ "allowed_domains": domains });
    }
    if let Some(location) = value.get("user_location").filter(|location| location.is_object()) {
        tool["user_location"] = flat(location);
    }
    if let Some(size) = value.get("search_context_size").filter(|size| size.is_string()) {
        tool["search_context_size"] = size.clone();
    }
    tool
}

/// Chat completions say the place in an object of its own, others beside the type.
fn flat(location: &Value) -> Value {
    let Some(Value::Object(place)) = location.get("approximate") else { return location.clone() };
    let mut flat = json!({"type": "approximate"});
    flat.as_object_mut().into_iter().for_each(|flat| flat.extend(place.clone()));
    flat
}

/// Reads a choice; a shape that only this dialect has comes back as it is.
pub(super) fn read_choice(value: Value) -> Result<Result<ToolChoice, Value>, Invalid> {
    let path = "tool_choice";
    if let Some(word) = value.as_str() {
        return match word {
            "auto" => Ok(Ok(ToolChoice::Auto)),
            "none" => Ok(Ok(ToolChoice::None)),
            "required" => Ok(Ok(ToolChoice::Required)),
            other => Err(Invalid::at(path, format!("unknown choice {other:?}"))),
        };
    }
    if !value.is_object() {
        return Err(Invalid::at(path, "must be a string or an object"));
    }
    let choice = match value.get("type").and_then(Value::as_str) {
        Some("function" | "custom") => match value.get("name").and_then(Value::as_str) {
            Some(name) => Some(ToolChoice::Tool(name.to_owned())),
            None => return Err(Invalid::at("tool_choice.name", "is missing: it must be a string")),
        },
        Some("allowed_tools") => allowed(&value),
        Some(_) => None,
        None => return Err(Invalid::at("tool_choice.type", "is missing: it must be a string such as \"function\"")),
    };
    Ok(choice.ok_or(value))
}

/// `None` if it names a tool that has no name of its own, such as one that the provider runs.
fn allowed(value: &Value) -> Option<ToolChoice> {
    let required = match value.get("mode").and_then(Value::as_str)? {
        "auto" => false,
        "required" => true,
        _ => return None,
    };
    let name = |tool: &Value| {
        let kind = tool.get("type")?.as_str()?;
        matches!(kind, "function" | "custom").then(|| Some(tool.get("name")?.as_str()?.to_owned()))?
    };
    let names = value.get("tools")?.as_array()?.iter().map(name).collect::<Option<_>>()?;
    Some(ToolChoice::Allowed { names, required })
}

/// Writes the choice, as far as the provider takes it.
pub(super) fn write_choice(request: &ChatRequest, quirks: &Quirks, losses: &mut Losses) -> Option<Value> {
    let choice = request.tool_choice.as_ref()?;
    let forced = !matches!(choice, ToolChoice::Auto | ToolChoice::None | ToolChoice::Allowed { required: false, .. });
    if forced && quirks.no_forced_tools {
        losses.add("tool_choice");
        return None;
    }
    let named = |name: &String| {
        let kind = if is_custom(request, name) { "custom" } else { "function" };
        json!({"type": kind, "name": name})
    };
    Some(match choice {
        ToolChoice::Auto => "auto".into(),
        ToolChoice::None => "none".into(),
        ToolChoice::Required => "required".into(),
        ToolChoice::Tool(name) => named(name),
        ToolChoice::Allowed { names, required } => json!({
            "type": "allowed_tools",
            "mode": if *required { "required" } else { "auto" },
            "tools": names.iter().map(named).collect::<Vec<_>>(),
        }),
    })
}

fn is_custom(request: &ChatRequest, called: &str) -> bool {
    let mut bodies = request.tools.iter().map(|tool| &tool.body);
    bodies.any(|body| matches!(body, ToolBody::Custom { name, .. } if name == called))
}
