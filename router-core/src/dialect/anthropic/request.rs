//! A client's request, as it is read.

use serde_json::{Value, json};

use super::blocks::read_content;
use super::shape::keep_rest;
use super::{thinking, tools};
use crate::chat::{ChatRequest, Extra, Format, Message, Role, Sampling};
use crate::dialect::Invalid;
use crate::dialect::fields::Fields;
use crate::domain::Dialect;

/// Reads a request.
///
/// # Errors
/// When it does not say what the API wants; the place is told by indexes.
pub fn read_request(body: Value) -> Result<ChatRequest, Invalid> {
    let mut fields = Fields::of(body, "")?;
    let mut request = ChatRequest::new(Dialect::Anthropic);
    request.model = fields.need_text("model")?;
    request.max_tokens = fields.whole("max_tokens")?;
    request.system = read_content(&mut fields, "system")?;
    request.messages = read_messages(&mut fields)?;
    request.tools = tools::read(&mut fields)?;
    tools::read_choice(&mut fields, &mut request)?;
    request.sampling = Sampling {
        temperature: fields.number("temperature")?,
        top_p: fields.number("top_p")?,
        top_k: fields.number("top_k")?,
        ..Sampling::default()
    };
    request.stop = fields.texts("stop_sequences")?.unwrap_or_default();
    request.stream = fields.flag("stream")?.unwrap_or(false);
    // Streams of the API always report their usage.
    request.include_usage = request.stream;
    request.service_tier = fields.text("service_tier")?;
    if let Some(mut metadata) = fields.object("metadata")? {
        request.user = metadata.text("user_id")?;
        keep_rest(&mut request.extra, "metadata", metadata);
    }
    read_output(&mut fields, &mut request)?;
    request.extra.append(&mut fields.rest());
    Ok(request)
}

fn read_messages(fields: &mut Fields) -> Result<Vec<Message>, Invalid> {
    let Some(items) = fields.list("messages")? else {
        return Err(fields.invalid("messages", "is missing: it must be an array"));
    };
    items.into_iter().enumerate().map(|(at, item)| read_message(item, format!("messages[{at}]"))).collect()
}

fn read_message(value: Value, path: String) -> Result<Message, Invalid> {
    let mut fields = Fields::of(value, path)?;
    let role = match fields.need_text("role")?.as_str() {
        "user" => Role::User,
        "assistant" => Role::Assistant,
        "system" => Role::System,
        _ => return Err(fields.invalid("role", "must be user, assistant or system")),
    };
    if !fields.has("content") {
        return Err(fields.invalid("content", "is missing: it must be a string or an array of content blocks"));
    }
    let blocks = read_content(&mut fields, "content")?;
    let message = Message::new(role, blocks).at(fields.own_path());
    Ok(Message { extra: fields.rest(), ..message })
}

/// Takes `thinking` and `output_config`, and the older `output_format`.
fn read_output(fields: &mut Fields, request: &mut ChatRequest) -> Result<(), Invalid> {
    let mut output = fields.object("output_config")?;
    request.reasoning = thinking::read(fields, output.as_mut(), &mut request.extra)?;
    let mut rest = Extra::new();
    if let Some(output) = &mut output {
        request.format = read_format(output, "format", &mut rest)?;
    }
    if request.format.is_none() {
        request.format = read_format(fields, "output_format", &mut rest)?;
    } else {
        fields.take("output_format");
    }
    rest.extend(output.map(Fields::rest).unwrap_or_default());
    if !rest.is_empty() {
        request.extra.insert("output_config".to_owned(), Value::Object(rest));
    }
    Ok(())
}

/// Takes the form of the answer; one that we do not know stays, and so does what we do not know of it.
fn read_format(fields: &mut Fields, key: &str, rest: &mut Extra) -> Result<Option<Format>, Invalid> {
    let Some(mut format) = fields.object(key)? else { return Ok(None) };
    if format.peek_text("type") != Some("json_schema") {
        fields.put_back(key, format.into_value());
        return Ok(None);
    }
    let Some(schema) = format.object("schema")? else {
        return Err(format.invalid("schema", "is missing: it must be an object"));
    };
    let schema = schema.into_value();
    format.take("type");
    keep_rest(rest, "format", format);
    if schema == json!({"type": "object"}) {
        return Ok(Some(Format::Json));
    }
    Ok(Some(Format::Schema { name: None, description: None, schema, strict: None }))
}
