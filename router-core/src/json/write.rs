//! JSON written straight into a buffer, member by member. Nothing is allocated but what the buffer grows by.

use serde_json::Value;

/// An object in the making. It is closed when it is dropped.
#[derive(Debug)]
pub struct Object<'o> {
    out: &'o mut Vec<u8>,
    first: bool,
}

impl<'o> Object<'o> {
    /// Opens an object at the buffer's end.
    pub fn open(out: &'o mut Vec<u8>) -> Self {
        out.push(b'{');
        Self { out, first: true }
    }

    /// Writes a key that needs no escapes, and gives the buffer for exactly one value.
    pub fn key(&mut self, key: &'static str) -> &mut Vec<u8> {
        if !std::mem::take(&mut self.first) {
            self.out.push(b',');
        }
        self.out.push(b'"');
        self.out.extend_from_slice(key.as_bytes());
        self.out.extend_from_slice(b"\":");
        self.out
    }

    /// A string.
    pub fn text(&mut self, key: &'static str, text: &str) {
        let out = self.key(key);
        out.push(b'"');
        escape_into(out, text);
        out.push(b'"');
    }

    /// A string that is escaped already.
    pub fn escaped(&mut self, key: &'static str, escaped: &str) {
        let out = self.key(key);
        out.push(b'"');
        out.extend_from_slice(escaped.as_bytes());
        out.push(b'"');
    }

    /// A string in the middle of which something stands that is escaped already.
    pub fn wrapped(&mut self, key: &'static str, before: &str, escaped: &str) {
        let out = self.key(key);
        out.push(b'"');
        escape_into(out, before);
        out.extend_from_slice(escaped.as_bytes());
        out.push(b'"');
    }

    /// A value that is JSON already.
    pub fn json(&mut self, key: &'static str, json: &str) {
        self.key(key).extend_from_slice(json.as_bytes());
    }

    /// A value.
    pub fn value(&mut self, key: &'static str, value: &Value) {
        // Writing to memory cannot fail.
        let _ = serde_json::to_writer(self.key(key), value);
    }

    /// A whole number.
    pub fn number(&mut self, key: &'static str, number: u64) {
        push_number(self.key(key), number);
    }

    /// `true` or `false`.
    pub fn flag(&mut self, key: &'static str, flag: bool) {
        self.json(key, if flag { "true" } else { "false" });
    }

    /// `null`.
    pub fn null(&mut self, key: &'static str) {
        self.json(key, "null");
    }

    /// An object, which must be dropped before this one goes on.
    pub fn object(&mut self, key: &'static str) -> Object<'_> {
        Object::open(self.key(key))
    }

    /// An array, likewise.
    pub fn array(&mut self, key: &'static str) -> Array<'_> {
        Array::open(self.key(key))
    }
}

impl Drop for Object<'_> {
    fn drop(&mut self) {
        self.out.push(b'}');
    }
}

/// An array in the making. It is closed when it is dropped.
#[derive(Debug)]
pub struct Array<'o> {
    out: &'o mut Vec<u8>,
    first: bool,
}

impl<'o> Array<'o> {
    /// Opens an array at the buffer's end.
    pub fn open(out: &'o mut Vec<u8>) -> Self {
        out.push(b'[');
        Self { out, first: true }
    }

    /// Gives the buffer for exactly one item.
    pub fn item(&mut self) -> &mut Vec<u8> {
        if !std::mem::take(&mut self.first) {
            self.out.push(b',');
        }
        self.out
    }

    /// An object, which must be dropped before this array goes on.
    pub fn object(&mut self) -> Object<'_> {
        Object::open(self.item())
    }
}

impl Drop for Array<'_> {
    fn drop(&mut self) {
        self.out.push(b']');
    }
}

/// Appends a whole number in decimal.
pub fn push_number(out: &mut Vec<u8>, number: u64) {
    let mut digits = [0; 20];
    let (mut at, mut left) = (digits.len(), number);
    loop {
        at -= 1;
        digits[at] = b"0123456789"[usize::try_from(left % 10).unwrap_or(0)];
        left /= 10;
        if left == 0 {
            break;
        }
    }
    out.extend_from_slice(&digits[at..]);
}

/// Appends text as it goes between the quotes of a JSON string.
pub fn escape_into(out: &mut Vec<u8>, text: &str) {
    let mut plain = 0;
    for (at, byte) in text.bytes().enumerate() {
        let short = match byte {
            b'"' => b'"',
            b'\\' => b'\\',
            b'\n' => b'n',
            b'\r' => b'r',
            b'\t' => b't',
            0..0x20 => 0,
            _ => continue,
        };
        out.extend_from_slice(&text.as_bytes()[plain..at]);
        plain = at + 1;
        if short == 0 {
            let hex = |nibble: u8| b"0123456789abcdef"[usize::from(nibble)];
            out.extend_from_slice(&[b'\\', b'u', b'0', b'0', hex(byte >> 4), hex(byte & 15)]);
        } else {
            out.extend_from_slice(&[b'\\', short]);
        }
    }
    out.extend_from_slice(&text.as_bytes()[plain..]);
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    #[test]
    fn what_is_nested_is_closed_in_order() {
        let mut out = Vec::new();
        {
            let mut object = Object::open(&mut out);
            object.text("a", "x\"\u{1}");
            object.escaped("b", "\\n");
            object.number("c", u64::MAX);
            {
                let mut array = object.array("d");
                array.object().flag("e", true);
                array.object().null("f");
                array.item().extend_from_slice(b"1");
            }
            object.object("g").value("h", &json!([1.5]));
            object.wrapped("i", "<\\>", "\\t");
        }
        let read: Value = serde_json::from_slice(&out).expect("JSON");
        let expected = json!({
            "a": "x\"\u{1}", "b": "\n", "c": u64::MAX, "d": [{"e": true}, {"f": null}, 1], "g": {"h": [1.5]},
            "i": "<\\>\t",
        });
        assert_eq!(read, expected);
    }

    proptest! {
        #[test]
        fn text_reads_back_as_it_was(text: String, number: u64) {
            let mut out = Vec::new();
            let mut object = Object::open(&mut out);
            object.text("text", &text);
            object.number("number", number);
            drop(object);
            prop_assert_eq!(serde_json::from_slice::<Value>(&out).expect("JSON"), json!({"text": text, "number": number}));
        }
    }
}
