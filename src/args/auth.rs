use std::path::PathBuf;

use clap::{Args, ValueEnum};
use serde::{Deserialize, Serialize};

/// Whom an API answers (`docs/authentication.md`).
#[derive(Debug, Clone, Default, Args)]
pub struct Auth {
    /// How callers prove who they are
    #[arg(long = "auth", env = "STELE_AUTH", value_name = "METHOD")]
    pub method: Option<AuthMethod>,
    /// The file with the tokens, for `static`
    #[arg(long = "auth-tokens", value_name = "FILE")]
    pub tokens_file: Option<PathBuf>,
    /// With `noauth`: listen on addresses that others reach, and let everybody who does be an admin
    #[arg(long = "auth-noauth-anywhere")]
    pub noauth_anywhere: bool,
    /// Where Keystone is, such as https://keystone.example:5000/v3
    #[arg(long, value_name = "URL")]
    pub keystone_url: Option<String>,
    /// The user as whom Stele asks Keystone about tokens
    #[arg(long, value_name = "USER")]
    pub keystone_user: Option<String>,
    /// The file that holds this user's password
    #[arg(long, value_name = "FILE")]
    pub keystone_password_file: Option<PathBuf>,
    /// The project of this user, usually `service`
    #[arg(long, value_name = "PROJECT")]
    pub keystone_project: Option<String>,
    /// The domain of this user [default: Default]
    #[arg(long, value_name = "DOMAIN")]
    pub keystone_user_domain: Option<String>,
    /// The domain of this project [default: Default]
    #[arg(long, value_name = "DOMAIN")]
    pub keystone_project_domain: Option<String>,
    /// The certificates (PEM) that Keystone's own is checked against, instead of the public ones
    #[arg(long, value_name = "FILE")]
    pub keystone_ca_file: Option<PathBuf>,
}

/// How callers prove who they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum AuthMethod {
    /// Not at all: everybody is an admin.
    #[value(name = "noauth")]
    NoAuth,
    /// By a token that stands in a file.
    #[value(name = "static")]
    Static,
    /// By a token of Keystone.
    #[value(name = "keystone")]
    Keystone,
}
