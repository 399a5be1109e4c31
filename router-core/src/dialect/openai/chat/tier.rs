//! The class of service that an answer was given, by names that the API has.

/// The name for a client; `None` if clients would not know it. Answers of this dialect keep theirs.
pub(super) fn named(given: &str) -> Option<&'static str> {
    match given {
        "standard" | "standard_only" | "on_demand" => Some("default"),
        _ => ["auto", "default", "flex", "scale", "priority", "fast"].into_iter().find(|known| *known == given),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clients_are_told_names_that_they_know_or_none() {
        for (given, told) in
            [("standard", Some("default")), ("priority", Some("priority")), ("batch", None), ("", None)]
        {
            assert_eq!(named(given), told, "{given}");
        }
    }
}
