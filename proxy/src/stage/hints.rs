//! What a client tells us in headers of ours.

use crate::http1::RequestHead;

/// Longest value that is kept.
const HINT_BYTES_MAX: usize = 4096;

/// Headers that are for routing, and for no provider.
#[derive(Clone, Debug, Default)]
pub(crate) struct Hints {
    session: Option<Box<str>>,
    metadata: Option<Box<str>>,
}

impl Hints {
    pub(crate) fn of(head: &RequestHead<'_>) -> Self {
        let take = |value: Option<&str>| value.filter(|value| value.len() <= HINT_BYTES_MAX).map(Box::from);
        Self { session: take(head.session_id), metadata: take(head.metadata) }
    }

    /// `x-session-id`.
    pub(crate) fn session(&self) -> Option<&str> {
        self.session.as_deref()
    }

    /// `x-tollgate-metadata`.
    pub(crate) fn metadata(&self) -> Option<&str> {
        self.metadata.as_deref()
    }
}
