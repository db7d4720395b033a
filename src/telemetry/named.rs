//! How a named event is declared: one struct, whose `emit` is one log line and one counter.

/// Declares events that are one log line and one counter, and `begin`, by which all of their counters exist from the start:
/// an alert on something that never happened yet must find a zero, not nothing.
macro_rules! events {
    ($(
        $(#[$doc:meta])*
        $level:ident $metric:literal $text:literal
        $name:ident $(<$life:lifetime>)? { $($(#[$field_doc:meta])* $field:ident: $kind:ty),* $(,)? }
    )+) => {
        /// Every counter of these events, at zero.
        pub(in crate::telemetry) fn begin() {
            $(counter!($metric).increment(0);)+
        }

        $(
            $(#[$doc])*
            pub struct $name $(<$life>)? {
                $($(#[$field_doc])* pub $field: $kind,)*
            }

            impl $(<$life>)? $name $(<$life>)? {
                /// Logs and counts.
                pub fn emit(self) {
                    counter!($metric).increment(1);
                    $level!($($field = %self.$field,)* $text);
                }
            }
        )+
    };
}

pub(in crate::telemetry) use events;
