//! A throwaway PostgreSQL on a Unix socket.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use tempfile::TempDir;

use crate::leash::Leash;
use crate::wait_until;

const PATIENCE: Duration = Duration::from_secs(30);
/// Part of the socket's name only: nothing listens on TCP.
const PORT: &str = "5432";

/// The server that the tests of this process share while any of them holds a [`Postgres`].
static SHARED: Mutex<Weak<Server>> = Mutex::new(Weak::new());

/// A database of one test's own.
#[derive(Debug)]
pub struct Postgres {
    database: String,
    server: Arc<Server>,
}

impl Postgres {
    /// A fresh database on the server that the tests of this process share.
    ///
    /// # Panics
    /// When PostgreSQL is not installed or does not start.
    pub fn start() -> Self {
        let mut shared = SHARED.lock().unwrap_or_else(PoisonError::into_inner);
        let server = shared.upgrade().unwrap_or_else(|| Arc::new(Server::start()));
        *shared = Arc::downgrade(&server);
        drop(shared);
        Self::on(server)
    }

    /// A fresh database on a server of its own, which may therefore be stopped and started again.
    ///
    /// # Panics
    /// When PostgreSQL is not installed or does not start.
    pub fn start_alone() -> Self {
        Self::on(Arc::new(Server::start()))
    }

    /// The database's address, as clients take it.
    pub fn url(&self) -> String {
        format!("postgres://postgres@localhost:{PORT}/{}?host={}", self.database, self.server.socket().display())
    }

    /// Takes the server away, as a crash of its machine would.
    ///
    /// # Panics
    /// When the server is shared with other tests.
    pub fn stop(&self) {
        let shared = SHARED.lock().unwrap_or_else(PoisonError::into_inner).as_ptr() == Arc::as_ptr(&self.server);
        assert!(!shared, "other tests use this server: take `Postgres::start_alone`");
        *self.server.lock() = None;
    }

    /// Brings the server back.
    ///
    /// # Panics
    /// When it does not start.
    pub fn resume(&self) {
        self.server.run();
    }

    fn on(server: Arc<Server>) -> Self {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let database = format!("test_{}", NUMBER.fetch_add(1, Ordering::Relaxed));
        let mut create = Command::new(server.programs.join("createdb"));
        create.arg("--host").arg(server.socket()).args(["--port", PORT, "--username", "postgres", &database]);
        run(&mut create);
        Self { database, server }
    }
}

#[derive(Debug)]
struct Server {
    programs: PathBuf,
    running: Mutex<Option<Leash>>,
    folder: TempDir,
}

impl Server {
    fn start() -> Self {
        let programs = programs();
        let folder = tempfile::Builder::new().prefix("tg-pg-").tempdir().expect("a temporary folder for PostgreSQL");
        if let Some((user, group)) = substitute() {
            std::os::unix::fs::chown(folder.path(), Some(user), Some(group)).expect("root may give folders away");
        }
        let mut init = Command::new("env");
        as_nobody_important(&mut init).arg(programs.join("initdb"));
        init.args(["--no-sync", "--auth=trust", "--username=postgres", "--encoding=UTF8", "--locale=C", "--pgdata"]);
        init.arg(folder.path().join("data")).current_dir(folder.path());
        run(&mut init);
        let server = Self { programs, running: Mutex::new(None), folder };
        server.run();
        server
    }

    fn run(&self) {
        // SIGINT is a fast shutdown: open connections are ended, not waited for.
        let mut command = Leash::command("INT", "env");
        as_nobody_important(&mut command).arg(self.programs.join("postgres")).arg("-D").arg(self.data());
        command.arg("-k").arg(self.socket()).args(["-p", PORT, "-c", "listen_addresses=", "-c", "fsync=off"]);
        command.args(["-c", "synchronous_commit=off", "-c", "full_page_writes=off", "-c", "max_connections=200"]);
        let log = fs::File::create(self.folder.path().join("log")).expect("a writable folder");
        command.stdout(Stdio::null()).stderr(log).current_dir(self.folder.path());
        let mut leash = Leash::start(&mut command, PATIENCE).expect("a shell to start postgres with");
        wait_until(PATIENCE, "PostgreSQL takes connections", || {
            assert!(leash.is_running(), "postgres ended at once: {}", self.log());
            self.log().contains("ready to accept connections")
        });
        *self.lock() = Some(leash);
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Option<Leash>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    fn socket(&self) -> &Path {
        self.folder.path()
    }

    fn log(&self) -> String {
        fs::read_to_string(self.folder.path().join("log")).unwrap_or_default()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        *self.lock() = None;
    }
}

/// The folder with PostgreSQL's programs: on the path, or where Debian hides those of each version.
fn programs() -> PathBuf {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let mut hidden: Vec<_> = fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten().collect();
    hidden.sort_by_key(|entry| std::cmp::Reverse(version(&entry.path())));
    let hidden = hidden.into_iter().map(|entry| entry.path().join("bin"));
    let complete = |folder: &PathBuf| ["initdb", "postgres", "createdb"].iter().all(|name| folder.join(name).exists());
    hidden
        .chain(std::env::split_paths(&path))
        .find(complete)
        .expect("PostgreSQL's server is not installed: run `make test`, which installs it")
}

fn version(folder: &Path) -> u32 {
    folder.file_name().and_then(|name| name.to_str()).and_then(|name| name.parse().ok()).unwrap_or_default()
}

/// PostgreSQL refuses to run as root: then it runs as the user that its package made, or as `nobody`.
fn substitute() -> Option<(u32, u32)> {
    if fs::metadata("/proc/self").map_or(true, |me| me.uid() != 0) {
        return None;
    }
    let users = fs::read_to_string("/etc/passwd").expect("a list of users");
    let ids = |name: &str| {
        let line = users.lines().find(|line| line.split(':').next() == Some(name))?;
        let mut fields = line.split(':').skip(2).map(str::parse);
        Some((fields.next()?.ok()?, fields.next()?.ok()?))
    };
    Some(ids("postgres").or_else(|| ids("nobody")).expect("a user other than root to run PostgreSQL as"))
}

fn as_nobody_important(command: &mut Command) -> &mut Command {
    if let Some((user, group)) = substitute() {
        command.args(["setpriv", &format!("--reuid={user}"), &format!("--regid={group}"), "--clear-groups"]);
    }
    command
}

fn run(command: &mut Command) {
    let output = command.stdin(Stdio::null()).output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    assert!(output.status.success(), "{command:?} failed: {}", String::from_utf8_lossy(&output.stderr));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn query(postgres: &Postgres, sql: &str) -> Option<String> {
        let psql = Command::new(postgres.server.programs.join("psql"))
            .args(["--no-psqlrc", "--tuples-only", "--no-align", "--command", sql, &postgres.url()])
            .output()
            .unwrap();
        psql.status.success().then(|| String::from_utf8(psql.stdout).unwrap().trim().to_owned())
    }

    #[test]
    fn two_databases_on_one_server_do_not_see_each_other() {
        let (one, two) = (Postgres::start(), Postgres::start());
        assert!(Arc::ptr_eq(&one.server, &two.server));
        assert_eq!(query(&one, "create table t (x int)").as_deref(), Some("CREATE TABLE"));
        assert_eq!(query(&two, "select * from t"), None);
    }

    #[test]
    fn a_server_of_its_own_keeps_its_data_through_a_restart_and_goes_with_its_value() {
        let postgres = Postgres::start_alone();
        query(&postgres, "create table t as select 7 as x").unwrap();
        postgres.stop();
        assert_eq!(query(&postgres, "select 1"), None);
        postgres.resume();
        assert_eq!(query(&postgres, "select x from t").as_deref(), Some("7"));
        let folder = postgres.server.folder.path().to_owned();
        drop(postgres);
        assert!(!folder.exists());
    }

    #[test]
    #[should_panic(expected = "start_alone")]
    fn a_shared_server_cannot_be_taken_away() {
        Postgres::start().stop();
    }
}
