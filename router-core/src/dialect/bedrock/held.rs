//! Blocks of a stream that mean nothing until they are whole.

use serde_json::value::RawValue;

use super::shapes::ToolStart;
use crate::chat::RawStr;
use crate::dialect::base64;

/// A block that is being gathered.
#[derive(Debug)]
pub(super) struct Held {
    index: Option<u64>,
    what: What,
}

#[derive(Debug)]
enum What {
    /// Thoughts of which nothing is shown: a blob.
    Redacted(String),
    /// A call of a tool that AWS runs itself: how its JSON begins, and its arguments.
    Call { head: String, arguments: String },
    /// What such a tool gave: how its JSON begins, and the items of its content.
    Result { head: String, items: String },
}

/// What was held, once it is whole.
pub(super) enum Whole {
    /// The seal of redacted thoughts.
    Seal(String),
    /// The JSON of a block that only Bedrock has.
    Block(String),
}

impl Held {
    pub(super) fn redacted(index: Option<u64>, data: RawStr<'_>) -> Self {
        Self { index, what: What::Redacted(data.as_escaped().to_owned()) }
    }

    pub(super) fn call(index: Option<u64>, tool: &ToolStart<'_>) -> Self {
        let json = |raw: Option<&RawValue>| raw.map_or("\"\"", RawValue::get).to_owned();
        let (id, name, kind) = (json(tool.tool_use_id), json(tool.name), json(tool.hosted));
        let head = format!(r#"{{"toolUse":{{"toolUseId":{id},"name":{name},"type":{kind}"#);
        Self { index, what: What::Call { head, arguments: String::new() } }
    }

    /// `start` is the object that the block begins with; anything else is nothing to hold.
    pub(super) fn result(index: Option<u64>, start: &str) -> Option<Self> {
        let members = start.trim().strip_prefix('{')?.strip_suffix('}')?.trim();
        let comma = if members.is_empty() { "" } else { "," };
        let head = format!(r#"{{"toolResult":{{{members}{comma}"content":["#);
        Some(Self { index, what: What::Result { head, items: String::new() } })
    }

    /// The provider's number.
    pub(super) const fn index(&self) -> Option<u64> {
        self.index
    }

    /// Takes more of the seal, if this is where it belongs.
    pub(super) fn push_redacted(&mut self, index: Option<u64>, data: RawStr<'_>) -> bool {
        match &mut self.what {
            What::Redacted(blob) if self.index == index => {
                base64::append(blob, data.as_escaped());
                true
            }
            _ => false,
        }
    }

    /// Takes more arguments, likewise.
    pub(super) fn push_arguments(&mut self, index: Option<u64>, fragment: RawStr<'_>) -> bool {
        match &mut self.what {
            What::Call { arguments, .. } if self.index == index => {
                arguments.push_str(&fragment.text());
                true
            }
            _ => false,
        }
    }

    /// Takes more items of a result: an array.
    pub(super) fn push_result(&mut self, json: &str) {
        if let What::Result { items, .. } = &mut self.what
            && let Some(more) = json.trim().strip_prefix('[').and_then(|json| json.strip_suffix(']'))
            && !more.trim().is_empty()
        {
            if !items.is_empty() {
                items.push(',');
            }
            items.push_str(more);
        }
    }

    /// What was gathered.
    pub(super) fn complete(self) -> Whole {
        match self.what {
            What::Redacted(blob) => Whole::Seal(blob),
            What::Call { head, arguments } => {
                let whole = serde_json::from_str::<&RawValue>(&arguments).is_ok();
                let input = if whole { arguments.as_str() } else { "{}" };
                Whole::Block(format!(r#"{head},"input":{input}}}}}"#))
            }
            What::Result { head, items } => Whole::Block(format!("{head}{items}]}}}}")),
        }
    }
}
