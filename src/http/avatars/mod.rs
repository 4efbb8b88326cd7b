//! Pictures of organizations (behaviour.md 8): how one that is sent is read, and how one that is kept is shown.

mod image;
mod letter;
pub(super) mod picture;

pub(super) use self::{
    image::{Unfit, read},
    letter::letters,
    picture::Renditions,
};

/// The largest body of a request that can bring a picture: one of 5 MB in base64, and what is around it.
pub(super) const LARGEST_BODY: usize = 7 * 1024 * 1024;
