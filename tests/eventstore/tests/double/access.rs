//! Who may do it, and by which connection.

use eventstore::{Error, ExpectedRevision, StreamPosition, SubscribeToAllOptions};
use eventstore_double::{Double, Setup};

use crate::support::{append, batch, client, event, soon, whole};

async fn guarded() -> Double {
    Setup::new().require("admin", "changeit").start().await
}

fn as_user(double: &Double, credentials: &str) -> String {
    double.url().replace("esdb://", &format!("esdb://{credentials}@"))
}

#[tokio::test]
async fn the_user_who_is_required_may_read_and_write() {
    let double = guarded().await;
    let client = client(&as_user(&double, "admin:changeit"));
    append(&client, "a", ExpectedRevision::Any, vec![event("One")]).await.unwrap();
    assert_eq!(whole(&client, "a").await.unwrap().len(), 1);
}

#[tokio::test]
async fn nobody_else_may() {
    let double = guarded().await;
    for url in [double.url(), as_user(&double, "admin:wrong"), as_user(&double, "other:changeit")] {
        let client = client(&url);
        let written = append(&client, "a", ExpectedRevision::Any, vec![event("One")]).await;
        assert!(matches!(written, Err(Error::AccessDenied)), "{written:?}");
        assert!(matches!(whole(&client, "a").await, Err(Error::AccessDenied)));
        let options = SubscribeToAllOptions::default().position(StreamPosition::Start);
        let followed = soon(client.subscribe_to_all(&options).await.next_subscription_event()).await;
        assert!(matches!(followed, Err(Error::AccessDenied)), "{followed:?}");
        let batch = batch(&client).await;
        let appended = soon(batch.append_to_stream("a", ExpectedRevision::Any, vec![event("One")])).await;
        match appended {
            Err(Error::AccessDenied) => {}
            Err(Error::Grpc { message, .. }) => assert_eq!(message, "AccessDenied"),
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(double.log().written().len(), 0);
}

#[tokio::test]
async fn what_the_server_can_do_is_no_secret() {
    let double = guarded().await;
    let info = soon(client(&double.url()).server_info()).await.unwrap();
    assert!(info.version() >= (24, 10), "{}", info.version());
}

#[tokio::test]
async fn a_server_can_be_reached_by_tls() {
    let made = rcgen::generate_simple_self_signed(["localhost".into(), "127.0.0.1".into()]).unwrap();
    let double = Setup::new().tls(&made.cert.pem(), &made.signing_key.serialize_pem()).start().await;
    let folder = tempfile::tempdir().unwrap();
    let certificate = folder.path().join("ca.pem");
    std::fs::write(&certificate, made.cert.pem()).unwrap();
    let trusting = client(&format!("{}&tlsCaFile={}", double.url(), certificate.display()));
    append(&trusting, "a", ExpectedRevision::Any, vec![event("One")]).await.unwrap();

    let unverified = client(&format!("{}&tlsVerifyCert=false", double.url()));
    append(&unverified, "a", ExpectedRevision::Any, vec![event("Two")]).await.unwrap();

    let distrusting = client(&double.url());
    let refused = append(&distrusting, "a", ExpectedRevision::Any, vec![event("Three")]).await;
    assert!(matches!(refused, Err(Error::GrpcConnectionError(_))), "{refused:?}");
    assert_eq!(double.log().written().len(), 2);
}
