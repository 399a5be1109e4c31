//! The common request → a provider's body.

use serde_json::{Map, Value};

use super::super::{Invalid, Target, Written};
use super::member::{is_note, restore};
use super::model::Model;
use super::turn_out::Turns;
use super::{config_out, tools_out};
use crate::chat::{ChatRequest, Losses, Message, Role};
use crate::domain::Dialect;

/// Members of other dialects that ask for nothing that Google does otherwise.
const HARMLESS: [&str; 2] = ["store", "stream_options"];

/// Writes a body of `generateContent`; the same goes to `streamGenerateContent`.
///
/// # Errors
/// No message to answer, or arguments of a call that are not an object.
pub fn write_request(request: &ChatRequest, target: &Target<'_>, losses: &mut Losses) -> Result<Written, Invalid> {
    let own = request.dialect == Dialect::Gemini;
    let model = Model::named(target.model);
    let leading = leading_instructions(&request.messages);
    let mut turns = Turns::new(request, model, losses);
    let mut system = turns.parts("system", &request.system)?;
    for (at, message) in request.messages[..leading].iter().enumerate() {
        system.extend(turns.message_parts(at, message)?);
    }
    for (at, message) in request.messages.iter().enumerate().skip(leading) {
        turns.message(at, message)?;
    }
    let contents = turns.into_contents();
    if contents.is_empty() {
        return Err(Invalid::at("messages", "there is nothing to answer"));
    }
    let mut body = Map::new();
    let mut instruction = Map::new();
    if !system.is_empty() {
        instruction.insert("parts".into(), Value::Array(system));
    }
    if own {
        restore(&request.extra, "systemInstruction", &mut instruction);
    }
    if !instruction.is_empty() {
        body.insert("systemInstruction".into(), Value::Object(instruction));
    }
    body.insert("contents".into(), Value::Array(contents));
    tools_out::write(request, model, &mut body, losses);
    let config = config_out::write(request, model, losses);
    if !config.is_empty() {
        body.insert("generationConfig".into(), Value::Object(config));
    }
    service_tier(request, &mut body, losses);
    labels(request, &mut body, losses);
    rest(request, &mut body, losses);
    Ok(Written::plain(Value::Object(body)))
}

/// How many messages at the start are instructions. If there are no others, they are what is to be answered.
fn leading_instructions(messages: &[Message]) -> usize {
    let is_instruction = |message: &Message| matches!(message.role, Role::System | Role::Developer);
    let leading = messages.iter().take_while(|message| is_instruction(message)).count();
    if leading == messages.len() { 0 } else { leading }
}

fn service_tier(request: &ChatRequest, body: &mut Map<String, Value>, losses: &mut Losses) {
    let Some(tier) = request.service_tier.as_deref() else { return };
    let tier = match tier {
        own if request.dialect == Dialect::Gemini => own,
        "flex" | "priority" => tier,
        "standard_only" => "standard",
        "auto" | "default" => return,
        _ => return losses.add("service_tier"),
    };
    body.insert("serviceTier".into(), tier.into());
}

fn labels(request: &ChatRequest, body: &mut Map<String, Value>, losses: &mut Losses) {
    if request.metadata.is_empty() {
        return;
    }
    if request.dialect == Dialect::Gemini {
        body.insert("labels".into(), Value::Object(request.metadata.clone()));
    } else {
        // Vertex AI has labels, and the Gemini API refuses them.
        losses.add("metadata");
    }
}

/// What has no place here, and what only Google knows.
fn rest(request: &ChatRequest, body: &mut Map<String, Value>, losses: &mut Losses) {
    losses.add_if(request.user.is_some(), "user");
    losses.add_if(request.verbosity.is_some(), "verbosity");
    losses.add_if(request.cache_key.is_some(), "prompt_cache_key");
    for (key, value) in &request.extra {
        if request.dialect != Dialect::Gemini {
            losses.add_if(!is_note(key) && !HARMLESS.contains(&key.as_str()), key.clone());
        } else if !key.contains(['.', '\0']) {
            body.insert(key.clone(), value.clone());
        }
    }
}
