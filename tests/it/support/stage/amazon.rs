//! Amazon Connect of a stage: what happens there past the operator, and what it was asked.

use connect_simulator::{CallRecord, Mutation, User, UserPatch, fixtures};

use super::Stage;

/// The user of the managed instance that is there from the beginning.
const ADMINISTRATOR: &str = "administrator";

impl Stage {
    pub fn user(&self, username: &str) -> Option<User> {
        self.simulator
            .user_by_name(fixtures::managed::ID, username)
            .or_else(|| self.simulator.user_by_name(fixtures::saml::ID, username))
    }

    /// Somebody changes a user of the managed instance in the console.
    pub fn console(&self, username: &str, set: UserPatch) {
        let mutation = Mutation::UpdateUser {
            instance_id: fixtures::managed::ID.to_owned(),
            user: username.to_owned(),
            set: Box::new(set),
        };
        self.simulator.mutate_at(mutation, std::time::SystemTime::now()).unwrap();
    }

    /// Somebody who made the instance: a real one is never without users, and an empty list is not believed.
    pub fn administrator(&self) {
        let set = UserPatch {
            security_profile_ids: Some(vec![fixtures::managed::SECURITY_ADMIN.to_owned()]),
            ..UserPatch::default()
        };
        let mutation = Mutation::CreateUser {
            instance_id: fixtures::managed::ID.to_owned(),
            username: ADMINISTRATOR.to_owned(),
            set: Box::new(set),
        };
        self.simulator.mutate_at(mutation, std::time::SystemTime::now()).unwrap();
    }

    /// How many users the managed instance has besides its administrator.
    pub fn count(&self) -> usize {
        self.simulator.users(fixtures::managed::ID).iter().filter(|user| user.username != ADMINISTRATOR).count()
    }

    pub fn calls(&self) -> Vec<CallRecord> {
        self.simulator.calls()
    }

    pub fn writes(&self) -> Vec<CallRecord> {
        self.calls().into_iter().filter(|call| call.write).collect()
    }

    /// Names of all calls so far, in order.
    pub fn operations(&self) -> Vec<String> {
        self.calls().iter().map(|call| call.operation.clone()).collect()
    }

    /// Names of the writes so far, in order.
    pub fn written(&self) -> Vec<String> {
        self.writes().iter().map(|call| call.operation.clone()).collect()
    }
}
