//! Text for people on the standard streams. A reader that went away is no reason to fail.

use std::io::Write;

/// Writes to standard output.
pub(crate) fn out(text: &str) {
    let mut out = std::io::stdout().lock();
    let _ = out.write_all(text.as_bytes()).and_then(|()| out.flush());
}

/// Writes to standard error.
pub(crate) fn err(text: &str) {
    let _ = std::io::stderr().lock().write_all(text.as_bytes());
}
