//! One entry of `reasoning_details`, both ways.

use serde_json::{Map, Value};

use super::format::put;
use super::merge::{object, overlay};
use crate::chat::{Block, Body, Extra, Signature, Thinking};
use crate::dialect::Invalid;
use crate::dialect::fields::Fields;
use crate::domain::Dialect;

/// What an entry is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// Thoughts, and perhaps their seal.
    Text,
    /// A part of a summary.
    Summary,
    /// A seal alone.
    Encrypted,
}

/// An entry that was read.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) kind: Kind,
    /// Entries of one index are pieces of one thing, as a stream brings them.
    pub(super) index: Option<u64>,
    /// Summaries and a seal of one id belong to one item.
    pub(super) id: Option<String>,
    pub(super) text: String,
    pub(super) seal: Option<Signature>,
    /// What else it says, its id included.
    pub(super) extra: Extra,
}

impl Entry {
    /// Reads an entry; gives it back if it is of no kind that we know.
    pub(super) fn read(value: Value, path: String) -> Result<Result<Self, Value>, Invalid> {
        let mut fields = Fields::of(value, path)?;
        let kind = match fields.peek_text("type") {
            Some("reasoning.text") => Kind::Text,
            Some("reasoning.summary") => Kind::Summary,
            Some("reasoning.encrypted") => Kind::Encrypted,
            _ => return Ok(Err(fields.into_value())),
        };
        fields.take("type");
        let index = fields.take("index").and_then(|index| index.as_u64());
        let text = match kind {
            Kind::Text => fields.text("text")?,
            Kind::Summary => fields.text("summary")?,
            Kind::Encrypted => None,
        };
        let seal = fields.text(if kind == Kind::Encrypted { "data" } else { "signature" })?;
        let seal = seal.filter(|seal| !seal.is_empty()).map(|seal| Signature::from_field(Dialect::Openai, &seal));
        let extra = fields.rest();
        let id = extra.get("id").and_then(Value::as_str).map(str::to_owned);
        Ok(Ok(Self { kind, index, id, text: text.unwrap_or_default(), seal, extra }))
    }

    /// Whether its seal is somebody else's, so that the entry is one that we wrote.
    pub(super) fn marked(&self) -> bool {
        self.seal.as_ref().is_some_and(|seal| seal.origin != Dialect::Openai || seal.id.is_some())
    }

    /// The block that begins with this entry, which is the one at `position`.
    pub(super) fn into_block(self, position: u64) -> Block {
        let marked = self.marked();
        let thinking = match self.kind {
            Kind::Text => Thinking { text: self.text, ..Thinking::default() },
            Kind::Summary => Thinking { summary: vec![self.text], ..Thinking::default() },
            // An item of Responses may have no summary; others say by their form that nothing is shown.
            Kind::Encrypted => {
                let item = self.seal.as_ref().is_some_and(|seal| seal.origin == Dialect::Responses);
                Thinking { redacted: !item, ..Thinking::default() }
            }
        };
        let mut extra = self.extra;
        if let Some(index) = self.index.filter(|index| *index != position && !marked) {
            extra.insert("index".to_owned(), index.into());
        }
        let mut block = Block { extra, signature: self.seal, ..Block::new(Body::Thinking(thinking)) };
        forget_own_id(&mut block);
        block
    }
}

/// The id of a sealed item is in its seal.
pub(super) fn forget_own_id(block: &mut Block) {
    let id = block.signature.as_ref().and_then(|seal| seal.id.as_deref());
    if id.is_some() && block.extra.get("id").and_then(Value::as_str) == id {
        block.extra.shift_remove("id");
    }
}

/// The entries of a block of thoughts, the first of which gets the index `at`, which moves on.
pub(super) fn write(thinking: &Thinking, block: &Block, own: bool, at: &mut u64) -> Vec<Value> {
    let seal = block.signature.as_ref().map(|seal| seal.carried_in(Dialect::Openai));
    let id = block.signature.as_ref().and_then(|seal| seal.id.as_deref());
    let mut entries = Vec::new();
    let mut push = |mut entry: Map<String, Value>, id: Option<&str>| {
        put(&mut entry, "id", id);
        if own {
            overlay(&mut entry, &block.extra);
        }
        if !entry.contains_key("index") {
            entry.insert("index".to_owned(), (*at).into());
        }
        *at += 1;
        entries.push(Value::Object(entry));
    };
    let kind = |kind: &str| ("type", Value::from(kind));
    let whole = thinking.redacted || (thinking.text.is_empty() && thinking.summary.is_empty() && id.is_some());
    if !whole && (thinking.summary.is_empty() || !thinking.text.is_empty()) {
        let mut entry = object([kind("reasoning.text"), ("text", thinking.text.as_str().into())]);
        put(&mut entry, "signature", seal.as_deref().filter(|_| thinking.summary.is_empty()));
        push(entry, None);
    }
    for part in &thinking.summary {
        push(object([kind("reasoning.summary"), ("summary", part.as_str().into())]), id);
    }
    if let Some(seal) = seal.filter(|_| whole || !thinking.summary.is_empty()) {
        push(object([kind("reasoning.encrypted"), ("data", seal.into())]), id);
    }
    entries
}
