//! Tokens: what a provider reported, and what we book.

/// A sum that does not fit its type. Whoever meets it decides; nobody wraps around.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the amount does not fit")]
pub struct Overflow;

/// Token counts in a provider's own, overlapping terms, as far as it gave them.
///
/// OpenAI's terms: `input` includes `cache_read`, `cache_write` and `audio_in`; `output` includes `reasoning` and
/// `audio_out` (docs/metering.md has the field table).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct UsageReport {
    /// `prompt_tokens` or `input_tokens`.
    pub input: u64,
    /// `completion_tokens` or `output_tokens`.
    pub output: u64,
    /// `total_tokens`, when the provider gave one.
    pub total: Option<u64>,
    /// `cached_tokens`.
    pub cache_read: u64,
    /// `cache_write_tokens`.
    pub cache_write: u64,
    /// Of `cache_write`, what was written for longer than the provider's usual five minutes (Anthropic's one hour).
    pub cache_write_long: u64,
    /// `audio_tokens` of the input.
    pub audio_in: u64,
    /// `reasoning_tokens`.
    pub reasoning: u64,
    /// `audio_tokens` of the output.
    pub audio_out: u64,
    /// Searches of the web that the provider made. Not tokens: charged apart.
    pub web_searches: u64,
}

/// Where a count came from. Every booked row says so.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Provenance {
    /// The provider's own count.
    Reported,
    /// The provider's counts contradict each other; the classes were made to fit its totals.
    Derived,
    /// No count arrived.
    #[default]
    Missing,
}

impl Provenance {
    /// Label for logs and metrics; renaming one breaks a dashboard.
    pub const fn label(self) -> &'static str {
        match self {
            Self::Reported => "reported",
            Self::Derived => "derived",
            Self::Missing => "missing",
        }
    }
}

/// Token counts in disjoint classes: no token is in two of them, so that each is priced once.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Usage {
    /// Input that no cache answered.
    pub fresh: u64,
    /// Input answered by the provider's prompt cache.
    pub cache_read: u64,
    /// Input written to the provider's prompt cache.
    pub cache_write: u64,
    /// Audio input.
    pub audio_in: u64,
    /// Visible output.
    pub out_text: u64,
    /// Reasoning output.
    pub out_reasoning: u64,
    /// Audio output.
    pub out_audio: u64,
    /// Where the counts came from.
    pub provenance: Provenance,
}

impl Usage {
    /// All input tokens.
    pub const fn input(&self) -> u64 {
        self.fresh.saturating_add(self.cache_read).saturating_add(self.cache_write).saturating_add(self.audio_in)
    }

    /// All output tokens.
    pub const fn output(&self) -> u64 {
        self.out_text.saturating_add(self.out_reasoning).saturating_add(self.out_audio)
    }
}
