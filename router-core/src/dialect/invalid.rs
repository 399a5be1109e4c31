//! A document that does not say what its dialect wants.

use std::fmt;

/// What is wrong, and where: `messages[2].content[0].type`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Invalid {
    /// The member to blame; empty for the whole document.
    pub path: String,
    /// What is wrong with it, or what it must be.
    pub what: String,
}

impl Invalid {
    /// A fault at `path`.
    pub fn at(path: impl Into<String>, what: impl Into<String>) -> Self {
        Self { path: path.into(), what: what.into() }
    }
}

impl fmt::Display for Invalid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.path.is_empty() { f.write_str(&self.what) } else { write!(f, "{}: {}", self.path, self.what) }
    }
}

impl std::error::Error for Invalid {}
