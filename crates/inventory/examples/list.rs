//! Prints the rows of an inventory on this machine, and what it held:
//! `cargo run -p inventory --example list FOLDER`.

use std::error::Error;
use std::io::Write as _;

use inventory::{Files, Inventory, Options, Place};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let place = std::env::args().nth(1).ok_or("usage: list FOLDER")?;
    let inventory = Inventory::open(Files::Local, &Place::Local(place.into())).await?;
    eprintln!("{} of {:?}", inventory.address(), inventory.taken_at());
    let mut rows = inventory.rows(Options::default()).await?;
    let mut out = std::io::BufWriter::new(std::io::stdout().lock());
    while let Some(row) = rows.next().await? {
        writeln!(out, "{}\t{}", row.size, row.key)?;
    }
    eprintln!("{:?}, {} duplicates", rows.summary(), rows.duplicates());
    Ok(())
}
