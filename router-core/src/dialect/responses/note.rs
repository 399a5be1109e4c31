//! Notes that this dialect leaves for itself in [`Extra`], under keys that no API has: how something was spelt where the
//! common model says the same either way. They mean nothing to anybody else and are never a loss.

use serde_json::Value;

use super::super::fields::Fields;
use crate::chat::{Block, Extra, Losses};

/// What the item in which a block stands says of itself: `id`, `status` and the like. On a block of a message it also
/// says that an item begins here, though the block before it is of the same kind.
pub(super) const ITEM: &str = "\0item";
/// A foreign block that stands in a message's content, and is no item of its own.
pub(super) const PART: &str = "\0part";
/// A mark for the prompt cache, as it was.
pub(super) const CACHE: &str = "\0cache";
/// All of `include`.
pub(super) const INCLUDE: &str = "\0include";

/// Whether a key is one of ours, or of another dialect that does the same.
pub(super) fn is_note(key: &str) -> bool {
    key.starts_with('\0')
}

/// What an item says of itself that no other dialect has to know.
pub(super) fn of_item(fields: &mut Fields) -> Extra {
    let kept = ["id", "status", "phase"].into_iter();
    kept.filter_map(|key| fields.take(key).map(|value| (key.to_owned(), value))).collect()
}

/// Leaves a note about the item, unless there is nothing to say.
pub(super) fn leave(extra: &mut Extra, note: Extra) {
    if !note.is_empty() {
        extra.insert(ITEM.to_owned(), Value::Object(note));
    }
}

/// The note about the item in which something stands.
pub(super) fn item(extra: &Extra) -> Option<&Extra> {
    extra.get(ITEM)?.as_object()
}

/// Whether a block stands in a message's content.
pub(super) fn is_part(block: &Block) -> bool {
    block.extra.contains_key(PART)
}

/// What of `extra` goes on the wire.
pub(super) fn members(extra: &Extra) -> impl Iterator<Item = (&String, &Value)> {
    extra.iter().filter(|(key, _)| !is_note(key))
}

/// Names what is in another dialect's `extra`. `place` ends in a point, unless it is empty.
pub(super) fn lose(extra: &Extra, place: &str, losses: &mut Losses) {
    for (key, _) in members(extra) {
        losses.add(format!("{place}{key}"));
    }
}
