//! What not every deployment can do, and not every request needs.

/// Something that not every deployment can do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Capability {
    /// Answer piece by piece.
    Streaming,
    /// Call tools.
    Tools,
    /// See images.
    Vision,
    /// Keep to a JSON schema.
    JsonSchema,
    /// Think before it answers, with an effort that can be asked for.
    Reasoning,
    /// Hear.
    AudioInput,
    /// Speak.
    AudioOutput,
    /// Read documents.
    Documents,
}

impl Capability {
    /// Every capability.
    pub const ALL: [Self; 8] = [
        Self::Streaming,
        Self::Tools,
        Self::Vision,
        Self::JsonSchema,
        Self::Reasoning,
        Self::AudioInput,
        Self::AudioOutput,
        Self::Documents,
    ];

    /// Its name in errors and configuration; renaming one breaks them.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Streaming => "streaming",
            Self::Tools => "tools",
            Self::Vision => "vision",
            Self::JsonSchema => "json_schema",
            Self::Reasoning => "reasoning",
            Self::AudioInput => "audio_input",
            Self::AudioOutput => "audio_output",
            Self::Documents => "documents",
        }
    }

    /// The capability of a name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|capability| capability.name() == name)
    }
}

/// A set of capabilities: what a request needs, or what a deployment has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Capabilities(u32);

impl Capabilities {
    /// None.
    pub const NONE: Self = Self(0);
    /// Every one, for a deployment of which nothing is declared: its provider will say what it cannot do.
    pub const ALL: Self = Self(u32::MAX);

    /// These and one more.
    #[must_use]
    pub const fn with(self, capability: Capability) -> Self {
        Self(self.0 | 1 << capability as u32)
    }

    /// Whether one is among them.
    pub const fn has(self, capability: Capability) -> bool {
        self.0 & 1 << capability as u32 != 0
    }

    /// Those that are in this set and not in the other.
    #[must_use]
    pub const fn without(self, others: Self) -> Self {
        Self(self.0 & !others.0)
    }

    /// Whether there is none.
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// How many there are.
    pub const fn count(self) -> u32 {
        self.0.count_ones()
    }

    /// The first of them, in the order of [`Capability::ALL`].
    pub fn first(self) -> Option<Capability> {
        Capability::ALL.into_iter().find(|capability| self.has(*capability))
    }
}
