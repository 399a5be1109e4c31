//! Whether the tool calls of a conversation and their results fit together.

use std::collections::BTreeSet;

use super::{Body, ChatRequest, Message, Role};

/// Why a conversation makes no sense. Indexes count the caller's own messages from 0.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadHistory {
    /// A result without a call before it.
    #[error("messages[{message}]: the tool result {id:?} answers no tool call that came before it")]
    OrphanResult {
        /// Which message.
        message: usize,
        /// The call's id.
        id: String,
    },
    /// Two calls of one message share an id.
    #[error("messages[{message}]: two tool calls have the id {id:?}")]
    CallTwice {
        /// Which message.
        message: usize,
        /// The id.
        id: String,
    },
}

/// Checks that every result answers a call that came before it, and that no two calls of a message share an id. Later
/// messages may use an id again: some providers count from 0 in every turn.
///
/// # Errors
/// What is wrong first, with the index of its message.
pub fn check_history(request: &ChatRequest) -> Result<(), BadHistory> {
    let mut called: BTreeSet<&str> = BTreeSet::new();
    for (message, turn) in request.messages.iter().enumerate() {
        let mut now: BTreeSet<&str> = BTreeSet::new();
        for block in &turn.blocks {
            match &block.body {
                Body::ToolCall(call) if !now.insert(&call.id) => {
                    return Err(BadHistory::CallTwice { message, id: call.id.clone() });
                }
                Body::ToolResult(result)
                    if !called.contains(result.id.as_str()) && !now.contains(result.id.as_str()) =>
                {
                    return Err(BadHistory::OrphanResult { message, id: result.id.clone() });
                }
                _ => {}
            }
        }
        called.append(&mut now);
    }
    Ok(())
}

/// Joins turns of the model that follow one another, and leaves out those in which nothing is said. Google's clients keep
/// a streamed answer in the pieces in which it came; other providers want tools' results right after their calls.
pub fn join_turns(request: &mut ChatRequest) {
    let mut joined: Vec<Message> = Vec::with_capacity(request.messages.len());
    for message in std::mem::take(&mut request.messages) {
        let plain = message.role == Role::Assistant && message.name.is_none() && message.extra.is_empty();
        let says_nothing = message.blocks.iter().all(|block| block.as_text() == Some("") && block.signature.is_none());
        match joined.last_mut() {
            _ if plain && says_nothing => {}
            Some(last) if plain && last.role == Role::Assistant && last.name.is_none() && last.extra.is_empty() => {
                last.blocks.extend(message.blocks);
            }
            _ => joined.push(message),
        }
    }
    request.messages = joined;
}

/// The name of the tool that a call's id belongs to.
pub fn tool_name<'r>(request: &'r ChatRequest, id: &str) -> Option<&'r str> {
    let blocks = request.messages.iter().flat_map(|message| &message.blocks);
    blocks.rev().find_map(|block| match &block.body {
        Body::ToolCall(call) if call.id == id => Some(call.name.as_str()),
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chat::{Block, ToolCall, ToolResult};
    use crate::domain::Dialect;

    fn call(id: &str) -> Block {
        let (id, name, arguments) = (id.to_owned(), format!("tool of {id}"), "{}".to_owned());
        Block::new(Body::ToolCall(ToolCall { id, name, arguments, custom: false }))
    }

    fn result(id: &str) -> Block {
        Block::new(Body::ToolResult(ToolResult { id: id.to_owned(), name: None, content: Vec::new(), is_error: false }))
    }

    fn request(turns: Vec<(Role, Vec<Block>)>) -> ChatRequest {
        let messages = turns.into_iter().map(|(role, blocks)| Message::new(role, blocks)).collect();
        ChatRequest { messages, ..ChatRequest::new(Dialect::Openai) }
    }

    #[test]
    fn an_answer_in_pieces_becomes_one_turn() {
        let say = |text: &str| (Role::Assistant, vec![Block::text(text)]);
        let mut pieces = request(vec![
            (Role::User, vec![Block::text("x")]),
            say("a"),
            say(""),
            (Role::Assistant, vec![call("1")]),
            (Role::Tool, vec![result("1")]),
            say("b"),
        ]);
        join_turns(&mut pieces);
        let told: Vec<_> = pieces.messages.iter().map(|message| (message.role, message.blocks.len())).collect();
        assert_eq!(told, [(Role::User, 1), (Role::Assistant, 2), (Role::Tool, 1), (Role::Assistant, 1)]);
    }

    #[test]
    fn calls_and_their_results_fit_together_or_the_message_is_named() {
        let good =
            request(vec![(Role::Assistant, vec![call("a"), call("b")]), (Role::Tool, vec![result("b"), result("a")])]);
        assert_eq!(check_history(&good), Ok(()));
        assert_eq!(tool_name(&good, "b"), Some("tool of b"));
        let orphan = request(vec![(Role::Tool, vec![result("a")]), (Role::Assistant, vec![call("a")])]);
        assert_eq!(check_history(&orphan), Err(BadHistory::OrphanResult { message: 0, id: "a".into() }));
        let twice = request(vec![(Role::Assistant, vec![call("a"), call("a")])]);
        assert_eq!(check_history(&twice), Err(BadHistory::CallTwice { message: 0, id: "a".into() }));
        let again = request(vec![(Role::Assistant, vec![call("a")]), (Role::Assistant, vec![call("a")])]);
        assert_eq!(check_history(&again), Ok(()));
    }
}
