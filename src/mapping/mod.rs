//! Message → order, as a mapping file says. Pure.
