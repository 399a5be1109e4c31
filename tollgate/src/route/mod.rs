//! `tollgate route --stdio`: the gateway's engine as a co-process of another program.
//!
//! One JSON object a line in, at most one out (docs/route-stdio.md). Time comes with each line, so that the same lines
//! give the same decisions. A line that cannot be read is answered with an error, and the next one is read.

mod desk;
mod hello;
mod line;

use std::io::{self, BufRead, Read, Write};

use desk::Desk;
use line::{Answer, Line};

/// A longer line is refused.
const LINE_BYTES_MAX: u64 = 4 << 20;

/// Runs until standard input ends, or nobody reads the answers any more.
pub(crate) fn run() -> io::Result<()> {
    let mut input = io::stdin().lock();
    let mut output = io::stdout().lock();
    let mut desk = None;
    let mut buffer = Vec::new();
    while let Some(text) = next_line(&mut input, &mut buffer)? {
        let answer = text.and_then(|text| answer(&mut desk, text)).unwrap_or_else(|error| Some(Answer::error(error)));
        if let Some(answer) = answer {
            match writeln!(output, "{}", answer.json()).and_then(|()| output.flush()) {
                Err(error) if error.kind() == io::ErrorKind::BrokenPipe => return Ok(()),
                done => done?,
            }
        }
    }
    Ok(())
}

/// The next line that is not empty, or why it cannot be read; `None` at the end.
fn next_line<'b>(input: &mut impl BufRead, buffer: &'b mut Vec<u8>) -> io::Result<Option<Result<&'b str, String>>> {
    loop {
        buffer.clear();
        if input.by_ref().take(LINE_BYTES_MAX).read_until(b'\n', buffer)? == 0 {
            return Ok(None);
        }
        if buffer.len() as u64 == LINE_BYTES_MAX && buffer.last() != Some(&b'\n') {
            input.skip_until(b'\n')?;
            return Ok(Some(Err(format!("a line may have {LINE_BYTES_MAX} bytes"))));
        }
        if !buffer.trim_ascii().is_empty() {
            break;
        }
    }
    Ok(Some(std::str::from_utf8(buffer).map_err(|_| "not UTF-8".to_owned())))
}

/// The answer to one line, if it wants one.
fn answer(desk: &mut Option<Desk>, text: &str) -> Result<Option<Answer>, String> {
    let line: Line = serde_json::from_str(text).map_err(|error| error.to_string())?;
    match line {
        Line::Hello(hello) => {
            let (new, answer) = Desk::open(&hello)?;
            *desk = Some(new);
            Ok(Some(answer))
        }
        Line::Request(request) => manned(desk)?.request(&request).map(Some),
        Line::First(event) => manned(desk)?.first(&event).map(|()| None),
        Line::Done(event) => manned(desk)?.done(&event).map(|()| None),
    }
}

fn manned(desk: &mut Option<Desk>) -> Result<&mut Desk, String> {
    desk.as_mut().ok_or_else(|| "the first line must be a hello".to_owned())
}
