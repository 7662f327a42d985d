//! Reads what `lvs` and `vgs` print with `--reportformat json --units b --nosuffix`. Strict: output that is not
//! understood to the last value is an error, because a list that is shorter than the truth reads as "make it again".

use serde::Deserialize;
use serde::de::DeserializeOwned;

/// Why a report was not understood.
#[derive(Debug, thiserror::Error)]
pub(super) enum ReportError {
    /// Not the JSON that was asked for.
    #[error("{program} printed no report: {source}")]
    Json {
        program: &'static str,
        #[source]
        source: serde_json::Error,
    },
    /// Not exactly one report.
    #[error("{program} printed {sections} reports instead of one")]
    Sections { program: &'static str, sections: usize },
    /// A value that is not of its kind.
    #[error("{program} printed {text:?} as {column} of {name}")]
    Value { program: &'static str, name: String, column: &'static str, text: String },
}

/// A logical volume.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct LogicalVolume {
    pub(super) name: String,
    pub(super) size_bytes: u64,
    pub(super) kind: Kind,
    /// Its device exists.
    pub(super) active: bool,
    /// Something holds its device open.
    pub(super) open: bool,
    /// Of a pool: it zeroes each block before it gives it to a volume.
    pub(super) zeroes: bool,
    pub(super) tags: Vec<String>,
    /// The thin pool that it lies in.
    pub(super) pool: Option<String>,
    /// The volume that it was taken from, while that exists.
    pub(super) origin: Option<String>,
    /// Of a pool: how much of its data is used, in per cent.
    pub(super) data_percent: Option<f64>,
    /// Of a pool: how much of its metadata is used, in per cent.
    pub(super) metadata_percent: Option<f64>,
}

/// What the first character of `lv_attr` says, as far as it matters here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    ThinPool,
    /// A thick volume with snapshots that would go with it.
    Origin,
    /// A snapshot of a thick volume: it holds only what has changed since.
    Cow,
    Other,
}

/// A volume group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct VolumeGroup {
    pub(super) name: String,
    pub(super) size_bytes: u64,
    pub(super) free_bytes: u64,
    pub(super) lv_count: u64,
}

/// Reads the output of `lvs`.
pub(super) fn logical_volumes(stdout: &[u8]) -> Result<Vec<LogicalVolume>, ReportError> {
    let LvSection { lv } = section("lvs", stdout)?;
    lv.into_iter().map(logical_volume).collect()
}

/// Reads the output of `vgs`.
pub(super) fn volume_groups(stdout: &[u8]) -> Result<Vec<VolumeGroup>, ReportError> {
    let VgSection { vg } = section("vgs", stdout)?;
    vg.into_iter().map(volume_group).collect()
}

#[derive(Deserialize)]
struct Report<S> {
    report: Vec<S>,
}

#[derive(Deserialize)]
struct LvSection {
    lv: Vec<LvRow>,
}

#[derive(Deserialize)]
struct LvRow {
    lv_name: String,
    lv_size: String,
    lv_attr: String,
    lv_tags: String,
    origin: String,
    pool_lv: String,
    data_percent: String,
    metadata_percent: String,
}

/// Reads the names and UUIDs that `lvs` prints.
pub(super) fn uuids(stdout: &[u8]) -> Result<Vec<(String, String)>, ReportError> {
    let UuidSection { lv } = section("lvs", stdout)?;
    lv.into_iter()
        .map(|UuidRow { lv_name, lv_uuid }| {
            // It becomes part of a tag.
            if lv_uuid.is_empty() || !lv_uuid.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-') {
                return Err(ReportError::Value { program: "lvs", name: lv_name, column: "lv_uuid", text: lv_uuid });
            }
            Ok((lv_name, lv_uuid))
        })
        .collect()
}

#[derive(Deserialize)]
struct UuidSection {
    lv: Vec<UuidRow>,
}

#[derive(Deserialize)]
struct UuidRow {
    lv_name: String,
    lv_uuid: String,
}

#[derive(Deserialize)]
struct VgSection {
    vg: Vec<VgRow>,
}

#[derive(Deserialize)]
struct VgRow {
    vg_name: String,
    vg_size: String,
    vg_free: String,
    lv_count: String,
}

fn section<S: DeserializeOwned>(program: &'static str, stdout: &[u8]) -> Result<S, ReportError> {
    let Report { mut report } =
        serde_json::from_slice::<Report<S>>(stdout).map_err(|source| ReportError::Json { program, source })?;
    match (report.pop(), report.len()) {
        (Some(section), 0) => Ok(section),
        (last, others) => Err(ReportError::Sections { program, sections: others + usize::from(last.is_some()) }),
    }
}

fn logical_volume(row: LvRow) -> Result<LogicalVolume, ReportError> {
    let value = |column, text: &str| ReportError::Value {
        program: "lvs",
        name: row.lv_name.clone(),
        column,
        text: text.to_owned(),
    };
    let percent = |column, text: &str| match text {
        "" => Ok(None),
        text => match text.parse::<f64>() {
            Ok(percent) if (0.0..=100.0).contains(&percent) => Ok(Some(percent)),
            _ => Err(value(column, text)),
        },
    };
    // lvs(8), "lv_attr bits": 1 volume type, 5 state, 6 device open, 8 zeroing; 'X' stands for "could not be found out".
    let attr = row.lv_attr.as_bytes();
    let (Some(kind), Some(state), Some(open)) = (attr.first(), attr.get(4), attr.get(5)) else {
        return Err(value("lv_attr", &row.lv_attr));
    };
    if *state == b'X' || !matches!(open, b'o' | b'-') {
        return Err(value("lv_attr", &row.lv_attr));
    }
    Ok(LogicalVolume {
        size_bytes: row.lv_size.parse().map_err(|_| value("lv_size", &row.lv_size))?,
        kind: match kind {
            b't' => Kind::ThinPool,
            b'o' | b'O' => Kind::Origin,
            b's' | b'S' => Kind::Cow,
            _ => Kind::Other,
        },
        active: *state != b'-',
        open: *open == b'o',
        zeroes: attr.get(7) == Some(&b'z'),
        tags: row.lv_tags.split(',').filter(|tag| !tag.is_empty()).map(str::to_owned).collect(),
        pool: Some(row.pool_lv.clone()).filter(|pool| !pool.is_empty()),
        origin: Some(row.origin.clone()).filter(|origin| !origin.is_empty()),
        data_percent: percent("data_percent", &row.data_percent)?,
        metadata_percent: percent("metadata_percent", &row.metadata_percent)?,
        name: row.lv_name,
    })
}

fn volume_group(row: VgRow) -> Result<VolumeGroup, ReportError> {
    let number = |column, text: &str| {
        text.parse::<u64>().map_err(|_| ReportError::Value {
            program: "vgs",
            name: row.vg_name.clone(),
            column,
            text: text.to_owned(),
        })
    };
    Ok(VolumeGroup {
        size_bytes: number("vg_size", &row.vg_size)?,
        free_bytes: number("vg_free", &row.vg_free)?,
        lv_count: number("lv_count", &row.lv_count)?,
        name: row.vg_name,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    macro_rules! captured {
        ($name:literal) => {
            include_bytes!(concat!(env!("CARGO_MANIFEST_DIR"), "/testdata/lvm/", $name, ".json"))
        };
    }

    const THIN: &[u8] = captured!("lvs-thin");

    fn short(stdout: &[u8]) -> Vec<String> {
        let volumes = logical_volumes(stdout).unwrap();
        volumes
            .iter()
            .map(|lv| {
                let flags = [(lv.active, "active"), (lv.open, "open")];
                let flags: Vec<_> = flags.iter().filter(|(is, _)| *is).map(|(_, name)| *name).collect();
                let (kind, pool) = (lv.kind, lv.pool.as_deref().unwrap_or("-"));
                format!("{:.10} {} {kind:?} {} {pool} {}", lv.name, lv.size_bytes, flags.join("+"), lv.tags.len())
            })
            .collect()
    }

    #[test]
    fn captured_output_is_understood() {
        assert_eq!(
            short(THIN),
            [
                "odd2 1077936128 Other active vg-pool 0",
                "vg-pool 3858759680 ThinPool active+open - 0",
                "volume-6f1 2147483648 Other active+open vg-pool 2",
            ]
        );
        assert_eq!(short(captured!("lvs-thin-volume")), ["volume-6f1 1073741824 Other active vg-pool 2"]);
        assert_eq!(short(captured!("lvs-thick")), ["volume-7a2 1073741824 Other active - 2"]);
        assert_eq!(short(captured!("lvs-thick-inactive")), ["volume-7a2 1073741824 Other  - 2"]);
        assert_eq!(
            short(captured!("lvs-thick-origin")),
            ["_snapshot- 104857600 Cow active - 0", "volume-7a2 1073741824 Origin active - 2"]
        );
        for empty in [captured!("lvs-absent").as_slice(), captured!("lvs-empty").as_slice()] {
            assert_eq!(logical_volumes(empty).unwrap(), []);
        }
        let full = logical_volumes(captured!("lvs-thin-full")).unwrap();
        assert_eq!((full[0].data_percent, full[0].metadata_percent), (Some(96.88), Some(11.72)));
        assert_eq!(logical_volumes(captured!("lvs-hidden")).unwrap().len(), 5);
        let group = VolumeGroup { name: "vg".into(), size_bytes: 4_290_772_992, free_bytes: 423_624_704, lv_count: 2 };
        assert_eq!(volume_groups(captured!("vgs")).unwrap(), [group]);
        assert_eq!(volume_groups(captured!("vgs-empty")).unwrap()[0].lv_count, 0);
        assert_eq!(volume_groups(captured!("vgs-absent")).unwrap(), []);
    }

    #[test]
    fn output_cut_anywhere_is_an_error_and_never_a_shorter_list() {
        let end = THIN.iter().rposition(|b| *b == b'}').unwrap();
        for cut in 0..end {
            assert!(logical_volumes(&THIN[..cut]).is_err(), "cut at {cut}");
        }
    }

    #[test]
    fn uuids_are_read_as_strictly() {
        let text = r#"{"report":[{"lv":[{"lv_name":"a","lv_uuid":"UxVwX3-0aB1-cD2e-F3gH-4iJ5-kL6m-N7oP8q"}]}]}"#;
        let uuid = "UxVwX3-0aB1-cD2e-F3gH-4iJ5-kL6m-N7oP8q".to_owned();
        assert_eq!(uuids(text.as_bytes()).unwrap(), [("a".to_owned(), uuid)]);
        assert_eq!(uuids(br#"{"report":[{"lv":[]}]}"#).unwrap(), []);
        for bad in ["", "x,y", "x y", "x.y"] {
            let text = format!(r#"{{"report":[{{"lv":[{{"lv_name":"a","lv_uuid":"{bad}"}}]}}]}}"#);
            assert!(uuids(text.as_bytes()).is_err(), "{bad}");
        }
        assert!(uuids(br#"{"report":[{"lv":[{"lv_name":"a"}]}]}"#).is_err());
    }

    #[test]
    fn a_pool_says_whether_it_zeroes() {
        let pool = |text: &str| logical_volumes(text.as_bytes()).unwrap().into_iter().find(|lv| lv.name == "vg-pool");
        let text = std::str::from_utf8(THIN).unwrap();
        assert!(pool(text).unwrap().zeroes);
        assert!(!pool(&text.replacen("twi-aotz--", "twi-aot---", 1)).unwrap().zeroes);
    }

    #[test]
    fn what_is_not_understood_is_an_error() {
        for garbage in [
            "",
            "{}",
            "[]",
            "null",
            "  No volume groups found\n",
            r#"{"report":[]}"#,
            r#"{"report":[{}]}"#,
            r#"{"report":[{"vg":[]}]}"#,
            r#"{"report":[{"lv":null}]}"#,
            r#"{"report":[{"lv":[{}]}]}"#,
            r#"{"report":[{"lv":[]},{"lv":[]}]}"#,
        ] {
            assert!(logical_volumes(garbage.as_bytes()).is_err(), "{garbage}");
        }
        let text = std::str::from_utf8(THIN).unwrap();
        for (good, bad) in [
            ("\"3858759680\"", "\"3.59g\""),
            ("\"3858759680\"", "\"-1\""),
            ("\"3858759680\"", "3858759680"),
            ("twi-aotz--", "twi-"),
            ("twi-aotz--", ""),
            ("twi-aotz--", "twi-XXtz--"),
            ("\"data_percent\":\"0.00\"", "\"data_percent\":\"nan\""),
            ("\"data_percent\":\"0.00\"", "\"data_percent\":\"101\""),
            ("\"pool_lv\"", "\"pool\""),
        ] {
            let changed = text.replacen(good, bad, 1);
            assert_ne!(changed, text, "{good}");
            assert!(logical_volumes(changed.as_bytes()).is_err(), "{bad}");
        }
        let error = logical_volumes(text.replacen("3858759680", "3.59g", 1).as_bytes()).unwrap_err();
        assert_eq!(error.to_string(), "lvs printed \"3.59g\" as lv_size of vg-pool");
    }
}
