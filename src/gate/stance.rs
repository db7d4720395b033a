//! What a route does with verdicts: observe, enforce, or enforce for some departments; and what is in force now.

use std::sync::Arc;

use arc_swap::ArcSwap;

use crate::domain::verdict::Stance;

/// The stance of a route, as set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RouteStance {
    /// For the departments below, or all.
    pub stance: Stance,
    /// Only these are enforced; empty = all. A hospital goes live one department at a time.
    pub departments: Vec<String>,
}

/// Everything is enforced, and a stance cannot say "all but one".
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AllEnforced;

impl RouteStance {
    /// Whether the route acts on a group of `department`. A group without a department is not one
    /// of the listed ones.
    pub fn enforces(&self, department: Option<&str>) -> bool {
        self.stance == Stance::Enforce
            && (self.departments.is_empty()
                || department.is_some_and(|name| {
                    self.departments.iter().any(|listed| listed.trim() == name.trim())
                }))
    }

    /// The stance for a message whose department cannot be read: with a list of departments nobody
    /// can say that it is one of them, yet a frame that nobody can read must not slip through where
    /// everything is enforced.
    pub fn without_department(&self) -> Stance {
        match self.stance {
            Stance::Bypass => Stance::Bypass,
            _ if self.enforces(None) => Stance::Enforce,
            _ => Stance::Observe,
        }
    }

    /// Everything passes, whatever the department.
    pub fn bypass() -> Self {
        Self { stance: Stance::Bypass, departments: Vec::new() }
    }

    /// The same with one department enforced or observed.
    ///
    /// # Errors
    /// All are enforced, and one is to be observed.
    pub fn with(&self, department: &str, stance: Stance) -> Result<Self, AllEnforced> {
        let name = department.trim();
        let all = self.stance == Stance::Enforce && self.departments.is_empty();
        // A list beside `observe` is what was meant to be enforced some day, and is not in force.
        let listed = self.departments.iter().filter(|_| self.stance == Stance::Enforce);
        let mut departments: Vec<String> =
            listed.filter(|listed| listed.trim() != name).cloned().collect();
        match (stance, all) {
            (Stance::Enforce, true) => return Ok(self.clone()),
            (Stance::Observe | Stance::Bypass, true) => return Err(AllEnforced),
            (Stance::Enforce, false) => departments.push(name.to_owned()),
            (Stance::Observe | Stance::Bypass, false) => {}
        }
        departments.sort();
        let stance = if departments.is_empty() { Stance::Observe } else { Stance::Enforce };
        Ok(Self { stance, departments })
    }
}

/// The stance of a route: as its file says, and as it is in force. Clones share it; a change counts for the next
/// message, and reading it costs what cloning an `Arc` costs.
#[derive(Clone, Debug)]
pub struct StanceSwitch(Arc<Switch>);

#[derive(Debug)]
struct Switch {
    file: RouteStance,
    now: ArcSwap<RouteStance>,
}

impl StanceSwitch {
    /// As the configuration file says.
    pub fn new(file: RouteStance) -> Self {
        let now = ArcSwap::from_pointee(file.clone());
        Self(Arc::new(Switch { file, now }))
    }

    /// What is in force.
    pub fn now(&self) -> Arc<RouteStance> {
        self.0.now.load_full()
    }

    /// What the configuration file says.
    pub fn file(&self) -> &RouteStance {
        &self.0.file
    }

    /// From here on.
    pub fn set(&self, stance: RouteStance) {
        self.0.now.store(Arc::new(stance));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stance(stance: Stance, departments: &[&str]) -> RouteStance {
        let departments = departments.iter().map(|name| (*name).to_owned()).collect();
        RouteStance { stance, departments }
    }

    #[test]
    fn one_department_after_the_other_is_enforced_and_the_last_one_taken_back_leaves_observing() {
        let none = stance(Stance::Observe, &["0309"]);
        let one = none.with(" 0301 ", Stance::Enforce).unwrap();
        assert_eq!(one, stance(Stance::Enforce, &["0301"]));
        let two = one.with("0302", Stance::Enforce).unwrap();
        assert_eq!(two, stance(Stance::Enforce, &["0301", "0302"]));
        assert_eq!(two.with("0302", Stance::Enforce), Ok(two.clone()));
        let back = two.with("0301", Stance::Observe).unwrap();
        assert_eq!(back, stance(Stance::Enforce, &["0302"]));
        assert_eq!(back.with("0302", Stance::Observe), Ok(stance(Stance::Observe, &[])));
    }

    #[test]
    fn of_all_departments_none_can_be_taken_out_and_an_empty_list_never_comes_to_mean_all() {
        let all = stance(Stance::Enforce, &[]);
        assert_eq!(all.with("0301", Stance::Observe), Err(AllEnforced));
        assert_eq!(all.with("0301", Stance::Enforce), Ok(all.clone()));
    }

    #[test]
    fn what_is_set_is_in_force_for_every_clone_and_the_file_stays_known() {
        let switch = StanceSwitch::new(stance(Stance::Observe, &[]));
        let other = switch.clone();
        switch.set(stance(Stance::Enforce, &["0301"]));
        assert_eq!(*other.now(), stance(Stance::Enforce, &["0301"]));
        assert_eq!(*other.file(), stance(Stance::Observe, &[]));
    }
}
