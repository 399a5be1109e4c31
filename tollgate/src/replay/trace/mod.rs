//! Logs of requests, of which nothing but times and counts is read: ours, and those that others have published.
//!
//! CSV with a header or JSON lines, told apart by the first character. Columns are known by several names
//! (docs/replay.md), among them those of the Azure, BurstGPT and Mooncake traces. The first arrival is the run's start.

mod csv;
mod json;
mod moment;

use router_core::domain::Tick;
use tollgate_simulator::traffic::Request;

use super::problem::Problems;

/// Requests that one trace may have.
const REQUESTS_MAX: usize = 10_000_000;
/// Blocks of a prompt that are kept: half a million tokens.
const BLOCKS_MAX: usize = 1_024;

/// What is read of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Column {
    /// When it arrived, in seconds or as a date and time.
    Arrival,
    /// When it arrived, in milliseconds.
    ArrivalMs,
    Prompt,
    Output,
    Max,
    Prefix,
    User,
}

/// The names of columns, in any case, with what they mean.
const NAMES: &[(&str, Column)] = &[
    ("arrival", Column::Arrival),
    ("arrival_ms", Column::ArrivalMs),
    ("timestamp", Column::Arrival),
    ("prompt_tokens", Column::Prompt),
    ("contexttokens", Column::Prompt),
    ("request tokens", Column::Prompt),
    ("input_length", Column::Prompt),
    ("output_tokens", Column::Output),
    ("generatedtokens", Column::Output),
    ("response tokens", Column::Output),
    ("output_length", Column::Output),
    ("max_tokens", Column::Max),
    ("prefix", Column::Prefix),
    ("hash_ids", Column::Prefix),
    ("user", Column::User),
    ("session", Column::User),
];

/// The columns that every trace has.
const NEEDED: &str = "a trace needs `arrival` (or `timestamp`), `prompt_tokens` and `output_tokens`";

fn column(name: &str) -> Option<Column> {
    NAMES.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, column)| *column)
}

/// One line's values, as far as they were there.
#[derive(Debug, Default)]
struct Row {
    arrival_us: Option<i64>,
    prompt: Option<u64>,
    output: Option<u64>,
    max: Option<u64>,
    prefix: Vec<u64>,
    user: Option<u64>,
}

impl Row {
    /// The value of one column, as text. Empty text is no value.
    fn put(&mut self, column: Column, text: &str) -> Result<(), String> {
        if text.is_empty() {
            return Ok(());
        }
        match column {
            Column::Arrival => self.arrival_us = Some(moment::micros(text)?),
            Column::ArrivalMs => self.arrival_us = Some(moment::decimal(text, 1_000)?),
            Column::Prompt => self.prompt = Some(count(text)?),
            Column::Output => self.output = Some(count(text)?),
            Column::Max => self.max = Some(count(text)?),
            Column::User => self.user = Some(label(text)),
            Column::Prefix => self.prefix = text.split_whitespace().take(BLOCKS_MAX).map(label).collect(),
        }
        Ok(())
    }

    fn request(self) -> Result<(i64, Request), String> {
        let missing = || NEEDED.to_owned();
        let request = Request {
            at: Tick(0),
            prompt_tokens: self.prompt.ok_or_else(missing)?.max(1),
            output_tokens: self.output.ok_or_else(missing)?.max(1),
            max_tokens: self.max,
            prefix: self.prefix,
            user: self.user.unwrap_or(0),
            replica: 0,
        };
        Ok((self.arrival_us.ok_or_else(missing)?, request))
    }
}

/// Tokens. Some traces have them as `374.0`.
fn count(text: &str) -> Result<u64, String> {
    let whole = text.strip_suffix(".0").unwrap_or(text);
    whole
        .parse()
        .ok()
        .filter(|tokens| *tokens <= u64::from(u32::MAX))
        .ok_or_else(|| format!("expected a whole number of tokens, found {text:?}"))
}

/// A label: hexadecimal digits are their number, anything else is hashed (FNV-1a).
fn label(text: &str) -> u64 {
    u64::from_str_radix(text, 16).unwrap_or_else(|_| {
        text.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
    })
}

/// Reads a trace. `name` is the file's, for what is wrong with it; `gateways` get its requests in turn.
pub(super) fn read(name: &str, text: &str, gateways: usize) -> Result<Vec<Request>, Problems> {
    let mut problems = Problems::of(name);
    let mut rows = Vec::new();
    let lines = if text.trim_start().starts_with('{') { json::lines(text) } else { csv::lines(text) };
    let lines = match lines {
        Ok(lines) => lines,
        Err(message) => return Err(problems.only(1, message)),
    };
    for (number, row) in lines {
        match row.and_then(Row::request) {
            Ok(row) if rows.len() < REQUESTS_MAX => rows.push(row),
            Ok(_) => return Err(problems.only(number, format!("a trace may have {REQUESTS_MAX} requests"))),
            Err(message) => {
                if !problems.put(number, message) {
                    break;
                }
            }
        }
    }
    if rows.is_empty() {
        problems.put(1, "there is no request in it".to_owned());
    }
    if problems.any() {
        return Err(problems);
    }
    rows.sort_by_key(|(arrival_us, _)| *arrival_us);
    let start = rows.first().map_or(0, |(arrival_us, _)| *arrival_us);
    let place = |(number, (arrival_us, mut request)): (usize, (i64, Request))| {
        request.at = Tick(arrival_us.abs_diff(start));
        request.replica = number % gateways.max(1);
        request
    };
    Ok(rows.into_iter().enumerate().map(place).collect())
}

type Line = (usize, Result<Row, String>);

#[cfg(test)]
mod tests {
    use super::*;

    fn good(text: &str) -> Vec<Request> {
        read("t", text, 1).unwrap_or_else(|problems| panic!("{problems}"))
    }

    fn bad(text: &str) -> String {
        read("t.csv", text, 1).expect_err("a mistake").to_string()
    }

    #[test]
    fn published_traces_are_read_as_they_are() {
        let azure = good(
            "TIMESTAMP,ContextTokens,GeneratedTokens\n2023-11-16 18:15:46.6805900,374,44\n\
             2023-11-16 18:15:50.9951690,396,109\n",
        );
        assert_eq!((azure[1].at, azure[1].prompt_tokens, azure[1].output_tokens), (Tick(4_314_579), 396, 109));
        let burst = good(
            "Timestamp,Model,Request tokens,Response tokens,Total tokens,Log Type\n5,ChatGPT,472,18,490,Conversation log\n\
             45.5,GPT-4,1087,230,1317,API log\n",
        );
        assert_eq!((burst[1].at, burst[1].prompt_tokens), (Tick(40_500_000), 1_087));
        let mooncake = good(
            "{\"timestamp\": 27482, \"input_length\": 6955, \"output_length\": 52, \"hash_ids\": [46, 47, 2353]}\n\
             {\"timestamp\": 30535, \"input_length\": 6472, \"output_length\": 26, \"hash_ids\": [46, 47, 2366]}\n",
        );
        assert_eq!((mooncake[1].at, mooncake[1].prefix.len()), (Tick(3_053_000), 3), "its timestamps are milliseconds");
        assert_eq!(mooncake[0].prefix[1], mooncake[1].prefix[1]);
    }

    #[test]
    fn our_own_log_is_the_same_in_both_forms() {
        let csv = good(
            "arrival,prompt_tokens,output_tokens,max_tokens,user,prefix\n1.5,1200,300,800,u-17,a1 b2\n1.25,10,5,,,\n",
        );
        let json = good(
            "{\"arrival\": 1.5, \"prompt_tokens\": 1200, \"output_tokens\": 300, \"max_tokens\": 800, \"user\": \"u-17\", \
             \"prefix\": [\"a1\", \"b2\"]}\n\n{\"arrival\": 1.25, \"prompt_tokens\": 10, \"output_tokens\": 5}\n",
        );
        assert_eq!(csv, json);
        assert_eq!((csv[0].at, csv[1].at, csv[1].max_tokens), (Tick(0), Tick(250_000), Some(800)), "sorted by arrival");
        assert_eq!(csv[1].prefix, [0xa1, 0xb2]);
    }

    #[test]
    fn a_mistake_is_told_with_its_line_and_all_at_once() {
        let text = bad("arrival,prompt_tokens,output_tokens\n1,2,3\n1,x,3\n1,2\nyesterday,2,3\n");
        assert!(text.contains("t.csv:3: `prompt_tokens`: expected a whole number of tokens, found \"x\""), "{text}");
        assert!(text.contains("t.csv:4: there are 2 fields where the header has 3"), "{text}");
        assert!(text.contains("t.csv:5: `arrival`: expected seconds"), "{text}");
        assert!(bad("a,b\n1,2\n").contains("t.csv:1: a trace needs `arrival`"));
        assert!(bad("arrival,prompt_tokens,output_tokens\n").contains("t.csv:1: there is no request in it"));
        assert!(bad("{\"arrival\": 1}\n{\n").contains("t.csv:2: "));
        assert!(bad("{\"arrival\": 1}\n").contains("t.csv:1: a trace needs"));
        assert!(bad("").contains("there is no header"));
    }
}
