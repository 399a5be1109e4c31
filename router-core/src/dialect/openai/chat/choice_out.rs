//! One answer of a client's stream.

use super::cite;
use super::finish;
use super::stream_out::{Beside, Head, push_json};
use crate::chat::{Citation, Delta, Finish, Opening, RawStr, Signature};
use crate::dialect::cite::count_escaped;
use crate::domain::Dialect;
use crate::json::{Array, Object, push_number};

/// What the open block is, unless it is a call.
#[derive(Debug, Default)]
enum Kind {
    #[default]
    Other,
    Text,
    Refusal,
    Thinking {
        /// The item's id, still escaped.
        id: Option<String>,
        summary: bool,
        /// Something was said.
        begun: bool,
    },
    Redacted,
    /// A picture, and its MIME type, still escaped.
    Image(String),
}

/// A call that is open.
#[derive(Debug)]
struct Call {
    block: u32,
    /// Its place among the calls of the answer.
    index: u64,
    custom: bool,
    /// Arguments were written.
    begun: bool,
}

/// What was written of one answer.
#[derive(Debug, Default)]
pub(super) struct ChoiceOut {
    number: u32,
    /// The role was told.
    introduced: bool,
    kind: Kind,
    calls: Vec<Call>,
    calls_told: u64,
    images_told: u64,
    /// Entries of `reasoning_details` so far: a client finds each by its place.
    entries: u64,
    refused: bool,
    /// Characters of text: at the block's start, and now.
    text: (u64, u64),
    /// What the open text rests on. It goes out when all of the text is there, with indexes: clients that gather a
    /// stream need them to take more than one list.
    cited: Vec<Citation<'static>>,
    /// Annotations that went out.
    annotated: u64,
}

impl ChoiceOut {
    pub(super) fn new(number: u32) -> Self {
        Self { number, ..Self::default() }
    }

    pub(super) fn number(&self) -> u32 {
        self.number
    }

    pub(super) fn open(&mut self, head: &Head, block: u32, opening: Opening<'_>, out: &mut Vec<u8>) {
        self.introduce(head, matches!(opening, Opening::Text), out);
        match opening {
            Opening::Text => {
                self.kind = Kind::Text;
                self.text.0 = self.text.1;
            }
            Opening::Refusal => {
                self.kind = Kind::Refusal;
                self.refused = true;
            }
            Opening::Thinking { id, summary } => {
                let id = id.map(|id| id.as_escaped().to_owned());
                self.kind = Kind::Thinking { id, summary, begun: false };
            }
            Opening::Redacted => self.kind = Kind::Redacted,
            Opening::Image { media_type } => self.kind = Kind::Image(media_type.as_escaped().to_owned()),
            Opening::ToolCall { id, name, custom } => self.open_call(head, block, (id, name, custom), out),
            // What one dialect's provider runs itself has no place in this one's stream.
            Opening::Foreign { .. } => self.kind = Kind::Other,
        }
    }

    fn open_call(
        &mut self,
        head: &Head,
        block: u32,
        (id, name, custom): (RawStr<'_>, RawStr<'_>, bool),
        out: &mut Vec<u8>,
    ) {
        let index = self.calls_told;
        self.calls_told += 1;
        self.calls.push(Call { block, index, custom, begun: false });
        self.call(head, index, out, |call| {
            call.escaped("id", id.as_escaped());
            call.text("type", if custom { "custom" } else { "function" });
            let mut inner = call.object(if custom { "custom" } else { "function" });
            inner.escaped("name", name.as_escaped());
            inner.text(if custom { "input" } else { "arguments" }, "");
        });
    }

    pub(super) fn delta(&mut self, head: &Head, block: u32, delta: Delta<'_>, out: &mut Vec<u8>) {
        match delta {
            Delta::Text(text) => self.piece(head, text, out),
            Delta::SummaryPart => self.summary_part(head, out),
            Delta::Arguments(text) => self.arguments(head, block, text.as_escaped(), true, out),
            Delta::Object(json) => self.arguments(head, block, json, false, out),
            Delta::Signature { origin, data } => self.seal(head, block, (origin, data), out),
            Delta::Citation(citation) => self.cite(citation),
            Delta::Logprobs(json) => {
                head.chunk(self.number, Beside { logprobs: Some(json), finish: None }, out, |_| {});
            }
            Delta::Data(data) => self.image(head, data, out),
        }
    }

    pub(super) fn close(&mut self, head: &Head, block: u32, out: &mut Vec<u8>) {
        if let Some(at) = self.calls.iter().position(|call| call.block == block) {
            let call = self.calls.remove(at);
            if !call.begun && !call.custom {
                // Clients parse what they gathered.
                self.more_arguments(head, &call, "{}", true, out);
            }
            return;
        }
        self.annotate(head, out);
        if matches!(self.kind, Kind::Thinking { begun: true, .. }) {
            self.entries += 1;
        }
        self.kind = Kind::Other;
    }

    pub(super) fn finish(&mut self, head: &Head, finish: Finish, out: &mut Vec<u8>) {
        self.introduce(head, true, out);
        let word = finish::word(finish, self.refused);
        head.chunk(self.number, Beside { logprobs: None, finish: Some(word) }, out, |_| {});
    }

    /// Tells the role, once, with an empty text where one follows.
    fn introduce(&mut self, head: &Head, text: bool, out: &mut Vec<u8>) {
        if std::mem::replace(&mut self.introduced, true) {
            return;
        }
        self.chunk(head, out, |delta| {
            delta.text("role", "assistant");
            if text {
                delta.text("content", "");
            } else {
                delta.null("content");
            }
            delta.null("refusal");
        });
    }

    fn chunk(&self, head: &Head, out: &mut Vec<u8>, write: impl FnOnce(&mut Object<'_>)) {
        head.chunk(self.number, Beside::default(), out, write);
    }

    fn call(&self, head: &Head, index: u64, out: &mut Vec<u8>, write: impl FnOnce(&mut Object<'_>)) {
        self.chunk(head, out, |delta| {
            let mut calls = delta.array("tool_calls");
            let mut call = calls.object();
            call.number("index", index);
            write(&mut call);
        });
    }

    fn piece(&mut self, head: &Head, text: RawStr<'_>, out: &mut Vec<u8>) {
        match &mut self.kind {
            Kind::Text => {
                self.text.1 += count_escaped(text.as_escaped());
                self.chunk(head, out, |delta| delta.escaped("content", text.as_escaped()));
            }
            Kind::Refusal => self.chunk(head, out, |delta| delta.escaped("refusal", text.as_escaped())),
            Kind::Thinking { begun, .. } => {
                let first = !std::mem::replace(begun, true);
                self.think(head, text.as_escaped(), text.as_escaped(), first, out);
            }
            Kind::Other | Kind::Redacted | Kind::Image(_) => {}
        }
    }

    /// Another part of a summary, whose entry has the next place. The first one begins with the block.
    fn summary_part(&mut self, head: &Head, out: &mut Vec<u8>) {
        let Kind::Thinking { begun: true, .. } = self.kind else { return };
        self.entries += 1;
        self.think(head, "\\n\\n", "", true, out);
    }

    /// Thoughts, for people and as an entry, whose id is told once: clients join the pieces of every text but its type.
    fn think(&self, head: &Head, shown: &str, entry_text: &str, first: bool, out: &mut Vec<u8>) {
        let Kind::Thinking { id, summary, .. } = &self.kind else { return };
        self.chunk(head, out, |delta| {
            delta.escaped("reasoning_content", shown);
            let mut entries = delta.array("reasoning_details");
            let mut entry = entries.object();
            entry.text("type", if *summary { "reasoning.summary" } else { "reasoning.text" });
            entry.escaped(if *summary { "summary" } else { "text" }, entry_text);
            if let Some(id) = id.as_deref().filter(|_| *summary && first) {
                entry.escaped("id", id);
            }
            entry.number("index", self.entries);
        });
    }

    /// Part of a call's arguments: text as it is escaped already, or JSON.
    fn arguments(&mut self, head: &Head, block: u32, text: &str, escaped: bool, out: &mut Vec<u8>) {
        let Some(at) = self.calls.iter().position(|call| call.block == block) else { return };
        if text.is_empty() {
            return;
        }
        self.calls[at].begun = true;
        self.more_arguments(head, &self.calls[at], text, escaped, out);
    }

    fn more_arguments(&self, head: &Head, call: &Call, text: &str, escaped: bool, out: &mut Vec<u8>) {
        self.call(head, call.index, out, |object| {
            let mut inner = object.object(if call.custom { "custom" } else { "function" });
            let key = if call.custom { "input" } else { "arguments" };
            if escaped {
                inner.escaped(key, text);
            } else {
                inner.text(key, text);
            }
        });
    }

    /// A seal. Calls carry theirs; thoughts have it in an entry; one of a text gets an entry of its own.
    fn seal(&mut self, head: &Head, block: u32, (origin, data): (Dialect, RawStr<'_>), out: &mut Vec<u8>) {
        let id = match &self.kind {
            Kind::Thinking { id, .. } => id.clone(),
            _ => None,
        };
        let seal =
            |id: Option<String>, field| Signature { origin, id, data: data.as_escaped().to_owned() }.carried_in(field);
        if let Some(call) = self.calls.iter().find(|call| call.block == block) {
            let seal = seal(None, Dialect::Gemini);
            self.call(head, call.index, out, |call| {
                // Clients look for more arguments in every part of a call.
                call.object("function").escaped("arguments", "");
                call.object("extra_content").object("google").escaped("thought_signature", &seal);
            });
            return;
        }
        let (key, field, own_entry) = match &self.kind {
            Kind::Thinking { summary: false, begun, .. } if *begun || id.is_none() => {
                ("reasoning.text", "signature", false)
            }
            Kind::Thinking { begun, .. } => ("reasoning.encrypted", "data", *begun),
            Kind::Redacted => ("reasoning.encrypted", "data", false),
            Kind::Text => ("reasoning.text", "signature", false),
            Kind::Other | Kind::Refusal | Kind::Image(_) => return,
        };
        self.entries += u64::from(own_entry);
        let seal = seal(id.clone(), Dialect::Openai);
        self.chunk(head, out, |delta| {
            let mut entries = delta.array("reasoning_details");
            let mut entry = entries.object();
            entry.text("type", key);
            entry.escaped(field, &seal);
            if let Some(id) = id.as_deref() {
                entry.escaped("id", id);
            }
            entry.number("index", self.entries);
        });
        match &mut self.kind {
            Kind::Thinking { begun, .. } => *begun = true,
            _ => self.entries += 1,
        }
    }

    fn cite(&mut self, citation: &Citation<'_>) {
        let can_say = citation.dialect == Dialect::Openai || citation.address().is_some();
        if can_say && matches!(self.kind, Kind::Text) {
            self.cited.push(citation.clone().into_owned());
        }
    }

    /// Tells what the open text rests on.
    fn annotate(&mut self, head: &Head, out: &mut Vec<u8>) {
        let cited = std::mem::take(&mut self.cited);
        if cited.is_empty() {
            return;
        }
        self.chunk(head, out, |delta| {
            let mut list = delta.array("annotations");
            for (index, citation) in (self.annotated..).zip(&cited) {
                self.annotation(citation, index, &mut list);
            }
        });
        self.annotated += cited.len() as u64;
    }

    fn annotation(&self, citation: &Citation<'_>, index: u64, list: &mut Array<'_>) {
        let own = Some(&*citation.json).filter(|_| citation.dialect == Dialect::Openai);
        match own.map(|json| (json, json.strip_prefix('{'))) {
            // The first list of our own is as it came.
            Some((_, Some(members))) if self.annotated > 0 => {
                let item = list.item();
                item.extend_from_slice(b"{\"index\":");
                push_number(item, index);
                item.push(b',');
                push_json(item, members);
            }
            Some((json, _)) => push_json(list.item(), json),
            None => {
                let mut object = list.object();
                object.number("index", index);
                cite::write(citation, citation.address().unwrap_or_default(), self.text, &mut object);
            }
        }
    }

    fn image(&mut self, head: &Head, data: RawStr<'_>, out: &mut Vec<u8>) {
        let Kind::Image(media_type) = &self.kind else { return };
        self.chunk(head, out, |delta| {
            let mut images = delta.array("images");
            let mut image = images.object();
            image.text("type", "image_url");
            {
                let mut inner = image.object("image_url");
                let url = inner.key("url");
                for part in ["\"data:", media_type, ";base64,", data.as_escaped(), "\""] {
                    url.extend_from_slice(part.as_bytes());
                }
            }
            image.number("index", self.images_told);
        });
        self.images_told += 1;
    }
}
