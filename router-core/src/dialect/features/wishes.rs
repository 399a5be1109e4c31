//! What a request asks for beside its prompt: tools, a schema, thoughts, sound.

use memchr::memmem;

use super::{Features, Member, member_of};
use crate::domain::{Capabilities, Capability};
use crate::json::each_member;

/// The capabilities that these wishes need.
pub(super) fn needs(request: &Features<'_>) -> Capabilities {
    let wishes = [
        (Capability::Tools, request.value(Member::Tools).is_some_and(is_filled)),
        (Capability::JsonSchema, wants_schema(request)),
        (Capability::Reasoning, wants_thoughts(request)),
        (Capability::AudioOutput, wants_sound(request)),
    ];
    let wished = wishes.into_iter().filter(|(_, wished)| *wished);
    wished.fold(Capabilities::NONE, |needs, (capability, _)| needs.with(capability))
}

/// `response_format` of Chat Completions, `text.format` of Responses, `output_config.format` of Anthropic's, and Gemini's
/// own way.
fn wants_schema(request: &Features<'_>) -> bool {
    let named = [Member::ResponseFormat, Member::Text, Member::OutputConfig];
    let says = |value: &[u8]| memmem::find(value, b"\"json_schema\"").is_some_and(|at| value[at - 1] != b'\\');
    named.into_iter().filter_map(|member| request.value(member)).any(says)
        || config(request, &["\"responseSchema\"", "\"response_schema\""]).is_some()
        || config(request, &["\"responseJsonSchema\"", "\"response_json_schema\""]).is_some()
}

fn wants_thoughts(request: &Features<'_>) -> bool {
    let members = [Member::ReasoningEffort, Member::Reasoning, Member::Thinking];
    let own = members.into_iter().filter_map(|member| request.value(member));
    own.chain(config(request, &["\"thinkingConfig\"", "\"thinking_config\""])).any(asks_to_think)
}

/// `modalities` of Chat Completions, `responseModalities` of Gemini's.
fn wants_sound(request: &Features<'_>) -> bool {
    let said = request.value(Member::Modalities);
    let said = said.or_else(|| config(request, &["\"responseModalities\"", "\"response_modalities\""]));
    said.is_some_and(|list| list.windows(7).any(|word| word.eq_ignore_ascii_case(b"\"audio\"")))
}

/// A member of Gemini's `generationConfig`, by the key in either spelling with its quotes, unless it is null.
fn config<'r>(request: &Features<'r>, keys: &[&str; 2]) -> Option<&'r [u8]> {
    let config = request.value(Member::GenerationConfig)?;
    member_of(config, |key| keys.iter().any(|known| key == known.as_bytes())).filter(|value| *value != b"null")
}

/// Whether a way to think is an effort, or settings of which one says something and none says no.
fn asks_to_think(value: &[u8]) -> bool {
    let refuses = |value: &[u8]| matches!(value, b"\"none\"" | b"\"disabled\"" | b"0");
    let (mut says, mut no) = (false, false);
    let settings = each_member(value, |_, setting| {
        let setting = setting.of(value);
        no |= refuses(setting);
        says |= !matches!(setting, b"null" | b"false");
    });
    match settings {
        Ok(()) => says && !no,
        Err(_) => value.starts_with(b"\"") && !refuses(value),
    }
}

/// Whether there is anything in an array.
fn is_filled(array: &[u8]) -> bool {
    array.strip_prefix(b"[").is_some_and(|rest| !rest.trim_ascii_start().starts_with(b"]"))
}
