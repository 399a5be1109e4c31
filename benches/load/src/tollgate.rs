//! Tollgate with everything on that it does for a request: key, price, journal, metrics and access log.

use std::fmt::Write as _;
use std::fs::{self, File};
use std::io::Read;
use std::net::SocketAddr;
use std::path::Path;
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::{sleep, timeout};

use crate::failure::{Context, Result};
use crate::pair;
use crate::process::{GATEWAY_CORE, Ports, Spawn};
use crate::script::Behaviour;
use crate::target::{Books, Kind, Target};

/// The key that callers present. It opens nothing but the gateway of this run.
pub(crate) const KEY: &str = "tg-bench-0123456789abcdefghijklmnopqrstuvwxyz";
/// What the mock reports for every answer, and what that costs at the prices of the configuration.
const OUTPUT_TOKENS: f64 = 200.0;
const COST_USD: f64 = (212.0 * 2.5 + OUTPUT_TOKENS * 10.0) / 1e6;
const ENVIRONMENT: &[(&str, &str)] = &[("BENCH_KEY", KEY), ("BENCH_PROVIDER_KEY", "sk-bench-provider")];

const ACCESS_LOG: &str = "access.log";
const READY_MAX: Duration = Duration::from_secs(30);
const FETCH_MAX: Duration = Duration::from_secs(5);

/// Starts it with one thread in front of `provider`; its files live in `directory`.
pub(crate) async fn start(program: &Path, provider: SocketAddr, directory: &Path, ports: &mut Ports) -> Result<Target> {
    let (listen, operations) = (ports.next()?, ports.next()?);
    fs::create_dir_all(directory).context(|| format!("making {}", directory.display()))?;
    let file = directory.join("tollgate.toml");
    let config = config(provider, listen, operations, directory);
    fs::write(&file, config).context(|| format!("writing {}", file.display()))?;
    let arguments = ["serve", "--config", &file.to_string_lossy()].map(str::to_owned).to_vec();
    let spawn = Spawn::new("tollgate", GATEWAY_CORE, program);
    let mut process = Spawn { arguments, environment: ENVIRONMENT, ..spawn }.start()?;
    process.listening(operations).await?;
    let deadline = Instant::now() + READY_MAX;
    while fetch(operations, "/health/ready").await.is_err() {
        process.alive()?;
        if Instant::now() > deadline {
            return Err("tollgate does not become ready".into());
        }
        sleep(Duration::from_millis(50)).await;
    }
    process.listening(listen).await?;
    let books = Some(Books { operations, access_log: directory.join(ACCESS_LOG) });
    Ok(Target { kind: Kind::Tollgate, json: listen, stream: listen, books, process })
}

/// Memory allocations made since the start.
pub(crate) async fn allocations(books: &Books) -> Result<f64> {
    let metrics = fetch(books.operations, "/metrics").await?;
    metric(&metrics, "tollgate_allocations_total").context(|| "tollgate does not count its allocations")
}

/// What a gateway has done beside relaying, by its own books.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Work {
    /// Requests in the metrics.
    pub(crate) requests: f64,
    /// Output tokens that providers reported.
    pub(crate) output_tokens: f64,
    /// What they cost.
    pub(crate) cost_usd: f64,
    /// Lines of the access log.
    pub(crate) log_lines: f64,
}

impl Work {
    /// Reads the books as they are now.
    pub(crate) async fn read(books: &Books) -> Result<Self> {
        let metrics = fetch(books.operations, "/metrics").await?;
        let value = |name| metric(&metrics, name).unwrap_or(0.0);
        Ok(Self {
            requests: value("tollgate_requests_total"),
            output_tokens: value("tollgate_tokens_total{type=\"output\"}"),
            cost_usd: value("tollgate_cost_usd_total"),
            log_lines: lines(&books.access_log)? as f64,
        })
    }

    /// What was done since `before`, per request.
    pub(crate) fn per_request(&self, before: &Self, requests: f64) -> Self {
        Self {
            requests: (self.requests - before.requests) / requests,
            output_tokens: (self.output_tokens - before.output_tokens) / requests,
            cost_usd: (self.cost_usd - before.cost_usd) / requests,
            log_lines: (self.log_lines - before.log_lines) / requests,
        }
    }

    /// Whether every JSON answer of the mock was counted, metered, priced and logged: once, and rightly.
    pub(crate) fn is_whole(&self) -> bool {
        let near = |seen: f64, right: f64| (seen / right - 1.0).abs() < 1e-6;
        near(self.requests, 1.0)
            && near(self.output_tokens, OUTPUT_TOKENS)
            && near(self.cost_usd, COST_USD)
            && near(self.log_lines, 1.0)
    }
}

fn lines(file: &Path) -> Result<u64> {
    let mut file = File::open(file).context(|| format!("opening {}", file.display()))?;
    let mut buffer = vec![0; 256 * 1024];
    let mut lines = 0;
    loop {
        match file.read(&mut buffer).context(|| "reading the access log")? {
            0 => return Ok(lines),
            read => lines += u64::try_from(memchr::memchr_iter(b'\n', &buffer[..read]).count()).unwrap_or(u64::MAX),
        }
    }
}

fn config(provider: SocketAddr, listen: SocketAddr, operations: SocketAddr, directory: &Path) -> String {
    let directory = directory.display();
    let mut config = format!(
        r#"[gateway]
listen = "{listen}"
operations_listen = "{operations}"
threads = 1

[store]
url = "sqlite:{directory}/tollgate.db"

[log]
level = "warn"
access = "{directory}/{ACCESS_LOG}"

[demo]
enabled = false

[[providers]]
name = "mock"
base_url = "http://{provider}/v1"
api_key = {{ env = "BENCH_PROVIDER_KEY" }}

[[keys]]
name = "bench"
secret = {{ env = "BENCH_KEY" }}
"#
    );
    for behaviour in Behaviour::ALL {
        let model = behaviour.model();
        write!(
            config,
            "\n[[deployments]]\nmodel = \"{model}\"\nprovider = \"mock\"\nprice = {{ input = \"2.50\", output = \"10\" }}\n"
        )
        .expect("a String takes every write");
    }
    for dialect in samples::DIALECTS {
        let (name, model, path) = (dialect.name(), pair::model(dialect), pair::base_path(dialect));
        write!(
            config,
            r#"
[[providers]]
name = "mock-{name}"
dialect = "{name}"
base_url = "http://{provider}{path}"
api_key = {{ env = "BENCH_PROVIDER_KEY" }}

[[deployments]]
model = "{model}"
provider = "mock-{name}"
price = {{ input = "2.50", output = "10" }}
"#
        )
        .expect("a String takes every write");
    }
    config
}

/// Sum of a metric over its labels. `name{label="value"}` takes only series with that label.
fn metric(exposition: &str, name: &str) -> Option<f64> {
    let (name, label) = name.trim_end_matches('}').split_once('{').unwrap_or((name, ""));
    let values = exposition.lines().filter_map(|line| {
        let rest = line.strip_prefix(name)?;
        if !rest.starts_with([' ', '{']) || !rest.contains(label) {
            return None;
        }
        rest.rsplit_once(' ')?.1.parse::<f64>().ok()
    });
    values.reduce(|sum, value| sum + value)
}

/// Body of a page that answers 200. Asks for the connection to be closed, so that the body ends with it.
async fn fetch(address: SocketAddr, path: &str) -> Result<String> {
    let request = format!("GET {path} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n\r\n");
    let page = async {
        let mut stream = TcpStream::connect(address).await?;
        stream.write_all(request.as_bytes()).await?;
        let mut page = Vec::new();
        stream.read_to_end(&mut page).await.map(|_| page)
    };
    let page = timeout(FETCH_MAX, page).await.context(|| format!("fetching {path}"))?;
    let page = String::from_utf8_lossy(&page.context(|| format!("fetching {path}"))?).into_owned();
    let (head, body) = page.split_once("\r\n\r\n").context(|| format!("{path} has no answer"))?;
    let status = head.split(' ').nth(1).unwrap_or_default();
    if status == "200" { Ok(body.to_owned()) } else { Err(format!("{path} answered {status}").into()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn work_left_undone_shows() {
        let before = Work { requests: 10.0, ..Work::default() };
        let after = Work { requests: 14.0, output_tokens: 800.0, cost_usd: 0.01012, log_lines: 4.0 };
        assert!(after.per_request(&before, 4.0).is_whole());
        assert!(!after.per_request(&Work::default(), 4.0).is_whole());
        assert!(!Work { log_lines: 3.0, ..after }.per_request(&before, 4.0).is_whole());
    }

    #[test]
    fn a_metric_is_found_by_its_whole_name() {
        let page = "# TYPE x_total counter\nx_total 41\nx_total_bytes 7\ny{a=\"1\"} 2\ny{a=\"2\"} 3\n";
        assert_eq!(metric(page, "x_total"), Some(41.0));
        assert_eq!(metric(page, "y"), Some(5.0));
        assert_eq!(metric(page, "y{a=\"2\"}"), Some(3.0));
        assert_eq!(metric(page, "x"), None);
    }
}
