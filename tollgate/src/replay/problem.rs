//! What is wrong with a file, by line.

use std::fmt;

/// Mistakes that are told at once, at most.
const PROBLEMS_MAX: usize = 20;

/// Mistakes in one file.
#[derive(Debug)]
pub(super) struct Problems {
    file: String,
    all: Vec<(usize, String)>,
}

impl Problems {
    /// None yet.
    pub(super) fn of(file: &str) -> Self {
        Self { file: file.to_owned(), all: Vec::new() }
    }

    /// One more; says whether there is room for another.
    pub(super) fn put(&mut self, line: usize, message: String) -> bool {
        self.all.push((line, message));
        self.all.len() < PROBLEMS_MAX
    }

    /// This one and no other.
    pub(super) fn only(mut self, line: usize, message: String) -> Self {
        self.all = vec![(line, message)];
        self
    }

    /// Whether there is any.
    pub(super) fn any(&self) -> bool {
        !self.all.is_empty()
    }
}

impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (number, (line, message)) in self.all.iter().enumerate() {
            let next = if number == 0 { "" } else { "\n  " };
            write!(f, "{next}{}:{line}: {message}", self.file)?;
        }
        Ok(())
    }
}
