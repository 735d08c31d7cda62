//! Reads an event from standard input, in any form, and prints the changes in it, one a line:
//!
//! ```sh
//! cargo run -p object-events --example changes < fixtures/events/native-documented.json
//! ```

use std::error::Error;
use std::io::{self, Read as _};

use object_events::change::ObjectChange;
use object_events::{Event, KeyEncoding, parse};

fn main() -> Result<(), Box<dyn Error>> {
    let mut body = Vec::new();
    io::stdin().lock().read_to_end(&mut body)?;
    match parse(&body, KeyEncoding::Raw)? {
        Event::Changes(changes) => changes.iter().for_each(print),
        Event::Messages(messages) => {
            for message in messages {
                match message.event {
                    Ok(changes) => changes.iter().for_each(print),
                    // The others of the batch are still good.
                    Err(error) => eprintln!("message {}: {error}", message.id),
                }
            }
        }
        Event::Timer(task) => println!("timer: {task:?}"),
    }
    Ok(())
}

fn print(change: &ObjectChange) {
    println!(
        "{} {} {:?} {:?}",
        change.event.as_str(),
        change.bucket.as_deref().unwrap_or("-"),
        change.key,
        change.effect()
    );
}
