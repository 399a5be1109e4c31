//! What is to be seen, heard or read in a prompt.

use memchr::memmem;

use super::{TOKENS_PER_DOCUMENT, TOKENS_PER_IMAGE, TOKENS_PER_SOUND};
use crate::domain::{Capabilities, Capability, Dialect};

/// How many of each were found.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Media {
    images: usize,
    sounds: usize,
    documents: usize,
}

impl Media {
    /// Looks at a stretch of messages. A name in quotes cannot stand inside of a string, where its quotes are escaped.
    pub(super) fn look(&mut self, client: Dialect, text: &[u8]) {
        match client {
            Dialect::Openai => {
                self.images += names(text, b"\"image_url\"").filter(is_key).count();
                self.sounds += names(text, b"\"input_audio\"").filter(is_key).count();
                self.documents += names(text, b"\"file\"").filter(is_key).count();
            }
            Dialect::Responses => {
                self.images += names(text, b"\"computer_screenshot\"").filter(is_type).count();
                for found in names(text, b"\"input_").filter(is_type) {
                    self.images += usize::from(found.after.starts_with(b"image\""));
                    self.sounds += usize::from(found.after.starts_with(b"audio\""));
                    self.documents += usize::from(found.after.starts_with(b"file\""));
                }
            }
            Dialect::Anthropic => {
                self.images += names(text, b"\"image\"").filter(is_type).count();
                self.documents += names(text, b"\"document\"").filter(is_type).count();
            }
            Dialect::Gemini => {
                for found in names(text, b"\"mimeType\"").chain(names(text, b"\"mime_type\"")) {
                    self.add_type(found.after);
                }
            }
            // No client speaks it.
            Dialect::Bedrock => {}
        }
    }

    /// Adds one of the MIME type that follows. A film is a row of pictures.
    fn add_type(&mut self, after: &[u8]) {
        let Some(value) = after.trim_ascii_start().strip_prefix(b":") else { return };
        let value = value.trim_ascii_start();
        let is = |kind: &[u8]| value.get(1..).is_some_and(|value| value.starts_with(kind));
        self.images += usize::from(is(b"image") || is(b"video"));
        self.sounds += usize::from(is(b"audio"));
        self.documents += usize::from(is(b"application") || is(b"text"));
    }

    /// Tokens that they are, about.
    pub(super) const fn tokens(&self) -> usize {
        self.images * TOKENS_PER_IMAGE + self.sounds * TOKENS_PER_SOUND + self.documents * TOKENS_PER_DOCUMENT
    }

    /// These needs and those that come with what was found.
    pub(super) fn needs(&self, needs: Capabilities) -> Capabilities {
        [
            (self.images, Capability::Vision),
            (self.sounds, Capability::AudioInput),
            (self.documents, Capability::Documents),
        ]
        .into_iter()
        .filter(|(count, _)| *count > 0)
        .fold(needs, |needs, (_, capability)| needs.with(capability))
    }
}

/// A name in quotes, and what is around it.
#[derive(Clone, Copy, Debug)]
struct Name<'t> {
    before: &'t [u8],
    after: &'t [u8],
}

fn names<'t>(text: &'t [u8], quoted: &'static [u8]) -> impl Iterator<Item = Name<'t>> {
    let whole = memmem::find_iter(text, quoted);
    whole
        .map(move |at| Name { before: &text[..at], after: &text[at + quoted.len()..] })
        .filter(|name| !name.before.ends_with(b"\\"))
}

/// Whether it is a member's key.
fn is_key(name: &Name<'_>) -> bool {
    name.after.trim_ascii_start().starts_with(b":")
}

/// Whether it is the value of a member `type`.
fn is_type(name: &Name<'_>) -> bool {
    let key = name.before.trim_ascii_end().strip_suffix(b":");
    key.is_some_and(|key| key.trim_ascii_end().ends_with(b"\"type\""))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn media(client: Dialect, text: &str) -> (usize, usize, usize) {
        let mut media = Media::default();
        media.look(client, text.as_bytes());
        (media.images, media.sounds, media.documents)
    }

    #[test]
    fn each_dialects_parts_are_counted_once() {
        let chat = r#"[{"type":"image_url","image_url":{"url":"u"}},{"type": "image_url", "image_url" : {"url":"u"}},
            {"type":"input_audio","input_audio":{"data":"","format":"wav"}},{"type":"file","file":{"file_id":"f"}}]"#;
        assert_eq!(media(Dialect::Openai, chat), (2, 1, 1));
        let responses = r#"[{"type":"input_text","text":"?"},{"type":"input_image","image_url":"u"},
            {"type" : "input_file","file_id":"f"},{"output":{"type":"computer_screenshot","image_url":"u"}}]"#;
        assert_eq!(media(Dialect::Responses, responses), (2, 0, 1));
        let anthropic =
            r#"[{"type":"image","source":{}},{"content":[{"type":"image","source":{}}]},{"type":"document"}]"#;
        assert_eq!(media(Dialect::Anthropic, anthropic), (2, 0, 1));
        let gemini = r#"[{"inlineData":{"mimeType":"image/png"}},{"file_data":{"mime_type": "audio/mp3"}},
            {"fileData":{"mimeType":"application/pdf"}},{"inlineData":{"mimeType":"video/mp4"}}]"#;
        assert_eq!(media(Dialect::Gemini, gemini), (2, 1, 1));
    }

    #[test]
    fn what_is_only_spoken_of_is_not_there() {
        let chat = r#"[{"role":"user","content":"image_url"},{"content":"{\"image_url\":{\"url\":\"u\"}}"},
            {"type":"text","text":"file"},{"tool_calls":[{"function":{"arguments":"{\"file\": 1}"}}]}]"#;
        assert_eq!(media(Dialect::Openai, chat), (0, 0, 0));
        assert_eq!(media(Dialect::Responses, r#"[{"type":"input_text","text":"input_image"}]"#), (0, 0, 0));
        assert_eq!(
            media(Dialect::Anthropic, r#"[{"type":"text","text":"image"},{"text":"\"type\":\"image\""}]"#),
            (0, 0, 0)
        );
        assert_eq!(media(Dialect::Gemini, r#"[{"text":"\"mimeType\":\"image/png\""},{"text":"mimeType"}]"#), (0, 0, 0));
    }
}
