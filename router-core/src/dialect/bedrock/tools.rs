//! Tools, whether they must be called, and the tool that stands in for structured output.

use serde_json::{Map, Value, json};

use super::conversation::Writer;
use super::model::Model;
use crate::chat::{Body, ChatRequest, Format, Hosted, Tool, ToolBody, ToolChoice};
use crate::dialect::{Written, strict};
use crate::domain::Dialect;

/// What the stand-in for structured output says of itself, if the caller says nothing.
const EMULATED_DESCRIPTION: &str = "Gives the answer to the user. Call it once, with the whole answer.";

/// How an answer's form is brought about.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Emulation {
    /// It need not be.
    No,
    /// By a tool that stands in for the answer, with this specification.
    Tool(Value),
}

/// Decides on the answer's form.
pub(super) fn emulation(writer: &mut Writer<'_, '_>) -> Emulation {
    let any = json!({"type": "object"});
    let (schema, description, strict) = match &writer.request.format {
        None | Some(Format::Text) => return Emulation::No,
        Some(Format::Json) => (Some(any), None, None),
        Some(Format::Schema { schema, description, strict, .. }) => {
            (object_schema(schema), description.as_deref(), *strict)
        }
    };
    if matches!(writer.request.tool_choice, Some(ToolChoice::Required | ToolChoice::Tool(_)))
        || matches!(writer.request.tool_choice, Some(ToolChoice::Allowed { required: true, .. }))
    {
        // The answer will be a call and not text, so the form is that of the call.
        return Emulation::No;
    }
    let Some(schema) = schema else {
        writer.losses.add("response_format");
        return Emulation::No;
    };
    let mut spec = Map::new();
    spec.insert("name".into(), Written::EMULATED.into());
    spec.insert("description".into(), filled(description).unwrap_or(EMULATED_DESCRIPTION).into());
    spec.insert("inputSchema".into(), json!({"json": schema}));
    if strict == Some(true) && writer.model.knows_strict_tools() {
        spec.insert("strict".into(), true.into());
    }
    Emulation::Tool(json!({"toolSpec": spec}))
}

/// A tool's arguments are always an object, which the schema must say at its top.
fn object_schema(schema: &Value) -> Option<Value> {
    let members = schema.as_object()?;
    let chosen = ["anyOf", "oneOf", "allOf", "$ref", "enum", "const"].iter().any(|key| members.contains_key(*key));
    match members.get("type") {
        Some(kind) if kind == "object" && !chosen => Some(schema.clone()),
        None if !chosen => {
            let mut members = members.clone();
            members.insert("type".into(), "object".into());
            Some(members.into())
        }
        _ => None,
    }
}

/// `toolConfig`, if there are tools or must be. `thinks`: the model cannot be made to call one.
pub(super) fn config(
    writer: &mut Writer<'_, '_>,
    emulation: &Emulation,
    thinks: bool,
    no_forced: bool,
) -> Option<Map<String, Value>> {
    let request = writer.request;
    let called = called(request);
    let choice = request.tool_choice.as_ref();
    let mut tools = if choice == Some(&ToolChoice::None) && called.is_empty() { Vec::new() } else { specs(writer) };
    if !called.is_empty() && (tools.is_empty() || choice == Some(&ToolChoice::None)) {
        // The API insists on tools where the history has calls, and then the model may call them.
        writer.losses.add("tool_choice");
    }
    if tools.is_empty() {
        let stand_in = |name| json!({"toolSpec": {"name": name, "inputSchema": {"json": {"type": "object"}}}});
        tools.extend(called.into_iter().map(stand_in));
    }
    let has_own = !tools.is_empty() && choice != Some(&ToolChoice::None);
    if let Emulation::Tool(spec) = emulation {
        tools.push(spec.clone());
    }
    writer.losses.add_if(request.parallel_tools == Some(false) && !request.tools.is_empty(), "parallel_tool_calls");
    if tools.is_empty() {
        writer.losses.add_if(is_forced(choice), "tool_choice");
        return None;
    }
    let mut config = Map::new();
    config.insert("tools".into(), tools.into());
    let (wanted, name) = match emulation {
        Emulation::Tool(_) if has_own => (Some(json!({"any": {}})), "response_format"),
        Emulation::Tool(_) => (Some(json!({"tool": {"name": Written::EMULATED}})), "response_format"),
        Emulation::No => (written_choice(choice), "tool_choice"),
    };
    if let Some(wanted) = wanted {
        if thinks || no_forced {
            writer.losses.add(name);
        } else {
            config.insert("toolChoice".into(), wanted);
        }
    }
    Some(config)
}

fn is_forced(choice: Option<&ToolChoice>) -> bool {
    written_choice(choice).is_some()
}

/// What is not the default: models that know no choice refuse `auto` too.
fn written_choice(choice: Option<&ToolChoice>) -> Option<Value> {
    match choice? {
        ToolChoice::Auto | ToolChoice::None | ToolChoice::Allowed { required: false, .. } => None,
        ToolChoice::Required | ToolChoice::Allowed { required: true, .. } => Some(json!({"any": {}})),
        ToolChoice::Tool(name) => Some(json!({"tool": {"name": name}})),
    }
}

/// Names of the tools that the history has calls of, each once.
fn called(request: &ChatRequest) -> Vec<&str> {
    let mut names = Vec::new();
    for block in request.messages.iter().flat_map(|message| &message.blocks) {
        match &block.body {
            Body::ToolCall(call) if !names.contains(&call.name.as_str()) => names.push(call.name.as_str()),
            _ => {}
        }
    }
    names
}

/// The caller's tools; of a choice among some of them, those.
fn specs(writer: &mut Writer<'_, '_>) -> Vec<Value> {
    let request = writer.request;
    let allowed = |tool: &Tool| match (&request.tool_choice, &tool.body) {
        (Some(ToolChoice::Allowed { names, .. }), ToolBody::Function { name, .. }) => names.contains(name),
        _ => true,
    };
    let mut specs = Vec::new();
    for (at, tool) in request.tools.iter().enumerate().filter(|(_, tool)| allowed(tool)) {
        let Some(mut written) = spec(writer, tool, at) else {
            writer.losses.add(format!("tools[{at}]"));
            continue;
        };
        if let Some(written) = written.as_object_mut() {
            writer.extras(written, &tool.extra, &[], |key| format!("tools[{at}].{key}"));
        }
        specs.push(written);
        if let Some(mark) = &tool.cache {
            let point = writer.cache_point(mark, writer.model.caches_tools());
            writer.losses.add_if(point.is_none(), format!("tools[{at}].cache_control"));
            specs.extend(point);
        }
    }
    specs
}

fn spec(writer: &mut Writer<'_, '_>, tool: &Tool, at: usize) -> Option<Value> {
    match &tool.body {
        ToolBody::Function { name, description, schema, strict } => {
            let mut spec = Map::new();
            spec.insert("name".into(), name.as_str().into());
            if let Some(description) = filled(description.as_deref()) {
                spec.insert("description".into(), description.into());
            }
            let is_strict = strict::is_tool(writer.request.dialect, *strict, schema.as_ref());
            let schema = schema.clone().unwrap_or_else(|| json!({"type": "object", "properties": {}}));
            spec.insert("inputSchema".into(), json!({"json": schema}));
            let knows = writer.model.knows_strict_tools();
            writer.losses.add_if(*strict == Some(true) && !knows, format!("tools[{at}].strict"));
            if knows && is_strict {
                spec.insert("strict".into(), true.into());
            }
            Some(json!({"toolSpec": spec}))
        }
        ToolBody::Hosted { dialect: Dialect::Bedrock, value, .. }
        | ToolBody::Foreign { dialect: Dialect::Bedrock, value } => Some(value.clone()),
        ToolBody::Hosted { hosted, .. } if writer.model == Model::Nova(2) => match hosted {
            Hosted::WebSearch => Some(json!({"systemTool": {"name": "nova_grounding"}})),
            Hosted::CodeExecution => Some(json!({"systemTool": {"name": "nova_code_interpreter"}})),
            Hosted::WebFetch => None,
        },
        ToolBody::Custom { .. } | ToolBody::Hosted { .. } | ToolBody::Foreign { .. } => None,
    }
}

fn filled(text: Option<&str>) -> Option<&str> {
    text.filter(|text| !text.is_empty())
}
