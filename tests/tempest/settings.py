"""Tempest's workspace and configuration for a cell whose only neighbour is Keystone."""

import json
import subprocess
import urllib.request

import results

CONFIGURATION = """\
[DEFAULT]
debug = true
log_file = {folder}/tempest.log
use_stderr = false

[auth]
use_dynamic_credentials = true
admin_username = admin
admin_password = {admin_password}
admin_project_name = admin
admin_domain_name = Default
create_isolated_networks = false

[identity]
auth_version = v3
uri_v3 = {keystone}
region = {region}

[service_available]
cinder = true
nova = false
swift = false
# There is neither. Without these lines whole classes are left out or fail before their first test, because a few of
# their tests want a network or an image; those few are not in expected.txt.
neutron = true
glance = true

# What only reads is done by a user with the role reader.
[enforce_scope]
cinder = true

[volume]
min_microversion = 3.0
max_microversion = latest
backend_names = {backends}
vendor_name = {vendor}
storage_protocol = {protocol}
build_timeout = 60
build_interval = 0

[volume-feature-enabled]
backup = false
snapshot = true
clone = true
multi_backend = true
manage_volume = false
manage_snapshot = false

# The type of a volume may say so; no compute service takes part.
[compute-feature-enabled]
volume_multiattach = true

# An interval of 0 above means "this one".
[compute]
build_interval = 0

[validation]
run_validation = false

[oslo_concurrency]
lock_path = {folder}/lock
"""


def make_workspace(folder, identity, url, tempest):
    """A Tempest workspace in `folder`, for the cell at `url`. Returns its path."""
    workspace = folder / "tempest"
    made = subprocess.run(
        [tempest, "init", "--name", str(folder.name), "--workspace-path", str(folder / "workspaces.yaml"), workspace],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
    )
    if made.returncode != 0:
        raise results.TempestFailed(f"tempest init: {made.stdout}{made.stderr}")
    pools = get_pools(identity, url)
    (workspace / "etc" / "tempest.conf").write_text(
        CONFIGURATION.format(
            folder=folder,
            admin_password=identity.admin_password,
            keystone=identity.url,
            region=identity.region,
            backends=",".join(sorted({pool["volume_backend_name"] for pool in pools})),
            vendor=pools[0]["vendor_name"],
            protocol=pools[0]["storage_protocol"],
        )
    )
    return workspace


def get_pools(identity, url):
    """The capabilities of the cell's pools: Tempest wants to know what types may ask for."""
    project = identity.call("GET", "/auth/projects")["projects"][0]["id"]
    request = urllib.request.Request(
        f"{url}/v3/{project}/scheduler-stats/get_pools?detail=True", headers={"X-Auth-Token": identity.token}
    )
    with urllib.request.urlopen(request, timeout=60) as answer:
        return [pool["capabilities"] for pool in json.load(answer)["pools"]]
