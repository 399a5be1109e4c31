//! What happens to keys.

use router_core::domain::{KeyDigest, KeyId, TenantId, Timestamp};
use router_core::snapshot::SnapshotDoc;

use super::{Database, on_both_databases};
use crate::authz::TenantScope;
use crate::keys::{KeyError, Rules};
use crate::{Publisher, Store, bootstrap, keys};

fn all() -> Vec<String> {
    vec!["*".to_owned()]
}

async fn document(store: &Store) -> SnapshotDoc {
    Publisher::new(store.clone(), SnapshotDoc::default()).document().await.unwrap()
}

on_both_databases! {
    async fn a_minted_key_is_published_by_its_digest_and_never_stored(database: Database) {
        let (store, scope) = (database.open().await, TenantScope::operator());
        bootstrap(&store).await.unwrap();
        let before = document(&store).await.number;
        let models = ["openai/*".to_owned(), "gpt-5".to_owned()];
        let minted = keys::mint(&store, &scope, "ci", Rules::models(&models)).await.unwrap();
        let published = document(&store).await;
        let key = published.keys.iter().find(|key| key.id == minted.id).unwrap();
        assert_eq!(key.digest, KeyDigest::of(minted.secret.as_bytes()));
        assert_eq!((key.tenant, key.models.as_slice(), key.expires_at), (scope.tenant(), &models[..], None));
        assert_eq!(published.number, before + 1);
        let listed = keys::list(&store, &scope).await.unwrap();
        let info = listed.iter().find(|key| key.id == minted.id).unwrap();
        assert_eq!((info.name.as_str(), &info.models[..]), ("ci", &models[..]));
        assert_eq!(minted.secret[3..9], info.prefix);
        assert!(info.created_at > Timestamp(1_700_000_000_000_000), "{:?}", info.created_at);
    }

    async fn a_revoked_key_is_published_no_more(database: Database) {
        let (store, scope) = (database.open().await, TenantScope::operator());
        let key = bootstrap(&store).await.unwrap().expect("an empty store").key;
        let before = document(&store).await;
        keys::revoke(&store, &scope, key.id).await.unwrap();
        let after = document(&store).await;
        assert_eq!((before.keys.len(), after.keys.len(), after.number), (1, 0, before.number + 1));
        assert!(keys::list(&store, &scope).await.unwrap()[0].revoked_at.is_some());
        keys::revoke(&store, &scope, key.id).await.unwrap();
        assert_eq!(document(&store).await.number, after.number, "revoking twice changes nothing");
    }

    async fn what_becomes_of_losses_travels_to_the_proxies(database: Database) {
        let (store, scope) = (database.open().await, TenantScope::operator());
        bootstrap(&store).await.unwrap();
        let models = all();
        for refuse_lossy in [false, true] {
            let rules = Rules { refuse_lossy, ..Rules::models(&models) };
            let minted = keys::mint(&store, &scope, "picky", rules).await.unwrap();
            let published = document(&store).await;
            let key = published.keys.iter().find(|key| key.id == minted.id).unwrap();
            assert_eq!(key.refuse_lossy, refuse_lossy);
        }
    }

    async fn an_expiry_travels_to_the_proxies_to_the_microsecond(database: Database) {
        let (store, scope) = (database.open().await, TenantScope::operator());
        bootstrap(&store).await.unwrap();
        for expiry in [Timestamp(1), Timestamp(4_102_444_800_123_457)] {
            let models = all();
            let rules = Rules { expires_at: Some(expiry), ..Rules::models(&models) };
            let minted = keys::mint(&store, &scope, "old", rules).await.unwrap();
            let published = document(&store).await;
            let key = published.keys.iter().find(|key| key.id == minted.id).unwrap();
            assert_eq!(key.expires_at, Some(expiry));
        }
    }

    async fn a_tenant_neither_sees_nor_revokes_another_tenants_key(database: Database) {
        let store = database.open().await;
        let key = bootstrap(&store).await.unwrap().expect("an empty store").key;
        let stranger = TenantScope::of(TenantId::named("stranger"));
        assert_eq!(keys::list(&store, &stranger).await.unwrap(), []);
        let refused = keys::revoke(&store, &stranger, key.id).await.unwrap_err();
        assert!(matches!(refused, KeyError::Unknown(id) if id == key.id));
        assert_eq!(document(&store).await.keys.len(), 1);
    }

    async fn a_key_that_does_not_exist_cannot_be_revoked(database: Database) {
        let (store, scope) = (database.open().await, TenantScope::operator());
        let refused = keys::revoke(&store, &scope, KeyId::named("nothing")).await.unwrap_err();
        assert!(refused.to_string().contains("tollgate keys list"), "{refused}");
    }

    async fn keys_minted_at_once_are_all_kept_and_all_counted(database: Database) {
        let (one, two, scope) = (database.open().await, database.open().await, TenantScope::operator());
        bootstrap(&one).await.unwrap();
        let before = document(&one).await;
        let mint = async |store: &Store| {
            for _ in 0..10 {
                keys::mint(store, &scope, "busy", Rules::models(&all())).await.unwrap();
            }
        };
        tokio::join!(mint(&one), mint(&two), mint(&one));
        let after = document(&two).await;
        assert_eq!((after.keys.len(), after.number), (before.keys.len() + 30, before.number + 30));
    }
}
