//! Who is calling: the digest of a key and its place in the snapshot.

use std::hint::black_box;

use criterion::{BenchmarkId, Criterion};
use router_core::domain::{KeyDigest, KeyId, TenantId};
use router_core::snapshot::{KeyDoc, Snapshot, SnapshotDoc};

fn secret(number: u32) -> String {
    format!("tg-{number:040}")
}

fn snapshot(keys: u32) -> Snapshot {
    let key = |number| KeyDoc {
        id: KeyId::named(&secret(number)),
        tenant: TenantId::named("bench"),
        digest: KeyDigest::of(secret(number).as_bytes()),
        models: vec!["*".to_owned()],
        expires_at: None,
        refuse_lossy: false,
    };
    let doc = SnapshotDoc { keys: (0..keys).map(key).collect(), ..SnapshotDoc::default() };
    Snapshot::compile(&doc).expect("a valid document")
}

fn bench_keys(c: &mut Criterion) {
    let mut group = c.benchmark_group("key");
    let wanted = secret(7);
    group.bench_function("digest", |b| b.iter(|| KeyDigest::of(black_box(wanted.as_bytes()))));
    for count in [100, 100_000] {
        let snapshot = snapshot(count);
        // Another key each time, as in service, where no shard stays in the cache.
        let digests: Vec<_> = (0..count).map(|number| KeyDigest::of(secret(number).as_bytes())).collect();
        let mut turn = digests.iter().cycle();
        group.bench_function(BenchmarkId::new("look-up", count), |b| {
            b.iter(|| turn.next().and_then(|digest| snapshot.keys.get(black_box(digest))).is_some());
        });
        group.bench_function(BenchmarkId::new("digest-and-look-up", count), |b| {
            b.iter(|| snapshot.keys.get(&KeyDigest::of(black_box(wanted.as_bytes()))).is_some());
        });
    }
    group.finish();
}

fn main() {
    let mut criterion = Criterion::default().configure_from_args();
    bench_keys(&mut criterion);
    criterion.final_summary();
}
