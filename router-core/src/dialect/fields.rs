//! The members of an object, taken out one by one. What is left in the end is what we do not know.

use serde_json::{Map, Number, Value};

use super::Invalid;
use crate::chat::Extra;

/// An object that is being read. A member that is `null` counts as absent, and is forgotten.
#[derive(Debug)]
pub(super) struct Fields {
    path: String,
    members: Map<String, Value>,
}

impl Fields {
    /// Reads `value`, which stands at `path`.
    pub(super) fn of(value: Value, path: impl Into<String>) -> Result<Self, Invalid> {
        match value {
            Value::Object(members) => Ok(Self { path: path.into(), members }),
            _ => Err(Invalid::at(path, "must be an object")),
        }
    }

    /// Where a member stands.
    pub(super) fn path(&self, key: &str) -> String {
        if self.path.is_empty() { key.to_owned() } else { format!("{}.{key}", self.path) }
    }

    /// Where this object stands.
    pub(super) fn own_path(&self) -> &str {
        &self.path
    }

    /// A fault of a member.
    pub(super) fn invalid(&self, key: &str, what: impl Into<String>) -> Invalid {
        Invalid::at(self.path(key), what)
    }

    /// Whether a member is there, and not null.
    pub(super) fn has(&self, key: &str) -> bool {
        self.members.get(key).is_some_and(|value| !value.is_null())
    }

    /// A member's text, which stays.
    pub(super) fn peek_text(&self, key: &str) -> Option<&str> {
        self.members.get(key)?.as_str()
    }

    /// Any value.
    pub(super) fn take(&mut self, key: &str) -> Option<Value> {
        self.members.shift_remove(key).filter(|value| !value.is_null())
    }

    /// A text.
    pub(super) fn text(&mut self, key: &str) -> Result<Option<String>, Invalid> {
        match self.take(key) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(_) => Err(self.invalid(key, "must be a string")),
        }
    }

    /// A text that must be there.
    pub(super) fn need_text(&mut self, key: &str) -> Result<String, Invalid> {
        self.text(key)?.ok_or_else(|| self.invalid(key, "is missing: it must be a string"))
    }

    /// A text that must be there and say something.
    pub(super) fn need_name(&mut self, key: &str) -> Result<String, Invalid> {
        match self.need_text(key)? {
            name if name.is_empty() => Err(self.invalid(key, "must not be empty")),
            name => Ok(name),
        }
    }

    /// A number.
    pub(super) fn number(&mut self, key: &str) -> Result<Option<Number>, Invalid> {
        match self.take(key) {
            None => Ok(None),
            Some(Value::Number(number)) => Ok(Some(number)),
            Some(_) => Err(self.invalid(key, "must be a number")),
        }
    }

    /// A whole number that is not negative.
    pub(super) fn whole(&mut self, key: &str) -> Result<Option<u64>, Invalid> {
        match self.number(key)? {
            None => Ok(None),
            Some(number) => {
                let whole = number.as_u64();
                whole.map(Some).ok_or_else(|| self.invalid(key, "must be a whole number that is not negative"))
            }
        }
    }

    /// True or false.
    pub(super) fn flag(&mut self, key: &str) -> Result<Option<bool>, Invalid> {
        match self.take(key) {
            None => Ok(None),
            Some(Value::Bool(flag)) => Ok(Some(flag)),
            Some(_) => Err(self.invalid(key, "must be true or false")),
        }
    }

    /// An array.
    pub(super) fn list(&mut self, key: &str) -> Result<Option<Vec<Value>>, Invalid> {
        match self.take(key) {
            None => Ok(None),
            Some(Value::Array(items)) => Ok(Some(items)),
            Some(_) => Err(self.invalid(key, "must be an array")),
        }
    }

    /// An object.
    pub(super) fn object(&mut self, key: &str) -> Result<Option<Self>, Invalid> {
        self.take(key).map(|value| Self::of(value, self.path(key))).transpose()
    }

    /// An array of texts.
    pub(super) fn texts(&mut self, key: &str) -> Result<Option<Vec<String>>, Invalid> {
        let Some(items) = self.list(key)? else { return Ok(None) };
        let texts = items.into_iter().enumerate().map(|(at, item)| match item {
            Value::String(text) => Ok(text),
            _ => Err(self.invalid(&format!("{key}[{at}]"), "must be a string")),
        });
        texts.collect::<Result<_, _>>().map(Some)
    }

    /// Puts a member back that another reader of this object wants to see.
    pub(super) fn put_back(&mut self, key: &str, value: Value) {
        self.members.insert(key.to_owned(), value);
    }

    /// Everything that was not taken.
    pub(super) fn rest(self) -> Extra {
        let mut members = self.members;
        members.retain(|_, value| !value.is_null());
        members
    }

    /// The object as it is now.
    pub(super) fn into_value(self) -> Value {
        Value::Object(self.members)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_is_not_taken_is_left_in_its_order() {
        let value = json!({"z": 1, "a": "x", "m": null, "b": [true], "c": {"d": 1.5}});
        let mut fields = Fields::of(value, "top").expect("an object");
        assert_eq!(fields.text("a"), Ok(Some("x".into())));
        assert!(fields.has("b") && !fields.has("m"));
        let rest = fields.rest();
        assert_eq!(Value::Object(rest).to_string(), r#"{"z":1,"b":[true],"c":{"d":1.5}}"#);
    }

    #[test]
    fn a_fault_says_where_it_is() {
        let mut fields = Fields::of(json!({"a": {"b": -1, "c": ["x", 2]}}), "").expect("an object");
        let mut inner = fields.object("a").expect("an object").expect("there");
        assert_eq!(inner.whole("b").expect_err("negative").path, "a.b");
        assert_eq!(inner.texts("c").expect_err("a number").to_string(), "a.c[1]: must be a string");
        assert_eq!(inner.need_text("d").expect_err("missing").path, "a.d");
        let mut empty = Fields::of(json!({"name": ""}), "f").expect("an object");
        assert_eq!(empty.need_name("name").expect_err("empty").to_string(), "f.name: must not be empty");
        assert!(Fields::of(json!([]), "x").is_err());
    }
}
