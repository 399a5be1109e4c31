//! The example file tells the truth.

use super::super::file::File;
use super::*;

const EXAMPLE: &str = include_str!("../../../../deploy/tollgate.example.toml");

/// A key that opens nothing.
const PRIVATE_KEY: &str = include_str!("../../../../proxy/src/upstream/sign/test_key.pem");

/// The example with the settings that are commented out: prose has a space after its `#`, settings have none.
fn uncommented() -> String {
    let line = |line: &'static str| match line.strip_prefix('#') {
        Some(rest) if !rest.is_empty() && !rest.starts_with(' ') => rest,
        _ => line,
    };
    EXAMPLE.lines().map(line).collect::<Vec<_>>().join("\n")
}

#[test]
fn every_default_that_the_example_shows_is_the_real_one() {
    let shown: File = toml::from_str(EXAMPLE).expect("the example is a configuration");
    assert_eq!(shown, File::default());
}

#[test]
fn the_example_is_usable_with_everything_switched_on() {
    let folder = tempfile::tempdir().expect("a folder");
    let pair = rcgen::generate_simple_self_signed(["localhost".to_owned()]).expect("a certificate");
    for (name, text) in [("tls.pem", pair.cert.pem()), ("tls.key", pair.signing_key.serialize_pem())] {
        std::fs::write(folder.path().join(name), text).expect("a file");
    }
    std::fs::write(folder.path().join("key"), "secret").expect("a file");
    let text = uncommented().replace("/etc/tollgate/", &format!("{}/", folder.path().display()));
    let account = serde_json::json!({"client_email": "a@b", "private_key": PRIVATE_KEY});
    std::fs::write(folder.path().join("google.json"), account.to_string()).expect("a file");
    let environment = Environment::from([
        ("AZURE_API_KEY", "sk-1"),
        ("TOLLGATE_CI_KEY", "tg-1"),
        ("AWS_ACCESS_KEY_ID", "AKID"),
        ("AWS_SECRET_ACCESS_KEY", "secret"),
        ("AWS_SESSION_TOKEN", "token"),
    ]);
    let settings = good(&text, &environment);
    assert_eq!(settings.gateway.upgrade_socket, good("", &nothing()).gateway.upgrade_socket);
    assert!(settings.base.providers.len() >= 2 && settings.base.keys.len() >= 2);
}

#[test]
fn the_example_shows_every_setting() {
    let whole: toml::Table = uncommented().parse().expect("TOML");
    let sections = [
        "",
        "gateway",
        "gateway.tls",
        "gateway.limits",
        "gateway.deadlines",
        "store",
        "log",
        "demo",
        "routing",
        "providers",
        "providers.quirks",
        "deployments",
        "deployments.price",
        "deployments.cache",
        "keys",
    ];
    for section in sections {
        let (shown, known) = (keys_shown(&whole, section), keys_known(&whole, section));
        assert!(!known.is_empty(), "{section}");
        for key in known {
            assert!(shown.contains(&key), "{section}.{key} is not in the example");
        }
    }
}

/// The tables that a section is written as.
fn tables<'a>(whole: &'a mut toml::Table, section: &str) -> Vec<&'a mut toml::Table> {
    section.split('.').filter(|key| !key.is_empty()).fold(vec![whole], |tables, key| {
        let inside = tables.into_iter().filter_map(|table| table.get_mut(key));
        inside
            .flat_map(|value| match value {
                toml::Value::Table(table) => vec![table],
                toml::Value::Array(list) => list.iter_mut().filter_map(toml::Value::as_table_mut).collect(),
                _ => Vec::new(),
            })
            .collect()
    })
}

fn keys_shown(whole: &toml::Table, section: &str) -> Vec<String> {
    let mut whole = whole.clone();
    tables(&mut whole, section).into_iter().flat_map(|table| table.keys().cloned().collect::<Vec<_>>()).collect()
}

/// The names that a section has, learnt from the complaint about one that it has not.
fn keys_known(whole: &toml::Table, section: &str) -> Vec<String> {
    let mut whole = whole.clone();
    let table = tables(&mut whole, section).into_iter().next().expect("the section is in the example");
    table.insert("zzz".to_owned(), toml::Value::Boolean(true));
    let error = whole.try_into::<File>().expect_err("an unknown field");
    let names = error.message().split('`').skip(1).step_by(2).map(str::to_owned);
    names.filter(|name| name != "zzz").collect()
}
