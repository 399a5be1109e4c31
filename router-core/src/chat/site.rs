//! Where in the caller's request something stands.

/// The path of a member of the caller's own request, such as `contents[0].parts[2]`; empty where nobody said.
///
/// It tells nothing about what stands there: any two are equal, so that conversations are compared by what is said.
#[derive(Clone, Debug, Default)]
pub struct Site(String);

impl Site {
    /// The site at `path`.
    pub fn new(path: impl Into<String>) -> Self {
        Self(path.into())
    }

    /// The path; `None` where nobody said.
    pub fn path(&self) -> Option<&str> {
        Some(self.0.as_str()).filter(|path| !path.is_empty())
    }
}

impl PartialEq for Site {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}
