//! Reading and editing a request body: what every request pays before it is dialed.

use std::hint::black_box;

use criterion::{BenchmarkId, Criterion, Throughput};
use router_core::dialect::features::Features;
use router_core::dialect::openai::{Edits, Peek, Peeker, peek};
use router_core::domain::Dialect;
use router_core::plan::chain;
use serde_json::json;

/// Bytes that one read from a socket brings.
const READ_BYTES: usize = 16 * 1024;

/// Prose and code as prompts have them: a line end every 60 to 100 bytes, quotes every few lines.
fn prompt(bytes: usize) -> String {
    const LINES: [&str; 6] = [
        "The invoice is due on the first of the month, and the customer has asked twice why it was charged again.\n",
        "Summarise the conversation below for a colleague who has not seen it; keep names, dates and amounts.\n",
        "    let total = lines.iter().map(|line| line.amount).sum::<i64>(); // cents, never floats\n",
        "She said \"no later than Friday\", which the earlier mail calls \"the end of the week\".\n\n",
        "- check the address, the tax number and the delivery date before you answer (see § 4, café Zürich)\n",
        "    println!(\"{name}: {total}\\n\");\n",
    ];
    LINES
        .iter()
        .cycle()
        .scan(0, |had, line| Some((std::mem::replace(had, *had + line.len()), line)))
        .take_while(|(had, _)| *had < bytes)
        .map(|(_, line)| *line)
        .collect()
}

/// A chat request of about `bytes` bytes, in messages of up to 8 KB.
fn chat(bytes: usize) -> Vec<u8> {
    let text = prompt(bytes.saturating_sub(250));
    let mut messages = vec![json!({"role": "system", "content": "You answer in one paragraph."})];
    let mut rest = text.as_str();
    while !rest.is_empty() {
        let (content, after) = rest.split_at(rest.floor_char_boundary(8000));
        messages.push(json!({"role": if messages.len() % 2 == 1 { "user" } else { "assistant" }, "content": content}));
        rest = after;
    }
    let body = json!({
        "model": "gpt-4o-mini", "temperature": 0.2, "max_tokens": 800, "stream": true, "messages": messages,
        "user": "u-1234", "response_format": {"type": "text"}
    });
    body.to_string().into_bytes()
}

/// A request that is all structure: tool schemas.
fn tools(bytes: usize) -> Vec<u8> {
    let property = json!({"type": "string", "description": "Where to look", "enum": ["here", "there"]});
    let tool = json!({"type": "function", "function": {"name": "find", "parameters": {
        "type": "object", "properties": {"place": property, "depth": {"type": "integer", "minimum": 0}},
        "required": ["place"]
    }}});
    let tools = vec![tool.clone(); bytes / tool.to_string().len()];
    json!({"model": "gpt-4o-mini", "messages": [{"role": "user", "content": "find it"}], "tools": tools})
        .to_string()
        .into_bytes()
}

fn bodies() -> [(&'static str, Vec<u8>); 4] {
    [("1KB", chat(1_000)), ("40KB", chat(40_000)), ("400KB", chat(400_000)), ("tools-40KB", tools(40_000))]
}

fn bench_peek(c: &mut Criterion) {
    let mut group = c.benchmark_group("peek");
    for (name, body) in bodies() {
        group.throughput(Throughput::Bytes(body.len() as u64));
        group.bench_function(BenchmarkId::new("whole", name), |b| b.iter(|| peek(black_box(&body)).is_ok()));
        group.bench_function(BenchmarkId::new("as-it-arrives", name), |b| {
            b.iter(|| {
                let mut peeker = Peeker::new();
                for end in (READ_BYTES..body.len()).step_by(READ_BYTES) {
                    peeker.advance(black_box(&body[..end])).expect("a valid body");
                }
                peeker.finish(black_box(&body)).is_ok()
            });
        });
    }
    group.finish();
}

fn bench_splice(c: &mut Criterion) {
    let mut group = c.benchmark_group("splice");
    for (name, body) in bodies() {
        let peek = peek(&body).expect("a valid body");
        group.bench_function(BenchmarkId::new("model-and-usage", name), |b| {
            b.iter(|| {
                let edits = Edits::new(black_box(&body), &peek).model("another-model").include_usage();
                (edits.len(), edits.segments().map(<[u8]>::len).sum::<usize>())
            });
        });
    }
    group.finish();
}

/// A chat request that shows a picture of about `bytes` bytes.
fn picture(bytes: usize) -> Vec<u8> {
    let url = format!("data:image/png;base64,{}", "iVBORw0KGgoAAAANSUhEUgAA".repeat(bytes / 24));
    let parts = json!([{"type": "text", "text": prompt(500)}, {"type": "image_url", "image_url": {"url": url}}]);
    json!({"model": "gpt-4o-mini", "messages": [{"role": "user", "content": parts}]}).to_string().into_bytes()
}

fn features<'r>(body: &'r [u8], peek: &'r Peek<'r>) -> Features<'r> {
    Features { dialect: Dialect::Openai, body, peek, streams: true, session: None, metadata: None }
}

/// What routing reads off a request, where that makes a difference.
fn bench_features(c: &mut Criterion) {
    let mut group = c.benchmark_group("features");
    for (name, body) in bodies().into_iter().chain([("picture-400KB", picture(400_000))]) {
        let peek = peek(&body).expect("a valid body");
        let features = features(&body, &peek);
        group.throughput(Throughput::Bytes(body.len() as u64));
        group.bench_function(BenchmarkId::new("survey", name), |b| b.iter(|| black_box(&features).survey()));
        group.bench_function(BenchmarkId::new("user", name), |b| b.iter(|| black_box(&features).user()));
        let mut out = Vec::new();
        group.bench_function(BenchmarkId::new("chain", name), |b| {
            b.iter(|| {
                let features = black_box(&features);
                chain(features.salt(), features.pieces(), &mut out);
                out.len()
            });
        });
    }
    group.finish();
}

fn main() {
    let mut criterion = Criterion::default().configure_from_args();
    bench_peek(&mut criterion);
    bench_splice(&mut criterion);
    bench_features(&mut criterion);
    criterion.final_summary();
}
