//! Settings → running program → drain.
