//! An answer as server-sent events, one piece at a time.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::http::header;
use axum::response::{IntoResponse, Response};
use futures_util::stream;
use serde::Serialize;

/// The pause between two pieces of a streamed answer.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pace(pub(super) Duration);

/// The events of one answer, in order.
#[derive(Debug, Default)]
pub(super) struct Events {
    queue: VecDeque<Event>,
}

#[derive(Debug)]
struct Event {
    /// Whether it waits for its turn: true for pieces of text, false for what goes along with its neighbour.
    paced: bool,
    frame: Bytes,
}

impl Events {
    /// Adds an event that follows the one before it at once.
    pub(super) fn push(&mut self, data: &impl Serialize) {
        self.add(false, data);
    }

    /// Adds an event that comes one interval after the one before it.
    pub(super) fn push_paced(&mut self, data: &impl Serialize) {
        self.add(true, data);
    }

    fn add(&mut self, paced: bool, data: &impl Serialize) {
        let json = serde_json::to_string(data).expect("chunks have text keys and finite numbers");
        self.queue.push_back(Event { paced, frame: Bytes::from(format!("data: {json}\n\n")) });
    }

    /// Ends the answer and sends it. A client that leaves ends it too: the stream is dropped with the connection.
    pub(super) fn into_response(mut self, pace: Pace) -> Response {
        self.queue.push_back(Event { paced: false, frame: Bytes::from_static(b"data: [DONE]\n\n") });
        let frames = stream::unfold(self.queue, move |mut queue| async move {
            let event = queue.pop_front()?;
            if event.paced && !pace.0.is_zero() {
                tokio::time::sleep(pace.0).await;
            }
            Some((Ok::<_, Infallible>(event.frame), queue))
        });
        let headers = [
            (header::CONTENT_TYPE, "text/event-stream; charset=utf-8"),
            (header::CACHE_CONTROL, "no-cache"),
            (header::HeaderName::from_static("x-accel-buffering"), "no"),
        ];
        (headers, Body::from_stream(frames)).into_response()
    }
}

#[cfg(test)]
mod tests {
    use futures_util::{FutureExt, StreamExt};

    use super::*;

    #[tokio::test]
    async fn the_first_event_is_sent_at_once_and_a_piece_waits_for_its_turn() {
        let mut events = Events::default();
        events.push(&"first");
        events.push_paced(&"second");
        let response = events.into_response(Pace(Duration::from_secs(3600)));
        let mut frames = response.into_body().into_data_stream();
        let first = frames.next().now_or_never().flatten().expect("an event without waiting").expect("no error");
        assert_eq!(first, "data: \"first\"\n\n");
        assert!(frames.next().now_or_never().is_none(), "the second event did not wait");
    }
}
