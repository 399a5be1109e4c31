//! Diagnostics: JSON lines on standard error, in the Elastic Common Schema. The line per request is the proxy's own.

use std::fmt;
use std::io;

use serde_json::{Map, Value, json};
use tracing::field::{Field, Visit};
use tracing::{Event, Subscriber};
use tracing_subscriber::filter::LevelFilter;
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::time::{FormatTime, SystemTime};
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields};
use tracing_subscriber::registry::LookupSpan;

use crate::config::Level;

/// Starts writing diagnostics, among them those of libraries that use the `log` crate.
pub(crate) fn start(level: Level) {
    let level = match level {
        Level::Error => LevelFilter::ERROR,
        Level::Warn => LevelFilter::WARN,
        Level::Info => LevelFilter::INFO,
        Level::Debug => LevelFilter::DEBUG,
        Level::Trace => LevelFilter::TRACE,
    };
    tracing_subscriber::fmt().event_format(Ecs).with_writer(io::stderr).with_max_level(level).init();
}

/// One event as one JSON object.
struct Ecs;

impl<S, N> FormatEvent<S, N> for Ecs
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(&self, _: &FmtContext<'_, S, N>, mut writer: Writer<'_>, event: &Event<'_>) -> fmt::Result {
        let mut fields = Fields::default();
        event.record(&mut fields);
        let mut time = String::new();
        SystemTime.format_time(&mut Writer::new(&mut time))?;
        let Fields { mut line, logger } = fields;
        line.insert("@timestamp".to_owned(), json!(time));
        line.insert("ecs.version".to_owned(), json!("8.11.0"));
        line.insert("service.name".to_owned(), json!("tollgate"));
        line.insert("log.level".to_owned(), json!(event.metadata().level().as_str().to_lowercase()));
        line.insert("log.logger".to_owned(), json!(logger.as_deref().unwrap_or(event.metadata().target())));
        writeln!(writer, "{}", Value::Object(line))
    }
}

/// An event's fields, collected.
#[derive(Default)]
struct Fields {
    line: Map<String, Value>,
    /// The target of an event that came through the `log` crate, whose own metadata say only that.
    logger: Option<String>,
}

impl Fields {
    fn add(&mut self, field: &Field, value: Value) {
        match field.name() {
            "log.target" => self.logger = value.as_str().map(str::to_owned),
            // The place in a library's source: no help to an operator.
            "log.module_path" | "log.file" | "log.line" => {}
            "error" => drop(self.line.insert("error.message".to_owned(), value)),
            "message" => drop(self.line.insert("message".to_owned(), value)),
            name => drop(self.line.insert(format!("tollgate.{name}"), value)),
        }
    }
}

impl Visit for Fields {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.add(field, json!(format!("{value:?}")));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.add(field, json!(value));
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.add(field, json!(value));
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.add(field, json!(value));
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.add(field, json!(value));
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use super::*;

    #[derive(Clone, Default)]
    struct Sink(Arc<Mutex<Vec<u8>>>);

    impl io::Write for Sink {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().expect("one thread").extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn an_event_is_one_line_of_json_whatever_is_in_it() {
        let sink = Sink::default();
        let writer = sink.clone();
        let subscriber = tracing_subscriber::fmt().event_format(Ecs).with_writer(move || writer.clone()).finish();
        tracing::subscriber::with_default(subscriber, || {
            tracing::warn!(number = 7u64, error = %"no\n\"luck\"", "a {}", "message");
        });
        let text = String::from_utf8(sink.0.lock().expect("one thread").clone()).expect("text");
        let line: Value = serde_json::from_str(text.strip_suffix('\n').expect("a whole line")).expect("JSON");
        assert_eq!(text.lines().count(), 1);
        assert_eq!(line["message"], "a message");
        assert_eq!(line["error.message"], "no\n\"luck\"");
        assert_eq!(line["tollgate.number"], 7);
        assert_eq!(line["log.level"], "warn");
        assert_eq!(line["log.logger"], "tollgate::logging::tests");
    }
}
