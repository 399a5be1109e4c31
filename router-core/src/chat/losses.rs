//! What a target cannot express.

use std::borrow::Cow;
use std::fmt;

/// Losses that are told apart; more are told as one.
pub const LOSSES_MAX: usize = 24;

/// Names of what a translation had to leave out, such as `seed` or `messages[2].content[0].audio`: by their place in this
/// model as long as a request is written, and by that in the caller's own request for whoever is told. Each is named once,
/// in the order of the request.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Losses(Vec<Cow<'static, str>>);

impl Losses {
    /// Takes note of a loss. A name with a NUL in it is a reader's own note on how something was spelt: none of the
    /// caller's members, and no loss.
    pub fn add(&mut self, name: impl Into<Cow<'static, str>>) {
        let name = name.into();
        if name.contains('\0') {
            return;
        }
        let name = if self.0.len() == LOSSES_MAX { Cow::Borrowed("…") } else { name };
        if self.0.len() <= LOSSES_MAX && !self.0.contains(&name) {
            self.0.push(name);
        }
    }

    /// Takes note of a loss if there is something to lose.
    pub fn add_if(&mut self, lost: bool, name: impl Into<Cow<'static, str>>) {
        if lost {
            self.add(name);
        }
    }

    /// Whether nothing was lost.
    pub const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The names.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(AsRef::as_ref)
    }
}

impl fmt::Display for Losses {
    /// Names with commas between them.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, name) in self.0.iter().enumerate() {
            write!(f, "{}{name}", if at > 0 { ", " } else { "" })?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn losses_are_named_once_and_bounded() {
        let mut losses = Losses::default();
        for number in 0..100 {
            losses.add(format!("m{}", number / 2));
        }
        losses.add("tools[0].\0parameters");
        assert_eq!(losses.iter().count(), LOSSES_MAX + 1);
        assert!(losses.to_string().starts_with("m0, m1, ") && losses.to_string().ends_with(", …"));
    }
}
