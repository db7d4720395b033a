//! Named events of the feeds. As in `events`: never patient data, never secrets.

use metrics::counter;
use tracing::{debug, error, warn};

use crate::telemetry::events::events;

events! {
    /// A feed delivered alerts.
    debug "orgate_feed_deliveries_total" "alerts delivered"
    FeedDelivered<'e> {
        /// Feed.
        feed: &'e str,
        /// How many together.
        alerts: usize,
    }
    /// A receiver did not take alerts; it is tried again.
    warn "orgate_feed_failures_total" "alerts not delivered, they will be tried again"
    FeedFailed<'e> {
        /// Feed.
        feed: &'e str,
        /// What the receiver said, in our words.
        why: &'e dyn std::fmt::Display,
    }
    /// Some recipients of a mail were refused by the server; the others have it.
    warn "orgate_feed_mail_refusals_total" "the mail server refuses some recipients, look at their addresses"
    FeedRecipientsRefused<'e> {
        /// Feed.
        feed: &'e str,
        /// How many recipients.
        refusals: usize,
    }
    /// A receiver refuses an alert for good.
    error "orgate_feed_dead_letters_total" "alert laid aside, look at `orgate feed dead`"
    FeedLaidAside<'e> {
        /// Feed.
        feed: &'e str,
        /// The alert.
        alert: &'e str,
        /// What the receiver said, in our words.
        why: &'e str,
    }
    /// A receiver wants nothing any more.
    error "orgate_feed_disabled_total" "feed disabled by its receiver (410), mend it and run `orgate feed enable`"
    FeedDisabled<'e> {
        /// Feed.
        feed: &'e str,
    }
    /// A feed's cursor cannot be written: after a crash, alerts would be repeated.
    error "orgate_feed_cursors_unwritten_total" "the feed's cursor cannot be written, look at the disk of data_dir"
    FeedCursorUnwritten<'e> {
        /// Feed.
        feed: &'e str,
        /// Why.
        error: &'e dyn std::fmt::Display,
    }
    /// An alert can be neither delivered nor laid aside; the feed waits.
    error "orgate_feed_dead_unwritten_total" "the feed's files cannot be written, look at the disk of data_dir"
    FeedDeadUnwritten<'e> {
        /// Feed.
        feed: &'e str,
        /// What the system says.
        error: std::io::ErrorKind,
    }
    /// A feed cannot read the ledger on.
    error "orgate_feed_unread_total" "the feed cannot read the ledger"
    FeedUnread<'e> {
        /// Feed.
        feed: &'e str,
        /// Why.
        error: &'e dyn std::fmt::Display,
    }
    /// A notice is kept in memory only.
    error "orgate_notices_unwritten_total" "a notice cannot be written, look at the disk of data_dir"
    NoticeUnwritten {
        /// What the system says.
        error: std::io::ErrorKind,
    }
    /// Notices that a feed never took were given up.
    error "orgate_notices_given_up_total" "too many notices wait for a feed, the oldest is given up"
    NoticesGivenUp {}
}
