//! Outages: the gate switched off for a time, everything down, what is given away, kept and brought back.

mod all_down;
mod bypass;
mod keeping;
mod privileges;
