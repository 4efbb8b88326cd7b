//! GET `/organization-avatar/{uuid}/`: the image itself, in the size that is asked for.

use std::{
    num::NonZeroUsize,
    sync::{Mutex, PoisonError},
};

use axum::{
    body::Bytes,
    extract::State,
    http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use lru::LruCache;
use muster_events::refusal::Refusal;
use muster_projections::organizations::query;

use super::image::resized;
use crate::{
    blobs::BlobError,
    http::{
        app::App,
        consistency::await_views,
        params::{InPath, Params},
        problem::Problem,
    },
};

/// Pixels on a side of what can be asked for.
const SIDES: [u32; 9] = [20, 32, 36, 48, 52, 64, 80, 96, 120];
/// How many of them are kept in memory: some megabytes.
const RENDITIONS: NonZeroUsize = NonZeroUsize::new(256).expect("it is not zero");
/// A picture never changes under its name.
const FOR_EVER: &str = "public, max-age=31536000, immutable";
const NAME_LENGTH: usize = 32;

/// Pictures in the sizes in which they were asked for lately.
#[derive(Debug)]
pub(in crate::http) struct Renditions(Mutex<LruCache<(String, u32), Bytes>>);

impl Default for Renditions {
    fn default() -> Self {
        Self(Mutex::new(LruCache::new(RENDITIONS)))
    }
}

impl Renditions {
    fn get(&self, name: &(String, u32)) -> Option<Bytes> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(name).cloned()
    }

    fn keep(&self, name: (String, u32), bytes: Bytes) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).put(name, bytes);
    }
}

/// The picture of an organization
///
/// A PNG, for everybody who knows its name, to be kept for ever: a new picture has a new name.
#[utoipa::path(
    get,
    path = "/organization-avatar/{uuid}/",
    tag = "organizations",
    security(()),
    params(
        ("uuid" = String, Path, description = "The avatarUuid of an organization"),
        ("s" = Option<i64>, Query, description = "Pixels on a side; the nearest of the sizes that there are"),
    ),
    responses(
        (status = 200, description = "The picture", body = Vec<u8>, content_type = "image/png",
            headers(("ETag" = String), ("Cache-Control" = String))),
        (status = 304, description = "It is the one that the requester has"),
        (status = 400, description = "The size is no number"),
        (status = 404, description = "No organization has this picture, or not any more"),
        (status = 500, description = "The picture is damaged"),
        (status = 503, description = "Not available at the moment"),
    )
)]
pub(in crate::http) async fn picture(
    State(app): State<App>,
    InPath(uuid): InPath<String>,
    params: Params,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let wanted = params.parse::<i64>("s", "A whole number")?.map(nearest);
    let is_name = uuid.len() == NAME_LENGTH && uuid.bytes().all(|byte| byte.is_ascii_hexdigit());
    if !is_name {
        return Err(Refusal::NotFound.into());
    }
    let digest = digest(&app, &uuid, &params).await?;
    let tag = wanted.map_or_else(|| format!("\"{digest}\""), |side| format!("\"{digest}-{side}\""));
    let known = headers.get(header::IF_NONE_MATCH).and_then(|known| known.to_str().ok());
    let mut answer = if known.is_some_and(|known| known.split(',').any(|known| known.trim() == tag)) {
        StatusCode::NOT_MODIFIED.into_response()
    } else {
        bytes(&app, uuid, &digest, wanted).await?.into_response()
    };
    let headers = answer.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("image/png"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static(FOR_EVER));
    headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
    headers.insert(HeaderName::from_static("x-content-type-options"), HeaderValue::from_static("nosniff"));
    if let Ok(tag) = tag.parse() {
        headers.insert(header::ETAG, tag);
    }
    Ok(answer)
}

/// The nearest size; the smaller one of two that are equally near.
fn nearest(wanted: i64) -> u32 {
    SIDES.into_iter().min_by_key(|side| i64::from(*side).abs_diff(wanted)).unwrap_or(SIDES[0])
}

/// Looks before it waits: a picture that is there does not change, and hardly anybody asks before it is there.
async fn digest(app: &App, uuid: &str, params: &Params) -> Result<String, Problem> {
    let unavailable = |error: muster_projections::error::ViewError| Problem::unavailable(&error.to_string());
    // Views that are only just being made have no answer yet, and have one after the wait.
    if let Ok(Some(found)) = query::picture(app.views(), uuid).await {
        return Ok(found);
    }
    await_views(app, params).await?;
    let found = query::picture(app.views(), uuid).await.map_err(unavailable)?;
    found.ok_or_else(|| Refusal::NotFound.into())
}

async fn bytes(app: &App, uuid: String, digest: &str, side: Option<u32>) -> Result<Bytes, Problem> {
    let name = (uuid, side.unwrap_or_default());
    if let Some(known) = app.renditions.get(&name) {
        return Ok(known);
    }
    let found = app.blobs.get(&name.0).await.map_err(|error| match error {
        BlobError::Unavailable(why) => Problem::unavailable(&why),
        BlobError::Unusable(why) => Problem::damaged(&why),
    })?;
    let blob = found.ok_or_else(|| Problem::from(Refusal::NotFound))?;
    let damaged = || Problem::damaged(&format!("picture {} is not the one that the log names", name.0));
    if blob.digest != digest {
        return Err(damaged());
    }
    let Some(side) = side else { return Ok(blob.bytes.into()) };
    let smaller = tokio::task::spawn_blocking(move || resized(&blob.bytes, side)).await;
    let smaller: Bytes = smaller.ok().flatten().ok_or_else(damaged)?.into();
    app.renditions.keep(name, smaller.clone());
    Ok(smaller)
}

#[cfg(test)]
mod tests {
    use super::nearest;

    #[test]
    fn the_nearest_size_is_taken() {
        for (wanted, side) in
            [(i64::MIN, 20), (0, 20), (26, 20), (27, 32), (50, 48), (72, 64), (i64::MAX, 120)]
        {
            assert_eq!(nearest(wanted), side, "{wanted}");
        }
    }
}
