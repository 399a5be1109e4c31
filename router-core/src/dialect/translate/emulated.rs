//! Structured output where a provider has none: the call of a tool becomes the answer's text again.

use crate::chat::{Block, Body, ChatEvent, ChatResponse, Delta, Finish, Opening, RawStr};
use crate::dialect::Written;
use crate::json::escape;

/// Turns calls of the tool that stands in for structured output into text.
pub(super) fn unwrap_response(response: &mut ChatResponse) {
    for choice in &mut response.choices {
        for block in &mut choice.blocks {
            if let Body::ToolCall(call) = &mut block.body
                && call.name == Written::EMULATED
            {
                *block = Block::text(std::mem::take(&mut call.arguments));
            }
        }
        let calls = choice.blocks.iter().any(|block| matches!(block.body, Body::ToolCall(_)));
        if choice.finish == Some(Finish::ToolCalls) && !calls {
            choice.finish = Some(Finish::Stop);
        }
    }
}

/// The same for a stream, event by event.
#[derive(Debug, Default)]
pub(super) struct Unwrap {
    /// Blocks that are text now.
    blocks: Vec<(u32, u32)>,
    /// A tool of the caller's was called as well.
    other_calls: bool,
}

impl Unwrap {
    /// Hands on the event, or what it becomes.
    pub(super) fn event(&mut self, event: ChatEvent<'_>, mut on: impl FnMut(ChatEvent<'_>)) {
        match event {
            ChatEvent::Open { choice, block, opening: Opening::ToolCall { name, .. } } => {
                if name.text() == Written::EMULATED {
                    self.blocks.push((choice, block));
                    return on(ChatEvent::Open { choice, block, opening: Opening::Text });
                }
                self.other_calls = true;
                on(event);
            }
            ChatEvent::Delta { choice, block, delta } if self.blocks.contains(&(choice, block)) => match delta {
                // A fragment of arguments is JSON text inside of a JSON string, and so is the text that it becomes.
                Delta::Arguments(text) => on(ChatEvent::Delta { choice, block, delta: Delta::Text(text) }),
                Delta::Object(json) => {
                    let text = escape(json);
                    on(ChatEvent::Delta { choice, block, delta: Delta::Text(RawStr::escaped(&text)) });
                }
                _ => on(event),
            },
            ChatEvent::Finish { choice, finish: Finish::ToolCalls, stop_sequence } if !self.other_calls => {
                on(ChatEvent::Finish { choice, finish: Finish::Stop, stop_sequence });
            }
            _ => on(event),
        }
    }
}
