//! A stream that is turned round costs next to no memory allocations, whatever it says and to whom; a look at a request
//! costs none.

use micro::Turned;
use router_core::dialect::features::Features;
use router_core::dialect::openai::peek;
use router_core::domain::Dialect;
use router_core::plan::chain;
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

#[test]
fn a_look_at_a_request_costs_no_allocation() {
    let words = "a plain word ".repeat(1_000);
    let body = format!(
        r#"{{"model":"m","user":"u","tools":[{{}}],"metadata":{{"tier":"gold"}},"messages":[{{"content":[
        {{"type":"text","text":"{words}"}},
        {{"type":"image_url","image_url":{{"url":"data:image/png;base64,{}"}}}}]}}]}}"#,
        "iVBORw0KGgoA".repeat(5_000)
    );
    let peek = peek(body.as_bytes()).expect("a valid body");
    let (dialect, body, streams) = (Dialect::Openai, body.as_bytes(), true);
    let features = Features { dialect, body, peek: &peek, streams, session: None, metadata: Some("team=a, env=b") };
    let mut blocks = Vec::with_capacity(64);
    let counted = allocation_counter::measure(|| {
        let survey = features.survey();
        chain(features.salt(), features.pieces(), &mut blocks);
        let known = (features.user(), features.metadata("env").is_some(), features.metadata("tier").is_some());
        assert!(survey.prompt_tokens > 4_000 && known.0 != 0 && known.1 && known.2 && blocks.len() > 30);
    });
    assert_eq!(counted.count_total, 0);
}
