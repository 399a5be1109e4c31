//! What is sent to a provider: the caller's own bytes, with as few of them exchanged as possible.

use bytes::Bytes;
use router_core::dialect::openai::{Edits, Peek};

use crate::route::Inference;
use crate::upstream::Outgoing;
use crate::world::Target;

/// A request on its way, and what was changed in it.
pub(crate) struct Prepared {
    pub(crate) outgoing: Outgoing,
    /// Whether we asked for usage that the client did not ask for.
    pub(crate) strip_usage: bool,
}

/// A client's body.
#[derive(Clone, Copy)]
pub(crate) struct Body<'b> {
    /// All of it.
    pub(crate) bytes: &'b [u8],
    /// The same memory, shared, when the body is too large to be copied; else empty.
    pub(crate) shared: &'b Bytes,
}

/// Puts the request for a target together.
pub(crate) fn prepare(
    wire: Vec<u8>,
    target: &Target,
    inference: Inference,
    body: Body<'_>,
    peek: &Peek<'_>,
    model: &str,
) -> Prepared {
    let strip_usage = inference.streams() && peek.stream && !peek.include_usage;
    let mut edits = Edits::new(body.bytes, peek);
    if peek.model != model {
        edits = edits.model(model);
    }
    if strip_usage {
        edits = edits.include_usage();
    }
    let head = target.upstream.head(inference);
    let outgoing = Outgoing::new(wire, head, edits.len(), edits.segments(), body.shared);
    Prepared { outgoing, strip_usage }
}
