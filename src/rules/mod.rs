//! What the regulations demand: pure functions from facts to findings.
