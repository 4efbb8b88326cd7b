//! What a server may have that nobody wants, and what it should have: a full disk, a certificate.

use std::{fs, os::unix::fs::PermissionsExt as _, sync::Arc};

use muster::{
    clock::random_bytes,
    database::Database,
    store::{Append, AppendError, Store, StoreError, postgres::PostgresStore},
};
use sqlx::Row as _;

use super::super::lab::{ManualClock, done, one, write};
use crate::support::Cluster;

async fn open(url: &str) -> Result<Arc<dyn Store>, StoreError> {
    let clock = Arc::new(ManualClock::at("2026-11-24T10:00:00Z"));
    let database: Database = url.parse().unwrap();
    Ok(Arc::new(PostgresStore::open(&database, clock).await?))
}

/// Half a mebibyte that no compression makes smaller.
fn large(id: &str) -> Append {
    let mut write = write(id, 0, 1);
    write.events[0].payload = format!("\"{}\"", hex::encode(random_bytes::<262_144>()));
    Append { writes: vec![write], ..Append::default() }
}

/// No file of the server may grow beyond this, in bytes: more than one of its write-ahead log, which has to go on.
const FILE_LIMIT: u64 = 20 * 1024 * 1024;

/// The table's file cannot grow any more: what does not fit is refused as a whole, what fits goes on, and when there is
/// room again everything does.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_disk_keeps_nothing_of_what_did_not_fit() {
    let mut cluster = Cluster::start().await;
    cluster.kill();
    cluster.limit_files(Some(FILE_LIMIT));
    cluster.start_again().await;
    let store = open(&cluster.url()).await.unwrap();
    let mut kept = 0;
    let refused = loop {
        assert!(kept < 100, "there is no limit");
        match store.append(large(&format!("large-{kept}"))).await {
            Ok(_) => kept += 1,
            Err(AppendError::Store(StoreError::Unavailable(text))) => break text,
            Err(other) => panic!("{other:?}"),
        }
    };
    assert!(refused.starts_with("Postgres says: could not extend file"), "{refused}");
    assert_eq!(store.head().await.unwrap().position.0, kept);
    assert!(store.append(large("larger")).await.is_err());
    done(&*store, one("small", 0)).await;

    cluster.kill();
    cluster.limit_files(None);
    cluster.start_again().await;
    done(&*store, large("large")).await;
    assert_eq!(store.head().await.unwrap().position.0, kept + 2);
    assert_eq!(store.check().await.unwrap(), Vec::<String>::new());
}

/// With `verify-full`, only a server that shows a certificate of the authority that is named, for the host that is named.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_connection_is_protected_and_the_server_verified_where_that_is_asked_for() {
    let mut cluster = Cluster::start().await;
    let authority = rcgen::generate_simple_self_signed(vec!["localhost".into()]).unwrap();
    let stranger = rcgen::generate_simple_self_signed(vec!["localhost".into()]).unwrap();
    let key = cluster.file("server.key", &authority.signing_key.serialize_pem());
    fs::set_permissions(&key, fs::Permissions::from_mode(0o600)).unwrap();
    let certificate = cluster.file("server.crt", &authority.cert.pem());
    let other = cluster.file("other.crt", &stranger.cert.pem());
    for (setting, value) in [("ssl_key_file", &key), ("ssl_cert_file", &certificate)] {
        cluster.set(setting, value.to_str().unwrap()).await;
    }
    cluster.set("ssl", "on").await;
    cluster.kill();
    cluster.start_again().await;

    let url = |host: &str, root: &std::path::Path| {
        let url = cluster.url().replace("127.0.0.1", host);
        format!("{url}?sslmode=verify-full&sslrootcert={}", root.display())
    };
    let store = open(&url("localhost", &certificate)).await.unwrap();
    done(&*store, one("a", 0)).await;
    let encrypted = "SELECT count(*) FILTER (WHERE ssl) > 0 AND bool_and(ssl) AS all FROM pg_stat_ssl \
                     JOIN pg_stat_activity USING (pid) WHERE application_name = 'muster'";
    let row = sqlx::query(encrypted).fetch_one(&mut cluster.connection().await).await.unwrap();
    assert!(row.get::<bool, _>("all"), "a connection is not encrypted");

    for wrong in [url("localhost", &other), url("127.0.0.1", &certificate)] {
        let refused = open(&wrong).await.unwrap_err();
        assert!(matches!(refused, StoreError::Unusable(_)), "{wrong}: {refused:?}");
        assert!(refused.to_string().contains("check --database-url"), "{refused}");
    }
}
