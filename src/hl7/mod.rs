//! HL7 v2 as bytes and text: frames, index, character sets, acknowledgements. No sockets.
//!
//! | file | what belongs there |
//! |---|---|
//! | `frame` | MLLP: where a frame begins and ends in a stream of bytes |
//! | `batch` | which messages one payload holds (FHS, BHS, several MSH) |
//! | `delimiters` | MSH-1 and MSH-2 |
//! | `charset` | names and codecs of character sets; `mask` hides trail bytes; `detect` decides |
//! | `message` | the zero-copy index: segments, fields, parts; total over its input |
//! | `escape`, `time` | text and time inside a field |
//! | `answering`, `ack` | which acknowledgement may be sent, and its bytes |
//!
//! # Two readings
//!
//! A byte of a delimiter may also be the second byte of a Chinese character (昞 玘 弢 珇 in GBK).
//! [`message::Message::read`] splits by characters; [`message::Message::bytewise`] is the same
//! message as a reader that splits bytes sees it. Where the character set is not certain the
//! mapping compares both.

pub mod ack;
pub mod answering;
pub mod batch;
pub mod charset;
pub mod delimiters;
pub mod escape;
pub mod frame;
pub mod message;
pub mod time;
