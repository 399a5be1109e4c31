//! Ids of tool calls. Every call of ours has one; Gemini's often have none.

/// How ids begin that stand in for none. They are never shown to Gemini.
const MADE: &str = "call_gm_";

/// Whether an id stands in for none.
pub(super) fn is_made(id: &str) -> bool {
    id.starts_with(MADE)
}

/// An id for the `number`th call that has none. `scope` tells turns apart.
pub(super) fn make(scope: &str, number: usize) -> String {
    // Other dialects bound ids to letters, digits, `_` and `-`, and the strictest one to 40 of them.
    let plain = scope.chars().filter(|letter| letter.is_ascii_alphanumeric() || matches!(letter, '-' | '_')).take(24);
    let mut id: String = MADE.chars().chain(plain).collect();
    id.push('_');
    id + &number.to_string()
}

/// Gives ids to calls that have none, and finds the calls that results answer.
#[derive(Debug, Default)]
pub(super) struct Ids {
    scope: String,
    made: usize,
    /// Calls without a result yet: their ids and the names of their tools.
    open: Vec<(String, String)>,
}

impl Ids {
    /// Begins a turn of which `scope` is the name.
    pub(super) fn turn(&mut self, scope: impl Into<String>) {
        (self.scope, self.made) = (scope.into(), 0);
    }

    /// The id of a call.
    pub(super) fn call(&mut self, given: Option<String>, name: &str) -> String {
        let id = given.filter(|id| !id.is_empty()).unwrap_or_else(|| self.next());
        self.open.push((id.clone(), name.to_owned()));
        id
    }

    /// The id of the call that a result answers: by its own id, else the oldest open call of that tool.
    pub(super) fn result(&mut self, given: Option<String>, name: &str) -> String {
        let given = given.filter(|id| !id.is_empty());
        let fits = |call: &(String, String)| given.as_ref().map_or(call.1 == name, |id| call.0 == *id);
        match (self.open.iter().position(fits), given) {
            (Some(at), _) => self.open.remove(at).0,
            (None, Some(id)) => id,
            (None, None) => self.next(),
        }
    }

    fn next(&mut self) -> String {
        self.made += 1;
        make(&self.scope, self.made - 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_find_their_calls_by_id_or_by_name_in_order() {
        let mut ids = Ids::default();
        ids.turn("1");
        let first = ids.call(None, "a");
        let second = ids.call(Some(String::new()), "a");
        assert_eq!(ids.call(Some("x".into()), "b"), "x");
        assert_eq!((first.as_str(), second.as_str()), ("call_gm_1_0", "call_gm_1_1"));
        ids.turn("2");
        assert_eq!(ids.result(None, "a"), first);
        assert_eq!(ids.result(None, "b"), "x");
        assert_eq!(ids.result(None, "a"), second);
        assert_eq!(ids.result(None, "a"), "call_gm_2_0");
        assert_eq!(ids.result(Some("y".into()), "a"), "y");
    }

    #[test]
    fn an_id_that_was_made_is_known_and_fits_every_dialect() {
        let id = make("mAitaLmkHPPlz7IPvtfUqQ4/=+ and very long", 12);
        assert!(is_made(&id) && !is_made("call_1"));
        assert!(id.len() <= 40 && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-".contains(&byte)), "{id}");
    }
}
