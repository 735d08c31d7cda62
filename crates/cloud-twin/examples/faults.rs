//! Starts a twin, stores an object, has OMS fail twice to order, and prints where everything listens:
//! `cargo run -p cloud-twin --example faults`.

use std::io;

use cloud_twin::{Fault, FaultResponse, Service, Twin};

#[tokio::main(flavor = "current_thread")]
async fn main() -> io::Result<()> {
    let twin = Twin::builder().seed(7).start().await?;
    twin.create_oss_bucket("photos");
    twin.create_obs_bucket("mirror");
    let task = twin.create_sync_task("photos", "mirror");
    println!("OSS listens at {}, OBS at {}", twin.oss_url(), twin.obs_url());
    println!("keys are posted to {}", twin.sync_url(&task));

    twin.oss().put("photos", "a.jpg", "pixels");
    twin.faults().inject(Fault::respond(Service::Oms, FaultResponse::oms_unavailable()).times(2));
    println!("photos has {:?}; OMS refuses the next two requests", twin.oss().keys("photos"));
    twin.shutdown().await;
    Ok(())
}
