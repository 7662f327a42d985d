//! One story in which every event and every command occurs: the golden records hold it, and other tests take events
//! from it.

use super::Cell;
use crate::event::Event;

const STORY: &str = r#"
    backend n1@lvm#vg total=30 free=30
    backend n2@lvm#vg total=20 free=20
    backend n3@lvm#vg total=10 free=10
    type create gold; type update gold to=silver
    type create tin; type delete tin
    quota demo volumes=9 gigabytes_silver=100
    create a 5 type=silver name=web cmd=7
    create a 5 type=silver name=web cmd=7
    create a 6 cmd=7
    report a started; report a progressed; report a ok
    update a metadata=v; extend a 7; report a ok; extend a 8; report a fail:no_space
    create b 5; report b fail:busy; report b ok; report b fail:other; report b fail:timeout
    report b ok; create c 500; delete c
    service disable n3@lvm repair; service enable n3@lvm; service freeze n3@lvm failover; service thaw n3@lvm
    delete b; report b fail:busy
    delete b; report b fail:other; wait 2; late; report b fail:other; wait 4; late; report b fail:other; delete b; delete b force; report b ok
    create d 1; wait 120; late
    crash
    backend n1@lvm#vg total=30 free=25 worker=w2
    noise hello
    inbox create e 1 project=other
    inbox delete z
    crash
"#;

/// What operators offer, and what users are told.
const CATALOGUE: &str = r#"
    do type.create {"id":"<own>","name":"own","is_public":false}
    do type.grant {"type":"own","project":"demo"}; do type.grant {"type":"own","project":"other"}
    do type.revoke {"type":"own","project":"other"}
    do type.set_encryption {"type":"own","create":true,"provider":"luks","control_location":"front-end","key_size":256}
    do type.set_encryption {"type":"own","create":false,"cipher":"aes-xts-plain64"}
    do type.create {"id":"<plain>","name":"plain"}
    do type.set_encryption {"type":"plain","create":true,"provider":"luks","control_location":"back-end"}
    do type.unset_encryption {"type":"plain"}
    do type.set_default {"project":"other","type":"silver"}
    do type.set_default {"project":"lab","type":"silver"}; do type.set_default {"project":"lab","type":null}
    do qos.create {"id":"<qos1>","name":"slow","specs":{"total_iops_sec":"500"}}
    do qos.update {"id":"<qos1>","consumer":"both","specs_change":{"set":{"a":"b"},"unset":["total_iops_sec"]}}
    do qos.associate {"id":"<qos1>","type":"silver"}; do qos.associate {"id":"<qos1>","type":"own"}
    do qos.disassociate {"id":"<qos1>","type":"own"}
    do qos.create {"id":"<qos2>","name":"brief","consumer":"front-end"}; do qos.delete {"id":"<qos2>"}
    do group_type.create {"id":"<set>","name":"set","group_specs":{"purpose":"databases"}}
    do group_type.update {"id":"<set>","description":"sets","group_specs_change":{"unset":["purpose"]}}
    do group_type.create {"id":"<brief>","name":"brief"}; do group_type.delete {"id":"<brief>"}
    do quota_class.set {"class":"default","volumes":20,"gigabytes_silver":500}
    quota lab volumes=1; do quota.clear {"project":"lab"}
    do log.set_level {"binary":"stele-api","prefix":"stele_core","level":"DEBUG"}
    do log.set_level {"binary":"stele-worker","level":"WARNING"}
    do volume.create request=req-9 {"id":"<huge>","size_gib":9000}
    do message.delete {"id":"MESSAGE"}
"#;

/// What servers use, what goes to another project, and what belongs together.
const ATTACHING: &str = r#"
    backend n1@lvm#vg total=30 free=25 worker=w2
    create at 2; report at ok
    do attachment.create {"id":"<t1>","volume":"<at>","instance":"vm"}
    do attachment.update {"id":"<t1>","connector":{"host":"h1","initiator":"iqn.h1"}}; report t1 ok
    do attachment.complete {"id":"<t1>"}; do attachment.delete {"id":"<t1>"}; report t1 ok
    do attachment.create {"id":"<t2>","volume":"<at>","connector":{"host":"h1"}}; report t2 fail:unsupported
    do attachment.delete {"id":"<t2>"}; report t2 ok
    do attachment.create {"id":"<t3>","volume":"<at>","mode":"ro","connector":{"host":"h1"}}; report t3 ok
    do attachment.delete {"id":"<t3>"}
    report t3 fail:other; wait 2; late; report t3 fail:other; wait 4; late; report t3 fail:other
    do volume.force_detach {"id":"<at>","attachment":"<t3>"}; report t3 ok
    do volume.reserve {"id":"<at>"}; do volume.unreserve {"id":"<at>"}; do volume.reserve {"id":"<at>"}
    do volume.initialize_connection {"id":"<at>","connector":{"host":"h1"}}; report at ok
    do volume.attach {"id":"<at>","instance":"vm","mountpoint":"/dev/vdb"}
    do volume.begin_detaching {"id":"<at>"}; do volume.roll_detaching {"id":"<at>"}
    do volume.begin_detaching {"id":"<at>"}
    do volume.terminate_connection {"id":"<at>","connector":{"host":"h1"}}; report at ok
    do volume.detach {"id":"<at>"}
    do transfer.create {"id":"<x1>","volume":"<at>","salt":"00112233445566ff","key_hash":"1111111111111111111111111111111111111111111111111111111111111111"}
    do transfer.delete {"id":"<x1>"}
    do transfer.create {"id":"<x2>","volume":"<at>","salt":"00112233445566ff","key_hash":"1111111111111111111111111111111111111111111111111111111111111111"}
    do@other transfer.accept user=bob {"id":"<x2>","key_hash":"1111111111111111111111111111111111111111111111111111111111111111"}
    do group.create {"id":"<g1>","name":"g1","group_type":"set","volume_types":["__DEFAULT__"]}
    create gv 1; report gv ok
    do group.update {"id":"<g1>","name":"one","add_volumes":["<gv>"]}
    do group.update {"id":"<g1>","remove_volumes":["<gv>"]}
    do group.update {"id":"<g1>","add_volumes":["<gv>"]}
    do group_snapshot.create {"id":"<gs>","group":"<g1>"}; report gv ok
    do group_snapshot.reset_status {"id":"<gs>","status":"error"}
    do group_snapshot.delete {"id":"<gs>"}; report gv ok
    do group.create {"id":"<g2>","source_group":"<g1>"}
    do group.reset_status {"id":"<g1>","status":"error"}
    do group.delete {"id":"<g1>","delete_volumes":true}; report gv ok
    do group.create {"id":"<g3>","group_type":"set"}; do group.delete {"id":"<g3>"}
"#;

/// What is found on the storage, and what becomes of it.
const DRIFTING: &str = r#"
    backend n1@lvm#vg total=30 free=25 worker=w2
    create dr 2; report dr ok
    do attachment.create {"id":"<t9>","volume":"<dr>","connector":{"host":"h1","initiator":"iqn.h1"}}; report t9 ok
    inventory n1@lvm#vg volume:dr:2 volume:ghost:1 host:dr:t9:iqn.h1
    do drift.scan {"backend":"n1@lvm"}
    inventory n1@lvm#vg volume:dr:2 volume:ghost:1; report t9 ok
    do drift.repair {"object":"target-nothing"}
    do drift.repair {"object":"volume-00000000-0000-0000-0000-0067686f7374","remove":true}; report ghost ok
    do attachment.delete {"id":"<t9>"}; report t9 ok
    inventory n1@lvm#vg volume:dr:2 target:dr
    do drift.repair {}; report dr fail:other; wait 2; late; report dr ok
    delete dr; report dr ok
"#;

/// Snapshots, copies, and what operators state.
const SNAPSHOTS: &str = r#"
    backend n1@lvm#vg total=40 free=40 worker=w2; backend n2@lvm#vg total=40 free=30
    do volume.create {"id":"<sv>","size_gib":2,"metadata":{"k":"v"},"hints":{"query":"[\"=\",\"$pool_name\",\"vg\"]"}}
    report sv ok
    do volume.update {"id":"<sv>","metadata_change":{"set":{"l":"w"},"unset":["k"]},"bootable":true,"readonly":true}
    do volume.update {"id":"<sv>","image_metadata_change":{"set":{"os":"plan9"}}}
    do snapshot.create {"id":"<s1>","volume":"<sv>","name":"daily","metadata":{"k":"v"}}; report s1 started; report s1 ok
    do snapshot.update {"id":"<s1>","description":"the first","metadata_change":{"set":{"l":"w"}}}
    do snapshot.create {"id":"<s2>","volume":"<sv>"}; report s2 fail:no_space; report s2 fail:other; report s2 ok
    do snapshot.delete {"id":"<s2>"}; report s2 fail:other; wait 2; late; report s2 fail:other; wait 4; late
    report s2 fail:other; do@admin snapshot.delete {"id":"<s2>","force":true}; report s2 ok
    do snapshot.create {"id":"<s3>","volume":"<sv>"}
    do snapshot.set_status {"id":"<s3>","status":"available","progress":80}
    do snapshot.reset_status {"id":"<s3>","status":"error"}; do snapshot.delete {"id":"<s3>"}; report s3 fail:busy
    do volume.create {"id":"<c1>","snapshot":"<s1>","size_gib":3}; report c1 ok
    do volume.create {"id":"<c2>","source_volume":"<sv>","hints":{"same_host":["<sv>"],"different_host":["<at>"]}}
    report c2 fail:other; report c2 ok
    do volume.retype {"id":"<c1>","type":"silver"}
    do volume.reset_status {"id":"<c1>","status":"maintenance","migration_status":"error"}
    extend sv 5; do volume.reset_status {"id":"<sv>","status":"available","attach_status":"detached"}
    do@admin volume.delete {"id":"<c1>","force":true}; report c1 ok
    do snapshot.delete {"id":"<s3>"}; report s3 ok
    do volume.revert {"id":"<sv>","snapshot":"<s1>"}; report sv started; report sv ok
    do volume.revert {"id":"<sv>","snapshot":"<s1>"}; report sv fail:no_space; report sv ok
    do snapshot.create {"id":"<s3>","volume":"<sv>"}; do volume.reset_status {"id":"<sv>","status":"available"}
    do snapshot.create {"id":"<s3>","volume":"<sv>"}; report s3 ok
    do volume.delete {"id":"<sv>","cascade":true}; report s1 ok; report s3 ok; report sv ok
    do volume.manage {"id":"<m1>","project":"demo","pool":"n1@lvm#vg","source_name":"old-1","name":"old"}
    report m1 started; report m1 ok
    do snapshot.manage {"id":"<m2>","volume":"<m1>","source_name":"old-2"}; report m2 ok
    do snapshot.unmanage {"id":"<m2>"}; report m2 ok
    do volume.unmanage {"id":"<m1>"}; report m1 fail:conflict
    do volume.reset_status {"id":"<m1>","status":"available"}; do volume.unmanage {"id":"<m1>"}; report m1 ok
    do volume.manage {"id":"<m3>","project":"demo","pool":"n1@lvm#vg","source_name":"old-3"}
    report m3 fail:conflict; report m3 ok; do volume.delete {"id":"<m3>"}
"#;

/// A cell in which the story happened, with one record of several commits at its end.
pub(crate) fn told() -> Cell {
    let mut cell = Cell::new();
    cell.run(STORY);
    let (before, behind) = CATALOGUE.split_once("do message.delete").unwrap_or_default();
    cell.run(before);
    let message = cell.state().messages.values().next().map_or_else(String::new, |message| message.id.to_string());
    cell.run(&format!("do message.delete{}", behind.replace("MESSAGE", &message)));
    cell.run(ATTACHING);
    cell.run(SNAPSHOTS);
    cell.run(DRIFTING);
    for line in ["create f 1", "update f name=f", "delete z", "inbox update a name=last"] {
        cell.say(line);
    }
    assert_eq!(cell.flush().len(), 1);
    cell
}

/// All events of the story, in order.
pub(crate) fn events() -> Vec<Event> {
    let cell = told();
    let records = cell.log.iter().map(|entry| serde_json::from_slice::<crate::record::Record>(&entry.payload).unwrap());
    records.flat_map(|record| record.commits).flat_map(|commit| commit.events).collect()
}
