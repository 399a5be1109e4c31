//! Numbers, `true`, `false` and `null`, one byte at a time (RFC 8259, 3 and 6).

/// How far into a scalar we are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scalar {
    /// A word, and how many of its bytes we had.
    Word(&'static [u8], usize),
    /// `-`
    Minus,
    /// A leading `0`, which no digit may follow.
    Zero,
    /// Digits before the point.
    Whole,
    /// `.`
    Point,
    /// Digits after the point.
    Fraction,
    /// `e`
    Exponent,
    /// The exponent's sign.
    Sign,
    /// The exponent's digits.
    Power,
}

impl Scalar {
    /// The scalar that starts with this byte.
    pub const fn start(byte: u8) -> Option<Self> {
        match byte {
            b't' => Some(Self::Word(b"true", 1)),
            b'f' => Some(Self::Word(b"false", 1)),
            b'n' => Some(Self::Word(b"null", 1)),
            b'-' => Some(Self::Minus),
            b'0' => Some(Self::Zero),
            b'1'..=b'9' => Some(Self::Whole),
            _ => None,
        }
    }

    /// The scalar with one more byte, if there is one.
    pub fn then(self, byte: u8) -> Option<Self> {
        match (self, byte) {
            (Self::Word(word, had), _) => (word.get(had) == Some(&byte)).then_some(Self::Word(word, had + 1)),
            (Self::Minus, b'0') => Some(Self::Zero),
            (Self::Minus, b'1'..=b'9') | (Self::Whole, b'0'..=b'9') => Some(Self::Whole),
            (Self::Zero | Self::Whole, b'.') => Some(Self::Point),
            (Self::Point | Self::Fraction, b'0'..=b'9') => Some(Self::Fraction),
            (Self::Zero | Self::Whole | Self::Fraction, b'e' | b'E') => Some(Self::Exponent),
            (Self::Exponent, b'+' | b'-') => Some(Self::Sign),
            (Self::Exponent | Self::Sign | Self::Power, b'0'..=b'9') => Some(Self::Power),
            _ => None,
        }
    }

    /// Whether it may end here.
    pub const fn is_whole(self) -> bool {
        match self {
            Self::Word(word, had) => word.len() == had,
            Self::Zero | Self::Whole | Self::Fraction | Self::Power => true,
            Self::Minus | Self::Point | Self::Exponent | Self::Sign => false,
        }
    }
}
