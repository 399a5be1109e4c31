//! What a request says about itself: the few members that decide where it goes, how it is answered and what it may
//! cost.

use std::borrow::Cow;

use super::BadBody;
use super::keys::Keys;
use super::member::{Member, Parts};
use super::options::{self, Options};
use crate::json::{Fault, Malformed, Scanner, Span, Token, unescape};

/// How many members an object that we read may have.
pub const MEMBERS_MAX: usize = 1024;

/// What a request says about itself. Spans count from the body's first byte.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Peek<'b> {
    /// `model`, escapes decoded; never empty.
    pub model: Cow<'b, str>,
    /// Where its value is, quotes included; `None` when the address names the model and the body does not.
    pub model_span: Option<Span>,
    /// Whether the answer is to be streamed.
    pub stream: bool,
    /// Where the value of `stream_options` is: an object or null.
    pub stream_options: Option<Span>,
    /// Whether `stream_options.include_usage` is true: the caller wants the usage chunk.
    pub include_usage: bool,
    /// Where its value is: true, false or null.
    pub include_usage_span: Option<Span>,
    /// `max_tokens`, unless null.
    pub max_tokens: Option<u64>,
    /// `max_completion_tokens`, unless null.
    pub max_completion_tokens: Option<u64>,
    /// `n`, how many answers to give, unless null.
    pub n: Option<u64>,
    /// Where the value of `user` is, whatever it may be.
    pub user: Option<Span>,
    /// Whether `temperature`, `top_p` or `top_k` is there, which Anthropic's newest version refuses.
    pub is_sampled: bool,
    /// A member that wants something remembered from another request, or for one (Responses).
    pub state: Option<&'static str>,
    /// Where the members are that tell what it needs.
    pub parts: Parts,
    /// Where the body's opening brace is.
    pub object_start: usize,
}

impl Peek<'_> {
    /// The same, with the model's name as it is kept elsewhere: the body need not stay.
    pub fn named(self, model: &str) -> Peek<'_> {
        let Self { model_span, stream, stream_options, include_usage, include_usage_span, .. } = self;
        let Self { max_tokens, max_completion_tokens, n, user, is_sampled, state, parts, object_start, .. } = self;
        Peek {
            model: Cow::Borrowed(model),
            model_span,
            stream,
            stream_options,
            include_usage,
            include_usage_span,
            max_tokens,
            max_completion_tokens,
            n,
            user,
            is_sampled,
            state,
            parts,
            object_start,
        }
    }
}

/// Reads a body that is there as a whole.
///
/// # Errors
/// When it is not one JSON object, has a key twice, names no model, or a member that we read has the wrong type.
pub fn peek(body: &[u8]) -> Result<Peek<'_>, BadBody> {
    Peeker::new().finish(body)
}

/// Reads a body while it arrives, so that each byte is looked at while it is in the cache. Any split of a body gives
/// the same answer.
#[derive(Debug, Clone)]
pub struct Peeker {
    scanner: Scanner,
    keys: Keys,
    /// The member whose value comes next, if we want it.
    next: Option<Member>,
    /// Values, by [`Member`]; empty where there is none.
    found: [Span; Member::COUNT],
}

impl Default for Peeker {
    fn default() -> Self {
        Self::new()
    }
}

impl Peeker {
    /// Begins a body.
    pub const fn new() -> Self {
        Self {
            scanner: Scanner::new(),
            keys: Keys::new(),
            next: None,
            found: [Span { start: 0, end: 0 }; Member::COUNT],
        }
    }

    /// Scans what is new in `body`: all of the body that has arrived so far, from its first byte.
    ///
    /// # Errors
    /// As soon as no continuation could make the body a request; there is no need to read the rest.
    pub fn advance(&mut self, body: &[u8]) -> Result<(), BadBody> {
        while let Some(token) = self.scanner.next(body, 0)? {
            match token {
                Token::Key(key) => self.next = Member::named(&self.keys.add(body, key)?)?,
                Token::Value(value) => {
                    if let Some(member) = self.next {
                        self.found[member as usize] = value;
                    }
                }
            }
        }
        Ok(())
    }

    /// Scans the rest of `body`, which is whole now, and reads what was found.
    ///
    /// # Errors
    /// See [`peek`].
    pub fn finish(self, body: &[u8]) -> Result<Peek<'_>, BadBody> {
        self.finish_for(body, None)
    }

    /// The same where the address may name the model: then that one counts, and the body need not name any.
    ///
    /// # Errors
    /// See [`peek`].
    pub fn finish_for<'b>(mut self, body: &'b [u8], addressed: Option<&'b str>) -> Result<Peek<'b>, BadBody> {
        self.advance(body)?;
        self.scanner.finish().map_err(|malformed| unfinished(malformed, body))?;
        if let Some(key) = self.keys.twice(body) {
            return Err(BadBody::Twice { key });
        }
        self.read(body, addressed)
    }

    fn read<'b>(self, body: &'b [u8], addressed: Option<&'b str>) -> Result<Peek<'b>, BadBody> {
        let of = |member: Member| Some(self.found[member as usize]).filter(|span| !span.is_empty());
        let value = |member| of(member).map(|span| span.of(body));
        let is_set = |member| value(member).is_some_and(|value| !matches!(value, b"null" | b"false"));
        let model_span = of(Member::Model);
        let model = match (addressed, model_span) {
            (Some(model), _) => Cow::Borrowed(model),
            (None, Some(span)) => model(span.of(body))?,
            (None, None) => return Err(BadBody::NoModel),
        };
        let stream_options = of(Member::StreamOptions);
        let options = stream_options.map_or(Ok(Options::default()), |span| options::read(body, span))?;
        Ok(Peek {
            model,
            model_span,
            stream: value(Member::Stream).map_or(Ok(false), |value| boolean("stream", value))?,
            stream_options,
            include_usage: options.include_usage,
            include_usage_span: options.include_usage_span,
            max_tokens: count("max_tokens", value(Member::MaxTokens))?,
            max_completion_tokens: count("max_completion_tokens", value(Member::MaxCompletionTokens))?,
            n: count("n", value(Member::N))?,
            user: of(Member::User),
            is_sampled: is_set(Member::Temperature) || is_set(Member::TopP) || is_set(Member::TopK),
            state: Member::STATE.into_iter().find(|(_, member)| is_set(*member)).map(|(name, _)| name),
            parts: Parts::of(&self.found),
            object_start: body.len() - body.trim_ascii_start().len(),
        })
    }
}

fn unfinished(malformed: Malformed, body: &[u8]) -> BadBody {
    if malformed.fault == Fault::Unfinished && body.trim_ascii().is_empty() {
        return BadBody::Empty;
    }
    malformed.into()
}

fn model(value: &[u8]) -> Result<Cow<'_, str>, BadBody> {
    match unescape(value) {
        Some(model) if model.is_empty() => Err(BadBody::EmptyModel),
        Some(model) => Ok(model),
        None => Err(BadBody::WrongType { param: "model", expected: "a string of valid text" }),
    }
}

/// Reads true, false, or null for false.
pub(super) fn boolean(param: &'static str, value: &[u8]) -> Result<bool, BadBody> {
    match value {
        b"true" => Ok(true),
        b"false" | b"null" => Ok(false),
        _ => Err(BadBody::WrongType { param, expected: "true, false or null" }),
    }
}

/// Reads a whole number, or null for none.
fn count(param: &'static str, value: Option<&[u8]>) -> Result<Option<u64>, BadBody> {
    match value {
        None | Some(b"null") => Ok(None),
        Some(digits) => {
            let number = std::str::from_utf8(digits).ok().and_then(|digits| digits.parse().ok());
            number
                .map(Some)
                .ok_or(BadBody::WrongType { param, expected: "a whole number that is not negative, or null" })
        }
    }
}
