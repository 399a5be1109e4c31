//! HTTP/1.1 on the wire: heads and bodies, strictly as RFC 9112 has them. No I/O here.
//!
//! Smuggling lives on messages that two parties frame differently, so whatever could be read in two ways is refused
//! and never repaired: bare line feeds, folded lines, a length beside a transfer coding, lengths that differ or carry
//! a sign. What goes out is always framed by us.

mod body;
mod head;
mod rate_limits;
mod request;
mod response;

pub use body::{BodyDecoder, BodyError, Decoded};
pub use head::HeadError;
pub use rate_limits::Heard;
pub use request::{RequestFraming, RequestHead, Version, parse_request};
pub use response::{ResponseHead, parse_response};
