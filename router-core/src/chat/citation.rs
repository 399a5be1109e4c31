//! What a text rests on.

use std::borrow::Cow;

use crate::domain::Dialect;

/// A source that a model names for what it says. Readers parse it, so that no writer need know how another dialect spells
/// it. In a stream it borrows from the event; whole answers own it.
#[derive(Clone, Debug, PartialEq)]
pub struct Citation<'a> {
    /// An address; or whatever the caller called a search result that it brought along.
    pub url: Option<Cow<'a, str>>,
    /// The id of a file that was uploaded to the provider before.
    pub file: Option<Cow<'a, str>>,
    /// The title of what is cited, or the file's name.
    pub title: Option<Cow<'a, str>>,
    /// Where it stands in what the request brought along.
    pub place: Option<Place>,
    /// The words that are cited, as they stand in the source.
    pub quote: Option<Cow<'a, str>>,
    /// The part of our text that it is for, in characters (code points) of its block: the first, and the one after the
    /// last. `None` where no part is named, or none that could be counted for sure: then it is for all of the block.
    pub range: Option<(u64, u64)>,
    /// Whose form `json` has.
    pub dialect: Dialect,
    /// As it stands in its own dialect.
    pub json: Cow<'a, str>,
}

/// A place in a document or a search result that the request brought along.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// What is counted.
    pub unit: Unit,
    /// Which of the request's documents or search results, from 0.
    pub number: u64,
    /// The first, as the provider counts: pages from 1, all else from 0.
    pub start: u64,
    /// The one after the last.
    pub end: u64,
}

/// What a place is counted in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// Characters of a plain text.
    Characters,
    /// Pages of a PDF.
    Pages,
    /// Blocks of a document that came in blocks.
    Blocks,
    /// Blocks of a search result.
    ResultBlocks,
}

impl<'a> Citation<'a> {
    /// A citation of which nothing is understood.
    pub fn new(dialect: Dialect, json: impl Into<Cow<'a, str>>) -> Self {
        let json = json.into();
        Self { url: None, file: None, title: None, place: None, quote: None, range: None, dialect, json }
    }

    /// The address, if it is one that a reader could go to.
    pub fn address(&self) -> Option<&str> {
        self.url.as_deref().filter(|url| url.contains("://"))
    }

    /// The same for another part of our text.
    #[must_use]
    pub fn with_range(self, range: Option<(u64, u64)>) -> Self {
        Self { range, ..self }
    }

    /// The same, without what it was read from.
    pub fn into_owned(self) -> Citation<'static> {
        let own = |text: Option<Cow<'a, str>>| text.map(|text| Cow::Owned(text.into_owned()));
        Citation {
            url: own(self.url),
            file: own(self.file),
            title: own(self.title),
            place: self.place,
            quote: own(self.quote),
            range: self.range,
            dialect: self.dialect,
            json: Cow::Owned(self.json.into_owned()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_the_caller_gave_is_no_address() {
        let named = |url: &'static str| Citation { url: Some(url.into()), ..Citation::new(Dialect::Anthropic, "{}") };
        assert_eq!(named("https://example.com").address(), Some("https://example.com"));
        assert_eq!(named("handbook, page 4").address(), None);
        assert_eq!(Citation::new(Dialect::Anthropic, "{}").address(), None);
    }
}
