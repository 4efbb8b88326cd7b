//! What is a person's is sealed, opens for those who hold the keys, and is gone when the key is.
//!
//! Each promise is a function that takes a [`Store`], one of the databases that keep keys; `promises!` makes a test of
//! each, for one of them. To add a store: add it to [`Store`], and `promises!(Store::Its);` in a module of its own,
//! beside what only that store can break.

mod lab;

mod damage;
mod erasure;
mod master_key;
mod moving;
mod processes;
mod rotation;
mod sealed;

mod postgres;
mod sqlite;

use lab::{Keys, PLANTED, Store, invitee, seal, user, value};

/// Makes a test of every promise, for the store.
macro_rules! promises {
    ($store:expr) => {
        promises! { $store;
            sealed::what_was_sealed_is_read_back_by_another_process
            sealed::the_same_value_never_looks_the_same_twice
            sealed::an_event_is_sealed_field_by_field_and_can_then_be_written_down
            sealed::metadata_is_sealed_for_who_acted
            sealed::what_holds_nothing_personal_makes_no_key
            sealed::a_personal_value_in_nobodys_stream_is_refused
            sealed::hashes_agree_between_processes_and_differ_between_purposes_and_deployments
            sealed::no_other_token_opens_an_invitation
            sealed::no_file_holds_what_was_sealed
            sealed::many_envelopes_are_opened_with_one_question
            damage::an_envelope_is_not_taken_for_another
            damage::a_hash_cannot_be_moved_to_another_envelope
            damage::every_changed_byte_is_noticed
            damage::a_key_that_never_was_is_missing_and_not_erased
            damage::a_key_in_another_persons_row_is_refused_and_named
            damage::what_cannot_be_opened_in_a_document_stays_and_is_named
            damage::the_database_refuses_to_lose_a_tombstone
            erasure::what_is_erased_is_erased_for_good_and_others_are_untouched
            erasure::who_is_sealed_for_after_an_erasure_gets_a_new_key
            erasure::erasing_a_user_covers_the_invitations_that_he_accepted
            erasure::erasing_an_invitee_leaves_the_user
            erasure::no_file_holds_the_bytes_of_an_erased_key
            erasure::an_erasure_that_was_cut_off_is_completed_at_the_next_start
            erasure::an_erasure_that_cannot_remove_the_bytes_says_so_and_can_be_repeated
            erasure::an_erasure_elsewhere_is_known_once_it_was_asked_for
            erasure::an_erasure_elsewhere_is_noticed_within_250_ms
            master_key::the_first_run_makes_the_file_and_later_ones_need_it
            master_key::a_named_file_must_be_there
            master_key::many_first_runs_at_once_agree
            processes::processes_that_start_and_seal_at_once_make_one_key_for_each_person
            processes::concurrent_users_of_one_ring_and_of_others_share_a_persons_key
            moving::what_was_sealed_is_read_where_its_key_was_moved
            moving::keys_are_wrapped_anew_on_their_way
            moving::what_is_destroyed_meanwhile_is_destroyed_there_when_it_is_moved_again
            moving::keys_of_another_deployment_are_not_mixed_in
            rotation::a_wrong_master_key_is_refused_by_name
            rotation::an_altered_check_value_is_refused
            rotation::after_a_rotation_the_new_master_key_opens_and_the_old_does_not
            rotation::a_process_with_the_old_master_key_makes_no_keys
            rotation::a_process_goes_on_when_the_new_master_key_takes_the_place_of_its_file
        }
    };
    ($store:expr; $($area:ident::$promise:ident)*) => {$(
        #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
        async fn $promise() {
            $crate::sealing::$area::$promise($store).await;
        }
    )*};
}
use promises;
