//! The replay as a whole on small hospitals, and its parts against plain models.

mod page;
mod reading;
mod tallying;
mod whole;
