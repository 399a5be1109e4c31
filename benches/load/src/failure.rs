//! Errors of a tool that people read: a cause, and what was being done when it struck.

use std::error::Error;
use std::fmt::Display;

/// Any error, told to a person.
pub(crate) type Failure = Box<dyn Error + Send + Sync>;

/// What fallible functions here give.
pub(crate) type Result<T> = std::result::Result<T, Failure>;

/// Says what was being done when an error struck.
pub(crate) trait Context<T> {
    /// Prefixes the error with `doing`, which is only made when there is one.
    fn context<D: Display>(self, doing: impl FnOnce() -> D) -> Result<T>;
}

impl<T, E: Display> Context<T> for std::result::Result<T, E> {
    fn context<D: Display>(self, doing: impl FnOnce() -> D) -> Result<T> {
        self.map_err(|error| format!("{}: {error}", doing()).into())
    }
}

impl<T> Context<T> for Option<T> {
    fn context<D: Display>(self, doing: impl FnOnce() -> D) -> Result<T> {
        self.ok_or_else(|| doing().to_string().into())
    }
}
