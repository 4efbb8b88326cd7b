//! The picture of an organization (behaviour.md 8). The bytes are kept beside the log; the log names them.

use serde::{Deserialize, Serialize};

use super::{Organization, OrganizationEvent};
use crate::refusal::FieldError;

/// What is shown for an organization.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AvatarKind {
    /// Its initials.
    #[default]
    LetterAvatar,
    /// The picture that was uploaded.
    Upload,
}

impl AvatarKind {
    /// Every kind.
    pub const ALL: [Self; 2] = [Self::LetterAvatar, Self::Upload];

    /// How it is called in requests, in answers, in rows and in the log; never changes.
    pub const fn name(self) -> &'static str {
        match self {
            Self::LetterAvatar => "letter_avatar",
            Self::Upload => "upload",
        }
    }

    /// The kind of this name.
    pub fn by_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }
}

/// A picture that is kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AvatarImage {
    /// Where it is found: 32 hexadecimal digits, new for every upload.
    pub uuid: String,
    /// SHA-256 of the bytes that are kept, in hexadecimal digits.
    pub digest: String,
}

/// What an organization shows, and the picture that it has, shown or not.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Avatar {
    /// What is shown.
    pub kind: AvatarKind,
    /// The picture; going back to the initials keeps it.
    pub image: Option<AvatarImage>,
}

/// A change of the picture, with the words in which its request is refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AvatarUpdate {
    /// What is to be shown; by default a new picture, when there is one.
    pub kind: Option<AvatarKind>,
    /// A new picture, which is kept already.
    pub image: Option<AvatarImage>,
    /// How the request calls the kind.
    pub kind_field: &'static str,
    /// Said when there is no picture to show.
    pub without_image: &'static str,
}

/// What a change comes to; nothing when all is as it was.
pub(super) fn change(
    organization: &Organization,
    update: &AvatarUpdate,
) -> Result<Option<OrganizationEvent>, FieldError> {
    let from = &organization.avatar;
    let is_same = |new: &AvatarImage| from.image.as_ref().is_some_and(|kept| kept.digest == new.digest);
    let image = match &update.image {
        Some(new) if !is_same(new) => Some(new.clone()),
        Some(_) | None => from.image.clone(),
    };
    let kind = match update.kind {
        Some(kind) => kind,
        None if update.image.is_some() => AvatarKind::Upload,
        None => from.kind,
    };
    if update.kind == Some(AvatarKind::Upload) && image.is_none() {
        return Err(FieldError::new(update.kind_field, update.without_image));
    }
    let to = Avatar { kind, image };
    Ok((to != *from).then(|| OrganizationEvent::AvatarChanged { from: from.clone(), to }))
}
