//! What a model of Google's can do, by its name.

/// A model's generation and size.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Model {
    /// Such as 2.5; `None` for what is no Gemini, or not by its name.
    generation: Option<(u32, u32)>,
    /// The large one, which always thinks.
    pub(super) pro: bool,
    /// The smallest one.
    pub(super) lite: bool,
}

impl Model {
    /// Reads `gemini-2.5-pro`, `models/gemini-3-flash-preview` and the like. A Gemini without a number is the latest.
    pub(super) fn named(name: &str) -> Self {
        let name = name.rsplit('/').next().unwrap_or(name);
        let generation = name.strip_prefix("gemini-").map(|rest| {
            let number: String = rest.chars().take_while(|letter| letter.is_ascii_digit() || *letter == '.').collect();
            let mut parts = number.split('.').map(str::parse::<u32>);
            let major = parts.next().and_then(Result::ok);
            (major.unwrap_or(u32::MAX), parts.next().and_then(Result::ok).unwrap_or(0))
        });
        Self { generation, pro: name.contains("-pro"), lite: name.contains("-lite") }
    }

    /// Whether it thinks. What we do not know by its name is taken to be as able as Gemini 2.5.
    pub(super) fn thinks(self) -> bool {
        self.generation.is_none_or(|generation| generation >= (2, 5))
    }

    /// Whether it is Gemini 3 or later: thinks in levels, wants signatures back, and takes pictures in tool results.
    pub(super) fn is_third(self) -> bool {
        self.generation.is_some_and(|generation| generation >= (3, 0))
    }

    /// Whether it is the first one of the third generation, which knows two levels only.
    pub(super) fn has_two_levels(self) -> bool {
        self.pro && self.generation == Some((3, 0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_models_name_tells_what_it_can_do() {
        let able = |name| (Model::named(name).thinks(), Model::named(name).is_third());
        assert_eq!(able("gemini-2.0-flash"), (false, false));
        assert_eq!(able("gemini-1.5-pro-002"), (false, false));
        assert_eq!(able("models/gemini-2.5-pro"), (true, false));
        assert_eq!(able("publishers/google/models/gemini-3-pro-preview"), (true, true));
        assert_eq!(able("gemini-flash-latest"), (true, true));
        assert_eq!(able("gemma-3-27b-it"), (true, false));
        assert!(Model::named("gemini-2.5-flash-lite").lite && Model::named("gemini-2.5-pro").pro);
        assert!(Model::named("gemini-3-pro-preview").has_two_levels());
        assert!(!Model::named("gemini-3.1-pro").has_two_levels() && !Model::named("gemini-3-flash").has_two_levels());
    }
}
