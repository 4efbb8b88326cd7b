//! The promises of the log. Each is a function that takes a [`Lab`], a store with the means to open it once more and
//! to do it harm; `contract!` makes a test of each, for one store.
//!
//! To add a store: write its `Lab`, and `contract!(its_lab().await);` in a module of its own. A promise that a store
//! cannot keep, by its `Capabilities`, prints that it was skipped; everything else has to hold.

mod lab;

mod claims;
mod counters;
mod durability;
mod expected;
mod followers;
mod groups;
mod idempotency;
mod order;
mod query;
mod round_trip;
mod subscribers;
mod taken_over;

mod eventstore;
mod postgres;
mod sqlite;

/// Makes a test of every promise, for the store of the lab that the expression makes.
macro_rules! contract {
    ($lab:expr) => {
        contract! { $lab;
            order::positions_are_1_2_3_without_a_hole
            order::a_reader_never_finds_an_earlier_event_later
            order::whoever_reads_on_meets_every_event_once_and_in_order
            order::events_of_one_append_become_visible_together
            order::recorded_at_never_runs_backwards
            order::limits_of_reads_are_kept
            order::a_stretch_has_the_wanted_events_of_the_log
            expected::a_conflict_says_what_was_expected_and_what_is
            expected::of_many_appends_at_one_sequence_exactly_one_wins
            expected::a_read_that_has_moved_is_a_conflict
            expected::of_two_that_read_each_other_exactly_one_wins
            expected::a_read_of_the_whole_log_conflicts_with_any_event
            expected::a_conflict_in_one_stream_leaves_nothing_in_the_others
            expected::one_that_conflicts_fails_alone
            expected::appends_that_wait_together_see_each_other
            durability::a_log_that_is_opened_again_has_everything
            durability::an_append_is_kept_when_its_caller_goes_away
            durability::events_cannot_be_changed_or_removed
            durability::a_sound_log_has_no_findings
            idempotency::a_used_key_tells_how_it_ended
            idempotency::a_key_is_kept_without_events_at_the_head
            idempotency::a_key_belongs_to_one_actor
            idempotency::a_used_key_is_found_before_a_conflict_or_a_claim
            idempotency::a_key_of_an_append_that_failed_is_not_used
            idempotency::of_many_appends_with_one_key_exactly_one_happens
            idempotency::a_key_is_forgotten_after_seven_days
            claims::a_claim_is_taken_once
            claims::of_many_who_take_a_claim_exactly_one_gets_it
            claims::only_its_holder_gives_a_claim_back
            claims::a_claim_moves_within_one_append
            claims::a_held_claim_is_free_when_its_time_is_over
            claims::a_held_claim_can_be_taken_back_for_good
            claims::a_broken_claim_leaves_nothing_of_its_append
            claims::one_that_breaks_a_claim_fails_alone
            claims::claims_are_listed_in_order_and_in_pages
            groups::the_last_of_a_group_cannot_leave
            groups::who_is_not_in_a_group_leaves_it_without_effect
            groups::groups_are_apart_from_each_other
            groups::a_disbanded_group_can_be_founded_again
            groups::two_who_leave_at_one_instant_never_empty_the_group
            counters::a_counter_stops_at_its_maximum
            counters::a_counter_starts_again_on_the_next_utc_day
            counters::what_is_refused_is_not_counted
            followers::followers_are_told_before_the_answer
            followers::followers_are_told_of_foreign_events_before_a_decision_is_checked
            followers::followers_of_two_busy_processes_see_every_event_in_order
            followers::many_foreign_events_are_followed
            followers::a_head_includes_what_others_committed
            followers::a_confirmed_head_has_been_told_to_followers
            followers::a_foreign_append_makes_a_remembered_sequence_a_conflict
            followers::commits_are_announced_and_never_run_backwards
            subscribers::a_new_subscriber_starts_at_the_head_and_an_old_one_where_it_was
            subscribers::a_checkpoint_is_moved_by_who_works_and_from_where_it_is
            subscribers::of_two_who_ask_at_most_one_moves_the_checkpoint
            subscribers::a_checkpoint_beyond_the_head_is_at_the_head
            taken_over::a_log_is_taken_over_as_it_stands_and_goes_on
            taken_over::what_does_not_go_on_where_the_log_ends_is_refused_whole
            taken_over::claims_are_replaced_as_a_whole
            taken_over::a_hash_key_is_noted_once
            taken_over::a_checkpoint_can_be_looked_up_by_whoever_does_not_work
            query::a_query_finds_what_a_scan_finds
            query::pages_of_a_query_join_without_gap_or_repetition
            round_trip::whatever_text_is_stored_comes_back
            round_trip::the_leaf_can_be_computed_again
            round_trip::events_decode_from_what_is_stored
        }
    };
    ($lab:expr; $($area:ident::$promise:ident)*) => {$(
        #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
        async fn $promise() {
            $crate::contract::$area::$promise(&$lab).await;
        }
    )*};
}
use contract;
