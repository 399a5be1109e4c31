//! What the demo provider says, and how it counts.
//!
//! The rule: a token is up to eight letters or digits in a row, or one other character, each together with the white
//! space before it. White space at the end is a token of its own. Pieces put together again give the text unchanged.

/// Letters or digits in one token, at most.
const WORD_CHARS_MAX: usize = 8;
/// Characters of the prompt that an answer repeats, at most.
const ECHO_CHARS_MAX: usize = 400;

/// Splits a text into its tokens.
pub(super) fn pieces(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = text;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let (piece, after) = rest.split_at(piece_len(rest));
        rest = after;
        Some(piece)
    })
}

/// How many tokens a text has.
pub(super) fn count(text: &str) -> usize {
    pieces(text).count()
}

/// Bytes of the first token of a text that is not empty.
fn piece_len(text: &str) -> usize {
    let mut end = 0;
    let mut word_chars = 0;
    for (at, char) in text.char_indices() {
        let word = char.is_alphanumeric();
        match (word_chars, char.is_whitespace()) {
            (0, true) => {}
            (0, false) if !word => return at + char.len_utf8(),
            (WORD_CHARS_MAX, _) => return at,
            _ if !word => return at,
            _ => word_chars += 1,
        }
        end = at + char.len_utf8();
    }
    end
}

/// The answer to a message of the user.
pub(super) fn answer(said: &str) -> String {
    format!(
        "Hello from the demo provider of Tollgate. There is no AI behind this answer: it is made from your prompt, so \
         that you can try the gateway before you connect a real provider.\n\nYou said: \"{}\"\n\n{}",
        excerpt(said),
        NEXT_STEP,
    )
}

/// The answer once a tool has given its result.
pub(super) fn answer_to_tool(result: &str) -> String {
    format!("Your tool answered: \"{}\"\n\nThis is the demo provider of Tollgate. {}", excerpt(result), NEXT_STEP)
}

const NEXT_STEP: &str = "For real answers, set OPENAI_API_KEY, ANTHROPIC_API_KEY or GEMINI_API_KEY and start Tollgate \
                         again, or add a [[providers]] section to tollgate.toml.";

fn excerpt(text: &str) -> String {
    let text = text.trim();
    match text.char_indices().nth(ECHO_CHARS_MAX) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_a_short_word_or_a_sign_with_the_space_before_it() {
        let split = |text| pieces(text).collect::<Vec<_>>();
        assert_eq!(split("Hello, big world!"), ["Hello", ",", " big", " world", "!"]);
        assert_eq!(split("internationalisation"), ["internat", "ionalisa", "tion"]);
        assert_eq!(split("a  \n b \n"), ["a", "  \n b", " \n"]);
        assert_eq!(split("12345678 é🦀"), ["12345678", " é", "🦀"]);
        assert!(split("").is_empty());
    }

    #[test]
    fn pieces_put_together_give_the_text() {
        for text in ["", " ", "\n\n", "Größe: 12,5 µm — naïve 漢字漢字漢字漢字漢字", &answer("  what is 🦀?  ")]
        {
            assert_eq!(pieces(text).collect::<String>(), text);
            assert!(pieces(text).all(|piece| !piece.is_empty()));
        }
    }

    #[test]
    fn an_answer_repeats_the_prompt_but_never_a_whole_book() {
        assert!(answer("why is the sky blue?").contains("\"why is the sky blue?\""));
        assert!(answer(&"é".repeat(100_000)).chars().count() < 2 * ECHO_CHARS_MAX + 200);
    }
}
