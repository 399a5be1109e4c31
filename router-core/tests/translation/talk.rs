//! Conversations in the common model, and what is said in one.

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;
use router_core::chat::{
    Block, Body, ChatRequest, Effort, Format, Media, Message, Reasoning, Role, Sampling, Signature, Source, Thinking,
    Tool, ToolBody, ToolCall, ToolChoice, ToolResult,
};
use router_core::domain::Dialect;
use serde_json::{Number, Value, json};

use super::provider::object;

/// A text that has no other one in it, and no blanks at its ends, which say nothing.
fn words() -> impl Strategy<Value = String> {
    ("[A-Z]{9}", "[a-zé😀\"\\\\\n{} ]{0,9}").prop_map(|(name, more)| format!("<{name} {more}>"))
}

fn media(source: Source, media_type: Option<&str>) -> Media {
    Media { source, media_type: media_type.map(str::to_owned), name: None, detail: None }
}

fn picture() -> impl Strategy<Value = Block> {
    prop_oneof![
        "[A-Za-z0-9+/]{8}".prop_map(|data| Block::new(Body::Image(media(Source::Base64(data), Some("image/png"))))),
        "[a-z]{6}".prop_map(|name| {
            Block::new(Body::Image(media(Source::Url(format!("https://a.b/{name}.png")), Some("image/png"))))
        }),
    ]
}

fn document() -> impl Strategy<Value = Block> {
    "[A-Za-z0-9+/]{8}".prop_map(|data| {
        let media = Media { name: Some("a.pdf".into()), ..media(Source::Base64(data), Some("application/pdf")) };
        Block::new(Body::Document(media))
    })
}

fn asked() -> impl Strategy<Value = Block> {
    prop_oneof![4 => words().prop_map(Block::text), 1 => picture(), 1 => document()]
}

/// What an assistant says before it calls tools, and those calls with their results.
#[derive(Clone, Debug)]
struct Turn {
    asked: Vec<Block>,
    thought: Option<(String, String)>,
    said: Option<String>,
    calls: Vec<(Value, String, bool)>,
}

fn turn() -> impl Strategy<Value = Turn> {
    let thought = option::weighted(0.4, (words(), "[A-Za-z0-9]{8}"));
    let calls = vec((object(), words(), any::<bool>()), 0..3);
    (words(), vec(asked(), 0..3), thought, option::of(words()), calls).prop_map(
        |(first, more, thought, said, calls)| {
            let said = if calls.is_empty() { said.or_else(|| Some("<WELL>".into())) } else { said };
            Turn { asked: std::iter::once(Block::text(first)).chain(more).collect(), thought, said, calls }
        },
    )
}

impl Turn {
    fn messages(&self, dialect: Dialect, number: usize, messages: &mut Vec<Message>) {
        messages.push(Message::new(Role::User, self.asked.clone()));
        let mut blocks = Vec::new();
        if let Some((text, seal)) = &self.thought {
            let thinking = Thinking { text: text.clone(), ..Thinking::default() };
            // Chat Completions does not sign its thoughts.
            let signature = (dialect != Dialect::Openai).then(|| Signature::new(dialect, format!("{seal}{seal}")));
            blocks.push(Block { signature, ..Block::new(Body::Thinking(thinking)) });
        }
        blocks.extend(self.said.clone().map(Block::text));
        let mut results = Vec::new();
        for (at, (arguments, result, is_error)) in self.calls.iter().enumerate() {
            let (id, name) = (format!("call_{number}_{at}"), format!("tool_{at}"));
            let (call, arguments) =
                (ToolCall { id: id.clone(), name, arguments: String::new(), custom: false }, arguments.to_string());
            blocks.push(Block::new(Body::ToolCall(ToolCall { arguments, ..call })));
            let content = vec![Block::text(result.clone())];
            results.push(Block::new(Body::ToolResult(ToolResult { id, name: None, content, is_error: *is_error })));
        }
        messages.push(Message::new(Role::Assistant, blocks));
        if !results.is_empty() {
            messages.push(Message::new(Role::Tool, results));
        }
    }
}

fn tools() -> impl Strategy<Value = Vec<Tool>> {
    let schema = json!({"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]});
    let tool = move |(at, (description, strict)): (usize, (Option<String>, Option<bool>))| {
        Tool::new(ToolBody::Function { name: format!("tool_{at}"), description, schema: Some(schema.clone()), strict })
    };
    vec((option::of(words()), option::of(Just(true))), 0..3)
        .prop_map(move |tools| tools.into_iter().enumerate().map(&tool).collect())
}

fn sampling() -> impl Strategy<Value = Sampling> {
    let tenths = |most: u32| {
        option::weighted(0.4, (1..=most).prop_map(|n| Number::from_f64(f64::from(n) / 10.0).expect("finite")))
    };
    let whole = |most: u32| option::weighted(0.4, (1..=most).prop_map(Number::from));
    (
        tenths(20),
        tenths(9),
        whole(40),
        whole(999),
        (tenths(19), tenths(19)),
        option::weighted(0.2, 2..4_u64),
        option::weighted(0.2, 1..5_u64),
    )
        .prop_map(|(temperature, top_p, top_k, seed, (frequency_penalty, presence_penalty), n, top)| Sampling {
            temperature,
            top_p,
            top_k,
            seed,
            frequency_penalty,
            presence_penalty,
            n,
            logprobs: top.map(|_| true),
            top_logprobs: top,
        })
}

fn format() -> impl Strategy<Value = Option<Format>> {
    let schema = json!({"type": "object", "properties": {"a": {"type": "integer"}}, "required": ["a"], "additionalProperties": false});
    option::weighted(
        0.3,
        prop_oneof![
            Just(Format::Json),
            Just(Format::Schema { name: Some("answer".into()), description: None, schema, strict: Some(true) }),
        ],
    )
}

fn choice() -> impl Strategy<Value = Option<ToolChoice>> {
    let choices = vec![ToolChoice::Auto, ToolChoice::None, ToolChoice::Required, ToolChoice::Tool("tool_0".into())];
    option::of(select(choices))
}

/// A conversation as a client of a dialect would hold it: thoughts are signed by that dialect's vendor.
pub fn talk(dialect: Dialect) -> impl Strategy<Value = ChatRequest> {
    // Responses says again what was read of it, so a conversation that never was comes from its sister.
    let origin = if dialect == Dialect::Responses { Dialect::Openai } else { dialect };
    let efforts = select(vec![Effort::Minimal, Effort::Low, Effort::Medium, Effort::High]);
    let bounds = (
        option::of(2000..9000_u64),
        vec("[a-z]{3}", 0..7),
        option::weighted(0.3, efforts),
        option::weighted(0.3, Just(false)),
    );
    let names = (
        option::weighted(0.3, "[a-z]{6}"),
        option::weighted(0.3, "[a-z]{6}"),
        option::weighted(0.3, select(vec!["low", "high"])),
        option::weighted(0.3, "[a-z]{6}"),
    );
    let said = (option::of(words()), vec(turn(), 0..3), words());
    (said, tools(), choice(), sampling(), format(), bounds, names).prop_map(
        move |((system, turns, last), tools, choice, sampling, format, bounds, names)| {
            let (max_tokens, stop, effort, parallel) = bounds;
            let (user, label, verbosity, cache_key) = names;
            let mut messages = Vec::new();
            turns.iter().enumerate().for_each(|(number, turn)| turn.messages(dialect, number, &mut messages));
            messages.push(Message::new(Role::User, vec![Block::text(last)]));
            let asks = !tools.is_empty();
            ChatRequest {
                model: "m".into(),
                system: system.map(Block::text).into_iter().collect(),
                messages,
                tools,
                sampling,
                format,
                max_tokens,
                stop,
                tool_choice: choice.filter(|_| asks),
                parallel_tools: parallel.filter(|_| asks),
                reasoning: effort.map(|effort| Reasoning { effort: Some(effort), ..Reasoning::default() }),
                verbosity: verbosity.map(str::to_owned),
                user,
                cache_key,
                metadata: label.map(|label| ("label".to_owned(), Value::from(label))).into_iter().collect(),
                ..ChatRequest::new(origin)
            }
        },
    )
}
