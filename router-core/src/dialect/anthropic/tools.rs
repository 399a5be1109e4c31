//! Tools, and whether they must be called.

use serde_json::{Value, json};

use super::model::Model;
use super::schema;
use super::shape::{keep_rest, members, merge, read_cache, write_cache};
use super::turns::is_note;
use crate::chat::{ChatRequest, Extra, Hosted, Losses, Tool, ToolBody, ToolChoice};
use crate::dialect::fields::Fields;
use crate::dialect::{Invalid, Quirks, strict};
use crate::domain::Dialect;

/// The version that is written for a tool of another dialect.
const WEB_SEARCH: &str = "web_search_20250305";
const WEB_FETCH: &str = "web_fetch_20250910";
const CODE_EXECUTION: &str = "code_execution_20250825";

/// Takes a request's `tools`.
pub(super) fn read(fields: &mut Fields) -> Result<Vec<Tool>, Invalid> {
    let items = fields.list("tools")?.unwrap_or_default();
    items.into_iter().enumerate().map(|(at, item)| read_tool(item, format!("tools[{at}]"))).collect()
}

fn read_tool(value: Value, path: String) -> Result<Tool, Invalid> {
    let mut fields = Fields::of(value, path)?;
    let mut extra = Extra::new();
    let cache = read_cache(&mut fields, &mut extra)?;
    let kind = fields.text("type")?;
    let hosted = match kind.as_deref() {
        None | Some("custom") => {
            extra.extend(kind.map(|kind| ("type".to_owned(), kind.into())));
            let body = ToolBody::Function {
                name: fields.need_text("name")?,
                description: fields.text("description")?,
                schema: fields.object("input_schema")?.map(Fields::into_value),
                strict: fields.flag("strict")?,
            };
            extra.append(&mut fields.rest());
            return Ok(Tool { cache, extra, ..Tool::new(body) });
        }
        Some(kind) if kind.starts_with("web_search_") => Some(Hosted::WebSearch),
        Some(kind) if kind.starts_with("web_fetch_") => Some(Hosted::WebFetch),
        Some(kind) if kind.starts_with("code_execution_") => Some(Hosted::CodeExecution),
        Some(_) => None,
    };
    fields.put_back("type", kind.into());
    let (dialect, value) = (Dialect::Anthropic, fields.into_value());
    let body = match hosted {
        Some(hosted) => ToolBody::Hosted { hosted, dialect, value },
        None => ToolBody::Foreign { dialect, value },
    };
    Ok(Tool { cache, extra, ..Tool::new(body) })
}

/// Takes a request's `tool_choice`.
pub(super) fn read_choice(fields: &mut Fields, request: &mut ChatRequest) -> Result<(), Invalid> {
    let Some(mut choice) = fields.object("tool_choice")? else { return Ok(()) };
    request.tool_choice = Some(match choice.need_text("type")?.as_str() {
        "auto" => ToolChoice::Auto,
        "any" => ToolChoice::Required,
        "none" => ToolChoice::None,
        "tool" => ToolChoice::Tool(choice.need_text("name")?),
        _ => return Err(choice.invalid("type", "must be auto, any, tool or none")),
    });
    request.parallel_tools = choice.flag("disable_parallel_tool_use")?.map(|disabled| !disabled);
    keep_rest(&mut request.extra, "tool_choice", choice);
    Ok(())
}

/// The tools of a request, without those that the API does not have or that its choice of tools leaves out.
pub(super) fn write(request: &ChatRequest, model: Model, losses: &mut Losses) -> Vec<Value> {
    let own = request.dialect == Dialect::Anthropic;
    let allowed = match &request.tool_choice {
        Some(ToolChoice::Allowed { names, .. }) => Some(names),
        _ => None,
    };
    let mut written = Vec::with_capacity(request.tools.len());
    for (at, tool) in request.tools.iter().enumerate() {
        let place = format!("tools[{at}]");
        let object = match &tool.body {
            ToolBody::Function { name, .. } if allowed.is_some_and(|names| !names.contains(name)) => continue,
            ToolBody::Function { .. } => Some(write_function(&tool.body, model, request.dialect, &place, losses)),
            ToolBody::Hosted { dialect: Dialect::Anthropic, value, .. }
            | ToolBody::Foreign { dialect: Dialect::Anthropic, value } => Some(members(value.clone())),
            ToolBody::Hosted { hosted, value, .. } => Some(write_hosted(*hosted, value, &place, losses)),
            ToolBody::Custom { .. } | ToolBody::Foreign { .. } => None,
        };
        let Some(mut object) = object else {
            losses.add(place);
            continue;
        };
        if let Some(mark) = &tool.cache {
            object.insert("cache_control".to_owned(), write_cache(mark));
        }
        if own {
            merge(&mut object, &tool.extra);
        } else {
            tool.extra.keys().for_each(|key| losses.add_if(!is_note(key), format!("{place}.{key}")));
        }
        written.push(Value::Object(object));
    }
    written
}

fn write_function(body: &ToolBody, model: Model, dialect: Dialect, place: &str, losses: &mut Losses) -> Extra {
    let ToolBody::Function { name, description, schema, strict } = body else { return Extra::new() };
    let mut object = members(json!({"name": name}));
    if let Some(description) = description {
        object.insert("description".to_owned(), description.as_str().into());
    }
    let mut parameters = schema.clone().unwrap_or_else(|| json!({"type": "object", "properties": {}}));
    if dialect == Dialect::Anthropic {
        object.extend(strict.map(|strict| ("strict".to_owned(), strict.into())));
    } else {
        let is_strict = strict::is_tool(dialect, *strict, schema.as_ref());
        if let Value::Object(parameters) = &mut parameters {
            parameters.entry("type").or_insert_with(|| "object".into());
        }
        if is_strict && model.takes_schemas() {
            schema::adapt(&mut parameters, &format!("{place}.parameters"), losses);
            object.insert("strict".to_owned(), true.into());
        } else {
            losses.add_if(*strict == Some(true), format!("{place}.strict"));
        }
    }
    object.insert("input_schema".to_owned(), parameters);
    object
}

/// A tool that another dialect's provider would run, as the API's own one.
fn write_hosted(hosted: Hosted, value: &Value, place: &str, losses: &mut Losses) -> Extra {
    let (kind, name) = match hosted {
        Hosted::WebSearch => (WEB_SEARCH, "web_search"),
        Hosted::WebFetch => (WEB_FETCH, "web_fetch"),
        Hosted::CodeExecution => (CODE_EXECUTION, "code_execution"),
    };
    let mut object = members(json!({"type": kind, "name": name}));
    let known = value.as_object().into_iter().flatten();
    for (key, value) in known.filter(|(key, _)| !["type", "name"].contains(&key.as_str())) {
        let says_nothing = value.is_null() || value.as_object().is_some_and(Extra::is_empty);
        match (hosted, key.as_str()) {
            _ if says_nothing => {}
            (Hosted::CodeExecution, "container") if value["type"] == "auto" => {}
            (Hosted::WebSearch, "filters") if value["allowed_domains"].is_array() => {
                object.insert("allowed_domains".to_owned(), value["allowed_domains"].clone());
            }
            (Hosted::WebSearch, "user_location") => {
                object.insert("user_location".to_owned(), location(value));
            }
            _ => losses.add(format!("{place}.{key}")),
        }
    }
    object
}

/// OpenAI's Responses say a place as the API does; Chat Completions nest it once more.
fn location(value: &Value) -> Value {
    let mut place = value.get("approximate").unwrap_or(value).clone();
    place["type"] = "approximate".into();
    place
}

/// The `tool_choice` of a request whose tools are `written`. A model that thinks cannot be made to call any.
pub(super) fn write_choice(
    request: &ChatRequest,
    written: &[Value],
    thinks: bool,
    quirks: &Quirks,
    losses: &mut Losses,
) -> Option<Value> {
    let own = request.dialect == Dialect::Anthropic;
    let choice = request.tool_choice.as_ref();
    let has = |name: &str| own || written.iter().any(|tool| tool["name"] == name);
    let (kind, name) = match choice {
        None | Some(ToolChoice::Auto | ToolChoice::Allowed { required: false, .. }) => ("auto", None),
        Some(ToolChoice::None) => ("none", None),
        Some(ToolChoice::Required | ToolChoice::Allowed { required: true, .. }) => ("any", None),
        Some(ToolChoice::Tool(name)) if has(name) => ("tool", Some(name)),
        Some(ToolChoice::Tool(_)) => ("", None),
    };
    if written.is_empty() && !own || kind.is_empty() {
        // Without tools there is nothing to choose, which is as good as the choice of none.
        losses.add_if(!matches!(kind, "auto" | "none"), "tool_choice");
        return None;
    }
    let refused = (!own && thinks || quirks.no_forced_tools) && matches!(kind, "any" | "tool");
    losses.add_if(refused, "tool_choice");
    let parallel = request.parallel_tools.filter(|_| kind != "none");
    let parallel = parallel.filter(|parallel| own || !parallel || choice.is_some());
    let unsaid = quirks.no_parallel_tool_calls && parallel == Some(false);
    losses.add_if(unsaid, "parallel_tool_calls");
    let parallel = parallel.filter(|_| !quirks.no_parallel_tool_calls);
    if choice.is_none() && parallel.is_none() {
        return None;
    }
    let mut object = members(json!({"type": if refused { "auto" } else { kind }}));
    if let Some(name) = name.filter(|_| !refused) {
        object.insert("name".to_owned(), name.as_str().into());
    }
    if let Some(parallel) = parallel {
        object.insert("disable_parallel_tool_use".to_owned(), (!parallel).into());
    }
    Some(Value::Object(object))
}
