//! A client that sends what it is given and reads answers strictly.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, Shutdown, TcpStream};

use serde_json::Value;

use super::PATIENCE;

/// One connection to a gateway.
pub struct Raw {
    stream: BufReader<TcpStream>,
}

/// An answer as it came.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    /// Status line and headers, up to the empty line.
    pub head: String,
    /// The content, without framing.
    pub body: Vec<u8>,
    /// Whether the framing said that this is all of it. A body that lasts as long as its connection is whole when the
    /// connection ends in the orderly way.
    pub whole: bool,
}

impl Raw {
    pub fn connect(port: u16) -> Self {
        let stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).expect("the gateway listens");
        stream.set_read_timeout(Some(PATIENCE)).expect("a live socket");
        stream.set_nodelay(true).expect("a live socket");
        Self { stream: BufReader::new(stream) }
    }

    /// Sends bytes in one write. A gateway that has hung up already is no mistake: what it said is still to be read.
    pub fn send(&mut self, bytes: impl AsRef<[u8]>) -> &mut Self {
        let _ = self.stream.get_mut().write_all(bytes.as_ref());
        self
    }

    /// Closes the sending side.
    pub fn half_close(&self) {
        self.stream.get_ref().shutdown(Shutdown::Write).expect("a live socket");
    }

    /// Reads the next answer, be it interim or final.
    #[track_caller]
    pub fn answer(&mut self) -> Answer {
        let head = self.head();
        let status = head.get(9..12).and_then(|code| code.parse().ok()).unwrap_or_else(|| panic!("no status: {head}"));
        let mut answer = Answer { status, head, body: Vec::new(), whole: true };
        if status >= 200 && status != 204 && status != 304 {
            answer.whole = self.body(&answer.framing(), &mut answer.body);
        }
        answer
    }

    /// Sends a request and reads its answer.
    #[track_caller]
    pub fn ask(&mut self, bytes: impl AsRef<[u8]>) -> Answer {
        self.send(bytes).answer()
    }

    /// Reads the head of the next answer and leaves its body.
    #[track_caller]
    pub fn head(&mut self) -> String {
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            let read = self.stream.read_until(b'\n', &mut head).expect("an answer in time");
            assert!(read > 0, "the connection ended in a head: {:?}", String::from_utf8_lossy(&head));
        }
        String::from_utf8(head).expect("a head in ASCII")
    }

    /// Reads the next chunk of a body in chunks, or nothing at its end.
    pub fn chunk(&mut self) -> Option<Vec<u8>> {
        let mut line = String::new();
        self.stream.read_line(&mut line).ok()?;
        let size = usize::from_str_radix(line.strip_suffix("\r\n")?, 16).ok()?;
        let mut data = vec![0; size + 2];
        self.stream.read_exact(&mut data).ok()?;
        let framed = data.split_off(size) == b"\r\n";
        framed.then_some(data)
    }

    /// Reads chunks until their content contains `text`; gives the content.
    #[track_caller]
    pub fn chunks_until(&mut self, text: &str) -> String {
        let mut content = Vec::new();
        while !String::from_utf8_lossy(&content).contains(text) {
            content.extend(self.chunk().unwrap_or_else(|| panic!("no {text:?} in {content:?}")));
        }
        String::from_utf8(content).expect("text")
    }

    /// What follows until the gateway closes; a reset counts as the end.
    pub fn rest(&mut self) -> Vec<u8> {
        let mut rest = Vec::new();
        if let Err(error) = self.stream.read_to_end(&mut rest) {
            assert!(error.kind() != std::io::ErrorKind::WouldBlock, "the gateway did not close the connection");
        }
        rest
    }

    /// Says that the gateway has closed the connection, without another byte.
    #[track_caller]
    pub fn expect_closed(&mut self) {
        let rest = self.rest();
        assert!(rest.is_empty(), "more came: {:?}", String::from_utf8_lossy(&rest));
    }

    /// Reads a body; gives whether it came whole.
    fn body(&mut self, framing: &Framing, body: &mut Vec<u8>) -> bool {
        match framing {
            Framing::Length(length) => {
                let read = (&mut self.stream).take(*length).read_to_end(body);
                read.is_ok_and(|read| read as u64 == *length)
            }
            Framing::UntilClose => self.stream.read_to_end(body).is_ok(),
            Framing::Chunked => loop {
                match self.chunk() {
                    Some(data) if data.is_empty() => return true,
                    Some(data) => body.extend(data),
                    None => return false,
                }
            },
        }
    }
}

enum Framing {
    Length(u64),
    Chunked,
    UntilClose,
}

impl Answer {
    /// The value of a header; the first one, when there are several.
    pub fn header(&self, name: &str) -> Option<&str> {
        let mut fields = self.head.lines().skip(1).filter_map(|line| line.split_once(':'));
        fields.find(|(field, _)| field.eq_ignore_ascii_case(name)).map(|(_, value)| value.trim())
    }

    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    #[track_caller]
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error}: {}{}", self.head, self.text()))
    }

    /// Whether the gateway announced that it closes the connection.
    pub fn closes(&self) -> bool {
        self.header("connection").is_some_and(|value| value.eq_ignore_ascii_case("close"))
    }

    /// Says that this is an error in OpenAI's shape, with nothing beside `error` and a text for people.
    #[track_caller]
    pub fn expect_error(&self, what: &str, status: u16, kind: &str, code: &str) -> Value {
        assert_eq!(self.status, status, "{what}: {}{}", self.head, self.text());
        assert!(self.whole, "{what}: the answer is cut");
        assert_eq!(self.header("content-type"), Some("application/json"), "{what}: {}", self.head);
        assert!(self.header("x-request-id").is_some_and(|id| !id.is_empty()), "{what}: {}", self.head);
        let body = self.json();
        let members: Vec<_> = body.as_object().expect("an object").keys().collect();
        assert_eq!(members, ["error"], "{what}");
        let error = &body["error"];
        assert_eq!((&error["type"], &error["code"]), (&kind.into(), &code.into()), "{what}: {error}");
        assert!(error["message"].as_str().is_some_and(|message| message.len() > 5), "{what}: {error}");
        let param = error.get("param").unwrap_or_else(|| panic!("{what}: no param in {error}"));
        assert!(param.is_null() || param.is_string(), "{what}: {error}");
        error.clone()
    }

    #[track_caller]
    fn framing(&self) -> Framing {
        let coding = self.header("transfer-encoding");
        let length = self.header("content-length");
        assert!(coding.is_none() || length.is_none(), "an answer with two framings: {}", self.head);
        match (coding, length) {
            (Some("chunked"), _) => Framing::Chunked,
            (Some(coding), _) => panic!("the transfer coding {coding}"),
            (_, Some(length)) => Framing::Length(length.parse().expect("a length")),
            (None, None) => Framing::UntilClose,
        }
    }
}
