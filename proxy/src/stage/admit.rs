//! Whether a request may go on: its body is read whole, within bounds, and understood as far as we need it.

use router_core::dialect::openai::Peeker;

use crate::client::{BodyFault, Client};
use crate::config::Limits;
use crate::respond::Refusal;

/// Why a request ends here.
#[derive(Debug)]
pub(crate) enum NotAdmitted {
    /// It is refused.
    Refused(Refusal),
    /// The client left.
    Gone,
}

/// Reads the body to its end, scanning while the bytes are still in the processor's cache.
pub(crate) async fn read_body<C: Client>(client: &mut C, limits: &Limits) -> Result<Peeker, NotAdmitted> {
    if client.announced_length().is_some_and(|length| length > limits.body_bytes_max as u64) {
        return Err(NotAdmitted::Refused(Refusal::body_too_large(limits.body_bytes_max)));
    }
    let mut peeker = Peeker::new();
    loop {
        let complete = client.read_more().await.map_err(|fault| match fault {
            BodyFault::Gone => NotAdmitted::Gone,
            BodyFault::TooLarge => NotAdmitted::Refused(Refusal::body_too_large(limits.body_bytes_max)),
            BodyFault::TooSlow => NotAdmitted::Refused(Refusal::too_slow("body")),
            BodyFault::Malformed(error) => NotAdmitted::Refused(Refusal::bad_framing(error)),
        })?;
        peeker.advance(client.body()).map_err(|error| NotAdmitted::Refused(Refusal::from(&error)))?;
        if complete {
            return Ok(peeker);
        }
    }
}
