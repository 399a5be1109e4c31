//! A request on its way to a provider.

use std::io::IoSlice;

use bytes::Bytes;

/// A request up to this size is copied into one piece, so that one plain write sends it.
const JOIN_MAX: usize = 16 << 10;
/// Most pieces that one write is offered.
const PIECES_MAX: usize = 8;

/// The head and body of a request, in the form in which they are written.
///
/// A small request is one piece. The body of a large one stays where it was received, and edits stand between its
/// pieces: it is never copied.
#[derive(Debug, Default)]
pub(crate) struct Outgoing {
    first: Vec<u8>,
    rest: Vec<Bytes>,
    body_start: usize,
}

impl Outgoing {
    /// Puts a request together behind its head's beginning. `pieces` are the edited body; those that lie within `body`
    /// are shared with it.
    pub(crate) fn new<'p>(
        mut buffer: Vec<u8>,
        body_len: usize,
        pieces: impl Iterator<Item = &'p [u8]>,
        body: &Bytes,
    ) -> Self {
        buffer.extend_from_slice(b"content-length: ");
        buffer.extend_from_slice(itoa::Buffer::new().format(body_len).as_bytes());
        buffer.extend_from_slice(b"\r\n\r\n");
        let body_start = buffer.len();
        let mut rest = Vec::new();
        for piece in pieces {
            if body.is_empty() || body_len <= JOIN_MAX {
                buffer.extend_from_slice(piece);
            } else {
                rest.push(shared(body, piece));
            }
        }
        Self { first: buffer, rest, body_start }
    }

    /// Whether the body may be copied into one piece.
    pub(crate) const fn is_small(body_len: usize) -> bool {
        body_len <= JOIN_MAX
    }

    /// A request whose body was made here: it is not copied if it is large.
    pub(crate) fn owned(buffer: Vec<u8>, body: Vec<u8>) -> Self {
        let body = Bytes::from(body);
        Self::new(buffer, body.len(), std::iter::once(&body[..]), &body)
    }

    /// Adds a header line.
    pub(super) fn add_line(&mut self, name: &str, value: &str) {
        let end_of_first_line = memchr::memchr(b'\n', &self.first).map_or(0, |at| at + 1);
        let line = format!("{name}: {value}\r\n").into_bytes();
        self.body_start += line.len();
        self.first.splice(end_of_first_line..end_of_first_line, line);
    }

    /// The path, without query.
    pub(super) fn path(&self) -> &str {
        let target = self.first.split(|byte| *byte == b' ').nth(1).unwrap_or_default();
        let path = target.split(|byte| *byte == b'?').next().unwrap_or_default();
        std::str::from_utf8(path).unwrap_or_default()
    }

    /// The head, as it is written in HTTP/1.1.
    pub(super) fn head(&self) -> &[u8] {
        &self.first[..self.body_start]
    }

    /// The body, for a protocol that frames it itself.
    pub(crate) fn body(&self) -> impl Iterator<Item = Bytes> {
        let joined = Bytes::copy_from_slice(&self.first[self.body_start..]);
        std::iter::once(joined).chain(self.rest.iter().cloned()).filter(|piece| !piece.is_empty())
    }

    /// What is left after `written` bytes, as slices for one write; gives how many slices.
    pub(crate) fn pieces_after<'o>(&'o self, written: usize, slices: &mut [IoSlice<'o>; PIECES_MAX]) -> usize {
        let mut skip = written;
        let mut count = 0;
        let pieces = std::iter::once(self.first.as_slice()).chain(self.rest.iter().map(|piece| &piece[..]));
        for piece in pieces {
            if count == PIECES_MAX {
                break;
            }
            if skip < piece.len() {
                slices[count] = IoSlice::new(&piece[skip..]);
                count += 1;
            }
            skip = skip.saturating_sub(piece.len());
        }
        count
    }

    /// Lets go of the body; gives the buffer back for the next request.
    pub(crate) fn into_buffer(self) -> Vec<u8> {
        self.first
    }
}

/// The piece as a part of the body when it is one, else a copy.
fn shared(body: &Bytes, piece: &[u8]) -> Bytes {
    let (outer, inner) = (body.as_ptr_range(), piece.as_ptr_range());
    if outer.start <= inner.start && inner.end <= outer.end {
        body.slice_ref(piece)
    } else {
        Bytes::copy_from_slice(piece)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(outgoing: &Outgoing, after: usize) -> Vec<u8> {
        let mut slices = [IoSlice::new(&[]); PIECES_MAX];
        let count = outgoing.pieces_after(after, &mut slices);
        slices[..count].iter().flat_map(|slice| slice.to_vec()).collect()
    }

    #[test]
    fn small_and_large_requests_are_the_same_bytes_from_any_point() {
        for size in [10, JOIN_MAX + 1] {
            let body = Bytes::from(vec![b'x'; size]);
            let pieces = [&body[..5], b"edit", &body[7..]];
            let len = size + 2;
            let outgoing = Outgoing::new(Vec::new(), len, pieces.into_iter(), &body);
            let whole = [format!("content-length: {len}\r\n\r\n").as_bytes(), &pieces.concat()].concat();
            for after in [0, 3, 17, 25, 30, whole.len()] {
                assert_eq!(written(&outgoing, after), whole[after..], "after {after}");
            }
            assert_eq!(outgoing.body().collect::<Vec<_>>().concat(), pieces.concat());
        }
    }
}
