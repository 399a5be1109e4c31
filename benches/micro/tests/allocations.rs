//! A stream that is turned round costs next to no memory allocations, whatever it says and to whom.

use micro::Turned;
use router_core::domain::Dialect;
use samples::{Content, DIALECTS};

const PIECES: usize = 1000;

/// Allocations per event of the provider's. What the client gets is collected in memory that is there already.
fn per_event(provider: Dialect, client: Dialect, content: Content) -> f64 {
    let turned = Turned::new(provider, client, content, PIECES);
    let mut out = Vec::new();
    turned.run(&mut out);
    out.clear();
    let counted = allocation_counter::measure(|| turned.run(&mut out));
    counted.count_total as f64 / turned.events() as f64
}

#[test]
fn an_event_of_any_pair_costs_at_most_one_allocation_on_average() {
    let mut seen = Vec::new();
    for provider in DIALECTS {
        for client in DIALECTS.into_iter().filter(|client| *client != provider) {
            for content in Content::ALL {
                let allocations = per_event(provider, client, content);
                seen.push(format!("{}-{} {}: {allocations:.2}", provider.name(), client.name(), content.name()));
                // A call of Gemini's is one event: what it costs is not spread over many.
                let few = provider == Dialect::Gemini && content == Content::Call;
                assert!(allocations <= 1.0 || few, "{seen:#?}");
            }
        }
    }
    println!("{seen:#?}");
}
