//! A request for a provider: the body of `Converse` and of `ConverseStream`, which are the same.

use serde_json::{Map, Value, json};

use super::conversation::Writer;
use super::model::Model;
use super::tools::Emulation;
use super::{reasoning, settings, tools};
use crate::chat::{ChatRequest, Losses};
use crate::dialect::{Invalid, Target, Written};

/// Writes a request. The model and whether the answer is streamed stand in the path, not here.
///
/// # Errors
/// What makes the conversation impossible, by its place in the common request.
pub fn write_request(request: &ChatRequest, target: &Target<'_>, losses: &mut Losses) -> Result<Written, Invalid> {
    let mut writer = Writer::new(request, Model::named(target.model), losses);
    let emulation = tools::emulation(&mut writer);
    let emulates_format = emulation != Emulation::No;
    let plan = reasoning::plan(request, writer.model, emulates_format, writer.losses);
    // Providers read tools, instructions and turns in this order, and so do their caches.
    let tool_config = tools::config(&mut writer, &emulation, plan.thinks, target.quirks.no_forced_tools);
    let (system, messages) = writer.conversation()?;
    let (inference, fields) = settings::inference(&mut writer, &plan);

    let mut body = Map::new();
    body.insert("messages".into(), messages.into());
    if !system.is_empty() {
        body.insert("system".into(), system.into());
    }
    put(&mut body, "inferenceConfig", inference);
    put(&mut body, "toolConfig", tool_config.unwrap_or_default());
    put(&mut body, "additionalModelRequestFields", fields);
    if writer.model.is_claude()
        && body.get("inferenceConfig").is_some_and(|config| config.get("stopSequences").is_some())
    {
        // Which of them ended the answer, Claude tells only when asked.
        body.insert("additionalModelResponseFieldPaths".into(), json!(["/stop_sequence"]));
    }
    let labels = settings::labels(&mut writer);
    put(&mut body, "requestMetadata", labels);
    body.extend(settings::service(&mut writer).map(|(key, value)| (key.to_owned(), value)));
    writer.extras(&mut body, &request.extra, &[], str::to_owned);
    Ok(Written { body: body.into(), emulates_format })
}

fn put(body: &mut Map<String, Value>, key: &str, members: Map<String, Value>) {
    if !members.is_empty() {
        body.insert(key.to_owned(), members.into());
    }
}
