//! What goes into an exchange and what comes out of it.

use std::time::Duration;

use super::{BodyKind, UpstreamFault};
use crate::domain::{Dialect, Tick};

/// What the exchange must know of the request and its bounds.
#[derive(Clone, Copy, Debug)]
pub struct Terms {
    /// The dialect that the client speaks.
    pub client: Dialect,
    /// Whether an event that carries only usage is kept from the client, who did not ask for it.
    pub strip_usage: bool,
    /// Largest answer that is held back whole so that its usage can stand in the head, in bytes.
    pub hold_bytes_max: usize,
    /// Largest answer that is translated, in bytes: all of it must be here first.
    pub translate_bytes_max: usize,
    /// How long a stream that has said nothing yet is kept from the client, so that another provider can take over.
    /// Zero when nobody can.
    pub hold_head: Duration,
    /// A client that is sent events hears from us at least this often.
    pub keep_alive: Duration,
    /// From the dial to the connection.
    pub connect: Duration,
    /// From the request sent to the head of the answer; or, of a stream that is kept from the client, to its first word.
    pub first_byte: Duration,
    /// Between two reads of the answer.
    pub between_chunks: Duration,
    /// The whole exchange.
    pub total: Duration,
}

/// The head of a provider's answer, as far as decisions depend on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Head {
    /// HTTP status; never 1xx.
    pub status: u16,
    /// What the body is.
    pub kind: BodyKind,
}

/// What happened. `window` is the whole window, of which the exchange has seen a prefix before.
#[derive(Debug)]
pub enum Input<'a> {
    /// The connection stands and the request has been written.
    Sent,
    /// The head of the answer arrived.
    Head(Head),
    /// More of the body arrived.
    Body {
        /// All bytes that are not forwarded or dropped.
        window: &'a [u8],
    },
    /// The body ended as its framing says; nothing more will come.
    End {
        /// All bytes that are not forwarded or dropped.
        window: &'a [u8],
    },
    /// The attempt failed.
    Fault(UpstreamFault),
    /// The client closed its connection or reset its stream.
    ClientGone,
    /// Time has passed; perhaps a deadline with it.
    Wake,
}

/// What to do, in this order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Output {
    /// Connect and send the request.
    Dial {
        /// Whether a kept connection may be used.
        reuse: bool,
    },
    /// Begin the answer to the client.
    Begin(Opening),
    /// Send the first bytes of the window to the client.
    Forward(usize),
    /// Forget the first bytes of the window.
    Drop(usize),
    /// Send what was written here ([`Exchange::written`]) to the client.
    Send,
    /// Come back with [`Input::Wake`] at this time, unless something else happens first. Replaces earlier requests.
    WakeAt(Tick),
    /// A fact for logs and metrics.
    Note(Fact),
    /// The exchange is over. Nothing follows.
    Finish(Outcome),
}

/// How the answer to the client begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Opening {
    /// All of the answer is here, and its usage is known if it will ever be.
    Whole {
        /// Its length in bytes.
        bytes: usize,
    },
    /// The answer goes on after what is in the window.
    Streamed,
}

/// Something worth counting.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fact {
    /// The request was sent.
    Sent,
    /// The head of the answer arrived.
    FirstByte,
    /// The first bytes of the body went to the client.
    FirstForward,
}

/// How an exchange ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The client has the whole answer.
    Complete,
    /// The provider refused; its error body is in the window and the client has nothing yet.
    Refused {
        /// The provider's status.
        status: u16,
    },
    /// The attempt failed and the client has nothing yet.
    Failed(UpstreamFault),
    /// The answer broke after the client had a part of it.
    Broken(UpstreamFault),
    /// The client left.
    ClientGone,
}
