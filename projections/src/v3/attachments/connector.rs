use serde_json::{Map, Value};
use stele_core::task::Connector;

use crate::v3::fault::Fault;

/// A host as a client describes it.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Asked {
    /// What the storage nodes are told of it. What no driver needs is left out.
    pub(super) connector: Connector,
    /// Read-write or read-only, when it says so.
    pub(super) mode: Option<String>,
    /// Whether several paths are not only possible but demanded; it is told back.
    pub(super) enforce_multipath: bool,
}

/// Reads what os-brick's `get_connector_properties` gives.
///
/// # Errors
/// 400 for a value that cannot be one.
pub(super) fn read(map: &Map<String, Value>) -> Result<Asked, Fault> {
    let text = |key: &str| match map.get(key) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text.clone())),
        Some(_) => Err(Fault::invalid_input(format!("Connector has a {key} that is no text"))),
    };
    let truth = |key: &str| match map.get(key) {
        None | Some(Value::Null) => Ok(false),
        Some(Value::Bool(truth)) => Ok(*truth),
        Some(_) => Err(Fault::invalid_input(format!("Connector has a {key} that is neither true nor false"))),
    };
    // Cinder's older clients write a mode that they do not know as a text, too.
    let mode = text("mode")?.filter(|mode| !matches!(mode.as_str(), "null" | "None" | ""));
    if mode.as_deref().is_some_and(|mode| mode != "rw" && mode != "ro") {
        return Err(Fault::invalid_input("Connector has a mode that is neither rw nor ro"));
    }
    Ok(Asked {
        connector: Connector {
            host: text("host")?,
            initiator: text("initiator")?,
            ip: text("ip")?,
            platform: text("platform")?,
            os_type: text("os_type")?,
            multipath: truth("multipath")?,
            mountpoint: text("mountpoint")?,
        },
        mode,
        enforce_multipath: truth("enforce_multipath")?,
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_host_is_read_as_os_brick_describes_it() {
        let given = json!({
            "host": "compute-1", "initiator": "iqn.1993-08.org.debian:01:cad181614cec", "ip": "192.168.1.20",
            "platform": "x86_64", "os_type": "linux2", "multipath": true, "enforce_multipath": true,
            "do_local_attach": false, "system uuid": "c9d0", "wwpns": ["1", "2"], "mode": "ro",
            "mountpoint": "/dev/vdb", "nvme_native_multipath": false,
        });
        let read = read(given.as_object().unwrap()).unwrap();
        assert_eq!(read.connector.host.as_deref(), Some("compute-1"));
        assert_eq!(read.connector.mountpoint.as_deref(), Some("/dev/vdb"));
        assert!(read.connector.multipath && read.enforce_multipath);
        assert_eq!(read.mode.as_deref(), Some("ro"));
    }

    #[test]
    fn what_cannot_be_is_refused_and_nothing_is_nothing() {
        for (given, fits) in [
            (json!({}), true),
            (json!({"host": null, "multipath": null, "mode": "null"}), true),
            (json!({"mode": "None"}), true),
            (json!({"host": 1}), false),
            (json!({"initiator": ["a"]}), false),
            (json!({"multipath": "yes"}), false),
            (json!({"mode": "wr"}), false),
        ] {
            assert_eq!(read(given.as_object().unwrap()).is_ok(), fits, "{given}");
        }
    }
}
