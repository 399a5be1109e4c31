//! `tools` and `toolConfig` → tools and the choice among them.

use serde_json::{Map, Value};

use super::super::Invalid;
use super::super::fields::Fields;
use super::member::{inner, keep, message, repeated, word};
use super::schema::json_schema;
use crate::chat::{ChatRequest, Extra, Hosted, Tool, ToolBody, ToolChoice};
use crate::domain::Dialect;

/// Where a function's parameters are kept that the caller wrote in Google's form.
pub(super) const PARAMETERS_NOTE: &str = "\0parameters";

/// Tools that others have too.
const HOSTED: [(&str, Hosted); 5] = [
    ("googleSearch", Hosted::WebSearch),
    ("googleSearchRetrieval", Hosted::WebSearch),
    ("enterpriseWebSearch", Hosted::WebSearch),
    ("urlContext", Hosted::WebFetch),
    ("codeExecution", Hosted::CodeExecution),
];

/// Reads `tools`: each member of each of them is a tool of its own, and so is each function.
pub(super) fn read(fields: &mut Fields, request: &mut ChatRequest) -> Result<(), Invalid> {
    for (at, group) in repeated(fields, "tools")?.unwrap_or_default().into_iter().enumerate() {
        let mut group = message(group, format!("tools[{at}]"))?;
        for (at, value) in repeated(&mut group, "functionDeclarations")?.unwrap_or_default().into_iter().enumerate() {
            let declaration = message(value, group.path(&format!("functionDeclarations[{at}]")))?;
            request.tools.push(function(declaration)?);
        }
        let path = group.own_path().to_owned();
        let theirs = group.rest().into_iter();
        request.tools.extend(theirs.map(|(key, value)| googles_own(&key, value).at(format!("{path}.{key}"))));
    }
    Ok(())
}

fn function(mut declaration: Fields) -> Result<Tool, Invalid> {
    let name = declaration.need_text("name")?;
    let description = declaration.text("description")?;
    let mut extra = Extra::new();
    let schema = match (declaration.take("parametersJsonSchema"), declaration.take("parameters")) {
        (Some(schema), parameters) => {
            extra.extend(parameters.map(|parameters| ("parameters".to_owned(), parameters)));
            Some(schema)
        }
        (None, Some(parameters)) => {
            let schema = json_schema(&parameters);
            extra.insert(PARAMETERS_NOTE.into(), parameters);
            Some(schema)
        }
        (None, None) => None,
    };
    let body = ToolBody::Function { name, description, schema, strict: None };
    let tool = Tool::new(body).at(declaration.own_path());
    extra.extend(declaration.rest());
    Ok(Tool { extra, ..tool })
}

fn googles_own(key: &str, value: Value) -> Tool {
    let hosted = HOSTED.iter().find(|(known, _)| *known == key).map(|(_, hosted)| *hosted);
    let (dialect, value) = (Dialect::Gemini, Value::Object(Map::from_iter([(key.to_owned(), value)])));
    let body = match hosted {
        Some(hosted) => ToolBody::Hosted { hosted, dialect, value },
        None => ToolBody::Foreign { dialect, value },
    };
    Tool::new(body)
}

/// Reads `toolConfig`.
pub(super) fn read_config(mut config: Fields, request: &mut ChatRequest) -> Result<(), Invalid> {
    if let Some(mut calling) = inner(&mut config, "functionCallingConfig")? {
        let names = calling.texts("allowedFunctionNames")?.unwrap_or_default();
        let mode = word(&mut calling, "mode")?;
        request.tool_choice = match mode.as_deref() {
            None | Some("MODE_UNSPECIFIED") if names.is_empty() => None,
            None | Some("MODE_UNSPECIFIED" | "AUTO") if names.is_empty() => Some(ToolChoice::Auto),
            Some("NONE") => Some(ToolChoice::None),
            Some("ANY") => Some(required(names)),
            Some("VALIDATED") if names.is_empty() => {
                be_strict(request);
                Some(ToolChoice::Auto)
            }
            None | Some("MODE_UNSPECIFIED" | "AUTO" | "VALIDATED") => {
                Some(ToolChoice::Allowed { names, required: false })
            }
            Some(other) => return Err(calling.invalid("mode", format!("unknown mode {other:?}"))),
        };
        keep(&mut request.extra, "toolConfig.functionCallingConfig", calling.rest());
    }
    keep(&mut request.extra, "toolConfig", config.rest());
    Ok(())
}

fn required(mut names: Vec<String>) -> ToolChoice {
    match names.len() {
        0 => ToolChoice::Required,
        1 => ToolChoice::Tool(names.remove(0)),
        _ => ToolChoice::Allowed { names, required: true },
    }
}

/// `VALIDATED` means that arguments must follow their schemas to the letter.
fn be_strict(request: &mut ChatRequest) {
    for tool in &mut request.tools {
        if let ToolBody::Function { strict, .. } = &mut tool.body {
            *strict = Some(true);
        }
    }
}
