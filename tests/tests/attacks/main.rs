//! What one client does to take the server away from everybody else. Each attack was measured before it was held off;
//! what it did then stands beside it. Longer forms, with a table: `make attack`.

mod bytes;
mod shares;
mod slow;
mod soak;

/// A line of the table that `make attack` prints.
fn row(attack: &str, measured: &str) {
    println!("| {attack} | {measured} |");
}
