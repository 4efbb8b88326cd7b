//! What keeps pictures, whichever database that is.

use muster::{
    blobs::{Blob, BlobError},
    deployment::Deployment,
};

use crate::support::Place;

#[tokio::test]
async fn what_was_put_is_had_by_its_name_until_it_is_removed_also_after_a_restart() {
    let place = Place::new().await;
    let blobs = Deployment::open(&place.options()).await.unwrap().blobs;
    let (one, two) = (Blob::new("one".into(), vec![0, 255, 1]), Blob::new("two".into(), vec![]));
    for blob in [&one, &two] {
        assert_eq!(blobs.get(&blob.name).await.unwrap(), None);
        blobs.put(blob.clone()).await.unwrap();
    }
    drop(blobs);
    let blobs = Deployment::open(&place.options()).await.unwrap().blobs;
    assert_eq!(blobs.get("one").await.unwrap(), Some(one));
    assert_eq!(blobs.get("two").await.unwrap(), Some(two.clone()));
    assert_eq!(blobs.get("ONE").await.unwrap(), None);
    for _ in 0..2 {
        blobs.remove("one").await.unwrap();
    }
    assert_eq!(blobs.get("one").await.unwrap(), None);
    assert_eq!(blobs.get("two").await.unwrap(), Some(two));
}

#[tokio::test]
async fn bytes_that_are_not_those_that_were_kept_are_damage_and_no_picture() {
    let place = Place::new().await;
    let blobs = Deployment::open(&place.options()).await.unwrap().blobs;
    blobs.put(Blob::new("one".into(), vec![1, 2, 3])).await.unwrap();
    place.run_on_pictures("UPDATE {blobs} SET digest = 'x'").await;
    let Err(BlobError::Unusable(why)) = blobs.get("one").await else { panic!("it was given") };
    assert!(why.starts_with("picture one is damaged: "), "{why}");
}
