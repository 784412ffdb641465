//! Who calls, what they may, how much of it, and what is written down of it.
