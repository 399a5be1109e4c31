//! Turns of the model that a client keeps in pieces.
//!
//! A chat session of Google's SDKs keeps every event of a stream as a content of its own. To us they are one message, as
//! they would be had the answer come whole; where it was in pieces is noted, so that Google gets it as it was.

use serde_json::Value;

use crate::chat::{Block, Body, Extra, Message, Role};
use crate::domain::Dialect;

/// How many blocks each piece has.
const PIECES: &str = "\0pieces";

/// Adds a message, or what goes on with the last one.
pub(super) fn push(messages: &mut Vec<Message>, message: Message) {
    let plain = |extra: &Extra| extra.keys().all(|key| key == PIECES);
    let is_models = |message: &Message| message.role == Role::Assistant && plain(&message.extra);
    let Some(last) = messages.last_mut().filter(|last| is_models(last) && is_models(&message)) else {
        messages.push(message);
        return;
    };
    let first = last.blocks.len();
    let pieces = last.extra.entry(PIECES).or_insert_with(|| vec![first].into());
    if let Value::Array(pieces) = pieces {
        pieces.push(message.blocks.len().into());
    }
    last.blocks.extend(message.blocks);
}

/// The parts of a message, in the pieces that it was read in: as one if it is no longer as it was.
pub(super) fn apart(extra: &Extra, mut parts: Vec<Value>) -> Vec<Vec<Value>> {
    let sizes = extra.get(PIECES).and_then(Value::as_array).into_iter().flatten();
    let sizes: Vec<_> = sizes.filter_map(|size| usize::try_from(size.as_u64()?).ok()).collect();
    if sizes.is_empty() || sizes.iter().sum::<usize>() != parts.len() {
        return vec![parts];
    }
    sizes.into_iter().map(|size| parts.drain(..size).collect()).collect()
}

/// Gives thoughts that came in pieces back to the seal that came after them. Gemini seals no thoughts; others want theirs
/// back as they were.
pub(super) fn join_thoughts(blocks: &mut Vec<Block>) {
    if !blocks.iter().any(seals_pieces) {
        return;
    }
    let mut joined: Vec<Block> = Vec::with_capacity(blocks.len());
    for mut block in blocks.drain(..) {
        if seals_pieces(&block) {
            let from = joined.iter().rposition(|before| !is_piece(before)).map_or(0, |before| before + 1);
            let told = joined.drain(from..).map(|piece| shown(&piece)).collect();
            tell(&mut block, told);
        }
        joined.push(block);
    }
    *blocks = joined;
}

fn is_piece(block: &Block) -> bool {
    matches!(&block.body, Body::Thinking(thinking) if !thinking.redacted) && block.signature.is_none()
}

fn seals_pieces(block: &Block) -> bool {
    let bare = matches!(&block.body, Body::Thinking(thinking) if !thinking.redacted && thinking.shown().is_empty());
    bare && block.signature.as_ref().is_some_and(|seal| seal.origin != Dialect::Gemini)
}

fn shown(block: &Block) -> String {
    match &block.body {
        Body::Thinking(thinking) => thinking.shown(),
        _ => String::new(),
    }
}

/// Puts words to a seal. What OpenAI shows of an item that it sealed is a summary.
pub(super) fn tell(block: &mut Block, told: String) {
    let is_item = block.signature_of(Dialect::Responses).is_some();
    let Body::Thinking(thinking) = &mut block.body else { return };
    if is_item && !told.is_empty() {
        thinking.summary = vec![told];
    } else {
        thinking.text = told;
    }
}
