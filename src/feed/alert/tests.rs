//! Entries as the gate writes them, and the alerts they are.
