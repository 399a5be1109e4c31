//! What a model's name tells about what it takes.

/// How a model thinks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Thinks {
    /// Not at all.
    Never,
    /// As long as a budget in tokens lasts.
    Budget,
    /// As it sees fit, by an effort in words; it can be told not to.
    Adaptive,
    /// Likewise, and it cannot be told not to.
    Always,
}

/// A model, as far as its name tells. Names are read loosely, because platforms put a vendor before them and dates or
/// versions behind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Model {
    /// Of Claude; models of others that speak the dialect have none.
    version: Option<(u32, u32)>,
    always_thinks: bool,
}

impl Model {
    /// What `name` tells.
    pub(super) fn named(name: &str) -> Self {
        let name = name.to_ascii_lowercase();
        let Some(at) = name.find("claude") else { return Self { version: None, always_thinks: false } };
        let words = name[at..].split(|c: char| !c.is_ascii_alphanumeric()).collect::<Vec<_>>();
        let number = |word: &&str| word.parse().ok().filter(|number: &u32| *number < 100);
        let mut numbers = words.iter().skip_while(|word| number(word).is_none()).map_while(number);
        // A name without a number is a name for the latest.
        let version = numbers.next().map_or((5, 0), |major| (major, numbers.next().unwrap_or(0)));
        let always_thinks = words.iter().any(|word| ["fable", "mythos"].contains(word));
        Self { version: Some(version), always_thinks }
    }

    fn is_since(self, version: (u32, u32)) -> bool {
        self.version.is_some_and(|own| own >= version)
    }

    /// How it thinks.
    pub(super) fn thinks(self) -> Thinks {
        match self.version {
            _ if self.always_thinks => Thinks::Always,
            Some(version) if version >= (4, 6) => Thinks::Adaptive,
            Some(version) if version < (3, 7) => Thinks::Never,
            _ => Thinks::Budget,
        }
    }

    /// Whether it takes `temperature`, `top_p` and `top_k` at all.
    pub(super) fn takes_sampling(self) -> bool {
        !self.always_thinks && !self.is_since((4, 7))
    }

    /// Whether it takes `temperature` and `top_p` in one request.
    pub(super) fn takes_both_temperature_and_top_p(self) -> bool {
        !self.is_since((4, 1))
    }

    /// Whether answers and arguments can be held to a schema.
    pub(super) fn takes_schemas(self) -> bool {
        self.version.is_none() || self.is_since((4, 1))
    }

    /// Whether it knows the effort `xhigh`.
    pub(super) fn takes_xhigh(self) -> bool {
        self.is_since((4, 7))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_all_platforms_are_understood() {
        for (name, version) in [
            ("claude-sonnet-4-5-20250929", (4, 5)),
            ("claude-3-7-sonnet-20250219", (3, 7)),
            ("claude-opus-4-20250514", (4, 0)),
            ("us.anthropic.claude-opus-4-6-v1:0", (4, 6)),
            ("claude-opus-4-8@20260528", (4, 8)),
            ("anthropic/claude-4.7-opus", (4, 7)),
            ("claude-2.1", (2, 1)),
            ("claude-haiku-latest", (5, 0)),
        ] {
            assert_eq!(Model::named(name).version, Some(version), "{name}");
        }
        assert_eq!(Model::named("kimi-k2").version, None);
    }

    #[test]
    fn what_a_model_takes_follows_from_its_version() {
        for (name, thinks) in [
            ("claude-3-5-sonnet-20241022", Thinks::Never),
            ("claude-sonnet-4-5", Thinks::Budget),
            ("kimi-k2", Thinks::Budget),
            ("claude-haiku-5-5", Thinks::Adaptive),
            ("claude-opus-4-6", Thinks::Adaptive),
            ("claude-fable-5", Thinks::Always),
            ("claude-mythos-preview", Thinks::Always),
        ] {
            assert_eq!(Model::named(name).thinks(), thinks, "{name}");
        }
        let takes = |name| {
            let model = Model::named(name);
            [
                model.takes_sampling(),
                model.takes_both_temperature_and_top_p(),
                model.takes_schemas(),
                model.takes_xhigh(),
            ]
        };
        assert_eq!(takes("claude-sonnet-4-0"), [true, true, false, false]);
        assert_eq!(takes("claude-sonnet-4-6"), [true, false, true, false]);
        assert_eq!(takes("claude-opus-4-7"), [false, false, true, true]);
        assert_eq!(takes("deepseek-chat"), [true, true, true, false]);
    }
}
