//! Outages: the gate switched off for a time, everything down, what is given away, kept and brought back.

mod bypass;
