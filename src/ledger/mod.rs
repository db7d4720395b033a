//! What happened: the append-only, hash-chained ledger.
