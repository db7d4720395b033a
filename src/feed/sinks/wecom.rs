//! 企业微信群机器人: Markdown of at most 4096 bytes, 20 messages a minute (errcode 45009).

use serde_json::json;

use crate::feed::sink::{Delivery, Letter, Sink};
use crate::feed::sinks::digest::{Mark, clipped, digest};
use crate::feed::sinks::http::Poster;
use crate::feed::sinks::robot::{Codes, LETTERS, check};

/// `markdown.content`, in bytes of UTF-8.
const CONTENT_BYTES: usize = 4096;
/// Of that, for the title with its marks.
const TITLE_BYTES: usize = 300;
const CODES: Codes = Codes {
    member: "errcode",
    // 40008 message type, 40058 parameter (also: too long), 44004 empty, 45002 too long.
    of_the_message: &[40008, 40058, 44004, 45002],
};

/// A group's robot; its key is in the address.
pub struct Wecom(Poster);

impl Wecom {
    /// Posts by `poster`.
    pub fn new(poster: Poster) -> Self {
        Self(poster)
    }
}

impl Sink for Wecom {
    fn deliver<'a>(&'a mut self, letters: &'a [Letter]) -> Delivery<'a> {
        Box::pin(async move {
            let digest = digest(letters, CONTENT_BYTES - TITLE_BYTES, Mark::Markdown);
            let title = clipped(&digest.title, TITLE_BYTES - 8);
            let content = format!("**{title}**\n{}", digest.lines.join("\n"));
            let content = clipped(&content, CONTENT_BYTES);
            let body = json!({ "msgtype": "markdown", "markdown": { "content": content } });
            let body = body.to_string().into_bytes();
            let uri = self.0.uri();
            check(&self.0.post(uri, "application/json", Vec::new(), body).await?, &CODES)
        })
    }

    fn letters_max(&self) -> usize {
        LETTERS
    }
}
