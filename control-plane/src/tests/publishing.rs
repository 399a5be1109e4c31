//! What proxies are told, and when.

use std::time::Duration;

use router_core::domain::{Dialect, KeyDigest, KeyId, ProviderId, Style, TenantId};
use router_core::snapshot::{KeyDoc, ProviderDoc, QuotaDoc, SnapshotDoc};
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};
use tokio::task::JoinSet;
use tollgate_testkit::{Postgres, wait_until_async};

use super::{Database, on_both_databases};
use crate::authz::TenantScope;
use crate::keys::Rules;
use crate::publish::PublishError;
use crate::{Publisher, Store, bootstrap, keys};

const PATIENCE: Duration = Duration::from_secs(20);

fn all() -> Vec<String> {
    vec!["*".to_owned()]
}

fn provider(base_url: &str) -> ProviderDoc {
    ProviderDoc {
        id: ProviderId::named("p"),
        name: "p".to_owned(),
        dialect: Dialect::Openai,
        also: Vec::new(),
        style: Style::default(),
        base_url: base_url.to_owned(),
        http2: false,
        ca_file: None,
        any_model: true,
        quota: QuotaDoc::default(),
    }
}

/// A running watcher, and what it has called back with.
struct Watch {
    documents: UnboundedReceiver<SnapshotDoc>,
    _task: JoinSet<()>,
}

impl Watch {
    fn start(store: Store) -> Self {
        let (sender, documents) = unbounded_channel();
        let mut task = JoinSet::new();
        task.spawn(async move {
            let publisher = Publisher::new(store, SnapshotDoc::default());
            publisher.watch(|document| sender.send(document).expect("the test listens")).await;
        });
        Self { documents, _task: task }
    }

    async fn next(&mut self) -> SnapshotDoc {
        let next = tokio::time::timeout(PATIENCE, self.documents.recv()).await;
        next.expect("a document in time").expect("the watcher lives")
    }
}

on_both_databases! {
    async fn a_document_is_the_configuration_and_the_stored_keys(database: Database) {
        let store = database.open().await;
        let stored = bootstrap(&store).await.unwrap().expect("an empty store").key;
        let in_file = KeyDoc {
            id: KeyId::named("file"),
            tenant: TenantId::named("default"),
            digest: KeyDigest::of(b"file"),
            models: all(),
            expires_at: None,
            refuse_lossy: false,
        };
        let base = SnapshotDoc { number: 40, providers: vec![provider("http://p")], keys: vec![in_file], ..<_>::default() };
        let document = Publisher::new(store, base.clone()).document().await.unwrap();
        assert_eq!((document.number, document.providers), (41, base.providers));
        assert_eq!(document.keys.iter().map(|key| key.id).collect::<Vec<_>>(), [KeyId::named("file"), stored.id]);
    }

    async fn a_document_that_a_proxy_would_refuse_is_not_handed_out(database: Database) {
        let base = SnapshotDoc { providers: vec![provider("nowhere")], ..SnapshotDoc::default() };
        let refused = Publisher::new(database.open().await, base).document().await.unwrap_err();
        assert!(matches!(refused, PublishError::Compile(_)), "{refused}");
    }

    async fn a_watcher_is_told_what_is_and_then_what_another_process_changes(database: Database) {
        let (store, elsewhere, scope) = (database.open().await, database.open().await, TenantScope::operator());
        bootstrap(&store).await.unwrap();
        let mut watch = Watch::start(store);
        let now = watch.next().await;
        assert_eq!(now.keys.len(), 1);
        let minted = keys::mint(&elsewhere, &scope, "new", Rules::models(&all())).await.unwrap();
        let then = watch.next().await;
        assert!(then.number > now.number && then.keys.iter().any(|key| key.id == minted.id));
        keys::revoke(&elsewhere, &scope, minted.id).await.unwrap();
        assert_eq!(watch.next().await.keys, now.keys);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_watcher_outlives_its_database_and_catches_up() {
    let postgres = Postgres::start_alone();
    let (store, scope) = (Store::open(&postgres.url()).await.unwrap(), TenantScope::operator());
    bootstrap(&store).await.unwrap();
    let mut watch = Watch::start(store.clone());
    let before = watch.next().await;
    postgres.stop();
    let publisher = Publisher::new(store.clone(), SnapshotDoc::default());
    wait_until_async(PATIENCE, "the database is gone", async || publisher.document().await.is_err()).await;
    postgres.resume();
    let minted = keys::mint(&store, &scope, "after", Rules::models(&all())).await.unwrap();
    let after = watch.next().await;
    assert!(after.number > before.number && after.keys.iter().any(|key| key.id == minted.id));
}
