//! One timer for all the deadlines of a connection.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use router_core::domain::Tick;
use tokio::time::Sleep;

use crate::clock;

/// A timer that is set anew only when it must fire earlier, or has fired too early: most deadlines never pass, and
/// moving one further away costs nothing.
#[derive(Debug)]
pub(crate) struct Timer {
    sleep: Pin<Box<Sleep>>,
    fires: Tick,
    /// Who is woken when it fires.
    waiting: Option<Waker>,
}

impl Timer {
    /// A timer for deadlines that are mostly further away than `usual`.
    pub(crate) fn new(usual: Duration) -> Self {
        let fires = clock::now().after(usual);
        Self { sleep: Box::pin(tokio::time::sleep_until(clock::instant(fires))), fires, waiting: None }
    }

    /// Ready once `deadline` has passed.
    pub(crate) fn poll(&mut self, cx: &mut Context<'_>, deadline: Tick) -> Poll<()> {
        if deadline < self.fires {
            self.set(deadline);
        }
        // Asked again by the same task before it fires, it has nothing to do: it will wake that task.
        if !self.sleep.is_elapsed() && self.waiting.as_ref().is_some_and(|waiting| waiting.will_wake(cx.waker())) {
            return Poll::Pending;
        }
        loop {
            // A task that has used up its turn is not heard by the sleep, and comes back by itself.
            let heard = tokio::task::coop::has_budget_remaining();
            if self.sleep.as_mut().poll(cx).is_pending() {
                self.waiting = heard.then(|| cx.waker().clone());
                return Poll::Pending;
            }
            if clock::now() >= deadline {
                return Poll::Ready(());
            }
            self.set(deadline);
        }
    }

    fn set(&mut self, fires: Tick) {
        // A millisecond is the resolution of the timer: one more, so that it never fires just before its time.
        self.sleep.as_mut().reset(clock::instant(Tick(fires.0.saturating_add(1))));
        (self.fires, self.waiting) = (fires, None);
    }
}
