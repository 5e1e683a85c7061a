//! What is said when the operator has left: what the client was promised, and whether it was kept.

use std::time::Duration;

use super::{no_lab, stage::Stage};
use crate::{
    codes,
    failure::{Case, Failure},
    output::{lines, say},
};

/// How long the pair may take to be whole, and then to hand out the ledger.
const LIMIT: Duration = Duration::from_secs(60);

/// Repairs everything, compares the ledger with what was acknowledged, and takes the demo down.
pub(super) fn tell(stage: Stage) -> Result<(), Failure> {
    say("everything is repaired, then the ledger is compared with what was promised (Ctrl-C leaves at once)");
    let (cluster, meter) = stage.close().map_err(|error| no_lab(&error))?;
    cluster.revive(LIMIT).map_err(|error| no_lab(&error))?;
    let (client, reading) = meter.finish();
    let proof = client.finish(&cluster.client, LIMIT).map_err(|error| no_lab(&error))?;
    drop(cluster);
    let longest =
        if reading.longest.is_zero() { "none".into() } else { format!("{} ms", reading.longest.as_millis()) };
    lines(&[
        format!("acknowledged  {}", proof.account.acked.len()),
        format!("lost          {}", proof.lost.len()),
        format!("longest gap   {longest}"),
    ])?;
    if proof.lost.is_empty() {
        return Ok(());
    }
    Err(Case {
        code: codes::DRILL_FAILED,
        summary: "acknowledged entries are lost".into(),
        what: "comparing the ledger with what was acknowledged".into(),
        why: format!("{} entries were acknowledged and are not in it", proof.lost.len()),
        now: "the demo is gone; nothing of it is left".into(),
        fix: vec!["SAFETUI_LAB_KEEP=1 safetui demo    keeps the nodes' logs".into()],
    }
    .into())
}
