//! Tool calls of a provider's stream: fragments, told apart by index, else by id.

use super::choice_in::Out;
use super::wire::{self, Call, Function, Raw};
use crate::chat::{Delta, Opening, RawStr, Signature, Sink};
use crate::dialect::Invalid;
use crate::domain::Dialect;
use crate::json::escape_into;

/// A call that is being read.
#[derive(Debug)]
struct Pending {
    index: Option<u64>,
    /// As it stands on the wire, still escaped.
    id: String,
    /// The provider gave no id.
    made: bool,
    custom: bool,
    /// Its block, once its name is known.
    block: Option<u32>,
    closed: bool,
    /// Arguments that came before the name, still escaped.
    held: String,
    /// Likewise its seal.
    held_seal: Option<Signature>,
}

/// The calls of one answer.
#[derive(Debug, Default)]
pub(super) struct Calls {
    calls: Vec<Pending>,
}

impl Calls {
    /// Whether there is one.
    pub(super) fn any(&self) -> bool {
        !self.calls.is_empty()
    }

    /// Reads a fragment. `answer` is the answer's id, which makes ids for calls that have none.
    pub(super) fn read<S: Sink>(
        &mut self,
        call: &Call<'_>,
        answer: Option<RawStr<'_>>,
        next: &mut u32,
        out: &mut Out<'_, S>,
    ) -> Result<(), Invalid> {
        let (function, custom) = match (&call.function, &call.custom) {
            (None, Some(custom)) => (custom, true),
            (Some(function), _) => (function, false),
            (None, None) => (&Function::default(), false),
        };
        let arguments = if custom { function.input } else { function.arguments };
        let name = wire::text(function.name);
        let at = self.find(wire::whole(call.index), wire::text(call.id), name).unwrap_or_else(|| {
            self.add(call, answer, custom, out.choice);
            self.calls.len() - 1
        });
        let pending = &mut self.calls[at];
        if let Some(name) = name.filter(|_| pending.block.is_none()) {
            pending.open(name, next, out);
        }
        if let Some(seal) = wire::seal_of_call(call.extra_content) {
            pending.seal(wire::seal(Dialect::Gemini, seal), out);
        }
        pending.arguments(arguments, out)
    }

    /// Reads a `function_call`: the one call of an answer, without an id.
    pub(super) fn read_legacy<S: Sink>(
        &mut self,
        function: &Function<'_>,
        answer: Option<RawStr<'_>>,
        next: &mut u32,
        out: &mut Out<'_, S>,
    ) -> Result<(), Invalid> {
        let at = if self.calls.is_empty() {
            self.add(&Call::default(), answer, false, out.choice);
            0
        } else {
            self.calls.len() - 1
        };
        let pending = &mut self.calls[at];
        if let Some(name) = wire::text(function.name).filter(|_| pending.block.is_none()) {
            pending.open(name, next, out);
        }
        pending.arguments(function.arguments, out)
    }

    /// The block of the call with this index, if its arguments may go on there.
    pub(super) fn going_on(&self, index: u64) -> Option<u32> {
        self.calls.iter().rfind(|call| call.index == Some(index)).filter(|call| !call.closed)?.block
    }

    /// Fails if a call was over before its name came: nobody could run it.
    pub(super) fn check(&self) -> Result<(), Invalid> {
        let nameless = self.calls.iter().any(|call| call.closed && call.block.is_none());
        if nameless {
            Err(Invalid::at("choices[0].delta.tool_calls", "a tool call never got its name"))
        } else {
            Ok(())
        }
    }

    /// Closes all calls.
    pub(super) fn close<S: Sink>(&mut self, out: &mut Out<'_, S>) {
        for call in self.calls.iter_mut().filter(|call| !call.closed) {
            call.closed = true;
            call.block.into_iter().for_each(|block| out.close(block));
        }
    }

    /// The call that a fragment belongs to. An id that differs is another call, whatever its index: some servers give
    /// every call the index 0. Without index and id, a name begins a call.
    fn find(&self, index: Option<u64>, id: Option<RawStr<'_>>, name: Option<RawStr<'_>>) -> Option<usize> {
        let id = id.map(RawStr::as_escaped);
        let same_id = |call: &Pending| id.is_some_and(|id| call.id == id);
        if index.is_some() {
            let at = self.calls.iter().rposition(|call| call.index == index)?;
            let differs = id.is_some() && !self.calls[at].made && !same_id(&self.calls[at]);
            return if differs { self.calls.iter().rposition(same_id) } else { Some(at) };
        }
        match (id, name) {
            (Some(_), _) => self.calls.iter().rposition(same_id),
            (None, Some(_)) => None,
            (None, None) => self.calls.len().checked_sub(1),
        }
    }

    fn add(&mut self, call: &Call<'_>, answer: Option<RawStr<'_>>, custom: bool, choice: u32) {
        let given = wire::text(call.id).map(|id| id.as_escaped().to_owned());
        let made = given.is_none();
        let id = given.unwrap_or_else(|| {
            let answer = answer.map_or("", RawStr::as_escaped);
            let maker = if choice == 0 { answer.to_owned() } else { format!("{answer}_{choice}") };
            format!("call_{maker}_{}", self.calls.len())
        });
        self.calls.push(Pending {
            index: wire::whole(call.index),
            id,
            made,
            custom,
            block: None,
            closed: false,
            held: String::new(),
            held_seal: None,
        });
    }
}

impl Pending {
    fn open<S: Sink>(&mut self, name: RawStr<'_>, next: &mut u32, out: &mut Out<'_, S>) {
        let block = *next;
        *next += 1;
        self.block = Some(block);
        out.open(block, Opening::ToolCall { id: RawStr::escaped(&self.id), name, custom: self.custom });
        if let Some(seal) = self.held_seal.take() {
            self.seal(seal, out);
        }
        if !self.held.is_empty() {
            out.delta(block, Delta::Arguments(RawStr::escaped(&std::mem::take(&mut self.held))));
        }
    }

    fn seal<S: Sink>(&mut self, seal: Signature, out: &mut Out<'_, S>) {
        match self.block.filter(|_| !self.closed) {
            Some(block) => {
                out.delta(block, Delta::Signature { origin: seal.origin, data: RawStr::escaped(&seal.data) });
            }
            None => self.held_seal = Some(seal),
        }
    }

    /// Text of arguments; of some servers, the object itself.
    fn arguments<S: Sink>(&mut self, raw: Raw<'_>, out: &mut Out<'_, S>) -> Result<(), Invalid> {
        let object = raw.map(serde_json::value::RawValue::get).filter(|json| json.starts_with('{'));
        let Some(text) = wire::text(raw).map(RawStr::as_escaped).or(object) else { return Ok(()) };
        match self.block {
            Some(_) if self.closed => {
                let what = format!("more arguments for the call {:?}, after which something else came", self.id);
                return Err(Invalid::at("choices[0].delta.tool_calls", what));
            }
            Some(block) if object.is_some() => out.delta(block, Delta::Object(text)),
            Some(block) => out.delta(block, Delta::Arguments(RawStr::escaped(text))),
            None if object.is_some() => {
                let mut escaped = std::mem::take(&mut self.held).into_bytes();
                escape_into(&mut escaped, text);
                self.held = String::from_utf8_lossy(&escaped).into_owned();
            }
            None => self.held.push_str(text),
        }
        Ok(())
    }
}
