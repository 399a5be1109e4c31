//! Who may import whom.

use super::code::{code_only, paths};
use super::prove;
use super::tree::{Source, dependencies};

/// What a part of the tree must not name, and why.
struct Ban {
    folder: &'static str,
    /// Files in the folder that it does not hold for.
    except: &'static [&'static str],
    /// Paths in the code, or crates in the manifest. A crate stands for the whole family: `pingora` for `pingora-core`.
    names: &'static [&'static str],
    reason: &'static str,
}

const BANS: &[Ban] = &[
    Ban {
        folder: "router-core/src/",
        except: &[],
        names: &[
            "tokio",
            "pingora",
            "axum",
            "hyper",
            "reqwest",
            "sqlx",
            "redis",
            "wasmtime",
            "rand",
            "getrandom",
            "fastrand",
            "std::fs",
            "std::net",
            "std::thread",
            "std::process",
            "std::env",
            "std::time::Instant",
            "std::time::SystemTime",
            "billing_meter",
            "tollgate_proxy",
            "control_plane",
        ],
        reason: "the core is pure, so that it replays: take time and chance as arguments, and leave I/O to a shell",
    },
    Ban {
        folder: "billing-meter/src/",
        except: &["store/", "wal/file.rs"],
        names: &["sqlx", "std::fs", "tokio", "std::net", "std::thread"],
        reason: "money is pure: only store/ has SQL, and only wal/file.rs has files",
    },
    Ban {
        folder: "billing-meter/src/",
        except: &[],
        names: &[
            "router_core::sse",
            "router_core::json",
            "router_core::chat",
            "router_core::dialect",
            "router_core::snapshot",
            "router_core::limits",
            "router_core::policy",
            "router_core::health",
            "router_core::plan",
            "router_core::exchange",
            "tollgate_proxy",
            "control_plane",
            "pingora",
            "axum",
        ],
        reason: "money knows the core's domain only: move the shared type there",
    },
    Ban {
        folder: "simulator/src/",
        except: &[],
        names: &[
            "tokio",
            "pingora",
            "rand",
            "getrandom",
            "fastrand",
            "std::fs",
            "std::net",
            "std::thread",
            "std::process",
            "std::env",
            "std::time::Instant",
            "std::time::SystemTime",
            "tollgate_proxy",
            "control_plane",
            "tollgate",
        ],
        reason: "a seed replays a run to the byte: time and chance are arguments, and of ours only router_core and \
                 billing_meter may be known",
    },
    Ban {
        folder: "proxy/src/",
        except: &[],
        names: &["control_plane", "axum", "sqlx"],
        reason: "the data plane stands alone: what it needs arrives as a snapshot",
    },
    Ban {
        folder: "proxy/testkit/src/",
        except: &[],
        names: &["tollgate_proxy", "control_plane", "billing_meter", "router_core", "tollgate"],
        reason: "the test kit talks to a gateway by TCP, so that every crate of ours can use it",
    },
    Ban {
        folder: "control-plane/src/",
        except: &[],
        names: &["tollgate_proxy", "pingora", "wasmtime"],
        reason: "the planes meet in router_core::snapshot and billing_meter::wire only, and tollgate/ wires them",
    },
    Ban {
        folder: "control-plane/src/",
        except: &["clock.rs"],
        names: &["std::time::SystemTime", "std::time::UNIX_EPOCH"],
        reason: "only clock.rs reads the system's clock: call crate::clock::now, or take a Timestamp",
    },
];

/// The rooms of the core and the rooms each may import.
const ROOMS: &[(&str, &[&str])] = &[
    ("domain", &[]),
    ("sse", &[]),
    ("json", &[]),
    ("chat", &["domain"]),
    ("dialect", &["domain", "sse", "json", "chat"]),
    ("snapshot", &["domain"]),
    ("limits", &["domain", "snapshot"]),
    ("policy", &["domain", "chat", "snapshot", "limits"]),
    ("health", &["domain"]),
    ("plan", &["domain", "snapshot", "limits", "policy", "health"]),
    ("exchange", &["domain", "sse", "json", "chat", "dialect", "snapshot", "limits", "policy", "health", "plan"]),
];

/// The only manifest that may name both planes.
const KNOWS_BOTH_PLANES: &str = "tollgate/Cargo.toml";

pub(crate) fn banned_names(file: &Source) -> Vec<String> {
    let bans: Vec<_> = BANS.iter().filter(|ban| ban.covers(&file.path)).collect();
    if bans.is_empty() {
        return Vec::new();
    }
    let paths = paths(&code_only(&file.text));
    let found = |name: &&&str| paths.iter().any(|path| path.contains("::") && leads(path, name));
    bans.iter()
        .flat_map(|ban| ban.names.iter().filter(found).map(|name| (*name, ban.reason)))
        .map(|(name, reason)| format!("{}: must not name {name}: {reason}", file.path))
        .collect()
}

impl Ban {
    fn covers(&self, path: &str) -> bool {
        path.strip_prefix(self.folder).is_some_and(|rest| !self.except.iter().any(|except| rest.starts_with(except)))
    }
}

/// Whether `path` is `name` or leads on from it. The crates of a family share the first word of their names.
fn leads(path: &str, name: &str) -> bool {
    let path = path.trim_start_matches("::");
    path.strip_prefix(name).is_some_and(|rest| {
        rest.is_empty() || rest.starts_with("::") || (!name.contains("::") && rest.starts_with('_'))
    })
}

pub(crate) fn banned_dependencies(manifest: &Source) -> Vec<String> {
    let dependencies: Vec<_> = dependencies(&manifest.text).iter().map(|name| name.replace('-', "_")).collect();
    let folder = manifest.path.trim_end_matches("Cargo.toml");
    let mut complaints = Vec::new();
    for ban in BANS.iter().filter(|ban| ban.except.is_empty() && ban.folder.strip_suffix("src/") == Some(folder)) {
        let refused = dependencies.iter().filter(|name| ban.names.iter().any(|banned| leads(name, banned)));
        complaints.extend(
            refused
                .filter(|name| name.as_str() != "tollgate_testkit")
                .map(|name| format!("{}: must not depend on {name}: {}", manifest.path, ban.reason)),
        );
    }
    let has = |name: &str| dependencies.iter().any(|dependency| dependency == name);
    if has("tollgate_proxy") && has("control_plane") && manifest.path != KNOWS_BOTH_PLANES {
        complaints.push(format!("{}: only {KNOWS_BOTH_PLANES} may know both planes: wire them there", manifest.path));
    }
    complaints
}

pub(crate) fn rooms_of_the_core(file: &Source) -> Vec<String> {
    let Some(inside) = file.path.strip_prefix("router-core/src/").filter(|inside| *inside != "lib.rs") else {
        return Vec::new();
    };
    let room = inside.split(['/', '.']).next().unwrap_or_default();
    let Some((_, allowed)) = ROOMS.iter().find(|(name, _)| *name == room) else {
        return vec![format!("{}: the room {room} is new: say in ROOMS what it may import", file.path)];
    };
    let code = code_only(&file.text);
    let is_room = |name: &str| ROOMS.iter().any(|(other, _)| *other == name);
    let mut strangers: Vec<_> = paths(&code).iter().filter_map(|path| first_room(path, inside)).collect();
    strangers.retain(|name| name != room && is_room(name) && !allowed.contains(&name.as_str()));
    strangers.sort();
    strangers.dedup();
    let complain = |stranger: &String| {
        format!("{}: {room} must not import {stranger}, only {allowed:?}: move what it needs down", file.path)
    };
    strangers.iter().map(complain).collect()
}

/// The room of the core that a path in the file `inside` leads to, when it leaves its own through `crate` or `super`.
fn first_room(path: &str, inside: &str) -> Option<String> {
    let mut names = path.split("::").peekable();
    if names.next_if_eq(&"crate").is_none() {
        let folders = inside.trim_end_matches("/mod.rs").split('/').count();
        let ups = std::iter::from_fn(|| names.next_if_eq(&"super")).count();
        if ups == 0 || ups < folders {
            return None;
        }
    }
    names.next().map(str::to_owned)
}

#[test]
fn a_name_from_the_wrong_side_is_noticed() {
    let core = "// tokio::spawn\nuse std::time::Duration;\nlet rest = \"std::fs::read\";";
    prove(
        banned_names,
        "router-core/src/sse/mod.rs",
        core,
        &[
            "use tokio;\ntokio::spawn(x);",
            "use std::{fmt, fs};",
            "let x = ::std::thread::spawn(y);",
            "use pingora_core::A;",
        ],
    );
    prove(banned_names, "billing-meter/src/wal/codec.rs", "use router_core::domain::Id128;", &["use std::fs::File;"]);
    prove(
        banned_names,
        "billing-meter/src/wal/file.rs",
        "use std::fs::File;",
        &["use router_core::{domain, plan::X};"],
    );
    prove(
        banned_names,
        "simulator/src/x.rs",
        "use router_core::plan::X;",
        &["use std::fs::read;", "use tollgate_proxy::X;", "let now = std::time::Instant::now();"],
    );
    prove(
        banned_names,
        "proxy/src/x.rs",
        "use router_core::plan::X;",
        &["use control_plane::Store;", "sqlx::query(x)"],
    );
    prove(
        banned_names,
        "control-plane/src/x.rs",
        "use sqlx::query;",
        &["use tollgate_proxy::X;", "use std::time::SystemTime;"],
    );
}

#[test]
fn a_dependency_on_the_wrong_side_is_noticed() {
    let manifest =
        "[dependencies]\nrouter-core.workspace = true\n[dev-dependencies]\ntollgate-testkit.workspace = true";
    prove(
        banned_dependencies,
        "control-plane/Cargo.toml",
        manifest,
        &["[dependencies]\ntollgate-proxy = {}", "[dev-dependencies]\npingora-core = {}"],
    );
    prove(
        banned_dependencies,
        "benches/load/Cargo.toml",
        manifest,
        &["[dependencies]\ntollgate-proxy = 1\ncontrol-plane = 1"],
    );
}

#[test]
fn an_import_that_goes_up_is_noticed() {
    prove(
        rooms_of_the_core,
        "router-core/src/snapshot/keys.rs",
        "use super::compile::Key;\nuse crate::domain::KeyId;",
        &[
            "use crate::plan::Plan;",
            "use crate::{domain::X, exchange};",
            "use super::super::plan;",
            "crate::dialect::f()",
        ],
    );
    prove(rooms_of_the_core, "router-core/src/sse/mod.rs", "use memchr::memchr;", &["use super::domain::X;"]);
    prove(rooms_of_the_core, "router-core/src/plan.rs", "", &["use super::dialect;"]);
    prove(rooms_of_the_core, "router-core/src/lib.rs", "pub mod attic;", &[]);
    assert!(!rooms_of_the_core(&Source { path: "router-core/src/attic.rs".into(), text: String::new() }).is_empty());
}
