//! The configuration as an operator meets it.

use router_core::domain::KeyDigest;
use router_core::snapshot::Snapshot;
use tollgate_proxy::config::AccessLog;

use super::*;

mod example;

/// Loads a file with this text. No test reads a file of the folder it runs in.
fn load_text(text: &str, environment: &Environment) -> Result<Settings, Vec<String>> {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("tollgate.toml");
    std::fs::write(&path, text).expect("a file");
    let prefix = format!("{}/", folder.path().display());
    load(Some(&path), environment)
        .map_err(|problems| problems.0.iter().map(|problem| problem.to_string().replace(&prefix, "")).collect())
}

fn complaints(text: &str, environment: &Environment) -> Vec<String> {
    load_text(text, environment).err().expect("something to complain about")
}

fn good(text: &str, environment: &Environment) -> Settings {
    load_text(text, environment).unwrap_or_else(|problems| panic!("{problems:#?}"))
}

fn nothing() -> Environment {
    Environment::default()
}

#[test]
fn an_empty_file_gives_the_defaults_and_the_demo_provider() {
    let settings = good("", &nothing());
    assert_eq!(settings.gateway.listen.to_string(), "0.0.0.0:8080");
    assert_eq!(settings.gateway.upgrade_socket, Path::new("data/upgrade.sock"));
    assert!(settings.gateway.threads >= 1);
    assert_eq!(settings.demo, Some(Duration::from_millis(20)));
    let snapshot = Snapshot::compile(&settings.document(([127, 0, 0, 1], 4000).into())).expect("it compiles");
    let demo = &snapshot.deployments[snapshot.deployments_of("demo")[0]];
    assert_eq!(snapshot.providers[demo.provider].authority(), "127.0.0.1:4000");
    assert!(demo.price.is_some());
}

#[test]
fn the_environment_overrides_the_file_which_overrides_the_defaults() {
    let text = "[gateway]\nlisten = \"127.0.0.1:1000\"\nthreads = 3\n[gateway.deadlines]\nconnect = \"1s\"\n";
    let environment = Environment::from([
        ("TOLLGATE__GATEWAY__LISTEN", "127.0.0.1:2000"),
        ("TOLLGATE__GATEWAY__DEADLINES__FIRST_BYTE", "90s"),
        ("TOLLGATE__LOG__ACCESS", "off"),
        ("TOLLGATE__DEMO__ENABLED", "false"),
        ("TOLLGATE__PROVIDERS", r#"[{ name = "local", base_url = "http://localhost:11434/v1" }]"#),
    ]);
    let settings = good(text, &environment);
    assert_eq!(settings.gateway.listen.port(), 2000);
    assert_eq!(settings.gateway.threads, 3);
    assert_eq!(settings.gateway.deadlines.connect, Duration::from_secs(1));
    assert_eq!(settings.gateway.deadlines.first_byte, Duration::from_secs(90));
    assert_eq!(settings.gateway.deadlines.total, Duration::from_secs(900));
    assert_eq!(settings.gateway.access_log, AccessLog::Off);
    assert_eq!(settings.base.providers[0].name, "local");
    assert_eq!(settings.demo, None);
}

#[test]
fn a_misspelt_setting_is_named_with_its_place_and_the_right_name() {
    let text = "[gateway]\n\nlisen = \"127.0.0.1:1\"\n\n[gateway.deadlines]\nfirst_bite = \"1s\"\n\n[[providers]]\n\
                name = \"a\"\nbase_url = \"http://a\"\nmodels = []\n";
    let expected = [
        "tollgate.toml:3: `gateway.lisen` is not a setting; did you mean `gateway.listen`?",
        "tollgate.toml:6: `gateway.deadlines.first_bite` is not a setting; did you mean `gateway.deadlines.first_byte`?",
        "tollgate.toml:11: `providers[0].models` is not a setting; there are: name, kind, base_url, api_key, dialect, \
         also, credential, query, quirks, region, aws, project, location, google_account, http2, ca_file, \
         any_model, requests_per_minute, tokens_per_minute",
    ];
    let mut found = complaints(text, &nothing());
    found.sort_by_key(String::len);
    assert_eq!(found, expected);
}

#[test]
fn a_misspelt_variable_is_an_error_too() {
    let environment = Environment::from([("TOLLGATE__GATEWAY__LISEN", "127.0.0.1:1"), ("TOLLGATE_CONFIGURE", "x")]);
    assert_eq!(
        complaints("", &environment),
        ["environment variable TOLLGATE__GATEWAY__LISEN: `gateway.lisen` is not a setting; did you mean \
          `gateway.listen` (TOLLGATE__GATEWAY__LISTEN)?"]
    );
    let inside = Environment::from([("TOLLGATE__STORE__URL__HOST", "x")]);
    assert!(complaints("[store]\nurl = \"sqlite:a/b\"\n", &inside)[0].contains("set TOLLGATE__STORE__URL as a whole"));
}

#[test]
fn wrong_values_are_all_told_at_once_with_what_was_expected() {
    let text = "[gateway]\nlisten = \"localhost\"\nthreads = -1\n[gateway.limits]\nbody_bytes_max = 5\n\
                [gateway.deadlines]\ntotal = \"5\"\n[demo]\nenabled = \"maybe\"\n[log]\nlevel = \"loud\"\n";
    let all = complaints(text, &nothing()).join("\n");
    for part in [
        ":2: `gateway.listen`: \"localhost\" is not an IP address and a port",
        ":3: `gateway.threads`",
        ":5: `gateway.limits.body_bytes_max`: invalid type: integer `5`, expected a size such as",
        ":7: `gateway.deadlines.total`: \"5\" is not a duration",
        ":9: `demo.enabled`: expected \"auto\", true or false",
        ":11: `log.level`",
    ] {
        assert!(all.contains(part), "{part} is not in\n{all}");
    }
}

#[test]
fn what_cannot_work_is_refused() {
    let table = [
        ("[gateway]\nlisten = \"0.0.0.0:9464\"", "has the port of `gateway.listen`"),
        ("[gateway.deadlines]\nconnect = \"0s\"", "is no time at all"),
        ("[gateway.limits]\nhead_bytes_max = \"1B\"", "at least 1024"),
        ("[store]\nurl = \"mysql://root:hunter2@db/x\"", "expected \"sqlite:"),
        ("[gateway.tls]\ncertificate = \"no.pem\"\nkey = \"no.key\"", "cannot read no.pem"),
        ("[[providers]]\nname = \"a\"\nbase_url = \"localhost\"", "expected http(s)://"),
        ("[[providers]]\nname = \"a\"", "`providers[0].base_url`: is missing: say where its API starts"),
        (
            "[[providers]]\nname = \"v\"\nkind = \"vertex_gemini\"\nproject = \"p\"\nlocation = \"global\"\n\
             google_account = { env = \"HUNTER\" }",
            "`providers[0].google_account`: the key file is not JSON",
        ),
        (
            "[[providers]]\nname = \"b\"\nkind = \"bedrock\"\naws = { access_key_id = { env = \"HUNTER\" }, \
             secret_access_key = { env = \"HUNTER\" } }",
            "needs `region` beside it",
        ),
        (
            "[[providers]]\nname = \"b\"\nkind = \"gemini\"\napi_key = { env = \"HUNTER\" }\n\
             google_account = { env = \"HUNTER\" }",
            "more than one of `api_key`, `aws` and `google_account`",
        ),
        ("[[providers]]\nname = \"a\"\nkind = \"opanai\"", "unknown variant `opanai`"),
        ("[[deployments]]\nmodel = \"m\"\nprovider = \"a\"", "there is no provider \"a\"; there are: none"),
        (
            "[demo]\nenabled = true\n[[providers]]\nname = \"demo\"\nbase_url = \"http://a\"",
            "\"demo\" is declared twice",
        ),
        (
            "[[deployments]]\nmodel = \"m\"\nprovider = \"a\"\ncapabilities = [\"tool\"]",
            "`deployments[0].capabilities`: there is no capability \"tool\"; did you mean \"tools\"?",
        ),
        (
            "[[deployments]]\nmodel = \"m\"\nprovider = \"a\"\ncapabilities = [\"magic\"]",
            "there is no capability \"magic\"; there are: streaming, tools, vision,",
        ),
        ("[[deployments]]\nmodel = \"m\"\nprovider = \"a\"\ncontext_window = 0", "`deployments[0].context_window`"),
        ("[[deployments]]\nmodel = \"m\"\nprovider = \"a\"\ncache = true", "expected false, or a table such as"),
        (
            "[[deployments]]\nmodel = \"m\"\nprovider = \"a\"\ncache = { tokens = 1 }",
            "`deployments[0].cache.tokens` is not a setting; did you mean `deployments[0].cache.tokens_min`?",
        ),
        ("[[keys]]\nname = \"a\"", "exactly one of `secret` and `sha256`"),
        ("[[keys]]\nname = \"a\"\nsha256 = \"12\"", "64 hexadecimal digits"),
        ("gateway = ", "is not TOML"),
    ];
    for (text, part) in table {
        let all = complaints(text, &Environment::from([("HUNTER", "hunter2")])).join("\n");
        assert!(all.contains(part), "{part} is not in\n{all}");
        assert!(!all.contains("hunter2"), "a password is told");
    }
}

#[test]
fn a_secret_in_plain_sight_is_refused_and_never_repeated() {
    let provider = "[[providers]]\nname = \"a\"\nbase_url = \"http://a\"\napi_key = ";
    let plain = complaints(&format!("{provider}\"sk-hunter2\""), &nothing()).join("\n");
    assert!(plain.contains(":4: `providers[0].api_key`: secrets do not stand in the configuration"), "{plain}");
    let broken = complaints(&format!("{provider}sk-hunter2"), &nothing()).join("\n");
    assert!(broken.starts_with("tollgate.toml:4: is not TOML"), "{broken}");
    assert!(!plain.contains("hunter2") && !broken.contains("hunter2"));
}

#[test]
fn secrets_come_from_variables_and_files() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("key");
    std::fs::write(&file, "from-a-file\n").expect("a file");
    let text = format!(
        "[[keys]]\nname = \"a\"\nsecret = {{ env = \"A\" }}\n[[keys]]\nname = \"b\"\nsecret = {{ file = {file:?} }}\n"
    );
    let settings = good(&text, &Environment::from([("A", "from-a-variable")]));
    let digests: Vec<_> = settings.base.keys.iter().map(|key| key.digest).collect();
    assert_eq!(digests, [KeyDigest::of(b"from-a-variable"), KeyDigest::of(b"from-a-file")]);
    assert_eq!(settings.base.keys[0].models, ["*"]);
    let all = complaints(&text, &nothing()).join("\n");
    assert!(all.contains("`keys[0]`: the environment variable A is not set"), "{all}");
}

#[test]
fn a_key_in_the_environment_is_a_whole_provider() {
    let environment = Environment::from([
        ("OPENAI_API_KEY", "sk-1"),
        ("OPENAI_BASE_URL", "http://mirror/v1"),
        ("GEMINI_API_KEY", ""),
    ]);
    let settings = good("", &environment);
    let names: Vec<_> = settings.base.providers.iter().map(|provider| provider.name.as_str()).collect();
    assert_eq!(names, ["openai"]);
    assert_eq!(settings.base.providers[0].base_url, "http://mirror/v1");
    assert!(settings.base.providers[0].any_model && settings.base.deployments.len() > 1);
    assert!(settings.credentials.contains_key(&ProviderId::named("openai")));
    assert_eq!(settings.demo, None);
}

#[test]
fn the_file_wins_over_a_shortcut() {
    let text = "[[providers]]\nname = \"openai\"\nbase_url = \"http://own\"\n\
                [[deployments]]\nmodel = \"claude-haiku-5-5\"\nprovider = \"openai\"\n";
    let environment = Environment::from([("OPENAI_API_KEY", "sk-1"), ("ANTHROPIC_API_KEY", "sk-2")]);
    let settings = good(text, &environment);
    assert_eq!(settings.base.providers[0].base_url, "http://own");
    assert!(!settings.credentials.contains_key(&ProviderId::named("openai")));
    let haiku = settings.base.deployments.iter().filter(|deployment| deployment.model == "claude-haiku-5-5");
    assert_eq!(haiku.map(|deployment| deployment.provider).collect::<Vec<_>>(), [ProviderId::named("openai")]);
}

#[test]
fn prices_are_exact_and_cached_input_costs_as_much_as_other_input_unless_told() {
    let provider =
        "[[providers]]\nname = \"a\"\nbase_url = \"http://a\"\n[[deployments]]\nmodel = \"m\"\nprovider = \"a\"\n";
    let settings =
        good(&format!("{provider}price = {{ input = \"2.50\", output = \"10\", cache_read = \"1.25\" }}"), &nothing());
    let price = settings.base.deployments[0].price.expect("a price");
    assert_eq!(
        [price.input, price.output, price.cache_read, price.cache_write].map(|part| part.0),
        [2_500_000, 10_000_000, 1_250_000, 2_500_000]
    );
    let all = complaints(&format!("{provider}price = {{ input = 2.5, output = \"10\" }}"), &nothing()).join("\n");
    assert!(all.contains("decimal in quotes"), "{all}");
}

#[test]
fn a_named_file_that_is_missing_is_an_error() {
    let problems = load(Some(Path::new("/nowhere/tollgate.toml")), &nothing()).err().expect("an error");
    assert!(problems.to_string().contains("/nowhere/tollgate.toml: cannot be read"), "{problems}");
    let by_variable = Environment::from([("TOLLGATE_CONFIG", "/nowhere/else.toml")]);
    assert!(load(None, &by_variable).err().expect("an error").to_string().contains("/nowhere/else.toml"));
}

#[test]
fn a_kind_brings_address_dialect_and_quirks_and_the_file_counts_more() {
    let text = "[[providers]]\nname = \"m\"\nkind = \"mistral\"\n[[providers]]\nname = \"o\"\nkind = \"openai\"\n\
                base_url = \"http://localhost:1/v1\"\nalso = []\n[[providers]]\nname = \"v\"\nkind = \"vertex_openai\"\n\
                project = \"p\"\nlocation = \"global\"\ncredential = \"bearer\"\n[[providers]]\nname = \"a\"\n\
                kind = \"anthropic\"\n";
    let providers = good(text, &nothing()).base.providers;
    assert_eq!(providers[0].base_url, "https://api.mistral.ai/v1");
    assert!(providers[0].style.quirks.no_stream_options && providers[0].style.quirks.max_tokens_only);
    assert_eq!((providers[1].base_url.as_str(), providers[1].also.len()), ("http://localhost:1/v1", 0));
    assert!(providers[2].base_url.ends_with("/projects/p/locations/global/endpoints/openapi"));
    assert_eq!(providers[3].dialect, Dialect::Anthropic);
}

#[test]
fn a_cache_is_as_the_kind_has_it_unless_the_deployment_says_otherwise() {
    let text = "[[providers]]\nname = \"claude\"\nkind = \"anthropic\"\n[[providers]]\nname = \"own\"\n\
                base_url = \"http://a\"\n\
                [[deployments]]\nmodel = \"a\"\nprovider = \"claude\"\n\
                [[deployments]]\nmodel = \"b\"\nprovider = \"claude\"\ncache = { tokens_min = 4096, ttl = \"1h\" }\n\
                [[deployments]]\nmodel = \"c\"\nprovider = \"claude\"\ncache = false\n\
                [[deployments]]\nmodel = \"d\"\nprovider = \"own\"\n\
                [[deployments]]\nmodel = \"e\"\nprovider = \"own\"\ncache = {}\n";
    let settings = good(text, &Environment::from([("OPENAI_API_KEY", "sk-1")]));
    let cache = |model: &str| {
        let found = settings.base.deployments.iter().find(|deployment| deployment.model == model);
        let cache = found.expect("it is declared").traits.cache;
        cache.map(|cache| (cache.tokens_min, cache.ttl_s, cache.bills_writes))
    };
    for (model, expected) in [
        ("a", Some((1024, 300, true))),
        ("b", Some((4096, 3_600, true))),
        ("c", None),
        ("d", None),
        ("e", Some((1024, 300, false))),
        ("gpt-6-luna", Some((1024, 600, false))),
    ] {
        assert_eq!(cache(model), expected, "{model}");
    }
}

#[test]
fn what_a_deployment_can_do_reaches_the_data_plane() {
    let text = "[[providers]]\nname = \"own\"\nbase_url = \"http://a\"\n[[deployments]]\nmodel = \"m\"\nprovider = \"own\"\n\
                capabilities = [\"tools\", \"vision\"]\ncontext_window = 8000\noutput_tokens_max = 500\n";
    let traits = &good(text, &nothing()).base.deployments[0].traits;
    assert_eq!(traits.capabilities.as_deref(), Some(&["tools".to_owned(), "vision".to_owned()][..]));
    assert_eq!((traits.context_window, traits.output_tokens_max), (Some(8_000), Some(500)));
}
