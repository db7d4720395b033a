//! Named events: one struct each, whose `emit` holds its log line and its counter. No other file logs or counts.
//!
//! Levels by what the operator must do: error = act now, warn = look today, info = know, debug = trace.
//! Fields never hold patient data.
