//! Tools and the choice among them → `tools` and `toolConfig`.

use serde_json::{Map, Value, json};

use super::member::{is_note, restore};
use super::model::Model;
use super::schema::json_schema;
use super::tools::PARAMETERS_NOTE;
use crate::chat::{ChatRequest, Extra, Hosted, Losses, Tool, ToolBody, ToolChoice};
use crate::dialect::strict;
use crate::domain::Dialect;

/// Writes `tools` and `toolConfig` into a body.
pub(super) fn write(request: &ChatRequest, model: Model, body: &mut Map<String, Value>, losses: &mut Losses) {
    let own = request.dialect == Dialect::Gemini;
    let mut writer = Writer { request, model, own, functions: Vec::new(), others: Vec::new(), place: None };
    for (at, tool) in request.tools.iter().enumerate() {
        writer.tool(at, tool, losses);
    }
    let mut config = Map::new();
    if let Some(calling) = writer.calling(losses) {
        config.insert("functionCallingConfig".into(), Value::Object(calling));
    }
    if !own && !writer.functions.is_empty() && !writer.others.is_empty() {
        // Gemini 3 mixes its own tools with the caller's only when told that the caller knows.
        config.insert("includeServerSideToolInvocations".into(), true.into());
    }
    if own {
        restore(&request.extra, "toolConfig", &mut config);
    }
    losses.add_if(request.parallel_tools == Some(false), "parallel_tool_calls");
    let tools = writer.into_tools();
    if !tools.is_empty() {
        body.insert("tools".into(), Value::Array(tools));
    }
    if !config.is_empty() {
        body.insert("toolConfig".into(), Value::Object(config));
    }
}

struct Writer<'r> {
    request: &'r ChatRequest,
    model: Model,
    own: bool,
    /// All functions go into one group.
    functions: Vec<Value>,
    others: Vec<Value>,
    /// How many others come before the functions.
    place: Option<usize>,
}

impl Writer<'_> {
    fn tool(&mut self, at: usize, tool: &Tool, losses: &mut Losses) {
        losses.add_if(tool.cache.is_some(), format!("tools[{at}].cache_control"));
        if !self.own {
            for key in tool.extra.keys().filter(|key| !is_note(key)) {
                losses.add(format!("tools[{at}].{key}"));
            }
        }
        match &tool.body {
            ToolBody::Function { name, description, schema, strict } => {
                losses.add_if(*strict == Some(true) && !self.model.thinks(), format!("tools[{at}].strict"));
                self.place.get_or_insert(self.others.len());
                self.functions.push(declaration(name, description.as_deref(), schema.as_ref(), &tool.extra, self.own));
            }
            ToolBody::Hosted { dialect: Dialect::Gemini, value, .. }
            | ToolBody::Foreign { dialect: Dialect::Gemini, value } => self.others.push(value.clone()),
            ToolBody::Hosted { hosted, value, .. } => self.hosted(at, *hosted, value, losses),
            ToolBody::Custom { .. } | ToolBody::Foreign { .. } => losses.add(format!("tools[{at}]")),
        }
    }

    /// A tool that others run too: it is there, but their options are not.
    fn hosted(&mut self, at: usize, hosted: Hosted, theirs: &Value, losses: &mut Losses) {
        let mixed = self.request.tools.iter().any(|tool| matches!(tool.body, ToolBody::Function { .. }));
        if self.request.tool_choice == Some(ToolChoice::None) {
            // Google's choice of none is about functions only: what must not run is left out.
            return;
        }
        if mixed && !self.model.is_third() {
            losses.add(format!("tools[{at}]"));
            return;
        }
        for (key, value) in theirs.as_object().into_iter().flatten() {
            losses.add_if(!matches!(key.as_str(), "type" | "name") && !value.is_null(), format!("tools[{at}].{key}"));
        }
        let key = match hosted {
            Hosted::WebSearch => "googleSearch",
            Hosted::WebFetch => "urlContext",
            Hosted::CodeExecution => "codeExecution",
        };
        self.others.push(json!({ key: {} }));
    }

    fn calling(&self, losses: &mut Losses) -> Option<Map<String, Value>> {
        let strict = |tool: &Tool| match &tool.body {
            ToolBody::Function { strict, schema, .. } => {
                strict::is_tool(self.request.dialect, *strict, schema.as_ref())
            }
            _ => false,
        };
        let strict = self.request.tools.iter().any(strict) && (self.own || self.model.thinks());
        let all = Vec::new();
        let (mode, names) = match &self.request.tool_choice {
            None | Some(ToolChoice::Auto) if strict => ("VALIDATED", &all),
            None => ("", &all),
            Some(ToolChoice::Auto) => ("AUTO", &all),
            Some(ToolChoice::None) => ("NONE", &all),
            Some(ToolChoice::Required) => ("ANY", &all),
            Some(ToolChoice::Tool(name)) => ("ANY", &vec![name.clone()]),
            Some(ToolChoice::Allowed { names, required: true }) => ("ANY", names),
            Some(ToolChoice::Allowed { names, required: false }) => ("VALIDATED", names),
        };
        let mut calling = Map::new();
        if self.own || self.can_call(mode, names, losses) {
            if !mode.is_empty() {
                calling.insert("mode".into(), mode.into());
            }
            if !names.is_empty() {
                calling.insert("allowedFunctionNames".into(), names.as_slice().into());
            }
        }
        if self.own {
            restore(&self.request.extra, "toolConfig.functionCallingConfig", &mut calling);
        }
        Some(calling).filter(|calling| !calling.is_empty())
    }

    /// Whether Google accepts a choice: it must be among functions that are there.
    fn can_call(&self, mode: &str, names: &[String], losses: &mut Losses) -> bool {
        let known = |name: &String| self.functions.iter().any(|function| function["name"] == name.as_str());
        let possible = !self.functions.is_empty() && names.iter().all(known);
        losses.add_if(!possible && (mode == "ANY" || !names.is_empty()), "tool_choice");
        possible
    }

    fn into_tools(self) -> Vec<Value> {
        let mut tools = self.others;
        if let Some(place) = self.place {
            tools.insert(place, json!({ "functionDeclarations": self.functions }));
        }
        tools
    }
}

fn declaration(name: &str, description: Option<&str>, schema: Option<&Value>, extra: &Extra, own: bool) -> Value {
    let mut out = Map::new();
    out.insert("name".into(), name.into());
    if let Some(description) = description {
        out.insert("description".into(), description.into());
    }
    if let Some(schema) = schema {
        // Written as it was, unless somebody has changed the tool since.
        match extra.get(PARAMETERS_NOTE).filter(|kept| own && json_schema(kept) == *schema) {
            Some(kept) => out.insert("parameters".into(), kept.clone()),
            None => out.insert("parametersJsonSchema".into(), schema.clone()),
        };
    }
    if own {
        out.extend(extra.iter().filter(|(key, _)| !is_note(key)).map(|(key, value)| (key.clone(), value.clone())));
    }
    Value::Object(out)
}
