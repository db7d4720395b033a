//! As written → checked settings.
