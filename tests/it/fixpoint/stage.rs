//! A simulated Connect with one instance, and an operator cut down to its core: judge, plan, execute.

use connect_simulator::user::User;
use connect_simulator::{Mutation, Simulator, Switches, UserPatch};
use connect_user_operator::connect::aws::AwsConnect;
use connect_user_operator::connect::{self, Connect, ConnectError, Written};
use connect_user_operator::plan::Plan;
use connect_user_operator::plan::call::Call;
use connect_user_operator::plan::diff;
use connect_user_operator::resource::user::ConnectUserSpec;
use connect_user_operator::user::desired::{DesiredUser, References};
use connect_user_operator::user::ids::{
    HierarchyGroupId, Instance, RoutingProfileId, SecurityProfileId, UserId, Username,
};
use connect_user_operator::user::observed::ObservedUser;
use connect_user_operator::user::ownership::{Owned, Owner};
use connect_user_operator::user::password::Password;
use tokio::runtime::Runtime;

use super::in_process;
use super::specs::{Kind, NAME, SKILLS};

const ID: &str = "33333333-3333-4333-8333-333333333333";
const REGION: &str = "eu-west-1";
const ACCOUNT: &str = "111122223333";

/// A user of somebody else, which must come out of everything as it was.
pub const BYSTANDER: &str = "john.roe";

pub struct Stage {
    pub simulator: Simulator,
    pub instance: Instance,
    pub owner: Owner,
    kind: Kind,
    connect: AwsConnect,
    runtime: Runtime,
}

/// The declaration in a spec; its ARNs are taken for what they name.
pub fn desired(spec: &ConnectUserSpec) -> DesiredUser {
    let references = References {
        routing_profile: RoutingProfileId::new(spec.routing_profile_arn.as_deref().unwrap()),
        security_profiles: spec.security_profile_arns.iter().flatten().map(|arn| SecurityProfileId::new(arn)).collect(),
        hierarchy_group: spec.hierarchy_group_arn.as_deref().map(HierarchyGroupId::new),
    };
    DesiredUser::new(spec, references)
}

impl Stage {
    pub fn new() -> Self {
        let simulator = Simulator::default();
        Self {
            instance: Instance::parse(&format!("arn:aws:connect:{REGION}:{ACCOUNT}:instance/{ID}")).unwrap(),
            owner: Owner { path: "prod/emea/jane-doe".to_owned(), uid: "uid-1".to_owned() },
            kind: Kind::Managed,
            connect: in_process::connect(&simulator),
            simulator,
            runtime: tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap(),
        }
    }

    /// A fresh instance with nobody in it but a bystander.
    pub fn reset(&mut self, kind: Kind, switches: Switches) {
        self.kind = kind;
        self.simulator.reset();
        self.simulator.set_switches(switches);
        let identity_management_type = match kind {
            Kind::Managed => "CONNECT_MANAGED",
            Kind::Saml => "SAML",
            Kind::Directory => "EXISTING_DIRECTORY",
        };
        let values = SKILLS.map(str::to_owned).to_vec();
        let (region, account) = (REGION.to_owned(), ACCOUNT.to_owned());
        let identity_management_type = identity_management_type.to_owned();
        self.mutate(Mutation::AddInstance { instance_id: ID.to_owned(), region, account, identity_management_type });
        self.mutate(Mutation::SetPredefinedAttribute { instance_id: ID.to_owned(), name: "Skill".to_owned(), values });
        let john = Owner { path: "prod/emea/john-roe".to_owned(), uid: "uid-2".to_owned() };
        self.make(BYSTANDER, UserPatch { tags: Some(john.tags()), ..UserPatch::default() });
    }

    pub fn mutate(&self, mutation: Mutation) -> String {
        self.simulator.mutate(mutation).unwrap()
    }

    /// Makes a user in the console.
    pub fn make(&self, username: &str, set: UserPatch) -> UserId {
        let (instance_id, username) = (ID.to_owned(), username.to_owned());
        UserId::new(&self.mutate(Mutation::CreateUser { instance_id, username, set: Box::new(set) }))
    }

    /// Changes the user in the console.
    pub fn patch(&self, set: UserPatch) {
        self.mutate(Mutation::UpdateUser { instance_id: ID.to_owned(), user: NAME.to_owned(), set: Box::new(set) });
    }

    /// A user as it really is.
    pub fn user(&self, name: &str) -> User {
        self.simulator.user_by_name(ID, name).unwrap()
    }

    /// How many users there are beside the bystander.
    pub fn users(&self) -> usize {
        self.simulator.users(ID).iter().filter(|user| user.username != BYSTANDER).count()
    }

    pub fn creation(&self, desired: &DesiredUser) -> Plan {
        let password = (self.kind == Kind::Managed).then(|| Password::new("Initial-1".to_owned()));
        diff::create(desired, &self.owner, password)
    }

    /// Carries out calls on a user, or on the one that the first of them makes.
    pub fn execute(&self, user: Option<&UserId>, calls: &[Call]) -> Result<Option<UserId>, ConnectError> {
        let mut target = user.cloned();
        for call in calls {
            let write = self.connect.write(&self.instance, target.as_ref(), call);
            if let Written::Created { id, .. } = self.runtime.block_on(write)? {
                target = Some(id);
            }
        }
        Ok(target)
    }

    /// The user as the adapter reads it.
    pub fn observe(&self, id: &UserId) -> Result<ObservedUser, ConnectError> {
        self.runtime.block_on(async {
            let mut observed = self.connect.describe_user(&self.instance, id).await?;
            observed.proficiencies = Some(connect::proficiencies(&self.connect, &self.instance, id).await?);
            Ok(observed)
        })
    }

    /// The plan for a user as it is at present.
    pub fn plan(&self, desired: &DesiredUser, id: &UserId, owned: &Owned) -> Result<Plan, ConnectError> {
        Ok(self.update(desired, &self.observe(id)?, owned))
    }

    /// The plan for a user as it was read; the ownership record takes its way through a status.
    pub fn update(&self, desired: &DesiredUser, observed: &ObservedUser, owned: &Owned) -> Plan {
        let owned = Owned::from_record(&owned.to_record(Some(1)));
        let observed = observed.clone();
        let observed = match self.kind {
            Kind::Directory => observed.without_directory_members(&desired.identity),
            Kind::Managed | Kind::Saml => observed,
        };
        diff::update(desired, &observed, &owned, &self.owner)
    }

    /// The user of this name, as the list of all users tells.
    pub fn find(&self, username: &Username) -> Result<Option<UserId>, ConnectError> {
        let all = connect::all_pages(|token| self.connect.list_users(&self.instance, token));
        let all = self.runtime.block_on(all)?;
        Ok(all.into_iter().find(|listed| listed.username.same_user(username)).map(|listed| listed.id))
    }
}
