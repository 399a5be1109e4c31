//! Which efforts OpenAI's models know. They refuse others, which other dialects' clients cannot know.

use crate::chat::Effort;

/// The effort nearest to what is asked for that a model knows; other vendors' models are not judged.
pub(in crate::dialect) fn nearest(model: &str, effort: Effort) -> Effort {
    let name = model.rsplit('/').next().unwrap_or(model);
    let family = |family: &str| name.strip_prefix(family).filter(|rest| rest.is_empty() || rest.starts_with('-'));
    if ["o1", "o3", "o4"].into_iter().find_map(family).is_some() {
        return effort.clamp(Effort::Low, Effort::High);
    }
    if family("gpt-5").is_some() {
        return effort.clamp(Effort::Minimal, Effort::High);
    }
    // From 5.1 on there is no least effort but none at all.
    let known = if effort == Effort::Minimal { Effort::Low } else { effort };
    match family("gpt-5.1") {
        Some(variant) if variant.starts_with("-codex-max") => known.min(Effort::Xhigh),
        Some(_) => known.min(Effort::High),
        None if ["gpt-5.2", "gpt-5.3", "gpt-5.4", "gpt-5.5"].into_iter().find_map(family).is_some() => {
            known.min(Effort::Xhigh)
        }
        None => effort,
    }
}

/// Whether a model may think: OpenAI refuses to be asked about thoughts of models that have none.
pub(in crate::dialect) fn thinks(model: &str) -> bool {
    let name = model.rsplit('/').next().unwrap_or(model);
    let plain = ["gpt-3", "gpt-4", "chatgpt-", "gpt-5-chat"];
    !plain.iter().any(|prefix| name.starts_with(prefix)) && !name.ends_with("-chat-latest")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn models_are_asked_for_no_effort_that_they_refuse() {
        use Effort::{High, Low, Max, Medium, Minimal, None, Xhigh};
        for (model, asked, known) in [
            ("o3-mini", None, Low),
            ("o4-mini", Max, High),
            ("gpt-5", None, Minimal),
            ("gpt-5-mini", Xhigh, High),
            ("gpt-5.1", Minimal, Low),
            ("openai/gpt-5.1", Max, High),
            ("gpt-5.1-2025-11-13", None, None),
            ("gpt-5.1-codex-max", Max, Xhigh),
            ("gpt-5.2", Max, Xhigh),
            ("gpt-5.2", Medium, Medium),
            ("grok-4", Max, Max),
        ] {
            assert_eq!(nearest(model, asked), known, "{model} {asked:?}");
        }
    }
}
