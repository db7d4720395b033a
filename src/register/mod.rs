//! Who may: surgeons, grants and catalogue, cached, with their age.
