//! The last report of one pool.

use std::borrow::Cow;

use serde::{Deserialize, Serialize, Serializer};

use super::capability::{Amount, Capabilities, Capability, Ratio, is_computable};

/// What a pool last reported. Capacities are GiB; "gb" is Cinder's name for them.
///
/// The fields that the scheduler computes with are typed; all else that the backend says (volume_backend_name,
/// storage_protocol, multiattach, ...) stands in `capabilities`. Reading refuses unknown fields, numbers outside 0 to
/// 2^53, a reserve or a fill above 100 % and a capability that takes the name of a typed field.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Reported")]
pub struct PoolStats {
    /// All that the pool can hold without over-subscription.
    pub total_capacity_gb: Amount,
    /// What is free now. `None` when the backend could not tell that it has any: no volume goes there.
    pub free_capacity_gb: Option<Amount>,
    /// The sum of the sizes promised. A report without it means `allocated_capacity_gb`, else 0, as in Cinder.
    #[serde(serialize_with = "as_option")]
    pub provisioned_capacity_gb: f64,
    /// The sum of the sizes of the volumes that the control plane made there, if the backend keeps it.
    pub allocated_capacity_gb: Option<f64>,
    /// How often a thin pool may promise its capacity. `None` and 0 mean the scheduler's default.
    pub max_over_subscription_ratio: Option<Ratio>,
    /// Per cent of the total that stays unpromised, 0 to 100.
    pub reserved_percentage: u32,
    /// Whether space is taken only as it is written.
    pub thin_provisioning_support: bool,
    /// Whether space can be taken at once.
    pub thick_provisioning_support: bool,
    /// The number of volumes in the pool.
    pub total_volumes: Option<u64>,
    /// How full the data of a thin pool are, in per cent; `None` for a pool that is none.
    pub data_percent: Option<f64>,
    /// How full the metadata of a thin pool are, in per cent.
    pub metadata_percent: Option<f64>,
    /// Above this the pool takes nothing new, in per cent of its data; `None` means no limit.
    pub data_percent_max: Option<u32>,
    /// Above this the pool takes nothing new, in per cent of its metadata; `None` means no limit.
    pub metadata_percent_max: Option<u32>,
    /// All other reported capabilities.
    pub capabilities: Capabilities,
}

impl PoolStats {
    /// A pool that reported its capacities and nothing else: nothing provisioned, neither thin nor thick, no reserve.
    #[must_use]
    pub fn new(total_capacity_gb: Amount, free_capacity_gb: Option<Amount>) -> Self {
        Self {
            total_capacity_gb,
            free_capacity_gb,
            provisioned_capacity_gb: 0.0,
            allocated_capacity_gb: None,
            max_over_subscription_ratio: None,
            reserved_percentage: 0,
            thin_provisioning_support: false,
            thick_provisioning_support: false,
            total_volumes: None,
            data_percent: None,
            metadata_percent: None,
            data_percent_max: None,
            metadata_percent_max: None,
            capabilities: Capabilities::new(),
        }
    }

    /// All that was reported, by name, for extra specs.
    #[must_use]
    pub fn capabilities_view(&self) -> CapabilitiesView<'_> {
        CapabilitiesView { stats: self, allocated_gib: None }
    }
}

/// The typed fields and the other capabilities of a pool under one roof, as the CapabilitiesFilter sees them.
#[derive(Debug, Clone, Copy)]
pub struct CapabilitiesView<'a> {
    stats: &'a PoolStats,
    allocated_gib: Option<u64>,
}

impl<'a> CapabilitiesView<'a> {
    /// Answers `allocated_capacity_gb` with the control plane's own sum where the backend reports none.
    #[must_use]
    pub fn or_allocated_gib(self, allocated_gib: u64) -> Self {
        Self { allocated_gib: Some(allocated_gib), ..self }
    }

    /// The capability of this name, `None` when it was not reported.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<Cow<'a, Capability>> {
        let stats = self.stats;
        let typed = match name {
            "total_capacity_gb" => stats.total_capacity_gb.to_capability(),
            "free_capacity_gb" => stats.free_capacity_gb?.to_capability(),
            "provisioned_capacity_gb" => Capability::Float(stats.provisioned_capacity_gb),
            "allocated_capacity_gb" => match (stats.allocated_capacity_gb, self.allocated_gib) {
                (Some(reported), _) => Capability::Float(reported),
                (None, own) => whole_number(own?),
            },
            "max_over_subscription_ratio" => match stats.max_over_subscription_ratio? {
                Ratio::Number(ratio) => Capability::Float(ratio),
                Ratio::Auto => Capability::Text("auto".into()),
            },
            "reserved_percentage" => Capability::Int(stats.reserved_percentage.into()),
            "thin_provisioning_support" => Capability::Bool(stats.thin_provisioning_support),
            "thick_provisioning_support" => Capability::Bool(stats.thick_provisioning_support),
            "total_volumes" => whole_number(stats.total_volumes?),
            "data_percent" if stats.data_percent.is_some() => Capability::Float(stats.data_percent?),
            "metadata_percent" if stats.metadata_percent.is_some() => Capability::Float(stats.metadata_percent?),
            "data_percent_max" => Capability::Int(stats.data_percent_max?.into()),
            "metadata_percent_max" => Capability::Int(stats.metadata_percent_max?.into()),
            other => return stats.capabilities.get(other).map(Cow::Borrowed),
        };
        Some(Cow::Owned(typed))
    }
}

fn whole_number(value: u64) -> Capability {
    Capability::Int(i64::try_from(value).unwrap_or(i64::MAX))
}

/// The names that may not stand in `capabilities`, because they have a field. `data_percent` and `metadata_percent` may:
/// in reports of older workers they do.
const TYPED_FIELDS: [&str; 11] = [
    "total_capacity_gb",
    "free_capacity_gb",
    "provisioned_capacity_gb",
    "allocated_capacity_gb",
    "max_over_subscription_ratio",
    "reserved_percentage",
    "thin_provisioning_support",
    "thick_provisioning_support",
    "total_volumes",
    "data_percent_max",
    "metadata_percent_max",
];

/// The stored form: the fields of [`PoolStats`] in the same order, with what a report may leave out.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Reported {
    total_capacity_gb: Amount,
    #[serde(default)]
    free_capacity_gb: Option<Amount>,
    #[serde(default)]
    provisioned_capacity_gb: Option<f64>,
    #[serde(default)]
    allocated_capacity_gb: Option<f64>,
    #[serde(default)]
    max_over_subscription_ratio: Option<Ratio>,
    #[serde(default)]
    reserved_percentage: u32,
    #[serde(default)]
    thin_provisioning_support: bool,
    #[serde(default)]
    thick_provisioning_support: bool,
    #[serde(default)]
    total_volumes: Option<u64>,
    #[serde(default)]
    data_percent: Option<f64>,
    #[serde(default)]
    metadata_percent: Option<f64>,
    #[serde(default)]
    data_percent_max: Option<u32>,
    #[serde(default)]
    metadata_percent_max: Option<u32>,
    #[serde(default)]
    capabilities: Capabilities,
}

fn as_option<S: Serializer>(value: &f64, serializer: S) -> Result<S::Ok, S::Error> {
    Some(value).serialize(serializer)
}

/// Why a report was not accepted.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
enum InvalidStats {
    #[error("{field} is {gib} GiB: it must be a number from 0 to 2^53")]
    Capacity { field: &'static str, gib: f64 },
    #[error("{field} is {percent}: it must be from 0 to 100")]
    Percent { field: &'static str, percent: f64 },
    #[error("{0} has its own field and cannot stand in capabilities")]
    TypedField(&'static str),
}

impl TryFrom<Reported> for PoolStats {
    type Error = InvalidStats;

    fn try_from(reported: Reported) -> Result<Self, InvalidStats> {
        for (field, value) in [
            ("provisioned_capacity_gb", reported.provisioned_capacity_gb),
            ("allocated_capacity_gb", reported.allocated_capacity_gb),
        ] {
            if let Some(gib) = value.filter(|gib| !is_computable(*gib)) {
                return Err(InvalidStats::Capacity { field, gib });
            }
        }
        for (field, value) in [
            ("reserved_percentage", Some(f64::from(reported.reserved_percentage))),
            ("data_percent", reported.data_percent),
            ("metadata_percent", reported.metadata_percent),
            ("data_percent_max", reported.data_percent_max.map(f64::from)),
            ("metadata_percent_max", reported.metadata_percent_max.map(f64::from)),
        ] {
            if let Some(percent) = value.filter(|percent| !(0.0..=100.0).contains(percent)) {
                return Err(InvalidStats::Percent { field, percent });
            }
        }
        if let Some(name) = TYPED_FIELDS.into_iter().find(|name| reported.capabilities.contains_key(*name)) {
            return Err(InvalidStats::TypedField(name));
        }
        Ok(Self {
            total_capacity_gb: reported.total_capacity_gb,
            free_capacity_gb: reported.free_capacity_gb,
            provisioned_capacity_gb: reported.provisioned_capacity_gb.or(reported.allocated_capacity_gb).unwrap_or(0.0),
            allocated_capacity_gb: reported.allocated_capacity_gb,
            max_over_subscription_ratio: reported.max_over_subscription_ratio,
            reserved_percentage: reported.reserved_percentage,
            thin_provisioning_support: reported.thin_provisioning_support,
            thick_provisioning_support: reported.thick_provisioning_support,
            total_volumes: reported.total_volumes,
            data_percent: reported.data_percent,
            metadata_percent: reported.metadata_percent,
            data_percent_max: reported.data_percent_max,
            metadata_percent_max: reported.metadata_percent_max,
            capabilities: reported.capabilities,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_survives_json_and_bincode() {
        let text = r#"{"total_capacity_gb":76.5,"free_capacity_gb":"unknown","provisioned_capacity_gb":3.0,
            "max_over_subscription_ratio":"auto","reserved_percentage":5,"thin_provisioning_support":true,
            "total_volumes":4,"data_percent":96.12,"metadata_percent":null,"data_percent_max":95,"capabilities":{"storage_protocol":["iSCSI","iscsi"],"nested":{"a":[1,2.5,null]}}}"#;
        let stats: PoolStats = serde_json::from_str(text).unwrap();
        let json = serde_json::to_string(&stats).unwrap();
        assert_eq!(serde_json::from_str::<PoolStats>(&json).unwrap(), stats);
        let bytes = bincode::serde::encode_to_vec(&stats, bincode::config::standard()).unwrap();
        let (back, read): (PoolStats, usize) =
            bincode::serde::decode_from_slice(&bytes, bincode::config::standard()).unwrap();
        assert_eq!((back, read), (stats, bytes.len()));
    }

    #[test]
    fn provisioned_falls_back_to_allocated() {
        let stats: PoolStats =
            serde_json::from_str(r#"{"total_capacity_gb":10,"free_capacity_gb":5,"allocated_capacity_gb":4}"#).unwrap();
        assert_eq!(stats.provisioned_capacity_gb.to_bits(), 4.0_f64.to_bits());
    }

    #[test]
    fn nonsense_is_refused_with_its_name() {
        for (rest, error) in [
            (
                r#""provisioned_capacity_gb":-1"#,
                "provisioned_capacity_gb is -1 GiB: it must be a number from 0 to 2^53",
            ),
            (r#""reserved_percentage":101"#, "reserved_percentage is 101: it must be from 0 to 100"),
            (r#""data_percent":100.5"#, "data_percent is 100.5: it must be from 0 to 100"),
            (r#""metadata_percent_max":101"#, "metadata_percent_max is 101: it must be from 0 to 100"),
            (r#""capabilities":{"total_volumes":1}"#, "total_volumes has its own field and cannot stand in"),
            (r#""free_capacity_gb":-2"#, "a capacity is a number of GiB from 0 to 2^53"),
            (r#""vendor_name":"x""#, "unknown field `vendor_name`"),
        ] {
            let text = format!(r#"{{"total_capacity_gb":10,{rest}}}"#);
            let got = serde_json::from_str::<PoolStats>(&text).unwrap_err().to_string();
            assert!(got.contains(error), "{got}");
        }
    }

    #[test]
    fn every_name_can_be_asked_for() {
        let mut stats = PoolStats::new(Amount::Number(10.0), Some(Amount::Infinite));
        stats.capabilities.insert("vendor_name".into(), Capability::Text("Open Source".into()));
        let view = stats.capabilities_view().or_allocated_gib(7);
        let shown = |name: &str| view.get(name).map(|value| value.to_string());
        assert_eq!(shown("total_capacity_gb").as_deref(), Some("10.0"));
        assert_eq!(shown("free_capacity_gb").as_deref(), Some("\"infinite\""));
        assert_eq!(shown("allocated_capacity_gb").as_deref(), Some("7"));
        assert_eq!(shown("max_over_subscription_ratio"), None);
        assert_eq!(shown("thin_provisioning_support").as_deref(), Some("false"));
        assert_eq!(shown("vendor_name").as_deref(), Some("\"Open Source\""));
        assert_eq!(shown("vendor"), None);
        // An older worker says it among the capabilities.
        assert_eq!(shown("data_percent"), None);
        stats.capabilities.insert("data_percent".into(), Capability::Float(1.5));
        let of = |stats: &PoolStats, name| stats.capabilities_view().get(name).map(|value| value.to_string());
        assert_eq!(of(&stats, "data_percent").as_deref(), Some("1.5"));
        (stats.data_percent, stats.data_percent_max) = (Some(96.25), Some(95));
        assert_eq!(of(&stats, "data_percent").as_deref(), Some("96.25"));
        assert_eq!(of(&stats, "data_percent_max").as_deref(), Some("95"));
        for name in TYPED_FIELDS {
            assert!(!stats.capabilities.contains_key(name));
        }
    }
}
