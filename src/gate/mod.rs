//! The one path of every order: facts, judge, record, passage.
