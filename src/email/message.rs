//! The message as it goes over the wire.

use lettre::{
    Address, Message,
    message::{
        Mailbox, MultiPart,
        header::{HeaderName, HeaderValue},
    },
};
use muster_events::letter::{LetterId, LetterKind};

use super::TransportError;

/// What a letter says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rendered {
    /// One line.
    pub subject: String,
    /// As plain text.
    pub text: String,
    /// As HTML.
    pub html: String,
}

/// The message for one recipient. `Message-ID` is derived from the letter, so that whoever gets it twice can know.
/// Header fields cannot be injected: the subject is cut at its first line, and addresses are parsed.
pub fn compose(
    (id, kind): (LetterId, LetterKind),
    from: &Mailbox,
    to: &str,
    rendered: Rendered,
) -> Result<Message, TransportError> {
    let failed =
        |error: &dyn std::fmt::Display| TransportError(format!("the letter cannot be written: {error}"));
    let to: Address = to.parse().map_err(|error| failed(&error))?;
    let subject: String =
        rendered.subject.lines().next().unwrap_or_default().chars().filter(|c| !c.is_control()).collect();
    // As mail services that know this field sort by it.
    let category = serde_json::json!({ "category": kind.name() }).to_string();
    let category = HeaderValue::new(HeaderName::new_from_ascii_str("X-SMTPAPI"), category);
    let automatic =
        HeaderValue::new(HeaderName::new_from_ascii_str("Auto-Submitted"), "auto-generated".into());
    Message::builder()
        .from(from.clone())
        .to(Mailbox::new(None, to))
        .subject(subject)
        .message_id(Some(format!("<{id}@{}>", from.email.domain())))
        .raw_header(category)
        .raw_header(automatic)
        .multipart(MultiPart::alternative_plain_html(rendered.text, rendered.html))
        .map_err(|error| failed(&error))
}

#[cfg(test)]
mod tests {
    use muster_events::letter::{LetterId, LetterKind};

    use super::{Rendered, compose};

    fn id() -> LetterId {
        "0b7a2c1e-0000-5000-8000-000000000001".parse().unwrap()
    }

    fn message(subject: &str, to: &str) -> Result<String, super::TransportError> {
        let rendered =
            Rendered { subject: subject.into(), text: "Hello\n".into(), html: "<p>Hello</p>\n".into() };
        let from = "muster <muster@acme.example>".parse().unwrap();
        let message = compose((id(), LetterKind::Invitation), &from, to, rendered)?;
        Ok(String::from_utf8(message.formatted()).unwrap())
    }

    #[test]
    fn a_message_has_its_letters_id_and_kind() {
        let text = message("Join Acme", "mia@acme.example").unwrap();
        for line in [
            "From: muster <muster@acme.example>\r\n",
            "To: mia@acme.example\r\n",
            "Subject: Join Acme\r\n",
            "Message-ID: <0b7a2c1e-0000-5000-8000-000000000001@acme.example>\r\n",
            "X-SMTPAPI: {\"category\":\"organization.invite\"}\r\n",
        ] {
            assert!(text.contains(line), "{line:?} is missing in {text}");
        }
    }

    #[test]
    fn nobody_adds_a_header_by_a_subject_or_an_address() {
        let text = message("Join\r\nBcc: eve@evil.example\r\n\r\nHello", "mia@acme.example").unwrap();
        assert!(text.contains("Subject: Join\r\n") && !text.contains("Bcc"), "{text}");
        let long = message(&"Grüße ".repeat(100), "mia@acme.example").unwrap();
        assert!(long.lines().all(|line| line.len() < 998), "{long}");
        for to in ["mia@acme.example\r\nBcc: eve@evil.example", "mia", "a@b.example, c@d.example", ""] {
            assert!(message("Join", to).is_err(), "{to:?}");
        }
    }
}
