//! Turning a stream round: what every event of a provider costs, for each pair of dialects and kind of content.

use std::hint::black_box;

use criterion::{Criterion, Throughput};
use micro::Turned;
use samples::{Content, DIALECTS};

const PIECES: usize = 1000;

fn main() {
    let mut criterion = Criterion::default().configure_from_args();
    for provider in DIALECTS {
        for client in DIALECTS.into_iter().filter(|client| *client != provider) {
            let mut group = criterion.benchmark_group(format!("{}-{}", provider.name(), client.name()));
            for content in Content::ALL {
                let turned = Turned::new(provider, client, content, PIECES);
                group.throughput(Throughput::Elements(turned.events() as u64));
                group.bench_function(content.name(), |b| {
                    let mut out = Vec::new();
                    b.iter(|| {
                        out.clear();
                        black_box(&turned).run(&mut out);
                    });
                });
            }
            group.finish();
        }
    }
    criterion.final_summary();
}
