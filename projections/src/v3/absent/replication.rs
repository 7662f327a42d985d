//! Replication of groups: no backend replicates, and so no group type does.

use stele_core::state::Group;

use crate::v3::answer::Answered;
use crate::v3::context::Context;
use crate::v3::fault::Fault;
use crate::v3::policy::Rule;
use crate::v3::routes::Routes;
use crate::v3::schema::{BOOLEAN, Kind, Rule as Is, Schema, TEXT_OR_NULL, object, under};

/// The version in which these actions came.
const SINCE: u16 = 38;

const OBJECT: Schema = Schema(&[Is::Kind(&[Kind::Object])]);
const ENABLE: Schema = under!("enable_replication", OBJECT);
const DISABLE: Schema = under!("disable_replication", OBJECT);
const FAILOVER: Schema = under!(
    "failover_replication",
    object!({ "allow_attached_volume" => BOOLEAN, "secondary_backend_id" => TEXT_OR_NULL })
);
const LIST_TARGETS: Schema = under!("list_replication_targets", OBJECT);

pub(super) fn routes(routes: Routes) -> Routes {
    routes
        .action("/groups/{group}/action", "enable_replication", SINCE, |context| {
            refuse(context, &ENABLE, Rule::GroupEnableReplication)
        })
        .action("/groups/{group}/action", "disable_replication", SINCE, |context| {
            refuse(context, &DISABLE, Rule::GroupDisableReplication)
        })
        .action("/groups/{group}/action", "failover_replication", SINCE, |context| {
            refuse(context, &FAILOVER, Rule::GroupFailoverReplication)
        })
        .action("/groups/{group}/action", "list_replication_targets", SINCE, |context| {
            refuse(context, &LIST_TARGETS, Rule::GroupListReplicationTargets)
        })
}

async fn refuse(context: Context, schema: &'static Schema, rule: Rule) -> Answered {
    context.body(schema)?;
    let group: Group = context.find("group").await?;
    context.allow(rule)?;
    Err(Fault::bad_request(format!("Invalid group type: Group {} is not a replication group type.", group.id)))
}
