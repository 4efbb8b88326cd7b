//! Carrying out a change of an organization that may bring a picture: its bytes are kept before the event that names
//! them, and removed again when no event does.

use muster_events::{
    id::OrganizationId,
    organization::{AvatarImage, Organization, OrganizationUpdate},
    refusal::{FieldError, Refusal},
    stream::Sequence,
};

use crate::{
    blobs::{Blob, BlobError},
    clock::random_bytes,
    http::{
        app::App,
        avatars::{Unfit, read},
        problem::Problem,
        request::About,
    },
    ledger::{
        Caller, ExecuteError, Outcome, Turn,
        operations::{UpdateOrganization, UpdatedOrganization},
    },
};

/// A change that a request asks for.
#[derive(Debug)]
pub(super) struct Change {
    pub(super) caller: Caller,
    pub(super) organization: OrganizationId,
    pub(super) if_match: Option<Sequence>,
    pub(super) update: OrganizationUpdate,
    /// The picture as it was sent, and the field that it came in.
    pub(super) photo: Option<(&'static str, String)>,
}

impl Change {
    /// Carries it out.
    pub(super) async fn carry_out(
        mut self,
        app: &App,
        about: &About,
        turn: Turn,
    ) -> Result<Outcome<UpdatedOrganization>, Problem> {
        let mut picture = None;
        if let Some((field, photo)) = self.photo.take() {
            let found = tokio::task::spawn_blocking(move || read(&photo)).await;
            match found.map_err(|error| Problem::unavailable(&error.to_string()))? {
                Ok(found) => picture = found,
                Err(Unfit::TooLarge) => {
                    let repeated = app.ledger.refuse(Refusal::ImageTooLarge, &turn).await?;
                    return Ok(Outcome::Replayed(repeated));
                }
                Err(unfit) => self.update.malformed.push(FieldError::new(field, unfit.message())),
            }
        }
        // What will be refused anyway is not kept first.
        let picture = picture.filter(|_| self.update.malformed.is_empty());
        let kept = match picture {
            Some(bytes) => Some(keep(app, bytes).await?),
            None => None,
        };
        if let (Some(image), Some(avatar)) = (&kept, &mut self.update.avatar) {
            avatar.image = Some(image.clone());
        }
        let Self { caller, organization, if_match, update, .. } = self;
        let operation = UpdateOrganization { caller, organization, if_match, changes: update };
        let outcome = app.ledger.execute(&operation, &about.meta(caller), turn).await;
        tidy(app, organization, kept.as_ref(), &outcome).await;
        Ok(outcome?)
    }
}

async fn keep(app: &App, bytes: Vec<u8>) -> Result<AvatarImage, Problem> {
    let blob = Blob::new(hex::encode(random_bytes::<16>()), bytes);
    let image = AvatarImage { uuid: blob.name.clone(), digest: blob.digest.clone() };
    app.blobs.put(blob).await.map_err(|error| match error {
        BlobError::Unavailable(why) => Problem::unavailable(&why),
        BlobError::Unusable(why) => Problem::damaged(&why),
    })?;
    Ok(image)
}

/// Removes the picture that no event names, or none any more. Where it is not known how the command ended, nothing is
/// removed.
async fn tidy(
    app: &App,
    organization: OrganizationId,
    kept: Option<&AvatarImage>,
    outcome: &Result<Outcome<UpdatedOrganization>, ExecuteError>,
) {
    let done = match outcome {
        Ok(Outcome::Done(executed)) => Some(executed),
        Ok(Outcome::Replayed(_)) | Err(ExecuteError::Refused { .. } | ExecuteError::KeyOfAnother) => None,
        Err(_) => return,
    };
    let before = done.and_then(|done| done.answer.before.avatar.image.as_ref());
    let after = done.and_then(|done| done.state::<Organization>(organization));
    let named = after.as_ref().map_or(before, |after| after.state.avatar.image.as_ref());
    let unnamed = [kept, before].into_iter().flatten().filter(|image| Some(*image) != named);
    for image in unnamed {
        if let Err(error) = app.blobs.remove(&image.uuid).await {
            tracing::warn!(%error, uuid = image.uuid, "a picture that nothing names is still kept");
        }
    }
}
