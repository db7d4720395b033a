//! The shipped files run their own examples; faults are told all at once; the reader against its rules.

mod doubts;
mod faults;
mod paths;
mod properties;
mod reading;
mod route;
mod shipped;
