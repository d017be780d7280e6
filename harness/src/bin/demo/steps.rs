//! The story, one module a chapter or two.

mod begin;
mod console;
mod declare;
mod leave;
mod refuse;

use crate::world::World;
use harness::tell::story::{Failure, Story};

/// Tells everything after the start.
pub(crate) async fn tell(world: &mut World, story: &mut Story) -> Result<(), Failure> {
    begin::operator(world, story).await?;
    let world = &*world;
    declare::apply(world, story).await?;
    declare::edit(world, story).await?;
    console::change_is_repaired(world, story).await?;
    refuse::at_admission(world, story).await?;
    refuse::with_a_remedy(world, story).await?;
    console::deleted_user_comes_back(world, story).await?;
    leave::delete(world, story).await?;
    leave::retain(world, story).await?;
    leave::count(world, story).await
}
