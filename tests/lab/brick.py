"""os-brick, which makes volumes devices of Nova's and Cinder's hosts, by one JSON object a line.

stdin   {"do": "connector", "multipath": false}                         stdout   {"done": {...}}
        {"do": "connect" | "extend" | "disconnect", "info": {...}, "device": {...}}  {"failed": "..."}
"""

import json
import logging
import os
import sys

import os_brick
from os_brick import privileged
from os_brick.initiator import connector
from oslo_config import cfg

# What os-brick would have a daemon do as root is done here: this is root.
for context in (privileged.default, privileged.brick_privsep_hide_output):
    context.set_client_mode(False)


def answer(request):
    """What comes of a request."""
    do, info = request["do"], request.get("info")
    multipath = request.get("multipath", False)
    if do == "connector":
        return connector.get_connector_properties("", "127.0.0.1", multipath, multipath)
    initiator = connector.InitiatorConnector.factory(
        info["driver_volume_type"], "", use_multipath=multipath, device_scan_attempts=5)
    if do == "connect":
        return initiator.connect_volume(info)
    if do == "extend":
        return initiator.extend_volume(info)
    if do == "disconnect":
        return initiator.disconnect_volume(info, request["device"])
    raise ValueError(do)


def main():
    # Only the answers: whatever else is printed goes where logs go.
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    logging.basicConfig(level=os.environ.get("STELE_LAB_BRICK_LOG", "ERROR"))
    cfg.CONF([], project="lab", default_config_files=[])
    cfg.CONF.set_override("lock_path", sys.argv[1], "oslo_concurrency")
    os_brick.setup(cfg.CONF)
    for line in sys.stdin:
        try:
            told = {"done": answer(json.loads(line))}
        except Exception as error:
            logging.exception("os-brick")
            told = {"failed": f"{type(error).__name__}: {error}"}
        print(json.dumps(told), file=answers, flush=True)


main()
