//! A mail server that wants TLS and a password.

use super::{Muster, Serving};
use crate::support::MailServer;

/// A ledger with a letter, and the server that is to send it; trusts `mail` where that is wanted.
fn serve(mail: &MailServer, url: &str, trusts: bool) -> (Muster, Serving) {
    let muster = Muster::new();
    let file = muster.file("small.json", super::SMALL);
    muster.run(&["import", &file, "--send-invites"]).done();
    let mut command = muster.command(&["serve", "--listen", "127.0.0.1:0", "--smtp", url]);
    if trusts {
        command.env("SSL_CERT_FILE", mail.certificate());
    }
    let mut serving = Serving::start(&mut command);
    serving.url();
    (muster, serving)
}

/// Waits until the letter stands so; how often it failed by then.
fn awaits(muster: &Muster, wanted: &str) -> u64 {
    let began = muster::clock::stopwatch();
    loop {
        let letter = muster.run(&["letters", "list", "--json"]).done().json()[0].clone();
        if letter["status"] == wanted {
            return letter["attempts"].as_u64().unwrap();
        }
        assert!(began.elapsed().as_secs() < 30, "{letter}");
    }
}

#[test]
fn letters_go_by_tls_from_the_beginning_or_by_starttls_with_a_password() {
    for (how, scheme, parameter) in [("tls", "smtps", ""), ("starttls", "smtp", "?tls=required")] {
        let mail = MailServer::with_tls(how);
        let url = format!("{scheme}://muster:secret@localhost:{}{parameter}", mail.port());
        let (muster, serving) = serve(&mail, &url, true);
        assert_eq!(awaits(&muster, "sent"), 0, "{how}");
        assert_eq!(mail.taken().len(), 1, "{how}");
        assert!(serving.stop().0.success());
    }
}

/// Nothing is sent to who may be anybody, and the letter waits for a better day.
#[tokio::test]
async fn a_server_that_cannot_show_who_it_is_or_that_knows_another_password_gets_nothing() {
    let mail = MailServer::with_tls("starttls");
    let (right, wrong) = ("muster:secret", "muster:guess");
    for (password, trusts, parameter) in
        [(right, false, "?tls=required"), (wrong, true, "?tls=required"), (right, true, "")]
    {
        let url = format!("smtp://{password}@localhost:{}{parameter}", mail.port());
        let (muster, serving) = serve(&mail, &url, trusts);
        let line = serving.seen().lines().find(|line| line.contains(" at http://")).unwrap().to_owned();
        let ready = format!("http://{}/readyz", line.split("http://").nth(1).unwrap().trim());
        let began = muster::clock::stopwatch();
        loop {
            let told = reqwest::get(&ready).await.unwrap().text().await.unwrap();
            if told.contains("no letters are sent since") {
                break;
            }
            assert!(began.elapsed().as_secs() < 30, "{told}");
        }
        let letter = muster.run(&["letters", "list", "--json"]).done().json()[0].clone();
        assert_eq!((&letter["status"], &letter["attempts"]), (&"queued".into(), &0.into()), "{letter}");
        assert_eq!(mail.taken().len(), 0);
        let _ = serving.pid();
    }
}
