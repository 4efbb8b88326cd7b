//! What letters say, each as it goes out.

use std::{iter, path::Path};

use mail_parser::{MessageParser, MimeHeaders};
use muster::email::{Content, Rendered, Templates, compose, sample};
use muster_events::letter::LetterKind;

fn bundled() -> Templates {
    Templates::load(None).unwrap()
}

/// The message as a mail server gets it, with its parts decoded: all header fields, then each part with its own.
fn message(kind: LetterKind, to: &str, rendered: Rendered) -> String {
    let id = "0b7a2c1e-0000-5000-8000-000000000001".parse().unwrap();
    let from = "muster <muster@members.example.com>".parse().unwrap();
    let sent = compose((id, kind), &from, to, rendered).unwrap().formatted();
    let parsed = MessageParser::default().parse(&sent).unwrap();
    let (boundary, date) =
        (parsed.content_type().unwrap().attribute("boundary").unwrap(), parsed.header_raw("Date").unwrap());
    let fields =
        |start: u32, end: u32| String::from_utf8_lossy(&sent[start as usize..end as usize]).into_owned();
    let head = |part: &mail_parser::MessagePart<'_>| fields(part.offset_header, part.offset_body);
    let decoded = parsed.parts[1..]
        .iter()
        .map(|part| format!("--BOUNDARY\n{}{}", head(part), part.text_contents().unwrap()));
    let whole: String = iter::once(head(parsed.root_part())).chain(decoded).collect();
    whole.replace('\r', "").replace(boundary, "BOUNDARY").replace(date.trim(), "DATE")
}

#[test]
fn every_kind_is_the_message_that_it_has_been() {
    let templates = bundled();
    for kind in LetterKind::ALL {
        let rendered = templates.render(kind, &sample(kind)).unwrap();
        insta::assert_snapshot!(kind.name(), message(kind, "mia@example.com", rendered));
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
    write("motto.txt", "Together.\n");
    write("organization.invite.txt", "Come\n\n{% include \"motto.txt\" %}");
    assert_eq!(own(&content).text, "Together.\n");
    let without_actor = "{{ inviter_name }} invites you\n";
    for (text, why) in
        [("{{ oraganization }}\n", "undefined"), ("{% if %}\n", "syntax error"), (without_actor, "is none")]
    {
        write("organization.invite.txt", text);
        let error = Templates::load(Some(directory.path())).unwrap_err().to_string();
        assert!(error.starts_with("template organization.invite.txt: ") && error.contains(why), "{error}");
    }
    assert!(Templates::load(Some(Path::new("/nowhere"))).is_err());
}

/// The variables of behaviour.md section 10, under their names there: a template that names one that is not there fails.
#[test]
fn every_kind_has_the_variables_that_its_templates_are_used_to() {
    use LetterKind as K;
    let of_kind = |kind| match kind {
        K::Invitation => "email organization url",
        K::SsoLink => "organization actor_email provider url",
        K::SsoDisabled => "email recover_url has_password organization actor_email provider set_password_url",
        K::SecondFactor => "url organization",
        K::VerifyEmail => "confirm_url invite_url email organization",
        K::TeamAccessRequest => "email name organization team url requester",
        K::TeamAccessApproved => "email name organization team",
        K::InviteRequest => "email organization_name pending_requests_link inviter_name",
        K::JoinRequest => "email organization_name pending_requests_link settings_link",
        K::Deletion => "organization username user_ip_address deletion_datetime eta url",
    };
    let directory = tempfile::tempdir().unwrap();
    for kind in LetterKind::ALL {
        let lines = of_kind(kind).split(' ').map(|name| format!("{name} is {{{{ {name} or 'unknown' }}}}\n"));
        let template = format!("Variables\n{}", lines.collect::<String>());
        std::fs::write(directory.path().join(format!("{kind}.txt")), template).unwrap();
    }
    let templates = Templates::load(Some(directory.path())).unwrap();
    let text = |kind| templates.render(kind, &sample(kind)).unwrap().text;
    assert_eq!(
        text(K::TeamAccessRequest),
        "email is bob@example.com\nname is Bob Brown\norganization is Acme & Sons\nteam is core\n\
         url is https://members.example.com/settings/acme/\nrequester is Alice Adams\n"
    );
    assert_eq!(
        text(K::Deletion),
        "organization is Acme & Sons\nusername is alice\nuser_ip_address is 192.0.2.7\n\
         deletion_datetime is 2026-11-24 10:00 UTC\neta is 2026-12-01 10:00 UTC\n\
         url is https://members.example.com/settings/acme/\n"
    );
    std::fs::write(directory.path().join("organization.invite.txt"), "{{ deletion_datetime }}\n").unwrap();
    let error = Templates::load(Some(directory.path())).unwrap_err().to_string();
    assert!(error.contains("undefined"), "what another kind of letter tells of: {error}");
}
