//! Pictures of organizations.

use std::io::Cursor;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use image::{DynamicImage, ImageFormat, Rgb, RgbImage};
use muster::blobs::Blob;
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{Client, World};

const ACME: &str = "/api/0/organizations/acme/";
const AVATAR: &str = "/api/0/organizations/acme/avatar/";

pub(super) fn image(side: u32, colour: u8, format: ImageFormat) -> String {
    let mut bytes = Cursor::new(vec![]);
    let image = RgbImage::from_pixel(side, side, Rgb([colour, 0, 0]));
    DynamicImage::ImageRgb8(image).write_to(&mut bytes, format).unwrap();
    STANDARD.encode(bytes.into_inner())
}

/// A picture of this many pixels a side.
pub(crate) fn picture_of(side: u32) -> String {
    image(side, 7, ImageFormat::Png)
}

fn png(colour: u8) -> String {
    image(256, colour, ImageFormat::Png)
}

/// The path of the picture that the organization shows.
fn path(world: &World, organization: &Value) -> String {
    let url = organization["avatar"]["avatarUrl"].as_str().unwrap_or_else(|| panic!("{organization}"));
    url.strip_prefix(&world.base).unwrap().to_owned()
}

fn uuid(organization: &Value) -> String {
    organization["avatar"]["avatarUuid"].as_str().unwrap().to_owned()
}

async fn picture(client: &Client, path: &str) -> (u32, reqwest::header::HeaderMap) {
    let response = client.request(Method::GET, path).send().await.unwrap();
    assert_eq!(response.status(), 200);
    let headers = response.headers().clone();
    let bytes = response.bytes().await.unwrap();
    let image = image::load_from_memory_with_format(&bytes, ImageFormat::Png).unwrap();
    assert_eq!(image.width(), image.height());
    (image.width(), headers)
}

#[tokio::test]
async fn a_picture_is_uploaded_shown_hidden_and_shown_again() {
    let world = World::acme().await;
    let (alice, before) = (world.of("alice"), world.head().await);
    let none = json!({"avatarType": "letter_avatar", "avatarUuid": null, "avatarUrl": null});
    assert_eq!(alice.get(AVATAR).await.expect(200).json()["avatar"], none);
    let body = json!({"avatar_type": "upload", "avatar_photo": image(300, 9, ImageFormat::Jpeg)});
    let uploaded = alice.put(AVATAR, &body).await.expect(200).json();
    assert_eq!(uploaded["avatar"]["avatarType"], json!("upload"));
    assert_eq!(uploaded["avatar"]["avatarUuid"].as_str().unwrap().len(), 32);
    let (side, headers) = picture(&world.anonymous(), &path(&world, &uploaded)).await;
    assert_eq!((side, &headers["content-type"]), (300, &"image/png".parse().unwrap()));
    assert!(headers["cache-control"].to_str().unwrap().contains("max-age=31536000"));
    assert_eq!(headers["x-content-type-options"], "nosniff");
    alice.put(AVATAR, &json!({"avatar_type": "letter_avatar"})).await.expect(200);
    let again = alice.put(ACME, &json!({"avatarType": "upload"})).await.expect(200).json();
    assert_eq!(again["avatar"], uploaded["avatar"]);
    assert_eq!(world.types_after(before).await, ["AvatarChanged"; 3]);
    assert_eq!(alice.get(ACME).await.expect(200).json()["avatar"], uploaded["avatar"]);
    let listed = alice.get("/api/0/organizations/").await.expect(200).json();
    assert_eq!(listed[0]["avatar"], uploaded["avatar"]);
}

#[tokio::test]
async fn a_picture_in_the_settings_is_shown_and_takes_the_place_of_the_one_before() {
    let world = World::acme().await;
    let alice = world.of("alice");
    let first = alice.put(ACME, &json!({"avatar": png(1)})).await.expect(200).json();
    assert_eq!(first["avatar"]["avatarType"], json!("upload"));
    let head = world.head().await;
    let same = alice.put(ACME, &json!({"avatar": png(1)})).await.expect(200).json();
    assert_eq!((world.head().await, &same["avatar"]), (head, &first["avatar"]));
    picture(&alice, &path(&world, &first)).await;
    let second = alice.put(ACME, &json!({"avatar": png(2)})).await.expect(200).json();
    assert_ne!(path(&world, &first), path(&world, &second));
    alice.get(&path(&world, &first)).await.expect(404);
    picture(&alice, &path(&world, &second)).await;
    assert_eq!(world.place.kept_pictures().await, [uuid(&second)], "what nothing names any more is not kept");
}

#[tokio::test]
async fn what_is_refused_or_repeated_leaves_no_picture_behind() {
    let world = World::acme().await;
    let alice = world.of("alice");
    let keyed = [("Idempotency-Key", "a")];
    let first = alice.put_with(ACME, &json!({"avatar": png(1)}), &keyed).await.expect(200).json();
    let kept = [uuid(&first)];
    let again = alice.put_with(ACME, &json!({"avatar": png(1)}), &keyed).await.expect(200);
    assert_eq!(
        (again.header("idempotent-replayed"), &again.json()["avatar"]),
        (Some("true"), &first["avatar"])
    );
    assert_eq!(world.place.kept_pictures().await, kept);
    let stale = [("If-Match", "\"1\"")];
    alice.put_with(ACME, &json!({"avatar": png(2)}), &stale).await.expect(412);
    world.of("bob").put(ACME, &json!({"avatar": png(3)})).await.expect(403);
    alice.put(ACME, &json!({"avatar": png(4), "defaultRole": "king"})).await.expect(400);
    assert_eq!(world.place.kept_pictures().await, kept);
    picture(&alice, &path(&world, &first)).await;
}

#[tokio::test]
async fn a_picture_that_is_not_the_one_that_the_log_names_is_never_shown() {
    let world = World::acme().await;
    let shown = world.of("alice").put(ACME, &json!({"avatar": png(1)})).await.expect(200).json();
    let damaged = Blob::new(uuid(&shown), vec![1, 2, 3]);
    world.deployment.blobs.remove(&damaged.name).await.unwrap();
    world.anonymous().get(&path(&world, &shown)).await.expect(404);
    world.deployment.blobs.put(damaged).await.unwrap();
    let refused = world.anonymous().get(&path(&world, &shown)).await.expect(500).json();
    assert_eq!(refused, json!({"detail": "The ledger is damaged; the operator has been told."}));
}

#[tokio::test]
async fn a_picture_is_had_in_the_nearest_size() {
    let world = World::acme().await;
    let alice = world.of("alice");
    let path = path(&world, &alice.put(ACME, &json!({"avatar": png(1)})).await.expect(200).json());
    for (asked, side) in [("1", 20), ("-5", 20), ("50", 48), ("120", 120), ("100000", 120)] {
        assert_eq!(picture(&world.anonymous(), &format!("{path}?s={asked}")).await.0, side, "{asked}");
    }
    assert_eq!(picture(&world.anonymous(), path.trim_end_matches('/')).await.0, 256);
    for asked in ["x", "1.5", "", "99999999999999999999"] {
        world.anonymous().get(&format!("{path}?s={asked}")).await.expect(400);
    }
    let tag = picture(&alice, &format!("{path}?s=20")).await.1["etag"].clone();
    let again = alice.request(Method::GET, &format!("{path}?s=20")).header("if-none-match", tag);
    Client::send(again).await.expect(304);
}

#[tokio::test]
async fn what_is_no_picture_is_not_found() {
    let world = World::acme().await;
    for name in ["x", "0123456789abcdef0123456789abcdef", "../../etc/passwd", "%00", "%ff"] {
        world.anonymous().get(&format!("/organization-avatar/{name}/")).await.expect(404);
    }
}

#[tokio::test]
async fn pictures_that_are_not_taken_are_refused_and_not_kept() {
    let world = World::acme().await;
    let (alice, before) = (world.of("alice"), world.head().await);
    let (format, dimensions) = ("Invalid image format.", "Invalid image dimensions.");
    for (photo, why) in [
        (STANDARD.encode(b"<svg/>"), format),
        ("not base64!".to_owned(), format),
        (image(255, 1, ImageFormat::Png), dimensions),
        (image(1025, 1, ImageFormat::Gif), dimensions),
    ] {
        let refused = alice.put(ACME, &json!({"avatar": photo})).await.expect(400).json();
        assert_eq!(refused, json!({"avatar": [why]}));
        let body = json!({"avatar_type": "upload", "avatar_photo": photo});
        assert_eq!(alice.put(AVATAR, &body).await.expect(400).json(), json!({"avatar_photo": [why]}));
    }
    let nothing = "Cannot set avatarType to upload without avatar";
    let refused = alice.put(ACME, &json!({"avatarType": "upload", "avatar": ""})).await.expect(400).json();
    assert_eq!(refused, json!({ "avatarType": [nothing] }));
    for (body, expected) in [
        (json!({}), json!({"avatar_type": ["This field is required."]})),
        (json!({"avatar_type": null}), json!({"avatar_type": ["This field may not be null."]})),
        (json!({"avatar_type": "gravatar"}), json!({"avatar_type": ["\"gravatar\" is not a valid choice."]})),
        (
            json!({"avatar_type": "upload"}),
            json!({"avatar_type": ["Cannot set avatar_type to upload without avatar_photo"]}),
        ),
    ] {
        assert_eq!(alice.put(AVATAR, &body).await.expect(400).json(), expected);
    }
    assert_eq!(world.head().await, before);
}

#[tokio::test]
async fn a_large_picture_is_too_large_and_a_largest_one_is_looked_at() {
    let world = World::acme().await;
    let alice = world.of("alice");
    let sent = |bytes: usize| json!({"avatar": STANDARD.encode(vec![0; bytes])});
    let refused = alice.put(ACME, &sent(5_000_001)).await.expect(413).json();
    assert_eq!(refused, json!({"detail": {"code": "", "message": "", "extra": {}}}));
    let looked_at = alice.put(ACME, &sent(5_000_000)).await.expect(400).json();
    assert_eq!(looked_at, json!({"avatar": ["Invalid image format."]}));
}

#[tokio::test]
async fn strangers_and_members_change_no_picture() {
    let world = World::acme().await;
    let before = world.head().await;
    let body = json!({"avatar_type": "upload", "avatar_photo": png(1)});
    for key in ["bob", "greta"] {
        world.of(key).put(AVATAR, &body).await.expect(403);
    }
    world.anonymous().put(AVATAR, &body).await.expect(401);
    world.of("greta").get(AVATAR).await.expect(403);
    world.of("bob").get(AVATAR).await.expect(200);
    assert_eq!(world.head().await, before);
}

#[tokio::test]
async fn a_repetition_keeps_the_picture_of_the_first_time() {
    let world = World::acme().await;
    let (alice, key) = (world.of("alice"), [("idempotency-key", "photo")]);
    let body = json!({"avatar_type": "upload", "avatar_photo": png(1)});
    let first = alice.put_with(AVATAR, &body, &key).await.expect(200).json();
    let again = alice.put_with(AVATAR, &body, &key).await.expect(200);
    assert_eq!((again.json(), again.header("idempotent-replayed")), (first.clone(), Some("true")));
    picture(&alice, &path(&world, &first)).await;
}

#[tokio::test]
async fn initials_are_had_as_an_image() {
    let world = World::acme().await;
    let request = world.of("bob").request(Method::GET, AVATAR).header("accept", "image/svg+xml");
    let answer = Client::send(request).await.expect(200);
    assert_eq!(answer.header("content-type"), Some("image/svg+xml"));
    assert!(answer.text.starts_with("<svg ") && answer.text.contains(">TA<"), "{}", answer.text);
}
