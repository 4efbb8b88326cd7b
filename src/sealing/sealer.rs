//! Sealing: what is open in an event or in its metadata is replaced by its envelope.

use std::{convert::Infallible, sync::Arc};

use muster_events::{
    event::Event,
    id::UserId,
    personal::{Envelope, Personal, PersonalText, PersonalVisitor},
    recorded::Metadata,
    stream::StreamId,
};

use super::{
    KeyRing, SealingError, Subject,
    cache::{Held, PersonKey},
    envelope, subject_of,
};

/// What metadata is sealed as, in the place of an event type.
const METADATA: &str = "Metadata";

/// Seals for one person, with a key that is durable already. What is sealed stays as it is.
#[derive(Debug, Clone)]
pub struct Sealer {
    key: Arc<PersonKey>,
}

/// Seals the values that it visits, each as a field of one type of event.
#[derive(Debug, Clone, Copy)]
pub struct FieldSealer<'a> {
    key: &'a PersonKey,
    event_type: &'a str,
}

impl Sealer {
    /// The id of the key that it seals with.
    pub fn key_id(&self) -> &str {
        &self.key.id
    }

    /// Seals as fields of `event_type`.
    pub fn fields_of<'a>(&'a self, event_type: &'a str) -> FieldSealer<'a> {
        FieldSealer { key: &self.key, event_type }
    }

    /// Seals the personal values of an event.
    pub fn seal_event(&self, event: &mut Event) {
        let event_type = event.event_type();
        let Ok(()) = event.visit_personal(&mut self.fields_of(event_type));
    }

    /// Seals the personal values of metadata.
    pub fn seal_metadata(&self, metadata: &mut Metadata) {
        let Ok(()) = metadata.visit_personal(&mut self.fields_of(METADATA));
    }
}

impl PersonalVisitor for FieldSealer<'_> {
    type Error = Infallible;

    fn visit<T: PersonalText>(&mut self, field: &str, personal: &mut Personal<T>) -> Result<(), Infallible> {
        if let Personal::Open { value, hash } = personal {
            let sealed = envelope::seal(self.key, self.event_type, field, value.as_text(), hash.take());
            *personal = Personal::Sealed(sealed);
        }
        Ok(())
    }
}

impl KeyRing {
    /// Seals for `subject`. Its key is made, durably, when there is none.
    pub async fn sealer(&self, subject: Subject) -> Result<Sealer, SealingError> {
        Ok(Sealer { key: self.person_key(subject).await? })
    }

    /// Seals with the key that `envelope` was sealed with, for the same person; none once that key was erased. Whoever uses
    /// it cannot bring somebody back who is erased at the same moment: no new key is made.
    pub async fn sealer_as(&self, envelope: &Envelope) -> Result<Option<Sealer>, SealingError> {
        let id = &envelope.key;
        let held = self.held(vec![id.clone()]).await?.remove(id);
        match held.unwrap_or_else(|| Err(SealingError::KeyMissing(id.to_string())))? {
            Held::Living(key) => Ok(Some(Sealer { key })),
            Held::Erased => Ok(None),
        }
    }

    /// Seals the personal values of an event of `stream` for the person that the stream belongs to. An event without
    /// any makes no key.
    pub async fn seal_event(&self, stream: &StreamId, event: &mut Event) -> Result<(), SealingError> {
        let mut open = AnyOpen(false);
        let Ok(()) = event.visit_personal(&mut open);
        if open.0 {
            let subject = subject_of(stream).ok_or_else(|| SealingError::NoSubject(stream.to_string()))?;
            self.sealer(subject).await?.seal_event(event);
        }
        Ok(())
    }

    /// Seals the personal values of metadata for `user`, who acted.
    pub async fn seal_metadata(&self, metadata: &mut Metadata, user: UserId) -> Result<(), SealingError> {
        let mut open = AnyOpen(false);
        let Ok(()) = metadata.visit_personal(&mut open);
        if open.0 {
            self.sealer(Subject::User(user)).await?.seal_metadata(metadata);
        }
        Ok(())
    }
}

/// Notes whether anything is there to be sealed.
struct AnyOpen(bool);

impl PersonalVisitor for AnyOpen {
    type Error = Infallible;

    fn visit<T: PersonalText>(&mut self, _field: &str, personal: &mut Personal<T>) -> Result<(), Infallible> {
        self.0 |= personal.envelope().is_none();
        Ok(())
    }
}
