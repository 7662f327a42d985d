//! The part of the contract that is about hosts, for drivers that export volumes by a target.

use stele_core::id::{AttachmentId, VolumeId};
use stele_core::task::{AttachMode, Connector, FailureKind, Operation, Task};
use stele_core::unit::Position;
use uuid::Uuid;

use super::{ASKED_AT, Subject, id};
use crate::driver::Driver;
use crate::plan::{Export, Exported};

/// Whether the driver exports volumes at all.
pub(super) async fn exports<D: Driver>(subject: &Subject<D>) -> bool {
    subject.export(&subject.host(id(40), 1).connect()).await != Export::Direct
}

/// Hosts come and go one by one, and the last one takes the target with it.
pub(super) async fn hosts_come_and_go<D: Driver>(subject: &Subject<D>) {
    let volume = id(40);
    subject.done(&subject.create(volume, 1)).await;
    let (first, second) = (subject.host(volume, 1), subject.host(volume, 2));
    assert_eq!(subject.export(&first.connect()).await, Export::Absent, "hosts_come_and_go");
    for host in [&first, &second] {
        assert_eq!(subject.done(&host.connect()).await, ["export"], "hosts_come_and_go");
        assert_eq!(subject.done(&host.connect()).await, [""; 0], "hosts_come_and_go: twice");
    }
    let exported = subject.exported(&first.connect()).await;
    assert!(exported.ready && exported.host && exported.others && !exported.outgrown, "{exported:?}");
    for (host, left) in [(&first, true), (&second, false)] {
        assert_eq!(subject.done(&host.disconnect()).await, ["unexport"], "hosts_come_and_go");
        assert_eq!(subject.done(&host.disconnect()).await, [""; 0], "hosts_come_and_go: twice");
        let is_left = matches!(subject.export(&second.connect()).await, Export::Present(found) if found.ready);
        assert_eq!(is_left, left, "hosts_come_and_go");
    }
    assert_eq!(subject.export(&first.connect()).await, Export::Absent, "hosts_come_and_go");
    subject.done(&subject.delete(volume)).await;
}

/// Two attachments of one host are one login: whoever goes first leaves it to the other.
pub(super) async fn a_host_shares_its_login<D: Driver>(subject: &Subject<D>) {
    let volume = id(41);
    subject.done(&subject.create(volume, 1)).await;
    let first = subject.host(volume, 1);
    let second = Host { attachment: AttachmentId(Uuid::from_u128(9)), chap_of: Some(first.attachment), ..first };
    subject.done(&first.connect()).await;
    // It is there already.
    assert_eq!(subject.done(&second.connect()).await, [""; 0], "a_host_shares_its_login");
    assert_eq!(subject.done(&Host { shared: true, ..first }.disconnect()).await, [""; 0]);
    assert!(subject.exported(&second.connect()).await.ready, "a_host_shares_its_login");
    assert_eq!(subject.done(&second.disconnect()).await, ["unexport"], "a_host_shares_its_login");
    assert_eq!(subject.export(&first.connect()).await, Export::Absent, "a_host_shares_its_login");
    subject.done(&subject.delete(volume)).await;
}

/// A task that comes late does not touch a host that was asked for after it; where the target cannot tell, a host that
/// has other secrets meanwhile is not touched.
pub(super) async fn a_late_task_leaves_hosts_alone<D: Driver>(subject: &Subject<D>) {
    let volume = id(42);
    subject.done(&subject.create(volume, 1)).await;
    let old = subject.host(volume, 1);
    let new = Host { attachment: AttachmentId(Uuid::from_u128(9)), asked_at: Position(ASKED_AT.0 + 7), ..old };
    subject.done(&old.connect()).await;
    subject.done(&old.disconnect()).await;
    subject.done(&new.connect()).await;
    for late in [old.disconnect(), Task { asked_at: ASKED_AT, ..new.connect() }] {
        subject.done(&late).await;
        assert!(subject.exported(&new.connect()).await.ready, "a_late_task_leaves_hosts_alone: {late:?}");
    }
    subject.done(&new.disconnect()).await;
    subject.done(&subject.delete(volume)).await;
}

/// A volume takes a target that was left with it, and one that grows tells its hosts.
pub(super) async fn a_target_follows_its_volume<D: Driver>(subject: &Subject<D>) {
    let volume = id(43);
    subject.done(&subject.create(volume, 1)).await;
    let host = subject.host(volume, 1);
    subject.done(&host.connect()).await;
    subject.done(&subject.extend(volume, 2)).await;
    assert_eq!(subject.done(&subject.extend(volume, 2)).await, [""; 0], "a_target_follows_its_volume");
    let exported = subject.exported(&host.connect()).await;
    assert!(exported.ready && !exported.outgrown, "a_target_follows_its_volume: {exported:?}");
    // What it may do is changed by connecting it again.
    let writes = Host { mode: AttachMode::Rw, ..host };
    assert_eq!(subject.done(&writes.connect()).await, ["export"], "a_target_follows_its_volume");
    assert!(subject.exported(&writes.connect()).await.ready, "a_target_follows_its_volume");
    let steps = subject.done(&subject.delete(volume)).await;
    assert!(steps.contains(&"withdraw"), "a_target_follows_its_volume: {steps:?}");
    assert_eq!(subject.export(&host.connect()).await, Export::Absent, "a_target_follows_its_volume");
}

/// A host without a name that a target could check is refused, and nothing is made for it.
pub(super) async fn a_host_has_a_name<D: Driver>(subject: &Subject<D>) {
    let volume = id(44);
    subject.done(&subject.create(volume, 1)).await;
    let host = subject.host(volume, 1);
    if subject.driver.name() != "memory" {
        for name in ["", "../../../core", "iqn.a/b"] {
            let mut task = host.connect();
            if let Operation::ConnectVolume { connector, .. } = &mut task.operation {
                connector.initiator = Some(name.to_owned());
            }
            let failure = subject.run(&task).await.expect_err("a_host_has_a_name");
            assert_eq!(failure.kind, FailureKind::Unsupported, "a_host_has_a_name: {failure}");
        }
        assert_eq!(subject.export(&host.connect()).await, Export::Absent, "a_host_has_a_name");
    }
    subject.done(&subject.delete(volume)).await;
}

/// A host of a volume, and what is asked for it.
pub(super) struct Host<'a, D> {
    subject: &'a Subject<D>,
    volume: VolumeId,
    attachment: AttachmentId,
    number: u8,
    mode: AttachMode,
    chap_of: Option<AttachmentId>,
    shared: bool,
    asked_at: Position,
}

impl<D> Clone for Host<'_, D> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<D> Copy for Host<'_, D> {}

impl<D: Driver> Host<'_, D> {
    fn connector(&self) -> Connector {
        let initiator = Some(format!("iqn.1993-08.org.debian:01:host{}", self.number));
        Connector { host: Some(format!("host{}", self.number)), initiator, ..Connector::default() }
    }

    pub(super) fn connect(&self) -> Task {
        let (attachment, volume, mode, chap_of) = (self.attachment, self.volume, self.mode, self.chap_of);
        let connector = self.connector();
        let operation = Operation::ConnectVolume { attachment, volume, connector, mode, chap_of };
        Task { asked_at: self.asked_at, ..self.subject.task(operation) }
    }

    pub(super) fn disconnect(&self) -> Task {
        let (attachment, volume, chap_of, shared) = (self.attachment, self.volume, self.chap_of, self.shared);
        let connector = self.connector();
        let operation = Operation::DisconnectVolume { attachment, volume, connector, chap_of, shared };
        Task { asked_at: self.asked_at, ..self.subject.task(operation) }
    }
}

impl<D: Driver> Subject<D> {
    pub(super) fn host(&self, volume: VolumeId, number: u8) -> Host<'_, D> {
        Host {
            subject: self,
            volume,
            attachment: AttachmentId(Uuid::from_u128(0xa77a_c4ed + u128::from(number))),
            number,
            mode: AttachMode::Ro,
            chap_of: None,
            shared: false,
            asked_at: ASKED_AT,
        }
    }

    async fn export(&self, task: &Task) -> Export {
        self.driver.observe(task).await.expect("observe").export
    }

    async fn exported(&self, task: &Task) -> Exported {
        match self.export(task).await {
            Export::Present(exported) => exported,
            other => panic!("{task:?}: {other:?}"),
        }
    }
}
