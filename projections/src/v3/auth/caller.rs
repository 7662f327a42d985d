use stele_core::command::Actor;
use stele_core::id::ProjectId;

/// The role that may everything.
pub const ADMIN_ROLE: &str = "admin";

/// The role of services such as Nova, whose token goes along with a user's.
pub const SERVICE_ROLE: &str = "service";

/// Who asks, as the authenticator found out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caller {
    /// The user's id.
    pub user_id: String,
    /// The user's name; the id where there is none.
    pub user_name: String,
    /// The project that the token is for. It is `admin`, the reserved one, only for callers with the admin role: so it
    /// may stand in the subject of a command as it is.
    pub project: ProjectId,
    /// The project's name; the id where there is none.
    pub project_name: String,
    /// The roles, with those that they imply.
    pub roles: Vec<String>,
    /// Whether the roles include admin.
    pub is_admin: bool,
    /// Whether a valid token of a service came with the request.
    pub is_service: bool,
}

impl Caller {
    /// A caller with the roles that `roles` imply; `None` for one who is no admin and comes for the reserved project.
    pub(super) fn new(user_id: String, project: ProjectId, roles: Vec<String>) -> Option<Self> {
        let roles = implied(roles);
        let is_admin = roles.iter().any(|role| role == ADMIN_ROLE);
        let admitted = is_admin || !project.is_admin();
        let (user_name, project_name) = (user_id.clone(), project.to_string());
        admitted.then_some(Self { user_id, user_name, project, project_name, roles, is_admin, is_service: false })
    }

    /// Whether the caller has a role.
    #[must_use]
    pub fn has_role(&self, role: &str) -> bool {
        self.roles.iter().any(|own| own == role)
    }

    /// Whether the caller may know of what belongs to a project.
    #[must_use]
    pub fn sees(&self, owner: &ProjectId) -> bool {
        self.is_admin || self.project == *owner
    }

    /// Who asks, for a command on the subjects of `subject`.
    #[must_use]
    pub fn actor(&self, subject: &ProjectId, request_id: &str) -> Actor {
        Actor {
            user: self.user_id.clone(),
            project: Some(subject.clone()),
            roles: self.roles.iter().take(ROLES_MAX).cloned().collect(),
            request_id: Some(request_id.to_owned()),
        }
    }

    /// A caller for tests.
    ///
    /// # Panics
    /// When the project is no project's name.
    #[cfg(test)]
    #[must_use]
    pub fn testing(project: &str, roles: &[&str]) -> Self {
        let roles = roles.iter().map(|&role| role.to_owned()).collect();
        Self::new(format!("user-{project}"), ProjectId::new(project).unwrap(), roles).unwrap()
    }
}

/// Keystone's default roles imply each other, and its tokens name them all. Tokens of a file need not.
fn implied(mut roles: Vec<String>) -> Vec<String> {
    for (role, implies) in [(ADMIN_ROLE, "member"), ("member", "reader")] {
        let has = |name: &str| roles.iter().any(|own| own == name);
        if has(role) && !has(implies) {
            roles.push(implies.to_owned());
        }
    }
    roles
}

/// As many roles as a command may name.
const ROLES_MAX: usize = 64;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn roles_imply_the_lesser_ones() {
        for (roles, expected) in [
            (vec![], vec![]),
            (vec!["reader"], vec!["reader"]),
            (vec!["member"], vec!["member", "reader"]),
            (vec!["admin", "reader"], vec!["admin", "reader", "member"]),
            (vec!["service"], vec!["service"]),
        ] {
            assert_eq!(Caller::testing("p", &roles).roles, expected, "{roles:?}");
        }
    }

    #[test]
    fn the_reserved_project_is_for_admins() {
        let admin = ProjectId::new("admin").unwrap();
        for (roles, admitted) in [(vec![], false), (vec!["member".to_owned()], false), (vec!["admin".to_owned()], true)]
        {
            assert_eq!(Caller::new("u".to_owned(), admin.clone(), roles).is_some(), admitted);
        }
    }

    #[test]
    fn only_an_admin_sees_what_another_project_has() {
        let other = ProjectId::new("q").unwrap();
        assert!(!Caller::testing("p", &["member"]).sees(&other));
        assert!(Caller::testing("p", &["member"]).sees(&ProjectId::new("p").unwrap()));
        assert!(Caller::testing("p", &["admin"]).sees(&other));
    }
}
