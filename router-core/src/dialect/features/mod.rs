//! What a request needs of whoever serves it, read off its bytes where they lie: nothing is parsed, nothing allocated.
//!
//! In: the client's dialect, its body and what [`Peek`] found in that. Out: the capabilities that are needed and about how
//! long the prompt is ([`Features::survey`]), who asks ([`Features::user`]), what the client says of the request
//! ([`Features::metadata`]), and the prompt in the order in which providers cache it ([`Features::pieces`]). Each is looked
//! for when it is asked for: most requests need little of it. Does not know routes or deployments.
//!
//! It is a reading for routing only. What it takes for a picture may be none in rare cases, and lengths are estimates;
//! no answer and no bill depends on it.

mod media;
mod payload;
mod wishes;

use std::borrow::Cow;

use rapidhash::v3::rapidhash_v3;

use super::openai::Peek;
use super::openai::member::Member;
use crate::domain::{Capabilities, Capability, Dialect};
use crate::json::{Span, each_member, unescape};

use media::Media;
use payload::texts;

/// Bytes of text per token: between English prose (4.5) and code (3.5) in today's vocabularies.
pub(super) const BYTES_PER_TOKEN: usize = 4;
/// A picture of a usual size, 1024 × 1024 pixels: OpenAI's guide counts 765 tokens for it (gpt-4o, high detail), Google's
/// 1,032 (four tiles of 258), Anthropic's 1,398 (width × height / 750).
pub(super) const TOKENS_PER_IMAGE: usize = 1_000;
/// Half a minute of speech at the 32 tokens a second that Google counts; OpenAI counts ten.
const TOKENS_PER_SOUND: usize = 1_000;
/// One page, as Anthropic counts them: 1,500 to 3,000 tokens. How many there are cannot be told from outside; too few
/// tokens let a document meet a window that is too small, which its provider says, too many would refuse what fits.
const TOKENS_PER_DOCUMENT: usize = 2_000;

/// The members that are the prompt, in the order in which providers cache it: tools, system, messages.
const PROMPT: [Member; 8] = [
    Member::Tools,
    Member::System,
    Member::SystemInstruction,
    Member::Instructions,
    Member::Messages,
    Member::Input,
    Member::Contents,
    Member::Prompt,
];

/// A request, as routing looks at it.
#[derive(Clone, Copy, Debug)]
pub struct Features<'r> {
    /// In which the client speaks.
    pub dialect: Dialect,
    /// The whole body.
    pub body: &'r [u8],
    /// What was found in it.
    pub peek: &'r Peek<'r>,
    /// Whether a stream is wanted, here or in the address.
    pub streams: bool,
    /// The header `x-session-id`.
    pub session: Option<&'r str>,
    /// The header `x-tollgate-metadata`: `key=value`, separated by commas.
    pub metadata: Option<&'r str>,
}

/// What a look over the whole prompt tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Survey {
    /// What whoever serves the request must be able to do.
    pub needs: Capabilities,
    /// Tokens of the prompt, about.
    pub prompt_tokens: u32,
}

impl<'r> Features<'r> {
    /// Looks over the whole prompt.
    pub fn survey(&self) -> Survey {
        let (mut bytes, mut media) = (0, Media::default());
        for member in PROMPT {
            let may_show = matches!(member, Member::Messages | Member::Input | Member::Contents);
            for text in self.value(member).into_iter().flat_map(texts) {
                bytes += text.len();
                if may_show {
                    media.look(self.dialect, text);
                }
            }
        }
        let tokens = bytes.div_ceil(BYTES_PER_TOKEN) + media.tokens();
        Survey {
            needs: self.streaming(media.needs(wishes::needs(self))),
            prompt_tokens: u32::try_from(tokens).unwrap_or(u32::MAX),
        }
    }

    /// What is known without a look at the prompt, for those who take anything: it counts as text as a whole.
    pub fn glance(&self) -> Survey {
        Survey {
            needs: self.streaming(Capabilities::NONE),
            prompt_tokens: u32::try_from(self.body.len() / BYTES_PER_TOKEN).unwrap_or(u32::MAX),
        }
    }

    /// Stands for whoever asks, as the client names them: by `user`, `safety_identifier`, `metadata.user_id`, or else the
    /// session, by `x-session-id` or `session_id`. 0 is nobody in particular.
    pub fn user(&self) -> u64 {
        let text = |span: Option<Span>| span.and_then(|span| string_body(span.of(self.body)));
        let part = |member| text(self.peek.parts.get(member));
        let named = text(self.peek.user)
            .or_else(|| part(Member::SafetyIdentifier))
            .or_else(|| string_body(self.of_metadata(|key| key == b"\"user_id\"")?))
            .or_else(|| self.session.map(str::as_bytes).filter(|session| !session.is_empty()))
            .or_else(|| part(Member::SessionId));
        named.map_or(0, |name| rapidhash_v3(name).max(1))
    }

    /// What the client says of the request under a key: in `x-tollgate-metadata`, or else as a string of the body's
    /// `metadata`.
    pub fn metadata(&self, key: &str) -> Option<Cow<'r, str>> {
        let pairs =
            self.metadata.into_iter().flat_map(|pairs| pairs.split(',')).filter_map(|pair| pair.split_once('='));
        let in_header = pairs.map(|(name, value)| (name.trim(), value.trim())).find(|(name, _)| *name == key);
        match in_header {
            Some((_, value)) => Some(Cow::Borrowed(value)),
            None => self.of_metadata(|quoted| unescape(quoted).as_deref() == Some(key)).and_then(unescape),
        }
    }

    /// The prompt in pieces, in the order in which providers cache it: for [`plan::chain`](crate::plan::chain).
    pub fn pieces(&self) -> impl Iterator<Item = &'r [u8]> + use<'r> {
        let features = *self;
        PROMPT.into_iter().filter_map(move |member| features.value(member))
    }

    /// Tells apart prompts that no cache shares though their bytes agree.
    pub fn salt(&self) -> u64 {
        let key = self.value(Member::PromptCacheKey).unwrap_or_default();
        rapidhash_v3(self.dialect.name().as_bytes()) ^ rapidhash_v3(key).rotate_left(1)
    }

    const fn streaming(&self, needs: Capabilities) -> Capabilities {
        if self.streams { needs.with(Capability::Streaming) } else { needs }
    }

    /// The value of a member, unless it is null.
    fn value(&self, member: Member) -> Option<&'r [u8]> {
        self.peek.parts.get(member).map(|span| span.of(self.body)).filter(|value| *value != b"null")
    }

    /// The value of the first member of the body's `metadata` whose key, quotes included, is the one.
    fn of_metadata(&self, is: impl Fn(&[u8]) -> bool) -> Option<&'r [u8]> {
        member_of(self.value(Member::Metadata)?, is)
    }
}

/// The value of the first member of an object whose key, quotes included, is the one. What is no object has no members.
fn member_of(object: &[u8], is: impl Fn(&[u8]) -> bool) -> Option<&[u8]> {
    let mut found = None;
    let walked = each_member(object, |key, value| {
        if found.is_none() && is(key.of(object)) {
            found = Some(value.of(object));
        }
    });
    walked.ok().and(found)
}

/// What is between the quotes of a string that is not empty.
fn string_body(value: &[u8]) -> Option<&[u8]> {
    value.strip_prefix(b"\"")?.strip_suffix(b"\"").filter(|body| !body.is_empty())
}
