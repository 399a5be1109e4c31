//! A provider that costs next to nothing: it finds the model in the request and writes prepared bytes.
//!
//! Requests come with a content length and one at a time per connection, which is how gateways speak to providers.

use std::net::SocketAddr;
use std::sync::Arc;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::{MissedTickBehavior, interval};

use router_core::domain::Dialect;

use crate::failure::{Context, Result};
use crate::pair;
use crate::script::{BURST_WRITES, Behaviour, PACE, PACED_WRITES, Script};

const READ_BYTES: usize = 64 * 1024;
const HEADERS_MAX: usize = 64;

/// Answers on `listen` until the process ends.
pub(crate) async fn serve(listen: SocketAddr) -> Result<()> {
    let listener = TcpListener::bind(listen).await.context(|| format!("listening on {listen}"))?;
    let script = Arc::new(Script::new());
    loop {
        let (stream, _) = listener.accept().await.context(|| "accepting a connection")?;
        let script = Arc::clone(&script);
        tokio::spawn(async move {
            if let Err(error) = converse(stream, &script).await {
                eprintln!("mock: {error}");
            }
        });
    }
}

/// Serves one connection until the caller closes it.
async fn converse(mut stream: TcpStream, script: &Script) -> Result<()> {
    stream.set_nodelay(true).context(|| "setting nodelay")?;
    let mut buffer = vec![0; READ_BYTES];
    while let Some(asked) = read_request(&mut stream, &mut buffer).await? {
        if answer(&mut stream, script, asked).await.is_err() {
            return Ok(());
        }
    }
    Ok(())
}

/// What the mock needs to know of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Asked {
    /// A script of Chat Completions.
    Script { behaviour: Behaviour, usage: bool },
    /// A stream of this dialect.
    Mixed(Dialect),
}

/// Reads one request whole; `None` if the caller is done. Only what fits the buffer is looked at.
async fn read_request(stream: &mut TcpStream, buffer: &mut [u8]) -> Result<Option<Asked>> {
    let mut filled = 0;
    loop {
        let read = match stream.read(&mut buffer[filled..]).await {
            Ok(0) | Err(_) => return Ok(None),
            Ok(read) => read,
        };
        filled += read;
        let Some((head_bytes, body_bytes)) = parse_head(&buffer[..filled])? else { continue };
        let whole = head_bytes + body_bytes;
        if filled > whole {
            return Err("the caller sent a second request before it had the first answer".into());
        }
        while filled < whole.min(buffer.len()) {
            match stream.read(&mut buffer[filled..]).await {
                Ok(0) | Err(_) => return Ok(None),
                Ok(read) => filled += read,
            }
        }
        let asked = parse(&buffer[..head_bytes], &buffer[head_bytes..filled])?;
        let complete = discard(stream, &mut buffer[head_bytes..], whole.saturating_sub(filled)).await;
        return Ok(complete.then_some(asked));
    }
}

/// Length of the head and of the body that it announces; `None` if the head is not complete.
fn parse_head(bytes: &[u8]) -> Result<Option<(usize, usize)>> {
    let mut headers = [httparse::EMPTY_HEADER; HEADERS_MAX];
    let mut head = httparse::Request::new(&mut headers);
    let httparse::Status::Complete(head_bytes) = head.parse(bytes).context(|| "reading a request head")? else {
        return if bytes.len() < READ_BYTES { Ok(None) } else { Err("the request head is too long".into()) };
    };
    let length = head.headers.iter().find(|header| header.name.eq_ignore_ascii_case("content-length"));
    let length = length.context(|| "the request has no content-length")?;
    let text = std::str::from_utf8(length.value).context(|| "reading content-length")?;
    Ok(Some((head_bytes, text.trim().parse().context(|| "reading content-length")?)))
}

fn parse(head: &[u8], body: &[u8]) -> Result<Asked> {
    let mut parts = head.split(|byte| matches!(byte, b' ' | b'?'));
    let path = parts.nth(1).and_then(|path| std::str::from_utf8(path).ok()).unwrap_or_default();
    if pair::is_asked(path, body) {
        return Ok(Asked::Mixed(pair::dialect_of(path)));
    }
    let behaviour = Behaviour::find(body).context(|| "the request names no model of this mock")?;
    let usage = behaviour.streams() && memchr::memmem::find(body, b"\"include_usage\"").is_some();
    Ok(Asked::Script { behaviour, usage })
}

/// Reads `left` bytes of no interest; `false` if the caller went away first.
async fn discard(stream: &mut TcpStream, scratch: &mut [u8], mut left: usize) -> bool {
    while left > 0 {
        match stream.read(scratch).await {
            Ok(0) | Err(_) => return false,
            Ok(read) => left = left.saturating_sub(read),
        }
    }
    true
}

/// Plays the script. An error means that the caller went away, which is their right.
async fn answer(stream: &mut TcpStream, script: &Script, asked: Asked) -> std::io::Result<()> {
    let (behaviour, usage) = match asked {
        Asked::Script { behaviour, usage } => (behaviour, usage),
        Asked::Mixed(dialect) => {
            for write in script.mixed(dialect) {
                stream.write_all(write).await?;
            }
            return Ok(());
        }
    };
    let closing = if usage { &script.closing_with_usage } else { &script.closing };
    match behaviour {
        Behaviour::Json => stream.write_all(&script.json).await,
        Behaviour::Paced => {
            stream.write_all(&script.opening).await?;
            let mut beat = interval(PACE);
            beat.set_missed_tick_behavior(MissedTickBehavior::Delay);
            for _ in 0..PACED_WRITES {
                beat.tick().await;
                stream.write_all(&script.event).await?;
            }
            beat.tick().await;
            stream.write_all(closing).await
        }
        Behaviour::Burst => {
            stream.write_all(&script.opening).await?;
            for _ in 0..BURST_WRITES {
                stream.write_all(&script.burst).await?;
            }
            stream.write_all(closing).await
        }
        Behaviour::Open => {
            stream.write_all(&script.opening).await?;
            stream.read_u8().await.and(Err(std::io::ErrorKind::ConnectionAborted.into()))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::answer::{Answer, Expect};
    use crate::script::request;

    async fn ask(requests: &[Vec<u8>], behaviour: Behaviour) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move {
            let (stream, _) = listener.accept().await.unwrap();
            converse(stream, &Script::new()).await.unwrap();
        });
        let mut stream = TcpStream::connect(address).await.unwrap();
        let mut buffer = vec![0; 4096];
        for request in requests {
            stream.write_all(request).await.unwrap();
            let mut answer = Answer::new();
            while !answer.feed(&buffer[..0]).unwrap() {
                let read = stream.read(&mut buffer).await.unwrap();
                assert!(read > 0, "the mock closed the connection");
                answer.feed(&buffer[..read]).unwrap();
            }
            answer.verify(&Expect::of(behaviour)).unwrap();
        }
    }

    #[tokio::test]
    async fn keeps_the_connection_for_small_and_large_bodies() {
        let sizes = [1024, 400 * 1024, 65 * 1024, 1024];
        let requests = sizes.map(|bytes| request("mock", "key", Behaviour::Json, bytes));
        ask(&requests, Behaviour::Json).await;
    }

    #[tokio::test]
    async fn streams_end_with_done_and_the_connection_lives_on() {
        let requests = [1024, 2048].map(|bytes| request("mock", "key", Behaviour::Burst, bytes));
        ask(&requests, Behaviour::Burst).await;
    }

    #[test]
    fn usage_is_sent_to_those_who_ask() {
        let head = b"POST /v1/chat/completions HTTP/1.1\r\n\r\n";
        let asked = |body: &[u8]| parse(head, body).unwrap();
        let of = |usage| Asked::Script { behaviour: Behaviour::Burst, usage };
        assert_eq!(asked(br#"{"model":"bench-burst","stream":true}"#), of(false));
        assert_eq!(asked(br#"{"model":"bench-burst","stream_options":{"include_usage":true}}"#), of(true));
        assert!(parse(head, br#"{"model":"other"}"#).is_err());
        assert_eq!(asked(br#"{"model":"bench-mixed-openai"}"#), Asked::Mixed(Dialect::Openai));
    }
}
