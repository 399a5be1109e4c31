//! Thoughts: `reasoning_content` and `reasoning_details`, both ways.
//!
//! `reasoning_content` is what a person reads. `reasoning_details` says the same entry by entry, with the seals that a
//! provider wants back: its own as it issued them, those of other dialects behind a mark. An entry with no text and a
//! seal of Gemini's belongs to the text that follows, which has no place for one.

use serde_json::{Map, Value};

use super::detail::{Entry, Kind, forget_own_id, write as write_entries};
use crate::chat::{Block, Body, Thinking};
use crate::dialect::Invalid;
use crate::dialect::fields::Fields;
use crate::domain::Dialect;

/// Takes a message's thoughts.
pub(super) fn read(fields: &mut Fields) -> Result<Vec<Block>, Invalid> {
    let (mut content, mut site) = (None, String::new());
    for key in ["reasoning_content", "reasoning"] {
        if fields.peek_text(key).is_some() {
            content = content.or(fields.text(key)?).filter(|text: &String| !text.is_empty());
            site = if site.is_empty() { fields.path(key) } else { site };
        }
    }
    let mut blocks = read_details(fields)?;
    let Some(content) = content else { return Ok(blocks) };
    let shows = |block: &Block| matches!(&block.body, Body::Thinking(thinking) if !thinking.shown().is_empty());
    if blocks.iter().any(shows) {
        return Ok(blocks);
    }
    // A client may have kept a seal and not the words that it was for.
    let bare = |block: &&mut Block| !is_of_text(block) && matches!(&block.body, Body::Thinking(it) if !it.redacted);
    if let Some(Block { body: Body::Thinking(thinking), .. }) = blocks.iter_mut().find(bare) {
        thinking.text = content;
        return Ok(blocks);
    }
    let thought = Body::Thinking(Thinking { text: content, ..Thinking::default() });
    blocks.insert(0, Block::new(thought).at(site));
    Ok(blocks)
}

fn read_details(fields: &mut Fields) -> Result<Vec<Block>, Invalid> {
    let Some(items) = fields.list("reasoning_details")? else { return Ok(Vec::new()) };
    let mut gathering = Gathering::default();
    for (at, item) in items.into_iter().enumerate() {
        let path = fields.path(&format!("reasoning_details[{at}]"));
        match Entry::read(item, path.clone())? {
            Ok(entry) => gathering.push(entry, path),
            Err(value) => gathering.foreign(value, path),
        }
    }
    Ok(gathering.blocks)
}

/// Blocks in the making, entry by entry.
#[derive(Default)]
struct Gathering {
    blocks: Vec<Block>,
    /// The entry that came last.
    last: Option<(Kind, Option<u64>, Option<String>)>,
    /// Entries so far, as they will be written.
    position: u64,
}

impl Gathering {
    fn push(&mut self, entry: Entry, path: String) {
        let kind = entry.kind;
        // The pieces of one entry have its id only once.
        let goes_on = |last: &&(Kind, Option<u64>, Option<String>)| last.0 == kind && last.1 == entry.index;
        let begun = self.last.as_ref().filter(goes_on).filter(|_| entry.index.is_some());
        let id = entry.id.clone().or_else(|| begun?.2.clone());
        let index = entry.index;
        let Some(entry) = self.join(entry) else {
            self.last = Some((kind, index, id));
            return;
        };
        self.blocks.push(entry.into_block(self.position).at(path));
        self.position += 1;
        self.last = Some((kind, index, id));
    }

    fn foreign(&mut self, value: Value, path: String) {
        self.blocks.push(Block::new(Body::Foreign { dialect: Dialect::Openai, value }).at(path));
        self.position += 1;
        self.last = None;
    }

    /// Adds an entry to the block before it if it belongs there, and gives it back if not.
    fn join(&mut self, entry: Entry) -> Option<Entry> {
        let Some((kind, index, id)) = &self.last else { return Some(entry) };
        let same_index = index.is_some() && *index == entry.index;
        let same_id = *id == entry.id;
        let Some(Block { body: Body::Thinking(thinking), signature, extra, .. }) = self.blocks.last_mut() else {
            return Some(entry);
        };
        match (kind, entry.kind) {
            (Kind::Text, Kind::Text) if same_index && (signature.is_none() || entry.text.is_empty()) => {
                thinking.text.push_str(&entry.text);
                *signature = entry.seal.or(signature.take());
            }
            (Kind::Summary, Kind::Summary) if same_index => match thinking.summary.last_mut() {
                Some(part) => part.push_str(&entry.text),
                None => thinking.summary.push(entry.text),
            },
            (Kind::Summary, Kind::Summary) if id.is_some() && same_id && *extra == entry.extra => {
                thinking.summary.push(entry.text);
                self.position += 1;
            }
            (Kind::Summary, Kind::Encrypted) if entry.marked() && same_id && signature.is_none() => {
                *signature = entry.seal;
                self.position += 1;
            }
            _ => return Some(entry),
        }
        self.blocks.last_mut().into_iter().for_each(forget_own_id);
        None
    }
}

/// Moves the seal of an empty thought to the text that it is for.
pub(super) fn settle(blocks: &mut Vec<Block>) {
    while let Some(from) = blocks.iter().position(is_of_text) {
        let bare = |block: &Block| matches!(block.body, Body::Text { .. }) && block.signature.is_none();
        let Some(to) = blocks.iter().position(bare) else { return };
        blocks[to].signature = blocks[from].signature.take();
        blocks.remove(from);
    }
}

/// Whether a block is no thought but the seal of a text.
fn is_of_text(block: &Block) -> bool {
    let empty =
        matches!(&block.body, Body::Thinking(it) if it.text.is_empty() && it.summary.is_empty() && !it.redacted);
    empty && block.signature_of(Dialect::Gemini).is_some()
}

/// Whether a block is an entry of `reasoning_details` that we do not know.
pub(super) fn is_entry(block: &Block) -> bool {
    let Body::Foreign { dialect: Dialect::Openai, value } = &block.body else { return false };
    // Parts and calls that we do not know have a type at least.
    value.get("type").and_then(Value::as_str).is_none_or(|kind| kind.starts_with("reasoning."))
}

/// What a person reads of these thoughts, if there is anything.
pub(super) fn shown<'b>(blocks: impl Iterator<Item = &'b Block>) -> Option<String> {
    let shown = blocks.filter_map(|block| match &block.body {
        Body::Thinking(thinking) => Some(thinking.shown()).filter(|text| !text.is_empty()),
        _ => None,
    });
    let shown: Vec<_> = shown.collect();
    (!shown.is_empty()).then(|| shown.join("\n\n"))
}

/// The entries for these blocks; empty if nothing but their text is worth telling.
pub(super) fn details<'b>(blocks: impl Iterator<Item = &'b Block> + Clone, own: bool) -> Vec<Value> {
    let tells = |block: &Block| match &block.body {
        Body::Thinking(_) => block.signature.is_some() || (own && !block.extra.is_empty()),
        Body::Text { .. } => block.signature.is_some(),
        _ => own && is_entry(block),
    };
    if !blocks.clone().any(tells) {
        return Vec::new();
    }
    let (mut entries, mut at) = (Vec::new(), 0);
    for block in blocks {
        match &block.body {
            Body::Thinking(thinking) => entries.extend(write_entries(thinking, block, own, &mut at)),
            Body::Text { .. } if block.signature.is_some() => {
                let seal = Block { signature: block.signature.clone(), ..Block::text("") };
                entries.extend(write_entries(&Thinking::default(), &seal, own, &mut at));
            }
            Body::Foreign { value, .. } if own && is_entry(block) => {
                entries.push(value.clone());
                at += 1;
            }
            _ => {}
        }
    }
    entries
}

/// Writes what an answer's blocks thought.
pub(super) fn write(message: &mut Map<String, Value>, blocks: &[Block], own: bool) {
    super::format::put(message, "reasoning_content", shown(blocks.iter()));
    let details = details(blocks.iter(), own);
    if !details.is_empty() {
        message.insert("reasoning_details".to_owned(), details.into());
    }
}
