//! What letters say, each as it goes out.

use std::path::Path;

use muster::email::{Content, Templates, sample};
use muster_events::letter::LetterKind;

fn bundled() -> Templates {
    Templates::load(None).unwrap()
}

#[test]
fn every_kind_says_what_it_has_said() {
    let templates = bundled();
    for kind in LetterKind::ALL {
        let rendered = templates.render(kind, &sample(kind)).unwrap();
        let whole = format!("Subject: {}\n\n{}\n{}", rendered.subject, rendered.text, rendered.html);
        insta::assert_snapshot!(kind.name(), whole);
    }
}

/// Who is called a tag, or writes one into the name of his organization, changes nothing about the page.
#[test]
fn nothing_that_is_named_can_be_markup() {
    let evil = "<script>alert(1)</script>\"'&";
    for kind in LetterKind::ALL {
        let mut content = sample(kind);
        content.organization = evil.into();
        content.provider = Some(evil.into());
        content.team = Some(evil.into());
        for who in [&mut content.actor, &mut content.member].into_iter().flatten() {
            who.name = evil.into();
        }
        let rendered = bundled().render(kind, &content).unwrap();
        assert!(!rendered.html.contains("<script>"), "{kind}: {}", rendered.html);
        assert!(!rendered.subject.contains('\n'));
    }
}

#[test]
fn every_page_has_a_language_a_title_and_nothing_from_elsewhere() {
    for kind in LetterKind::ALL {
        let html = bundled().render(kind, &sample(kind)).unwrap().html;
        assert!(html.starts_with("<!DOCTYPE html>\n<html lang=\"en\">"), "{kind}");
        assert!(html.contains("<title>") && !html.contains("<title></title>"), "{kind}");
        for foreign in ["<img", "<link", "<script", "url(", "@import"] {
            assert!(!html.contains(foreign), "{kind}: {foreign}");
        }
    }
}

#[test]
fn a_directory_takes_the_place_of_what_it_has_and_is_tried_before_the_first_letter() {
    let directory = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| std::fs::write(directory.path().join(name), text).unwrap();
    write("organization.invite.txt", "Come to {{ organization }}\n\nHere: {{ url }}\n");
    let own = |content: &Content| {
        Templates::load(Some(directory.path())).unwrap().render(LetterKind::Invitation, content).unwrap()
    };
    let content = sample(LetterKind::Invitation);
    let rendered = own(&content);
    assert_eq!(rendered.subject, "Come to Acme & Sons");
    assert_eq!(rendered.text, format!("Here: {}\n", content.url));
    assert!(rendered.html.contains("Accept the invitation"), "the page is the bundled one");
    for (text, why) in [("{{ oraganization }}\n", "undefined"), ("{% if %}\n", "syntax error")] {
        write("organization.invite.txt", text);
        let error = Templates::load(Some(directory.path())).unwrap_err().to_string();
        assert!(error.starts_with("template organization.invite.txt: ") && error.contains(why), "{error}");
    }
    assert!(Templates::load(Some(Path::new("/nowhere"))).is_ok(), "what is not there replaces nothing");
}
