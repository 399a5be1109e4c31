//! Where a body ends, and its bytes without their framing.

/// Bytes of a chunk's extensions, or of all trailers, that are read past; more is refused.
const OVERHEAD_MAX: u32 = 4096;

/// Why bytes are not a body.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BodyError {
    /// A chunk's size is missing, not hexadecimal or absurd.
    #[error("a chunk's size is not valid")]
    ChunkSize,
    /// A line does not end as it must.
    #[error("a chunk does not end as it must")]
    ChunkEnd,
    /// Extensions or trailers have no end.
    #[error("chunk extensions or trailers are too long")]
    Overhead,
}

/// What a call to [`BodyDecoder::decode`] did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Decoded {
    /// Body bytes now stand in `..body_end`.
    pub body_end: usize,
    /// Raw bytes from here on belong to what follows the body.
    pub raw_start: usize,
    /// Whether the body is complete.
    pub ended: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Length(u64),
    UntilClose,
    /// In a chunk's size line: the size so far, and whether a digit was seen.
    Size(u64, bool),
    /// In the extensions of a chunk of this size.
    Extension(u64),
    /// After the carriage return of the size line.
    SizeEnd(u64),
    Data(u64),
    DataCr,
    DataLf,
    /// At the start of a trailer line or of the last line.
    TrailerStart,
    Trailer,
    TrailerLf,
    LastLf,
    Ended,
}

/// Takes the framing off a body, in place and in any split. Chunk extensions and trailers are read past and forgotten:
/// nobody needs them here and nothing of them is sent on (RFC 9112, 7.1.1 and 7.1.2).
#[derive(Clone, Debug)]
pub struct BodyDecoder {
    state: State,
    overhead: u32,
}

impl BodyDecoder {
    /// A body of so many bytes.
    pub fn length(bytes: u64) -> Self {
        Self::new(if bytes == 0 { State::Ended } else { State::Length(bytes) })
    }

    /// A body in chunks.
    pub fn chunked() -> Self {
        Self::new(State::Size(0, false))
    }

    /// A body that ends with its connection.
    pub fn until_close() -> Self {
        Self::new(State::UntilClose)
    }

    fn new(state: State) -> Self {
        Self { state, overhead: 0 }
    }

    /// Whether the body is complete.
    pub fn is_ended(&self) -> bool {
        self.state == State::Ended
    }

    /// Whether the end of the connection is the end of the body.
    pub fn ends_with_connection(&self) -> bool {
        self.state == State::UntilClose
    }

    /// Bytes that are still to come, if that is known.
    pub fn remaining(&self) -> Option<u64> {
        match self.state {
            State::Length(left) => Some(left),
            State::Ended => Some(0),
            _ => None,
        }
    }

    /// Takes the framing off `buf[raw_start..]` and moves the body's bytes to `body_end..`, which is not after
    /// `raw_start`. Stops at the end of the body or of the bytes.
    pub fn decode(&mut self, buf: &mut [u8], body_end: usize, raw_start: usize) -> Result<Decoded, BodyError> {
        let mut at = Decoded { body_end, raw_start, ended: self.is_ended() };
        while at.raw_start < buf.len() && !at.ended {
            match self.state {
                State::Length(left) => {
                    let left = left - take(buf, &mut at, left);
                    self.state = if left == 0 { State::Ended } else { State::Length(left) };
                }
                State::UntilClose => {
                    take(buf, &mut at, u64::MAX);
                }
                State::Data(left) => {
                    let left = left - take(buf, &mut at, left);
                    self.state = if left == 0 { State::DataCr } else { State::Data(left) };
                }
                _ => {
                    self.state = self.step(buf[at.raw_start])?;
                    at.raw_start += 1;
                }
            }
            at.ended = self.is_ended();
        }
        Ok(at)
    }

    /// One byte of a chunk's framing.
    fn step(&mut self, byte: u8) -> Result<State, BodyError> {
        match self.state {
            State::Size(size, seen) => match (char::from(byte).to_digit(16), byte) {
                // Fifteen digits: no size that could wrap around, in us or in whoever comes after.
                (Some(digit), _) if size < 1 << 56 => Ok(State::Size(size * 16 + u64::from(digit), true)),
                (None, b'\r') if seen => Ok(State::SizeEnd(size)),
                (None, b';' | b' ' | b'\t') if seen => Ok(State::Extension(size)),
                _ => Err(BodyError::ChunkSize),
            },
            State::Extension(size) => {
                self.count()?;
                match byte {
                    b'\r' => Ok(State::SizeEnd(size)),
                    b'\n' | 0 => Err(BodyError::ChunkEnd),
                    _ => Ok(State::Extension(size)),
                }
            }
            State::SizeEnd(size) => match byte {
                b'\n' if size == 0 => Ok(State::TrailerStart),
                b'\n' => Ok(State::Data(size)),
                _ => Err(BodyError::ChunkEnd),
            },
            State::DataCr if byte == b'\r' => Ok(State::DataLf),
            State::DataLf if byte == b'\n' => Ok(State::Size(0, false)),
            State::TrailerStart if byte == b'\r' => Ok(State::LastLf),
            State::TrailerStart | State::Trailer => {
                self.count()?;
                match byte {
                    b'\r' => Ok(State::TrailerLf),
                    b'\n' | 0 => Err(BodyError::ChunkEnd),
                    _ => Ok(State::Trailer),
                }
            }
            State::TrailerLf if byte == b'\n' => Ok(State::TrailerStart),
            State::LastLf if byte == b'\n' => Ok(State::Ended),
            _ => Err(BodyError::ChunkEnd),
        }
    }

    fn count(&mut self) -> Result<(), BodyError> {
        self.overhead += 1;
        if self.overhead > OVERHEAD_MAX { Err(BodyError::Overhead) } else { Ok(()) }
    }
}

/// Moves up to `max` raw bytes to the end of the body; gives how many.
fn take(buf: &mut [u8], at: &mut Decoded, max: u64) -> u64 {
    let available = buf.len() - at.raw_start;
    let taken = usize::try_from(max).map_or(available, |max| available.min(max));
    if at.body_end != at.raw_start {
        buf.copy_within(at.raw_start..at.raw_start + taken, at.body_end);
    }
    at.body_end += taken;
    at.raw_start += taken;
    taken as u64
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Feeds `raw` in pieces of the given sizes; gives the body, what follows it, and whether it ended.
    fn decode(mut decoder: BodyDecoder, raw: &[u8], sizes: &[usize]) -> Result<(Vec<u8>, Vec<u8>, bool), BodyError> {
        let (mut buf, mut body_end, mut rest) = (Vec::new(), 0, raw);
        let mut sizes = sizes.iter().cycle();
        while !rest.is_empty() && !decoder.is_ended() {
            let size = (*sizes.next().expect("sizes are not empty")).clamp(1, rest.len());
            let raw_start = buf.len();
            buf.extend_from_slice(&rest[..size]);
            rest = &rest[size..];
            let decoded = decoder.decode(&mut buf, body_end, raw_start)?;
            body_end = decoded.body_end;
            let after = buf.split_off(decoded.raw_start);
            buf.truncate(body_end);
            if decoded.ended {
                return Ok((buf, [&after, rest].concat(), true));
            }
        }
        Ok((buf, rest.to_vec(), decoder.is_ended()))
    }

    #[test]
    fn chunks_extensions_and_trailers_leave_the_body() {
        let raw = b"5\r\nhello\r\n1;name=value\r\n \r\n005 \r\nworld\r\n0\r\nTrailer: x\r\n\r\nnext";
        let expected = (b"hello world".to_vec(), b"next".to_vec(), true);
        assert_eq!(decode(BodyDecoder::chunked(), raw, &[raw.len()]), Ok(expected));
    }

    #[test]
    fn what_is_no_chunk_is_refused() {
        for raw in [
            "\r\n",
            "-1\r\n",
            "+1\r\na",
            "0x1\r\na",
            "g\r\n",
            " 1\r\na",
            "ffffffffffffffff\r\n",
            "1\na\n",
            "1\r\nab\r\n",
            "1\r\na\n0\r\n\r\n",
            "1;a\nb\r\n",
            "0\r\nTrailer: x\n\r\n",
            "0\r\n\rx",
            "1\rx",
        ] {
            assert!(decode(BodyDecoder::chunked(), raw.as_bytes(), &[64]).is_err(), "{raw:?}");
        }
        let endless = format!("1;{}", "x".repeat(5000));
        assert_eq!(decode(BodyDecoder::chunked(), endless.as_bytes(), &[64]), Err(BodyError::Overhead));
        let trailers = format!("0\r\n{}", "a: b\r\n".repeat(1000));
        assert_eq!(decode(BodyDecoder::chunked(), trailers.as_bytes(), &[64]), Err(BodyError::Overhead));
    }

    #[test]
    fn a_length_takes_exactly_its_bytes() {
        let expected = (b"abc".to_vec(), b"GET /".to_vec(), true);
        assert_eq!(decode(BodyDecoder::length(3), b"abcGET /", &[2]), Ok(expected));
        assert_eq!(decode(BodyDecoder::length(0), b"GET /", &[2]).map(|(body, ..)| body), Ok(Vec::new()));
    }

    proptest! {
        #[test]
        fn every_split_of_a_chunked_body_decodes_the_same(
            chunks in prop::collection::vec(prop::collection::vec(any::<u8>(), 1..40), 0..8),
            sizes in prop::collection::vec(1usize..30, 1..8),
        ) {
            let mut raw = Vec::new();
            for chunk in &chunks {
                raw.extend(format!("{:X}\r\n", chunk.len()).bytes());
                raw.extend(chunk);
                raw.extend(b"\r\n");
            }
            raw.extend(b"0\r\n\r\nafter");
            prop_assert_eq!(
                decode(BodyDecoder::chunked(), &raw, &sizes),
                Ok((chunks.concat(), b"after".to_vec(), true))
            );
        }

        #[test]
        fn random_bytes_never_panic(raw in prop::collection::vec(any::<u8>(), 0..200), size in 1usize..50) {
            let _ = decode(BodyDecoder::chunked(), &raw, &[size]);
        }
    }
}
