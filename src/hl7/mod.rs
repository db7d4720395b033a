//! HL7 v2 as bytes and text: frames, index, character sets, acknowledgements. No sockets.
