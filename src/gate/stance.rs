//! What a route does with verdicts: observe, enforce, or enforce for some departments.

use crate::domain::verdict::Stance;

/// The stance of a route, as set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RouteStance {
    /// For the departments below, or all.
    pub stance: Stance,
    /// Only these are enforced; empty = all. A hospital goes live one department at a time.
    pub departments: Vec<String>,
}

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
        if self.enforces(None) { Stance::Enforce } else { Stance::Observe }
    }
}
