//! Attachments: a host's session stays on the target that Cinder made; here the volume is only kept for it.

use std::collections::BTreeMap;

use serde_json::json;
use stele_core::id::ADMIN_PROJECT;

use super::storage::{Reason, uuid};
use super::{About, LeftCode, Planner, Stage, Step};
use crate::cinder::estate::Attachment;

/// For whom a volume is kept already, while its attachments are planned.
#[derive(Default)]
struct Kept<'a> {
    /// The first one and its id.
    first: Option<(&'a str, &'a Attachment)>,
    /// The servers.
    servers: Vec<&'a str>,
    /// The first one is said to be in use.
    in_use: bool,
}

impl Planner<'_> {
    pub(super) fn attachments(&mut self) {
        let mut of_volumes: BTreeMap<&str, Vec<(&str, &Attachment)>> = BTreeMap::new();
        for (id, attachment) in &self.estate.attachments {
            if !matches!(attachment.status.as_str(), "detached" | "deleted") {
                of_volumes.entry(&attachment.volume).or_default().push((id, attachment));
            }
        }
        for (volume, mut attachments) in of_volumes {
            // Those of a volume that is gone are leftovers; nobody can see them in Cinder either.
            let Some(found) = self.estate.volumes.get(volume).filter(|found| self.wants(&found.project)) else {
                continue;
            };
            // Only a volume that somebody uses is kept for others as well.
            attachments.sort_by_key(|(_, attachment)| attachment.status != "attached");
            let (is_shared, mut kept) = (self.is_shared(found), Kept::default());
            for (id, attachment) in attachments {
                let adopted = match self.attachment((id, attachment), is_shared, &mut kept) {
                    Ok(adopted) => adopted,
                    Err((code, why)) => {
                        self.leave("attachment", (id, &found.project, &found.name), code, why);
                        false
                    }
                };
                self.count("attachment", adopted);
            }
        }
    }

    fn attachment<'a>(
        &mut self,
        (id, attachment): (&'a str, &'a Attachment),
        is_shared: bool,
        kept: &mut Kept<'a>,
    ) -> Result<bool, Reason> {
        let (uuid, volume) = (uuid(id)?, &attachment.volume);
        if !self.volumes.contains(volume) {
            return Err((LeftCode::Orphan, format!("its volume {volume} is not adopted")));
        }
        let user = user(attachment);
        if !matches!(attachment.status.as_str(), "attached" | "reserved" | "attaching") {
            return Err((
                LeftCode::Underway,
                format!("it is {}: {user} is to attach volume {volume} again", attachment.status),
            ));
        }
        let same_server = attachment.instance.as_deref().is_some_and(|server| kept.servers.contains(&server));
        let stage = match kept.first {
            None => Stage::Attachments,
            Some(_) if same_server => Stage::Further,
            Some(first) => {
                self.in_use(first, is_shared, kept).map_err(|why| {
                    let why =
                        format!("volume {volume} is kept for another server, and {why}: {user} is to attach it again");
                    (LeftCode::SeveralAttachments, why)
                })?;
                Stage::Further
            }
        };
        let mode = attachment.mode.as_deref().filter(|mode| matches!(*mode, "ro" | "rw"));
        let content = json!({"id": uuid, "volume": volume, "instance": attachment.instance, "mode": mode});
        // On the subjects of `admin`: as Nova's own, which nobody else can end.
        let step = Step::new(stage, ADMIN_PROJECT, ("attachment", "create"), content);
        let step = step.about(About::Other, format!("volume {volume} is kept for {user}"));
        if !self.add(step, "attachment", (id, "", volume)) {
            return Ok(false);
        }
        kept.first.get_or_insert((id, attachment));
        kept.servers.extend(attachment.instance.as_deref());
        Ok(true)
    }

    /// A volume takes further servers while one uses it: the first one that does in Cinder is said to, once.
    fn in_use(
        &mut self,
        (id, first): (&str, &Attachment),
        is_shared: bool,
        kept: &mut Kept<'_>,
    ) -> Result<(), &'static str> {
        if !is_shared {
            return Err("its type is not for several here");
        }
        if first.status != "attached" {
            return Err("until that one uses it, for no other");
        }
        if !std::mem::replace(&mut kept.in_use, true) {
            let step = Step::new(Stage::InUse, ADMIN_PROJECT, ("attachment", "complete"), json!({"id": id}));
            let what = format!("{} uses volume {}, which others have too", user(first), first.volume);
            self.add(step.about(About::Other, what), "attachment", (id, "", &first.volume));
        }
        Ok(())
    }
}

fn user(attachment: &Attachment) -> &str {
    attachment.instance.as_deref().or(attachment.host.as_deref()).unwrap_or("nobody")
}
