//! Watching a response go by: what every chunk of an answer pays.

use std::hint::black_box;

use criterion::{Criterion, Throughput};
use router_core::dialect::passing::{ResponseScan, Step, StreamScan};
use router_core::domain::Dialect;
use serde_json::json;

/// One token, as OpenAI sends it. With `include_usage`, every chunk says that it has no usage yet.
fn event(usage: bool) -> Vec<u8> {
    let mut chunk = json!({
        "id": "chatcmpl-B9MHDbslfkBeAs8l4bebGdFOJ6PeG", "object": "chat.completion.chunk", "created": 1_741_570_283,
        "model": "gpt-4o-mini-2024-07-18", "service_tier": "default", "system_fingerprint": "fp_50cad350e4",
        "choices": [{"index": 0, "delta": {"content": " answer"}, "logprobs": null, "finish_reason": null}]
    });
    if usage {
        chunk["usage"] = json!(null);
    }
    format!("data: {chunk}\n\n").into_bytes()
}

/// Judges one window that is forwarded as a whole.
fn judge(scan: &mut StreamScan, window: &[u8]) {
    let step = scan.next(black_box(window));
    assert_eq!(step, Some(Step::Forward(window.len())));
    assert_eq!(scan.next(&[]), None);
}

fn bench_stream(c: &mut Criterion) {
    let mut group = c.benchmark_group("stream");
    for (name, window) in
        [("one-event", event(false)), ("one-event-with-usage-null", event(true)), ("64-events", event(true).repeat(64))]
    {
        group.throughput(Throughput::Bytes(window.len() as u64));
        group.bench_function(name, |b| {
            let mut scan = StreamScan::new(Dialect::Openai, true);
            b.iter(|| judge(&mut scan, &window));
        });
    }
    let usage = "data: {\"choices\":[],\"usage\":{\"prompt_tokens\":9,\"completion_tokens\":12,\"total_tokens\":21,\
        \"prompt_tokens_details\":{\"cached_tokens\":0,\"audio_tokens\":0},\
        \"completion_tokens_details\":{\"reasoning_tokens\":0,\"audio_tokens\":0}}}\n\n";
    group.throughput(Throughput::Bytes(usage.len() as u64));
    group.bench_function("usage-chunk", |b| {
        let mut scan = StreamScan::new(Dialect::Openai, true);
        b.iter(|| scan.next(black_box(usage.as_bytes())));
    });
    group.finish();
}

fn bench_response(c: &mut Criterion) {
    let mut group = c.benchmark_group("response");
    for (name, words) in [("1KB", 60), ("40KB", 4_000)] {
        let body = json!({
            "id": "chatcmpl-B9MBs8CjcvOU2jLn4n570S5qMJKcT", "object": "chat.completion", "created": 1_741_569_952,
            "model": "gpt-4o-mini-2024-07-18",
            "choices": [{"index": 0, "finish_reason": "stop", "logprobs": null, "message": {
                "role": "assistant", "content": "The \"answer\"\n".repeat(words), "refusal": null, "annotations": []
            }}],
            "usage": {"prompt_tokens": 19, "completion_tokens": 10, "total_tokens": 29,
                "prompt_tokens_details": {"cached_tokens": 0, "audio_tokens": 0},
                "completion_tokens_details": {"reasoning_tokens": 0, "audio_tokens": 0}}
        });
        let body = body.to_string().into_bytes();
        group.throughput(Throughput::Bytes(body.len() as u64));
        group.bench_function(name, |b| {
            b.iter(|| {
                let mut scan = ResponseScan::new(Dialect::Openai);
                for chunk in black_box(&body).chunks(16 * 1024) {
                    scan.push(chunk);
                }
                scan.finish()
            });
        });
    }
    group.finish();
}

fn main() {
    let mut criterion = Criterion::default().configure_from_args();
    bench_stream(&mut criterion);
    bench_response(&mut criterion);
    criterion.final_summary();
}
