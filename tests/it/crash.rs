//! The operator dies before and after every call to Amazon Connect and every write to the API server; the
//! next one brings everything to the end, and nothing is lost, doubled, orphaned or touched that is not ours.
//!
//! Each scenario is first played undisturbed, which counts its steps; then once for each crash point, all of
//! them. Of pairs of crashes a sample is tried, the same at every run; with `CRASH_POINTS=all` every pair.

mod kill;
pub mod points;
pub mod scenario;
pub mod scenarios;
pub mod trial;
pub mod verdict;

use kill::kills;
use points::{every_crash_point_of, pairs_of_crashes_of};

#[tokio::test(flavor = "multi_thread")]
async fn a_creation_survives_a_crash_at_every_step() {
    every_crash_point_of(scenarios::create).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_creation_with_proficiencies_survives_a_crash_at_every_step() {
    every_crash_point_of(scenarios::create_with_proficiencies).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_adoption_survives_a_crash_at_every_step() {
    every_crash_point_of(scenarios::adopt).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_update_of_many_fields_survives_a_crash_at_every_step() {
    every_crash_point_of(scenarios::update).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_update_of_the_older_phone_settings_survives_a_crash_at_every_step() {
    every_crash_point_of(scenarios::update_phone).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_removal_of_fields_survives_a_crash_at_every_step() {
    every_crash_point_of(scenarios::removal_of_fields).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deletion_survives_a_crash_at_every_step() {
    every_crash_point_of(scenarios::delete).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deletion_with_quick_connects_survives_a_crash_at_every_step() {
    every_crash_point_of(scenarios::delete_with_quick_connects).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_retained_user_survives_a_crash_at_every_step() {
    every_crash_point_of(scenarios::retain).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_renamed_object_survives_a_crash_at_every_step() {
    every_crash_point_of(scenarios::rename).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_user_made_again_survives_a_crash_at_every_step() {
    every_crash_point_of(scenarios::vanished).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_of_mind_survives_a_crash_at_every_step() {
    every_crash_point_of(scenarios::change_of_mind).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deletion_after_a_creation_that_crashed_leaves_nothing() {
    every_crash_point_of(scenarios::delete_after_create).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deletion_after_a_hidden_creation_that_crashed_leaves_nothing() {
    every_crash_point_of(scenarios::delete_after_hidden_create).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deletion_after_a_creation_without_an_answer_that_crashed_leaves_nothing() {
    every_crash_point_of(scenarios::delete_after_lost_create).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_generated_password_survives_a_crash_at_every_step() {
    every_crash_point_of(scenarios::generated_password).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_adoption_with_a_generated_password_survives_a_crash_at_every_step() {
    every_crash_point_of(scenarios::adopt_with_generated_password).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_creation_under_rules_survives_a_crash_at_every_step() {
    every_crash_point_of(scenarios::create_under_rules).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deletion_that_was_held_survives_a_crash_at_every_step() {
    every_crash_point_of(scenarios::delete_when_released).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deletion_of_what_is_not_remembered_survives_a_crash_at_every_step() {
    every_crash_point_of(scenarios::delete_forgotten).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_creation_survives_two_crashes_in_a_row() {
    pairs_of_crashes_of(scenarios::create, 7).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deletion_survives_two_crashes_in_a_row() {
    pairs_of_crashes_of(scenarios::delete_with_quick_connects, 17).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_creation_survives_kills_of_the_process() {
    kills(scenarios::create_with_proficiencies).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_update_survives_kills_of_the_process() {
    kills(scenarios::update).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deletion_survives_kills_of_the_process() {
    kills(scenarios::delete_with_quick_connects).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_renamed_object_survives_kills_of_the_process() {
    kills(scenarios::rename).await;
}
