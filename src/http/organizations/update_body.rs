//! The body of PUT organization: from JSON to what the decision takes (behaviour.md 7). Only the form is checked here;
//! what is wrong with it is reported together with what is wrong with the content.

use muster_events::{
    organization::{AvatarKind, AvatarUpdate, OrganizationUpdate, Setting},
    refusal::FieldError,
};
use serde_json::{Map, Value};

use crate::http::body::string;

/// What a body asks for; the picture that it brings, as it was sent, with the field that it stands in.
pub(super) type Parsed = (OrganizationUpdate, Option<(&'static str, String)>);
/// How a body is read.
pub(super) type Parse = fn(&Map<String, Value>) -> Parsed;

/// What the body asks for, and the picture that it brings, as it was sent.
pub(super) fn parse(fields: &Map<String, Value>) -> Parsed {
    let mut malformed = vec![];
    let mut text = |name: &str| {
        fields.get(name).and_then(|value| string(name, value).map_err(|error| malformed.push(error)).ok())
    };
    let (name, slug) = (text("name"), text("slug"));
    let words = ("avatarType", "Cannot set avatarType to upload without avatar");
    let (avatar, photo) = picture(fields, words, "avatar", &mut malformed);
    let is_setting = |(field, _): &(&String, &Value)| Setting::by_field(field).is_some();
    let settings = fields.iter().filter(is_setting).map(|(field, sent)| (field.clone(), sent.clone()));
    let update = OrganizationUpdate {
        name,
        slug,
        default_role: fields.get("defaultRole").cloned(),
        cancel_deletion: fields.get("cancelDeletion").cloned(),
        settings: settings.collect(),
        avatar: Some(avatar),
        restores: true,
        malformed,
    };
    (update, photo)
}

/// The body of PUT avatar.
pub(super) fn parse_avatar(fields: &Map<String, Value>) -> Parsed {
    let mut malformed = vec![];
    if !fields.contains_key("avatar_type") {
        malformed.push(FieldError::new("avatar_type", "This field is required."));
    }
    let words = ("avatar_type", "Cannot set avatar_type to upload without avatar_photo");
    let (avatar, photo) = picture(fields, words, "avatar_photo", &mut malformed);
    (OrganizationUpdate { avatar: Some(avatar), malformed, ..OrganizationUpdate::default() }, photo)
}

fn picture(
    fields: &Map<String, Value>,
    (kind_field, without_image): (&'static str, &'static str),
    photo_field: &'static str,
    malformed: &mut Vec<FieldError>,
) -> (AvatarUpdate, Option<(&'static str, String)>) {
    let mut take = |found: Result<AvatarKind, FieldError>| found.map_err(|error| malformed.push(error)).ok();
    let kind = fields.get(kind_field).and_then(|sent| take(kind(kind_field, sent)));
    let photo = match fields.get(photo_field) {
        None | Some(Value::Null) => None,
        Some(Value::String(photo)) => Some((photo_field, photo.clone())),
        Some(_) => {
            malformed.push(FieldError::new(photo_field, "Not a valid string."));
            None
        }
    };
    (AvatarUpdate { kind, image: None, kind_field, without_image }, photo)
}

fn kind(field: &str, sent: &Value) -> Result<AvatarKind, FieldError> {
    let shown = match sent {
        Value::String(name) => match AvatarKind::by_name(name) {
            Some(kind) => return Ok(kind),
            None => name.clone(),
        },
        Value::Null => return Err(FieldError::new(field, "This field may not be null.")),
        other => other.to_string(),
    };
    Err(FieldError::new(field, format!("\"{shown}\" is not a valid choice.")))
}
