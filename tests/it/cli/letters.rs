//! `muster letters`, and what else is done about letters at the command line.

use muster_events::letter::LetterKind;
use serde_json::Value;

use super::{Muster, Serving};

/// A ledger whose import had letters queued: one, to carol.
fn with_a_letter() -> (Muster, String) {
    let muster = Muster::new();
    let file = muster.file("small.json", super::SMALL);
    assert_eq!(muster.run(&["import", &file, "--send-invites"]).done().json()["letters"], 1);
    let listed = muster.run(&["letters", "list", "--json"]).done().json();
    let [letter] = listed.as_array().unwrap().as_slice() else { panic!("{listed}") };
    let id = letter["id"].as_str().unwrap().to_owned();
    (muster, id)
}

fn status(muster: &Muster) -> Value {
    muster.run(&["letters", "list", "--json"]).done().json()[0]["status"].clone()
}

/// A server with these flags that goes on until the letter stands so.
fn served_until(muster: &Muster, flags: &[&str], wanted: &str) {
    let arguments = [&["serve", "--listen", "127.0.0.1:0"], flags].concat();
    let mut serving = Serving::start(&mut muster.command(&arguments));
    serving.url();
    let began = muster::clock::stopwatch();
    while status(muster) != wanted {
        assert!(began.elapsed().as_secs() < 30, "the letter is {}", status(muster));
    }
    assert!(serving.stop().0.success());
}

#[test]
fn an_import_sends_letters_when_it_is_asked_to_and_once() {
    let (muster, id) = with_a_letter();
    let head = muster.head();
    let file = muster.path("small.json");
    assert_eq!(muster.run(&["import", &file, "--send-invites"]).done().json()["letters"], 0);
    assert_eq!(muster.head(), head, "it was queued before");
    muster.run(&["letters", "list"]).done().says("waits").says("carol@example.com");
    served_until(&muster, &[], "sent");
    let written = muster.data().join("mail").join(format!("{id}.eml"));
    let message = std::fs::read_to_string(written).unwrap();
    assert!(message.contains("To: carol@example.com\r\n"), "{message}");
    let shown = muster.run(&["letters", "show", &id]).done();
    shown
        .says("organization.invite to carol@example.com, about acme")
        .says("queued")
        .says("sent at attempt 1");
    let quiet = Muster::small();
    quiet.run(&["letters", "list"]).done().says("There are no such letters.");
}

#[test]
fn a_parked_letter_is_named_told_about_and_sent_again() {
    let (muster, id) = with_a_letter();
    let templates = muster.data().parent().unwrap().join("templates");
    std::fs::create_dir(&templates).unwrap();
    // What the letters that are tried have and this one has not.
    let text = "Hello\n\n{% if organization != 'Acme & Sons' %}{{ nothing }}{% endif %}\n";
    std::fs::write(templates.join("organization.invite.txt"), text).unwrap();
    served_until(&muster, &["--mail-templates", templates.to_str().unwrap()], "parked");
    muster.run(&["letters", "parked"]).done().says(&id).says("parked after 1 attempt");
    muster.run(&["letters", "show", &id]).done().says("attempt 1 failed: template organization.invite.txt");
    let examined = muster.run(&["doctor"]).failed("the doctor found 1 fault");
    examined.says(&format!("muster letters show {id}"));
    muster.run(&["letters", "retry", &id]).done().says("1 letter will be sent again by the server.");
    muster.run(&["letters", "retry", "--all"]).done().says("No letter was parked");
    served_until(&muster, &[], "sent");
    muster.run(&["doctor"]).done().says("letters");
}

#[test]
fn every_kind_of_letter_can_be_looked_at() {
    let muster = Muster::without_database();
    for kind in LetterKind::ALL {
        for (name, says) in [("a.html", "<!DOCTYPE html>"), ("a.txt", "muster"), ("a.eml", "Subject: ")] {
            let out = muster.path(name);
            muster.run(&["letters", "preview", kind.name(), "--out", &out]).done().says(name);
            assert!(std::fs::read_to_string(&out).unwrap().contains(says), "{kind} {name}");
        }
    }
}

#[test]
fn what_is_to_be_mended_is_named() {
    let (muster, _) = with_a_letter();
    let unknown = "00000000-0000-5000-8000-000000000000";
    muster.run(&["letters", "show", unknown]).failed(&format!("ID: there is no letter {unknown}"));
    muster.run(&["letters", "show", "7"]).misunderstood("ID");
    muster.run(&["letters", "retry"]).misunderstood("ID: name parked letters, or all of them with --all");
    muster.run(&["letters", "retry", unknown]).failed("muster letters parked");
    muster.run(&["letters", "list", "--status", "lost"]).misunderstood("--status: \"lost\" is none of");
    muster.run(&["letters", "preview", "post.card", "--out", "x.html"]).misunderstood("is no kind of letter");
    let out = muster.path("x.pdf");
    muster.run(&["letters", "preview", "organization.invite", "--out", &out]).misunderstood("--out: ");
    let templates = muster.data().parent().unwrap().join("broken");
    std::fs::create_dir(&templates).unwrap();
    std::fs::write(templates.join("layout.html"), "{{ nothing }}").unwrap();
    let broken = ["serve", "--mail-templates", templates.to_str().unwrap()];
    muster.run(&broken).failed("e-mail cannot be sent: template organization.invite.html: ");
    muster.run(&["serve", "--smtp", "mail.example"]).misunderstood("smtp://HOST:PORT");
    muster.run(&["serve", "--mail-from", "nobody"]).failed("\"nobody\" is no sender");
}
