//! Instructions and turns.

use serde_json::{Map, Value, json};

use super::content::{self, Place};
use super::model::Model;
use crate::chat::{Block, Body, CacheMark, ChatRequest, Extra, Losses, Message, Role};
use crate::dialect::Invalid;
use crate::domain::Dialect;

/// Points where a prompt cache may end that the API takes in one request.
const CACHE_POINTS_MAX: usize = 4;

/// A request that is being written.
pub(super) struct Writer<'r, 'l> {
    pub(super) request: &'r ChatRequest,
    pub(super) model: Model,
    pub(super) losses: &'l mut Losses,
    /// Names of documents that are taken.
    pub(super) documents: Vec<String>,
    cache_points: usize,
}

/// A turn in the making: results of tools come first in theirs.
#[derive(Debug)]
struct Turn {
    role: &'static str,
    results: Vec<Value>,
    rest: Vec<Value>,
}

impl<'r, 'l> Writer<'r, 'l> {
    pub(super) const fn new(request: &'r ChatRequest, model: Model, losses: &'l mut Losses) -> Self {
        Self { request, model, losses, documents: Vec::new(), cache_points: 0 }
    }

    /// A point where the cache may end; `None` if this one cannot be said.
    pub(super) fn cache_point(&mut self, mark: &CacheMark, known: bool) -> Option<Value> {
        if !known || self.cache_points == CACHE_POINTS_MAX {
            return None;
        }
        self.cache_points += 1;
        let mut point = Map::new();
        point.insert("type".into(), "default".into());
        if let Some(ttl) = &mark.ttl {
            if self.model.knows_cache_ttl() && matches!(ttl.as_str(), "5m" | "1h") {
                point.insert("ttl".into(), ttl.as_str().into());
            } else {
                // Five minutes are what every model gives.
                self.losses.add_if(ttl != "5m", "cache_control.ttl");
            }
        }
        Some(json!({"cachePoint": point}))
    }

    /// Members that only the caller's dialect knows: written if that is our own, else losses, unless they are `known`.
    pub(super) fn extras(
        &mut self,
        written: &mut Map<String, Value>,
        extra: &Extra,
        known: &[&str],
        name: impl Fn(&str) -> String,
    ) {
        for (key, value) in extra.iter().filter(|(key, _)| !known.contains(&key.as_str())) {
            if self.request.dialect != Dialect::Bedrock {
                self.losses.add_if(asks(value), name(key));
            } else if let (Some(Value::Object(there)), Value::Object(more)) = (written.get_mut(key), value) {
                there.extend(more.clone());
            } else {
                written.insert(key.clone(), value.clone());
            }
        }
    }

    /// The instructions, and the turns.
    pub(super) fn conversation(&mut self) -> Result<(Vec<Value>, Vec<Value>), Invalid> {
        let request = self.request;
        let leading = request.messages.iter().take_while(|message| is_instruction(message)).count();
        let mut system = Vec::new();
        for (at, block) in request.system.iter().enumerate() {
            self.instruction(block, &format!("system[{at}]"), &mut system);
        }
        for (message, turn) in request.messages[..leading].iter().enumerate() {
            self.losses.add_if(turn.name.is_some(), format!("messages[{message}].name"));
            for (at, block) in turn.blocks.iter().enumerate() {
                self.instruction(block, &format!("messages[{message}].content[{at}]"), &mut system);
            }
        }
        let mut turns: Vec<Turn> = Vec::new();
        for (at, message) in request.messages.iter().enumerate().skip(leading) {
            self.message(at, message, &mut turns)?;
        }
        match turns.first() {
            None => return Err(Invalid::at("messages", "must hold something that the user says")),
            Some(turn) if turn.role != "user" => {
                return Err(Invalid::at(format!("messages[{leading}].role"), "a conversation begins with the user"));
            }
            Some(_) => {}
        }
        Ok((system, turns.into_iter().map(Turn::write).collect()))
    }

    fn instruction(&mut self, block: &Block, at: &str, out: &mut Vec<Value>) {
        let before = out.len();
        match &block.body {
            Body::Text { text, .. } if text.trim().is_empty() => {}
            Body::Text { text, .. } => out.push(json!({"text": text})),
            Body::Foreign { dialect: Dialect::Bedrock, value } => out.push(value.clone()),
            _ => self.losses.add(format!("{at}.{}", block.kind())),
        }
        if let Some(Value::Object(written)) = out[before..].first_mut() {
            self.extras(written, &block.extra, &[], |key| format!("{at}.{key}"));
        }
        if let Some(mark) = &block.cache {
            let known = self.model.caches_messages() && out.len() > before;
            let point = self.cache_point(mark, known);
            self.losses.add_if(point.is_none(), format!("{at}.cache_control"));
            out.extend(point);
        }
    }

    fn message(&mut self, at: usize, message: &Message, turns: &mut Vec<Turn>) -> Result<(), Invalid> {
        let role = if message.role == Role::Assistant { "assistant" } else { "user" };
        self.losses.add_if(is_instruction(message), format!("messages[{at}].role"));
        self.losses.add_if(message.name.is_some(), format!("messages[{at}].name"));
        for (key, value) in &message.extra {
            self.losses.add_if(asks(value), format!("messages[{at}].{key}"));
        }
        let (mut results, mut rest, mut calls) = (Vec::new(), Vec::new(), 0);
        for (number, block) in message.blocks.iter().enumerate() {
            let place = Place { message: at, block: number, calls };
            let is_result = matches!(block.body, Body::ToolResult(_));
            content::write(self, block, place, if is_result { &mut results } else { &mut rest })?;
            calls += usize::from(matches!(block.body, Body::ToolCall(_)));
        }
        if results.is_empty() && rest.is_empty() {
            return Ok(());
        }
        match turns.last_mut().filter(|turn| turn.role == role) {
            Some(turn) => {
                turn.results.append(&mut results);
                turn.rest.append(&mut rest);
            }
            None => turns.push(Turn { role, results, rest }),
        }
        Ok(())
    }
}

impl Turn {
    fn write(self) -> Value {
        let mut content = self.results;
        content.extend(self.rest);
        let named = content.iter().find_map(|block| block.get("document")?.get("name")?.as_str());
        if let Some(name) = named
            && !content.iter().any(|block| block.get("text").is_some())
        {
            content.push(json!({"text": name}));
        }
        json!({"role": self.role, "content": content})
    }
}

fn is_instruction(message: &Message) -> bool {
    matches!(message.role, Role::System | Role::Developer)
}

/// Whether a member that we do not know asks for anything.
fn asks(value: &Value) -> bool {
    match value {
        Value::Null | Value::Bool(false) => false,
        Value::Array(items) => !items.is_empty(),
        Value::Object(members) => !members.is_empty(),
        Value::Bool(true) | Value::Number(_) | Value::String(_) => true,
    }
}
