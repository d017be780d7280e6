//! Where something is in an object: `spec.autoAcceptConfigs[0].channel`.

use std::fmt;

/// One step down.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Step {
    /// Into a member of an object.
    Member(String),
    /// Into an item of a list.
    Item(usize),
}

/// The steps from an object down to one of its values.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Path(Vec<Step>);

impl Path {
    /// The member of what this path leads to.
    #[must_use]
    pub fn member(&self, name: &str) -> Self {
        self.with(Step::Member(name.to_owned()))
    }

    /// The item of what this path leads to.
    #[must_use]
    pub fn item(&self, at: usize) -> Self {
        self.with(Step::Item(at))
    }

    fn with(&self, step: Step) -> Self {
        let mut path = self.clone();
        path.0.push(step);
        path
    }

    /// What a rule points at from here, such as `.routingProfileName`.
    #[must_use]
    pub fn below(&self, field_path: &str) -> Self {
        field_path.split('.').filter(|name| !name.is_empty()).fold(self.clone(), |path, name| path.member(name))
    }

    /// From the outside in.
    pub fn steps(&self) -> &[Step] {
        &self.0
    }
}

impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, step) in self.0.iter().enumerate() {
            match step {
                Step::Member(name) if at == 0 => f.write_str(name)?,
                Step::Member(name) => write!(f, ".{name}")?,
                Step::Item(item) => write!(f, "[{item}]")?,
            }
        }
        Ok(())
    }
}
