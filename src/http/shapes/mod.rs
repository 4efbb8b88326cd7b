//! The wire shapes, each once (behaviour.md 9). A shape is made from a row of a read model, whether the row came
//! from the views or from the aggregates that a command has just folded.
#![expect(
    clippy::struct_excessive_bools,
    clippy::struct_field_names,
    reason = "the names and kinds of fields are those of the wire format"
)]

pub(super) mod access_request;
pub(super) mod account;
pub(super) mod any_of;
pub(super) mod audit;
pub(super) mod invitation;
pub(super) mod member;
pub(super) mod organization;
pub(super) mod receipt;
pub(super) mod role;
pub(super) mod role_lists;
pub(super) mod team;
pub(super) mod team_membership;
pub(super) mod token;
pub(super) mod user;

use muster_events::personal::{Personal, PersonalText};
use serde::Serialize;
use utoipa::ToSchema;

use crate::sealing::{Opener, Unsealed};

/// What is left to say of an object that is gone meanwhile, or that the requester may not see any more.
#[derive(Debug, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct OnlyId {
    id: String,
}

impl OnlyId {
    /// The id of the object.
    pub(super) fn of(id: &impl ToString) -> Self {
        Self { id: id.to_string() }
    }
}

/// Takes the place of a value whose key is lost: the rest of the answer is still worth having.
const UNREADABLE: &str = "[unreadable]";

/// The text of a personal value.
fn text<T: PersonalText>(opener: &Opener, personal: &Personal<T>) -> String {
    match personal {
        Personal::Open { value, .. } => value.as_text().to_owned(),
        Personal::Sealed(envelope) => opener.unseal(envelope).map_or_else(
            |error| {
                tracing::error!(%error, "a personal value cannot be shown; run `muster doctor`");
                UNREADABLE.to_owned()
            },
            Unsealed::into_text,
        ),
    }
}

/// An avatar: the generated one, or a picture that was uploaded.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct Avatar {
    avatar_type: &'static str,
    #[schema(required)]
    avatar_uuid: Option<String>,
    #[schema(required)]
    avatar_url: Option<String>,
}

impl Avatar {
    fn of(avatar: &muster_events::organization::Avatar, base_url: &str) -> Self {
        let uuid = avatar.image.as_ref().map(|image| image.uuid.clone());
        Self {
            avatar_type: avatar.kind.name(),
            avatar_url: uuid.as_ref().map(|uuid| format!("{base_url}/organization-avatar/{uuid}/")),
            avatar_uuid: uuid,
        }
    }

    fn letter() -> Self {
        Self { avatar_type: "letter_avatar", avatar_uuid: None, avatar_url: None }
    }
}
