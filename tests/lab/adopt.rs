//! The way in from Cinder on real LVM: what its driver left in a volume group is adopted where it lies.

use std::io::{Read as _, Write as _};
use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use stele_workers::target::TargetKind;

use crate::cell::{Node, wait_for_no_export};
use crate::lvm::{Lv, remove_all, volume_groups, volumes};
use crate::node::{PORTAL, run};

const PROJECT: &str = "a1fa0000000000000000000000000001";
/// A volume without attachments, and one with a snapshot.
const FREE: &str = "000000c1-0000-0000-0000-000000000003";
const WITH_SNAPSHOT: &str = "000000c1-0000-0000-0000-000000000001";
const LATER: &str = "what was written behind the snapshot";

/// Puts there what Cinder would have, each with its id at its beginning.
async fn lay(group: &str, steps: &[Value]) {
    for step in steps {
        let (about, content) = (&step["about"], &step["content"]);
        let Some(name) = content["source_name"].as_str() else { continue };
        let device = PathBuf::from(format!("/dev/{group}/{name}"));
        match about["kind"].as_str().unwrap() {
            "volume" => {
                let (size, pool) = (format!("{}g", about["size_gib"]), format!("{group}/{group}-pool"));
                run("lvcreate", &["-q", "-Wn", "-V", &size, "-T", &pool, "-n", name]).await.unwrap();
                write(&device, about["id"].as_str().unwrap());
            }
            "snapshot" => {
                let volume = format!("volume-{}", content["volume"].as_str().unwrap());
                run("lvcreate", &["-q", "-s", "-n", name, &format!("{group}/{volume}")]).await.unwrap();
                write(&PathBuf::from(format!("/dev/{group}/{volume}")), LATER);
            }
            other => panic!("{other}"),
        }
    }
}

fn write(device: &Path, text: &str) {
    let mut device = std::fs::File::options().write(true).open(device).unwrap();
    device.write_all(text.as_bytes()).unwrap();
    device.sync_all().unwrap();
}

fn beginning(device: &Path, length: usize) -> String {
    let mut bytes = vec![0; length];
    std::fs::File::open(device).unwrap().read_exact(&mut bytes).unwrap();
    String::from_utf8(bytes).unwrap()
}

/// Attaches a volume of the project, reads what it begins with, and detaches it.
async fn read(node: &Node, volume: &str, length: usize) -> String {
    let attached = node.dev.json(&["attach", volume, "--project", PROJECT]).await;
    let found = beginning(Path::new(attached["device"].as_str().unwrap()), length);
    node.dev.json(&["detach", volume, "--project", PROJECT]).await;
    found
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cinder_made_is_adopted_where_it_lies() {
    let group = volume_groups().0;
    // Cinder's types ask for a backend by its name, which is the part behind the '@'.
    let node = Node::start_as("lab@lvm", &[PORTAL], TargetKind::Lio, &group, "thin").await;
    let database = format!("{}/replay/testdata/cinder/estate.mariadb.sql", env!("CARGO_MANIFEST_DIR"));
    let map = format!("cinder1@lvm#cinder-volumes=lab@lvm#{group}");
    let import = ["replay", "import-cinder", &database, "--map-host", &map, "--project", PROJECT];
    let plan = node.dev.json(&[import.as_slice(), &["--dry-run"]].concat()).await;
    lay(&group, plan["steps"].as_array().unwrap()).await;
    let bare = volumes(&group);
    assert!(bare.len() == 5 && bare.iter().all(|lv| lv.tags.is_empty()), "{bare:?}");

    // Some rows cannot be adopted, and that is a failure of the command; of those that were sent, none failed.
    let output = node.dev.stele(&[import.as_slice(), &["--json"]].concat()).await;
    let said = serde_json::Deserializer::from_slice(&output.stdout).into_iter::<Value>().next().unwrap().unwrap();
    assert_eq!((&said["sent"]["failed"], &said["sent"]["differing"]), (&json!([]), &json!([])), "{said}");

    // The same volumes: nothing was copied, and nothing else was made. One had the name that a migration by Cinder had
    // given it, and has that of its id now.
    let adopted = volumes(&group);
    assert!(adopted.iter().all(|lv| !lv.tags.is_empty()), "{adopted:?}");
    let shape = |all: &[Lv]| -> Vec<_> {
        all.iter().map(|lv| (lv.name.replace("-000000c2-", "-000000c1-"), lv.size_bytes)).collect()
    };
    assert_eq!(shape(&adopted), shape(&bare));
    node.dev.json(&["drift", "scan", "--wait"]).await;
    assert_eq!(node.dev.json(&["drift", "list"]).await["drifts"], json!([]));

    assert_eq!(read(&node, FREE, FREE.len()).await, FREE);
    let snapshots = node.dev.json(&["snapshot", "list", "--project", PROJECT]).await;
    let snapshots = snapshots["snapshots"].as_array().unwrap().iter();
    let of = snapshots.filter(|snapshot| snapshot["volume_id"] == WITH_SNAPSHOT).collect::<Vec<_>>();
    let create = ["volume", "create", "--project", PROJECT, "--wait", "--snapshot", of[0]["id"].as_str().unwrap()];
    let made = node.dev.json(&[create.as_slice(), &["--size", "2"]].concat()).await;
    let copy = made["id"].as_str().unwrap().to_owned();
    assert_eq!(read(&node, &copy, WITH_SNAPSHOT.len()).await, WITH_SNAPSHOT, "as it was when the snapshot was made");
    let device = PathBuf::from(format!("/dev/{group}/volume-{WITH_SNAPSHOT}"));
    assert_eq!(beginning(&device, LATER.len()), LATER);

    wait_for_no_export().await;
    assert_eq!(node.dev.json(&["replay", "verify"]).await["ok"], true);
    node.dev.stop().await;
    remove_all(&group).await;
}
