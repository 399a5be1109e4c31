//! Who cannot serve a request at any time. Capabilities never degrade silently.

use super::ask::{Ask, Unfit};
use super::facts::Terms;
use crate::health::math::whole;

/// Prompts are estimated: a tenth more is reserved for what the estimate misses.
const MARGIN: f32 = 1.1;

/// Tokens of the context window that a request needs: its prompt, and its answer as far as the client bounds it, else as
/// long as it is expected.
fn needed(ask: &Ask<'_>, terms: &Terms, expected_output: f32) -> f32 {
    let output = ask.max_tokens.map_or(expected_output, |max| max as f32).min(terms.output_max as f32);
    ask.prompt_tokens as f32 * MARGIN + output
}

/// Whether a deployment can serve a request.
pub(super) fn fits(ask: &Ask<'_>, terms: &Terms, expected_output: f32) -> bool {
    let able = ask.needs.without(terms.capabilities).is_empty();
    able && (terms.window == u32::MAX || ask.batch || needed(ask, terms, expected_output) <= terms.window as f32)
}

/// Why none of several can, told by the one that comes closest: the missing capability, or the longest window.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Closest {
    unfit: Option<Unfit>,
    missing: u32,
}

impl Closest {
    /// Looks at one more that does not fit.
    pub(super) fn see(&mut self, ask: &Ask<'_>, terms: &Terms, expected_output: f32) {
        let missing = ask.needs.without(terms.capabilities);
        let unfit = match missing.first() {
            Some(capability) => Unfit::Lacks(capability),
            None => {
                let needed = whole(needed(ask, terms, expected_output));
                Unfit::TooLong { needed, window: terms.window }
            }
        };
        let closer = match (self.unfit, unfit) {
            (None, _) => true,
            (Some(Unfit::TooLong { window, .. }), Unfit::TooLong { window: other, .. }) => other > window,
            (Some(_), _) => missing.count() < self.missing,
        };
        if closer {
            *self = Self { unfit: Some(unfit), missing: missing.count() };
        }
    }

    /// The reason.
    pub(super) fn reason(&self) -> Unfit {
        self.unfit.unwrap_or(Unfit::NoCandidate)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::DeploymentId;
    use crate::plan::{Capabilities, Capability, Facts};

    fn terms(capabilities: Capabilities, window: u32) -> Terms {
        let id = DeploymentId::named("d");
        Terms::of(&Facts { capabilities, context_window: Some(window), output_max: Some(4_000), ..Facts::new(id) })
    }

    fn reason(ask: &Ask<'_>, all: &[Terms]) -> Unfit {
        let mut closest = Closest::default();
        for terms in all {
            assert!(!fits(ask, terms, 300.0));
            closest.see(ask, terms, 300.0);
        }
        closest.reason()
    }

    #[test]
    fn the_error_names_what_the_closest_one_lacks() {
        let tools = Capabilities::NONE.with(Capability::Tools);
        let both = tools.with(Capability::Vision);
        let ask = Ask { needs: both, ..Ask::default() };
        let unfit = reason(&ask, &[terms(Capabilities::NONE, 8_000), terms(tools, 8_000)]);
        assert_eq!(unfit, Unfit::Lacks(Capability::Vision));
        assert_eq!(unfit.to_string(), "no deployment of this model can do vision");
        assert!(fits(&ask, &terms(both, 8_000), 300.0));
        assert_eq!(reason(&ask, &[]), Unfit::NoCandidate);
    }

    #[test]
    fn a_prompt_that_is_too_long_is_told_the_longest_window() {
        let ask = Ask { prompt_tokens: 10_000, max_tokens: Some(2_000), ..Ask::default() };
        let all =
            [terms(Capabilities::NONE, 8_000), terms(Capabilities::NONE, 12_000), terms(Capabilities::NONE, 4_000)];
        assert_eq!(reason(&ask, &all), Unfit::TooLong { needed: 13_000, window: 12_000 });
        assert!(fits(&ask, &terms(Capabilities::NONE, 13_000), 300.0));
    }

    #[test]
    fn a_bound_beyond_what_a_deployment_can_answer_needs_no_room() {
        let ask = Ask { prompt_tokens: 1_000, max_tokens: Some(u32::MAX), ..Ask::default() };
        assert!(fits(&ask, &terms(Capabilities::NONE, 5_200), 300.0));
    }

    #[test]
    fn a_batch_needs_no_window_that_holds_all_of_it() {
        let ask = Ask { prompt_tokens: 100_000, batch: true, ..Ask::default() };
        assert!(fits(&ask, &terms(Capabilities::NONE, 8_000), 300.0));
    }

    #[test]
    fn an_unbounded_answer_needs_what_it_is_expected_to() {
        let ask = Ask { prompt_tokens: 1_000, ..Ask::default() };
        assert!(fits(&ask, &terms(Capabilities::NONE, 1_400), 300.0));
        assert!(!fits(&ask, &terms(Capabilities::NONE, 1_399), 300.0));
    }
}
