//! A wrong secret key: two refusals, and the third request is not sent.

use object_copy::clock;
use oss_lite::{Credentials, SignatureVerdict};
use signature_breaker::{Breakers, NoPermit};

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let breaker = Breakers::new(clock::system).of_store(&Credentials::new("EXAMPLEACCESSKEY", "wrong"));
    for request in 1..=3 {
        match breaker.permit(None).await {
            Ok(permit) => {
                println!("request {request}: sent, and refused");
                permit.answered(SignatureVerdict::Refused);
            }
            Err(NoPermit::Shut(shut)) => println!("request {request}: {shut}"),
            Err(NoPermit::TimeUp) => println!("request {request}: no time left"),
        }
    }
}
