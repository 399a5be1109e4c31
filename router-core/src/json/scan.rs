//! The top level of an object, byte by byte.

use super::Span;
use super::scalar::Scalar;
use super::skip::{InNested, InString, Stuck};

/// How many brackets may be open at once, the object's own included.
pub const DEPTH_MAX: u32 = 512;

/// What is wrong with a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// It starts with something else than an opening brace.
    #[error("expected an object")]
    NotAnObject,
    /// A member does not start with a string.
    #[error("expected a key in double quotes")]
    NoKey,
    /// No colon after a key.
    #[error("expected a colon")]
    NoColon,
    /// No value after a colon.
    #[error("expected a value")]
    NoValue,
    /// Something that is neither a number nor `true`, `false` or `null`.
    #[error("expected a number, true, false or null")]
    BadScalar,
    /// A value is followed by neither a comma nor the object's end.
    #[error("expected a comma or a closing brace")]
    NoComma,
    /// A bracket is closed by one of the other kind.
    #[error("the bracket does not match the one it closes")]
    Mismatch,
    /// A backslash outside of strings.
    #[error("unexpected backslash")]
    StrayBackslash,
    /// More than [`DEPTH_MAX`] brackets are open.
    #[error("nested more than {DEPTH_MAX} levels deep")]
    TooDeep,
    /// Something follows the object.
    #[error("expected nothing after the object")]
    Trailing,
    /// The text ends before the object does.
    #[error("the text ends too early")]
    Unfinished,
}

/// A text that is not one JSON object.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{fault} at byte {at}")]
pub struct Malformed {
    /// What is wrong.
    pub fault: Fault,
    /// Where, counted in bytes from the text's first.
    pub at: usize,
}

/// A part of the object that has just ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Token {
    /// A member's key, quotes included.
    Key(Span),
    /// The value of the key before it: a string with its quotes, an object, an array, or a scalar.
    Value(Span),
}

/// Scans one object, whole or in pieces. Any split of a text gives the same tokens and the same error.
#[derive(Debug, Clone)]
pub struct Scanner {
    /// The next byte to look at.
    at: usize,
    /// Where the key or value that we are in began.
    start: usize,
    place: Place,
    /// The string that we are in.
    string: InString,
    /// The object or array that we are in, and the bracket that it must end with.
    nested: InNested,
    closer: u8,
    /// The scalar that we are in.
    scalar: Scalar,
    /// What was wrong first.
    malformed: Option<Malformed>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    /// Before the object.
    Before,
    /// After the opening brace.
    FirstKey,
    /// After a comma.
    Key,
    InKey,
    Colon,
    Value,
    InString,
    InNested,
    InScalar,
    /// After a value.
    Comma,
    /// After the object.
    After,
}

impl Default for Scanner {
    fn default() -> Self {
        Self::new()
    }
}

impl Scanner {
    /// A scanner at the first byte of a text.
    pub const fn new() -> Self {
        Self {
            at: 0,
            start: 0,
            place: Place::Before,
            string: InString::new(),
            nested: InNested::new(),
            closer: 0,
            scalar: Scalar::Minus,
            malformed: None,
        }
    }

    /// The next token that ends within `text`, or `None` when more text is needed.
    ///
    /// The first byte of `text` is byte `base` of the whole: a text that grows in one buffer is given with base 0 each
    /// time, a piece of a text that is not kept with the length of all pieces before it. Only bytes that were not
    /// scanned yet are looked at.
    ///
    /// # Errors
    /// When the text is not one JSON object; from then on always the same error.
    pub fn next(&mut self, text: &[u8], base: usize) -> Result<Option<Token>, Malformed> {
        if let Some(malformed) = self.malformed {
            return Err(malformed);
        }
        while let Some(rest @ [_, ..]) = text.get(self.at.saturating_sub(base)..) {
            let token = match self.place {
                Place::InKey => self.string(rest, Place::Colon).map(Token::Key),
                Place::InString => self.string(rest, Place::Comma).map(Token::Value),
                Place::InNested => self.nested(rest)?.map(Token::Value),
                Place::InScalar => self.scalar(rest)?.map(Token::Value),
                _ => {
                    self.punctuation(rest)?;
                    None
                }
            };
            if token.is_some() {
                return Ok(token);
            }
        }
        Ok(None)
    }

    /// Ends the text.
    ///
    /// # Errors
    /// When the object has not ended, or was none.
    pub fn finish(&self) -> Result<(), Malformed> {
        match self.malformed {
            Some(malformed) => Err(malformed),
            None if self.place == Place::After => Ok(()),
            None => Err(Malformed { fault: Fault::Unfinished, at: self.at }),
        }
    }

    /// Where a key or value began that has not ended yet. It is a value when the last token was a key.
    pub fn open(&self) -> Option<usize> {
        self.is_open().then_some(self.start)
    }

    const fn is_open(&self) -> bool {
        matches!(self.place, Place::InKey | Place::InString | Place::InNested | Place::InScalar)
    }

    fn string(&mut self, rest: &[u8], then: Place) -> Option<Span> {
        let end = self.string.cross(rest);
        self.cross(rest, end, then)
    }

    fn nested(&mut self, rest: &[u8]) -> Result<Option<Span>, Malformed> {
        match self.nested.cross(rest, DEPTH_MAX - 1) {
            Ok(Some(end)) if rest[end - 1] != self.closer => self.fail(Fault::Mismatch, end - 1),
            Ok(end) => Ok(self.cross(rest, end, Place::Comma)),
            Err(Stuck::TooDeep(at)) => self.fail(Fault::TooDeep, at),
            Err(Stuck::StrayBackslash(at)) => self.fail(Fault::StrayBackslash, at),
        }
    }

    fn scalar(&mut self, rest: &[u8]) -> Result<Option<Span>, Malformed> {
        for (at, &byte) in rest.iter().enumerate() {
            if matches!(byte, b',' | b'}') || is_space(byte) {
                if !self.scalar.is_whole() {
                    return self.fail(Fault::BadScalar, at);
                }
                return Ok(self.cross(rest, Some(at), Place::Comma));
            }
            match self.scalar.then(byte) {
                Some(longer) => self.scalar = longer,
                None => return self.fail(Fault::BadScalar, at),
            }
        }
        Ok(self.cross(rest, None, Place::Comma))
    }

    /// Moves to the end of what we are in, or to the end of `rest` when it does not end there.
    fn cross(&mut self, rest: &[u8], end: Option<usize>, then: Place) -> Option<Span> {
        self.at += end.unwrap_or(rest.len());
        end.map(|_| {
            self.place = then;
            Span { start: self.start, end: self.at }
        })
    }

    /// Moves over whitespace and punctuation to where a key or value begins, or the object ends.
    fn punctuation(&mut self, rest: &[u8]) -> Result<(), Malformed> {
        for (ahead, &byte) in rest.iter().enumerate() {
            if is_space(byte) {
                continue;
            }
            match self.after(byte) {
                Ok(place) => self.place = place,
                Err(fault) => return self.fail(fault, ahead),
            }
            if self.is_open() {
                self.start = self.at + ahead;
                // A nested value's own bracket counts as one that is open, so it is crossed with the rest.
                self.at = self.start + usize::from(self.place != Place::InNested);
                return Ok(());
            }
        }
        self.at += rest.len();
        Ok(())
    }

    /// Where a byte that is no whitespace leads to.
    fn after(&mut self, byte: u8) -> Result<Place, Fault> {
        match (self.place, byte) {
            (Place::Before, b'{') => Ok(Place::FirstKey),
            (Place::Before, _) => Err(Fault::NotAnObject),
            (Place::FirstKey | Place::Comma, b'}') => Ok(Place::After),
            (Place::FirstKey | Place::Key, b'"') => Ok(Place::InKey),
            (Place::FirstKey | Place::Key, _) => Err(Fault::NoKey),
            (Place::Colon, b':') => Ok(Place::Value),
            (Place::Colon, _) => Err(Fault::NoColon),
            (Place::Value, _) => self.value(byte).ok_or(Fault::NoValue),
            (Place::Comma, b',') => Ok(Place::Key),
            (Place::Comma, _) => Err(Fault::NoComma),
            _ => Err(Fault::Trailing),
        }
    }

    /// What a value is that starts with this byte.
    fn value(&mut self, byte: u8) -> Option<Place> {
        match byte {
            b'"' => Some(Place::InString),
            b'{' | b'[' => {
                self.nested = InNested::new();
                // In ASCII, `}` is two after `{`, and `]` two after `[`.
                self.closer = byte + 2;
                Some(Place::InNested)
            }
            _ => {
                self.scalar = Scalar::start(byte)?;
                Some(Place::InScalar)
            }
        }
    }

    #[cold]
    fn fail<T>(&mut self, fault: Fault, ahead: usize) -> Result<T, Malformed> {
        let malformed = Malformed { fault, at: self.at + ahead };
        self.malformed = Some(malformed);
        Err(malformed)
    }
}

/// Calls `member` with key and value of every member of the object that `text` is.
///
/// # Errors
/// When the text is not one JSON object.
pub fn each_member(text: &[u8], mut member: impl FnMut(Span, Span)) -> Result<(), Malformed> {
    let mut scanner = Scanner::new();
    let mut key = Span::default();
    while let Some(token) = scanner.next(text, 0)? {
        match token {
            Token::Key(span) => key = span,
            Token::Value(value) => member(key, value),
        }
    }
    scanner.finish()
}

const fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\n' | b'\r')
}
