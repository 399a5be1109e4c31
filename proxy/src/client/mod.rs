//! The client's side of a request, whatever version of HTTP it speaks.

mod h1;
mod h2;

use std::future::Future;
use std::task::{Context, Poll};

use bytes::Bytes;
use router_core::domain::Tick;
use router_core::exchange::Output;

pub(crate) use h1::{After, Arrival, H1Connection, Shape};
pub(crate) use h2::H2Client;

use crate::http1::BodyError;
use crate::stage::plan::Buffers;

/// Why a request's body cannot be had.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum BodyFault {
    /// It is not framed as it must be.
    Malformed(BodyError),
    /// It is over the bound.
    TooLarge,
    /// It did not arrive in time.
    TooSlow,
    /// The client left.
    Gone,
}

/// The client has left, or does not read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Gone;

/// Buffers that outlive a request, so that the next one allocates nothing.
#[derive(Debug, Default)]
pub(crate) struct Scratch {
    /// The request to the provider.
    pub(crate) wire: Vec<u8>,
    /// The provider's answer.
    pub(crate) window: Vec<u8>,
    /// Header lines of the answer to the client.
    pub(crate) lines: Vec<u8>,
    /// What the exchange wants done.
    pub(crate) outputs: Vec<Output>,
    /// The model's name.
    pub(crate) model: String,
    /// Places of deployments.
    pub(crate) places: Buffers,
}

/// A request's client. What is begun and pushed is sent by [`Client::flush`], in one write.
pub(crate) trait Client: Send {
    /// The body, as far as it has arrived.
    fn body(&self) -> &[u8];

    /// The length of the whole body, if the client announced it.
    fn announced_length(&self) -> Option<u64>;

    /// Waits for more of the body; gives whether it is complete.
    fn read_more(&mut self) -> impl Future<Output = Result<bool, BodyFault>> + Send;

    /// Takes the complete body out, to be sent on without a copy.
    fn take_body(&mut self) -> Bytes;

    /// Buffers for this request.
    fn scratch(&mut self) -> &mut Scratch;

    /// Ready once the client has left. A client that has closed its sending side has left: nothing tells it apart
    /// from one that closed both, and a generation that nobody reads costs money.
    fn poll_gone(&mut self, cx: &mut Context<'_>) -> Poll<()>;

    /// Ready once `deadline` has passed.
    fn poll_deadline(&mut self, cx: &mut Context<'_>, deadline: Tick) -> Poll<()>;

    /// Begins the answer: a status, header lines that each end in CRLF, and the length of the body if it is known.
    fn begin(&mut self, status: u16, lines: &[u8], length: Option<usize>);

    /// Appends to the answer's body, to be sent by the next flush.
    fn push(&mut self, data: &[u8]);

    /// Sends all that was begun and pushed, then `data`, which is not copied if it is much, then the end of the body
    /// if this is all of it.
    fn flush(&mut self, data: &[u8], end: bool) -> impl Future<Output = Result<(), Gone>> + Send;

    /// Breaks the answer off in a way that the client cannot take for its end.
    fn abort(&mut self);
}
